//! Receipts: the proof that an entry is in a log, in one file that needs no server (c2sp.org/tlog-proof v1).
//!
//! ```text
//! c2sp.org/tlog-proof@v1\n
//! [extra <base64>\n]
//! index <log index, a decimal without leading zeros>\n
//! [<hash of the inclusion proof, base64>\n]*
//! \n
//! <checkpoint, a signed note>
//! ```
//!
//! Nothing vouches for the extra data: it may carry the entry, so that the file stands alone, and whoever reads it must
//! verify it as the leaf. The file name ends in `.tlog-proof`.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use thiserror::Error;

use crate::{
    checkpoint::{Checkpoint, CheckpointError},
    hash::{Hash, leaf_hash},
    key::VerifierKey,
    note::{MAX_NOTE_LEN, Note, NoteError},
    text::{from_base64, from_decimal, to_base64},
    verify::{VerifyError, verify_inclusion},
};

const HEADER: &str = "c2sp.org/tlog-proof@v1\n";

/// Bytes in the longest extra data: as many as in the longest entry.
pub const MAX_EXTRA_LEN: usize = 65_535;

/// Hashes in the longest inclusion proof.
const MAX_PROOF_LEN: usize = 63;

/// Bytes in the longest receipt: the longest note, the longest extra data in base64, the longest proof, and the words.
pub const MAX_RECEIPT_LEN: usize =
    MAX_NOTE_LEN + MAX_EXTRA_LEN.div_ceil(3) * 4 + MAX_PROOF_LEN * 45 + 64;

/// Why a receipt was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReceiptError {
    /// The file is longer than [`MAX_RECEIPT_LEN`].
    #[error("the receipt is too long")]
    TooLong,
    /// The bytes are not UTF-8.
    #[error("the receipt is not UTF-8")]
    NotUtf8,
    /// The first line is not that of a receipt of version 1.
    #[error("the first line is not c2sp.org/tlog-proof@v1")]
    Header,
    /// The extra line is not canonical base64, is empty, or holds more than [`MAX_EXTRA_LEN`] bytes.
    #[error("the extra data is not base64 of 1 to 65,535 bytes")]
    Extra,
    /// The index line is missing, or its number is not a decimal in its shortest form.
    #[error("the index is not a number")]
    Index,
    /// A line of the proof is not the base64 of 32 bytes, or there are more than 63.
    #[error("the proof is not up to 63 lines of one hash each")]
    Proof,
    /// No empty line ends the proof, or what follows is not a note.
    #[error("the receipt does not end with a signed checkpoint: {0}")]
    Note(#[from] NoteError),
    /// The checkpoint is malformed or not signed by the key.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The proof does not lead from the leaf to the checkpoint.
    #[error(transparent)]
    Inclusion(#[from] VerifyError),
}

/// A receipt in its canonical form. It proves nothing until [`Receipt::verify`] says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    extra: Vec<u8>,
    index: u64,
    proof: Vec<Hash>,
    checkpoint: Note,
}

impl Receipt {
    /// The receipt of the entry at `index`: its inclusion proof in the tree of the checkpoint, and the signed checkpoint.
    ///
    /// `extra` is often the entry itself; where it is empty the receipt has none.
    pub fn new(
        extra: &[u8],
        index: u64,
        proof: Vec<Hash>,
        checkpoint: Note,
    ) -> Result<Self, ReceiptError> {
        if extra.len() > MAX_EXTRA_LEN {
            return Err(ReceiptError::Extra);
        }
        if proof.len() > MAX_PROOF_LEN {
            return Err(ReceiptError::Proof);
        }
        Ok(Self {
            extra: extra.to_vec(),
            index,
            proof,
            checkpoint,
        })
    }

    /// Reads a `.tlog-proof` file and checks its form, not what it proves.
    ///
    /// There is one spelling of each receipt: what is read here, [`Display`](fmt::Display) writes back to the byte.
    pub fn parse(receipt: &[u8]) -> Result<Self, ReceiptError> {
        if receipt.len() > MAX_RECEIPT_LEN {
            return Err(ReceiptError::TooLong);
        }
        let text = str::from_utf8(receipt).map_err(|_| ReceiptError::NotUtf8)?;
        let rest = text.strip_prefix(HEADER).ok_or(ReceiptError::Header)?;
        let (extra, rest) = parse_extra(rest)?;
        let (index, mut rest) = rest
            .strip_prefix("index ")
            .and_then(|rest| rest.split_once('\n'))
            .and_then(|(index, rest)| Some((from_decimal(index)?, rest)))
            .ok_or(ReceiptError::Index)?;
        let mut proof = Vec::new();
        while let Some((line, after)) = rest.split_once('\n').filter(|(line, _)| !line.is_empty()) {
            proof.push(Hash::from_base64(line).ok_or(ReceiptError::Proof)?);
            rest = after;
        }
        let checkpoint = rest.strip_prefix('\n').ok_or(NoteError::Text)?;
        Self::new(&extra, index, proof, Note::parse(checkpoint.as_bytes())?)
    }

    /// Checks that `leaf`, the bytes of an entry, is in the log of this key, and returns the checkpoint that says so.
    pub fn verify(&self, leaf: &[u8], key: &VerifierKey) -> Result<Checkpoint, ReceiptError> {
        let checkpoint = Checkpoint::of(&self.checkpoint, key)?;
        verify_inclusion(
            &leaf_hash(leaf),
            self.index,
            checkpoint.size(),
            &self.proof,
            checkpoint.root(),
        )?;
        Ok(checkpoint)
    }

    /// The extra data, which nothing vouches for; empty if there is none.
    pub fn extra(&self) -> &[u8] {
        &self.extra
    }

    /// The log index that the receipt claims for the entry.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// The inclusion proof, from the leaf's sibling up.
    pub fn proof(&self) -> &[Hash] {
        &self.proof
    }

    /// The signed checkpoint, with its cosignatures.
    pub const fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }

    /// The text of the file, which [`Receipt::parse`] reads back.
    pub fn text(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADER)?;
        if !self.extra.is_empty() {
            writeln!(f, "extra {}", to_base64(&self.extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.proof
            .iter()
            .try_for_each(|hash| writeln!(f, "{}", hash.to_base64()))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

/// The extra data, empty if there is no such line, and what follows it.
fn parse_extra(text: &str) -> Result<(Vec<u8>, &str), ReceiptError> {
    let Some(rest) = text.strip_prefix("extra ") else {
        return Ok((Vec::new(), text));
    };
    let (line, rest) = rest.split_once('\n').ok_or(ReceiptError::Extra)?;
    let extra = from_base64(line)
        .filter(|extra| !extra.is_empty())
        .ok_or(ReceiptError::Extra)?;
    Ok((extra, rest))
}
