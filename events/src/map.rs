//! The verifiable map: one root, now and then, over what the log says of every gem.
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// Data of `map.rooted`: the root of the map of all gems, as the first events of this log make it. Version 1 is about
/// documents of format 1 (`docs/formats/map.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rooted {
    /// How many gems the map has: every name with an event in `gem/<gem>` or `policy/<gem>`.
    pub gems: u64,
    /// The map's root.
    pub root: Digest,
    /// How many events of the log the map is made of, from the first on. Later ones are not in it.
    pub through: u64,
}
