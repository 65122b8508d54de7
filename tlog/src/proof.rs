//! Proofs, made from tiles: that a leaf is in a tree, and that a tree is the beginning of another (RFC 6962 §2.1.1, §2.1.2).
//!
//! A proof is a list of hashes, each the root over a range of leaves. So there are two steps: which ranges, which is
//! arithmetic, and the hash of a range, which reads tiles. The first step alone says which tiles to fetch.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::{ops::Range, slice};

use thiserror::Error;

use crate::{
    edge::TileRow,
    hash::{EMPTY_ROOT, Hash},
    tile::{TILE_WIDTH, TilePath},
    tree::{join, root_of},
};

/// Why a proof could not be made.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ProofError {
    /// The tree has no leaf of this index.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    IndexOutOfRange {
        /// Log index asked for.
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
    /// The reader does not have a tile.
    #[error("tile {0} is missing")]
    MissingTile(TilePath),
    /// The reader gave a tile of another length than asked for.
    #[error("tile {tile} has {found} bytes")]
    TileLength {
        /// The tile asked for.
        tile: TilePath,
        /// Bytes given.
        found: usize,
    },
}

/// Where hashes come from: tiles that have been fetched already.
pub trait TileReader {
    /// The tile's hashes, 32 bytes for each of its width; `None` if the reader does not have them.
    fn tile(&self, tile: TilePath) -> Option<&[u8]>;

    /// The root over `count` hashes of the tile from `first` on, if the reader has it ready, as [`crate::TileNodes`] has;
    /// else it is computed from the tile. `count` is a power of two, and `first` a multiple of it.
    fn node(&self, _tile: TilePath, _first: usize, _count: usize) -> Option<Hash> {
        None
    }
}

/// Tiles in memory, by level and index, each as wide as it was given.
#[derive(Clone, Debug, Default)]
pub struct TileMap {
    tiles: BTreeMap<(u8, u64), Vec<u8>>,
}

impl TileMap {
    /// No tiles.
    pub const fn new() -> Self {
        Self {
            tiles: BTreeMap::new(),
        }
    }

    /// Adds a tile, or replaces it, wherever its bytes come from.
    pub fn insert(&mut self, level: u8, index: u64, hashes: Vec<u8>) {
        self.tiles.insert((level, index), hashes);
    }

    /// The stored row of a tile.
    pub fn get(&self, level: u8, index: u64) -> Option<&[u8]> {
        self.tiles.get(&(level, index)).map(Vec::as_slice)
    }
}

impl Extend<TileRow> for TileMap {
    fn extend<I: IntoIterator<Item = TileRow>>(&mut self, rows: I) {
        rows.into_iter()
            .for_each(|row| self.insert(row.level, row.index, row.hashes));
    }
}

impl TileReader for TileMap {
    /// A row that is wider than asked for answers with its beginning, since tiles only grow.
    fn tile(&self, tile: TilePath) -> Option<&[u8]> {
        self.get(tile.level(), tile.index())?
            .get(..usize::from(tile.width()) * Hash::LEN)
    }
}

/// The proof that leaf `index` is in the tree of the first `size` leaves, from the leaf's sibling up.
///
/// It needs the tiles that [`tiles_for_inclusion`] lists, and [`crate::verify_inclusion`] checks it.
pub fn inclusion_proof<R: TileReader>(
    index: u64,
    size: u64,
    tiles: &R,
) -> Result<Vec<Hash>, ProofError> {
    hashes_of(&inclusion_ranges(index, size)?, size, tiles)
}

/// The proof that the first `old` leaves of the tree of `new` leaves are the tree of `old` leaves.
///
/// Empty where nothing is to be proven: from the empty tree, and to the same tree. It needs the tiles that
/// [`tiles_for_consistency`] lists, and [`crate::verify_consistency`] checks it.
pub fn consistency_proof<R: TileReader>(
    old: u64,
    new: u64,
    tiles: &R,
) -> Result<Vec<Hash>, ProofError> {
    hashes_of(&consistency_ranges(old, new)?, new, tiles)
}

/// The root of the tree of the first `size` leaves, from the tiles that [`tiles_for_root`] lists.
pub fn root_of_tiles<R: TileReader>(size: u64, tiles: &R) -> Result<Hash, ProofError> {
    range_hash(&(0..size), size, tiles)
}

/// The tiles that [`inclusion_proof`] reads, each once, in the order of their names.
pub fn tiles_for_inclusion(index: u64, size: u64) -> Result<Vec<TilePath>, ProofError> {
    Ok(tiles_under(&inclusion_ranges(index, size)?, size))
}

/// The tiles that [`consistency_proof`] reads, each once, in the order of their names.
pub fn tiles_for_consistency(old: u64, new: u64) -> Result<Vec<TilePath>, ProofError> {
    Ok(tiles_under(&consistency_ranges(old, new)?, new))
}

/// The tiles that [`root_of_tiles`] and [`crate::TileEdge::load`] read: the partial ones, at most one for each level.
pub fn tiles_for_root(size: u64) -> Vec<TilePath> {
    tiles_under(slice::from_ref(&(0..size)), size)
}

/// The ranges of leaves whose roots are an inclusion proof. PATH(m, D\[n\]) of RFC 6962, unrolled from the root down.
fn inclusion_ranges(index: u64, size: u64) -> Result<Vec<Range<u64>>, ProofError> {
    if index >= size {
        return Err(ProofError::IndexOutOfRange { index, size });
    }
    let mut ranges = Vec::new();
    let mut tree = 0..size;
    while tree.end - tree.start > 1 {
        let middle = split(&tree);
        if index < middle {
            ranges.push(middle..tree.end);
            tree.end = middle;
        } else {
            ranges.push(tree.start..middle);
            tree.start = middle;
        }
    }
    ranges.reverse();
    Ok(ranges)
}

/// The ranges of leaves whose roots are a consistency proof. SUBPROOF(m, D\[n\], b) of RFC 6962, unrolled likewise.
fn consistency_ranges(old: u64, new: u64) -> Result<Vec<Range<u64>>, ProofError> {
    if old > new {
        return Err(ProofError::SizesReversed { old, new });
    }
    let mut ranges = Vec::new();
    if old == 0 {
        return Ok(ranges);
    }
    let mut tree = 0..new;
    while tree.end != old {
        let middle = split(&tree);
        if old <= middle {
            ranges.push(middle..tree.end);
            tree.end = middle;
        } else {
            ranges.push(tree.start..middle);
            tree.start = middle;
        }
    }
    // What is left is the whole old tree, which the verifier knows, or its last subtree, which it does not.
    if tree.start > 0 {
        ranges.push(tree);
    }
    ranges.reverse();
    Ok(ranges)
}

/// Where a tree of at least two leaves parts: its left side is the largest power of two that leaves something right.
fn split(tree: &Range<u64>) -> u64 {
    tree.start + (1 << (tree.end - tree.start - 1).ilog2())
}

/// A perfect subtree: its leaves are a power of two and begin at a multiple of it.
struct Subtree {
    start: u64,
    height: u8,
}

impl Subtree {
    /// The place of its hashes: level and index of their tile, the first one there, and how many.
    ///
    /// Tiles know every eighth height, so at most the 128 hashes of seven heights below.
    fn place(&self) -> (u8, u64, usize, usize) {
        let level = self.height / 8;
        let first = crate::tile::hashes_at(level, self.start);
        let [offset, ..] = first.to_le_bytes();
        (
            level,
            first / u64::from(TILE_WIDTH),
            usize::from(offset),
            1 << (self.height % 8),
        )
    }
}

/// The perfect subtrees of a range of leaves that a tree node covers, largest first.
fn subtrees(range: &Range<u64>) -> impl Iterator<Item = Subtree> {
    let Range { mut start, end } = range.clone();
    core::iter::from_fn(move || {
        let height = (end - start).checked_ilog2()?;
        let subtree = Subtree {
            start,
            height: u8::try_from(height).ok()?,
        };
        start += 1 << height;
        Some(subtree)
    })
}

fn tiles_under(ranges: &[Range<u64>], size: u64) -> Vec<TilePath> {
    let tiles: BTreeSet<_> = ranges
        .iter()
        .flat_map(subtrees)
        .filter_map(|subtree| {
            let (level, index, _, _) = subtree.place();
            TilePath::at(level, index, size)
        })
        .collect();
    tiles.into_iter().collect()
}

fn hashes_of<R: TileReader>(
    ranges: &[Range<u64>],
    size: u64,
    tiles: &R,
) -> Result<Vec<Hash>, ProofError> {
    ranges
        .iter()
        .map(|range| range_hash(range, size, tiles))
        .collect()
}

fn range_hash<R: TileReader>(range: &Range<u64>, size: u64, tiles: &R) -> Result<Hash, ProofError> {
    let hashes: Vec<_> = subtrees(range)
        .map(|subtree| subtree_hash(&subtree, size, tiles))
        .collect::<Result<_, _>>()?;
    Ok(join(&hashes).unwrap_or(EMPTY_ROOT))
}

fn subtree_hash<R: TileReader>(
    subtree: &Subtree,
    size: u64,
    tiles: &R,
) -> Result<Hash, ProofError> {
    let (level, index, first, count) = subtree.place();
    // Every subtree lies inside the tree, so its tile has a width.
    let out_of_range = ProofError::IndexOutOfRange {
        index: subtree.start,
        size,
    };
    let tile = TilePath::at(level, index, size).ok_or(out_of_range)?;
    if let Some(node) = tiles.node(tile, first, count) {
        return Ok(node);
    }
    let bytes = tiles.tile(tile).ok_or(ProofError::MissingTile(tile))?;
    let length = ProofError::TileLength {
        tile,
        found: bytes.len(),
    };
    let (hashes, rest) = bytes.as_chunks::<{ Hash::LEN }>();
    if !rest.is_empty() || hashes.len() != usize::from(tile.width()) {
        return Err(length);
    }
    let below: Vec<_> = hashes
        .iter()
        .skip(first)
        .take(count)
        .copied()
        .map(Hash::from_bytes)
        .collect();
    Ok(root_of(&below))
}
