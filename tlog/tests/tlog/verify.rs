//! Checking proofs: the one right form, and nothing near it.

use proptest::prelude::*;
use tlog::{
    EMPTY_ROOT, Hash, VerifyError, consistency_proof, inclusion_proof, leaf_hash, root_of,
    verify_consistency, verify_inclusion,
};

use crate::{count, leaves, log_of};

/// The hash with one bit turned.
fn turned(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Hash::from_bytes(bytes)
}

/// Every list that differs in one bit of one hash.
fn each_turned(hashes: &[Hash]) -> impl Iterator<Item = Vec<Hash>> {
    (0..hashes.len() * 256).map(|bit| {
        let mut turned_one = hashes.to_vec();
        turned_one[bit / 256] = turned(&hashes[bit / 256], bit % 256);
        turned_one
    })
}

/// Every list with a hash too many or too few.
fn each_resized(hashes: &[Hash]) -> impl Iterator<Item = Vec<Hash>> {
    let longer = (0..=hashes.len()).map(|at| {
        let mut longer = hashes.to_vec();
        longer.insert(at, *hashes.get(at).unwrap_or(&EMPTY_ROOT));
        longer
    });
    let shorter = (0..hashes.len()).map(|at| {
        let mut shorter = hashes.to_vec();
        shorter.remove(at);
        shorter
    });
    longer.chain(shorter)
}

#[test]
fn every_single_bit_of_an_inclusion_proof_matters() {
    let leaves = leaves(13);
    let (tiles, edge) = log_of(&leaves);
    let root = edge.root();
    for index in 0..13_u64 {
        let leaf = leaves[usize::try_from(index).unwrap()];
        let proof = inclusion_proof(index, 13, &tiles).unwrap();
        let verify = |leaf, index, size, proof: &[Hash], root| {
            verify_inclusion(&leaf, index, size, proof, &root)
        };
        assert_eq!(verify(leaf, index, 13, &proof, root), Ok(()));
        for bit in 0..256 {
            assert_eq!(
                verify(leaf, index, 13, &proof, turned(&root, bit)),
                Err(VerifyError::Root)
            );
            assert_eq!(
                verify(turned(&leaf, bit), index, 13, &proof, root),
                Err(VerifyError::Root)
            );
        }
        for near in each_turned(&proof) {
            assert_eq!(verify(leaf, index, 13, &near, root), Err(VerifyError::Root));
        }
        for near in each_resized(&proof) {
            assert_eq!(
                verify(leaf, index, 13, &near, root),
                Err(VerifyError::Length(near.len()))
            );
        }
        for other in (0..20).filter(|other| *other != index) {
            assert!(verify(leaf, other, 13, &proof, root).is_err());
        }
        for bit in 0..64 {
            assert!(verify(leaf, index ^ 1 << bit, 13, &proof, root).is_err());
        }
    }
}

#[test]
fn every_single_bit_of_a_consistency_proof_matters() {
    let leaves = leaves(23);
    let (tiles, _) = log_of(&leaves);
    let roots: Vec<Hash> = (0..=leaves.len())
        .map(|size| root_of(&leaves[..size]))
        .collect();
    for new in 2..=leaves.len() {
        for old in 1..new {
            let proof = consistency_proof(count(old), count(new), &tiles).unwrap();
            let verify = |old_root, new_root, proof: &[Hash]| {
                verify_consistency(count(old), &old_root, count(new), &new_root, proof)
            };
            assert_eq!(verify(roots[old], roots[new], &proof), Ok(()));
            for bit in 0..256 {
                assert!(verify(turned(&roots[old], bit), roots[new], &proof).is_err());
                assert_eq!(
                    verify(roots[old], turned(&roots[new], bit), &proof),
                    Err(VerifyError::Root)
                );
            }
            for near in each_turned(&proof) {
                assert!(verify(roots[old], roots[new], &near).is_err());
            }
            for near in each_resized(&proof) {
                let length = VerifyError::Length(near.len());
                assert_eq!(verify(roots[old], roots[new], &near), Err(length));
            }
        }
    }
}

#[test]
fn a_consistency_proof_is_for_its_two_sizes_only() {
    let leaves = leaves(40);
    let (tiles, _) = log_of(&leaves);
    let roots: Vec<Hash> = (0..=leaves.len())
        .map(|size| root_of(&leaves[..size]))
        .collect();
    for (old, new) in [
        (1_usize, 2_usize),
        (3, 7),
        (4, 8),
        (6, 8),
        (8, 9),
        (16, 40),
        (21, 40),
        (39, 40),
    ] {
        let proof = consistency_proof(count(old), count(new), &tiles).unwrap();
        for other in (0..=40).filter(|other| *other != old) {
            assert!(
                verify_consistency(count(other), &roots[other], count(new), &roots[new], &proof)
                    .is_err()
            );
        }
        for other in (0..=40).filter(|other| *other != new) {
            assert!(
                verify_consistency(count(old), &roots[old], count(other), &roots[other], &proof)
                    .is_err()
            );
        }
    }
}

#[test]
fn a_fork_cannot_be_proven_consistent() {
    let honest = leaves(20);
    let mut forked = honest.clone();
    forked[6] = leaf_hash(b"another past");
    let (tiles, _) = log_of(&forked);
    let proof = consistency_proof(10, 20, &tiles).unwrap();
    let verdict = verify_consistency(10, &root_of(&honest[..10]), 20, &root_of(&forked), &proof);
    assert_eq!(verdict, Err(VerifyError::OldRoot));
    let verdict = verify_consistency(10, &root_of(&forked[..10]), 20, &root_of(&forked), &proof);
    assert_eq!(verdict, Ok(()));
}

#[test]
fn the_empty_tree_is_the_beginning_of_every_tree() {
    let root = leaf_hash(b"only");
    assert_eq!(verify_consistency(0, &EMPTY_ROOT, 1, &root, &[]), Ok(()));
    assert_eq!(
        verify_consistency(0, &EMPTY_ROOT, 0, &EMPTY_ROOT, &[]),
        Ok(())
    );
    assert_eq!(
        verify_consistency(0, &root, 1, &root, &[]),
        Err(VerifyError::OldRoot)
    );
    assert_eq!(
        verify_consistency(0, &EMPTY_ROOT, 1, &root, &[root]),
        Err(VerifyError::Length(1))
    );
    assert_eq!(
        verify_consistency(0, &EMPTY_ROOT, 0, &root, &[]),
        Err(VerifyError::Root)
    );
}

#[test]
fn two_roots_of_one_size_are_a_fork() {
    let (one, other) = (leaf_hash(b"one"), leaf_hash(b"other"));
    assert_eq!(verify_consistency(5, &one, 5, &one, &[]), Ok(()));
    assert_eq!(
        verify_consistency(5, &one, 5, &other, &[]),
        Err(VerifyError::Root)
    );
    assert_eq!(
        verify_consistency(5, &one, 5, &one, &[one]),
        Err(VerifyError::Length(1))
    );
}

#[test]
fn sizes_and_indexes_out_of_order_are_refused() {
    let root = leaf_hash(b"");
    assert_eq!(
        verify_inclusion(&root, 1, 1, &[], &root),
        Err(VerifyError::IndexOutOfRange { index: 1, size: 1 })
    );
    assert_eq!(
        verify_inclusion(&root, 0, 0, &[], &root),
        Err(VerifyError::IndexOutOfRange { index: 0, size: 0 })
    );
    assert_eq!(
        verify_consistency(2, &root, 1, &root, &[]),
        Err(VerifyError::SizesReversed { old: 2, new: 1 })
    );
}

/// Numbers where arithmetic could go wrong.
fn awkward() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..20_u64,
        any::<u64>(),
        (0..64_u32).prop_map(|bit| 1 << bit),
        (0..64_u32).prop_map(|bit| (1 << bit) - 1),
        Just(u64::MAX),
    ]
}

proptest! {
    #[test]
    fn random_proofs_prove_nothing(
        index in awkward(),
        size in awkward(),
        proof in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash::from_bytes), 0..70),
        root in any::<[u8; 32]>().prop_map(Hash::from_bytes),
    ) {
        let leaf = leaf_hash(b"");
        prop_assert!(verify_inclusion(&leaf, index, size, &proof, &root).is_err());
        // Between these roots only equal sizes and no proof could ever hold, and these roots differ.
        prop_assert!(verify_consistency(index, &leaf, size, &root, &proof).is_err());
    }
}
