//! A gem's policy: whose it is, its trusted publishers, its rules, the names that are waiting for a first push, and the
//! changes that wait for their time.
use alloc::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};
use events::{
    Body, Event, State,
    digest::Digest,
    event::Draft,
    id::{Actor, ChangeId, Owner, ProposalId, PublisherId},
    name::{FoldedName, GemName},
    policy::{PendingAdded, Publisher},
    rule::{Rule, Setting},
    stream::StreamName,
    time::Timestamp,
};

use crate::{
    Code, Denial, Ledger,
    account::Account,
    change::{Change, What},
    statement::policy_digest,
};

mod owner;
mod publisher;
mod sound;

pub use owner::{MAX_OWNERS, add_owner, remove_owner};
pub use publisher::{MAX_PUBLISHERS, States, add_publisher, remove_publisher};

/// A publisher, and since when it has waited for its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The publisher, with the ids that were pinned.
    pub publisher: Publisher,
    /// When it was added.
    pub added: Timestamp,
    /// When it takes effect, where that is later.
    pub effective: Option<Timestamp>,
}

impl Entry {
    /// When it takes effect, if that is still to come.
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.effective.filter(|effective| now < *effective)
    }

    /// Whether it was added without a repository's id and has waited too long for one: names can change hands.
    pub fn has_expired(&self, provisional_seconds: u64, now: Timestamp) -> bool {
        let since = self.effective.unwrap_or(self.added);
        self.publisher.repository_id.is_none() && now >= since.plus_seconds(provisional_seconds)
    }
}

/// State of `policy/<gem>`, as of its last event. Time alone may have changed it since: who owns the gem, who may release
/// it and what it demands is told by the policy [`at`](Self::at) a moment, and by nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy(PolicyAt);

/// A policy at a moment: what every decision asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyAt {
    /// The gem's spelling; `None` until it is registered.
    pub name: Option<GemName>,
    /// Its owners.
    pub owners: BTreeSet<Owner>,
    /// Its trusted publishers, those that do not take effect yet among them.
    pub publishers: BTreeMap<PublisherId, Entry>,
    /// Publishers that wait for the first push of this name.
    pub pending: BTreeMap<PublisherId, PendingAdded>,
    /// What its rules were set to.
    pub rules: BTreeMap<Rule, Setting>,
    /// Declared changes that wait for their time.
    pub changes: BTreeMap<ChangeId, Change>,
    /// How many events the stream has: the revision that the next one gets.
    pub next_revision: u64,
    /// What the stream says so far, as [`policy_digest`] sums it up; `None` before its first event.
    pub digest: Option<Digest>,
}

impl Policy {
    /// The policy at this moment, not before its last event: every change whose time has come has taken effect.
    pub fn at(&self, now: Timestamp) -> Cow<'_, PolicyAt> {
        let Self(policy) = self;
        if policy.changes.values().all(|change| now < change.effective) {
            return Cow::Borrowed(policy);
        }
        let mut policy = policy.clone();
        policy.settle(now);
        Cow::Owned(policy)
    }

    /// The gem's spelling; `None` until it is registered.
    pub fn name(&self) -> Option<&GemName> {
        self.0.name.as_ref()
    }

    /// How many events the stream has: the revision that the next one gets.
    pub fn next_revision(&self) -> u64 {
        self.0.next_revision
    }

    /// What the stream says so far, as [`policy_digest`] sums it up; `None` before its first event.
    pub fn digest(&self) -> Option<&Digest> {
        self.0.digest.as_ref()
    }
}

impl PolicyAt {
    /// What this rule is set to.
    pub fn setting(&self, rule: Rule) -> Setting {
        let set = self.rules.get(&rule).copied();
        set.unwrap_or(crate::rule::default_setting(rule))
    }

    /// The pending publishers that still count: they reserve the name, or are left over once it is registered, and may
    /// release the gem until they expire.
    pub fn live_pending(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = (&PublisherId, &PendingAdded)> {
        self.pending
            .iter()
            .filter(move |(_, pending)| now < pending.expires && !self.has_lost(pending))
    }

    /// Once the name is registered, what waited for it under somebody who is no owner has lost.
    pub(crate) fn has_lost(&self, pending: &PendingAdded) -> bool {
        self.name.is_some() && !self.owners.contains(&pending.owner)
    }

    /// Lets the changes take effect whose time has come, in the order of their times.
    fn settle(&mut self, now: Timestamp) {
        let due = self.changes.iter();
        let due = due.filter(|(_, change)| change.effective <= now);
        let mut due: Vec<_> = due.map(|(id, change)| (change.effective, *id)).collect();
        due.sort_unstable();
        for (_, id) in due {
            self.take_effect(id);
        }
    }

    fn take_effect(&mut self, id: ChangeId) {
        match self.changes.remove(&id).map(|change| change.what) {
            Some(What::OwnerAdded(owner)) => {
                self.owners.insert(owner);
            }
            Some(What::OwnerRemoved(owner)) => {
                self.owners.remove(&owner);
            }
            Some(What::RuleSet(rule, setting)) => {
                self.rules.insert(rule, setting);
            }
            // Its entry says when.
            Some(What::PublisherAdded(_)) | None => {}
        }
    }

    /// Takes a change into account that was declared just now: at once, or as one that waits.
    fn declare(&mut self, event: &Event, what: What, effective: Option<Timestamp>) {
        let id = ChangeId(event.revision);
        let change = Change {
            by: event.actor.clone(),
            declared: event.time,
            effective: effective.unwrap_or(event.time),
            owners: self.owners.clone(),
            proposals: BTreeMap::new(),
            what,
        };
        self.changes.insert(id, change);
        if effective.is_none() {
            self.take_effect(id);
        }
    }

    /// Forgets a change that waits: it never takes effect.
    fn withdraw(&mut self, id: ChangeId) {
        let withdrawn = self.changes.remove(&id);
        if let Some(What::PublisherAdded(publisher)) = withdrawn.map(|change| change.what) {
            self.publishers.remove(&publisher);
        }
    }

    /// The change of this kind that waits.
    pub(crate) fn waiting(&self, of_the_kind: impl Fn(&What) -> bool) -> Option<ChangeId> {
        let mut changes = self.changes.iter();
        let found = changes.find(|(_, change)| of_the_kind(&change.what));
        found.map(|(id, _)| *id)
    }
}

/// A command on the policy of a gem that exists: what it is judged on, who gave it, and when.
#[derive(Clone, Copy, Debug)]
pub struct Managing<'a> {
    /// `log`
    pub ledger: &'a Ledger,
    /// `policy/<gem>`
    pub policy: &'a Policy,
    /// `account/<id>` of whoever acts, if it is an account.
    pub account: Option<&'a Account>,
    /// The gem.
    pub gem: &'a FoldedName,
    /// Who acts.
    pub by: &'a Actor,
    /// The moment.
    pub now: Timestamp,
}

impl<'a> Managing<'a> {
    /// The policy now, of a gem that exists, under a rulebook that knows what is asked.
    pub(crate) fn policy(&self) -> Result<Cow<'a, PolicyAt>, Denial> {
        let rulebook = self.ledger.rulebook()?;
        rulebook.known()?;
        if !rulebook.ratchets() {
            return Err(Code::EditionTooOld.into());
        }
        if self.policy.name().is_none() {
            return Err(Code::NotFound.into());
        }
        Ok(self.policy.at(self.now))
    }

    /// The same, for whoever may manage it.
    pub(crate) fn managed(&self) -> Result<Cow<'a, PolicyAt>, Denial> {
        let policy = self.policy()?;
        may_manage(&policy, self.account, self.by)?;
        Ok(policy)
    }

    /// When a loosening change takes effect that is declared now, if there is room for one more that waits.
    pub(crate) fn waits(&self, policy: &PolicyAt) -> Result<Option<Timestamp>, Denial> {
        let effective = self.ledger.effective(self.now);
        has_room(policy, effective)?;
        Ok(effective)
    }

    pub(crate) fn event(&self, body: Body) -> Vec<Draft> {
        vec![Draft::new(StreamName::policy(self.gem), body)]
    }
}

/// A policy stays readable, and quick to judge.
fn has_room(policy: &PolicyAt, effective: Option<Timestamp>) -> Result<(), Denial> {
    if effective.is_some() && policy.changes.len() >= crate::change::MAX_CHANGES {
        return Err(Code::TooManyChanges.into());
    }
    Ok(())
}

/// The operator, or one of the gem's owners.
pub(crate) fn may_manage(
    policy: &PolicyAt,
    account: Option<&Account>,
    by: &Actor,
) -> Result<(), Denial> {
    let owns = policy.owners.iter().any(|owner| Actor::from(*owner) == *by);
    if *by != Actor::Operator && !owns {
        return Err(Code::NotOwner.into());
    }
    lives(account, by)
}

/// The operator, or an account that is not disabled.
pub(crate) fn lives(account: Option<&Account>, by: &Actor) -> Result<(), Denial> {
    match by {
        Actor::Operator => Ok(()),
        Actor::Account(_) => account.ok_or(Code::NotFound)?.live(),
        Actor::Workflow(..) => Err(Code::NotOwner.into()),
    }
}

impl State for Policy {
    fn evolve(&mut self, event: &Event) {
        self.0.evolve(event);
    }
}

impl PolicyAt {
    fn evolve(&mut self, event: &Event) {
        self.settle(event.time);
        self.next_revision = event.revision + 1;
        self.digest = Some(policy_digest(self.digest.as_ref(), &event.body));
        let id = PublisherId(event.revision);
        if let Body::GemRegistered(registered) = &event.body {
            self.name = Some(registered.name.clone());
        } else if let Body::OwnerAdded(added) = &event.body {
            self.declare(event, What::OwnerAdded(added.owner), added.effective);
        } else if let Body::OwnerRemoved(removed) = &event.body {
            self.declare(event, What::OwnerRemoved(removed.owner), removed.effective);
        } else if let Body::PublisherAdded(added) = &event.body {
            let entry = Entry {
                publisher: added.publisher.clone(),
                added: event.time,
                effective: added.effective,
            };
            self.publishers.insert(id, entry);
            if let Some(pending) = added.pending {
                self.pending.remove(&pending);
            }
            self.declare(event, What::PublisherAdded(id), added.effective);
        } else if let Body::PublisherPinned(pinned) = &event.body {
            if let Some(entry) = self.publishers.get_mut(&pinned.publisher) {
                entry.publisher.repository_id = Some(pinned.repository_id.clone());
                entry.publisher.owner_id.clone_from(&pinned.owner_id);
            }
        } else if let Body::PublisherRemoved(removed) = &event.body {
            self.publishers.remove(&removed.publisher);
            let added = What::PublisherAdded(removed.publisher);
            if let Some(change) = self.waiting(|what| *what == added) {
                self.changes.remove(&change);
            }
        } else if let Body::PendingAdded(added) = &event.body {
            self.pending.insert(id, added.clone());
        } else if let Body::PendingRemoved(removed) = &event.body {
            self.pending.remove(&removed.publisher);
        } else {
            self.evolve_rules(event);
        }
    }
}

impl PolicyAt {
    /// The events of rules and of changes that wait.
    fn evolve_rules(&mut self, event: &Event) {
        if let Body::RuleChanged(changed) = &event.body {
            // What was declared of this rule before is what its owners no longer want.
            let same =
                |what: &What| matches!(what, What::RuleSet(rule, _) if *rule == changed.rule);
            if let Some(before) = self.waiting(same) {
                self.changes.remove(&before);
            }
            self.declare(
                event,
                What::RuleSet(changed.rule, changed.to),
                changed.effective,
            );
        } else if let Body::ChangeCancelled(cancelled) = &event.body {
            self.withdraw(cancelled.change);
        } else if let Body::OverrideProposed(proposed) = &event.body {
            if let Some(change) = self.changes.get_mut(&proposed.change) {
                let proposal = (event.actor.clone(), proposed.reason.clone());
                change
                    .proposals
                    .insert(ProposalId(event.revision), proposal);
            }
        } else if let Body::PolicyOverridden(overridden) = &event.body {
            let change = self.changes.get(&overridden.change);
            if let Some(What::PublisherAdded(id)) = change.map(|change| &change.what)
                && let Some(entry) = self.publishers.get_mut(id)
            {
                entry.effective = Some(event.time);
            }
            self.take_effect(overridden.change);
        }
    }
}
