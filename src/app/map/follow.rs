//! The task that keeps the map: it looks what the log has said since the last root, and records the next one.
//!
//! Requests read the map of the last recorded root, whole, while the next one is made beside it.
use std::{collections::BTreeSet, sync::Arc, time::Duration};

use deciders::{
    Code,
    map::{self, Roots},
};
use events::{
    Body, Recorded,
    digest::Digest,
    id::{Actor, Via},
    map::Rooted,
    name::FoldedName,
    stream::StreamName,
};
use projections::state;
use tlog::{Map, MapKey, MapValue};

use super::{Snapshot, Stage, rebuild, state_at, value};
use crate::{
    app::{App, CommandError, settled, unread},
    store::{
        StoreError,
        states::Read,
        streams::{GEMS, POLICIES, ROOTS},
        writer::{AppendError, Verdict},
    },
};

/// How long to wait after the log could not be read.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a root was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The log leads to another map than the recorded one.
    #[error(
        "the map that the log leads to has the root {found}, and the root recorded at log index {index} is {recorded}"
    )]
    Differs {
        /// Where the recorded root is.
        index: u64,
        /// The recorded root.
        recorded: Digest,
        /// The root that came out.
        found: Digest,
    },
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The root could not be recorded, or is not to be.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl From<AppendError> for KeepError {
    fn from(error: AppendError) -> Self {
        Self::Command(error.into())
    }
}

/// A root in the log.
struct Last {
    index: u64,
    rooted: Rooted,
    stream: StreamName,
}

/// The map, and how far it has followed the log.
pub struct Follower {
    map: Arc<Map>,
    last: Option<Last>,
    /// How much of the log was looked at.
    seen: u64,
    /// Gems of which something was said since the map was what it is.
    changed: BTreeSet<FoldedName>,
}

impl App {
    /// Keeps the map, with at most one root each `interval`, until the process ends or the map differs. It is being made
    /// from this call on, before the task runs.
    pub fn keep_map(self, interval: Duration) -> impl Future<Output = ()> + Send {
        self.map.set(Stage::Rebuilding);
        self.keep(interval)
    }

    async fn keep(self, interval: Duration) {
        loop {
            match Follower::start(&self).await {
                Ok(mut follower) => {
                    while follower.next(&self).await {
                        tokio::time::sleep(interval).await;
                    }
                    tokio::time::sleep(interval).await;
                }
                Err(error @ KeepError::Differs { .. }) => {
                    tracing::error!(%error, "no further roots of the map are recorded: `gemledger audit` tells more");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "the map could not be made from the log");
                    tokio::time::sleep(PATIENCE).await;
                }
            }
        }
    }
}

impl Follower {
    /// Makes the map from the log as it was at the last root, which must come out again.
    pub async fn start(app: &App) -> Result<Self, KeepError> {
        app.map.set(Stage::Rebuilding);
        let last = app.reader.last_of(ROOTS).await?.as_ref().and_then(last);
        let seen = app.reader.head().await?.size;
        let through = last.as_ref().map_or(seen, |last| last.rooted.through);
        let rebuilt = rebuild(&app.reader, through).await?;
        let map = Arc::new(rebuilt.map);
        if let Some(last) = &last {
            let (index, found) = (last.index, rooted(&map, through));
            if found != last.rooted {
                app.map.set(Stage::Differs(index));
                let (recorded, found) = (last.rooted.root, found.root);
                return Err(KeepError::Differs {
                    index,
                    recorded,
                    found,
                });
            }
        }
        let follower = Self {
            map,
            last,
            seen,
            changed: rebuilt.later,
        };
        follower.publish(app);
        Ok(follower)
    }

    /// Takes a step, and says whether there can be another one.
    async fn next(&mut self, app: &App) -> bool {
        match self.step(app).await {
            Ok(_) => true,
            Err(KeepError::Command(CommandError::Denied(denial)))
                if denial.code == Code::AlreadyExists =>
            {
                tracing::warn!("another process recorded a root of the map: it is made again");
                false
            }
            Err(error) => {
                tracing::warn!(%error, "the root of the map could not be recorded");
                true
            }
        }
    }

    /// Records a root if the map has changed since the last one, and says where. Anything that fails is tried again with
    /// the next step.
    pub async fn step(&mut self, app: &App) -> Result<Option<u64>, KeepError> {
        let through = app.reader.head().await?.size;
        let touched = app.reader.touched([GEMS, POLICIES], self.seen, through);
        for stream in touched.await? {
            self.changed.extend(FoldedName::parse(stream.rest()));
        }
        self.seen = through;
        let first = self.last.is_none() && !self.map.is_empty();
        if self.changed.is_empty() && !first {
            return Ok(None);
        }
        let map = self.changed_map(app, through).await?;
        let rooted = rooted(&map, through);
        let recorded = self.last.as_ref().map(|last| last.rooted.root);
        if recorded == Some(rooted.root) {
            // Added and taken away again: there is nothing to say.
            self.changed.clear();
            return Ok(None);
        }
        let index = self.record(app, rooted, map).await?;
        self.changed.clear();
        self.publish(app);
        Ok(Some(index))
    }

    /// The map with the gems that changed, as the first `through` events have them.
    async fn changed_map(&self, app: &App, through: u64) -> Result<Arc<Map>, StoreError> {
        let mut entries: Vec<(MapKey, MapValue)> = Vec::with_capacity(self.changed.len());
        for gem in &self.changed {
            if let Some(state) = state_at(&app.reader, gem, through).await? {
                entries.push((state::key(gem), value(&state)?));
            }
        }
        let map = Arc::clone(&self.map);
        let changed = tokio::task::spawn_blocking(move || {
            let mut map = Map::clone(&map);
            map.extend(entries);
            Arc::new(map)
        });
        let failed = |error: tokio::task::JoinError| StoreError::Database(error.to_string());
        changed.await.map_err(failed)
    }

    /// Appends the root, as any other request does.
    async fn record(&mut self, app: &App, rooted: Rooted, map: Arc<Map>) -> Result<u64, KeepError> {
        // If the day ends before the writer comes to it, the event's stream was not read, and the next step tries again.
        let mut streams = vec![StreamName::map(app.clock.now())];
        let before = self.last.as_ref().map(|last| last.stream.clone());
        streams.extend(before.filter(|stream| !streams.contains(stream)));
        let reads = streams.iter().cloned().map(Read::of::<Roots>).collect();
        let request = app.request(Actor::Operator, Via::Server);
        let outcome = app.writer.append(reads, move |desk| {
            let states: Option<Vec<&Roots>> =
                streams.iter().map(|stream| desk.state(stream)).collect();
            match states {
                Some(states) => request.verdict(map::root(&states, rooted, desk.now)),
                None => Verdict::answer(unread()),
            }
        });
        let outcome = settled(outcome.await?)?;
        let index = outcome.indexes().start;
        self.last = outcome.appended.first().and_then(last);
        self.map = map;
        Ok(index)
    }

    /// Shows requests the map of the last recorded root.
    fn publish(&self, app: &App) {
        let stage = self.last.as_ref().map_or(Stage::Unrooted, |last| {
            let (map, index, rooted) = (Arc::clone(&self.map), last.index, last.rooted);
            Stage::Rooted(Arc::new(Snapshot { map, index, rooted }))
        });
        app.map.set(stage);
    }
}

fn rooted(map: &Map, through: u64) -> Rooted {
    Rooted {
        gems: u64::try_from(map.len()).unwrap_or(u64::MAX),
        root: Digest::from_bytes(*map.root().as_bytes()),
        through,
    }
}

fn last(recorded: &Recorded) -> Option<Last> {
    if let Body::MapRooted(rooted) = &recorded.event.body {
        Some(Last {
            index: recorded.index,
            rooted: *rooted,
            stream: recorded.event.stream.clone(),
        })
    } else {
        None
    }
}
