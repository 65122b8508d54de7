//! One transaction after the other: what is decided, written, read back, signed and anchored.
use std::{collections::BTreeMap, sync::Arc};

use events::{Event, Recorded};
use projections::{
    index::{self, Info},
    rows,
};
use tlog::{Hash, SigningKey, TileEdge, leaf_hash};

use super::{
    Answers, Job, Served, answer,
    edge::{anchored_edge, edge_at, read_on},
    group::{Decided, Open},
    pace::Pace,
    signing::{Unsigned, refuse, sign_and_raise},
};
use crate::{
    store::{
        Backend, Batch, Head, StoreError,
        anchor::{Anchor, AnchorError},
        states::States,
        vault::SubjectKeys,
    },
    world::Clock,
};

/// Why the writer ended.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The store is in doubt or damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The anchor cannot be used, or contradicts the log.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// What was signed would not be what was written.
    #[error("what was read back is not what was written: {0}")]
    ReadBack(String),
    /// The database is older than its anchor.
    #[error(
        "the database has {found} events and its anchor says that {anchored} were signed: an older copy was restored. \
         Put the newer database back; nothing is appended to this one, because that would fork the log"
    )]
    BehindAnchor {
        /// Events in the database.
        found: u64,
        /// Events that were signed.
        anchored: u64,
    },
    /// The key does not fit the log.
    #[error("the checkpoint cannot be signed: {0}")]
    Sign(String),
}

impl Fatal {
    /// Whether the database says that nothing was kept, so that the next batch may start from what it reads.
    fn kept_nothing(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Database(_) | StoreError::Moved)
        )
    }
}

/// The writer's own state: the backend, the edge of the tree, the states of the streams.
pub struct Core<B> {
    pub(super) backend: B,
    pub(super) anchor: Anchor,
    pub(super) key: Arc<SigningKey>,
    subjects: SubjectKeys,
    pace: Pace,
    head: Head,
    edge: TileEdge,
    states: States,
}

/// What a transaction leaves behind.
struct Done {
    /// There is something to sign: events of this process, or of another that may have died before it signed them.
    grown: bool,
    /// The events of this process, in the order of the requests.
    recorded: Vec<Recorded>,
}

impl<B: Backend> Core<B> {
    /// Reads the head, holds it against the anchor, reads again what a crash left unsigned, and signs it.
    pub async fn open(
        mut backend: B,
        anchor: Anchor,
        key: Arc<SigningKey>,
        subjects: SubjectKeys,
        clock: Clock,
    ) -> Result<(Self, Served), Fatal> {
        backend.begin().await?;
        let head = backend.head().await?;
        let mut edge = TileEdge::new();
        if let Some(anchored) = anchor.read()? {
            edge = anchored_edge(&mut backend, head, &anchored.checkpoint).await?;
        }
        read_on(&mut backend, &mut edge, &head).await?;
        if edge_at(&mut backend, head.size).await? != edge {
            return Err(StoreError::Corrupt("the tiles are not those of the leaves".into()).into());
        }
        let beyond = head.size.saturating_add(1);
        if !backend.leaves(head.size, beyond).await?.is_empty() {
            return Err(StoreError::Corrupt("there are leaves beyond the head".into()).into());
        }
        // Under the lock still: nobody who shares this database can have signed more than it holds.
        let note = match sign_and_raise(&key, &anchor, &head)? {
            (note, None) => note,
            (_, Some(newer)) => {
                let (found, anchored) = (head.size, newer.checkpoint.size());
                return Err(Fatal::BehindAnchor { found, anchored });
            }
        };
        backend.rollback().await?;
        let core = Self {
            backend,
            anchor,
            key,
            subjects,
            pace: Pace::new(clock),
            head,
            edge,
            states: States::default(),
        };
        Ok((core, Served { head, note }))
    }

    /// One transaction for these requests. An error means that the writer must end; everybody was answered then.
    pub(super) async fn batch(
        &mut self,
        mut jobs: Vec<Box<dyn Job>>,
    ) -> Result<Option<Unsigned>, Fatal> {
        let mut decided = Vec::with_capacity(jobs.len());
        match self.transaction(&mut jobs, &mut decided).await {
            Ok(done) => {
                let mut recorded = done.recorded.into_iter();
                let own =
                    |decided: Decided| decided.map(|own| recorded.by_ref().take(own).collect());
                let answers: Answers = jobs.into_iter().zip(decided.into_iter().map(own)).collect();
                if done.grown {
                    let head = self.head;
                    return Ok(Some(Unsigned { head, answers }));
                }
                answer(answers);
                Ok(None)
            }
            Err(error) => {
                self.states.clear();
                if error.kept_nothing() {
                    // The database may have done it already; if it cannot, `begin` will say so.
                    let _ = self.backend.rollback().await;
                }
                refuse(jobs, &error);
                if error.kept_nothing() {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }

    async fn transaction(
        &mut self,
        jobs: &mut [Box<dyn Job>],
        decided: &mut Vec<Decided>,
    ) -> Result<Done, Fatal> {
        self.backend.begin().await?;
        let moved = Done {
            grown: self.catch_up().await?,
            recorded: Vec::new(),
        };
        let now = match self.pace.stamp(self.head.time) {
            Ok(now) => now,
            Err(refused) => {
                decided.resize(jobs.len(), Err(refused));
                self.backend.rollback().await?;
                return Ok(moved);
            }
        };
        self.fold_missing(jobs).await?;
        let mut open = Open::new(self.head, now);
        for job in jobs.iter_mut() {
            let verdict = open.decide(job.as_mut(), &mut self.states, &mut self.backend);
            decided.push(verdict.await?);
        }
        if open.recorded.is_empty() {
            self.backend.rollback().await?;
            self.states.trim();
            return Ok(moved);
        }
        let keys = std::mem::take(&mut open.keys);
        let recorded = std::mem::take(&mut open.recorded);
        let (batch, edge) = self.prepare(open, &recorded).await?;
        let after = batch.after;
        // Both before the commit: a value whose key is missing could never be opened; a key without a value harms nobody.
        let (kept, written) = tokio::join!(self.subjects.persist(&keys), self.backend.write(batch));
        kept?;
        written?;
        self.backend.commit().await?;
        // From here on the batch is in the log: no error may say that nothing was kept.
        let read_back = self.read_back(after, edge).await;
        read_back.map_err(|error| Fatal::ReadBack(error.to_string()))?;
        self.states.trim();
        Ok(Done {
            grown: true,
            recorded,
        })
    }

    /// Takes in what another process appended: its leaves, hashed here, must give the root that it left.
    async fn catch_up(&mut self) -> Result<bool, StoreError> {
        let head = self.backend.head().await?;
        if head == self.head {
            return Ok(false);
        }
        let mut edge = self.edge.clone();
        read_on(&mut self.backend, &mut edge, &head).await?;
        self.states.clear();
        (self.edge, self.head) = (edge, head);
        Ok(true)
    }

    async fn fold_missing(&mut self, jobs: &[Box<dyn Job>]) -> Result<(), StoreError> {
        self.states.touch(jobs.iter().flat_map(|job| job.reads()));
        let missing = self.states.missing(jobs.iter().flat_map(|job| job.reads()));
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = missing.keys().cloned().collect();
        let mut leaves = self.backend.streams(&names).await?;
        for (name, reads) in missing {
            let leaves = leaves.remove(&name).unwrap_or_default();
            let events = leaves
                .iter()
                .map(|leaf| Event::read(leaf))
                .collect::<Result<Vec<_>, _>>()?;
            for read in reads {
                self.states.fold(&read, &events);
            }
        }
        Ok(())
    }

    /// Leaves, tiles and rows of what was decided.
    async fn prepare(
        &mut self,
        open: Open,
        recorded: &[Recorded],
    ) -> Result<(Batch, TileEdge), StoreError> {
        let mut edge = self.edge.clone();
        let hashes: Vec<Hash> = open
            .leaves
            .iter()
            .map(|event| leaf_hash(&event.leaf))
            .collect();
        let tiles = edge.append(&hashes);
        let mut rows = Vec::new();
        let mut infos = BTreeMap::<String, Info>::new();
        for recorded in recorded {
            rows.extend(rows::project(recorded));
            let Some(gem) = index::key(recorded) else {
                continue;
            };
            if !infos.contains_key(gem) {
                let info = self.backend.info(gem).await?;
                infos.insert(gem.to_owned(), info.unwrap_or_default());
            }
            if let Some(info) = infos.get_mut(gem) {
                rows.extend(index::fold(info, recorded));
            }
        }
        let after = Head {
            size: edge.size(),
            root: edge.root(),
            time: open.now,
        };
        let batch = Batch {
            before: self.head,
            after,
            events: open.leaves,
            tiles,
            rows,
            vault: open.vault,
        };
        Ok((batch, edge))
    }

    /// Hashes what a reader finds now, and compares it with what is about to be signed: a bit that flipped anywhere
    /// between hashing and storing stops here.
    async fn read_back(&mut self, after: Head, written: TileEdge) -> Result<(), StoreError> {
        let from = self.head.size;
        let leaves = self.backend.leaves(from, after.size).await?;
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        self.edge.append(&hashes);
        if self.edge != written {
            let text = format!("the leaves from log index {from} on");
            return Err(StoreError::Corrupt(text));
        }
        self.head = after;
        Ok(())
    }
}
