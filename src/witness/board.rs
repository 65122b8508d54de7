//! What has been cosigned, and which checkpoint is shown to whom.
//!
//! Two checkpoints matter: the newest that was signed and anchored, and the newest that the quorum cosigned. Witnesses answer
//! within a second or so, and a busy log has signed more by then.
//!
//! | mode | `/log/checkpoint` | receipts and tiles |
//! |---|---|---|
//! | off | the newest | the newest |
//! | prefer | the newest that is cosigned, while it has not been behind for longer than [`FRESH`]; else the newest | the newest that is cosigned where it covers the event; else the newest |
//! | require | the newest that is cosigned | the same |
//!
//! Whatever is shown carries every cosignature that is known of exactly that tree. On `/log/checkpoint` nothing smaller is shown
//! after something larger.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tlog::{Checkpoint, CosignerKey, Hash, Note, NoteSignature, VerifierKey, cosignatures};
use tokio::sync::watch;

use super::settings::{Mode, Settings};
use crate::{
    store::{anchor::Anchored, cosignatures::Cosigned},
    world::Clock,
};

/// How long a checkpoint without enough cosignatures is held back from `/log/checkpoint`, where they are preferred.
pub const FRESH: Duration = Duration::from_secs(10);

/// A checkpoint and the lines under it, by the witness's place in the settings.
#[derive(Clone, Debug)]
struct Round {
    signed: Anchored,
    lines: BTreeMap<usize, NoteSignature>,
    /// The note with the lines.
    dressed: String,
}

impl Round {
    fn new(signed: Anchored) -> Self {
        let dressed = signed.note.clone();
        Self {
            signed,
            lines: BTreeMap::new(),
            dressed,
        }
    }

    fn is(&self, size: u64, root: &Hash) -> bool {
        self.signed.checkpoint.size() == size && self.signed.checkpoint.root() == root
    }

    /// Takes a line, the newest of its witness.
    fn add(&mut self, witness: usize, line: NoteSignature) {
        self.lines.insert(witness, line);
        let note = Note::parse(self.signed.note.as_bytes());
        let all = note.and_then(|note| {
            let mut lines = self.lines.values().cloned();
            lines.try_fold(note, Note::with)
        });
        // A line that does not fit was refused before it came here.
        if let Ok(note) = all {
            self.dressed = note.to_string();
        }
    }

    fn shown(&self) -> Anchored {
        Anchored {
            checkpoint: self.signed.checkpoint.clone(),
            note: self.dressed.clone(),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    /// What the witnesses are asked for now.
    round: Option<Round>,
    /// The newest that the quorum cosigned.
    cosigned: Option<Round>,
    /// Since when, by the steady clock, there is a newer one than that.
    behind_since: Option<Duration>,
    /// The largest size that `/log/checkpoint` has shown.
    shown: u64,
}

/// What has been cosigned, shared by those who ask witnesses and those who show checkpoints.
#[derive(Debug)]
pub struct Board {
    /// Who is asked, and what waits for it.
    pub settings: Settings,
    clock: Clock,
    state: Mutex<State>,
    target: watch::Sender<Option<Arc<Anchored>>>,
    reached: watch::Sender<u64>,
    asked: watch::Sender<usize>,
}

impl Board {
    /// A board on which nothing stands yet.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        Self {
            settings,
            clock,
            state: Mutex::default(),
            target: watch::Sender::new(None),
            reached: watch::Sender::new(0),
            asked: watch::Sender::new(0),
        }
    }

    /// Takes what an earlier process left, as far as it is still the word of witnesses that count.
    pub fn restore(&self, note: &str, log: &VerifierKey) {
        let Ok(parsed) = Note::parse(note.as_bytes()) else {
            return;
        };
        let Ok(checkpoint) = Checkpoint::of(&parsed, log) else {
            return;
        };
        let Some(own) = parsed.signature_of(log.name(), log.id()) else {
            return;
        };
        let mut round = Round::new(Anchored {
            note: format!("{}\n{own}\n", parsed.text()),
            checkpoint,
        });
        for (place, witness) in self.settings.witnesses.iter().enumerate() {
            let known = std::slice::from_ref(&witness.key);
            let line = parsed.signature_of(witness.key.name(), witness.key.id());
            let valid = cosignatures(&parsed, known).is_ok_and(|found| !found.is_empty());
            if let Some(line) = line.filter(|_| valid) {
                round.add(place, line.clone());
            }
        }
        if round.lines.len() >= self.settings.quorum {
            self.reached.send_replace(round.signed.checkpoint.size());
            self.state().cosigned = Some(round);
        }
    }

    /// Whether anybody is asked.
    pub fn is_off(&self) -> bool {
        self.settings.is_off()
    }

    /// Whether answers and checkpoints wait for the quorum.
    pub fn requires(&self) -> bool {
        self.settings.mode == Mode::Require && !self.is_off()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest checkpoint that may be shown, for tiles and whatever must not be beyond it; `newest` is what is anchored.
    pub fn newest(&self, newest: Option<Anchored>) -> Option<Anchored> {
        if self.is_off() {
            return newest;
        }
        let state = self.state();
        if self.requires() {
            return state.cosigned.as_ref().map(Round::shown);
        }
        newest.map(|newest| state.dressed(newest))
    }

    /// The checkpoint for a receipt of this event: the one that proves most.
    pub fn covering(&self, newest: Option<Anchored>, index: u64) -> Option<Anchored> {
        let covers = |anchored: &Anchored| index < anchored.checkpoint.size();
        let cosigned = if self.is_off() {
            None
        } else {
            self.state().cosigned.as_ref().map(Round::shown)
        };
        cosigned
            .filter(covers)
            .or_else(|| self.newest(newest).filter(covers))
    }

    /// The checkpoint for `/log/checkpoint`.
    pub fn published(&self, newest: Option<Anchored>) -> Option<Anchored> {
        if self.is_off() || self.requires() {
            return self.newest(newest);
        }
        let newest = newest?;
        self.saw(newest.checkpoint.size());
        let mut state = self.state();
        let now = self.clock.elapsed();
        let fresh = state
            .behind_since
            .is_none_or(|since| now.saturating_sub(since) <= FRESH);
        let cosigned = state.cosigned.as_ref().map(Round::shown);
        let chosen = cosigned
            .filter(|cosigned| fresh && cosigned.checkpoint.size() >= state.shown)
            .unwrap_or_else(|| state.dressed(newest));
        state.shown = state.shown.max(chosen.checkpoint.size());
        Some(chosen)
    }

    /// Takes note that a checkpoint of this size was signed.
    pub(super) fn saw(&self, size: u64) {
        let now = self.clock.elapsed();
        let mut state = self.state();
        let cosigned = state
            .cosigned
            .as_ref()
            .map_or(0, |round| round.signed.checkpoint.size());
        if size <= cosigned {
            state.behind_since = None;
        } else if state.behind_since.is_none() {
            state.behind_since = Some(now);
        }
    }

    /// Asks all witnesses for this checkpoint from now on.
    pub(super) fn begin(&self, signed: Anchored) {
        self.state().round = Some(Round::new(signed.clone()));
        self.target.send_replace(Some(Arc::new(signed)));
    }

    /// What the witnesses are asked for.
    pub(super) fn targets(&self) -> watch::Receiver<Option<Arc<Anchored>>> {
        self.target.subscribe()
    }

    /// Takes a verified cosignature. The note that is published from now on comes back if it has changed.
    pub(super) fn add(
        &self,
        witness: usize,
        size: u64,
        root: &Hash,
        line: &NoteSignature,
    ) -> Option<String> {
        let mut state = self.state();
        let State {
            round,
            cosigned,
            behind_since,
            ..
        } = &mut *state;
        for round in [&mut *round, &mut *cosigned].into_iter().flatten() {
            if round.is(size, root) {
                round.add(witness, line.clone());
            }
        }
        let before = cosigned
            .as_ref()
            .map_or(0, |round| round.signed.checkpoint.size());
        let enough = round
            .as_ref()
            .filter(|round| round.lines.len() >= self.settings.quorum);
        if let Some(round) = enough.filter(|round| round.signed.checkpoint.size() > before) {
            *cosigned = Some(round.clone());
            // If more was signed meanwhile, it has been behind from now on.
            *behind_since = None;
        }
        let published = cosigned.as_ref().filter(|round| round.is(size, root))?;
        let (size, note) = (
            published.signed.checkpoint.size(),
            published.dressed.clone(),
        );
        drop(state);
        self.reached.send_if_modified(|reached| {
            let more = size > *reached;
            *reached = size.max(*reached);
            more
        });
        Some(note)
    }

    /// The size of the newest checkpoint that the quorum cosigned.
    pub fn reached(&self) -> watch::Receiver<u64> {
        self.reached.subscribe()
    }

    /// Waits until the quorum has cosigned a checkpoint of at least this size, where that is required; `false` if it took too
    /// long.
    pub async fn covers(&self, size: u64) -> bool {
        if !self.requires() {
            return true;
        }
        let mut reached = self.reached.subscribe();
        let waited = tokio::time::timeout(
            self.settings.wait,
            reached.wait_for(|reached| *reached >= size),
        );
        waited.await.is_ok_and(|reached| reached.is_ok())
    }

    /// Takes note that one more witness was asked for the first time, whatever it answered.
    pub(super) fn was_asked(&self) {
        self.asked.send_modify(|asked| *asked += 1);
    }

    /// Waits until every witness was asked once, but no longer than this.
    pub async fn all_asked(&self, limit: Duration) {
        if self.is_off() {
            return;
        }
        let (all, mut asked) = (self.settings.witnesses.len(), self.asked.subscribe());
        let waited = tokio::time::timeout(limit, asked.wait_for(|asked| *asked >= all)).await;
        if waited.is_err() {
            tracing::warn!(
                "not every witness answered before the start: whether they have seen more is not known yet"
            );
        }
    }

    /// The key of a witness.
    pub(super) fn key(&self, witness: usize) -> Option<&CosignerKey> {
        self.settings
            .witnesses
            .get(witness)
            .map(|witness| &witness.key)
    }

    /// What a witness cosigned last, among what an earlier process left.
    pub(super) fn last_of(&self, witness: usize, left: &[Cosigned]) -> u64 {
        let vkey = self.key(witness).map(ToString::to_string);
        let own = left
            .iter()
            .find(|cosigned| Some(&cosigned.witness) == vkey.as_ref());
        own.map_or(0, |cosigned| cosigned.size)
    }
}

impl State {
    /// A checkpoint with every cosignature that is known of exactly its tree.
    fn dressed(&self, newest: Anchored) -> Anchored {
        let (size, root) = (newest.checkpoint.size(), *newest.checkpoint.root());
        let rounds = [&self.round, &self.cosigned].into_iter().flatten();
        let same = rounds.filter(|round| round.is(size, &root));
        same.max_by_key(|round| round.lines.len())
            .map_or(newest, Round::shown)
    }
}

#[cfg(test)]
mod tests;
