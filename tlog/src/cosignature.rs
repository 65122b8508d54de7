//! Cosignatures: a witness says that it saw this checkpoint, when, and nothing that contradicts it (c2sp.org/tlog-cosignature v1).
//!
//! ```text
//! signature   <time, u64 big-endian> || Ed25519 signature, in a signature line of the note
//! statement   cosignature/v1\n
//!             time <time, decimal>\n
//!             <text of the note>
//! ```
//!
//! The time is in seconds since 1970 and at most 2^63 - 1. Only what is not the log itself may cosign.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use thiserror::Error;

use crate::{
    checkpoint::{Checkpoint, CheckpointError},
    key::{CosignerKey, CosigningKey, KeyId},
    note::{Note, NoteSignature},
};

/// The latest time that a cosignature can name, in seconds since 1970.
pub const MAX_TIME: u64 = u64::MAX >> 1;

/// Why a cosignature was not made, or a note with one was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CosignatureError {
    /// The text of the note is not a checkpoint.
    #[error("only checkpoints are cosigned: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The cosigner has the name of the log.
    #[error("{0} cannot cosign its own checkpoints")]
    OwnLog(String),
    /// The time is beyond [`MAX_TIME`].
    #[error("a time of {0} seconds is too late")]
    Time(u64),
    /// A known cosigner did not make the signature that carries its name and id.
    #[error("the cosignature of {name}, key {id}, is not valid")]
    BadSignature {
        /// Key name.
        name: String,
        /// Key id.
        id: KeyId,
    },
}

/// A cosignature that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// Whose it is.
    pub cosigner: CosignerKey,
    /// When it was made by the cosigner's clock, in seconds since 1970.
    pub time: u64,
}

/// The cosignatures of known cosigners on a checkpoint, in the order of the keys; possibly none.
///
/// Lines of unknown keys are ignored; one bad line of a known key spoils the note. How many are enough, and how old they
/// may be, is the caller's policy.
pub fn cosignatures(
    note: &Note,
    known: &[CosignerKey],
) -> Result<Vec<Cosignature>, CosignatureError> {
    let checkpoint = Checkpoint::parse(note.text())?;
    let mut found = Vec::new();
    for cosigner in known {
        let Some(line) = note.signature_of(cosigner.name(), cosigner.id()) else {
            continue;
        };
        let bad = || CosignatureError::BadSignature {
            name: cosigner.name().to_string(),
            id: cosigner.id(),
        };
        let (time, signature) = line.signature().split_first_chunk::<8>().ok_or_else(bad)?;
        let time = u64::from_be_bytes(*time);
        let statement = statement(note.text(), &checkpoint, cosigner.name(), time)?;
        let signature = signature.try_into().map_err(|_| bad())?;
        if !cosigner.verify(&statement, signature) {
            return Err(bad());
        }
        found.push(Cosignature {
            cosigner: cosigner.clone(),
            time,
        });
    }
    Ok(found)
}

impl CosigningKey {
    /// The signature line that cosigns a checkpoint at a time in seconds since 1970.
    ///
    /// To cosign is to vouch that the checkpoint is the largest seen and consistent with all before it; that is not
    /// checked here. [`Note::with`] adds the line to the note.
    pub fn cosign(
        &self,
        checkpoint: &Checkpoint,
        time: u64,
    ) -> Result<NoteSignature, CosignatureError> {
        let statement = statement(&checkpoint.text(), checkpoint, self.name(), time)?;
        let signature = time
            .to_be_bytes()
            .into_iter()
            .chain(self.sign(&statement))
            .collect();
        Ok(NoteSignature::new(
            self.name(),
            self.verifier().id(),
            signature,
        ))
    }
}

/// What is signed, if it may be said at all.
fn statement(
    text: &str,
    checkpoint: &Checkpoint,
    cosigner: &str,
    time: u64,
) -> Result<String, CosignatureError> {
    if time > MAX_TIME {
        return Err(CosignatureError::Time(time));
    }
    if checkpoint.origin() == cosigner {
        return Err(CosignatureError::OwnLog(cosigner.to_string()));
    }
    Ok(format!("cosignature/v1\ntime {time}\n{text}"))
}
