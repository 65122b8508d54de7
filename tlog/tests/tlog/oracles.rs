//! Agreement with other implementations, which share no code with this crate.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;
use signed_note::{Signer as _, StandardSigner, StandardVerifier, VerifierList};
use tlog::{
    Checkpoint, Hash, Note, Resource, SigningKey, TilePath, VerifierKey, consistency_proof,
    inclusion_proof, leaf_hash, root_of, verify_consistency, verify_inclusion,
};
use tlog_tiles::{tile::Tile, tlog as sumdb};

use crate::{
    count,
    key::{GO_KEY, GO_SECRET, SPEC_KEY},
    leaves, log_of, neighbours,
    tile::name_like,
    vector,
};

fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

fn theirs(hash: &Hash) -> sumdb::Hash {
    sumdb::Hash(*hash.as_bytes())
}

fn ours(hashes: &[sumdb::Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash::from_bytes(hash.0)).collect()
}

#[test]
fn ct_merkle_makes_the_same_roots_and_proofs() {
    let leaves = leaves(300);
    let (tiles, _) = log_of(&leaves);
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for size in 1..=300 {
        tree.push((size - 1).to_string().into_bytes());
        assert_eq!(
            tree.root().as_bytes().as_slice(),
            root_of(&leaves[..size]).as_bytes()
        );
        if size > 40 && size % 37 > 0 && size != 256 && size != 257 {
            continue;
        }
        for other in 0..size {
            let proof = inclusion_proof(count(other), count(size), &tiles).unwrap();
            assert_eq!(
                tree.prove_inclusion(other).as_bytes(),
                bytes_of(&proof),
                "{other} of {size}"
            );
            if other > 0 {
                let proof = consistency_proof(count(other), count(size), &tiles).unwrap();
                assert_eq!(
                    tree.prove_consistency(size - other).as_bytes(),
                    bytes_of(&proof),
                    "{other} to {size}"
                );
            }
        }
    }
}

/// Every hash of a log, as the Go checksum database stores them.
struct Stored(Vec<sumdb::Hash>);

impl Stored {
    fn new(size: u64) -> Self {
        let mut stored = Self(vec![]);
        for index in 0..size {
            let new = sumdb::stored_hashes(index, index.to_string().as_bytes(), &stored).unwrap();
            stored.0.extend(new);
        }
        stored
    }
}

impl sumdb::HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<sumdb::Hash>, sumdb::Error> {
        Ok(indexes
            .iter()
            .map(|index| self.0[usize::try_from(*index).unwrap()])
            .collect())
    }
}

#[test]
fn the_go_checksum_database_makes_the_same_roots_and_proofs() {
    let leaves = leaves(1100);
    let (tiles, _) = log_of(&leaves);
    let stored = Stored::new(1100);
    for size in [1_u64, 2, 3, 31, 255, 256, 257, 700, 1023, 1024, 1025, 1100] {
        let root = root_of(&leaves[..usize::try_from(size).unwrap()]);
        assert_eq!(sumdb::tree_hash(size, &stored).unwrap(), theirs(&root));
        for other in (0..size).filter(|other| other % 11 == 0 || size - other < 3) {
            let leaf = leaves[usize::try_from(other).unwrap()];
            let proof = inclusion_proof(other, size, &tiles).unwrap();
            assert_eq!(
                ours(&sumdb::prove_record(size, other, &stored).unwrap()),
                proof
            );
            assert_eq!(verify_inclusion(&leaf, other, size, &proof, &root), Ok(()));
            if other > 0 {
                let old = root_of(&leaves[..usize::try_from(other).unwrap()]);
                let proof = consistency_proof(other, size, &tiles).unwrap();
                assert_eq!(
                    ours(&sumdb::prove_tree(size, other, &stored).unwrap()),
                    proof
                );
                assert_eq!(verify_consistency(other, &old, size, &root, &proof), Ok(()));
            }
        }
    }
}

proptest! {
    #[test]
    fn the_go_checksum_database_accepts_the_same_proofs(
        index in 0..24_u64,
        size in 1..24_u64,
        places in prop::collection::vec(0..48_usize, 0..7),
    ) {
        // Proofs made of the hashes of this very tree are near enough to right that some of them are.
        let stored = Stored::new(24);
        let proof: Vec<sumdb::Hash> = places.iter().map(|place| stored.0[place % stored.0.len()]).collect();
        let leaves = leaves(24);
        let root = |size: u64| root_of(&leaves[..usize::try_from(size).unwrap()]);
        let leaf = leaf_hash(index.to_string().as_bytes());
        let check = sumdb::check_record(&proof, size, theirs(&root(size)), index, theirs(&leaf));
        let verify = verify_inclusion(&leaf, index, size, &ours(&proof), &root(size));
        prop_assert_eq!(check.is_ok(), verify.is_ok());
        if index > 0 {
            let check = sumdb::check_tree(&proof, size, theirs(&root(size)), index, theirs(&root(index)));
            let verify = verify_consistency(index, &root(index), size, &root(size), &ours(&proof));
            prop_assert_eq!(check.is_ok(), verify.is_ok());
        }
    }

    #[test]
    fn tiles_have_the_same_names(level in 0..64_u8, index in any::<u64>(), width in 1..=256_u16) {
        let tile = TilePath::new(level, index, width).unwrap();
        let other = Tile::new(8, level, index, u32::from(width), false);
        prop_assert_eq!(format!("tile/8/{tile}"), other.path());
    }

    #[test]
    fn the_same_texts_name_tiles(text in name_like()) {
        // There, bundles are at "data", 52 characters are enough, and level 64 and width 0 are fatal.
        let renamed = format!("tile/8/{}", text.replace("entries", "data"));
        let width = text.split_once(".p/").map_or("1", |(_, width)| width).trim_start_matches('0');
        prop_assume!(renamed.len() <= 52 && !text.starts_with("64/") && !width.is_empty());
        prop_assert_eq!(Resource::parse(&text).is_ok(), Tile::from_path(&renamed).is_ok(), "{}", text);
    }

    #[test]
    fn signatures_are_made_and_verified_alike(seed in any::<[u8; 32]>(), text in "[ -~\\n\u{e9}]{0,80}") {
        let text = text + "\n";
        let key = SigningKey::from_seed("log.example/1", &seed).unwrap();
        let signer = StandardSigner::new(&key.to_text()).unwrap();
        let verifier = StandardVerifier::new(&key.verifier().to_string()).unwrap();
        prop_assert_eq!(signer.key_id().to_be_bytes(), *key.verifier().id().as_bytes());

        let note = Note::sign(&text, &key).unwrap();
        let mut other = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
        other.add_sigs(&[&signer]).unwrap();
        prop_assert_eq!(other.to_bytes(), note.to_string().into_bytes());
        let read = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
        let (verified, unverified) = read.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
        prop_assert_eq!((verified.len(), unverified.len()), (1, 0));
    }
}

#[test]
fn the_same_notes_are_well_formed() {
    for file in ["spec.note", "go.note"] {
        for near in neighbours(&vector(file)) {
            let note = Note::parse(near.as_bytes());
            let other = signed_note::Note::from_bytes(near.as_bytes());
            assert_eq!(note.is_ok(), other.is_ok(), "{near}");
        }
    }
}

#[test]
fn the_same_key_texts_are_keys() {
    for text in [SPEC_KEY, GO_KEY] {
        assert!(StandardVerifier::new(text).is_ok());
        for near in neighbours(text) {
            // There, the id may be in capitals.
            let mut parts: Vec<String> = near.splitn(3, '+').map(String::from).collect();
            parts
                .iter_mut()
                .skip(1)
                .take(1)
                .for_each(|id| id.make_ascii_lowercase());
            let verdict = VerifierKey::parse(&parts.join("+")).is_ok();
            assert_eq!(StandardVerifier::new(&near).is_ok(), verdict, "{near}");
        }
    }
    assert!(StandardSigner::new(GO_SECRET).is_ok());
}

#[test]
fn the_same_texts_are_checkpoints() {
    let text = Checkpoint::new("log", 70_000, leaf_hash(b""))
        .unwrap()
        .text()
        + "extension\n";
    let mut agreed = 0;
    for near in neighbours(&text) {
        // Control characters are not theirs to refuse: there, the note around the checkpoint does.
        if near.contains('\t') {
            continue;
        }
        let other = tlog_tiles::checkpoint::Checkpoint::from_bytes(near.as_bytes());
        let checkpoint = Checkpoint::parse(&near);
        assert_eq!(checkpoint.is_ok(), other.is_ok(), "{near:?}");
        if let (Ok(checkpoint), Ok(other)) = (checkpoint, other) {
            assert_eq!(
                (checkpoint.origin(), checkpoint.size()),
                (other.origin(), other.size())
            );
            assert_eq!(theirs(checkpoint.root()), *other.hash());
            agreed += 1;
        }
    }
    assert!(agreed > 100, "{agreed}");
}
