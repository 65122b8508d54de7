//! Group commit: the one place where order is made.
//!
//! A request hands over the streams it reads and a closure. The writer gathers whatever is waiting, opens one
//! transaction, and in it: catches up if another process wrote; stamps one time for all; runs the closures in turn, each
//! on the states that the ones before it left; gives out revisions and log indexes; writes leaves, rows and tiles; moves
//! the head. After the commit it reads back and hashes again what it is about to sign, signs, anchors, and answers
//! everybody. While the anchor is on its way to the disk, the next transaction is under way.
//!
//! What if we crash here? Before the commit: nothing happened, nobody was answered. Between commit and signature: the
//! checkpoint is a function of the head, and [`Core::open`] signs it. If the outcome of a commit is unknown, or what is
//! read back is not what was written, the writer ends: what it holds in memory may be wrong, and the next start reads.
//!
//! | file | what it is for |
//! |---|---|
//! | `writer.rs` | the queue: requests come in, answers go out |
//! | [`core`] | one transaction after the other |
//! | [`edge`] | the right border of the tree, held against the stored tiles |
//! | [`group`] | what a closure decided, taken in whole or not at all |
//! | [`pace`] | the time that a batch bears, and the clock that is not believed |
//! | [`signing`] | what follows a commit: sign, anchor, publish, answer |
use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use events::{
    Recorded,
    event::{Draft, EncodeError},
    id::{Actor, RequestId, Via},
    time::Timestamp,
};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Backend, Head, StoreError, VaultRow,
    states::{Desk, Read, States},
};

mod core;
mod edge;
mod group;
mod pace;
mod signing;

pub use self::core::{Core, Fatal};
use self::signing::Anchoring;

/// Most requests in one transaction.
const MAX_BATCH: usize = 512;
/// Most requests that wait; more are turned away at once.
const MAX_WAITING: usize = 4096;

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
    /// Appends were stopped until a person has looked: the log would fork.
    #[error("the ledger takes no events: {0}")]
    Halted(String),
    /// It was decided in time and came too late.
    #[error("it came too late: its time was up before it could be recorded")]
    TooLate,
    /// The event has no place in the log.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A value that may exist once only exists already.
    #[error("it exists already")]
    Duplicate,
    /// A value is sealed that no event of the group commits to: a bug of the request.
    #[error("no event of the request commits to the value that it seals for {0}")]
    Uncommitted(String),
    /// A draft names a stream that the request did not read: a bug of the request.
    #[error("stream {0} was not read by the request that writes to it")]
    Unread(String),
}

/// A request that waits: its closure, and whoever waits for the answer.
trait Job: Send {
    fn reads(&self) -> &[Read];
    /// Runs the closure, once; what it read comes back with what it decided.
    fn decide(&mut self, states: &States, now: Timestamp) -> (Option<Group>, &[Read]);
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

    fn decide(&mut self, states: &States, now: Timestamp) -> (Option<Group>, &[Read]) {
        let reads = &self.reads;
        let group = self.decide.take().and_then(|decide| {
            let verdict = decide(&Desk { states, reads, now });
            self.answer = Some(verdict.answer);
            verdict.group
        });
        (group, reads)
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
    halted: Arc<OnceLock<String>>,
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
        if let Some(reason) = self.halted() {
            return Err(AppendError::Halted(reason.to_owned()));
        }
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

    /// Stops all appends for this reason, those that wait included. Nothing in this process starts them again.
    pub fn halt(&self, reason: String) {
        // The first reason stays.
        let _ = self.halted.set(reason);
    }

    /// Why appends were stopped, if they were.
    pub fn halted(&self) -> Option<&str> {
        self.halted.get().map(String::as_str)
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

/// Starts the writer on a thread of its own. The receiver ends when the writer does: with `None` after the last
/// [`Writer`] is gone, or with the reason why the process must end.
pub fn start<B: Backend>(
    core: Core<B>,
    served: Served,
) -> (Writer, oneshot::Receiver<Option<Fatal>>) {
    let (queue, waiting) = mpsc::channel::<Box<dyn Job>>(MAX_WAITING);
    let (publish, watching) = watch::channel(Arc::new(served));
    let (ended, end) = oneshot::channel();
    let halted = Arc::<OnceLock<String>>::default();
    let stop = Arc::clone(&halted);
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let fatal = match runtime {
            Ok(runtime) => runtime.block_on(run(core, waiting, publish, &stop)).err(),
            Err(error) => Some(StoreError::Database(error.to_string()).into()),
        };
        let _ = ended.send(fatal);
    };
    // If the thread cannot be started, `end` resolves at once with an error, which is as final.
    let _ = std::thread::Builder::new().name("writer".into()).spawn(run);
    let writer = Writer {
        queue,
        served: watching,
        halted,
    };
    (writer, end)
}

/// The requests of a batch, each with what became of it.
type Answers = Vec<(Box<dyn Job>, Result<Vec<Recorded>, AppendError>)>;

fn answer(answers: Answers) {
    for (job, result) in answers {
        job.finish(result);
    }
}

async fn run<B: Backend>(
    mut core: Core<B>,
    mut waiting: mpsc::Receiver<Box<dyn Job>>,
    publish: watch::Sender<Arc<Served>>,
    halted: &OnceLock<String>,
) -> Result<(), Fatal> {
    let mut anchoring: Option<Anchoring> = None;
    loop {
        let first = match &mut anchoring {
            None => waiting.recv().await,
            Some(under_way) => tokio::select! {
                settled = under_way => {
                    anchoring = None;
                    core.settle(settled, &publish).await?;
                    continue;
                }
                first = waiting.recv() => first,
            },
        };
        let Some(first) = first else { break };
        let mut jobs = vec![first];
        while jobs.len() < MAX_BATCH {
            match waiting.try_recv() {
                Ok(job) => jobs.push(job),
                Err(_) => break,
            }
        }
        if let Some(reason) = halted.get() {
            for job in jobs {
                job.finish(Err(AppendError::Halted(reason.clone())));
            }
            continue;
        }
        let unsigned = core.batch(jobs).await;
        if let Some(under_way) = anchoring.take() {
            core.settle(under_way.await, &publish).await?;
        }
        anchoring = unsigned?.map(|unsigned| core.anchor(unsigned, publish.clone()));
    }
    match anchoring {
        Some(under_way) => core.settle(under_way.await, &publish).await,
        None => Ok(()),
    }
}
