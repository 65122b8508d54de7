//! Trusted publishers: added and removed by the operator or by a gem's owners.
use alloc::{vec, vec::Vec};
use events::{
    Body,
    event::Draft,
    id::{Actor, Owner, PublisherId},
    name::{FoldedName, GemName},
    policy::{PendingAdded, PendingRemoved, Publisher, PublisherAdded, PublisherRemoved},
    stream::StreamName,
    text::Text,
    time::Timestamp,
};

use super::{Entry, Policy, PolicyAt, has_room, lives, may_manage, sound::sound};
use crate::{Code, Denial, Ledger, account::Account, provider::Provider};

/// Most publishers and pending publishers of one gem, so that a policy stays readable and quick to judge.
pub const MAX_PUBLISHERS: usize = 50;

/// The states that a new publisher is judged on.
#[derive(Clone, Copy, Debug)]
pub struct States<'a> {
    /// `log`
    pub ledger: &'a Ledger,
    /// `policy/<gem>`
    pub policy: &'a Policy,
    /// `provider/<slug>` of the publisher's provider.
    pub provider: &'a Provider,
    /// `account/<id>` of whoever acts; where the operator reserves a name for an account, of that account.
    pub account: Option<&'a Account>,
}

/// Adds a publisher to a gem, or a pending one to a name that is still free, which reserves the name for `owner`.
///
/// A publisher that has expired makes room for the same one, added again, and so does one that waited for the name under
/// somebody who is no owner. One that is added to a gem that exists loosens
/// its policy, and waits; but one that lets in less than the same workflow's publishers do now takes their place at once.
pub fn add_publisher(
    states: &States<'_>,
    gem: &GemName,
    publisher: Publisher,
    owner: Owner,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Draft>, Denial> {
    let rulebook = states.ledger.rulebook()?;
    let rules = rulebook.known()?;
    let policy = &*states.policy.at(now);
    match &policy.name {
        Some(name) => {
            may_manage(policy, states.account, by)?;
            if name != gem {
                return Err(Denial::new(Code::NameSpelledDifferently)
                    .expected(name.as_str())
                    .found(gem.as_str()));
            }
        }
        None => may_reserve(policy, states.account, owner, by, now)?,
    }
    sound(&publisher, states.provider.live(now)?.kind)?;
    let (live, expired): (Vec<_>, Vec<_>) = policy
        .twins(&publisher)
        .partition(|twin| !policy.has_expired(*twin, rules.provisional_seconds, now));
    let looser: Vec<_> = if rulebook.ratchets() {
        policy
            .looser(&publisher, rules.provisional_seconds, now)
            .collect()
    } else {
        Vec::new()
    };
    if live.iter().any(|twin| !looser.contains(twin)) {
        return Err(Code::AlreadyExists.into());
    }
    let tightens = !looser.is_empty();
    let gone = expired.into_iter().chain(looser);
    let gone: Vec<PublisherId> = gone.collect();
    let pending = policy.pending.iter();
    let pending = pending.filter(|(_, pending)| !policy.has_lost(pending));
    let there = policy.publishers.keys().chain(pending.map(|(id, _)| id));
    if there.filter(|id| !gone.contains(id)).count() >= MAX_PUBLISHERS {
        return Err(Code::TooManyPublishers.into());
    }
    let stream = StreamName::policy(&gem.folded());
    let mut drafts: Vec<Draft> = gone
        .into_iter()
        .map(|twin| Draft::new(stream.clone(), policy.removed(twin)))
        .collect();
    let body = if policy.name.is_some() {
        let effective = states.ledger.effective(now).filter(|_| !tightens);
        has_room(policy, effective)?;
        Body::PublisherAdded(PublisherAdded {
            effective,
            pending: None,
            publisher,
        })
    } else {
        Body::PendingAdded(PendingAdded {
            expires: now.plus_seconds(rules.pending_seconds),
            name: gem.clone(),
            owner,
            publisher,
        })
    };
    drafts.push(Draft::new(stream, body));
    Ok(drafts)
}

/// Removes a publisher or a pending one, at once: keys minted for it are dead for this gem, and a reserved name is free
/// again. A pending one that is left over once the gem exists is also its owners' to remove.
pub fn remove_publisher(
    policy: &Policy,
    account: Option<&Account>,
    gem: &FoldedName,
    id: PublisherId,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Draft>, Denial> {
    let policy = &*policy.at(now);
    match policy.pending.get(&id) {
        Some(pending) if *by == pending.owner.into() => lives(account, by)?,
        Some(_) | None => may_manage(policy, account, by)?,
    }
    if !policy.publishers.contains_key(&id) && !policy.pending.contains_key(&id) {
        return Err(Code::NotFound.into());
    }
    Ok(vec![Draft::new(
        StreamName::policy(gem),
        policy.removed(id),
    )])
}

/// The operator for anybody, an account for itself; and not while the name waits for somebody else.
fn may_reserve(
    policy: &PolicyAt,
    account: Option<&Account>,
    owner: Owner,
    by: &Actor,
    now: Timestamp,
) -> Result<(), Denial> {
    if *by != Actor::Operator && *by != owner.into() {
        return Err(Code::NotOwner.into());
    }
    lives(account, &owner.into())?;
    let mut live = policy.live_pending(now);
    if live.any(|(_, pending)| pending.owner != owner) {
        return Err(Code::NameReserved.into());
    }
    Ok(())
}

impl PolicyAt {
    /// Publishers that are the same workflow, whatever their ids and refs.
    fn twins(&self, publisher: &Publisher) -> impl Iterator<Item = PublisherId> {
        let same = |a: &Text, b: &Text| a.as_str().eq_ignore_ascii_case(b.as_str());
        let twin = move |other: &Publisher| {
            other.provider == publisher.provider
                && same(&other.repository, &publisher.repository)
                && other.workflow == publisher.workflow
                && other.environment == publisher.environment
                && match (&other.workflow_repository, &publisher.workflow_repository) {
                    (Some(a), Some(b)) => same(a, b),
                    (a, b) => a == b,
                }
        };
        let live = self
            .publishers
            .iter()
            .map(|(id, entry)| (*id, &entry.publisher));
        let pending = self
            .pending
            .iter()
            .map(|(id, pending)| (*id, &pending.publisher));
        live.chain(pending)
            .filter(move |(_, other)| twin(other))
            .map(|(id, _)| id)
    }

    /// Publishers of the same workflow that may release the gem now, and that let in whatever this one does and more.
    ///
    /// The repository's id stays as it is: with another one, another repository would match.
    fn looser(
        &self,
        publisher: &Publisher,
        provisional_seconds: u64,
        now: Timestamp,
    ) -> impl Iterator<Item = PublisherId> {
        let narrows = |from: &Option<Text>, to: &Option<Text>| from.is_none() || from == to;
        let looser = move |other: &Publisher| {
            let Publisher {
                any_ref,
                environment,
                owner_id,
                provider,
                repository,
                repository_id,
                workflow,
                workflow_repository,
            } = other;
            other != publisher
                && (*any_ref || !publisher.any_ref)
                && narrows(environment, &publisher.environment)
                && narrows(owner_id, &publisher.owner_id)
                && *provider == publisher.provider
                && *repository == publisher.repository
                && *repository_id == publisher.repository_id
                && *workflow == publisher.workflow
                && *workflow_repository == publisher.workflow_repository
        };
        let now_there = move |entry: &Entry| {
            entry.waits_until(now).is_none() && !entry.has_expired(provisional_seconds, now)
        };
        let entries = self.publishers.iter();
        let entries =
            entries.filter(move |(_, entry)| now_there(entry) && looser(&entry.publisher));
        entries.map(|(id, _)| *id)
    }

    /// Whether no job is this publisher any more.
    fn has_expired(&self, id: PublisherId, provisional_seconds: u64, now: Timestamp) -> bool {
        let publisher = self.publishers.get(&id);
        let pending = self.pending.get(&id);
        publisher.is_some_and(|entry| entry.has_expired(provisional_seconds, now))
            || pending.is_some_and(|pending| now >= pending.expires || self.has_lost(pending))
    }

    fn removed(&self, publisher: PublisherId) -> Body {
        if self.pending.contains_key(&publisher) {
            Body::PendingRemoved(PendingRemoved { publisher })
        } else {
            Body::PublisherRemoved(PublisherRemoved { publisher })
        }
    }
}
