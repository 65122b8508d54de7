//! The root of a growing tree.

use proptest::prelude::*;
use tlog::{EMPTY_ROOT, Frontier, Hash, MAX_SIZE, TreeError, leaf_hash, root_of};

use crate::{count, leaves, vector};

/// The leaves of Certificate Transparency's reference tests.
pub(crate) fn reference_leaves() -> Vec<Vec<u8>> {
    let bytes = |first: u8, len: u8| (first..first + len).collect::<Vec<_>>();
    vec![
        vec![],
        vec![0x00],
        vec![0x10],
        vec![0x20, 0x21],
        vec![0x30, 0x31],
        bytes(0x40, 4),
        bytes(0x50, 8),
        bytes(0x60, 16),
    ]
}

#[test]
fn the_first_roots_are_those_of_certificate_transparency() {
    let reference = reference_leaves();
    let vector = vector("rfc6962-roots.txt");
    let known: Vec<(usize, &str)> = vector
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(size, root)| (size.parse().unwrap(), root))
        .collect();
    assert_eq!(known.len(), 9);
    for (size, root) in known {
        let mut frontier = Frontier::new();
        frontier.extend(reference[..size].iter().map(|leaf| leaf_hash(leaf)));
        assert_eq!(frontier.root().to_hex(), root, "tree of {size}");
    }
}

#[test]
fn the_root_of_70_000_leaves_is_known() {
    let mut frontier = Frontier::new();
    frontier.extend(leaves(70_000));
    assert_eq!(
        frontier.root().to_hex(),
        "1a4cdfcb66374a0c0dcbef49acbd4976d13ee864fb3cb241fc943cad04f02f7e"
    );
}

#[test]
fn growing_by_one_gives_every_root_of_the_definition() {
    let leaves = leaves(600);
    let mut frontier = Frontier::new();
    for size in 0..=leaves.len() {
        assert_eq!(frontier.root(), root_of(&leaves[..size]), "tree of {size}");
        assert_eq!(frontier.size(), count(size));
        assert_eq!(
            frontier.hashes().len(),
            usize::try_from(size.count_ones()).unwrap()
        );
        frontier.extend(leaves.get(size).copied());
    }
}

#[test]
fn the_empty_tree_has_the_empty_root() {
    assert_eq!(Frontier::new().root(), EMPTY_ROOT);
    assert_eq!(root_of(&[]), EMPTY_ROOT);
}

#[test]
fn a_frontier_of_the_wrong_length_is_refused() {
    let hash = leaf_hash(b"");
    assert_eq!(
        Frontier::from_hashes(5, vec![hash; 3]),
        Err(TreeError::WrongCount {
            size: 5,
            expected: 2,
            found: 3
        })
    );
    assert_eq!(
        Frontier::from_hashes(1, vec![]),
        Err(TreeError::WrongCount {
            size: 1,
            expected: 1,
            found: 0
        })
    );
    assert_eq!(
        Frontier::from_hashes(0, vec![hash]),
        Err(TreeError::WrongCount {
            size: 0,
            expected: 0,
            found: 1
        })
    );
}

#[test]
fn a_tree_beyond_the_largest_size_is_refused() {
    let hash = leaf_hash(b"");
    let mut largest = Frontier::from_hashes(MAX_SIZE, vec![hash; 63]).unwrap();
    largest.push(hash);
    assert_eq!((largest.size(), largest.hashes().len()), (1 << 63, 1));
    assert_eq!(
        Frontier::from_hashes(1 << 63, vec![hash]),
        Err(TreeError::TooLarge(1 << 63))
    );
}

proptest! {
    #[test]
    fn a_frontier_put_away_and_taken_up_again_goes_on_alike(
        entries in prop::collection::vec(any::<[u8; 4]>(), 0..200),
        pause in any::<prop::sample::Index>(),
    ) {
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let (before, after) = leaves.split_at(pause.index(leaves.len() + 1));
        let mut first = Frontier::new();
        first.extend(before.iter().copied());
        let mut second = Frontier::from_hashes(first.size(), first.hashes().to_vec()).unwrap();
        second.extend(after.iter().copied());
        prop_assert_eq!(second.root(), root_of(&leaves));
    }
}
