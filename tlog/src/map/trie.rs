//! The trie in memory: two rows of nodes that name one another by place, each branch with its hash.
//!
//! An entry takes some 120 bytes, hashes of leaves are made when they are asked for. A change hashes one branch for each
//! level above it, about the logarithm of the number of entries; [`Map::from_iter`] hashes each node once.

use alloc::vec::Vec;
use core::mem;

use super::{
    EMPTY_MAP_ROOT, MapKey, MapValue, branch_hash, first_difference, is_set, leaf_hash, prefix,
    proof::{End, MapProof, Step},
};
use crate::hash::Hash;

/// From this share of the entries on, it is cheaper to make the trie anew than to change it entry by entry.
const FEW: usize = 8;

/// A map with a root. At most 2^32 - 1 entries, which no memory holds.
///
/// ```
/// use tlog::{Map, verify_map};
/// let mut map = Map::new();
/// map.insert([7; 32], [1; 32]);
/// assert!(verify_map(&map.root(), &[7; 32], Some(&[1; 32]), &map.prove(&[7; 32])).is_ok());
/// assert!(verify_map(&map.root(), &[8; 32], None, &map.prove(&[8; 32])).is_ok());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Map {
    root: Option<Link>,
    leaves: Vec<Leaf>,
    branches: Vec<Branch>,
    /// Places of leaves and of branches that were removed, to be taken again.
    free: (Vec<u32>, Vec<u32>),
}

/// What a branch, or the root, leads to, by its place.
#[derive(Clone, Copy, Debug)]
enum Link {
    Leaf(u32),
    Branch(u32),
}

#[derive(Clone, Debug)]
struct Leaf {
    key: MapKey,
    value: MapValue,
}

#[derive(Clone, Debug)]
struct Branch {
    hash: Hash,
    left: Link,
    right: Link,
    bit: u8,
}

impl Branch {
    fn towards(&self, right: bool) -> Link {
        if right { self.right } else { self.left }
    }
}

/// Where the walk by a key's bits ends: the branches on the way, and the place of the leaf.
struct Walk {
    path: Vec<u32>,
    leaf: u32,
}

fn at(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// Puts a node into a free place, or at the end.
fn put<T>(row: &mut Vec<T>, free: &mut Vec<u32>, node: T) -> u32 {
    if let Some(place) = free.pop()
        && let Some(slot) = row.get_mut(at(place))
    {
        *slot = node;
        return place;
    }
    row.push(node);
    u32::try_from(row.len() - 1).unwrap_or(u32::MAX)
}

impl Map {
    /// The map without entries.
    pub const fn new() -> Self {
        Self {
            root: None,
            leaves: Vec::new(),
            branches: Vec::new(),
            free: (Vec::new(), Vec::new()),
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.leaves.len() - self.free.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// The root over all entries.
    pub fn root(&self) -> Hash {
        self.root.map_or(EMPTY_MAP_ROOT, |link| self.hash(link))
    }

    /// The value under this key.
    pub fn get(&self, key: &MapKey) -> Option<&MapValue> {
        let leaf = self.leaves.get(at(self.walk(key)?.leaf))?;
        (leaf.key == *key).then_some(&leaf.value)
    }

    /// Puts a value under a key, and gives back the one that was there.
    pub fn insert(&mut self, key: MapKey, value: MapValue) -> Option<MapValue> {
        let Some(Walk { mut path, leaf }) = self.walk(&key) else {
            self.root = Some(self.new_leaf(key, value));
            return None;
        };
        let nearest = self.leaves.get_mut(at(leaf))?;
        let Some(bit) = first_difference(&nearest.key, &key) else {
            let old = mem::replace(&mut nearest.value, value);
            self.rehash(&path, &key);
            return Some(old);
        };
        let above = self.above(&path, bit);
        let below = path
            .get(above)
            .map_or(Link::Leaf(leaf), |place| Link::Branch(*place));
        let new = self.new_leaf(key, value);
        let (left, right) = if is_set(&key, bit) {
            (below, new)
        } else {
            (new, below)
        };
        let branch = Branch {
            hash: EMPTY_MAP_ROOT, // until it is hashed below
            left,
            right,
            bit,
        };
        let place = put(&mut self.branches, &mut self.free.1, branch);
        path.truncate(above);
        self.hang(path.last(), &key, Some(Link::Branch(place)));
        path.push(place);
        self.rehash(&path, &key);
        None
    }

    /// Takes a key out, and gives back the value that was there.
    pub fn remove(&mut self, key: &MapKey) -> Option<MapValue> {
        let Walk { mut path, leaf } = self.walk(key)?;
        let found = self
            .leaves
            .get(at(leaf))
            .filter(|found| found.key == *key)?;
        let value = found.value;
        self.free.0.push(leaf);
        let Some(parent) = path.pop() else {
            *self = Self::new();
            return Some(value);
        };
        self.free.1.push(parent);
        let sibling = self.branches.get(at(parent));
        let sibling = sibling.map(|branch| branch.towards(!is_set(key, branch.bit)));
        self.hang(path.last(), key, sibling);
        self.rehash(&path, key);
        Some(value)
    }

    /// The proof of what is under this key: its value, or nothing.
    pub fn prove(&self, key: &MapKey) -> MapProof {
        let Some(Walk { path, leaf }) = self.walk(key) else {
            return MapProof::new(Vec::new(), End::Empty);
        };
        let Some(nearest) = self.leaves.get(at(leaf)) else {
            return MapProof::new(Vec::new(), End::Empty);
        };
        let Some(bit) = first_difference(&nearest.key, key) else {
            return MapProof::new(self.steps(&path, key), End::Found);
        };
        // Branches below the difference hold keys that start otherwise: the first of them ends the walk.
        let (above, below) = path.split_at(self.above(&path, bit).min(path.len()));
        let end = match below
            .first()
            .and_then(|place| self.branches.get(at(*place)))
        {
            Some(branch) => End::Branch {
                bit: branch.bit,
                prefix: prefix(&nearest.key, branch.bit),
                left: self.hash(branch.left),
                right: self.hash(branch.right),
            },
            None => End::Leaf {
                key: nearest.key,
                value: nearest.value,
            },
        };
        MapProof::new(self.steps(above, key), end)
    }

    /// Follows the bits of a key down to a leaf, whatever its key; `None` if the map is empty.
    fn walk(&self, key: &MapKey) -> Option<Walk> {
        let (mut link, mut path) = (self.root?, Vec::new());
        loop {
            match link {
                Link::Leaf(leaf) => return Some(Walk { path, leaf }),
                Link::Branch(place) => {
                    let branch = self.branches.get(at(place))?;
                    path.push(place);
                    link = branch.towards(is_set(key, branch.bit));
                }
            }
        }
    }

    /// How many branches of a path stand above this bit.
    fn above(&self, path: &[u32], bit: u8) -> usize {
        path.partition_point(|place| {
            let branch = self.branches.get(at(*place));
            branch.is_some_and(|branch| branch.bit < bit)
        })
    }

    fn steps(&self, path: &[u32], key: &MapKey) -> Vec<Step> {
        let branches = path
            .iter()
            .filter_map(|place| self.branches.get(at(*place)));
        let step = |branch: &Branch| Step {
            bit: branch.bit,
            sibling: self.hash(branch.towards(!is_set(key, branch.bit))),
        };
        branches.map(step).collect()
    }

    /// Hangs a node under this branch on the side of the key, or at the root.
    fn hang(&mut self, parent: Option<&u32>, key: &MapKey, link: Option<Link>) {
        let branch = parent.and_then(|place| self.branches.get_mut(at(*place)));
        match (branch, link) {
            (Some(branch), Some(link)) if is_set(key, branch.bit) => branch.right = link,
            (Some(branch), Some(link)) => branch.left = link,
            (_, link) => self.root = link,
        }
    }

    /// Hashes the branches of a path again, from the lowest up; `key` is one that is below all of them.
    fn rehash(&mut self, path: &[u32], key: &MapKey) {
        for place in path.iter().rev() {
            let Some(branch) = self.branches.get(at(*place)) else {
                continue;
            };
            let (left, right) = (self.hash(branch.left), self.hash(branch.right));
            let hash = branch_hash(branch.bit, key, &left, &right);
            if let Some(branch) = self.branches.get_mut(at(*place)) {
                branch.hash = hash;
            }
        }
    }

    fn hash(&self, link: Link) -> Hash {
        let hash = match link {
            Link::Leaf(place) => {
                let leaf = self.leaves.get(at(place));
                leaf.map(|leaf| leaf_hash(&leaf.key, &leaf.value))
            }
            Link::Branch(place) => self.branches.get(at(place)).map(|branch| branch.hash),
        };
        hash.unwrap_or(EMPTY_MAP_ROOT)
    }

    fn new_leaf(&mut self, key: MapKey, value: MapValue) -> Link {
        Link::Leaf(put(&mut self.leaves, &mut self.free.0, Leaf { key, value }))
    }

    /// The node over a range of the leaves, which are in order. As deep as the trie: at most 256 calls.
    fn grow(&mut self, from: usize, to: usize) -> Option<(Link, Hash)> {
        let leaves = self.leaves.get(from..to)?;
        let (first, last) = (leaves.first()?, leaves.last()?);
        let key = first.key;
        let Some(bit) = first_difference(&key, &last.key) else {
            let place = u32::try_from(from).unwrap_or(u32::MAX);
            return Some((Link::Leaf(place), leaf_hash(&key, &first.value)));
        };
        let middle = from + leaves.partition_point(|leaf| !is_set(&leaf.key, bit));
        let ((left, left_hash), (right, right_hash)) =
            (self.grow(from, middle)?, self.grow(middle, to)?);
        let hash = branch_hash(bit, &key, &left_hash, &right_hash);
        let branch = Branch {
            hash,
            left,
            right,
            bit,
        };
        let place = put(&mut self.branches, &mut self.free.1, branch);
        Some((Link::Branch(place), hash))
    }
}

impl FromIterator<(MapKey, MapValue)> for Map {
    /// Makes the whole trie at once. Of several values under one key, the last one counts.
    fn from_iter<I: IntoIterator<Item = (MapKey, MapValue)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let mut leaves: Vec<Leaf> = entries.map(|(key, value)| Leaf { key, value }).collect();
        leaves.sort_by_key(|leaf| leaf.key);
        leaves.dedup_by(|later, kept| {
            let same = later.key == kept.key;
            if same {
                kept.value = later.value;
            }
            same
        });
        leaves.shrink_to_fit();
        let mut map = Self {
            branches: Vec::with_capacity(leaves.len().saturating_sub(1)),
            leaves,
            ..Self::new()
        };
        map.root = map.grow(0, map.leaves.len()).map(|(link, _)| link);
        map
    }
}

impl Extend<(MapKey, MapValue)> for Map {
    /// Puts in several entries, one by one or all at once, whichever is less work.
    fn extend<I: IntoIterator<Item = (MapKey, MapValue)>>(&mut self, entries: I) {
        let entries: Vec<_> = entries.into_iter().collect();
        if entries.len() > self.len() / FEW && self.free.0.is_empty() {
            let old = mem::take(self).leaves;
            let old = old.into_iter().map(|leaf| (leaf.key, leaf.value));
            *self = old.chain(entries).collect();
        } else {
            for (key, value) in entries {
                self.insert(key, value);
            }
        }
    }
}
