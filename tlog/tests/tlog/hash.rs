//! Hashes and their spellings.

use tlog::{EMPTY_ROOT, Hash, leaf_hash, node_hash};

const ZERO: Hash = Hash::from_bytes([0; 32]);

#[test]
fn the_empty_root_is_the_hash_of_nothing() {
    assert_eq!(
        EMPTY_ROOT.to_base64(),
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    );
}

#[test]
fn an_entry_that_looks_like_a_node_has_another_hash() {
    let left = leaf_hash(b"left");
    let right = leaf_hash(b"right");
    let children = [left.as_bytes().as_slice(), right.as_bytes()].concat();
    assert_ne!(leaf_hash(&children), node_hash(&left, &right));
}

#[test]
fn the_order_of_children_matters() {
    let (left, right) = (leaf_hash(b"left"), leaf_hash(b"right"));
    assert_ne!(node_hash(&left, &right), node_hash(&right, &left));
}

#[test]
fn both_spellings_read_back() {
    let hash = leaf_hash(b"entry");
    assert_eq!(Hash::from_base64(&hash.to_base64()), Some(hash));
    assert_eq!(Hash::from_hex(&hash.to_hex()), Some(hash));
    assert_eq!(format!("{hash:?}"), hash.to_hex());
}

#[test]
fn hex_is_64_lower_case_digits() {
    let hex = EMPTY_ROOT.to_hex();
    assert_eq!(Hash::from_hex(&hex.to_uppercase()), None);
    assert_eq!(Hash::from_hex(&hex[1..]), None);
    assert_eq!(Hash::from_hex(&hex[2..]), None);
    assert_eq!(Hash::from_hex(&format!("{hex}00")), None);
    assert_eq!(Hash::from_hex(&hex.replace('e', "g")), None);
}

#[test]
fn base64_has_one_spelling() {
    let text = ZERO.to_base64();
    assert_eq!(text, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    // The last digit carries two bits that belong to no byte.
    assert_eq!(
        Hash::from_base64("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB="),
        None
    );
    assert_eq!(Hash::from_base64(text.trim_end_matches('=')), None);
    assert_eq!(Hash::from_base64(&format!("{text}\n")), None);
    assert_eq!(Hash::from_base64("AAAA"), None);
}

#[test]
fn other_lengths_are_no_hash() {
    assert_eq!(Hash::from_slice(&[0; 32]), Some(ZERO));
    assert_eq!(Hash::from_slice(&[0; 31]), None);
    assert_eq!(Hash::from_slice(&[0; 33]), None);
}
