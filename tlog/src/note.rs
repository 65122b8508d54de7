//! Signed notes: a text, and lines that say who signed it (c2sp.org/signed-note v1.1).
//!
//! ```text
//! note  <text, ending in a newline> \n <signature line>+
//! line  U+2014 " " <key name> " " <base64(key id || signature)> \n
//! ```
//!
//! The note is UTF-8 without control characters but newlines. The text may have empty lines: the last one of the note ends
//! it. A key is known by its name and id together; lines of unknown keys are carried along and otherwise ignored, two lines
//! of one key are refused, and one bad line of a known key spoils the note.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use thiserror::Error;

use crate::{
    key::{KeyId, SigningKey, VerifierKey, check_name},
    text::{from_base64, to_base64},
};

/// Bytes in the longest note: enough for 16 of the longest post-quantum signatures, 5 kB each.
pub const MAX_NOTE_LEN: usize = 128 * 1024;

/// Signatures in the longest note.
pub const MAX_SIGNATURES: usize = 64;

/// Why a note was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoteError {
    /// The note is longer than [`MAX_NOTE_LEN`].
    #[error("the note is longer than 128 KiB")]
    TooLong,
    /// The bytes are not UTF-8.
    #[error("the note is not UTF-8")]
    NotUtf8,
    /// There is a control character other than newline.
    #[error("the note has a control character")]
    ControlCharacter,
    /// The text does not end in a newline, or no empty line ends it.
    #[error("the text of the note is not ended by a newline and an empty line")]
    Text,
    /// There are no signature lines, or the last is not ended by a newline.
    #[error("the note has no signature lines")]
    NoSignatures,
    /// A line is not a signature line in its one spelling. Lines count from 1 after the empty line.
    #[error("signature line {0} is malformed")]
    MalformedSignature(usize),
    /// There are more signatures than [`MAX_SIGNATURES`].
    #[error("the note has more than 64 signatures")]
    TooManySignatures,
    /// A key stands in two lines.
    #[error("the note has two signatures of {name}, key {id}")]
    DuplicateSignature {
        /// Key name.
        name: String,
        /// Key id.
        id: KeyId,
    },
    /// A known key did not make the signature that carries its name and id.
    #[error("the signature of {name}, key {id}, is not valid")]
    BadSignature {
        /// Key name.
        name: String,
        /// Key id.
        id: KeyId,
    },
    /// No known key signed the note.
    #[error("the note is not signed by a known key")]
    NotSigned,
}

/// One signature line. That it parses says nothing about who made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    name: String,
    id: KeyId,
    signature: Vec<u8>,
}

impl NoteSignature {
    pub(crate) fn new(name: &str, id: KeyId, signature: Vec<u8>) -> Self {
        Self {
            name: name.to_string(),
            id,
            signature,
        }
    }

    /// Reads one signature line without its newline, as a witness answers with; `None` if it is malformed.
    pub fn parse(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        check_name(name).ok()?;
        let bytes = from_base64(encoded)?;
        let (id, signature) = bytes.split_first_chunk::<4>()?;
        if signature.is_empty() {
            return None;
        }
        Some(Self::new(name, KeyId::from_bytes(*id), signature.to_vec()))
    }

    /// The name of the key that the line claims.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the key that the line claims.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The bytes after the key id; what they are depends on the type of the key.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl fmt::Display for NoteSignature {
    /// The line without its newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<u8> = self
            .id
            .as_bytes()
            .iter()
            .chain(&self.signature)
            .copied()
            .collect();
        write!(f, "\u{2014} {} {}", self.name, to_base64(&bytes))
    }
}

/// A note in its canonical form. Its text is nobody's word until [`Note::verify`] says whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

impl Note {
    /// Reads a note and checks its form, not its signatures.
    ///
    /// There is one spelling of each note: what is read here, [`Display`](fmt::Display) writes back to the byte.
    pub fn parse(note: &[u8]) -> Result<Self, NoteError> {
        if note.len() > MAX_NOTE_LEN {
            return Err(NoteError::TooLong);
        }
        let note = str::from_utf8(note).map_err(|_| NoteError::NotUtf8)?;
        check_characters(note)?;
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Text)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let mut parsed = Self {
            text: [text, "\n"].concat(),
            signatures: Vec::new(),
        };
        for (place, line) in lines.split('\n').enumerate() {
            let signature =
                NoteSignature::parse(line).ok_or(NoteError::MalformedSignature(place + 1))?;
            parsed.push(signature)?;
        }
        Ok(parsed)
    }

    /// Signs a text, which ends in a newline.
    pub fn sign(text: &str, key: &SigningKey) -> Result<Self, NoteError> {
        check_characters(text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::Text);
        }
        let signature =
            NoteSignature::new(key.name(), key.verifier().id(), key.sign(text).to_vec());
        let note = Self {
            text: text.to_string(),
            signatures: Vec::new(),
        };
        note.with(signature)
    }

    /// The note with one more signature line, such as a cosignature.
    pub fn with(mut self, signature: NoteSignature) -> Result<Self, NoteError> {
        self.push(signature)?;
        if self.to_string().len() > MAX_NOTE_LEN {
            return Err(NoteError::TooLong);
        }
        Ok(self)
    }

    fn push(&mut self, signature: NoteSignature) -> Result<(), NoteError> {
        if self.signature_of(&signature.name, signature.id).is_some() {
            return Err(NoteError::DuplicateSignature {
                name: signature.name,
                id: signature.id,
            });
        }
        if self.signatures.len() == MAX_SIGNATURES {
            return Err(NoteError::TooManySignatures);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// The text, with its final newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in their order.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The signature that claims to be by this key, if there is one.
    pub fn signature_of(&self, name: &str, id: KeyId) -> Option<&NoteSignature> {
        self.signatures
            .iter()
            .find(|signature| signature.name == name && signature.id == id)
    }

    /// The known keys that signed the text: at least one.
    ///
    /// An error if a line of a known key is not its signature, whoever else signed, or if no known key signed.
    pub fn verify<'k>(&self, known: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut signers = Vec::new();
        for key in known {
            let Some(signature) = self.signature_of(key.name(), key.id()) else {
                continue;
            };
            if !key.verify(&self.text, &signature.signature) {
                return Err(NoteError::BadSignature {
                    name: key.name().to_string(),
                    id: key.id(),
                });
            }
            signers.push(key);
        }
        if signers.is_empty() {
            Err(NoteError::NotSigned)
        } else {
            Ok(signers)
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    let refused = text.bytes().any(|byte| byte < b' ' && byte != b'\n');
    if refused {
        Err(NoteError::ControlCharacter)
    } else {
        Ok(())
    }
}
