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

use super::{Policy, has_room, lives, may_manage, sound::sound};
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
/// A publisher that has expired makes room for the same one, added again. One that is added to a gem that exists loosens
/// its policy, and waits.
pub fn add_publisher(
    states: &States<'_>,
    gem: &GemName,
    publisher: Publisher,
    owner: Owner,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Draft>, Denial> {
    let rules = *states.ledger.rulebook()?.known()?;
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
    if !live.is_empty() {
        return Err(Code::AlreadyExists.into());
    }
    let others = policy.publishers.len() + policy.pending.len() - expired.len();
    if others >= MAX_PUBLISHERS {
        return Err(Code::TooManyPublishers.into());
    }
    let stream = StreamName::policy(&gem.folded());
    let mut drafts: Vec<Draft> = expired
        .into_iter()
        .map(|twin| Draft::new(stream.clone(), policy.removed(twin)))
        .collect();
    let body = if policy.name.is_some() {
        let effective = states.ledger.effective(now);
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
/// again.
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
        Some(pending) => {
            if *by != Actor::Operator && *by != pending.owner.into() {
                return Err(Code::NotOwner.into());
            }
            lives(account, by)?;
        }
        None => may_manage(policy, account, by)?,
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
    policy: &Policy,
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

impl Policy {
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

    fn has_expired(&self, id: PublisherId, provisional_seconds: u64, now: Timestamp) -> bool {
        let publisher = self.publishers.get(&id);
        let pending = self.pending.get(&id);
        publisher.is_some_and(|entry| entry.has_expired(provisional_seconds, now))
            || pending.is_some_and(|pending| now >= pending.expires)
    }

    fn removed(&self, publisher: PublisherId) -> Body {
        if self.pending.contains_key(&publisher) {
            Body::PendingRemoved(PendingRemoved { publisher })
        } else {
            Body::PublisherRemoved(PublisherRemoved { publisher })
        }
    }
}
