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
    sync::{Arc, Mutex, PoisonError},
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
    /// What the slots held when they were verified last: a signature is checked once, not with every batch.
    verified: Arc<Mutex<[Option<Anchored>; 2]>>,
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
            verified: Arc::default(),
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
            .map_err(|error| self.io(error))?;
        // The directory entry too: an anchor that vanishes in a power cut leaves a log that will not open.
        let folder = self
            .path
            .parent()
            .filter(|path| !path.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| self.io(error))
    }

    /// The key whose checkpoints it holds.
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The newest checkpoint, if one was ever anchored.
    pub fn read(&self) -> Result<Option<Anchored>, AnchorError> {
        let file = File::open(&self.path).map_err(|error| self.io(error))?;
        // Two writes by another process while this one reads could leave both slots torn in its eyes.
        file.lock_shared().map_err(|error| self.io(error))?;
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
        bytes.resize(SLOT, 0);
        let place = if slot == 0 { 0 } else { 4096 };
        file.write_all_at(&bytes, place)
            .and_then(|()| file.sync_data())
            .map_err(|error| self.io(error))?;
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = verified.get_mut(slot) {
            *own = Some(Anchored {
                checkpoint: checkpoint.clone(),
                note: note.to_owned(),
            });
        }
        Ok(None)
    }

    fn newest(&self, file: &File) -> Result<Option<(usize, Anchored)>, AnchorError> {
        let mut bytes = vec![0_u8; 2 * SLOT];
        file.read_exact_at(&mut bytes, 0)
            .map_err(|error| self.io(error))?;
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest: Option<(usize, Anchored)> = None;
        for ((slot, number), verified) in bytes.chunks(SLOT).zip(0..).zip(verified.iter_mut()) {
            *verified = self.parse(slot, verified.take())?;
            let larger = |anchored: &&Anchored| {
                let best = newest.as_ref().map(|(_, best)| best.checkpoint.size());
                best.is_none_or(|best| anchored.checkpoint.size() > best)
            };
            if let Some(anchored) = verified.as_ref().filter(larger) {
                newest = Some((number, anchored.clone()));
            }
        }
        // A first write that was torn leaves one damaged slot and nothing else: no checkpoint was served from it.
        let written = |slot: &[u8]| slot.iter().any(|byte| *byte != 0);
        if newest.is_none() && bytes.chunks(SLOT).all(written) {
            return Err(self.damaged());
        }
        Ok(newest)
    }

    /// What a slot holds: nothing if it is empty or torn. What is whole and not of this log's key is nobody's to overwrite.
    fn parse(
        &self,
        slot: &[u8],
        verified: Option<Anchored>,
    ) -> Result<Option<Anchored>, AnchorError> {
        let Some(note) = whole_note(slot) else {
            return Ok(None);
        };
        let same = |verified: &Anchored| verified.note.as_bytes() == note;
        if let Some(verified) = verified.filter(same) {
            return Ok(Some(verified));
        }
        let checkpoint = Checkpoint::open(note, &self.key).map_err(|_| self.damaged())?;
        let note = String::from_utf8(note.to_vec()).map_err(|_| self.damaged())?;
        Ok(Some(Anchored { checkpoint, note }))
    }

    fn damaged(&self) -> AnchorError {
        AnchorError::Damaged(self.path.clone())
    }

    fn io(&self, error: io::Error) -> AnchorError {
        AnchorError::Io {
            path: self.path.clone(),
            error,
        }
    }
}

/// The note in a slot, if it was written to the end.
fn whole_note(slot: &[u8]) -> Option<&[u8]> {
    let (length, rest) = slot.split_first_chunk::<4>()?;
    let (digest, rest) = rest.split_first_chunk::<{ HEADER - 4 }>()?;
    let note = rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    (Digest::of(note).as_bytes() == digest).then_some(note)
}
