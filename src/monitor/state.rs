//! What is remembered from one look to the next: the last tree, how far findings were told, which keys providers showed.
use std::{collections::BTreeMap, path::Path};

use events::text::Slug;
use serde::{Deserialize, Serialize};

use super::providers::Shown;
use crate::remote::{
    LastSeen, SeenError,
    seen::{read, write},
};

/// The state file of a monitor. What the rules remember is not in it: the log is read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The last tree seen.
    #[serde(flatten)]
    pub seen: LastSeen,
    /// What is notable is told from this log index on: the ledger's size at the first look.
    pub baseline: u64,
    /// Findings before this log index were told.
    pub told: u64,
    /// The keys that the providers showed.
    #[serde(default)]
    pub providers: BTreeMap<Slug, Shown>,
}

impl State {
    /// Reads the state; `None` before the first look.
    pub fn read(path: &Path) -> Result<Option<Self>, SeenError> {
        read(path)
    }

    /// Writes the state. When this returns, it is on disk.
    pub fn write(&self, path: &Path) -> Result<(), SeenError> {
        write(path, self)
    }
}
