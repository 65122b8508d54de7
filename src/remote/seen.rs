//! The last tree seen: what a reader remembers of a ledger, so that it can only ever be added to.
//!
//! One small JSON file for each ledger, replaced whole and on disk before the next step. Where a ledger shows something
//! that does not continue it, the file stays as it is and both notes are kept beside it: two signatures of one key over
//! two histories are proof for everybody.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tlog::{Hash, VerifierKey};

use super::{Lie, RemoteError, Signed, Tree, codes, folder};

/// Bytes in the longest state file that is read.
const MAX_STATE: u64 = 4 * 1024 * 1024;

/// The last tree seen of one ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    /// The name of the log.
    pub origin: String,
    /// The key that signed the note.
    pub vkey: String,
    /// Leaves in the tree.
    pub size: u64,
    /// Its root, in hexadecimal.
    pub root: String,
    /// The signed checkpoint, with its cosignatures.
    pub note: String,
}

/// How a tree continues the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// It is the same tree.
    Same,
    /// It has the old one as its beginning.
    Grown {
        /// Leaves in the old one.
        from: u64,
    },
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SeenError {
    /// It cannot be read or written.
    #[error("the state in {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It holds something else.
    #[error("{path} is not a state file: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl LastSeen {
    /// What to remember of this checkpoint.
    pub fn of(key: &VerifierKey, signed: &Signed) -> Self {
        Self {
            origin: signed.checkpoint.origin().to_owned(),
            vkey: key.to_string(),
            size: signed.size(),
            root: signed.checkpoint.root().to_hex(),
            note: signed.note.to_string(),
        }
    }

    /// Whether this checkpoint can follow the one that was seen, as far as that shows without any tile: the same name and
    /// key, no smaller tree, no other root for the same size.
    ///
    /// A smaller tree is reported even if it is the beginning of the one seen: a cache that is old and a registry that
    /// went back look the same from here.
    pub fn precedes(&self, key: &VerifierKey, signed: &Signed) -> Result<(), Lie> {
        let shown = &signed.checkpoint;
        if self.origin != shown.origin() || self.vkey != key.to_string() {
            let text = format!(
                "the ledger is {} with the key {key}; seen before was {} with the key {}",
                shown.origin(),
                self.origin,
                self.vkey
            );
            return Err(Lie::new(codes::LEDGER_CHANGED, text));
        }
        if shown.size() < self.size {
            let text = format!(
                "the ledger shows a tree of {} leaves; it has signed one of {}",
                shown.size(),
                self.size
            );
            return Err(Lie::new(codes::TREE_SMALLER, text));
        }
        if shown.size() == self.size && shown.root().to_hex() != self.root {
            return Err(self.forked(*shown.root()));
        }
        Ok(())
    }

    /// Whether this tree continues the one that was seen. A [`Lie`] says that it does not.
    pub async fn check(&self, key: &VerifierKey, tree: &Tree) -> Result<Advance, RemoteError> {
        self.precedes(key, tree.signed())?;
        let shown = &tree.signed().checkpoint;
        let root = tree.root_at(self.size).await?;
        if root.to_hex() != self.root {
            return Err(self.forked(root).into());
        }
        Ok(if shown.size() == self.size {
            Advance::Same
        } else {
            Advance::Grown { from: self.size }
        })
    }

    fn forked(&self, root: Hash) -> Lie {
        let text = format!(
            "the first {} leaves have the root {root}; the ledger has signed {} for them",
            self.size, self.root
        );
        Lie::new(codes::TREE_FORKED, text)
    }

    /// Keeps both notes beside the state file, and says where. The same two are kept once.
    pub fn keep_evidence(&self, state: &Path, shown: &Signed) -> Result<PathBuf, SeenError> {
        let mut path = state.as_os_str().to_owned();
        let root: String = shown.checkpoint.root().to_hex().chars().take(8).collect();
        path.push(format!(".evidence-{}-{root}.json", shown.size()));
        let path = PathBuf::from(path);
        let both = serde_json::json!({
            "origin": self.origin, "vkey": self.vkey,
            "seen": self.note, "shown": shown.note.to_string(),
        });
        write(&path, &both)?;
        Ok(path)
    }
}

/// Reads a state file; `None` where there is none yet.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, SeenError> {
    let io = |error| SeenError::Io {
        path: path.to_owned(),
        error,
    };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
        Ok(found) if found.len() > MAX_STATE => {
            return Err(SeenError::Malformed {
                path: path.to_owned(),
                reason: format!("it is longer than {MAX_STATE} bytes"),
            });
        }
        Ok(_) => {}
    }
    let bytes = fs::read(path).map_err(io)?;
    let state = serde_json::from_slice(&bytes).map_err(|error| SeenError::Malformed {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(Some(state))
}

/// Writes a state file. When this returns, it is on disk; whoever looks finds the old one or the new one.
pub fn write<T: Serialize>(path: &Path, state: &T) -> Result<(), SeenError> {
    let io = |error| SeenError::Io {
        path: path.to_owned(),
        error,
    };
    let mut bytes = serde_json::to_vec_pretty(state).map_err(|error| io(error.into()))?;
    bytes.push(b'\n');
    folder::write(path, &bytes, true).map_err(io)
}
