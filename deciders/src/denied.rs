//! Denials of a gem: when each was last recorded, so that nobody can grow the log by being denied.
use alloc::collections::BTreeMap;
use events::{Body, Event, State, id::PublisherId, text::Text, time::Timestamp};

/// State of `denied/<gem>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denied {
    /// When a denial of this publisher with this code was last recorded.
    pub last: BTreeMap<(PublisherId, Text), Timestamp>,
}

impl Denied {
    /// Whether another record of this publisher and code is due.
    pub fn is_due(
        &self,
        publisher: PublisherId,
        code: &Text,
        now: Timestamp,
        interval_seconds: u64,
    ) -> bool {
        let last = self.last.get(&(publisher, code.clone()));
        last.is_none_or(|last| now >= last.plus_seconds(interval_seconds))
    }
}

impl State for Denied {
    fn evolve(&mut self, event: &Event) {
        if let Body::ExchangeDenied(denied) = &event.body {
            self.last
                .insert((denied.publisher, denied.code.clone()), event.time);
        } else if let Body::PushDenied(denied) = &event.body {
            self.last
                .insert((denied.publisher, denied.code.clone()), event.time);
        }
    }
}
