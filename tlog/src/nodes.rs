//! A tile with every node inside it, so that proofs from it cost lookups and no hashing.

use alloc::vec::Vec;

use crate::{
    hash::{Hash, node_hash},
    tile::TILE_WIDTH,
};

/// The hashes of a tile and all the nodes above them that they complete: at most 511, some 16 kB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileNodes {
    /// The tile's own hashes first, then the nodes over pairs of them, and so on; the last has one or none.
    heights: Vec<Vec<Hash>>,
}

impl TileNodes {
    /// The nodes of a stored tile; `None` if these are not up to 256 hashes.
    pub fn new(tile: &[u8]) -> Option<Self> {
        let (hashes, rest) = tile.as_chunks::<{ Hash::LEN }>();
        if !rest.is_empty() || hashes.len() > usize::from(TILE_WIDTH) {
            return None;
        }
        let mut below: Vec<Hash> = hashes.iter().copied().map(Hash::from_bytes).collect();
        let mut heights = Vec::new();
        while below.len() > 1 {
            let (pairs, _) = below.as_chunks::<2>();
            let above = pairs
                .iter()
                .map(|[left, right]| node_hash(left, right))
                .collect();
            heights.push(core::mem::replace(&mut below, above));
        }
        heights.push(below);
        Some(Self { heights })
    }

    /// How many hashes the tile has.
    pub fn width(&self) -> usize {
        self.heights.first().map_or(0, Vec::len)
    }

    /// The root over `count` hashes from `first` on; `None` unless `count` is a power of two, `first` a multiple of it, and
    /// the tile as wide.
    pub fn root(&self, first: usize, count: usize) -> Option<Hash> {
        let aligned = count.is_power_of_two() && first.is_multiple_of(count);
        let height = usize::try_from(count.checked_ilog2()?).ok()?;
        let nodes = self.heights.get(height).filter(|_| aligned)?;
        nodes.get(first / count).copied()
    }
}
