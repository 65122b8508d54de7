//! Reading all of the log, fast and in order: pages are fetched, hashed and parsed ahead of whoever looks at them.
//!
//! Hashing and parsing are what it costs, so they run on threads of their own while the next pages are fetched. At most
//! [`AHEAD`] pages are in memory, however long the log is.
use std::sync::Arc;

use events::{Event, Recorded, event::DecodeError};
use futures::stream::{self, Stream, StreamExt as _};
use tlog::{Hash, leaf_hash};

use super::{
    StoreError,
    reader::{PAGE, Reader},
    sqlite,
};

/// Pages in flight: a few for each core that small machines have, one that is fetched, one that is looked at.
const AHEAD: usize = 8;

/// One place of the log, as it was read.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// The log index.
    pub index: u64,
    /// The hash of the leaf.
    pub hash: Hash,
    /// The event, or why this version cannot read it.
    pub recorded: Result<Recorded, DecodeError>,
    page: Arc<Vec<u8>>,
    place: (usize, usize),
}

impl Scanned {
    /// The leaf itself.
    pub fn leaf(&self) -> &[u8] {
        let (from, to) = self.place;
        self.page.get(from..to).unwrap_or_default()
    }
}

/// Everything from one log index up to another, page by page, in order.
///
/// A leaf that cannot be parsed is no error here: an auditor reports it and goes on. A page that is short is.
pub fn scan(
    reader: &Reader,
    from: u64,
    to: u64,
) -> impl Stream<Item = Result<Vec<Scanned>, StoreError>> {
    scan_each(reader, from, to, |scanned| scanned)
}

/// As [`scan`], and what is wanted of each place is taken where it was parsed: the rest is dropped there, by the thread
/// that allocated it.
pub fn scan_each<T: Send + 'static>(
    reader: &Reader,
    from: u64,
    to: u64,
    each: impl Fn(Scanned) -> T + Copy + Send + 'static,
) -> impl Stream<Item = Result<Vec<T>, StoreError>> {
    let pages = (from..to).step_by(usize::try_from(PAGE).unwrap_or(usize::MAX));
    stream::iter(pages)
        .map(move |first| {
            let reader = reader.clone();
            // A task of its own: it gives its connection back also while whoever reads the stream waits for one.
            let page = tokio::spawn(async move {
                let end = to.min(first.saturating_add(PAGE));
                let page = reader.page(first, end).await?;
                let parsed = tokio::task::spawn_blocking(move || parse(first, end, page, each));
                parsed.await.map_err(failed)?
            });
            async move { page.await.map_err(failed)? }
        })
        .buffered(AHEAD)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn failed(error: tokio::task::JoinError) -> StoreError {
    StoreError::Database(error.to_string())
}

fn parse<T>(
    first: u64,
    end: u64,
    page: Vec<u8>,
    each: impl Fn(Scanned) -> T,
) -> Result<Vec<T>, StoreError> {
    let page = Arc::new(page);
    let mut place = 0;
    let scanned = |(index, leaf): (u64, &[u8])| {
        let from = place;
        place += leaf.len() + 1;
        each(Scanned {
            index,
            hash: leaf_hash(leaf),
            recorded: Event::read(leaf).map(|event| Recorded { index, event }),
            page: Arc::clone(&page),
            place: (from, from + leaf.len()),
        })
    };
    let all: Vec<T> = (first..)
        .zip(sqlite::split_page(&page))
        .map(scanned)
        .collect();
    match u64::try_from(all.len()) {
        Ok(found) if found == end - first => Ok(all),
        _ => Err(StoreError::Corrupt(format!(
            "there are not {} leaves from log index {first} on",
            end - first
        ))),
    }
}
