//! Proofs made from tiles.

use std::{cell::RefCell, collections::BTreeSet};

use proptest::prelude::*;
use tlog::{
    EMPTY_ROOT, Hash, MAX_SIZE, ProofError, TileMap, TilePath, TileReader, consistency_proof,
    inclusion_proof, root_of, root_of_tiles, tiles_for_consistency, tiles_for_inclusion,
    tiles_for_root, verify_consistency, verify_inclusion,
};

use crate::{count, leaves, log_of};

/// PATH(m, D[n]) of RFC 6962 §2.1.1, word for word.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut proof, sibling) = if index < left.len() {
        (path(index, left), root_of(right))
    } else {
        (path(index - left.len(), right), root_of(left))
    };
    proof.push(sibling);
    proof
}

/// SUBPROOF(m, D[n], b) of RFC 6962 §2.1.2, word for word.
fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { vec![] } else { vec![root_of(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut proof, sibling) = if old <= left.len() {
        (subproof(old, left, whole), root_of(right))
    } else {
        (subproof(old - left.len(), right, false), root_of(left))
    };
    proof.push(sibling);
    proof
}

#[test]
fn every_inclusion_in_the_first_300_trees_is_proven() {
    let leaves = leaves(300);
    // One log of the final size: its tiles answer for every smaller tree.
    let (tiles, _) = log_of(&leaves);
    for size in 1..=leaves.len() {
        let root = root_of(&leaves[..size]);
        for (index, leaf) in leaves.iter().enumerate().take(size) {
            let proof = inclusion_proof(count(index), count(size), &tiles).unwrap();
            let verdict = verify_inclusion(leaf, count(index), count(size), &proof, &root);
            assert_eq!(verdict, Ok(()), "{index} of {size}");
        }
    }
}

#[test]
fn every_consistency_among_the_first_300_trees_is_proven() {
    let leaves = leaves(300);
    let (tiles, _) = log_of(&leaves);
    let roots: Vec<Hash> = (0..=leaves.len())
        .map(|size| root_of(&leaves[..size]))
        .collect();
    for new in 0..=leaves.len() {
        for old in 0..=new {
            let proof = consistency_proof(count(old), count(new), &tiles).unwrap();
            let verdict =
                verify_consistency(count(old), &roots[old], count(new), &roots[new], &proof);
            assert_eq!(verdict, Ok(()), "{old} to {new}");
        }
    }
}

#[test]
fn proofs_are_those_of_the_definition() {
    let leaves = leaves(700);
    let (tiles, _) = log_of(&leaves);
    for size in (1..=40).chain([255, 256, 257, 300, 511, 512, 513, 700]) {
        let tree = &leaves[..size];
        assert_eq!(
            root_of_tiles(count(size), &tiles),
            Ok(root_of(tree)),
            "tree of {size}"
        );
        for other in (1..=size).filter(|other| size <= 40 || other % 7 == 0 || other % 256 < 2) {
            let included = inclusion_proof(count(other - 1), count(size), &tiles);
            assert_eq!(
                included,
                Ok(path(other - 1, tree)),
                "{} of {size}",
                other - 1
            );
            let consistent = consistency_proof(count(other), count(size), &tiles);
            assert_eq!(
                consistent,
                Ok(subproof(other, tree, true)),
                "{other} to {size}"
            );
        }
    }
}

#[test]
fn there_is_nothing_to_prove_from_the_empty_tree_or_to_the_same() {
    let (tiles, _) = log_of(&leaves(3));
    assert_eq!(consistency_proof(0, 3, &tiles), Ok(vec![]));
    assert_eq!(consistency_proof(3, 3, &tiles), Ok(vec![]));
    assert_eq!(consistency_proof(0, 0, &TileMap::new()), Ok(vec![]));
    assert_eq!(inclusion_proof(0, 1, &tiles), Ok(vec![]));
    assert_eq!(root_of_tiles(0, &TileMap::new()), Ok(EMPTY_ROOT));
}

#[test]
fn what_is_outside_the_tree_cannot_be_proven() {
    let (tiles, _) = log_of(&leaves(3));
    let outside = ProofError::IndexOutOfRange { index: 3, size: 3 };
    assert_eq!(inclusion_proof(3, 3, &tiles).as_ref(), Err(&outside));
    assert_eq!(tiles_for_inclusion(3, 3).as_ref(), Err(&outside));
    assert_eq!(
        inclusion_proof(0, 0, &tiles),
        Err(ProofError::IndexOutOfRange { index: 0, size: 0 })
    );
    let reversed = ProofError::SizesReversed { old: 3, new: 2 };
    assert_eq!(consistency_proof(3, 2, &tiles).as_ref(), Err(&reversed));
    assert_eq!(tiles_for_consistency(3, 2).as_ref(), Err(&reversed));
}

#[test]
fn a_reader_that_gives_another_length_is_refused() {
    struct Fixed(Vec<u8>);
    impl TileReader for Fixed {
        fn tile(&self, _: TilePath) -> Option<&[u8]> {
            Some(&self.0)
        }
    }
    let tile = TilePath::new(0, 0, 2).unwrap();
    for found in [0, 32, 63, 65, 96] {
        let error = ProofError::TileLength { tile, found };
        assert_eq!(inclusion_proof(0, 2, &Fixed(vec![0; found])), Err(error));
    }
}

#[test]
fn the_largest_tree_needs_few_tiles() {
    for (index, size) in [
        (0, MAX_SIZE),
        (MAX_SIZE - 1, MAX_SIZE),
        (1 << 62, u64::MAX),
        (u64::MAX - 1, u64::MAX),
    ] {
        let included = tiles_for_inclusion(index, size).unwrap();
        assert!(included.len() <= 16, "{}", included.len());
        assert!(included.iter().all(|tile| tile.exists_in(size)));
        assert!(tiles_for_consistency(index, size).unwrap().len() <= 16);
        assert_eq!(tiles_for_root(size).len(), 8);
    }
}

/// Remembers what is read.
struct Recorder<'t>(&'t TileMap, RefCell<BTreeSet<TilePath>>);

impl TileReader for Recorder<'_> {
    fn tile(&self, tile: TilePath) -> Option<&[u8]> {
        self.1.borrow_mut().insert(tile);
        self.0.tile(tile)
    }
}

/// Runs a proof three times: to see what it reads, with exactly the listed tiles, and without each of them.
fn check_listed(
    tiles: &TileMap,
    listed: &[TilePath],
    prove: impl Fn(&dyn Fn(TilePath) -> bool) -> Result<Vec<Hash>, ProofError>,
    read: &BTreeSet<TilePath>,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(&listed.iter().copied().collect::<BTreeSet<_>>(), read);
    prop_assert!(listed.is_sorted() && listed.iter().all(|tile| tiles.tile(*tile).is_some()));
    prop_assert_eq!(prove(&|tile| listed.contains(&tile)), prove(&|_| true));
    for missing in listed {
        prop_assert_eq!(
            prove(&|tile| tile != *missing),
            Err(ProofError::MissingTile(*missing))
        );
    }
    Ok(())
}

/// Only some tiles.
struct Filtered<'t>(&'t TileMap, &'t dyn Fn(TilePath) -> bool);

impl TileReader for Filtered<'_> {
    fn tile(&self, tile: TilePath) -> Option<&[u8]> {
        if (self.1)(tile) {
            self.0.tile(tile)
        } else {
            None
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_tiles_listed_are_the_tiles_read(size in 1..3000_usize, place in any::<prop::sample::Index>()) {
        let (tiles, _) = log_of(&leaves(3000));
        let (other, size) = (count(place.index(size)), count(size));
        let recorder = || Recorder(&tiles, RefCell::default());

        let reader = recorder();
        inclusion_proof(other, size, &reader).unwrap();
        let listed = tiles_for_inclusion(other, size).unwrap();
        check_listed(&tiles, &listed, |keep| inclusion_proof(other, size, &Filtered(&tiles, keep)), &reader.1.take())?;

        let reader = recorder();
        consistency_proof(other, size, &reader).unwrap();
        let listed = tiles_for_consistency(other, size).unwrap();
        check_listed(&tiles, &listed, |keep| consistency_proof(other, size, &Filtered(&tiles, keep)), &reader.1.take())?;

        let reader = recorder();
        root_of_tiles(size, &reader).unwrap();
        let root = |keep: &dyn Fn(TilePath) -> bool| root_of_tiles(size, &Filtered(&tiles, keep)).map(|root| vec![root]);
        check_listed(&tiles, &tiles_for_root(size), root, &reader.1.take())?;
    }
}
