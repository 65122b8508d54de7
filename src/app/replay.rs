//! The replay: the log read from its beginning, its root computed again, and its tables built again where that is asked.
use std::{path::Path, pin::pin};

use events::{Recorded, event::DecodeError, time::Timestamp};
use futures::StreamExt as _;
use projections::tables;
use tlog::{Frontier, Hash};

use crate::store::{
    StoreError,
    reader::Reader,
    replay::{Rebuilt, live_sum},
    scan::scan_each,
};

/// Where a replay stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Before this log index.
    Index(u64),
    /// After the last event of this time. Times never decrease, so this is a prefix of the log.
    Time(Timestamp),
}

impl Until {
    fn is_past(self, index: u64, time: Timestamp) -> bool {
        match self {
            Self::Index(limit) => index >= limit,
            Self::Time(limit) => time > limit,
        }
    }
}

/// What a replay gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// How many events were read.
    pub events: u64,
    /// The root of their tree.
    pub root: Hash,
    /// Whether that is the root of the head; `None` if the replay stopped before it.
    pub root_matches: Option<bool>,
    /// The tables whose live rows are not what the log gives, if they were compared.
    pub different: Vec<&'static str>,
}

/// Replays the log. With `into`, the read tables are built into that new file; with `check`, they are built into a
/// temporary one and compared with the live ones.
pub async fn replay(
    reader: &Reader,
    until: Option<Until>,
    into: Option<&Path>,
    check: bool,
    mut progress: impl FnMut(u64, u64),
) -> Result<Replayed, StoreError> {
    let mut rebuilt = if into.is_some() || check {
        Some(Rebuilt::create(into).await?)
    } else {
        None
    };
    let head = reader.head().await?;
    let (mut frontier, mut stopped) = (Frontier::new(), false);
    let keep = rebuilt.is_some();
    let mut pages = pin!(scan_each(reader, 0, head.size, move |scanned| {
        let recorded = scanned.recorded?;
        let place = (recorded.index, recorded.event.time);
        Ok((scanned.hash, place, keep.then_some(recorded)))
    }));
    while let Some(page) = pages.next().await {
        let mut events = Vec::new();
        for parsed in page? {
            let (hash, (index, time), recorded): (_, _, Option<Recorded>) =
                parsed.map_err(|error: DecodeError| StoreError::from(error))?;
            if until.is_some_and(|until| until.is_past(index, time)) {
                stopped = true;
                break;
            }
            frontier.push(hash);
            events.extend(recorded);
        }
        if let Some(rebuilt) = &mut rebuilt {
            rebuilt.advance(&events).await?;
        }
        progress(frontier.size(), head.size);
        if stopped {
            break;
        }
    }
    let different = match &mut rebuilt {
        Some(rebuilt) if check => settled_differences(reader, rebuilt, head.size).await?,
        _ => Vec::new(),
    };
    if let Some(rebuilt) = rebuilt {
        rebuilt.close().await?;
    }
    let root = frontier.root();
    Ok(Replayed {
        events: frontier.size(),
        root,
        root_matches: (!stopped).then(|| root == head.root),
        different,
    })
}

/// How often a busy log is caught up with before its tables are compared for good.
const TRIES: u32 = 20;

/// As [`differences`]; where the log has grown meanwhile, its new events are replayed and the tables compared again.
async fn settled_differences(
    reader: &Reader,
    rebuilt: &mut Rebuilt,
    mut size: u64,
) -> Result<Vec<&'static str>, StoreError> {
    for _ in 0..TRIES {
        let different = differences(reader, rebuilt).await?;
        let grown = reader.head().await?.size;
        if different.is_empty() || grown == size {
            return Ok(different);
        }
        rebuilt.advance(&reader.events(size, grown).await?).await?;
        size = grown;
    }
    differences(reader, rebuilt).await
}

/// The tables whose live rows are not what the log gives.
async fn differences(
    reader: &Reader,
    rebuilt: &mut Rebuilt,
) -> Result<Vec<&'static str>, StoreError> {
    let mut different = Vec::new();
    for table in tables::ALL.iter().flat_map(|projection| projection.tables) {
        if rebuilt.sum(table).await? != live_sum(reader, table).await? {
            different.push(*table);
        }
    }
    Ok(different)
}
