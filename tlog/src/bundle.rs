//! Entry bundles: the entries below one level 0 tile, in one file (c2sp.org/tlog-tiles, "Log entries").
//!
//! ```text
//! bundle = 1 to 256 of: length (u16, big-endian) || entry
//! ```

use alloc::vec::Vec;

use thiserror::Error;

use crate::tile::TILE_WIDTH;

/// Why entries cannot be bundled, or bytes are not a bundle.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BundleError {
    /// An entry is longer than its length field can say.
    #[error("entry {place} of the bundle has {len} bytes, more than 65,535")]
    EntryTooLong {
        /// Place in the bundle, from 0.
        place: usize,
        /// Bytes in the entry.
        len: usize,
    },
    /// The bytes end inside an entry or its length.
    #[error("the bundle ends inside entry {place}")]
    Truncated {
        /// Place in the bundle, from 0.
        place: usize,
    },
    /// There are more than 256 entries.
    #[error("the bundle has more than 256 entries")]
    TooManyEntries,
    /// There are no entries: an empty bundle does not exist.
    #[error("the bundle is empty")]
    Empty,
}

/// The bundle of these entries: 1 to 256, each at most 65,535 bytes.
pub fn write_bundle<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, BundleError> {
    check_count(entries.len())?;
    let mut bundle = Vec::with_capacity(entries.iter().map(|entry| 2 + entry.as_ref().len()).sum());
    for (place, entry) in entries.iter().map(AsRef::as_ref).enumerate() {
        let len = entry.len();
        let prefix = u16::try_from(len).map_err(|_| BundleError::EntryTooLong { place, len })?;
        bundle.extend_from_slice(&prefix.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// The entries of a bundle, in order.
pub fn parse_bundle(bundle: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while !rest.is_empty() {
        let (entry, after) = split_entry(rest).ok_or(BundleError::Truncated {
            place: entries.len(),
        })?;
        entries.push(entry);
        if entries.len() > usize::from(TILE_WIDTH) {
            return Err(BundleError::TooManyEntries);
        }
        rest = after;
    }
    check_count(entries.len())?;
    Ok(entries)
}

fn split_entry(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))
}

fn check_count(entries: usize) -> Result<(), BundleError> {
    match entries {
        0 => Err(BundleError::Empty),
        count if count > usize::from(TILE_WIDTH) => Err(BundleError::TooManyEntries),
        _ => Ok(()),
    }
}
