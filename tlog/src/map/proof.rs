//! Proofs of what a map holds under a key, checked with the map's root alone.
//!
//! ```text
//! proof  kind (1 byte), end, steps
//! end    kind 0, the key is there:                nothing
//!        kind 1, the map is empty:                nothing, and there are no steps
//!        kind 2, another key stands in its place: that key (32), its value (32)
//!        kind 3, all keys below start otherwise:  bit (1), prefix (32), left hash (32), right hash (32)
//! steps  33 bytes for each branch on the way, from the root down: bit (1), hash of the other side (32)
//! ```
//!
//! Each proof has one spelling, and each key of a map one proof. The bits rise from step to step, so there are at most
//! 256 steps; among evenly spread keys they are few: about 18 at 200,000 entries.

use alloc::{string::String, vec::Vec};

use thiserror::Error;

use super::{
    EMPTY_MAP_ROOT, MapKey, MapValue, branch_hash, first_difference, is_set, leaf_hash, prefix,
};
use crate::{
    hash::Hash,
    text::{from_base64, to_base64},
};

/// Bytes in the longest proof.
pub const MAX_MAP_PROOF_LEN: usize = 1 + BRANCH_LEN + 256 * STEP_LEN;

const STEP_LEN: usize = 1 + Hash::LEN;
const LEAF_LEN: usize = 64;
const BRANCH_LEN: usize = 97;

/// Why a proof was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum MapError {
    /// The bytes are not a proof.
    #[error("the map proof is malformed")]
    Malformed,
    /// The bits of the steps do not rise.
    #[error("the bits of the map proof do not rise")]
    Order,
    /// It proves a value where absence is claimed, or absence where a value is.
    #[error("the map proof is of the opposite of what it is said to prove")]
    Opposite,
    /// What stands in the key's place cannot stand there, or is the key itself.
    #[error("the map proof ends at something that cannot be in the key's place")]
    Misplaced,
    /// The proof leads to another root.
    #[error("the map proof does not lead to the root")]
    Root,
}

/// What a map holds under a key. It proves nothing until [`verify_map`] says so.
///
/// What a malformed trie can do: hold an entry where no walk finds it, so that its key is proven absent; or be such that
/// some proofs do not verify. What it cannot do: under one root, have a key both present and absent, or present with
/// two values. At each branch, its hash commits to the bit that decides where to go on and to the prefix that decides
/// whether to go on at all; both ends of a contradiction would follow the same branches to the same node, which would
/// have to be two different things with one hash. That an entry is where it must be is for those who fold the
/// whole map: they find another root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapProof {
    steps: Vec<Step>,
    end: End,
}

/// A branch on the way to the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) bit: u8,
    pub(super) sibling: Hash,
}

/// Where the way ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// At the key.
    Found,
    /// There is nothing at all.
    Empty,
    /// At another key.
    Leaf { key: MapKey, value: MapValue },
    /// Above keys that all start otherwise.
    Branch {
        bit: u8,
        prefix: MapKey,
        left: Hash,
        right: Hash,
    },
}

impl MapProof {
    pub(super) const fn new(steps: Vec<Step>, end: End) -> Self {
        Self { steps, end }
    }

    /// Whether it is a proof that the key is there.
    pub fn is_presence(&self) -> bool {
        self.end == End::Found
    }

    /// The bytes, which [`MapProof::parse`] reads back.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + BRANCH_LEN + self.steps.len() * STEP_LEN);
        match &self.end {
            End::Found => bytes.push(0),
            End::Empty => bytes.push(1),
            End::Leaf { key, value } => {
                bytes.push(2);
                bytes.extend_from_slice(key);
                bytes.extend_from_slice(value);
            }
            End::Branch {
                bit,
                prefix,
                left,
                right,
            } => {
                bytes.extend_from_slice(&[3, *bit]);
                bytes.extend_from_slice(prefix);
                bytes.extend_from_slice(left.as_bytes());
                bytes.extend_from_slice(right.as_bytes());
            }
        }
        for step in &self.steps {
            bytes.push(step.bit);
            bytes.extend_from_slice(step.sibling.as_bytes());
        }
        bytes
    }

    /// Reads the bytes of a proof and checks their form, not what they prove.
    pub fn parse(bytes: &[u8]) -> Result<Self, MapError> {
        if bytes.len() > MAX_MAP_PROOF_LEN {
            return Err(MapError::Malformed);
        }
        Self::read(bytes).ok_or(MapError::Malformed)
    }

    /// The bytes in standard base64 with padding.
    pub fn to_base64(&self) -> String {
        to_base64(&self.to_bytes())
    }

    /// The inverse of [`MapProof::to_base64`].
    pub fn from_base64(text: &str) -> Result<Self, MapError> {
        if text.len() > MAX_MAP_PROOF_LEN.div_ceil(3) * 4 {
            return Err(MapError::Malformed);
        }
        Self::parse(&from_base64(text).ok_or(MapError::Malformed)?)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (end, rest) = match kind {
            0 => (End::Found, rest),
            1 => (End::Empty, rest),
            2 => {
                let (end, rest) = rest.split_first_chunk::<LEAF_LEN>()?;
                let (key, value) = end.split_first_chunk()?;
                let (key, value) = (*key, value.try_into().ok()?);
                (End::Leaf { key, value }, rest)
            }
            3 => {
                let (end, rest) = rest.split_first_chunk::<BRANCH_LEN>()?;
                let (bit, end) = end.split_first()?;
                let (prefix, end) = end.split_first_chunk()?;
                let (left, right) = end.split_first_chunk()?;
                let branch = End::Branch {
                    bit: *bit,
                    prefix: *prefix,
                    left: Hash::from_bytes(*left),
                    right: Hash::from_slice(right)?,
                };
                (branch, rest)
            }
            _ => return None,
        };
        let (steps, surplus) = rest.as_chunks::<STEP_LEN>();
        let step = |step: &[u8; STEP_LEN]| {
            let (bit, sibling) = step.split_first()?;
            let (bit, sibling) = (*bit, Hash::from_slice(sibling)?);
            Some(Step { bit, sibling })
        };
        let steps: Option<Vec<Step>> = steps.iter().map(step).collect();
        surplus.is_empty().then_some(Self { steps: steps?, end })
    }

    /// The bit of the lowest branch above the end; bits rise.
    fn lowest(&self) -> Result<Option<u8>, MapError> {
        let rises = |pair: &[Step]| matches!(pair, [above, below] if above.bit < below.bit);
        if self.steps.windows(2).all(rises) {
            Ok(self.steps.last().map(|step| step.bit))
        } else {
            Err(MapError::Order)
        }
    }
}

/// Checks that the map of this root has this value under this key, or for `None` that it has no such key.
pub fn verify_map(
    root: &Hash,
    key: &MapKey,
    value: Option<&MapValue>,
    proof: &MapProof,
) -> Result<(), MapError> {
    let lowest = proof.lowest()?;
    // Another end shares with the key what all branches above it decided, and parts from it further down.
    let parts_below = |difference: Option<u8>| match (difference, lowest) {
        (None, _) => Err(MapError::Misplaced),
        (Some(difference), Some(lowest)) if difference <= lowest => Err(MapError::Misplaced),
        (Some(_), _) => Ok(()),
    };
    let end = match (&proof.end, value) {
        (End::Found, Some(value)) => leaf_hash(key, value),
        (End::Empty, None) if lowest.is_none() => EMPTY_MAP_ROOT,
        (End::Empty, None) => return Err(MapError::Misplaced),
        (End::Leaf { key: other, value }, None) => {
            parts_below(first_difference(other, key))?;
            leaf_hash(other, value)
        }
        (
            End::Branch {
                bit,
                prefix: start,
                left,
                right,
            },
            None,
        ) => {
            if prefix(start, *bit) != *start {
                return Err(MapError::Malformed);
            }
            parts_below(first_difference(start, &prefix(key, *bit)))?;
            branch_hash(*bit, start, left, right)
        }
        (End::Found, None) | (End::Empty | End::Leaf { .. } | End::Branch { .. }, Some(_)) => {
            return Err(MapError::Opposite);
        }
    };
    let hash = proof.steps.iter().rev().fold(end, |hash, step| {
        if is_set(key, step.bit) {
            branch_hash(step.bit, key, &step.sibling, &hash)
        } else {
            branch_hash(step.bit, key, &hash, &step.sibling)
        }
    });
    if hash == *root {
        Ok(())
    } else {
        Err(MapError::Root)
    }
}
