//! Group commit: the one place where order is made.
//!
//! A request hands over the streams it reads and a closure. The writer gathers whatever is waiting, opens one
//! transaction, and in it: catches up if another process wrote; stamps one time for all; runs the closures in turn, each
//! on the states that the ones before it left; gives out revisions and log indexes; writes leaves, rows and tiles; moves
//! the head. After the commit it reads back what it is about to sign, signs, anchors, and answers everybody.
//!
//! What if we crash here? Before the commit: nothing happened, nobody was answered. Between commit and signature: the
//! checkpoint is a function of the head, and [`Core::open`] signs it. If the outcome of a commit is unknown, or what is
//! read back is not what was written, the writer ends: what it holds in memory may be wrong, and the next start reads.
use std::{ops::Range, sync::Arc, time::Duration};

use events::{
    Event, Recorded,
    event::{Draft, EncodeError},
    id::{Actor, RequestId, Via},
    time::Timestamp,
};
use projections::{
    index::{self, Info},
    rows,
};
use tlog::{Checkpoint, Hash, SigningKey, TileEdge, leaf_hash};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Backend, Batch, Head, StoreError, StoredEvent, VaultRow,
    anchor::{Anchor, AnchorError},
    states::{Desk, Read, States},
    vault::SubjectKeys,
};
use crate::world::Clock;

/// Most requests in one transaction.
const MAX_BATCH: usize = 512;
/// Most requests that wait; more are turned away at once.
const MAX_WAITING: usize = 4096;
/// How far the wall clock may stray from the steady clock between two batches.
const CLOCK_JUMP: Duration = Duration::from_secs(60);

/// Events that stand together in the log, or not at all.
#[derive(Clone, Debug)]
pub struct Group {
    /// The events, in their order.
    pub drafts: Vec<Draft>,
    /// The values that they seal.
    pub vault: Vec<VaultRow>,
    /// Who does it.
    pub actor: Actor,
    /// The door it came through.
    pub via: Via,
    /// The command.
    pub request: RequestId,
    /// From this moment on it must not happen any more.
    pub not_after: Option<Timestamp>,
}

/// What a closure decides: events, if any, and what to tell whoever asked.
#[derive(Debug)]
pub struct Verdict<T> {
    /// The events.
    pub group: Option<Group>,
    /// The answer.
    pub answer: T,
}

impl<T> Verdict<T> {
    /// An answer without events.
    pub fn answer(answer: T) -> Self {
        Self {
            group: None,
            answer,
        }
    }
}

/// What became of a request.
#[derive(Clone, Debug)]
pub struct Outcome<T> {
    /// The closure's answer.
    pub answer: T,
    /// The events that were appended, if any.
    pub appended: Vec<Recorded>,
}

impl<T> Outcome<T> {
    /// The log indexes of the events.
    pub fn indexes(&self) -> Range<u64> {
        let first = self.appended.first().map_or(0, |recorded| recorded.index);
        first..first + u64::try_from(self.appended.len()).unwrap_or(0)
    }
}

/// Why nothing was appended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The ledger takes no events now. Trying again later may help.
    #[error("the ledger cannot be written to: {0}")]
    Unavailable(String),
    /// It was decided in time and came too late.
    #[error("it came too late: its time was up before it could be recorded")]
    TooLate,
    /// The event has no place in the log.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A value that may exist once only exists already.
    #[error("it exists already")]
    Duplicate,
    /// A draft names a stream that the request did not read: a bug of the request.
    #[error("stream {0} was not read by the request that writes to it")]
    Unread(String),
}

trait Job: Send {
    fn reads(&self) -> &[Read];
    fn decide(&mut self, desk: &Desk<'_>) -> Option<Group>;
    fn finish(self: Box<Self>, result: Result<Vec<Recorded>, AppendError>);
}

struct Task<T, F> {
    reads: Vec<Read>,
    decide: Option<F>,
    answer: Option<T>,
    reply: oneshot::Sender<Result<Outcome<T>, AppendError>>,
}

impl<T: Send, F: FnOnce(&Desk<'_>) -> Verdict<T> + Send> Job for Task<T, F> {
    fn reads(&self) -> &[Read] {
        &self.reads
    }

    fn decide(&mut self, desk: &Desk<'_>) -> Option<Group> {
        let verdict = self.decide.take()?(desk);
        self.answer = Some(verdict.answer);
        verdict.group
    }

    fn finish(self: Box<Self>, result: Result<Vec<Recorded>, AppendError>) {
        let Self { answer, reply, .. } = *self;
        let outcome = result.and_then(|appended| match answer {
            Some(answer) => Ok(Outcome { answer, appended }),
            None => Err(AppendError::Unavailable(
                "the request was not decided".into(),
            )),
        });
        // Whoever asked may have gone; what was appended stays.
        let _ = reply.send(outcome);
    }
}

/// The writer as everybody sees it: hand over a request, wait for what became of it.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::Sender<Box<dyn Job>>,
    served: watch::Receiver<Arc<Served>>,
}

/// What the writer has signed and anchored last, for readers of this process.
#[derive(Clone, Debug)]
pub struct Served {
    /// The head that was signed.
    pub head: Head,
    /// The signed checkpoint.
    pub note: String,
}

impl Writer {
    /// Appends what the closure decides, on the states of the instant it is decided at.
    pub async fn append<T, F>(&self, reads: Vec<Read>, decide: F) -> Result<Outcome<T>, AppendError>
    where
        T: Send + 'static,
        F: FnOnce(&Desk<'_>) -> Verdict<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Task {
            reads,
            decide: Some(decide),
            answer: None,
            reply,
        };
        self.queue
            .try_send(Box::new(task))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => {
                    AppendError::Unavailable("too many requests are waiting".into())
                }
                mpsc::error::TrySendError::Closed(_) => {
                    AppendError::Unavailable("the writer has stopped".into())
                }
            })?;
        answer
            .await
            .unwrap_or_else(|_| Err(AppendError::Unavailable("the writer has stopped".into())))
    }

    /// Whether requests are taken.
    pub fn is_running(&self) -> bool {
        !self.queue.is_closed()
    }

    /// What was signed last.
    pub fn served(&self) -> Arc<Served> {
        self.served.borrow().clone()
    }

    /// Told whenever more was signed.
    pub fn watch(&self) -> watch::Receiver<Arc<Served>> {
        self.served.clone()
    }
}

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

/// The writer's own state: the backend, the edge of the tree, the states of the streams.
pub struct Core<B> {
    backend: B,
    anchor: Anchor,
    key: Arc<SigningKey>,
    subjects: SubjectKeys,
    clock: Clock,
    /// Wall and steady clock at the last batch.
    baseline: (Timestamp, Duration),
    head: Head,
    edge: TileEdge,
    states: States,
}

impl<B: Backend> Core<B> {
    /// Reads the head, holds it against the anchor, and signs what a crash left unsigned.
    pub async fn open(
        mut backend: B,
        anchor: Anchor,
        key: Arc<SigningKey>,
        subjects: SubjectKeys,
        clock: Clock,
    ) -> Result<(Self, Served), Fatal> {
        backend.begin().await?;
        let head = backend.head().await?;
        let edge = load_edge(&mut backend, head).await?;
        let anchored = anchor.read()?;
        if let Some(anchored) = &anchored {
            let (found, size) = (head.size, anchored.checkpoint.size());
            if size > found {
                return Err(Fatal::BehindAnchor {
                    found,
                    anchored: size,
                });
            }
            let root = root_at(&mut backend, size).await?;
            if root != *anchored.checkpoint.root() {
                return Err(AnchorError::Forked.into());
            }
        }
        backend.rollback().await?;
        let baseline = (clock.now(), clock.elapsed());
        let core = Self {
            backend,
            anchor,
            key,
            subjects,
            clock,
            baseline,
            head,
            edge,
            states: States::default(),
        };
        let note = core.sign_and_anchor()?;
        Ok((core, Served { head, note }))
    }

    /// One transaction for these requests. Answers them all; an error means that the writer must end.
    async fn batch(&mut self, mut jobs: Vec<Box<dyn Job>>) -> Result<Option<Served>, Fatal> {
        let mut results: Vec<Result<Vec<Recorded>, AppendError>> = Vec::with_capacity(jobs.len());
        let outcome = self.transaction(&mut jobs, &mut results).await;
        if let Err(error) = &outcome {
            self.states.clear();
            results.clear();
            results.resize(jobs.len(), Err(unavailable(error)));
        }
        for (job, result) in jobs.into_iter().zip(results) {
            job.finish(result);
        }
        match outcome {
            Ok(served) => Ok(served),
            Err(Fatal::Store(
                StoreError::Database(_) | StoreError::Moved | StoreError::Duplicate,
            )) => {
                // Nothing was kept, and the database says so: the next batch starts from what it reads.
                self.backend
                    .rollback()
                    .await
                    .or_else(|_| Ok::<(), StoreError>(()))?;
                Ok(None)
            }
            Err(fatal) => Err(fatal),
        }
    }

    async fn transaction(
        &mut self,
        jobs: &mut [Box<dyn Job>],
        results: &mut Vec<Result<Vec<Recorded>, AppendError>>,
    ) -> Result<Option<Served>, Fatal> {
        self.backend.begin().await?;
        let head = self.backend.head().await?;
        if head != self.head {
            self.edge = load_edge(&mut self.backend, head).await?;
            self.states.clear();
            self.head = head;
        }
        let now = match self.stamp() {
            Ok(now) => now,
            Err(refused) => {
                results.resize(jobs.len(), Err(refused));
                self.backend.rollback().await?;
                return Ok(None);
            }
        };
        self.fold_missing(jobs).await?;
        let mut open = Open::new(self.head, now);
        for job in jobs.iter_mut() {
            results.push(open.decide(job.as_mut(), &mut self.states));
        }
        if open.recorded.is_empty() {
            self.backend.rollback().await?;
            self.states.trim();
            return Ok(None);
        }
        let (batch, edge) = self.prepare(open).await?;
        // Before the commit: a value whose key is missing could never be opened; a key without a value harms nobody.
        self.subjects.persist().await?;
        self.backend.write(&batch).await?;
        self.backend.commit().await?;
        self.baseline = (self.clock.now(), self.clock.elapsed());
        self.edge = edge;
        self.head = batch.after;
        self.read_back(&batch).await?;
        let note = self.sign_and_anchor()?;
        self.states.trim();
        Ok(Some(Served {
            head: self.head,
            note,
        }))
    }

    /// The time that this batch bears: the wall clock's, never less than the last event's.
    fn stamp(&self) -> Result<Timestamp, AppendError> {
        let (wall, steady) = (self.clock.now(), self.clock.elapsed());
        let passed = steady.saturating_sub(self.baseline.1);
        let expected = Timestamp::from_millis(
            self.baseline.0.millis() + u64::try_from(passed.as_millis()).unwrap_or(0),
        );
        if Duration::from_millis(wall.millis().abs_diff(expected.millis())) > CLOCK_JUMP {
            let text = format!(
                "the clock jumped from {expected} to {wall}; set it right, or restart to accept it"
            );
            return Err(AppendError::Unavailable(text));
        }
        let behind = Duration::from_millis(self.head.time.millis().saturating_sub(wall.millis()));
        if behind > CLOCK_JUMP {
            let text = format!(
                "the clock says {wall} and the last event was at {}; set the clock right",
                self.head.time
            );
            return Err(AppendError::Unavailable(text));
        }
        Ok(wall.max(self.head.time))
    }

    async fn fold_missing(&mut self, jobs: &[Box<dyn Job>]) -> Result<(), StoreError> {
        self.states.touch(jobs.iter().flat_map(|job| job.reads()));
        let missing = self.states.missing(jobs.iter().flat_map(|job| job.reads()));
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = missing.keys().cloned().collect();
        let mut leaves = self.backend.streams(&names).await?;
        for (name, read) in missing {
            let leaves = leaves.remove(&name).unwrap_or_default();
            let events = leaves
                .iter()
                .map(|leaf| Event::read(leaf))
                .collect::<Result<Vec<_>, _>>()?;
            self.states.fold(&read, &events);
        }
        Ok(())
    }

    /// Leaves, tiles and rows of what was decided.
    async fn prepare(&mut self, open: Open) -> Result<(Batch, TileEdge), StoreError> {
        let mut edge = self.edge.clone();
        let hashes: Vec<Hash> = open
            .leaves
            .iter()
            .map(|event| leaf_hash(&event.leaf))
            .collect();
        let tiles = edge.append(&hashes);
        let mut rows = Vec::new();
        let mut infos = std::collections::BTreeMap::<String, Info>::new();
        for recorded in &open.recorded {
            rows.extend(rows::project(recorded));
            let Some(gem) = index::key(recorded) else {
                continue;
            };
            if !infos.contains_key(gem) {
                let info = self
                    .backend
                    .info(gem)
                    .await?
                    .map_or_else(Info::default, |body| Info { body });
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

    /// Compares what a reader finds now with what is about to be signed: a bit that flipped on the way stops here.
    async fn read_back(&mut self, batch: &Batch) -> Result<(), Fatal> {
        let leaves = self
            .backend
            .leaves(batch.before.size, batch.after.size)
            .await?;
        let written = batch.events.iter().map(|event| event.leaf.as_slice());
        if leaves.iter().map(Vec::as_slice).ne(written) {
            return Err(Fatal::ReadBack(format!(
                "leaves {} to {}",
                batch.before.size, batch.after.size
            )));
        }
        Ok(())
    }

    fn sign_and_anchor(&self) -> Result<String, Fatal> {
        let sign = |error: tlog::CheckpointError| Fatal::Sign(error.to_string());
        let checkpoint =
            Checkpoint::new(self.key.name(), self.head.size, self.head.root).map_err(sign)?;
        let note = checkpoint.sign(&self.key).map_err(sign)?;
        self.anchor.raise(&checkpoint, &note)?;
        Ok(note)
    }
}

/// A batch while it is decided.
struct Open {
    now: Timestamp,
    next: u64,
    leaves: Vec<StoredEvent>,
    recorded: Vec<Recorded>,
    vault: Vec<VaultRow>,
}

impl Open {
    fn new(head: Head, now: Timestamp) -> Self {
        Self {
            now,
            next: head.size,
            leaves: Vec::new(),
            recorded: Vec::new(),
            vault: Vec::new(),
        }
    }

    /// Runs one closure and takes its group in whole, or leaves everything as it was.
    fn decide(
        &mut self,
        job: &mut dyn Job,
        states: &mut States,
    ) -> Result<Vec<Recorded>, AppendError> {
        let Some(group) = job.decide(&Desk {
            states,
            now: self.now,
        }) else {
            return Ok(Vec::new());
        };
        if group.not_after.is_some_and(|limit| self.now >= limit) {
            return Err(AppendError::TooLate);
        }
        let (mut leaves, mut recorded) = (Vec::new(), Vec::<Recorded>::new());
        for draft in group.drafts {
            let before = recorded
                .iter()
                .filter(|earlier| earlier.event.stream == draft.stream)
                .count();
            let next = states
                .next_revision(&draft.stream)
                .ok_or_else(|| AppendError::Unread(draft.stream.to_string()))?;
            let event = Event {
                actor: group.actor.clone(),
                body: draft.body,
                request: group.request,
                revision: next + u64::try_from(before).unwrap_or(0),
                sealed: draft.sealed,
                stream: draft.stream,
                time: self.now,
                via: group.via,
            };
            leaves.push(StoredEvent {
                stream: event.stream.clone(),
                revision: event.revision,
                leaf: event.to_leaf()?,
            });
            recorded.push(Recorded {
                index: self.next + u64::try_from(recorded.len()).unwrap_or(0),
                event,
            });
        }
        for recorded in &recorded {
            states.advance(&recorded.event);
        }
        self.next += u64::try_from(recorded.len()).unwrap_or(0);
        self.leaves.append(&mut leaves);
        self.vault.extend(group.vault);
        self.recorded.extend(recorded.iter().cloned());
        Ok(recorded)
    }
}

async fn load_edge<B: Backend>(backend: &mut B, head: Head) -> Result<TileEdge, StoreError> {
    let mut rows = tlog::TileMap::new();
    for tile in tlog::tiles_for_root(head.size) {
        if let Some(hashes) = backend.tile(tile.level(), tile.index()).await? {
            rows.insert(tile.level(), tile.index(), hashes);
        }
    }
    let corrupt = |error: tlog::EdgeError| StoreError::Corrupt(error.to_string());
    let edge = TileEdge::load(head.size, |level, index| {
        rows.get(level, index).map(<[u8]>::to_vec)
    })
    .map_err(corrupt)?;
    if edge.root() != head.root {
        return Err(StoreError::Corrupt(
            "the tiles do not give the root of the head".into(),
        ));
    }
    Ok(edge)
}

async fn root_at<B: Backend>(backend: &mut B, size: u64) -> Result<Hash, StoreError> {
    let mut tiles = tlog::TileMap::new();
    for tile in tlog::tiles_for_root(size) {
        if let Some(hashes) = backend.tile(tile.level(), tile.index()).await? {
            tiles.insert(tile.level(), tile.index(), hashes);
        }
    }
    tlog::root_of_tiles(size, &tiles).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn unavailable(error: &Fatal) -> AppendError {
    match error {
        Fatal::Store(StoreError::Duplicate) => AppendError::Duplicate,
        error => AppendError::Unavailable(error.to_string()),
    }
}

/// Starts the writer on a thread of its own. The receiver ends when the writer does: with `None` after the last
/// [`Writer`] is gone, or with the reason why the process must end.
pub fn start<B: Backend>(
    core: Core<B>,
    served: Served,
) -> (Writer, oneshot::Receiver<Option<Fatal>>) {
    let (queue, waiting) = mpsc::channel::<Box<dyn Job>>(MAX_WAITING);
    let (publish, watching) = watch::channel(Arc::new(served));
    let (ended, end) = oneshot::channel();
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let fatal = match runtime {
            Ok(runtime) => runtime.block_on(run(core, waiting, publish)).err(),
            Err(error) => Some(StoreError::Database(error.to_string()).into()),
        };
        let _ = ended.send(fatal);
    };
    // If the thread cannot be started, `end` resolves at once with an error, which is as final.
    let _ = std::thread::Builder::new().name("writer".into()).spawn(run);
    (
        Writer {
            queue,
            served: watching,
        },
        end,
    )
}

async fn run<B: Backend>(
    mut core: Core<B>,
    mut waiting: mpsc::Receiver<Box<dyn Job>>,
    publish: watch::Sender<Arc<Served>>,
) -> Result<(), Fatal> {
    while let Some(first) = waiting.recv().await {
        let mut jobs = vec![first];
        while jobs.len() < MAX_BATCH {
            match waiting.try_recv() {
                Ok(job) => jobs.push(job),
                Err(_) => break,
            }
        }
        if let Some(served) = core.batch(jobs).await? {
            publish.send_replace(Arc::new(served));
        }
    }
    Ok(())
}
