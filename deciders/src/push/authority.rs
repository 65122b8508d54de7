//! On whose word a push is allowed: an owner's, nobody's because the name is free, or a trusted publisher's.
use alloc::{vec, vec::Vec};
use events::{
    api_key::{Holder, Issued},
    claims::Workflow,
    id::{Owner, PublisherId},
    policy::Publisher,
    provider::Registered,
    stream::EventRef,
    text::Slug,
    time::Timestamp,
};

use super::{Facts, States, same_spelling};
use crate::{
    Code, Denial,
    matching::{Job, matches},
    policy::PolicyAt,
};

/// On whose word the push is allowed.
pub(super) enum Authority<'a> {
    Owner,
    NewName(Owner),
    Publisher(Trusted<'a>),
}

/// A publisher that the key's workflow is.
pub(super) struct Trusted<'a> {
    pub(super) id: PublisherId,
    pub(super) publisher: &'a Publisher,
    /// It is still pending: whose the gem will be.
    pub(super) pending: Option<Owner>,
    pub(super) exchange: &'a EventRef,
    pub(super) provider: &'a Registered,
    pub(super) slug: &'a Slug,
    pub(super) workflow: &'a Workflow,
}

impl Trusted<'_> {
    /// Whether the token states an id that the publisher still lacks.
    pub(super) fn needs_pin(&self) -> bool {
        let owner_is_news = self.publisher.owner_id.is_none() && self.workflow.owner_id.is_some();
        self.publisher.repository_id.is_none() || owner_is_news
    }
}

/// Who vouches for the push, at least one: an account for itself, a job as each publisher that it is.
pub(super) fn authorise<'a>(
    states: &States<'a>,
    policy: &'a PolicyAt,
    issued: &'a Issued,
    facts: &Facts,
    now: Timestamp,
) -> Result<Vec<Authority<'a>>, Denial> {
    let owner = match &issued.holder {
        Holder::Exchange(exchange) => return trusted(states, policy, exchange, facts, now),
        Holder::Account(account) => Owner::Account(*account),
    };
    if policy.name.is_some() {
        return if policy.owners.contains(&owner) {
            Ok(vec![Authority::Owner])
        } else {
            Err(Code::NotOwner.into())
        };
    }
    if policy
        .live_pending(now)
        .any(|(_, pending)| pending.owner != owner)
    {
        return Err(Code::NameReserved.into());
    }
    Ok(vec![Authority::NewName(owner)])
}

fn trusted<'a>(
    states: &States<'a>,
    policy: &'a PolicyAt,
    exchange: &'a EventRef,
    facts: &Facts,
    now: Timestamp,
) -> Result<Vec<Authority<'a>>, Denial> {
    let token = states.token.and_then(|token| token.exchanged.as_ref());
    let (token, (slug, provider)) = token.zip(states.provider).ok_or(Code::KeyUnknown)?;
    let job = Job {
        slug,
        provider: provider.live(now)?,
        workflow: &token.workflow,
    };
    let rules = states.ledger.rulebook()?.rules;
    let ids = matches(&job, policy, rules.provisional_seconds, now)
        .map_err(|mismatch| not_publisher(mismatch.denial))?;
    let (mut trusted, mut misspelled) = (Vec::new(), None);
    for id in ids {
        let pending = policy.pending.get(&id);
        let publisher = match (policy.publishers.get(&id), pending) {
            (Some(entry), _) => &entry.publisher,
            (None, Some(pending)) => &pending.publisher,
            (None, None) => return Err(Code::NotPublisher.into()),
        };
        let reserved = pending.filter(|_| policy.name.is_none());
        let spelled = reserved.map_or(Ok(()), |pending| same_spelling(&pending.name, facts));
        if let Err(denial) = spelled {
            misspelled.get_or_insert(denial);
            continue;
        }
        trusted.push(Authority::Publisher(Trusted {
            id,
            publisher,
            pending: pending.map(|pending| pending.owner),
            exchange,
            provider: job.provider,
            slug,
            workflow: &token.workflow,
        }));
    }
    match misspelled.filter(|_| trusted.is_empty()) {
        None => Ok(trusted),
        Some(denial) => Err(denial),
    }
}

/// Whoever is not from the publisher's own repository learns only that it is no publisher, waited too long, or has
/// to wait.
fn not_publisher(denial: Denial) -> Denial {
    let late = matches!(
        denial.code,
        Code::PublisherExpired | Code::PendingExpired | Code::PublisherNotEffectiveYet
    );
    let code = if denial.tell || late {
        denial.code
    } else {
        Code::NotPublisher
    };
    Denial { code, ..denial }
}
