//! Nodes of a tile: the same as hashing the range each time.
use tlog::{Hash, TileMap, TileNodes, TilePath, TileReader, inclusion_proof, root_of};

use crate::{count as natural, leaves, log_of};

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

#[test]
fn every_perfect_range_of_a_tile_has_the_root_that_hashing_gives() {
    for width in [0, 1, 2, 3, 5, 127, 128, 200, 255, 256] {
        let leaves = leaves(width);
        let nodes = TileNodes::new(&bytes(&leaves)).unwrap();
        assert_eq!(nodes.width(), leaves.len());
        for height in 0..=8 {
            let count = 1 << height;
            for (at, range) in leaves.chunks(count).enumerate() {
                let expected = (range.len() == count).then(|| root_of(range));
                assert_eq!(
                    nodes.root(at * count, count),
                    expected,
                    "{width} {at} {count}"
                );
            }
        }
    }
}

#[test]
fn what_is_no_node_of_the_tile_has_no_root() {
    let nodes = TileNodes::new(&bytes(&leaves(256))).unwrap();
    for (first, count) in [(0, 0), (0, 3), (1, 2), (256, 1), (0, 512), (usize::MAX, 1)] {
        assert_eq!(nodes.root(first, count), None, "{first} {count}");
    }
    assert_eq!(TileNodes::new(&[0; 33]), None);
    assert_eq!(TileNodes::new(&[0; 257 * 32]), None);
}

/// A reader that has nodes and no tiles.
struct Ready(TileMap);

impl TileReader for Ready {
    fn tile(&self, _: TilePath) -> Option<&[u8]> {
        None
    }

    fn node(&self, tile: TilePath, first: usize, count: usize) -> Option<Hash> {
        let row = self.0.get(tile.level(), tile.index())?;
        TileNodes::new(row)?.root(first, count)
    }
}

#[test]
fn a_proof_from_nodes_is_the_proof_from_tiles() {
    for size in [1, 2, 255, 256, 257, 600] {
        let (rows, _) = log_of(&leaves(size));
        let (size, ready) = (natural(size), Ready(rows.clone()));
        for index in 0..size {
            let proof = inclusion_proof(index, size, &rows);
            assert_eq!(
                inclusion_proof(index, size, &ready),
                proof,
                "{index} {size}"
            );
        }
    }
}
