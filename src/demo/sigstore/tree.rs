//! The Merkle tree of a private log (RFC 6962), kept in memory, small enough to hash anew each time.
use std::sync::{Mutex, PoisonError};

use tlog::{EMPTY_ROOT, Hash, leaf_hash, node_hash};

/// Entries that are there before the first, so that every proof has hashes.
const OTHERS: usize = 5;

/// The leaves of a log.
pub(super) struct Tree {
    leaves: Mutex<Vec<Hash>>,
}

/// Where an entry is, and that it is there.
pub(super) struct Proof {
    pub(super) hashes: Vec<Hash>,
    pub(super) index: usize,
    pub(super) root: Hash,
    pub(super) size: usize,
}

impl Tree {
    pub(super) fn new() -> Self {
        let other =
            |number: usize| leaf_hash(format!("entry {number} of somebody else").as_bytes());
        Self {
            leaves: Mutex::new((0..OTHERS).map(other).collect()),
        }
    }

    /// Appends an entry, and proves that it is in the tree as it is then.
    pub(super) fn append(&self, entry: &[u8]) -> Proof {
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        let index = leaves.len();
        leaves.push(leaf_hash(entry));
        let mut hashes = Vec::new();
        let root = walk(&leaves, index, &mut hashes);
        let size = leaves.len();
        Proof {
            hashes,
            index,
            root,
            size,
        }
    }
}

/// The root of these leaves; the siblings on the way from the leaf of this index are added, lowest first.
fn walk(leaves: &[Hash], index: usize, siblings: &mut Vec<Hash>) -> Hash {
    let [_, _, ..] = leaves else {
        return root(leaves);
    };
    let (left, right) = leaves.split_at(split(leaves.len()));
    if index < left.len() {
        let (on_way, sibling) = (walk(left, index, siblings), root(right));
        siblings.push(sibling);
        node_hash(&on_way, &sibling)
    } else {
        let (sibling, on_way) = (root(left), walk(right, index - left.len(), siblings));
        siblings.push(sibling);
        node_hash(&sibling, &on_way)
    }
}

fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => EMPTY_ROOT,
        [leaf] => *leaf,
        [_, ..] => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// The largest power of two below so many leaves, of which there are at least two.
fn split(leaves: usize) -> usize {
    leaves.next_power_of_two() / 2
}
