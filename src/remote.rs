//! Somebody else's ledger, read from outside: its checkpoint, tiles and entries (c2sp.org/tlog-tiles), none of it trusted
//! before it has been held against what the ledger signed.
//!
//! | room | what it is for |
//! |---|---|
//! | [`client`] | HTTP, bounded in time and size, patient with servers that are busy |
//! | [`folder`] | the same files in a folder: a mirror, or a copy that is kept |
//! | [`source`] | either of them: the bytes behind a name |
//! | [`checked`] | bytes that were checked, from a kept copy where it has them |
//! | [`ledger`] | whose log it is: the verification key and signed checkpoints |
//! | [`tree`] | verified tiles, and the proofs that are made of them |
//! | [`leaves`] | verified leaves, page by page, fetched ahead |
//! | [`seen`] | the last tree seen: what a ledger may only ever add to |
//!
//! An error is either the reader's trouble ([`RemoteError::Unreachable`] and its like: nothing can be told) or a
//! [`Lie`]: what was served does not fit what was signed, and that is evidence against the ledger.
mod checked;
pub mod client;
pub mod folder;
pub mod leaves;
pub mod ledger;
pub mod seen;
pub mod source;
pub mod tree;

pub use self::{
    client::{Credential, HttpClient, Settings},
    folder::TileFolder,
    leaves::Page,
    ledger::{Ledger, Signed},
    seen::{Advance, LastSeen, SeenError},
    source::{Name, Source},
    tree::Tree,
};

/// Why something of a remote ledger could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The address cannot be asked.
    #[error("{address} cannot be asked: {reason}")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nobody answered, or not in time, however often it was tried.
    #[error("{what} did not answer: {reason}")]
    Unreachable {
        /// The address.
        what: String,
        /// The last attempt's error.
        reason: String,
    },
    /// An answer that is neither what was asked for nor "there is no such thing".
    #[error("{what} answered {status}")]
    Status {
        /// The address.
        what: String,
        /// The HTTP status.
        status: u16,
    },
    /// A file of a folder of tiles could not be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// The tree that was signed does not reach this far.
    #[error("log index {index} is not in the tree of {size} leaves")]
    Beyond {
        /// The log index asked for.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// No verification key was given, and the ledger shows none.
    #[error("{0} shows no verification key")]
    NoKey(String),
    /// What was given or shown as the verification key is none.
    #[error("the verification key of {what}: {reason}")]
    Key {
        /// Whose.
        what: String,
        /// What is wrong with it.
        reason: tlog::KeyError,
    },
    /// Proof against the ledger.
    #[error(transparent)]
    Lie(#[from] Lie),
}

impl RemoteError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Status {
                status: 401 | 403, ..
            } => Some(
                "a private ledger is read with an API key of the scope `read`: set GEMLEDGER_API_KEY",
            ),
            Self::Address { .. } => Some(
                "give the registry's address, such as https://gems.example.com, or a folder of tiles",
            ),
            Self::NoKey(_) => Some("give it: --key VKEY"),
            Self::Unreachable { .. }
            | Self::Status { .. }
            | Self::File { .. }
            | Self::Beyond { .. }
            | Self::Key { .. }
            | Self::Lie(_) => None,
        }
    }
}

/// Something that an honest ledger does not serve. The code is stable; the message says what was expected and found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Lie {
    /// A stable name, one of those in [`codes`].
    pub code: &'static str,
    /// The log index that it is about, if it is about one.
    pub index: Option<u64>,
    /// One sentence.
    pub message: String,
}

impl Lie {
    pub(crate) fn new(code: &'static str, message: String) -> Self {
        Self {
            code,
            index: None,
            message,
        }
    }
}

/// The stable names of lies.
pub mod codes {
    /// The checkpoint is no signed note, or no checkpoint.
    pub const CHECKPOINT_MALFORMED: &str = "checkpoint_malformed";
    /// The checkpoint is not signed by the ledger's key.
    pub const CHECKPOINT_FORGED: &str = "checkpoint_forged";
    /// A known witness's line on the checkpoint is not its signature.
    pub const COSIGNATURE_WRONG: &str = "cosignature_wrong";
    /// A tile that the signed tree must have is not served.
    pub const TILE_MISSING: &str = "tile_missing";
    /// The tiles do not give the signed root.
    pub const TILE_WRONG: &str = "tile_wrong";
    /// Entries that the signed tree must have are not served.
    pub const ENTRIES_MISSING: &str = "entries_missing";
    /// Bytes that are no bundle of the entries that the signed tree has.
    pub const ENTRIES_MALFORMED: &str = "entries_malformed";
    /// A leaf is not the one that the signed tree has at its place.
    pub const LEAF_WRONG: &str = "leaf_wrong";
    /// An answer that is longer than any honest one.
    pub const TOO_LONG: &str = "answer_too_long";
    /// The tree is smaller than one that was signed before.
    pub const TREE_SMALLER: &str = "tree_smaller";
    /// The tree is not a continuation of one that was signed before.
    pub const TREE_FORKED: &str = "tree_forked";
    /// The ledger signs with another key, or under another origin, than before.
    pub const LEDGER_CHANGED: &str = "ledger_changed";
}
