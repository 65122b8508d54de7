//! The store: the log and everything that is written with it, on any database.
//!
//! It knows events, tiles and rows. It has no opinion: what is decided comes in closures, on states it keeps for them.
//!
//! | room | what it does |
//! |---|---|
//! | [`writer`] | group commit: the one place where order is made |
//! | [`states`] | the states that decisions read, folded once and then advanced |
//! | [`sink`] | row writes as SQL, one text for every database |
//! | [`sqlite`], [`memory`] | what truly differs between databases |
//! | [`anchor`] | the last signed checkpoint, outside the database |
//! | [`cosignatures`] | what witnesses answered |
//! | [`halt`] | the reason why nothing is appended any more, until a person looked |
//! | [`keys`], [`statement_keys`] | the signing keys: of the log, and of the registry's statements |
//! | [`vault`] | sealed values and the keys of their subjects |
//! | [`reader`] | reading the log, page by page |
//! | [`together`] | leaves asked for one by one, read together |
//! | [`scan`] | reading all of it, fast and in order |
//! | [`streams`] | reading all streams of a kind |
//! | [`replay`] | the same rows again, from the log |
use std::collections::BTreeMap;

use events::{event::DecodeError, stream::StreamName, time::Timestamp};
use projections::{Write, index::Info};
use tlog::{Hash, TileRow};
use vault::SubjectKey;

pub mod anchor;
pub mod cosignatures;
pub mod halt;
pub mod keys;
pub mod memory;
pub mod reader;
pub mod replay;
pub mod scan;
pub mod sink;
pub mod sqlite;
pub mod statement_keys;
pub mod states;
pub mod streams;
pub mod together;
pub mod vault;
pub mod writer;

/// The end of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many events there are.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
    /// The time of the last one.
    pub time: Timestamp,
}

impl Head {
    /// The head of a log without events.
    pub fn empty() -> Self {
        Self {
            size: 0,
            root: tlog::EMPTY_ROOT,
            time: Timestamp::default(),
        }
    }
}

/// One event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its stream.
    pub stream: StreamName,
    /// Its place there.
    pub revision: u64,
    /// Its bytes.
    pub leaf: Vec<u8>,
}

/// A sealed value in the vault.
#[derive(Clone, Debug)]
pub struct VaultRow {
    /// The log index of the event that commits to it. The writer knows it, whoever seals does not.
    pub log_index: u64,
    /// The commitment that the event holds, 64 hex digits.
    pub commitment: String,
    /// Whose value it is.
    pub subject: StreamName,
    /// Nonce and value, encrypted under the subject's key.
    pub sealed: Vec<u8>,
    /// For values that may exist once only: a keyed hash of the value.
    pub unique: Option<String>,
    /// The subject's key, if this is the first value it seals. The writer takes it out and puts it into the file of keys
    /// before the row gets anywhere near the database.
    pub fresh_key: Option<SubjectKey>,
}

/// Everything that one transaction writes.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The head that this batch stands on. If the log has moved, nothing is written.
    pub before: Head,
    /// The head after it.
    pub after: Head,
    /// The new events; the first has the index `before.size`.
    pub events: Vec<StoredEvent>,
    /// The tiles that changed.
    pub tiles: Vec<TileRow>,
    /// The rows that changed.
    pub rows: Vec<Write>,
    /// The sealed values that came with them.
    pub vault: Vec<VaultRow>,
}

/// Why the store cannot do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed, and nothing was written.
    #[error("the database failed: {0}")]
    Database(String),
    /// The log was moved by somebody else between reading its head and writing.
    #[error("the log was moved by another process")]
    Moved,
    /// It is not known whether the commit took effect: the process must end and read again.
    #[error("the outcome of a commit is unknown: {0}")]
    InDoubt(String),
    /// What is stored is not what was stored: nothing may be built on it.
    #[error("the log is damaged: {0}")]
    Corrupt(String),
    /// The log was written by a newer version.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// A database that holds the log. All calls but `leaves` stand between `begin` and `commit` or `rollback`.
///
/// The contract: between `begin` and the end nobody else writes; the rows that `info` reads are at the head; `commit`
/// makes all of it durable or none; an error of `write` leaves the transaction to `rollback`; an error of `commit` is
/// [`StoreError::InDoubt`] unless the database promises that nothing was kept.
#[expect(
    async_fn_in_trait,
    reason = "the writer runs them on a thread of its own and never moves them"
)]
pub trait Backend: Send + 'static {
    /// Takes the write lock, opens a transaction, and brings the rows to the head if another version left them behind.
    async fn begin(&mut self) -> Result<(), StoreError>;
    /// The head of the log.
    async fn head(&mut self) -> Result<Head, StoreError>;
    /// Every leaf of these streams, each in its order; a stream without events is absent.
    async fn streams(
        &mut self,
        names: &[StreamName],
    ) -> Result<BTreeMap<StreamName, Vec<Vec<u8>>>, StoreError>;
    /// A gem's `/info` as the rows have it, withheld lines included.
    async fn info(&mut self, gem: &str) -> Result<Option<Info>, StoreError>;
    /// Whether a sealed value with this keyed hash is stored already.
    async fn taken(&mut self, unique: &str) -> Result<bool, StoreError>;
    /// A stored tile.
    async fn tile(&mut self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError>;
    /// Writes all of a batch and moves the head by compare-and-swap.
    async fn write(&mut self, batch: Batch) -> Result<(), StoreError>;
    /// Makes it durable.
    async fn commit(&mut self) -> Result<(), StoreError>;
    /// Forgets it.
    async fn rollback(&mut self) -> Result<(), StoreError>;
    /// The leaves from one index up to another, as a reader finds them; short where the log ends.
    async fn leaves(&mut self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError>;
}
