//! Checking proofs, which needs no tiles and trusts nobody (RFC 9162 §2.1.3.2, §2.1.4.2).
//!
//! A proof is accepted only in its one right form: not a hash more, not a hash less. Anything else, of whatever length, is
//! an error and never a panic.

use thiserror::Error;

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum VerifyError {
    /// The tree has no leaf of this index.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    IndexOutOfRange {
        /// Log index claimed.
        index: u64,
        /// Leaves in the tree.
        size: u64,
    },
    /// The older tree is larger than the newer.
    #[error("a tree of {old} leaves is not the beginning of one of {new}")]
    SizesReversed {
        /// Leaves in the older tree.
        old: u64,
        /// Leaves in the newer tree.
        new: u64,
    },
    /// The proof has too few or too many hashes for these sizes.
    #[error("a proof of {0} hashes has the wrong length")]
    Length(usize),
    /// The proof leads to another root than the one of the tree it is about.
    #[error("the proof does not lead to the root")]
    Root,
    /// The proof leads to another root than the one of the older tree.
    #[error("the proof does not lead to the older root")]
    OldRoot,
}

/// Checks that `leaf` is the hash of leaf `index` in the tree of `size` leaves under `root`.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), VerifyError> {
    if index >= size {
        return Err(VerifyError::IndexOutOfRange { index, size });
    }
    let mut path = Path {
        node: index,
        last: size - 1,
    };
    let mut hash = *leaf;
    for sibling in proof {
        hash = match path.climb().ok_or(VerifyError::Length(proof.len()))? {
            Side::Left => node_hash(sibling, &hash),
            Side::Right => node_hash(&hash, sibling),
        };
    }
    if !path.at_root() {
        return Err(VerifyError::Length(proof.len()));
    }
    if hash == *root {
        Ok(())
    } else {
        Err(VerifyError::Root)
    }
}

/// Checks that the tree of `old_size` leaves under `old_root` is the beginning of the one of `new_size` under `new_root`.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), VerifyError> {
    if old_size > new_size {
        return Err(VerifyError::SizesReversed {
            old: old_size,
            new: new_size,
        });
    }
    if old_size == 0 && *old_root != EMPTY_ROOT {
        return Err(VerifyError::OldRoot);
    }
    if old_size == 0 || old_size == new_size {
        return match proof {
            [] if old_size < new_size || old_root == new_root => Ok(()),
            [] => Err(VerifyError::Root),
            _ => Err(VerifyError::Length(proof.len())),
        };
    }
    let (old, new) =
        roots_of(old_size, old_root, new_size, proof).ok_or(VerifyError::Length(proof.len()))?;
    if old != *old_root {
        return Err(VerifyError::OldRoot);
    }
    if new == *new_root {
        Ok(())
    } else {
        Err(VerifyError::Root)
    }
}

/// The two roots that a consistency proof leads to, for sizes `0 < old < new`; `None` if its length is wrong.
fn roots_of(old_size: u64, old_root: &Hash, new_size: u64, proof: &[Hash]) -> Option<(Hash, Hash)> {
    // The climb starts at the last perfect subtree of the old tree. If that is the whole old tree, its root is known and
    // not repeated in the proof.
    let height = old_size.trailing_zeros();
    let mut path = Path {
        node: (old_size - 1) >> height,
        last: (new_size - 1) >> height,
    };
    let (start, rest) = if path.node == 0 {
        (old_root, proof)
    } else {
        proof.split_first()?
    };
    let (mut old, mut new) = (*start, *start);
    for sibling in rest {
        match path.climb()? {
            Side::Left => {
                old = node_hash(sibling, &old);
                new = node_hash(sibling, &new);
            }
            Side::Right => new = node_hash(&new, sibling),
        }
    }
    path.at_root().then_some((old, new))
}

/// A node on its way to the root, and the last node of the same height.
struct Path {
    node: u64,
    last: u64,
}

/// Where the sibling stands.
enum Side {
    Left,
    Right,
}

impl Path {
    /// Goes one sibling up; `None` at the root.
    fn climb(&mut self) -> Option<Side> {
        if self.at_root() {
            return None;
        }
        let side = if self.node & 1 == 1 || self.node == self.last {
            Side::Left
        } else {
            Side::Right
        };
        if self.node == self.last {
            // The last node of a level may have no sibling there: it stands for itself until it has one on its left.
            let lonely = self.node.trailing_zeros();
            self.node >>= lonely;
            self.last >>= lonely;
        }
        self.node >>= 1;
        self.last >>= 1;
        Some(side)
    }

    fn at_root(&self) -> bool {
        self.last == 0
    }
}
