//! Recovery: a copy that can be made while the server runs, its way back, and the events that came after it.
//!
//! | room | what it does |
//! |---|---|
//! | [`backup`] | the log, the vault and the files into a folder, with the checkpoint that vouches for them |
//! | [`restore`] | such a folder into an empty one |
//! | [`import`] | the missing end of the log from a mirror, held against a signed checkpoint |
//! | [`succeed`] | the same leaves under the next origin, where that end is lost for good |
use std::{fs, io, path::Path, path::PathBuf};

use deciders::Ledger;
use events::stream::StreamName;
use tlog::VerifierKey;

use crate::{
    blobs::BlobError,
    remote::RemoteError,
    store::{
        StoreError,
        anchor::AnchorError,
        keys::KeyFileError,
        reader::Reader,
        writer::{AppendError, Fatal},
    },
    views,
};

pub mod backup;
pub mod import;
mod others;
pub mod restore;
pub mod succeed;
mod tuf;

/// Why a copy was not made, or not taken back.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// What was given is not what is asked for.
    #[error("{0}")]
    Refused(String),
    /// What is stored does not give what was signed.
    #[error("{0}")]
    Mismatch(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The anchor.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The signing key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// The writer.
    #[error(transparent)]
    Writer(#[from] Fatal),
    /// The event was not appended.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The mirror.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

impl RecoveryError {
    /// Whether something was held against what was signed and found to be something else.
    pub fn is_mismatch(&self) -> bool {
        matches!(self, Self::Mismatch(_) | Self::Remote(RemoteError::Lie(_)))
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> RecoveryError {
    let path = path.to_owned();
    move |error| RecoveryError::Io { path, error }
}

/// Writes a file so that whoever looks finds it whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), RecoveryError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let written = fs::write(&beside, bytes).and_then(|()| fs::File::open(&beside)?.sync_all());
    written.map_err(at(&beside))?;
    rename(&beside, path)
}

/// Renames, and waits until the folder knows on disk.
fn rename(from: &Path, to: &Path) -> Result<(), RecoveryError> {
    fs::rename(from, to).map_err(at(to))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(at(folder))
}

/// The key that verifies this log's checkpoints now, as the log itself says.
async fn log_key(reader: &Reader) -> Result<VerifierKey, RecoveryError> {
    let ledger: Ledger = views::state(reader, &StreamName::log()).await?;
    let vkey = ledger
        .vkey()
        .and_then(|vkey| VerifierKey::parse(vkey.as_str()).ok());
    vkey.ok_or_else(|| StoreError::Corrupt("the log names no verification key".into()).into())
}
