//! The feed: the log's own leaves from a place on, filtered, in pages of bounded work.
//!
//! A cursor is the log index to start at. Each page moves it, whether anything matched or not, so that nobody looks at a
//! million leaves in one go, and whoever comes back with the cursor misses nothing and reads nothing twice. A page is in
//! memory before it is handed out: no transaction and no connection is held while a reader is slow.
use events::{body::Body, name::FoldedName, stream::StreamName, time::Timestamp};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, Row as _};

use super::failed;
use crate::store::{StoreError, reader::Reader};

/// Leaves that are looked at in one page.
pub const PAGE: u64 = 64;

/// What is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only these streams; every stream if there is none.
    pub streams: Vec<StreamName>,
    /// Only this type of event.
    pub event_type: Option<String>,
    /// Only from this time on.
    pub since: Option<Timestamp>,
    /// Only up to this time, itself included.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether a leaf of these streams is wanted. That it is not too late is the window's business.
    fn wants(&self, leaf: &[u8]) -> Result<bool, StoreError> {
        if self.event_type.is_none() && self.since.is_none() {
            return Ok(true);
        }
        let head = head(leaf)?;
        let of_type = self
            .event_type
            .as_ref()
            .is_none_or(|wanted| *wanted == head.event_type);
        Ok(of_type && self.since.is_none_or(|since| head.time >= since))
    }

    /// Only what concerns this gem: its releases, its policy, its denials.
    pub fn of_gem(&mut self, gem: &FoldedName) {
        self.streams.extend([
            StreamName::policy(gem),
            StreamName::denied(gem),
            StreamName::gem(gem),
        ]);
    }
}

/// Whether there is such a type of event.
pub fn is_known(event_type: &str) -> bool {
    Body::TYPES.iter().any(|known| known.name == event_type)
}

/// Reads `2026-11-23`, `2026-11-23T02:30:00Z` or the form with milliseconds, UTC.
pub fn moment(text: &str) -> Option<Timestamp> {
    let full = match text.len() {
        10 => format!("{text}T00:00:00.000Z"),
        20 => format!("{}.000Z", text.strip_suffix('Z')?),
        _ => text.to_owned(),
    };
    Timestamp::parse(&full).ok()
}

/// A leaf, as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place.
    pub index: u64,
    /// Its bytes.
    pub leaf: Vec<u8>,
}

/// What one look gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// What matched, in the order of the log.
    pub found: Vec<Found>,
    /// Where to go on.
    pub next: u64,
}

/// The part of the log below `size` that the filter's times leave: its first index, and the one after its last.
///
/// Times never decrease along the log, so both ends are found by halving.
pub async fn window(reader: &Reader, filter: &Filter, size: u64) -> Result<(u64, u64), StoreError> {
    let first = match filter.since {
        Some(since) => first_from(reader, since, size).await?,
        None => 0,
    };
    let end = match filter.until {
        Some(until) => first_from(reader, Timestamp::from_millis(until.millis() + 1), size).await?,
        None => size,
    };
    Ok((first, end))
}

/// The first log index below `size` whose event is not before this time; `size` if there is none.
pub async fn first_from(reader: &Reader, time: Timestamp, size: u64) -> Result<u64, StoreError> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        let missing = || StoreError::Corrupt(format!("there is no leaf at log index {middle}"));
        let leaf = reader.leaf(middle).await?.ok_or_else(missing)?;
        if head(&leaf)?.time < time {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Looks once, from a log index on and below `end`, for at most `limit` leaves.
pub async fn page(
    reader: &Reader,
    filter: &Filter,
    from: u64,
    end: u64,
    limit: u64,
) -> Result<Page, StoreError> {
    let limit = limit.min(PAGE);
    if from >= end || limit == 0 {
        return Ok(Page {
            found: Vec::new(),
            next: from,
        });
    }
    let (leaves, next) = if filter.streams.is_empty() {
        let to = end.min(from.saturating_add(limit));
        let leaves = reader.leaves(from, to).await?;
        if u64::try_from(leaves.len()).ok() != Some(to - from) {
            let text = format!(
                "there are not {} leaves from log index {from} on",
                to - from
            );
            return Err(StoreError::Corrupt(text));
        }
        ((from..).zip(leaves).collect(), to)
    } else {
        streams(reader, filter, from, end, limit).await?
    };
    let mut found = Vec::new();
    for (index, leaf) in leaves {
        if filter.wants(&leaf)? {
            found.push(Found { index, leaf });
        }
    }
    Ok(Page { found, next })
}

/// The next leaves of some streams, by the streams' own index: what other streams have is not looked at.
async fn streams(
    reader: &Reader,
    filter: &Filter,
    from: u64,
    end: u64,
    limit: u64,
) -> Result<(Vec<(u64, Vec<u8>)>, u64), StoreError> {
    let integer = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let places: Vec<String> = (4..4 + filter.streams.len())
        .map(|place| format!("${place}"))
        .collect();
    // By the streams' index alone (a sign keeps the database from walking the log instead), and only then the leaves.
    let sql = format!(
        "SELECT log_index, leaf FROM event WHERE log_index IN (
           SELECT log_index FROM event
           WHERE +log_index >= $1 AND +log_index < $2 AND stream IN ({})
           ORDER BY +log_index LIMIT $3)
         ORDER BY log_index",
        places.join(", ")
    );
    let mut query = sqlx::query(AssertSqlSafe(sql))
        .bind(integer(from))
        .bind(integer(end))
        .bind(integer(limit));
    for stream in &filter.streams {
        query = query.bind(stream.as_str().to_owned());
    }
    let rows = query.fetch_all(reader.pool()).await.map_err(failed)?;
    let mut leaves = Vec::new();
    for row in &rows {
        let index: i64 = row.try_get(0).map_err(failed)?;
        let leaf: Vec<u8> = row.try_get(1).map_err(failed)?;
        leaves.push((u64::try_from(index).unwrap_or(0), leaf));
    }
    let full = u64::try_from(leaves.len()).is_ok_and(|found| found >= limit);
    let next = match leaves.last() {
        Some((last, _)) if full => last + 1,
        _ => end,
    };
    Ok((leaves, next))
}

/// What a filter reads of a leaf.
struct Head {
    event_type: String,
    time: Timestamp,
}

/// Reads type and time without the rest, which may be of a type that this version does not know.
fn head(leaf: &[u8]) -> Result<Head, StoreError> {
    #[derive(Deserialize)]
    struct Raw {
        time: Timestamp,
        r#type: String,
    }
    let raw: Raw = serde_json::from_slice(leaf)
        .map_err(|error| StoreError::Corrupt(format!("a leaf is no event: {error}")))?;
    Ok(Head {
        event_type: raw.r#type,
        time: raw.time,
    })
}
