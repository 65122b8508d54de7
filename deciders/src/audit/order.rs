//! What every log keeps, whatever its events mean: dense indexes and revisions, time that does not go back, and
//! requests that are adjacent.
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};
use events::{Event, Recorded, digest::Digest, id::RequestId, stream::StreamName, time::Timestamp};

use super::{Finding, Kind};

/// A stream's name in 16 bytes: enough that nobody finds two names with the same, and few enough for millions.
pub(super) type StreamKey = [u8; 16];

/// The digest of the name. Tokens come first by their expiry, so that those of one day lie side by side.
pub(super) fn key(stream: &StreamName) -> StreamKey {
    let digest = Digest::of(stream.as_str().as_bytes());
    let (start, _) = digest
        .as_bytes()
        .split_first_chunk()
        .unwrap_or((&[0; 16], &[]));
    let mut key: StreamKey = *start;
    let token = stream
        .as_str()
        .strip_prefix("token/")
        .and_then(|rest| rest.split_once('/'));
    let expiry = token.and_then(|(_, token)| token.get(..10)?.parse::<u32>().ok());
    if let (Some(expiry), Some(place)) = (expiry, key.first_chunk_mut()) {
        *place = expiry.to_be_bytes();
    }
    key
}

/// A finding of a log that breaks its rules.
pub(super) fn unlawful(index: u64, code: &'static str, message: impl Into<String>) -> Finding {
    Finding {
        index,
        kind: Kind::Unlawful,
        code,
        message: message.into(),
    }
}

/// The events of one request, and how many events each one's stream had before it.
#[derive(Debug, Default)]
pub(super) struct Group {
    events: Vec<Recorded>,
    before: Vec<u32>,
}

impl Group {
    pub(super) fn request(&self) -> Option<RequestId> {
        self.events.first().map(|first| first.event.request)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn push(&mut self, recorded: Recorded) {
        self.events.push(recorded);
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.before.clear();
    }

    /// The events, at least one.
    pub(super) fn recorded(&self) -> &[Recorded] {
        &self.events
    }

    /// The events without their indexes.
    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.iter().map(|recorded| &recorded.event)
    }

    /// The index of its first event.
    pub(super) fn index(&self) -> u64 {
        self.events.first().map_or(0, |first| first.index)
    }

    /// Whether this stream had an event before this one of the group.
    pub(super) fn existed_before(&self, place: usize) -> bool {
        self.before.get(place).is_some_and(|before| *before > 0)
    }
}

/// Where the log is.
#[derive(Debug, Default)]
pub(super) struct Order {
    next_index: u64,
    time: Timestamp,
    requests: BTreeSet<u128>,
    revisions: BTreeMap<StreamKey, u32>,
}

impl Order {
    /// The first event of a request.
    pub(super) fn starts(&mut self, recorded: &Recorded, findings: &mut Vec<Finding>) {
        let request = recorded.event.request;
        if !self.requests.insert(request.uuid().as_u128()) {
            let message =
                format!("request {request} stands in the log before, apart from this event");
            findings.push(unlawful(recorded.index, "request", message));
        }
    }

    /// Every event.
    pub(super) fn arrives(&mut self, recorded: &Recorded, findings: &mut Vec<Finding>) {
        self.skips(recorded.index, findings);
        let time = recorded.event.time;
        if time < self.time {
            let message = format!("the time goes back from {} to {time}", self.time);
            findings.push(unlawful(recorded.index, "time", message));
        }
        self.time = self.time.max(time);
    }

    /// An index that was passed, readable or not.
    pub(super) fn skips(&mut self, index: u64, findings: &mut Vec<Finding>) {
        if index != self.next_index {
            let message = format!("index {index} follows where {} should", self.next_index);
            findings.push(unlawful(index, "index", message));
        }
        self.next_index = index.saturating_add(1);
    }

    /// Counts the events of a group into their streams.
    pub(super) fn places(&mut self, group: &mut Group, findings: &mut Vec<Finding>) {
        for recorded in &group.events {
            let event = &recorded.event;
            let next = self.revisions.entry(key(&event.stream)).or_insert(0);
            if event.revision != u64::from(*next) {
                let (stream, found) = (&event.stream, event.revision);
                let message =
                    format!("{stream} continues with revision {found} where {next} should be");
                findings.push(unlawful(recorded.index, "revision", message));
            }
            group.before.push(*next);
            let after = u32::try_from(event.revision).unwrap_or(u32::MAX);
            *next = after.saturating_add(1);
        }
    }

    /// Whether the log has an event in this stream, the group that was placed last included.
    pub(super) fn exists(&self, stream: &StreamName) -> bool {
        self.revisions.contains_key(&key(stream))
    }
}
