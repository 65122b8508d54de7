//! `Gem::Dependency`: another gem that this one needs, to run or to be developed.

use events::name::GemName;
use serde::{Deserialize, Serialize};

use super::requirement::Requirement;

/// A gem needed by a gem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The needed gem.
    pub name: GemName,
    /// What it is needed for.
    pub kind: Kind,
    /// Which of its versions will do.
    pub requirement: Requirement,
}

/// What a dependency is needed for; Ruby's symbols `:runtime` and `:development`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Needed by whoever works on the gem; not installed with it.
    Development,
    /// Needed by whoever uses the gem.
    Runtime,
}

impl Kind {
    /// Ruby's symbol without its colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Runtime => "runtime",
        }
    }
}
