//! Recorded denials. The token of a denied exchange is not in the log, so a denial is not judged again; what is judged
//! is that it was one to record: of a publisher's own repository, for a reason that the publisher can give, and due.
use alloc::{format, vec, vec::Vec};
use events::{
    denied::{ExchangeDenied, PushDenied},
    event::Draft,
    id::{Actor, PublisherId},
    policy::Publisher,
    text::{Slug, Text},
    time::Timestamp,
};

use super::command::{Case, Fault};
use crate::Code;

pub(super) fn exchange(case: &Case<'_>, denied: &ExchangeDenied) -> Result<Vec<Draft>, Fault> {
    let policy = case.world.policy(&case.gem()?).at(case.last.time);
    let entry = policy.publishers.get(&denied.publisher);
    let live = entry.map(|entry| &entry.publisher);
    let waits = entry.and_then(|entry| entry.waits_until(case.last.time));
    let pending = policy
        .pending
        .get(&denied.publisher)
        .map(|pending| &pending.publisher);
    let publisher = live.or(pending).ok_or(Code::NotPublisher)?;
    let code = due(case, denied.publisher, &denied.code, denied.count)?;
    if publisher.provider != denied.provider || !explains(publisher, waits, code, denied) {
        let message = format!(
            "publisher {} cannot have given this reason",
            denied.publisher
        );
        return Err(Fault::new("events", message));
    }
    Ok(as_recorded(case))
}

pub(super) fn push(case: &Case<'_>, denied: &PushDenied) -> Result<Vec<Draft>, Fault> {
    let policy = case.world.policy(&case.gem()?).at(case.last.time);
    let entry = policy
        .publishers
        .get(&denied.publisher)
        .ok_or(Code::NotPublisher)?;
    due(case, denied.publisher, &denied.code, denied.count)?;
    let publisher = &entry.publisher;
    let own = match &case.last.actor {
        Actor::Workflow(slug, id) => own_repository(publisher, slug, id),
        Actor::Operator | Actor::Account(_) => false,
    };
    if !own {
        let message = format!("{} is not publisher {}", case.last.actor, denied.publisher);
        return Err(Fault::new("events", message));
    }
    Ok(as_recorded(case))
}

fn own_repository(publisher: &Publisher, slug: &Slug, id: &Text) -> bool {
    publisher.provider == *slug && publisher.repository_id.as_ref() == Some(id)
}

/// A known code, counted at least once, and not recorded before within the interval.
fn due(case: &Case<'_>, publisher: PublisherId, code: &Text, count: u64) -> Result<Code, Fault> {
    let known = Code::parse(code.as_str());
    let known = known.ok_or_else(|| Fault::new("events", format!("{code} is no code")))?;
    let rulebook = case.world.ledger.rulebook()?;
    let (denied, interval) = (
        case.world.denied(&case.gem()?),
        rulebook.rules.denial_interval_seconds,
    );
    if count == 0 || !denied.is_due(publisher, code, case.last.time, interval) {
        return Err(Fault::new("events", format!("{code} was recorded already")));
    }
    Ok(known)
}

/// Whether this publisher denies for this reason what came from this repository.
fn explains(
    publisher: &Publisher,
    waits: Option<Timestamp>,
    code: Code,
    denied: &ExchangeDenied,
) -> bool {
    let own = publisher.repository_id.as_ref() == Some(&denied.repository_id);
    let differs = denied.expected.is_none() || denied.expected != denied.found;
    let expected = |value: Option<&Text>| value.is_some() && denied.expected.as_ref() == value;
    let explained = if code == Code::RepositoryIdMismatch {
        expected(publisher.repository_id.as_ref())
            && denied.found.as_ref() == Some(&denied.repository_id)
    } else if code == Code::OwnerIdMismatch {
        (own || publisher.repository_id.is_none()) && expected(publisher.owner_id.as_ref())
    } else if code == Code::WorkflowMismatch {
        own && expected(Some(&publisher.workflow))
    } else if code == Code::EnvironmentMismatch {
        own && expected(publisher.environment.as_ref())
    } else if code == Code::PublisherNotEffectiveYet {
        own && waits.is_some()
    } else if code == Code::RefNotAllowed {
        own && !publisher.any_ref
    } else {
        own && OWN_REASONS.contains(&code)
    };
    differs && explained
}

/// Reasons that lie in the job alone, whatever its publisher asks for.
const OWN_REASONS: [Code; 6] = [
    Code::JobRepositoryMismatch,
    Code::WorkflowRepositoryMismatch,
    Code::WorkflowRefMismatch,
    Code::TriggerNotAllowed,
    Code::ClaimMissing,
    Code::PendingExpired,
];

/// What could not be judged again stands as it is.
fn as_recorded(case: &Case<'_>) -> Vec<Draft> {
    let event = case.last;
    vec![Draft::new(event.stream.clone(), event.body.clone())]
}
