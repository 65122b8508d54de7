//! What `tlog` promises, in one test binary: the crate itself stays `no_std`.
#![cfg(test)]

mod bundle;
mod checkpoint;
mod cosignature;
mod edge;
mod hash;
mod key;
mod map;
mod nodes;
mod note;
mod oracles;
mod proof;
mod receipt;
mod strangers;
mod tile;
mod tree;
mod verify;

use tlog::{Hash, TileEdge, TileMap, leaf_hash};

/// The hashes of the leaves "0", "1", "2" and so on.
fn leaves(size: usize) -> Vec<Hash> {
    (0..size)
        .map(|index| leaf_hash(index.to_string().as_bytes()))
        .collect()
}

/// The stored tiles and the edge of a log that took these leaves in one batch.
fn log_of(leaves: &[Hash]) -> (TileMap, TileEdge) {
    let mut edge = TileEdge::new();
    let mut tiles = TileMap::new();
    tiles.extend(edge.append(leaves));
    (tiles, edge)
}

fn count(size: usize) -> u64 {
    u64::try_from(size).unwrap()
}

/// A golden file.
fn vector(name: &str) -> String {
    let path = [env!("CARGO_MANIFEST_DIR"), "vectors", name].join("/");
    std::fs::read_to_string(path).unwrap()
}

/// Every text that is one step away: a character removed, doubled, or replaced by one of these.
fn neighbours(text: &str) -> impl Iterator<Item = String> {
    let replacements = [
        '0', '1', 'A', 'B', '=', '+', '/', ' ', '\n', '\t', '\u{2014}', '\u{a0}',
    ];
    text.char_indices().flat_map(move |(at, found)| {
        let (before, after) = (&text[..at], &text[at + found.len_utf8()..]);
        let replaced = replacements.into_iter().filter(move |new| *new != found);
        let mut near: Vec<_> = replaced
            .map(|new| format!("{before}{new}{after}"))
            .collect();
        near.push(format!("{before}{after}"));
        near.push(format!("{before}{found}{found}{after}"));
        near
    })
}
