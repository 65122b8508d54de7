//! One transaction after the other: what is decided, written, read back, signed and anchored.
use std::{collections::BTreeMap, sync::Arc};

use events::{Event, Recorded};
use projections::{
    index::{self, Info},
    rows,
};
use tlog::{Checkpoint, Hash, SigningKey, TileEdge, TileMap, leaf_hash, tiles_for_root};
use tokio::{
    sync::watch,
    task::{JoinError, JoinHandle},
};

use super::{
    Answers, AppendError, Job, Served, answer,
    group::{Decided, Open},
    pace::Pace,
};
use crate::{
    store::{
        Backend, Batch, Head, StoreError,
        anchor::{Anchor, AnchorError, Anchored},
        reader::PAGE,
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
    backend: B,
    anchor: Anchor,
    key: Arc<SigningKey>,
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

/// A batch that is committed and not signed yet: nobody was answered.
pub(super) struct Unsigned {
    head: Head,
    answers: Answers,
}

/// What came of signing and anchoring.
pub(super) enum Settled {
    /// Everybody was answered.
    Done,
    /// The anchor holds a larger checkpoint: another process signed after this batch, or it is of another log.
    Newer(Box<Anchored>, String, Unsigned),
    /// The process must end.
    Failed(Fatal),
}

/// A checkpoint on its way to the disk.
pub(super) type Anchoring = JoinHandle<Settled>;

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
                let body = self.backend.info(gem).await?;
                let info = body.map_or_else(Info::default, |body| Info { body });
                infos.insert(gem.to_owned(), info);
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

    /// Signs and anchors a batch on a thread that may wait for the disk; then publishes and answers, in this order, so
    /// that whoever is answered can have a receipt.
    pub(super) fn anchor(
        &self,
        unsigned: Unsigned,
        publish: watch::Sender<Arc<Served>>,
    ) -> Anchoring {
        let (key, anchor) = (Arc::clone(&self.key), self.anchor.clone());
        tokio::task::spawn_blocking(
            move || match sign_and_raise(&key, &anchor, &unsigned.head) {
                Ok((note, None)) => {
                    unsigned.serve(note, &publish);
                    Settled::Done
                }
                Ok((note, Some(newer))) => Settled::Newer(newer, note, unsigned),
                Err(fatal) => {
                    unsigned.refuse(&fatal);
                    Settled::Failed(fatal)
                }
            },
        )
    }

    /// Takes note of what came of anchoring.
    ///
    /// If the anchor is ahead of this process, another one has signed meanwhile, and its events are in this database: if
    /// they are not, it signed those of another one, and what was about to be served is a fork.
    pub(super) async fn settle(
        &mut self,
        settled: Result<Settled, JoinError>,
        publish: &watch::Sender<Arc<Served>>,
    ) -> Result<(), Fatal> {
        match settled {
            Ok(Settled::Done) => Ok(()),
            Ok(Settled::Failed(fatal)) => Err(fatal),
            Ok(Settled::Newer(newer, note, unsigned)) => {
                let explained = self.explain(&newer.checkpoint).await;
                match &explained {
                    Ok(()) => unsigned.serve(note, publish),
                    Err(fatal) => unsigned.refuse(fatal),
                }
                explained
            }
            Err(error) => Err(Fatal::Sign(error.to_string())),
        }
    }

    async fn explain(&mut self, newer: &Checkpoint) -> Result<(), Fatal> {
        self.backend.begin().await?;
        let head = self.backend.head().await?;
        anchored_edge(&mut self.backend, head, newer).await?;
        Ok(self.backend.rollback().await?)
    }
}

impl Unsigned {
    fn serve(self, note: String, publish: &watch::Sender<Arc<Served>>) {
        let head = self.head;
        publish.send_replace(Arc::new(Served { head, note }));
        answer(self.answers);
    }

    fn refuse(self, fatal: &Fatal) {
        refuse(self.answers.into_iter().map(|(job, _)| job), fatal);
    }
}

fn refuse(jobs: impl IntoIterator<Item = Box<dyn Job>>, error: &Fatal) {
    for job in jobs {
        job.finish(Err(AppendError::Unavailable(error.to_string())));
    }
}

/// Signs this head and anchors it. If a larger checkpoint is anchored already, that one comes back too.
fn sign_and_raise(
    key: &SigningKey,
    anchor: &Anchor,
    head: &Head,
) -> Result<(String, Option<Box<Anchored>>), Fatal> {
    let sign = |error: tlog::CheckpointError| Fatal::Sign(error.to_string());
    let checkpoint = Checkpoint::new(key.name(), head.size, head.root).map_err(sign)?;
    let note = checkpoint.sign(key).map_err(sign)?;
    let newer = anchor.raise(&checkpoint, &note)?;
    Ok((note, newer.map(Box::new)))
}

/// The edge of the tree at an anchored checkpoint, if it is this log's.
async fn anchored_edge<B: Backend>(
    backend: &mut B,
    head: Head,
    anchored: &Checkpoint,
) -> Result<TileEdge, Fatal> {
    if anchored.size() > head.size {
        return Err(Fatal::BehindAnchor {
            found: head.size,
            anchored: anchored.size(),
        });
    }
    let edge = edge_at(backend, anchored.size()).await?;
    if edge.root() == *anchored.root() {
        Ok(edge)
    } else {
        Err(AnchorError::Forked.into())
    }
}

/// The edge of the tree of the first `size` leaves, from the stored tiles: what they have grown since is cut off.
async fn edge_at<B: Backend>(backend: &mut B, size: u64) -> Result<TileEdge, StoreError> {
    let mut rows = TileMap::new();
    for tile in tiles_for_root(size) {
        let stored = backend.tile(tile.level(), tile.index()).await?;
        let width = usize::from(tile.width()) * Hash::LEN;
        if let Some(hashes) = stored.and_then(|hashes| Some(hashes.get(..width)?.to_vec())) {
            rows.insert(tile.level(), tile.index(), hashes);
        }
    }
    let row = |level, index| rows.get(level, index).map(<[u8]>::to_vec);
    TileEdge::load(size, row).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// Grows the edge by the leaves up to this head, whose root they must give.
async fn read_on<B: Backend>(
    backend: &mut B,
    edge: &mut TileEdge,
    head: &Head,
) -> Result<(), StoreError> {
    while edge.size() < head.size {
        let from = edge.size();
        let to = head.size.min(from.saturating_add(PAGE));
        let leaves = backend.leaves(from, to).await?;
        if leaves.is_empty() {
            let text = format!("there is no leaf at log index {from}");
            return Err(StoreError::Corrupt(text));
        }
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        edge.append(&hashes);
    }
    if edge.size() == head.size && edge.root() == head.root {
        return Ok(());
    }
    let text = format!("the leaves do not give the root of {} events", head.size);
    Err(StoreError::Corrupt(text))
}
