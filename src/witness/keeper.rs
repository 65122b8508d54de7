//! The tasks that ask: one that begins rounds, and one for each witness, with at most one request under way.
//!
//! What if we crash here? What a witness cosigned and we did not hear is cosigned: with the next question it says how much it has
//! seen, and gets the proof from there.
use std::{sync::Arc, time::Duration};

use tlog::{Note, verify_consistency};
use tokio::{sync::watch, task::JoinSet, time};

use super::{
    board::Board,
    client::Client,
    protocol::{self, Answer},
};
use crate::{
    store::{
        StoreError,
        anchor::{Anchor, Anchored},
        cosignatures::{Cosignatures, Cosigned},
        reader::Reader,
        writer::Served,
    },
    world::Clock,
};

/// How long a round may take before the next one begins without its quorum.
const ROUND: Duration = Duration::from_secs(5);
/// How often what other processes signed is looked for.
const LOOK: Duration = Duration::from_secs(1);
/// The longest time between two questions to a witness that does not answer as it should.
const MAX_BACKOFF: Duration = Duration::from_mins(1);
/// Questions to a witness before it is left alone for a while: it may say once how much it has seen.
const QUESTIONS: usize = 3;

/// What the tasks stand on.
pub struct Keeper {
    /// What has been cosigned.
    pub board: Arc<Board>,
    /// The log.
    pub reader: Reader,
    /// The last signed checkpoint, of whichever process.
    pub anchor: Anchor,
    /// Where cosignatures are kept.
    pub kept: Cosignatures,
    /// The clock.
    pub clock: Clock,
    /// Called with the reason when a witness has seen what is not in this log: nothing may be appended any more.
    pub alarm: Box<dyn Fn(String) + Send + Sync>,
}

/// Why a witness did not cosign.
enum Trouble {
    /// In words, and how long it wants to be left alone at least.
    Refused(String, Duration),
    /// It has seen another log than this.
    Fork(String),
}

impl From<String> for Trouble {
    fn from(words: String) -> Self {
        Self::Refused(words, Duration::ZERO)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Refused(format!("it could not be asked: {error}"), Duration::ZERO)
    }
}

impl Keeper {
    /// Asks until it is dropped; `signed` wakes it. Witnesses that an earlier process asked are asked from there on.
    pub async fn run(self, signed: watch::Receiver<Arc<Served>>) {
        let client = match Client::new() {
            Ok(client) => client,
            Err(reason) => {
                tracing::error!(reason, "no witness can be asked");
                return;
            }
        };
        let left = match self.kept.load().await {
            Ok((left, note)) => {
                if let Some(note) = note {
                    self.board.restore(&note, self.anchor.key());
                }
                left
            }
            Err(error) => {
                tracing::warn!(%error, "what witnesses answered before cannot be read; they are asked again");
                Vec::new()
            }
        };
        let keeper = Arc::new(self);
        let mut tasks = JoinSet::new();
        for witness in 0..keeper.board.settings.witnesses.len() {
            let last = keeper.board.last_of(witness, &left);
            tasks.spawn(Arc::clone(&keeper).attend(witness, client.clone(), last));
        }
        tasks.spawn(Arc::clone(&keeper).rounds(signed));
        while tasks.join_next().await.is_some() {}
    }

    /// Begins a round for whatever is newest when the one before has ended.
    async fn rounds(self: Arc<Self>, mut signed: watch::Receiver<Arc<Served>>) {
        let mut last: Option<Anchored> = None;
        loop {
            match self.anchor.read() {
                Ok(Some(newest)) if last.as_ref().is_none_or(|last| last.note != newest.note) => {
                    let size = newest.checkpoint.size();
                    self.board.saw(size);
                    last = Some(newest.clone());
                    self.board.begin(newest);
                    let mut reached = self.board.reached();
                    let quorum =
                        async { reached.wait_for(|reached| *reached >= size).await.is_ok() };
                    let pause = time::sleep(self.board.settings.pause);
                    tokio::join!(pause, async { time::timeout(ROUND, quorum).await.is_ok() });
                    continue;
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the anchor cannot be read for the witnesses"),
            }
            // A writer that has ended leaves the looking.
            if let Ok(Err(_)) = time::timeout(LOOK, signed.changed()).await {
                time::sleep(LOOK).await;
            }
        }
    }

    /// Asks one witness for every round, again when its cosignature gets old, and again after a while when it did not answer.
    async fn attend(self: Arc<Self>, witness: usize, client: Client, mut seen: u64) {
        let mut targets = self.board.targets();
        let name = self
            .board
            .key(witness)
            .map_or("", |key| key.name())
            .to_owned();
        let (mut failures, mut first) = (0_u32, true);
        loop {
            let target = targets.borrow_and_update().clone();
            let Some(target) = target else {
                if targets.changed().await.is_err() {
                    return;
                }
                continue;
            };
            let outcome = self.ask(witness, &client, &target, &mut seen).await;
            if let Err(Trouble::Fork(words)) = &outcome {
                (self.alarm)(format!("the witness {name} {words}"));
            }
            if std::mem::take(&mut first) {
                self.board.was_asked();
            }
            match outcome {
                Ok(()) => {
                    if failures > 0 {
                        tracing::info!(witness = name, "the witness cosigns again");
                    }
                    failures = 0;
                    let refresh = time::timeout(self.board.settings.refresh, targets.changed());
                    if let Ok(Err(_)) = refresh.await {
                        return;
                    }
                }
                Err(trouble) => {
                    failures = failures.saturating_add(1);
                    let (words, leave) = match trouble {
                        Trouble::Refused(words, leave) => (words, leave),
                        Trouble::Fork(words) => (words, Duration::ZERO),
                    };
                    if failures == 1 {
                        tracing::warn!(
                            witness = name,
                            reason = words,
                            "the witness did not cosign"
                        );
                    } else {
                        tracing::debug!(
                            witness = name,
                            reason = words,
                            failures,
                            "the witness did not cosign"
                        );
                    }
                    time::sleep(backoff(failures).max(leave)).await;
                }
            }
        }
    }

    /// Asks for a cosignature of this checkpoint. `seen` is what the witness is believed to have seen, and is learnt.
    async fn ask(
        &self,
        witness: usize,
        client: &Client,
        target: &Anchored,
        seen: &mut u64,
    ) -> Result<(), Trouble> {
        let Some(settings) = self.board.settings.witnesses.get(witness) else {
            return Ok(());
        };
        let size = target.checkpoint.size();
        for _ in 0..QUESTIONS {
            let old = (*seen).min(size);
            let proof = self.proof(old, target).await?;
            let body = protocol::request(old, &proof, &target.note);
            match client.submit(&settings.url, body).await? {
                Answer::Cosigned(lines) => {
                    *seen = size;
                    let note =
                        Note::parse(target.note.as_bytes()).map_err(|error| error.to_string())?;
                    let line =
                        protocol::cosignature(&lines, &note, &settings.key, self.clock.now());
                    let line = line.map_err(|error| error.to_string())?;
                    self.keep(witness, target, &line).await;
                    return Ok(());
                }
                Answer::Conflict(Some(other)) if other > size => {
                    // It may have cosigned a later round already, whose answer was lost.
                    let newest = self.newest().await?;
                    if other > newest {
                        return Err(Trouble::Fork(format!(
                            "has seen {other} events of this log, and there are {newest} here"
                        )));
                    }
                    *seen = other;
                    return Ok(());
                }
                // Of that very size it has seen another tree: this is how witnesses of v1.0 say so.
                Answer::Conflict(None) if old == size => return Err(other_tree(size)),
                Answer::Conflict(Some(other)) if other == old && old == size => {
                    return Err(other_tree(size));
                }
                Answer::Conflict(None) if old > 0 => *seen = 0,
                Answer::Conflict(Some(other)) if other != old => {
                    if other < *seen {
                        tracing::warn!(
                            witness = settings.key.name(),
                            "the witness has forgotten what it cosigned: it says {other} and had seen {seen}"
                        );
                    }
                    *seen = other;
                }
                Answer::Conflict(_) => {
                    return Err("it has seen another size, and does not say which"
                        .to_owned()
                        .into());
                }
                // The proof is right: it was checked against this log before it was sent.
                Answer::Inconsistent if old > 0 => return Err(other_tree(old)),
                Answer::Inconsistent => {
                    return Err("it answered 422 to a first checkpoint".to_owned().into());
                }
                Answer::Stranger(status) => {
                    let words = format!(
                        "it answered {status}: it does not know this log; tell its operator the key that /log/vkey shows"
                    );
                    return Err(Trouble::Refused(words, MAX_BACKOFF));
                }
                Answer::Busy(status, leave) => {
                    return Err(Trouble::Refused(format!("it answered {status}"), leave));
                }
                Answer::Other(status) => return Err(format!("it answered {status}").into()),
            }
        }
        Err("it says another size each time".to_owned().into())
    }

    /// The proof that the log of `old` events has grown into the one that is shown, checked as the witness will check it.
    async fn proof(&self, old: u64, target: &Anchored) -> Result<Vec<tlog::Hash>, Trouble> {
        let (size, root) = (target.checkpoint.size(), target.checkpoint.root());
        if old == 0 || old == size {
            return Ok(Vec::new());
        }
        let proof = self.reader.consistency_proof(old, size).await?;
        let old_root = self.reader.root_at(old).await?;
        verify_consistency(old, &old_root, size, root, &proof)
            .map_err(|error| format!("the tiles do not prove it: {error}"))?;
        Ok(proof)
    }

    /// How many events there are, signed or about to be.
    async fn newest(&self) -> Result<u64, Trouble> {
        Ok(self.reader.head().await?.size)
    }

    /// Keeps a cosignature and shows it. That the database does not take it delays nobody.
    async fn keep(&self, witness: usize, target: &Anchored, line: &tlog::NoteSignature) {
        let (size, root) = (target.checkpoint.size(), *target.checkpoint.root());
        let published = self.board.add(witness, size, &root, line);
        let cosigned = Cosigned {
            witness: self
                .board
                .key(witness)
                .map(ToString::to_string)
                .unwrap_or_default(),
            size,
            root,
            line: line.to_string(),
        };
        let kept = match published {
            Some(note) => self.kept.publish(&note).await,
            None => Ok(()),
        };
        if let Err(error) = kept.and(self.kept.keep(&cosigned).await) {
            tracing::warn!(%error, "a cosignature could not be kept");
        }
    }
}

fn other_tree(size: u64) -> Trouble {
    Trouble::Fork(format!(
        "has seen another tree of {size} events of this log"
    ))
}

/// 1, 2, 4 … seconds, at most [`MAX_BACKOFF`].
fn backoff(failures: u32) -> Duration {
    let doubled = 1_u64
        .checked_shl(failures.saturating_sub(1))
        .unwrap_or(u64::MAX);
    Duration::from_secs(doubled).min(MAX_BACKOFF)
}
