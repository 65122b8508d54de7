//! What can be proven: an append-only Merkle tree, the tiles it is stored in, and the signed texts about it.
//!
//! The crate knows bytes and keys. It has no clock, no randomness and no storage, and never asks what a leaf means.
//!
//! | file | what it is for | specification |
//! |---|---|---|
//! | [`hash`] | leaf and node hashes | RFC 6962 §2.1 |
//! | [`tree`] | the root of a growing tree | RFC 6962 §2.1 |
//! | [`tile`] | names and widths of the tiles of a tree | c2sp.org/tlog-tiles |
//! | [`bundle`] | 256 entries in one file | c2sp.org/tlog-tiles |
//! | [`edge`] | the tile rows that an append changes | c2sp.org/tlog-tiles |
//! | [`nodes`] | a tile with every node inside it | RFC 6962 §2.1 |
//! | [`proof`] | inclusion and consistency proofs, from tiles | RFC 6962 §2.1.1, §2.1.2 |
//! | [`verify`] | checking those proofs | RFC 9162 §2.1.3.2, §2.1.4.2 |
//! | [`key`] | key names, key ids, keys as text | c2sp.org/signed-note |
//! | [`note`] | texts with signatures | c2sp.org/signed-note |
//! | [`checkpoint`] | a signed tree head | c2sp.org/tlog-checkpoint |
//! | [`cosignature`] | a witness's word about a checkpoint | c2sp.org/tlog-cosignature |
//! | [`receipt`] | a proof that needs no server | c2sp.org/tlog-proof |
//! | [`map`] | that a map has an entry, or has none | its own opening comment |

#![no_std]
#![warn(missing_docs)]

extern crate alloc;

pub mod bundle;
pub mod checkpoint;
pub mod cosignature;
pub mod edge;
pub mod hash;
pub mod key;
pub mod map;
pub mod nodes;
pub mod note;
pub mod proof;
pub mod receipt;
mod text;
pub mod tile;
pub mod tree;
pub mod verify;

pub use bundle::{BundleError, parse_bundle, write_bundle};
pub use checkpoint::{Checkpoint, CheckpointError};
pub use cosignature::{Cosignature, CosignatureError, cosignatures};
pub use edge::{EdgeError, TileEdge, TileRow};
pub use hash::{EMPTY_ROOT, Hash, leaf_hash, node_hash};
pub use key::{CosignerKey, CosigningKey, KeyError, KeyId, SigningKey, VerifierKey};
pub use map::{
    EMPTY_MAP_ROOT, MAX_MAP_PROOF_LEN, Map, MapError, MapKey, MapProof, MapValue, verify_map,
};
pub use nodes::TileNodes;
pub use note::{Note, NoteError, NoteSignature};
pub use proof::{
    ProofError, TileMap, TileReader, consistency_proof, inclusion_proof, root_of_tiles,
    tiles_for_consistency, tiles_for_inclusion, tiles_for_root,
};
pub use receipt::{Receipt, ReceiptError};
pub use tile::{
    EntriesPath, PathError, Resource, TILE_WIDTH, TilePath, entries_of, tiles_of, width_at,
};
pub use tree::{Frontier, MAX_SIZE, TreeError, root_of};
pub use verify::{VerifyError, verify_consistency, verify_inclusion};
