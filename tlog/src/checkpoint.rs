//! Checkpoints: a log's word about its tree at one size, as the text of a signed note (c2sp.org/tlog-checkpoint v1.1).
//!
//! ```text
//! <origin>\n
//! <leaves, a decimal without leading zeros>\n
//! <root, base64>\n
//! [<extension line, not empty>\n]*
//! ```
//!
//! The origin names the log, and here the log's key has the same name. Extension lines are kept when read, since the
//! signature covers them, and never written by us: nobody can audit them.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, slice};

use thiserror::Error;

use crate::{
    hash::{EMPTY_ROOT, Hash},
    key::{SigningKey, VerifierKey},
    note::{Note, NoteError},
    text::from_decimal,
    tree::MAX_SIZE,
};

/// Why a checkpoint was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CheckpointError {
    /// The text is not at least three lines that are not empty, each ended by a newline, without control characters.
    #[error("a checkpoint has at least three lines, none of them empty")]
    Lines,
    /// The second line is not a decimal in its shortest form, or beyond [`MAX_SIZE`].
    #[error("the size of the tree is not a number")]
    Size,
    /// The third line is not the base64 of 32 bytes.
    #[error("the root of the tree is not a hash")]
    Root,
    /// The tree has no leaves, and yet another root than [`EMPTY_ROOT`].
    #[error("the empty tree has another root")]
    EmptyRoot,
    /// The checkpoint is of another log than the key.
    #[error("the checkpoint is of {origin}, the key of {key}")]
    Origin {
        /// First line of the checkpoint.
        origin: String,
        /// Name of the key.
        key: String,
    },
    /// The note around the checkpoint is malformed or not signed by the key.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// The tree of a log at one size.
///
/// ```
/// let key = tlog::SigningKey::from_seed("example.com/log/1", &[7; 32])?;
/// let checkpoint = tlog::Checkpoint::new("example.com/log/1", 0, tlog::EMPTY_ROOT)?;
/// let note = checkpoint.sign(&key)?;
/// assert_eq!(tlog::Checkpoint::open(note.as_bytes(), key.verifier())?, checkpoint);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// The checkpoint of a tree of `size` leaves under `root`, without extension lines.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Self, CheckpointError> {
        let origin = origin.to_string();
        let checkpoint = Self {
            origin,
            size,
            root,
            extensions: Vec::new(),
        };
        // One grammar for both directions: what is made here can be read back.
        Self::parse(&checkpoint.text()).and_then(|parsed| {
            if parsed == checkpoint {
                Ok(checkpoint)
            } else {
                Err(CheckpointError::Lines)
            }
        })
    }

    /// Reads the text of a note as a checkpoint. Whose word it is, only [`Checkpoint::open`] says.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let refused = |line: &str| line.is_empty() || line.bytes().any(|byte| byte < b' ');
        if body.split('\n').any(refused) {
            return Err(CheckpointError::Lines);
        }
        let mut lines = body.split('\n');
        let mut line = || lines.next().ok_or(CheckpointError::Lines);
        let (origin, size, root) = (line()?, line()?, line()?);
        let size = from_decimal(size)
            .filter(|size| *size <= MAX_SIZE)
            .ok_or(CheckpointError::Size)?;
        let root = Hash::from_base64(root).ok_or(CheckpointError::Root)?;
        if size == 0 && root != EMPTY_ROOT {
            return Err(CheckpointError::EmptyRoot);
        }
        let extensions = lines.map(ToString::to_string).collect();
        Ok(Self {
            origin: origin.to_string(),
            size,
            root,
            extensions,
        })
    }

    /// The text that is signed; [`Checkpoint::parse`] reads it back.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// Signs the checkpoint with the key of its log, and returns the note.
    pub fn sign(&self, key: &SigningKey) -> Result<String, CheckpointError> {
        self.check_key(key.name())?;
        Ok(Note::sign(&self.text(), key)?.to_string())
    }

    /// Reads a note, and the checkpoint in it if the key of its log signed it.
    pub fn open(note: &[u8], key: &VerifierKey) -> Result<Self, CheckpointError> {
        Self::of(&Note::parse(note)?, key)
    }

    /// The checkpoint in a note, if the key of its log signed it.
    pub fn of(note: &Note, key: &VerifierKey) -> Result<Self, CheckpointError> {
        note.verify(slice::from_ref(key))?;
        let checkpoint = Self::parse(note.text())?;
        checkpoint.check_key(key.name())?;
        Ok(checkpoint)
    }

    fn check_key(&self, key: &str) -> Result<(), CheckpointError> {
        if self.origin == key {
            Ok(())
        } else {
            Err(CheckpointError::Origin {
                origin: self.origin.clone(),
                key: key.to_string(),
            })
        }
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Leaves in the tree, at most [`MAX_SIZE`].
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree.
    pub const fn root(&self) -> &Hash {
        &self.root
    }

    /// Further lines, of whatever meaning: none in a checkpoint of ours.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}\n{}\n{}",
            self.origin,
            self.size,
            self.root.to_base64()
        )?;
        self.extensions
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}
