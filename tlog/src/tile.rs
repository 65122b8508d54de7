//! The names and widths of the tiles that a tree is stored and served in (c2sp.org/tlog-tiles).
//!
//! ```text
//! tile/<L>/<N>             256 hashes of subtrees of 256^L leaves, 8,192 bytes
//! tile/<L>/<N>.p/<W>       the first W of them
//! tile/entries/<N>[.p/<W>] the entries below the level 0 tile N
//! ```
//!
//! `L` is a decimal up to 63 and `W` one from 1 to 255. `N` is written in groups of three digits, all but the last behind
//! an `x`: 1234067 is `x001/x234/067`. A hash goes up to the next level only when its tile is full, so a tile only
//! grows: a partial tile is a prefix of every later one of the same place. A tile without hashes does not exist.

use alloc::{format, string::String};
use core::{fmt, iter};

use thiserror::Error;

use crate::text::from_decimal;

/// Hashes in a full tile, entries in a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// The highest level that a path may name. Trees that fit in 64 bits end at level 7.
const MAX_LEVEL: u8 = 63;

/// Why a path is not the name of a tile.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PathError {
    /// The level is not a decimal from 0 to 63 in its shortest form.
    #[error("the level is not a number from 0 to 63")]
    Level,
    /// The index is not in groups of three digits, `x` before all but the last, in the shortest form.
    #[error("the index is not in groups of three digits")]
    Index,
    /// The width is not a decimal from 1 to 255 in its shortest form; a full tile has no width in its name.
    #[error("the width is not a number from 1 to 255")]
    Width,
}

/// A hash tile, or the first hashes of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TilePath {
    level: u8,
    index: u64,
    width: u16,
}

impl TilePath {
    /// The first `width` hashes (1 to 256) of tile `index` at `level` (0 to 63).
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, PathError> {
        if level > MAX_LEVEL {
            return Err(PathError::Level);
        }
        check_width(width)?;
        Ok(Self {
            level,
            index,
            width,
        })
    }

    /// The tile as wide as it is in a tree of `size` leaves; `None` where that tree has none.
    pub fn at(level: u8, index: u64, size: u64) -> Option<Self> {
        Some(Self {
            level,
            index,
            width: width_at(level, index, size)?,
        })
    }

    /// Reads what follows `/tile/` in a URL.
    ///
    /// ```
    /// let tile = tlog::TilePath::parse("0/x001/x234/067.p/8")?;
    /// assert_eq!((tile.level(), tile.index(), tile.width()), (0, 1_234_067, 8));
    /// # Ok::<(), tlog::PathError>(())
    /// ```
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let (level, rest) = path.split_once('/').ok_or(PathError::Level)?;
        let level = from_decimal(level)
            .and_then(|level| u8::try_from(level).ok())
            .ok_or(PathError::Level)?;
        let (index, width) = parse_place(rest)?;
        Self::new(level, index, width)
    }

    /// The level: 0 holds leaf hashes.
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// The place among the tiles of its level, from 0.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Hashes, 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether a tree of `size` leaves holds all of these hashes.
    pub fn exists_in(&self, size: u64) -> bool {
        width_at(self.level, self.index, size).is_some_and(|width| self.width <= width)
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.level, place(self.index, self.width))
    }
}

/// The entries below one level 0 tile, or the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntriesPath {
    index: u64,
    width: u16,
}

impl EntriesPath {
    /// The first `width` entries (1 to 256) of bundle `index`.
    pub fn new(index: u64, width: u16) -> Result<Self, PathError> {
        check_width(width)?;
        Ok(Self { index, width })
    }

    /// Reads what follows `/tile/` in a URL: `entries/` and the place.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let (index, width) = parse_place(path.strip_prefix("entries/").ok_or(PathError::Level)?)?;
        Ok(Self { index, width })
    }

    /// The place among the bundles, from 0.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Entries, 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// The log index of the first entry; `None` beyond `u64`.
    pub fn first_entry(&self) -> Option<u64> {
        self.index.checked_mul(u64::from(TILE_WIDTH))
    }

    /// Whether a tree of `size` leaves holds all of these entries.
    pub fn exists_in(&self, size: u64) -> bool {
        width_at(0, self.index, size).is_some_and(|width| self.width <= width)
    }
}

impl fmt::Display for EntriesPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entries/{}", place(self.index, self.width))
    }
}

/// Anything that has a name under `/tile/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Hashes of the tree.
    Hashes(TilePath),
    /// Entries of the log.
    Entries(EntriesPath),
}

impl Resource {
    /// Reads what follows `/tile/` in a URL.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        if path.starts_with("entries/") {
            EntriesPath::parse(path).map(Self::Entries)
        } else {
            TilePath::parse(path).map(Self::Hashes)
        }
    }

    /// Whether a tree of `size` leaves holds all of it.
    pub fn exists_in(&self, size: u64) -> bool {
        match self {
            Self::Hashes(tile) => tile.exists_in(size),
            Self::Entries(entries) => entries.exists_in(size),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hashes(tile) => tile.fmt(f),
            Self::Entries(entries) => entries.fmt(f),
        }
    }
}

/// How wide tile `index` of `level` is in a tree of `size` leaves: 1 to 256, or `None` where there is no such tile.
///
/// Level 0 answers for bundles of entries too.
pub fn width_at(level: u8, index: u64, size: u64) -> Option<u16> {
    let before = index.checked_mul(u64::from(TILE_WIDTH))?;
    match hashes_at(level, size).checked_sub(before)? {
        0 => None,
        hashes => Some(u16::try_from(hashes).map_or(TILE_WIDTH, |hashes| hashes.min(TILE_WIDTH))),
    }
}

/// Every tile of a tree of `size` leaves, level by level, each from left to right.
pub fn tiles_of(size: u64) -> impl Iterator<Item = TilePath> {
    (0..=MAX_LEVEL).flat_map(move |level| {
        let mut indexes = 0..;
        iter::from_fn(move || TilePath::at(level, indexes.next()?, size))
    })
}

/// Every bundle of entries of a log of `size` entries, from the first.
pub fn entries_of(size: u64) -> impl Iterator<Item = EntriesPath> {
    (0..).map_while(move |index| {
        Some(EntriesPath {
            index,
            width: width_at(0, index, size)?,
        })
    })
}

/// Hashes at a level of a tree: its perfect subtrees of 256^level leaves.
pub(crate) fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

fn check_width(width: u16) -> Result<(), PathError> {
    if (1..=TILE_WIDTH).contains(&width) {
        Ok(())
    } else {
        Err(PathError::Width)
    }
}

/// `<N>[.p/<W>]`, written.
fn place(index: u64, width: u16) -> String {
    let mut place = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        place = format!("x{:03}/{place}", rest % 1000);
        rest /= 1000;
    }
    if width == TILE_WIDTH {
        place
    } else {
        format!("{place}.p/{width}")
    }
}

/// `<N>[.p/<W>]`, read: the index and the width.
fn parse_place(place: &str) -> Result<(u64, u16), PathError> {
    let (groups, width) = match place.split_once(".p/") {
        None => (place, TILE_WIDTH),
        Some((groups, width)) => {
            let width = from_decimal(width)
                .and_then(|width| u16::try_from(width).ok())
                .ok_or(PathError::Width)?;
            if !(1..TILE_WIDTH).contains(&width) {
                return Err(PathError::Width);
            }
            (groups, width)
        }
    };
    Ok((parse_index(groups).ok_or(PathError::Index)?, width))
}

fn parse_index(groups: &str) -> Option<u64> {
    let (above, last) = match groups.rsplit_once('/') {
        None => (None, groups),
        Some((above, last)) => (Some(above), last),
    };
    let mut index = 0_u64;
    for group in above.into_iter().flat_map(|above| above.split('/')) {
        index = index
            .checked_mul(1000)?
            .checked_add(three_digits(group.strip_prefix('x')?)?)?;
        if index == 0 {
            return None; // x000 in front is padding
        }
    }
    index.checked_mul(1000)?.checked_add(three_digits(last)?)
}

fn three_digits(group: &str) -> Option<u64> {
    let digits = group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit());
    if digits { group.parse().ok() } else { None }
}
