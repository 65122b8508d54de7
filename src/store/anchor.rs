//! The anchor: the last signed checkpoint, kept outside the database.
//!
//! A database that was restored from a backup does not know what it has signed since. The anchor does: nothing is
//! served beyond it, and a database behind it is not written to.
//!
//! ```text
//! slot 0 at 0, slot 1 at 4096:  u32 BE length ‖ SHA-256(note) ‖ note, the rest zero
//! ```
//! The file is allocated once; a write goes to the slot that does not hold the newest checkpoint, and is synced. If we
//! crash within it, that slot fails its digest and the other one still holds the checkpoint before.
use std::{
    cmp::Ordering,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use events::digest::Digest;
use tlog::{Checkpoint, VerifierKey};

const SLOT: usize = 4096;
const HEADER: usize = 36;

/// Why the anchor cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The file cannot be read or written.
    #[error("the anchor {path} cannot be used: {error}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Both slots are damaged, or hold something that this log's key did not sign.
    #[error("the anchor {0} holds no checkpoint of this log's key")]
    Damaged(PathBuf),
    /// The checkpoint does not fit into a slot.
    #[error("the checkpoint is longer than an anchor's slot")]
    TooLong,
    /// The anchor holds another root for the same size.
    #[error("the anchor holds another tree of the same size: this log has been forked")]
    Forked,
}

/// The anchor's file and the key whose checkpoints it holds.
#[derive(Clone, Debug)]
pub struct Anchor {
    path: PathBuf,
    key: VerifierKey,
}

/// A checkpoint with the signed note it came in.
#[derive(Clone, Debug)]
pub struct Anchored {
    /// What was signed.
    pub checkpoint: Checkpoint,
    /// The signed note, as it is served.
    pub note: String,
}

impl Anchor {
    /// The anchor in this file.
    pub fn new(path: &Path, key: VerifierKey) -> Self {
        Self {
            path: path.to_owned(),
            key,
        }
    }

    /// Makes an empty anchor; it is an error if there is one.
    pub fn create(&self) -> Result<(), AnchorError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.path)
            .map_err(|error| self.io(error))?;
        file.write_all_at(&[0; 2 * SLOT], 0)
            .and_then(|()| file.sync_all())
            .map_err(|error| self.io(error))
    }

    /// The newest checkpoint, if one was ever anchored.
    pub fn read(&self) -> Result<Option<Anchored>, AnchorError> {
        let file = File::open(&self.path).map_err(|error| self.io(error))?;
        Ok(self.newest(&file)?.map(|(_, anchored)| anchored))
    }

    /// Anchors a checkpoint. When this returns, it is on disk; or a larger one is there already, which comes back.
    ///
    /// The lock is held from reading to syncing, so that two processes cannot overwrite each other's newest slot.
    pub fn raise(
        &self,
        checkpoint: &Checkpoint,
        note: &str,
    ) -> Result<Option<Anchored>, AnchorError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&self.path)
            .map_err(|error| self.io(error))?;
        file.lock().map_err(|error| self.io(error))?;
        let slot = match self.newest(&file)? {
            None => 0,
            Some((slot, anchored)) => match anchored.checkpoint.size().cmp(&checkpoint.size()) {
                Ordering::Less => 1 - slot,
                Ordering::Greater => return Ok(Some(anchored)),
                Ordering::Equal if anchored.checkpoint.root() == checkpoint.root() => {
                    return Ok(None);
                }
                Ordering::Equal => return Err(AnchorError::Forked),
            },
        };
        let length = u32::try_from(note.len()).map_err(|_| AnchorError::TooLong)?;
        let mut bytes = Vec::with_capacity(SLOT);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(Digest::of(note.as_bytes()).as_bytes());
        bytes.extend_from_slice(note.as_bytes());
        if bytes.len() > SLOT {
            return Err(AnchorError::TooLong);
        }
        file.write_all_at(&bytes, slot * 4096)
            .and_then(|()| file.sync_data())
            .map_err(|error| self.io(error))?;
        Ok(None)
    }

    fn newest(&self, file: &File) -> Result<Option<(u64, Anchored)>, AnchorError> {
        let mut bytes = vec![0_u8; 2 * SLOT];
        file.read_exact_at(&mut bytes, 0)
            .map_err(|error| self.io(error))?;
        let slots = bytes.chunks(SLOT).zip(0_u64..);
        let mut written = false;
        let mut newest: Option<(u64, Anchored)> = None;
        for (slot, number) in slots {
            written |= slot.iter().any(|byte| *byte != 0);
            if let Some(anchored) = self.parse(slot) {
                let larger = newest
                    .as_ref()
                    .is_none_or(|(_, best)| anchored.checkpoint.size() > best.checkpoint.size());
                if larger {
                    newest = Some((number, anchored));
                }
            }
        }
        // A first write that was torn leaves one damaged slot and nothing else: no checkpoint was served from it.
        if newest.is_none()
            && written
            && bytes
                .chunks(SLOT)
                .all(|slot| slot.iter().any(|byte| *byte != 0))
        {
            return Err(AnchorError::Damaged(self.path.clone()));
        }
        Ok(newest)
    }

    fn parse(&self, slot: &[u8]) -> Option<Anchored> {
        let (length, rest) = slot.split_first_chunk::<4>()?;
        let (digest, rest) = rest.split_first_chunk::<{ HEADER - 4 }>()?;
        let note = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        if Digest::of(note).as_bytes() != digest {
            return None;
        }
        let checkpoint = Checkpoint::open(note, &self.key).ok()?;
        Some(Anchored {
            checkpoint,
            note: String::from_utf8(note.to_vec()).ok()?,
        })
    }

    fn io(&self, error: io::Error) -> AnchorError {
        AnchorError::Io {
            path: self.path.clone(),
            error,
        }
    }
}
