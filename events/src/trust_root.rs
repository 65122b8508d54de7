//! Trust roots: which certificate authorities, logs and timestamp authorities may vouch for a build, and for whose jobs.
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::{digest::Digest, text::Text};

/// The evidence that a bundle must bring. What is not required is not counted, even if it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requires {
    /// An entry in the transparency log. Without it, nobody else can see that something was signed.
    pub log: bool,
    /// A signed certificate timestamp: the certificate itself was logged.
    pub sct: bool,
    /// A signed timestamp.
    pub timestamp: bool,
}

impl Requires {
    /// What bundles of the public-good instance have: a log entry and a signed certificate timestamp.
    pub const LOGGED: Self = Self {
        log: true,
        sct: true,
        timestamp: false,
    };

    /// What bundles of GitHub's own instance have: a timestamp, and no log. A weaker class: nobody else can see what was
    /// signed, or that it was.
    pub const TIMESTAMPED: Self = Self {
        log: false,
        sct: false,
        timestamp: true,
    };
}

/// The TUF repository that a trust root is refreshed from, and where trust in it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// SHA-256 of the root metadata with which trust in it began.
    pub bootstrap: Digest,
    /// Its address.
    pub url: Text,
}

/// Data of `trust_root.recorded`: from here on, bundles of these issuers' jobs are verified with this trust root. The
/// event's revision is its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// SHA-256 of the `trusted_root.json`, which is kept as it was given.
    pub digest: Digest,
    /// Issuers whose jobs it vouches for, in ascending order, each once, at least one.
    pub issuers: Vec<Text>,
    /// Its log is read by everybody: whoever signs for a private repository there publishes its name.
    pub public: bool,
    /// The TUF repository that it came from; absent if it was given as a file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repository: Option<Repository>,
    /// The evidence that a bundle must bring.
    pub requires: Requires,
    /// Size of the `trusted_root.json` in bytes.
    pub size: u64,
}

/// Data of `trust_root.retired`: no bundle is verified with it any more, until it is recorded again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retired {}
