//! The states that decisions read: folded once from their stream, then advanced by each event after that.
//!
//! The store does not know the types. A request names each stream it reads together with the type that folds it.
use std::{
    any::{Any, TypeId},
    collections::BTreeMap,
};

use events::{Event, State, stream::StreamKind, stream::StreamName, time::Timestamp};

/// How many states are kept between batches. A state is as large as its stream is long; most are a few hundred bytes.
const KEPT: usize = 2048;

trait AnyState: Send {
    fn evolve(&mut self, event: &Event);
    fn as_any(&self) -> &dyn Any;
}

impl<S: State + Send + 'static> AnyState for S {
    fn evolve(&mut self, event: &Event) {
        State::evolve(self, event);
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A stream that a decision reads, and the state it wants of it.
#[derive(Clone)]
pub struct Read {
    /// The stream.
    pub stream: StreamName,
    state: TypeId,
    make: fn() -> Box<dyn AnyState>,
}

impl Read {
    /// Reads this stream as that state.
    pub fn of<S: State + Send + 'static>(stream: StreamName) -> Self {
        Self {
            stream,
            state: TypeId::of::<S>(),
            make: || Box::new(S::default()),
        }
    }
}

impl std::fmt::Debug for Read {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Read").field(&self.stream).finish()
    }
}

/// One stream, folded into every state that somebody wants of it.
struct Slot {
    states: BTreeMap<TypeId, Box<dyn AnyState>>,
    next_revision: u64,
    used: u64,
}

/// The states by stream.
#[derive(Default)]
pub(super) struct States {
    slots: BTreeMap<StreamName, Slot>,
    tick: u64,
}

impl States {
    /// The reads whose stream is not folded into their state yet, by stream.
    pub(super) fn missing<'a>(
        &self,
        reads: impl Iterator<Item = &'a Read>,
    ) -> BTreeMap<StreamName, Vec<Read>> {
        let mut missing = BTreeMap::<StreamName, Vec<Read>>::new();
        for read in reads.filter(|read| !self.holds(read)) {
            let wanted = missing.entry(read.stream.clone()).or_default();
            wanted.push(read.clone());
        }
        missing
    }

    fn holds(&self, read: &Read) -> bool {
        let slot = self.slots.get(&read.stream);
        slot.is_some_and(|slot| slot.states.contains_key(&read.state))
    }

    /// Folds a stream.
    pub(super) fn fold(&mut self, read: &Read, events: &[Event]) {
        let mut state = (read.make)();
        for event in events {
            state.evolve(event);
        }
        let slot = self
            .slots
            .entry(read.stream.clone())
            .or_insert_with(|| Slot {
                states: BTreeMap::new(),
                next_revision: events.last().map_or(0, |event| event.revision + 1),
                used: self.tick,
            });
        slot.states.insert(read.state, state);
    }

    /// The revision that the next event of this stream gets; `None` if the stream was not read.
    pub(super) fn next_revision(&self, stream: &StreamName) -> Option<u64> {
        self.slots.get(stream).map(|slot| slot.next_revision)
    }

    /// Takes an appended event into account.
    pub(super) fn advance(&mut self, event: &Event) {
        if let Some(slot) = self.slots.get_mut(&event.stream) {
            for state in slot.states.values_mut() {
                state.evolve(event);
            }
            slot.next_revision = event.revision + 1;
            slot.used = self.tick;
        }
    }

    /// Marks the streams of a batch as used.
    pub(super) fn touch<'a>(&mut self, reads: impl Iterator<Item = &'a Read>) {
        self.tick += 1;
        for read in reads {
            if let Some(slot) = self.slots.get_mut(&read.stream) {
                slot.used = self.tick;
            }
        }
    }

    /// Forgets what is cheap to fold again, and the states that were not used for longest.
    pub(super) fn trim(&mut self) {
        self.slots.retain(|stream, _| match stream.kind() {
            StreamKind::Token
            | StreamKind::ApiKey
            | StreamKind::Name
            | StreamKind::File
            | StreamKind::Account => false,
            StreamKind::Log
            | StreamKind::Provider
            | StreamKind::TrustRoot
            | StreamKind::Issuer
            | StreamKind::Policy
            | StreamKind::Denied
            | StreamKind::Gem
            | StreamKind::Map => true,
        });
        if self.slots.len() > KEPT {
            let mut ticks: Vec<u64> = self.slots.values().map(|slot| slot.used).collect();
            ticks.sort_unstable();
            let median = ticks.get(ticks.len() / 2).copied().unwrap_or(0);
            self.slots.retain(|_, slot| slot.used > median);
        }
    }

    /// Forgets everything: another process wrote, or a transaction was lost.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
    }
}

/// What a closure decides on: the states of this instant, and the time its events will bear.
pub struct Desk<'a> {
    pub(super) states: &'a States,
    /// What the request named: nothing else is shown, whatever others left in the cache.
    pub(super) reads: &'a [Read],
    /// The time of the batch.
    pub now: Timestamp,
}

impl Desk<'_> {
    /// The state of a stream that the request named with this type; `None` otherwise, which is a bug of the request.
    pub fn state<S: State + 'static>(&self, stream: &StreamName) -> Option<&S> {
        let state = TypeId::of::<S>();
        let named = |read: &Read| read.stream == *stream && read.state == state;
        if !self.reads.iter().any(named) {
            return None;
        }
        let slot = self.states.slots.get(stream)?;
        slot.states.get(&state)?.as_ref().as_any().downcast_ref()
    }
}
