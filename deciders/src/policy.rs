//! A gem's policy: whose it is, its trusted publishers, and the names that are waiting for a first push.
use alloc::collections::{BTreeMap, BTreeSet};
use events::{
    Body, Event, State,
    id::{Owner, PublisherId},
    name::GemName,
    policy::{PendingAdded, Publisher},
    time::Timestamp,
};

/// Most publishers and pending publishers of one gem, so that a policy stays readable and quick to judge.
pub const MAX_PUBLISHERS: usize = 50;

/// A publisher and since when it has waited for its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The publisher, with the ids that were pinned.
    pub publisher: Publisher,
    /// When it was added.
    pub added: Timestamp,
}

/// State of `policy/<gem>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The gem's spelling; `None` until it is registered.
    pub name: Option<GemName>,
    /// Its owners.
    pub owners: BTreeSet<Owner>,
    /// Its trusted publishers.
    pub publishers: BTreeMap<PublisherId, Entry>,
    /// Publishers that wait for the first push of this name.
    pub pending: BTreeMap<PublisherId, PendingAdded>,
    /// How many events the stream has: the revision that the next one gets.
    pub next_revision: u64,
}

impl Policy {
    /// The pending publishers that still reserve the name.
    pub fn live_pending(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = (&PublisherId, &PendingAdded)> {
        self.pending
            .iter()
            .filter(move |(_, pending)| now < pending.expires)
    }
}

impl State for Policy {
    fn evolve(&mut self, event: &Event) {
        self.next_revision = event.revision + 1;
        let id = PublisherId(event.revision);
        if let Body::GemRegistered(registered) = &event.body {
            self.name = Some(registered.name.clone());
        } else if let Body::OwnerAdded(added) = &event.body {
            self.owners.insert(added.owner);
        } else if let Body::PublisherAdded(added) = &event.body {
            let entry = Entry {
                publisher: added.publisher.clone(),
                added: event.time,
            };
            self.publishers.insert(id, entry);
            if let Some(pending) = added.pending {
                self.pending.remove(&pending);
            }
        } else if let Body::PublisherPinned(pinned) = &event.body {
            if let Some(entry) = self.publishers.get_mut(&pinned.publisher) {
                entry.publisher.repository_id = Some(pinned.repository_id.clone());
                entry.publisher.owner_id.clone_from(&pinned.owner_id);
            }
        } else if let Body::PublisherRemoved(removed) = &event.body {
            self.publishers.remove(&removed.publisher);
        } else if let Body::PendingAdded(added) = &event.body {
            self.pending.insert(id, added.clone());
        } else if let Body::PendingRemoved(removed) = &event.body {
            self.pending.remove(&removed.publisher);
        }
    }
}
