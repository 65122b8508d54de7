//! Policies: publishers and owners that the identity brought in, and the changes that it declared and that still wait.
use std::collections::{BTreeMap, BTreeSet};

use deciders::{change::What, policy::Policy};
use events::{
    Body, Event,
    id::{Actor, ChangeId, Owner, PublisherId},
    name::FoldedName,
    policy::Publisher,
    stream::StreamName,
    time::Timestamp,
};

use super::{Identity, MOST, Radius, remember, same};
use crate::{
    store::{StoreError, reader::Reader},
    views::state,
};

/// What an identity may have left in policies, by gem.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) publishers: BTreeMap<(FoldedName, PublisherId), Publisher>,
    /// Others that it made owners.
    pub(super) owners: BTreeSet<(FoldedName, Owner)>,
    /// Changes that it declared, and when each takes effect.
    pub(super) changes: BTreeMap<(FoldedName, ChangeId), Timestamp>,
}

impl Left {
    /// A change whose time has come waits no more.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        self.changes.retain(|_, effective| now < *effective);
    }

    /// The gems whose policies may hold something of it.
    fn gems(&self) -> BTreeSet<FoldedName> {
        let publishers = self.publishers.keys().map(|(gem, _)| gem);
        let owners = self.owners.iter().map(|(gem, _)| gem);
        let changes = self.changes.keys().map(|(gem, _)| gem);
        publishers.chain(owners).chain(changes).cloned().collect()
    }
}

impl Radius {
    /// Forgets what is in no policy at this moment: what was removed or cancelled, let through, declared anew, or never
    /// came to be. The policies themselves are asked, so that what counts as waiting stands in one place.
    pub async fn settle(&mut self, reader: &Reader, now: Timestamp) -> Result<(), StoreError> {
        let left = &mut self.left;
        left.sweep(now);
        for gem in left.gems() {
            let policy: Policy = state(reader, &StreamName::policy(&gem)).await?;
            let policy = policy.at(now);
            let trusted =
                |id: &_| policy.publishers.contains_key(id) || policy.pending.contains_key(id);
            left.publishers
                .retain(|(other, id), _| *other != gem || trusted(id));
            let goes = |owner: &Owner| {
                let mut changes = policy.changes.values();
                changes.any(|change| change.what == What::OwnerRemoved(*owner))
            };
            let owns = |owner: &Owner| policy.owners.contains(owner) && !goes(owner);
            left.owners
                .retain(|(other, owner)| *other != gem || owns(owner));
            left.changes
                .retain(|(other, id), _| *other != gem || policy.changes.contains_key(id));
        }
        Ok(())
    }

    /// Publishers that name the repository, and whatever the identity changed in a policy.
    pub(super) fn policy(&mut self, event: &Event, acted: bool) -> Option<String> {
        let gem = FoldedName::parse(event.stream.rest()).ok()?;
        let about = self.changed(&gem, event, acted)?;
        let Some(effective) = effective(&event.body) else {
            return Some(about);
        };
        let id = ChangeId(event.revision);
        let about = format!("{about}, declared as change {id} and in effect from {effective} on");
        remember(&mut self.left.changes, (gem, id), effective, &mut self.more);
        Some(about)
    }

    fn changed(&mut self, gem: &FoldedName, event: &Event, acted: bool) -> Option<String> {
        let id = PublisherId(event.revision);
        if let Body::PublisherAdded(added) = &event.body {
            if let Some(pending) = added.pending {
                self.left.publishers.remove(&(gem.clone(), pending));
            }
            self.trusts(gem, id, &added.publisher, acted)
        } else if let Body::PendingAdded(added) = &event.body {
            self.trusts(gem, id, &added.publisher, acted)
        } else if let Body::PublisherRemoved(removed) = &event.body {
            self.distrusts(gem, removed.publisher, acted)
        } else if let Body::PendingRemoved(removed) = &event.body {
            self.distrusts(gem, removed.publisher, acted)
        } else if let Body::PublisherPinned(pinned) = &event.body {
            let publisher = (gem.clone(), pinned.publisher);
            let known = self.left.publishers.contains_key(&publisher);
            (known || acted).then(|| format!("publisher {} of {gem} was pinned", pinned.publisher))
        } else {
            if let Body::OwnerAdded(added) = &event.body
                && self.let_in(event, added.owner)
            {
                let owner = (gem.clone(), added.owner);
                if self.left.owners.len() < MOST {
                    self.left.owners.insert(owner);
                } else if !self.left.owners.contains(&owner) {
                    self.more += 1;
                }
            }
            let name = event.body.event_type().name;
            acted.then(|| format!("{name} in the policy of {gem}"))
        }
    }

    /// Whether it is an account that made another one, or the operator, an owner.
    fn let_in(&self, event: &Event, owner: Owner) -> bool {
        let Identity::Account(own) = self.identity else {
            return false;
        };
        event.actor == Actor::Account(own) && owner != Owner::Account(own)
    }

    fn trusts(
        &mut self,
        gem: &FoldedName,
        id: PublisherId,
        publisher: &Publisher,
        acted: bool,
    ) -> Option<String> {
        let named =
            matches!(&self.identity, Identity::Repository(own) if same(own, &publisher.repository));
        if !acted && !named {
            return None;
        }
        let (workflow, repository) = (&publisher.workflow, &publisher.repository);
        let text = format!("publisher {id} of {gem}: {workflow} of {repository}");
        let (key, publisher) = ((gem.clone(), id), publisher.clone());
        remember(&mut self.left.publishers, key, publisher, &mut self.more);
        Some(text)
    }

    fn distrusts(&mut self, gem: &FoldedName, id: PublisherId, acted: bool) -> Option<String> {
        let known = self.left.publishers.remove(&(gem.clone(), id)).is_some();
        (known || acted).then(|| format!("publisher {id} of {gem} was removed"))
    }
}

/// When a change takes effect that waits.
fn effective(body: &Body) -> Option<Timestamp> {
    if let Body::OwnerAdded(added) = body {
        added.effective
    } else if let Body::OwnerRemoved(removed) = body {
        removed.effective
    } else if let Body::PublisherAdded(added) = body {
        added.effective
    } else if let Body::RuleChanged(changed) = body {
        changed.effective
    } else {
        None
    }
}
