//! The right edge of a growing tree: which stored tiles an append changes, and what they become.
//!
//! One stored row is one tile ([`crate::tile`]), from its first hash to its 256th: it only grows, and is never touched
//! again once full. Only the last tile of each level can grow, so those few stay in memory, at most 255 hashes a level.
//! What if we crash here? Nothing: the edge is a function of the stored rows and is loaded from them again.

use alloc::vec::Vec;

use thiserror::Error;

use crate::{
    hash::Hash,
    tile::{TILE_WIDTH, TilePath, hashes_at},
    tree::{Frontier, MAX_SIZE, join, root_of},
};

/// Why the edge could not be loaded from stored rows.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EdgeError {
    /// A tile that the tree must have is not stored.
    #[error("tile {0} is not stored")]
    Missing(TilePath),
    /// A stored tile is shorter or longer than the tree has it.
    #[error("tile {tile} is stored with {found} bytes")]
    Length {
        /// The tile as the tree has it.
        tile: TilePath,
        /// Bytes stored.
        found: usize,
    },
    /// The size is beyond [`MAX_SIZE`].
    #[error("a tree of {0} leaves is too large")]
    TooLarge(u64),
}

/// A tile as it is stored after an append: the whole row, of which the row before was a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileRow {
    /// The level: 0 holds leaf hashes.
    pub level: u8,
    /// The place among the tiles of its level, from 0.
    pub index: u64,
    /// 1 to 256 hashes of 32 bytes.
    pub hashes: Vec<u8>,
}

/// The last tile of every level, while it is not full.
///
/// ```
/// let mut edge = tlog::TileEdge::new();
/// let rows = edge.append(&[tlog::leaf_hash(b"first")]);
/// assert_eq!((rows[0].level, rows[0].index, rows[0].hashes.len()), (0, 0, 32));
/// assert_eq!(edge.root(), tlog::leaf_hash(b"first"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TileEdge {
    size: u64,
    /// By level; each holds less than 256 hashes, and the last level holds some.
    levels: Vec<Vec<Hash>>,
}

impl TileEdge {
    /// The edge of the empty tree.
    pub const fn new() -> Self {
        Self {
            size: 0,
            levels: Vec::new(),
        }
    }

    /// The edge of a tree of `size` leaves, from its stored rows by level and index.
    ///
    /// `row` is asked for the partial tiles only, the ones that [`crate::tiles_for_root`] lists, and must give exactly
    /// the hashes that a tree of this size has: a row that is longer was not written with this head.
    pub fn load<F>(size: u64, mut row: F) -> Result<Self, EdgeError>
    where
        F: FnMut(u8, u64) -> Option<Vec<u8>>,
    {
        if size > MAX_SIZE {
            return Err(EdgeError::TooLarge(size));
        }
        let mut levels = Vec::new();
        for level in (0..).take_while(|level| hashes_at(*level, size) > 0) {
            let hashes = match partial_tile(level, size) {
                None => Vec::new(),
                Some(tile) => {
                    let bytes = row(level, tile.index()).ok_or(EdgeError::Missing(tile))?;
                    hashes_in(&bytes, tile.width()).ok_or(EdgeError::Length {
                        tile,
                        found: bytes.len(),
                    })?
                }
            };
            levels.push(hashes);
        }
        Ok(Self { size, levels })
    }

    /// Appends leaves, by their hashes, and returns every row that changed, once, in its new state.
    ///
    /// Where the rows may fail to be stored, append to a clone and keep it only once they are.
    ///
    /// A batch touches one row for each started 256 leaves, and a row of a level above only when a tile below filled.
    pub fn append(&mut self, leaves: &[Hash]) -> Vec<TileRow> {
        let mut rows = Vec::new();
        let mut rising = leaves.to_vec();
        let mut level = 0;
        while !rising.is_empty() {
            let index = hashes_at(level + 1, self.size);
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            let Some(tile) = self.levels.get_mut(usize::from(level)) else {
                break;
            };
            rising = fill(tile, &rising, level, index, &mut rows);
            level += 1;
        }
        self.size = self
            .size
            .saturating_add(u64::try_from(leaves.len()).unwrap_or(u64::MAX));
        rows
    }

    /// Leaves in the tree.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree, computed from the partial tiles: at most 255 hashes for each level.
    pub fn root(&self) -> Hash {
        let mut subtrees = Vec::new();
        for tile in self.levels.iter().rev() {
            let mut frontier = Frontier::new();
            frontier.extend(tile.iter().copied());
            subtrees.extend_from_slice(frontier.hashes());
        }
        join(&subtrees).unwrap_or(crate::EMPTY_ROOT)
    }
}

/// Adds hashes to the last tile of a level, pushes every row that this changes, and returns the roots of those it fills.
fn fill(
    tile: &mut Vec<Hash>,
    rising: &[Hash],
    level: u8,
    first: u64,
    rows: &mut Vec<TileRow>,
) -> Vec<Hash> {
    let mut full = Vec::new();
    let mut index = first;
    for hash in rising {
        tile.push(*hash);
        if tile.len() == usize::from(TILE_WIDTH) {
            rows.push(TileRow {
                level,
                index,
                hashes: bytes_of(tile),
            });
            full.push(root_of(tile));
            tile.clear();
            index += 1;
        }
    }
    if !tile.is_empty() {
        rows.push(TileRow {
            level,
            index,
            hashes: bytes_of(tile),
        });
    }
    full
}

/// The tile of a level that is not full in a tree of `size` leaves; `None` where the level ends with a full tile.
pub(crate) fn partial_tile(level: u8, size: u64) -> Option<TilePath> {
    TilePath::at(level, hashes_at(level + 1, size), size)
}

fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// The hashes of a tile of this width; `None` unless the bytes are exactly those.
fn hashes_in(bytes: &[u8], width: u16) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<{ Hash::LEN }>();
    let exact = rest.is_empty() && hashes.len() == usize::from(width);
    exact.then(|| hashes.iter().copied().map(Hash::from_bytes).collect())
}
