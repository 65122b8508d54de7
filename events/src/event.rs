//! The envelope: one event with its stream, time and actor, and the leaf bytes that are the truth about it.
//!
//! ```json
//! {"actor":"operator","data":{},"request":"<uuid>","revision":0,"stream":"account/<uuid>",
//!  "time":"2026-11-23T02:30:00.123Z","type":"account.created","v":1,"via":"console"}
//! ```
//! The log index is the leaf's place in the log and is not inside the leaf. `sealed` is left out when empty.
use alloc::{borrow::Cow, collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    body::Body,
    canonical::{self, CanonicalError},
    digest::Digest,
    id::{Actor, RequestId, Via},
    stream::{EventRef, StreamName},
    text::Text,
    time::Timestamp,
};

/// Longest leaf, in bytes.
pub const MAX_LEAF: usize = 60_000;

/// Names of sealed values, each with the commitment to its value.
pub type Sealed = BTreeMap<Text, Digest>;

/// One event, as it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who did it.
    pub actor: Actor,
    /// What happened.
    pub body: Body,
    /// The command it belongs to.
    pub request: RequestId,
    /// Its place in its stream, from 0, dense.
    pub revision: u64,
    /// Commitments to values that are kept off the log: `SHA-256(32 random bytes ‖ canonical value)`.
    pub sealed: Sealed,
    /// The stream.
    pub stream: StreamName,
    /// When the writer put it into the log; never earlier than the event before it.
    pub time: Timestamp,
    /// The door it came through.
    pub via: Via,
}

/// An event with its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The log index, dense from 0.
    pub index: u64,
    /// The event.
    pub event: Event,
}

/// Why bytes are not an event this crate knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No such type here: the log was written by a newer version.
    #[error("unknown event type {0:?}: this log was written by a newer version of gemledger")]
    UnknownType(String),
    /// The type is known, this version of its data is not.
    #[error("{name} has version {found} here, and this gemledger knows versions up to {current}")]
    UnknownVersion {
        /// The type.
        name: &'static str,
        /// The version in the leaf.
        found: u32,
        /// The version written now.
        current: u32,
    },
    /// Not JSON, a missing or surplus field, or a value outside its grammar.
    #[error("malformed event: {0}")]
    Malformed(String),
    /// The bytes say the same as the canonical form but are not it.
    #[error("the leaf is not in canonical form")]
    NotCanonical,
    /// The event stands in a stream of another kind.
    #[error("{name} does not belong into stream {stream}")]
    WrongStream {
        /// The type.
        name: &'static str,
        /// The stream it claims.
        stream: StreamName,
    },
}

/// Why an event cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// It has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// It is longer than [`MAX_LEAF`].
    #[error("the event takes {0} bytes, and 60000 is the most that fits into the log")]
    TooLong(usize),
}

#[derive(Serialize)]
struct Envelope<'a> {
    actor: &'a Actor,
    data: &'a Body,
    request: &'a RequestId,
    revision: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sealed: &'a Sealed,
    stream: &'a StreamName,
    time: &'a Timestamp,
    r#type: &'static str,
    v: u32,
    via: &'a Via,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw<'a> {
    actor: Actor,
    #[serde(borrow)]
    data: &'a RawValue,
    request: RequestId,
    revision: u64,
    #[serde(default)]
    sealed: Sealed,
    stream: StreamName,
    time: Timestamp,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    v: u32,
    via: Via,
}

impl Event {
    /// The leaf: this event's canonical bytes.
    pub fn to_leaf(&self) -> Result<Vec<u8>, EncodeError> {
        let kind = self.body.event_type();
        let bytes = canonical::to_bytes(&Envelope {
            actor: &self.actor,
            data: &self.body,
            request: &self.request,
            revision: self.revision,
            sealed: &self.sealed,
            stream: &self.stream,
            time: &self.time,
            r#type: kind.name,
            v: kind.version,
            via: &self.via,
        })?;
        if bytes.len() > MAX_LEAF {
            Err(EncodeError::TooLong(bytes.len()))
        } else {
            Ok(bytes)
        }
    }

    /// Reads a leaf. The bytes must be canonical: written again (before any upcast) they must come out the same.
    pub fn read(leaf: &[u8]) -> Result<Self, DecodeError> {
        let malformed =
            |error: serde_json::Error| DecodeError::Malformed(alloc::format!("{error}"));
        let raw: Raw<'_> = serde_json::from_slice(leaf).map_err(malformed)?;
        let body = Body::read(&raw.r#type, raw.v, raw.data.get())?;
        let kind = body.event_type();
        let event = Self {
            actor: raw.actor,
            body,
            request: raw.request,
            revision: raw.revision,
            sealed: raw.sealed,
            stream: raw.stream,
            time: raw.time,
            via: raw.via,
        };
        if event.stream.kind() != kind.stream {
            return Err(DecodeError::WrongStream {
                name: kind.name,
                stream: event.stream,
            });
        }
        // A retired version is written by nobody any more; its data was checked when it was appended.
        if raw.v == kind.version && event.to_leaf().map_err(|_| DecodeError::NotCanonical)? != leaf
        {
            return Err(DecodeError::NotCanonical);
        }
        Ok(event)
    }

    /// How other events refer to this one.
    pub fn reference(&self) -> EventRef {
        EventRef {
            revision: self.revision,
            stream: self.stream.clone(),
        }
    }
}

/// An event that was decided and is not yet stamped: the writer gives it revision, time and place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What happened.
    pub body: Body,
    /// Commitments to values that go into the vault.
    pub sealed: Sealed,
    /// The stream.
    pub stream: StreamName,
}

impl Draft {
    /// A draft that seals nothing.
    pub fn new(stream: StreamName, body: Body) -> Self {
        Self {
            body,
            sealed: Sealed::new(),
            stream,
        }
    }
}

/// A state that is advanced by the events of one stream, and by nothing else. Advancing cannot fail and decides nothing.
pub trait State: Default {
    /// Takes one event of the stream into account.
    fn evolve(&mut self, event: &Event);
}

/// The state after these events.
pub fn fold<'a, S: State>(events: impl IntoIterator<Item = &'a Event>) -> S {
    let mut state = S::default();
    for event in events {
        state.evolve(event);
    }
    state
}
