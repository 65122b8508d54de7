//! The root of a growing tree, in memory that grows with its logarithm (RFC 6962 §2.1).
//!
//! A tree of `size` leaves is a row of perfect subtrees, one for each set bit of `size`, largest first. Their roots are
//! the *frontier*: enough to append, enough for the root, at most 64 hashes.

use alloc::vec::Vec;

use thiserror::Error;

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// The largest tree: sizes and log indexes fit in a signed 64-bit integer, as databases have it.
pub const MAX_SIZE: u64 = u64::MAX >> 1;

/// Why a stored frontier was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TreeError {
    /// The number of hashes is not the number of set bits of the size.
    #[error("a frontier of {size} leaves has {expected} hashes, not {found}")]
    WrongCount {
        /// Leaves in the tree.
        size: u64,
        /// Hashes that a tree of this size has.
        expected: u32,
        /// Hashes given.
        found: usize,
    },
    /// The size is beyond [`MAX_SIZE`].
    #[error("a tree of {0} leaves is too large")]
    TooLarge(u64),
}

/// The roots of the perfect subtrees that cover a tree from its first leaf to its last.
///
/// ```
/// let mut frontier = tlog::Frontier::new();
/// assert_eq!(frontier.root(), tlog::EMPTY_ROOT);
/// frontier.push(tlog::leaf_hash(b"first"));
/// assert_eq!(frontier.root(), tlog::leaf_hash(b"first"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// The empty tree.
    pub const fn new() -> Self {
        Self {
            size: 0,
            hashes: Vec::new(),
        }
    }

    /// The frontier that [`Frontier::hashes`] gave for a tree of `size` leaves.
    ///
    /// Only the count can be checked here; whether the hashes are right shows in the root.
    pub fn from_hashes(size: u64, hashes: Vec<Hash>) -> Result<Self, TreeError> {
        if size > MAX_SIZE {
            return Err(TreeError::TooLarge(size));
        }
        let expected = size.count_ones();
        let found = hashes.len();
        if u32::try_from(found) != Ok(expected) {
            return Err(TreeError::WrongCount {
                size,
                expected,
                found,
            });
        }
        Ok(Self { size, hashes })
    }

    /// Appends a leaf, by its hash. Amortised constant time: one node for each leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // As in binary addition, every set low bit is a perfect subtree that the carry completes.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.hashes.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// Leaves in the tree.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, from the first leaves to the last.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        join(&self.hashes).unwrap_or(EMPTY_ROOT)
    }
}

impl Extend<Hash> for Frontier {
    fn extend<I: IntoIterator<Item = Hash>>(&mut self, leaves: I) {
        leaves.into_iter().for_each(|leaf| self.push(leaf));
    }
}

/// The root over neighbouring subtrees, given from left to right and never growing in size; `None` over none.
pub(crate) fn join(subtrees: &[Hash]) -> Option<Hash> {
    subtrees
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node_hash(&left, &right))
}

/// The root over leaf hashes, by the definition: the reference that everything faster is tested against.
pub fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&root_of(left), &root_of(right))
        }
    }
}
