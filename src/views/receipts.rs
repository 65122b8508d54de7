//! Receipts in a hurry: what a proof needs is kept in memory, and each receipt is verified before anybody sees it.
//!
//! | kept | how long | most memory |
//! |---|---|---|
//! | the newest checkpoint, read and verified, with the tiles at the right edge of its tree | until there is a newer one | 8 tiles |
//! | full tiles, which never change, with their inner nodes | until [`KEPT`] others were asked for since | 2 × [`KEPT`] tiles |
//!
//! Leaves are read from the database each time, together with those that others ask for at that moment. Nothing kept here
//! is believed: a receipt that does not verify under the checkpoint is an error, whatever it was made of.
use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use tlog::{
    Checkpoint, Hash, Note, Receipt, TILE_WIDTH, TileNodes, TilePath, TileReader, leaf_hash,
};

use crate::store::{StoreError, anchor::Anchored, reader::Reader, together::Together};

/// Tiles of one generation; a tile with its nodes has some 16 kB, so two generations have 64 MB.
const KEPT: usize = 2048;

/// A tile's level and index.
type Place = (u8, u64);

/// What receipts are made of.
#[derive(Default)]
pub struct Receipts {
    newest: Mutex<Option<Arc<Proving>>>,
    tiles: Mutex<Tiles>,
    leaves: Together,
}

/// A checkpoint that is ready to prove under.
struct Proving {
    checkpoint: Checkpoint,
    text: String,
    note: Note,
    /// The tiles that are not full in this tree.
    edge: BTreeMap<Place, TileNodes>,
}

/// Two generations: when the young one is full it becomes the old one, and what was not asked for since is forgotten.
#[derive(Default)]
struct Tiles {
    young: BTreeMap<Place, Arc<TileNodes>>,
    old: BTreeMap<Place, Arc<TileNodes>>,
}

impl Tiles {
    fn get(&mut self, place: Place) -> Option<Arc<TileNodes>> {
        if let Some(nodes) = self.young.get(&place) {
            return Some(nodes.clone());
        }
        let nodes = self.old.remove(&place)?;
        self.keep(place, nodes.clone());
        Some(nodes)
    }

    fn keep(&mut self, place: Place, nodes: Arc<TileNodes>) {
        if self.young.len() >= KEPT {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(place, nodes);
    }
}

/// The tiles of one proof.
struct Ready<'a> {
    edge: &'a BTreeMap<Place, TileNodes>,
    full: Vec<(Place, Arc<TileNodes>)>,
}

impl TileReader for Ready<'_> {
    fn tile(&self, _: TilePath) -> Option<&[u8]> {
        None
    }

    fn node(&self, tile: TilePath, first: usize, count: usize) -> Option<Hash> {
        let place = (tile.level(), tile.index());
        let full = self.full.iter().find(|(known, _)| *known == place);
        let nodes = full.map(|(_, nodes)| &**nodes);
        nodes.or_else(|| self.edge.get(&place))?.root(first, count)
    }
}

fn corrupt(error: impl std::fmt::Display) -> StoreError {
    StoreError::Corrupt(error.to_string())
}

impl Receipts {
    /// The receipt of an event that this checkpoint covers, with the leaf in it.
    pub async fn prove(
        &self,
        reader: &Reader,
        anchored: &Anchored,
        index: u64,
    ) -> Result<Receipt, StoreError> {
        let proving = self.proving(reader, anchored).await?;
        let size = proving.checkpoint.size();
        let paths = tlog::tiles_for_inclusion(index, size).map_err(corrupt)?;
        let mut full = Vec::with_capacity(paths.len());
        for path in paths.iter().filter(|path| is_full(path)) {
            full.push(((path.level(), path.index()), self.full(reader, path).await?));
        }
        let leaf = self.leaves.leaf(reader, index).await?;
        let leaf =
            leaf.ok_or_else(|| corrupt(format!("event {index} is signed and not stored")))?;
        let edge = &proving.edge;
        let proof = tlog::inclusion_proof(index, size, &Ready { edge, full }).map_err(corrupt)?;
        tlog::verify_inclusion(
            &leaf_hash(&leaf),
            index,
            size,
            &proof,
            proving.checkpoint.root(),
        )
        .map_err(corrupt)?;
        Receipt::new(&leaf, index, proof, proving.note.clone()).map_err(corrupt)
    }

    /// What is ready for this checkpoint, or is made so. The anchor has verified its signature.
    async fn proving(
        &self,
        reader: &Reader,
        anchored: &Anchored,
    ) -> Result<Arc<Proving>, StoreError> {
        if let Some(known) = self.known(anchored) {
            return Ok(known);
        }
        let checkpoint = anchored.checkpoint.clone();
        let mut edge = BTreeMap::new();
        let paths = tlog::tiles_for_root(checkpoint.size());
        for path in paths.iter().filter(|path| !is_full(path)) {
            edge.insert((path.level(), path.index()), nodes(reader, path).await?);
        }
        let proving = Arc::new(Proving {
            checkpoint,
            text: anchored.note.clone(),
            note: Note::parse(anchored.note.as_bytes()).map_err(corrupt)?,
            edge,
        });
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever asked under an older checkpoint, and was slow, takes nothing from the others.
        let size = |proving: &Arc<Proving>| proving.checkpoint.size();
        if newest.as_ref().map_or(0, size) <= size(&proving) {
            *newest = Some(proving.clone());
        }
        Ok(proving)
    }

    fn known(&self, anchored: &Anchored) -> Option<Arc<Proving>> {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.clone().filter(|known| known.text == anchored.note)
    }

    async fn full(&self, reader: &Reader, path: &TilePath) -> Result<Arc<TileNodes>, StoreError> {
        let place = (path.level(), path.index());
        let tiles = || self.tiles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(nodes) = tiles().get(place) {
            return Ok(nodes);
        }
        let nodes = Arc::new(nodes(reader, path).await?);
        tiles().keep(place, nodes.clone());
        Ok(nodes)
    }
}

fn is_full(path: &TilePath) -> bool {
    path.width() == TILE_WIDTH
}

async fn nodes(reader: &Reader, path: &TilePath) -> Result<TileNodes, StoreError> {
    let bytes = reader.tile(*path).await?;
    bytes
        .and_then(|bytes| TileNodes::new(&bytes))
        .ok_or_else(|| corrupt(format!("tile {path} is not stored")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_tiles_are_forgotten_only_when_many_others_were_asked_for_since() {
        let mut tiles = Tiles::default();
        let nodes = Arc::new(TileNodes::new(&[]).unwrap());
        let many = u64::try_from(KEPT).unwrap();
        for index in 0..many * 5 {
            tiles.keep((0, index), nodes.clone());
            // Asked for again and again, this one stays.
            assert!(tiles.get((0, 0)).is_some(), "{index}");
            assert!(tiles.young.len() <= KEPT && tiles.old.len() <= KEPT);
        }
        assert!(tiles.get((0, 1)).is_none());
        assert!(tiles.get((0, many * 5 - 1)).is_some());
    }
}
