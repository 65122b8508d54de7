//! The map as the first events of the log make it, from the streams of gems and policies alone.
//!
//! Both kinds of streams are read in the order of the gems' names, so one gem is in memory at a time; of the rest there
//! is its key and value.
use std::collections::{BTreeSet, VecDeque};

use events::{Recorded, name::FoldedName, stream::StreamName};
use projections::state::{self, Change, GemState};
use tlog::{Map, MapKey, MapValue};
use tokio::sync::mpsc;

use super::value;
use crate::store::{
    StoreError,
    reader::Reader,
    streams::{GEMS, POLICIES, Prefix},
};

/// Gems whose documents are hashed together.
const TOGETHER: usize = 2048;
/// How many such batches are hashed at a time.
const AHEAD: usize = 2;

/// A map, and what came after it.
#[derive(Debug)]
pub struct Rebuilt {
    /// Every gem of which the first events say something.
    pub map: Map,
    /// Gems of which later events say something.
    pub later: BTreeSet<FoldedName>,
}

/// Makes the map of the first `through` events of the log.
pub async fn rebuild(reader: &Reader, through: u64) -> Result<Rebuilt, StoreError> {
    let (mut policies, mut gems) = (Lane::new(reader, POLICIES), Lane::new(reader, GEMS));
    let (mut entries, mut later) = (Vec::new(), BTreeSet::new());
    let (mut hashing, mut states) = (VecDeque::new(), Vec::with_capacity(TOGETHER));
    loop {
        let gem = match (policies.next_gem().await?, gems.next_gem().await?) {
            (Some(one), Some(other)) => one.min(other),
            (Some(gem), None) | (None, Some(gem)) => gem,
            (None, None) => break,
        };
        let name = FoldedName::parse(gem);
        let name = name.map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let (mut state, mut known) = (GemState::new(name.clone()), false);
        for lane in [&mut policies, &mut gems] {
            while let Some(said) = lane.take(name.as_str()).await? {
                match said.change {
                    Some(change) if said.index < through => {
                        state.apply(change);
                        known = true;
                    }
                    Some(_) => {
                        later.insert(name.clone());
                    }
                    None => {}
                }
            }
        }
        if known {
            states.push(state);
        }
        if states.len() == TOGETHER {
            hashing.push_back(hash(std::mem::take(&mut states)));
        }
        if hashing.len() > AHEAD
            && let Some(done) = hashing.pop_front()
        {
            entries.append(&mut joined(done).await?);
        }
    }
    hashing.push_back(hash(states));
    for done in hashing {
        entries.append(&mut joined(done).await?);
    }
    let map = tokio::task::spawn_blocking(|| entries.into_iter().collect());
    let map = map
        .await
        .map_err(|error| StoreError::Database(error.to_string()))?;
    Ok(Rebuilt { map, later })
}

type Entries = Vec<(MapKey, MapValue)>;
type Hashing = tokio::task::JoinHandle<Result<Entries, StoreError>>;

fn hash(states: Vec<GemState>) -> Hashing {
    let entry = |state: &GemState| Ok((state::key(&state.gem), value(state)?));
    tokio::task::spawn_blocking(move || states.iter().map(entry).collect())
}

async fn joined(hashing: Hashing) -> Result<Entries, StoreError> {
    let done = hashing.await;
    done.map_err(|error| StoreError::Database(error.to_string()))?
}

/// What one event says, by the gem of its stream.
struct Said {
    index: u64,
    stream: StreamName,
    change: Option<Change>,
}

/// The events of one kind of streams, in the order of the gems.
struct Lane {
    pages: mpsc::Receiver<Result<Vec<Said>, StoreError>>,
    ready: std::vec::IntoIter<Said>,
    ended: bool,
}

impl Lane {
    fn new(reader: &Reader, kind: Prefix) -> Self {
        // Off the thread that merges: what an event says is a fraction of the event.
        let keep = |recorded: Recorded| Said {
            index: recorded.index,
            change: Change::of(&recorded.event),
            stream: recorded.event.stream,
        };
        Self {
            pages: reader.all_of(kind, keep),
            ready: Vec::new().into_iter(),
            ended: false,
        }
    }

    /// Which gem the next event is of.
    async fn next_gem(&mut self) -> Result<Option<&str>, StoreError> {
        while self.ready.len() == 0 && !self.ended {
            let cut_off = || StoreError::Database("reading the streams was cut off".into());
            let page = self.pages.recv().await.ok_or_else(cut_off)??;
            self.ended = page.is_empty();
            self.ready = page.into_iter();
        }
        let next = self.ready.as_slice().first();
        Ok(next.map(|next| next.stream.rest()))
    }

    /// The next event, if it is of this gem.
    async fn take(&mut self, gem: &str) -> Result<Option<Said>, StoreError> {
        Ok(match self.next_gem().await? {
            Some(next) if next == gem => self.ready.next(),
            _ => None,
        })
    }
}
