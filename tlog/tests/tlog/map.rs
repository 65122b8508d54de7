//! The verifiable map, held against its recursive definition, vectors made elsewhere, and provers who lie.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use sha2::{Digest, Sha256};
use tlog::{
    EMPTY_MAP_ROOT, Hash, MAX_MAP_PROOF_LEN, Map, MapError, MapKey, MapProof, MapValue, verify_map,
};

use crate::vector;

type Entries = BTreeMap<MapKey, MapValue>;

fn sha(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn bit(key: &MapKey, bit: usize) -> bool {
    key[bit / 8] >> (7 - bit % 8) & 1 == 1
}

/// The key's first bits, as a text of 256 zeros and ones would have them.
fn prefix(key: &MapKey, bits: usize) -> MapKey {
    let mut prefix = [0; 32];
    for at in (0..bits).filter(|at| bit(key, *at)) {
        prefix[at / 8] |= 1 << (7 - at % 8);
    }
    prefix
}

/// Where the keys part, and the two sides; for two keys and more.
fn parted(entries: &Entries) -> (usize, Entries, Entries) {
    let first = entries.keys().next().unwrap();
    let at = (0..256)
        .find(|at| entries.keys().any(|key| bit(key, *at) != bit(first, *at)))
        .unwrap();
    let (right, left) = entries.iter().partition(|(key, _)| bit(key, at));
    (at, left, right)
}

/// The definition, word for word.
fn root(entries: &Entries) -> Hash {
    let bytes = match entries.len() {
        0 => vec![4],
        1 => {
            let (key, value) = entries.iter().next().unwrap();
            [&[2][..], key, value].concat()
        }
        _ => {
            let (at, left, right) = parted(entries);
            let start = prefix(entries.keys().next().unwrap(), at);
            let at = [3, u8::try_from(at).unwrap()];
            [
                &at[..],
                &start,
                root(&left).as_bytes(),
                root(&right).as_bytes(),
            ]
            .concat()
        }
    };
    Hash::from_bytes(sha(&bytes))
}

/// Keys that often share long beginnings, so that the trie is deep.
fn key() -> impl Strategy<Value = MapKey> {
    let spread = any::<[u8; 32]>();
    let near = (0_usize..256, 0_usize..256, any::<bool>()).prop_map(|(one, other, ones)| {
        let mut key = [if ones { 0xff } else { 0 }; 32];
        key[one / 8] ^= 1 << (7 - one % 8);
        key[other / 8] ^= 1 << (7 - other % 8);
        key
    });
    prop_oneof![spread, near.clone(), near]
}

fn entries(most: usize) -> impl Strategy<Value = Vec<(MapKey, MapValue)>> {
    vec((key(), any::<[u8; 32]>()), 0..most)
}

fn numbered(count: usize) -> Entries {
    let entry = |n: usize| {
        (
            sha(n.to_string().as_bytes()),
            sha(format!("value {n}").as_bytes()),
        )
    };
    (0..count).map(entry).collect()
}

#[test]
fn the_empty_root_is_the_hash_of_its_byte() {
    assert_eq!(*EMPTY_MAP_ROOT.as_bytes(), sha(&[4]));
    assert_eq!(Map::new().root(), EMPTY_MAP_ROOT);
    let made: Map = [].into_iter().collect();
    assert_eq!(made.root(), EMPTY_MAP_ROOT);
}

/// The maps of the vectors: so many numbered entries, or keys that part in far bits.
fn map_called(name: &str) -> Entries {
    if let Ok(count) = name.parse() {
        return numbered(count);
    }
    let one = |at: usize| {
        let mut key = [0; 32];
        key[at / 8] |= 1 << (7 - at % 8);
        key
    };
    let mut last = [0xff; 32];
    last[31] = 0xfe;
    let keys = [
        [0; 32],
        one(255),
        one(254),
        one(128),
        one(127),
        one(8),
        one(7),
        one(0),
        [0xff; 32],
        last,
    ];
    let value = |n: usize| sha(format!("value {n}").as_bytes());
    (0..).zip(keys).map(|(n, key)| (key, value(n))).collect()
}

#[test]
fn the_roots_are_those_that_another_program_made() {
    let vectors = vector("map/roots.txt");
    for line in vectors.lines() {
        let (name, expected) = line.split_once(' ').unwrap();
        let map: Map = map_called(name).into_iter().collect();
        assert_eq!(map.root().to_hex(), expected, "{name}");
    }
    assert_eq!(vectors.lines().count(), 11);
}

#[test]
fn the_proofs_are_those_that_another_program_made() {
    let vectors = vector("map/proofs.txt");
    let hex = |text: &str| *Hash::from_hex(text).unwrap().as_bytes();
    for line in vectors.lines() {
        let parts: Vec<&str> = line.split(' ').collect();
        let map: Map = map_called(parts[0]).into_iter().collect();
        let (key, value) = (hex(parts[1]), (parts[2] != "-").then(|| hex(parts[2])));
        let proof = map.prove(&key);
        assert_eq!(proof.to_base64(), parts[3], "{line}");
        assert_eq!(MapProof::from_base64(parts[3]).unwrap(), proof);
        assert_eq!(
            verify_map(&map.root(), &key, value.as_ref(), &proof),
            Ok(())
        );
    }
    assert_eq!(vectors.lines().count(), 117);
}

proptest! {
    #[test]
    fn the_root_is_that_of_the_definition_in_whatever_order_entries_come(
        mut entries in entries(40), seed in any::<usize>(),
    ) {
        let model: Entries = entries.iter().copied().collect();
        let expected = root(&model);
        let at_once: Map = entries.iter().copied().collect();
        prop_assert_eq!(at_once.root(), expected);
        let mut one_by_one = Map::new();
        for (key, value) in &entries {
            one_by_one.insert(*key, *value);
        }
        prop_assert_eq!(one_by_one.root(), expected);
        prop_assert_eq!(one_by_one.len(), model.len());
        // The last value of a key counts, so only distinct entries may change places.
        entries = model.clone().into_iter().collect();
        let places = seed.checked_rem(entries.len()).unwrap_or(0);
        entries.rotate_left(places);
        let mut rotated = Map::new();
        for half in entries.chunks(entries.len().div_ceil(2).max(1)) {
            rotated.extend(half.iter().copied());
        }
        prop_assert_eq!(rotated.root(), expected);
    }

    #[test]
    fn changes_give_what_building_anew_gives(
        start in entries(20), changes in vec((key(), any::<[u8; 32]>(), any::<bool>(), any::<usize>()), 0..60),
    ) {
        let mut model: Entries = start.iter().copied().collect();
        let mut map: Map = start.into_iter().collect();
        for (fresh, value, removes, which) in changes {
            // Half of the changes hit a key that is there.
            let known = model.keys().nth(which.checked_rem(model.len() * 2).unwrap_or(0)).copied();
            let key = known.unwrap_or(fresh);
            if removes {
                prop_assert_eq!(map.remove(&key), model.remove(&key));
            } else {
                prop_assert_eq!(map.insert(key, value), model.insert(key, value));
            }
            prop_assert_eq!(map.root(), root(&model));
            prop_assert_eq!((map.len(), map.is_empty()), (model.len(), model.is_empty()));
        }
        for (key, value) in &model {
            prop_assert_eq!(map.get(key), Some(value));
        }
    }

    #[test]
    fn every_key_has_one_proof_and_it_proves_nothing_else(
        entries in entries(30), strangers in vec(key(), 1..10), other in any::<[u8; 32]>(),
    ) {
        let model: Entries = entries.into_iter().collect();
        let map: Map = model.clone().into_iter().collect();
        let root = map.root();
        for key in model.keys().chain(&strangers) {
            let (value, proof) = (model.get(key), map.prove(key));
            prop_assert_eq!(map.get(key), value);
            prop_assert_eq!(verify_map(&root, key, value, &proof), Ok(()));
            prop_assert_eq!(proof.is_presence(), value.is_some());
            let bytes = proof.to_bytes();
            prop_assert_eq!(MapProof::parse(&bytes), Ok(proof.clone()));
            let opposite = if value.is_some() { None } else { Some(&other) };
            prop_assert_eq!(verify_map(&root, key, opposite, &proof), Err(MapError::Opposite));
            if value.is_some_and(|value| *value != other) {
                prop_assert_eq!(verify_map(&root, key, Some(&other), &proof), Err(MapError::Root));
            }
            // A proof of absence may serve several keys; of what is there it proves nothing.
            for wrong in model.keys().filter(|wrong| *wrong != key) {
                prop_assert!(verify_map(&root, wrong, None, &proof).is_err());
                prop_assert!(verify_map(&root, wrong, model.get(wrong), &proof).is_err());
            }
        }
    }

    #[test]
    fn a_proof_with_any_byte_changed_added_or_taken_is_refused(
        entries in entries(12), stranger in key(), at in any::<usize>(), by in 1_u8..,
    ) {
        let model: Entries = entries.into_iter().collect();
        let map: Map = model.clone().into_iter().collect();
        let key = model.keys().nth(at % 13).copied().unwrap_or(stranger);
        let (value, bytes) = (model.get(&key), map.prove(&key).to_bytes());
        let refused = |bytes: &[u8]| {
            MapProof::parse(bytes).map_or(true, |proof| verify_map(&map.root(), &key, value, &proof).is_err())
        };
        let mut changed = bytes.clone();
        changed[at % bytes.len()] ^= by;
        prop_assert!(refused(&changed));
        prop_assert!(refused(&bytes[..bytes.len() - 1]));
        prop_assert!(refused(&[&bytes[..], &[by]].concat()));
        let step = [&bytes[..], &[0xff], &[by; 32]].concat();
        prop_assert!(refused(&step));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400), key in key()) {
        if let Ok(proof) = MapProof::parse(&bytes) {
            prop_assert_eq!(proof.to_bytes(), bytes);
            prop_assert!(verify_map(&EMPTY_MAP_ROOT, &key, Some(&[0; 32]), &proof).is_err());
        }
    }
}

/// A branch as a prover may make it, whatever is below.
fn branch(at: u8, start: &MapKey, left: Hash, right: Hash) -> Hash {
    let head = [3, at];
    Hash::from_bytes(sha(
        &[&head[..], start, left.as_bytes(), right.as_bytes()].concat()
    ))
}

fn leaf(key: &MapKey, value: &MapValue) -> Hash {
    Hash::from_bytes(sha(&[&[2][..], key, value].concat()))
}

fn step(at: u8, sibling: Hash) -> Vec<u8> {
    [&[at][..], sibling.as_bytes()].concat()
}

#[test]
fn under_the_root_of_a_malformed_trie_no_key_is_both_there_and_not() {
    // The key starts with a one, and the prover hid it on the side of the zeros.
    let (key, other, value) = ([0xff; 32], [0; 32], [7; 32]);
    let root = branch(0, &[0; 32], leaf(&key, &value), leaf(&other, &value));
    let there = [vec![0], step(0, leaf(&other, &value))].concat();
    let hidden = [vec![0], step(0, leaf(&key, &value))].concat();
    let proofs = [&there, &hidden].map(|bytes| MapProof::parse(bytes).unwrap());
    for proof in &proofs {
        assert!(verify_map(&root, &key, Some(&value), proof).is_err());
    }
    // What stands in its place cannot stand there: this proves nothing, in neither direction.
    let misplaced = [&[2][..], &other, &value, &step(0, leaf(&key, &value))].concat();
    let proof = MapProof::parse(&misplaced).unwrap();
    assert_eq!(
        verify_map(&root, &key, None, &proof),
        Err(MapError::Misplaced)
    );
}

#[test]
fn bits_that_do_not_rise_are_refused_although_the_hashes_fit() {
    let (key, value, other) = ([0; 32], [7; 32], Hash::from_bytes([9; 32]));
    let low = branch(5, &[0; 32], leaf(&key, &value), other);
    for (at, verdict) in [
        (4, Ok(())),
        (5, Err(MapError::Order)),
        (6, Err(MapError::Order)),
    ] {
        let root = branch(at, &[0; 32], low, other);
        let bytes = [vec![0], step(at, other), step(5, other)].concat();
        let proof = MapProof::parse(&bytes).unwrap();
        assert_eq!(
            verify_map(&root, &key, Some(&value), &proof),
            verdict,
            "{at}"
        );
    }
}

#[test]
fn an_end_that_does_not_part_from_the_key_is_refused_although_the_hashes_fit() {
    let (key, value, hash) = ([0x80; 32], [7; 32], Hash::from_bytes([9; 32]));
    // A branch that holds keys like this one; its prefix says so.
    let start = {
        let mut start = [0; 32];
        start[0] = 0x80;
        start
    };
    let root = branch(8, &start, hash, hash);
    let bytes = [&[3, 8][..], &start, hash.as_bytes(), hash.as_bytes()].concat();
    let proof = MapProof::parse(&bytes).unwrap();
    assert_eq!(
        verify_map(&root, &key, None, &proof),
        Err(MapError::Misplaced)
    );
    // A prefix with bits after its end, which no branch has.
    let root = branch(1, &[0x40; 32], hash, hash);
    let bytes = [&[3, 1][..], &[0x40; 32], hash.as_bytes(), hash.as_bytes()].concat();
    let proof = MapProof::parse(&bytes).unwrap();
    assert_eq!(
        verify_map(&root, &key, None, &proof),
        Err(MapError::Malformed)
    );
    // The key itself as the other key.
    let bytes = [&[2][..], &key, &value].concat();
    let proof = MapProof::parse(&bytes).unwrap();
    assert_eq!(
        verify_map(&leaf(&key, &value), &key, None, &proof),
        Err(MapError::Misplaced)
    );
}

#[test]
fn the_longest_proof_has_a_step_for_every_bit_and_no_longer_one_is_read() {
    // One key, and for each bit another one that parts from it there.
    let others = (0..256).map(|at| {
        let mut key = [0; 32];
        key[at / 8] |= 1 << (7 - at % 8);
        (key, [1; 32])
    });
    let map: Map = others.chain([([0; 32], [2; 32])]).collect();
    let bytes = map.prove(&[0; 32]).to_bytes();
    assert_eq!(bytes.len(), 1 + 256 * 33);
    let proof = MapProof::parse(&bytes).unwrap();
    assert_eq!(
        verify_map(&map.root(), &[0; 32], Some(&[2; 32]), &proof),
        Ok(())
    );
    assert_eq!(
        MapProof::parse(&vec![0; MAX_MAP_PROOF_LEN + 1]),
        Err(MapError::Malformed)
    );
    assert_eq!(MapProof::parse(&[]), Err(MapError::Malformed));
    assert_eq!(MapProof::parse(&[4]), Err(MapError::Malformed));
}

#[test]
fn proofs_of_200_000_entries_are_shorter_than_a_kilobyte() {
    let map: Map = numbered(200_000).into_iter().collect();
    for n in 0..200_000 {
        let key = sha(n.to_string().as_bytes());
        if n % 97 == 0 {
            let absent = sha(&key);
            assert!(map.prove(&absent).to_bytes().len() < 1000);
        }
        assert!(map.prove(&key).to_bytes().len() < 1000);
    }
}
