//! A verifiable map: one root that commits to every entry of a map, and to there being no other.
//!
//! Keys and values have 32 bytes. The map is a compressed binary trie (Patricia) over the bits of its keys, most
//! significant first: bit 0 is the highest bit of the first byte. By definition, for a set of entries `E`:
//!
//! ```text
//! root({})          SHA-256(0x04)
//! root({(k, v)})    SHA-256(0x02 || k || v)
//! root(E)           SHA-256(0x03 || b || p || root(E with bit b = 0) || root(E with bit b = 1))
//!                   b  the first bit in which two keys of E differ, one byte
//!                   p  the bits before b that all keys of E share, then zeros: 32 bytes
//! ```
//!
//! So the root depends on the entries alone, never on the order in which they came. The first bytes differ from each
//! other and from those of the log's tree ([`hash`](crate::hash)): nothing passes for something else.
//!
//! Why a branch commits to `b` and `p`: whoever verifies walks from the root by the bits of the key asked for. What a
//! branch commits to decides where that walk goes and where it ends, so under one root it has one end, whoever built
//! the trie and however badly: either a leaf with this key, or proof that there is none. See [`MapProof`].

use sha2::{Digest, Sha256};

use crate::hash::Hash;

mod proof;
mod trie;

pub use proof::{MAX_MAP_PROOF_LEN, MapError, MapProof, verify_map};
pub use trie::Map;

/// A key: evenly spread, such as the hash of a name.
pub type MapKey = [u8; 32];
/// A value, such as the hash of what is known under the name.
pub type MapValue = [u8; 32];

/// The root of the map without entries: SHA-256 of the byte 0x04.
pub const EMPTY_MAP_ROOT: Hash = Hash::from_bytes([
    0xe5, 0x2d, 0x9c, 0x50, 0x8c, 0x50, 0x23, 0x47, 0x34, 0x4d, 0x8c, 0x07, 0xad, 0x91, 0xcb, 0xd6,
    0x06, 0x8a, 0xfc, 0x75, 0xff, 0x62, 0x92, 0xf0, 0x62, 0xa0, 0x9c, 0xa3, 0x81, 0xc8, 0x9e, 0x71,
]);

fn leaf_hash(key: &MapKey, value: &MapValue) -> Hash {
    let mut leaf = [0x02; 65];
    leaf[1..33].copy_from_slice(key);
    leaf[33..].copy_from_slice(value);
    Hash::from_bytes(Sha256::digest(leaf).into())
}

/// The hash of a branch at `bit`, below which every key starts like `key`.
fn branch_hash(bit: u8, key: &MapKey, left: &Hash, right: &Hash) -> Hash {
    let mut branch = [0x03; 98];
    branch[1] = bit;
    branch[2..34].copy_from_slice(&prefix(key, bit));
    branch[34..66].copy_from_slice(left.as_bytes());
    branch[66..].copy_from_slice(right.as_bytes());
    Hash::from_bytes(Sha256::digest(branch).into())
}

/// Whether this bit of the key is set.
fn is_set(key: &MapKey, bit: u8) -> bool {
    let byte = key.get(usize::from(bit / 8)).copied().unwrap_or_default();
    byte & (0x80 >> (bit % 8)) != 0
}

/// The bits of the key before this one, then zeros.
fn prefix(key: &MapKey, bit: u8) -> MapKey {
    let mut prefix = *key;
    let (whole, part) = (usize::from(bit / 8), bit % 8);
    for (at, byte) in prefix.iter_mut().enumerate().skip(whole) {
        *byte &= if at == whole { !(0xff >> part) } else { 0 };
    }
    prefix
}

/// The first bit in which two keys differ; `None` if they are the same.
fn first_difference(one: &MapKey, other: &MapKey) -> Option<u8> {
    let at = one
        .iter()
        .zip(other)
        .position(|(one, other)| one != other)?;
    let differing = one.get(at)? ^ other.get(at)?;
    u8::try_from(at * 8)
        .ok()?
        .checked_add(u8::try_from(differing.leading_zeros()).ok()?)
}
