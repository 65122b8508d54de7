//! The edge of the tree: the hashes at its right border, which the next leaves are appended to.
use tlog::{Checkpoint, Hash, TileEdge, TileMap, leaf_hash, tiles_for_root};

use super::core::Fatal;
use crate::store::{Backend, Head, StoreError, anchor::AnchorError, reader::PAGE};

/// The edge of the tree at an anchored checkpoint, if it is this log's.
pub(super) async fn anchored_edge<B: Backend>(
    backend: &mut B,
    head: Head,
    anchored: &Checkpoint,
) -> Result<TileEdge, Fatal> {
    if anchored.size() > head.size {
        return Err(Fatal::BehindAnchor {
            found: head.size,
            anchored: anchored.size(),
        });
    }
    let edge = edge_at(backend, anchored.size()).await?;
    if edge.root() == *anchored.root() {
        Ok(edge)
    } else {
        Err(AnchorError::Forked.into())
    }
}

/// The edge of the tree of the first `size` leaves, from the stored tiles: what they have grown since is cut off.
pub(super) async fn edge_at<B: Backend>(
    backend: &mut B,
    size: u64,
) -> Result<TileEdge, StoreError> {
    let mut rows = TileMap::new();
    for tile in tiles_for_root(size) {
        let stored = backend.tile(tile.level(), tile.index()).await?;
        let width = usize::from(tile.width()) * Hash::LEN;
        if let Some(hashes) = stored.and_then(|hashes| Some(hashes.get(..width)?.to_vec())) {
            rows.insert(tile.level(), tile.index(), hashes);
        }
    }
    let row = |level, index| rows.get(level, index).map(<[u8]>::to_vec);
    TileEdge::load(size, row).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// Grows the edge by the leaves up to this head, whose root they must give.
pub(super) async fn read_on<B: Backend>(
    backend: &mut B,
    edge: &mut TileEdge,
    head: &Head,
) -> Result<(), StoreError> {
    while edge.size() < head.size {
        let from = edge.size();
        let to = head.size.min(from.saturating_add(PAGE));
        let leaves = backend.leaves(from, to).await?;
        if leaves.is_empty() {
            let text = format!("there is no leaf at log index {from}");
            return Err(StoreError::Corrupt(text));
        }
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        edge.append(&hashes);
    }
    if edge.size() == head.size && edge.root() == head.root {
        return Ok(());
    }
    let text = format!("the leaves do not give the root of {} events", head.size);
    Err(StoreError::Corrupt(text))
}
