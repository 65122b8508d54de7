//! A ledger's store in a folder of its own, on any backend: opened, appended to, and audited after every step.
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
};

use events::{
    Event, Recorded, State,
    event::Draft,
    id::{Actor, Via},
    stream::StreamName,
};
use gemledger::{
    store::{
        Backend,
        anchor::Anchor,
        states::{Desk, Read},
        vault::SubjectKeys,
        writer::{self, AppendError, Core, Fatal, Group, Outcome, Served, Verdict, Writer},
    },
    world::Clock,
};
use tempfile::TempDir;
use tlog::SigningKey;
use tokio::sync::oneshot;

use super::history;

mod audit;
mod faulty;
mod kind;

pub(crate) use faulty::{Fault, Faults, Faulty, Step};
pub(crate) use kind::{InMemory, Kind, OnSqlite, Stored, rows_in_memory, rows_on_sqlite};

/// How many events a stream has, as a decision sees it.
#[derive(Default)]
pub(crate) struct Count(pub(crate) u64);

impl State for Count {
    fn evolve(&mut self, _: &Event) {
        self.0 += 1;
    }
}

/// The store of one ledger: everything that outlives a process, and what everybody outside has seen of it.
#[derive(Clone)]
pub(crate) struct Place<K> {
    pub(crate) log: K,
    pub(crate) clock: Clock,
    path: PathBuf,
    /// Removed with the last clone.
    _folder: Option<Arc<TempDir>>,
    seen: Arc<Mutex<Seen>>,
}

/// What was said to others, and may never be taken back.
#[derive(Default)]
struct Seen {
    acknowledged: Vec<Recorded>,
    notes: Vec<String>,
}

/// A writer that runs.
pub(crate) struct Running<K> {
    pub(crate) writer: Writer,
    pub(crate) ended: oneshot::Receiver<Option<Fatal>>,
    place: Place<K>,
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed("gems.example.org/log/1", &[7; 32]).unwrap()
}

/// Values that are never the same twice in this process.
pub(crate) fn fresh_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl<K: Kind> Place<K> {
    /// An empty place, with a clock that stands still.
    pub(crate) fn new() -> Self {
        // In memory where there is such a folder: nothing here depends on how long a disk takes.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        let folder = folder.unwrap();
        let place = Self::over(folder.path(), Clock::manual(history::start()));
        Self {
            _folder: Some(Arc::new(folder)),
            ..place
        }
    }

    /// The place in this folder, as it was left.
    pub(crate) fn over(folder: &Path, clock: Clock) -> Self {
        let place = Self {
            log: K::within(folder),
            clock,
            path: folder.to_owned(),
            _folder: None,
            seen: Arc::default(),
        };
        if !place.path("anchor").exists() {
            place.anchor().create().unwrap();
        }
        place
    }

    /// The same place with another log in it.
    pub(crate) fn with(&self, log: K) -> Self {
        Self {
            log,
            ..self.clone()
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn anchor(&self) -> Anchor {
        Anchor::new(&self.path("anchor"), key().verifier().clone())
    }

    pub(crate) async fn subjects(&self) -> SubjectKeys {
        SubjectKeys::open(&self.path("subjects.db")).await.unwrap()
    }

    /// Starts a writer on it, as a process does when it starts.
    pub(crate) async fn open(&self) -> Running<K> {
        let log = self.log.connect().await;
        self.open_on(log).await.unwrap()
    }

    /// Starts a writer through this connection.
    pub(crate) async fn open_on<B: Backend>(&self, log: B) -> Result<Running<K>, Fatal> {
        let (core, served) = self.core(log).await?;
        self.saw(&served);
        let (writer, ended) = writer::start(core, served);
        Ok(Running {
            writer,
            ended,
            place: self.clone(),
        })
    }

    pub(crate) async fn core<B: Backend>(&self, log: B) -> Result<(Core<B>, Served), Fatal> {
        let subjects = self.subjects().await;
        Core::open(
            log,
            self.anchor(),
            Arc::new(key()),
            subjects,
            self.clock.clone(),
        )
        .await
    }

    fn saw(&self, served: &Served) {
        self.seen.lock().unwrap().notes.push(served.note.clone());
    }
}

/// A request that appends these drafts, whatever the states are.
pub(crate) struct Request {
    pub(crate) reads: Vec<Read>,
    pub(crate) group: Group,
}

impl Request {
    pub(crate) fn new(drafts: Vec<Draft>) -> Self {
        let reads = drafts.iter().map(|draft| draft.stream.clone());
        let reads: BTreeSet<StreamName> = reads.collect();
        Self {
            reads: reads.into_iter().map(Read::of::<Count>).collect(),
            group: Group {
                drafts,
                vault: Vec::new(),
                actor: Actor::Operator,
                via: Via::Http,
                request: history::request_id(fresh_number()),
                not_after: None,
            },
        }
    }
}

impl<K: Kind> Running<K> {
    /// Appends what the closure decides; what is acknowledged is remembered for the audit.
    pub(crate) async fn decide<T: Send + 'static>(
        &self,
        reads: Vec<Read>,
        decide: impl FnOnce(&Desk<'_>) -> Verdict<T> + Send + 'static,
    ) -> Result<Outcome<T>, AppendError> {
        let outcome = self.writer.append(reads, decide).await?;
        self.place.saw(&self.writer.served());
        let mut seen = self.place.seen.lock().unwrap();
        seen.acknowledged.extend(outcome.appended.iter().cloned());
        Ok(outcome)
    }

    pub(crate) async fn request(&self, request: Request) -> Result<Outcome<()>, AppendError> {
        let Request { reads, group } = request;
        let verdict = Verdict {
            group: Some(group),
            answer: (),
        };
        self.decide(reads, move |_| verdict).await
    }

    pub(crate) async fn append(&self, drafts: Vec<Draft>) -> Result<Outcome<()>, AppendError> {
        self.request(Request::new(drafts)).await
    }

    /// Holds the writer until these requests all wait, so that they make one transaction, in this order.
    pub(crate) async fn together<T>(&self, requests: Vec<impl Future<Output = T>>) -> Vec<T> {
        let (entered, is_entered) = oneshot::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let gate = self.writer.append(Vec::new(), move |_| {
            entered.send(()).unwrap();
            released.recv().unwrap();
            Verdict::answer(())
        });
        let all = async {
            is_entered.await.unwrap();
            let mut all = Box::pin(futures::future::join_all(requests));
            // Polled once, every request is in the queue.
            let first =
                std::future::poll_fn(|context| Poll::Ready(all.as_mut().poll(context))).await;
            release.send(()).unwrap();
            match first {
                Poll::Ready(results) => results,
                Poll::Pending => all.await,
            }
        };
        let (gate, results) = tokio::join!(gate, all);
        gate.unwrap();
        results
    }

    /// Ends the writer and waits until it is gone.
    pub(crate) async fn stop(self) -> Option<Fatal> {
        drop(self.writer);
        self.ended.await.unwrap()
    }
}
