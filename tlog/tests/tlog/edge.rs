//! The rows that an append changes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tlog::{
    EMPTY_ROOT, EdgeError, Hash, MAX_SIZE, TileEdge, TilePath, root_of, tiles_for_root, tiles_of,
};

use crate::{count, leaves, log_of};

/// A tile by the definition: its i-th hash is the root of 256^level leaves.
fn tile_of(leaves: &[Hash], tile: TilePath) -> Vec<u8> {
    let span = 256_usize.pow(u32::from(tile.level()));
    let first = usize::try_from(tile.index()).unwrap() * 256;
    (first..first + usize::from(tile.width()))
        .flat_map(|place| *root_of(&leaves[place * span..(place + 1) * span]).as_bytes())
        .collect()
}

#[test]
fn the_tiles_of_70_000_leaves_are_those_of_the_definition() {
    let leaves = leaves(70_000);
    let (tiles, edge) = log_of(&leaves);
    for tile in tiles_of(70_000) {
        assert_eq!(
            tiles.get(tile.level(), tile.index()),
            Some(&tile_of(&leaves, tile)[..]),
            "{tile}"
        );
    }
    assert_eq!(edge.size(), 70_000);
    assert_eq!(
        edge.root().to_hex(),
        "1a4cdfcb66374a0c0dcbef49acbd4976d13ee864fb3cb241fc943cad04f02f7e"
    );
}

#[test]
fn no_append_gives_a_row_that_the_tree_does_not_have() {
    let leaves = leaves(66_000);
    let mut edge = TileEdge::new();
    let mut rows = BTreeMap::new();
    for batch in leaves.chunks(997) {
        for row in edge.append(batch) {
            rows.insert((row.level, row.index), row.hashes.len() / 32);
        }
        let known: BTreeMap<_, _> = tiles_of(edge.size())
            .map(|tile| ((tile.level(), tile.index()), usize::from(tile.width())))
            .collect();
        assert_eq!(rows, known, "tree of {}", edge.size());
    }
}

#[test]
fn a_batch_of_128_touches_one_row_and_sometimes_three() {
    let leaves = leaves(128 * 10);
    let mut edge = TileEdge::new();
    let touched: Vec<usize> = leaves
        .chunks(128)
        .map(|batch| edge.append(batch).len())
        .collect();
    // Every second batch fills the tile and so starts, or lengthens, the one above.
    assert_eq!(touched, [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
    assert_eq!(edge.append(&leaves[..200]).len(), 1);
    assert_eq!(edge.append(&leaves[..128]).len(), 3);
}

#[test]
fn nothing_appended_changes_nothing() {
    let (_, mut edge) = log_of(&leaves(300));
    let before = edge.clone();
    assert_eq!(edge.append(&[]), []);
    assert_eq!(edge, before);
    assert_eq!(TileEdge::new().root(), EMPTY_ROOT);
}

#[test]
fn an_edge_is_loaded_from_exactly_the_rows_it_lists() {
    for size in [
        0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_792,
    ] {
        let (tiles, edge) = log_of(&leaves(size));
        let mut asked = Vec::new();
        let loaded = TileEdge::load(count(size), |level, index| {
            asked.push((level, index));
            tiles.get(level, index).map(<[u8]>::to_vec)
        });
        asked.sort_unstable();
        let listed: Vec<_> = tiles_for_root(count(size))
            .iter()
            .map(|tile| (tile.level(), tile.index()))
            .collect();
        assert_eq!(asked, listed, "tree of {size}");
        assert_eq!(
            loaded.as_ref().map(TileEdge::root),
            Ok(edge.root()),
            "tree of {size}"
        );
        assert_eq!(loaded, Ok(edge), "tree of {size}");
    }
}

#[test]
fn a_row_that_does_not_fit_the_size_is_refused() {
    let (tiles, _) = log_of(&leaves(300));
    let row = |level, index| tiles.get(level, index).map(<[u8]>::to_vec);
    let last = |size| TilePath::at(0, 1, size).unwrap();
    assert_eq!(
        TileEdge::load(299, row),
        Err(EdgeError::Length {
            tile: last(299),
            found: 44 * 32
        })
    );
    assert_eq!(
        TileEdge::load(301, row),
        Err(EdgeError::Length {
            tile: last(301),
            found: 44 * 32
        })
    );
    assert_eq!(
        TileEdge::load(300, |level, index| row(level, index).map(|hashes| [
            &hashes[..],
            &[0]
        ]
        .concat())),
        Err(EdgeError::Length {
            tile: last(300),
            found: 44 * 32 + 1
        })
    );
    assert_eq!(
        TileEdge::load(300, |_, _| None),
        Err(EdgeError::Missing(last(300)))
    );
    assert_eq!(
        TileEdge::load(MAX_SIZE + 1, row),
        Err(EdgeError::TooLarge(MAX_SIZE + 1))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn batches_of_any_size_make_the_same_tiles(batches in prop::collection::vec(0..700_usize, 0..12)) {
        let leaves = leaves(batches.iter().sum());
        let mut edge = TileEdge::new();
        let mut rows: BTreeMap<(u8, u64), Vec<u8>> = BTreeMap::new();
        let mut rest = &leaves[..];
        for size in batches {
            let (batch, after) = rest.split_at(size);
            rest = after;
            for row in edge.append(batch) {
                let before = rows.insert((row.level, row.index), row.hashes.clone()).unwrap_or_default();
                prop_assert!(row.hashes.starts_with(&before) && row.hashes.len() > before.len());
            }
            let stored = |level, index| rows.get(&(level, index)).cloned();
            prop_assert_eq!(TileEdge::load(edge.size(), stored), Ok(edge.clone()));
        }
        prop_assert_eq!(edge.root(), root_of(&leaves));
        for tile in tiles_of(edge.size()) {
            prop_assert_eq!(rows.remove(&(tile.level(), tile.index())), Some(tile_of(&leaves, tile)));
        }
        prop_assert_eq!(rows.len(), 0);
    }
}
