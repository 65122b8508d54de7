//! The tree under one signed checkpoint: tiles that were traced up to its root, and the proofs that are made of them.
//!
//! ```text
//! right edge      the partial tiles of every level: together they give the signed root
//! a full tile     its root stands in the tile above it, up to a tile of the right edge
//! ```
//!
//! So no tile is believed before the signature vouches for every hash in it.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tlog::{
    Hash, ProofError, Receipt, Resource, TILE_WIDTH, TileMap, TilePath, consistency_proof,
    inclusion_proof, root_of, root_of_tiles, tiles_for_consistency, tiles_for_inclusion,
    tiles_for_root,
};

use super::{
    Lie, RemoteError, Signed,
    checked::Checked,
    codes,
    source::{Name, blocking},
};

/// Most tiles of upper levels that are remembered: 8 MiB, enough for a page of leaves anywhere in 67 million.
const REMEMBERED: usize = 1024;

/// A tile's hashes.
pub(super) type Hashes = Arc<Vec<u8>>;

/// The tree under a signed checkpoint. Clones share what was fetched.
#[derive(Clone)]
pub struct Tree {
    pub(super) checked: Checked,
    signed: Arc<Signed>,
    /// The partial tile of each level that has one.
    edge: Arc<BTreeMap<u8, Hashes>>,
    upper: Arc<Mutex<BTreeMap<(u8, u64), Hashes>>>,
    /// Held by whoever fetches tiles of upper levels.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Tree {
    /// Fetches the right edge and holds it against the signed root.
    pub(super) async fn load(checked: Checked, signed: Signed) -> Result<Self, RemoteError> {
        let size = signed.size();
        let mut edge = BTreeMap::new();
        let mut map = TileMap::new();
        for path in tiles_for_root(size) {
            // Nothing vouches for one of these alone: a copy of them is no help.
            let served = checked.source.get_or_full(name(path)).await?;
            let bytes = served
                .as_deref()
                .and_then(|bytes| bytes.get(..length(path)))
                .ok_or_else(|| missing(path))?
                .to_vec();
            map.insert(path.level(), path.index(), bytes.clone());
            edge.insert(path.level(), Arc::new(bytes));
        }
        let root = root_of_tiles(size, &map).map_err(|error| wrong(error.to_string()))?;
        if root != *signed.checkpoint.root() {
            let signed = signed.checkpoint.root();
            let text =
                format!("the tiles of {size} leaves give the root {root}, signed is {signed}");
            return Err(wrong(text).into());
        }
        let tree = Self {
            checked,
            signed: Arc::new(signed),
            edge: Arc::new(edge),
            upper: Arc::default(),
            turn: Arc::default(),
        };
        tree.keep_edge().await?;
        Ok(tree)
    }

    async fn keep_edge(&self) -> Result<(), RemoteError> {
        let Some(kept) = self.checked.kept.clone() else {
            return Ok(());
        };
        let (edge, size) = (self.edge.clone(), self.size());
        blocking(move || {
            for path in tiles_for_root(size) {
                if let Some(bytes) = edge.get(&path.level())
                    && path.width() < TILE_WIDTH
                {
                    kept.put(&name(path), bytes)?;
                }
            }
            Ok(())
        })
        .await?
    }

    /// The checkpoint that vouches for it.
    pub fn signed(&self) -> &Signed {
        &self.signed
    }

    /// Leaves in it.
    pub fn size(&self) -> u64 {
        self.signed.size()
    }

    /// A tile, as wide as it is in this tree, traced up to the signed root.
    pub(super) async fn tile(&self, level: u8, index: u64) -> Result<Hashes, RemoteError> {
        let (mut known, mut unknown) = self.above(level, index)?;
        // Neighbours that are fetched together need the same tiles above: one of them fetches those for all.
        let upper = unknown.iter().any(|path| path.level() > 0);
        let turn = if upper {
            let turn = self.turn.lock().await;
            (known, unknown) = self.above(level, index)?;
            Some(turn)
        } else {
            None
        };
        while let Some(path) = unknown.pop() {
            let expected = hash_in(&known, path.index()).ok_or_else(|| missing(path))?;
            known = self.full(path, expected).await?;
            if path.level() > 0 {
                self.remember(path, &known);
            }
        }
        drop(turn);
        Ok(known)
    }

    /// Upwards from a tile to what is known already, the right edge at the latest, and the tiles on the way.
    fn above(&self, level: u8, index: u64) -> Result<(Hashes, Vec<TilePath>), RemoteError> {
        let (mut level, mut index) = (level, index);
        let mut unknown = Vec::new();
        loop {
            let path = self.path(level, index)?;
            let known = if path.width() < TILE_WIDTH {
                let edge = self.edge.get(&level).cloned();
                Some(edge.ok_or_else(|| missing(path))?)
            } else {
                self.remembered(level, index)
            };
            if let Some(known) = known {
                return Ok((known, unknown));
            }
            unknown.push(path);
            (level, index) = (level + 1, index / u64::from(TILE_WIDTH));
        }
    }

    /// A full tile that must have this root.
    async fn full(&self, path: TilePath, expected: Hash) -> Result<Hashes, RemoteError> {
        let check = move |bytes: &[u8]| {
            let (hashes, rest) = bytes.as_chunks::<{ Hash::LEN }>();
            if !rest.is_empty() || hashes.len() != usize::from(TILE_WIDTH) {
                let text = format!(
                    "tile {path} has {} bytes and not {}",
                    bytes.len(),
                    length(path)
                );
                return Err(wrong(text));
            }
            let hashes: Vec<Hash> = hashes.iter().copied().map(Hash::from_bytes).collect();
            let root = root_of(&hashes);
            if root != expected {
                let text =
                    format!("tile {path} gives the root {root}, the signed tree has {expected}");
                return Err(wrong(text));
            }
            Ok((Arc::new(bytes.to_vec()), bytes.len()))
        };
        self.checked
            .get(name(path), codes::TILE_MISSING, check)
            .await
    }

    pub(super) fn path(&self, level: u8, index: u64) -> Result<TilePath, RemoteError> {
        let size = self.size();
        TilePath::at(level, index, size).ok_or(RemoteError::Beyond {
            index: index.saturating_mul(u64::from(TILE_WIDTH)),
            size,
        })
    }

    fn remembered(&self, level: u8, index: u64) -> Option<Hashes> {
        let upper = self.upper.lock().unwrap_or_else(PoisonError::into_inner);
        upper.get(&(level, index)).cloned()
    }

    fn remember(&self, path: TilePath, hashes: &Hashes) {
        let mut upper = self.upper.lock().unwrap_or_else(PoisonError::into_inner);
        if upper.len() >= REMEMBERED {
            upper.clear();
        }
        upper.insert((path.level(), path.index()), hashes.clone());
    }

    /// These tiles, verified, as the proofs of `tlog` read them.
    async fn tiles(&self, paths: Vec<TilePath>) -> Result<TileMap, RemoteError> {
        let mut map = TileMap::new();
        for path in paths {
            let hashes = self.tile(path.level(), path.index()).await?;
            map.insert(path.level(), path.index(), hashes.to_vec());
        }
        Ok(map)
    }

    /// The proof that leaf `index` is in this tree.
    pub async fn inclusion(&self, index: u64) -> Result<Vec<Hash>, RemoteError> {
        let size = self.size();
        let paths =
            tiles_for_inclusion(index, size).map_err(|error| beyond(&error, index, size))?;
        let tiles = self.tiles(paths).await?;
        inclusion_proof(index, size, &tiles).map_err(|error| wrong(error.to_string()).into())
    }

    /// The proof that the tree of the first `old` leaves is the beginning of this one, as a witness asks for it.
    pub async fn consistency(&self, old: u64) -> Result<Vec<Hash>, RemoteError> {
        let size = self.size();
        let paths = tiles_for_consistency(old, size).map_err(|error| beyond(&error, old, size))?;
        let tiles = self.tiles(paths).await?;
        consistency_proof(old, size, &tiles).map_err(|error| wrong(error.to_string()).into())
    }

    /// The root of the tree of the first `old` leaves: what an honest checkpoint of that size has signed.
    pub async fn root_at(&self, old: u64) -> Result<Hash, RemoteError> {
        let size = self.size();
        if old > size {
            return Err(RemoteError::Beyond { index: old, size });
        }
        let tiles = self.tiles(tiles_for_root(old)).await?;
        root_of_tiles(old, &tiles).map_err(|error| wrong(error.to_string()).into())
    }

    /// The receipt of a leaf, which it carries, under this tree's checkpoint.
    pub async fn receipt(&self, index: u64) -> Result<Receipt, RemoteError> {
        let leaf = self.leaf(index).await?;
        let proof = self.inclusion(index).await?;
        Receipt::new(&leaf, index, proof, self.signed.note.clone())
            .map_err(|error| wrong(error.to_string()).into())
    }
}

pub(super) fn name(path: TilePath) -> Name {
    Name::Tile(Resource::Hashes(path))
}

/// The hash of the tile below, in the tile above it.
fn hash_in(above: &[u8], index: u64) -> Option<Hash> {
    let place = usize::try_from(index % u64::from(TILE_WIDTH)).ok()?;
    Hash::from_slice(above.get(place * Hash::LEN..(place + 1) * Hash::LEN)?)
}

fn length(path: TilePath) -> usize {
    usize::from(path.width()) * Hash::LEN
}

fn missing(path: TilePath) -> Lie {
    Lie::new(
        codes::TILE_MISSING,
        format!("tile {path}, which the signed tree has, is not served whole"),
    )
}

fn wrong(text: String) -> Lie {
    Lie::new(codes::TILE_WRONG, text)
}

fn beyond(error: &ProofError, index: u64, size: u64) -> RemoteError {
    match error {
        ProofError::IndexOutOfRange { .. } | ProofError::SizesReversed { .. } => {
            RemoteError::Beyond { index, size }
        }
        ProofError::MissingTile(_) | ProofError::TileLength { .. } => {
            wrong(error.to_string()).into()
        }
    }
}
