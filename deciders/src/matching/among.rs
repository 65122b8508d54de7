//! Which publishers of a policy a job is, and which of the others came closest.
use alloc::{format, string::ToString, vec::Vec};
use events::{id::PublisherId, time::Timestamp};

use super::{Job, Mismatch, check};
use crate::{Code, Denial, policy::PolicyAt};

/// The first publisher of this policy that the job is, pending ones included; else why the closest is not.
pub fn match_policy(
    job: &Job<'_>,
    policy: &PolicyAt,
    provisional_seconds: u64,
    now: Timestamp,
) -> Result<PublisherId, Mismatch> {
    let mut closest: Option<Mismatch> = None;
    for outcome in each(job, policy, provisional_seconds, now) {
        let mismatch = match outcome {
            Ok(id) => return Ok(id),
            Err(mismatch) => mismatch,
        };
        if closest
            .as_ref()
            .is_none_or(|best| mismatch.passed > best.passed)
        {
            closest = Some(mismatch);
        }
    }
    Err(closest.unwrap_or(Mismatch {
        passed: 0,
        denial: Code::NoPublisher.into(),
        publisher: None,
    }))
}

/// Every publisher of this policy that the job is, in the order of [`match_policy`], and at least one.
pub fn matches(
    job: &Job<'_>,
    policy: &PolicyAt,
    provisional_seconds: u64,
    now: Timestamp,
) -> Result<Vec<PublisherId>, Mismatch> {
    match_policy(job, policy, provisional_seconds, now)?;
    let each = each(job, policy, provisional_seconds, now);
    Ok(each.filter_map(Result::ok).collect())
}

/// Whether the job is this publisher, for each in the order of their ids, pending ones behind.
fn each<'a>(
    job: &'a Job<'a>,
    policy: &'a PolicyAt,
    provisional_seconds: u64,
    now: Timestamp,
) -> impl Iterator<Item = Result<PublisherId, Mismatch>> + 'a {
    let publishers = policy.publishers.iter().map(move |(id, entry)| {
        let waited = entry.has_expired(provisional_seconds, now);
        let expired = waited.then(|| Denial::new(Code::PublisherExpired));
        let waits = entry.waits_until(now).map(|effective| {
            Denial::new(Code::PublisherNotEffectiveYet)
                .expected(format!("not before {effective}"))
                .found(now.to_string())
        });
        (*id, &entry.publisher, waits.or(expired))
    });
    let pending = policy.pending.iter();
    let pending = pending.filter(|(_, pending)| !policy.has_lost(pending));
    let pending = pending.map(move |(id, pending)| {
        let expired = now >= pending.expires;
        let expired = expired.then(|| Denial::new(Code::PendingExpired));
        (*id, &pending.publisher, expired)
    });
    let all = publishers.chain(pending);
    all.map(move |(id, publisher, barred)| {
        let barred = barred.map(|denial| Mismatch {
            passed: u8::MAX,
            denial: Denial {
                tell: publisher.repository_id.is_some(),
                ..denial
            },
            publisher: None,
        });
        let outcome = check(job, publisher).and_then(|()| barred.map_or(Ok(()), Err));
        outcome.map(|()| id).map_err(|mismatch| Mismatch {
            publisher: Some(id),
            ..mismatch
        })
    })
}
