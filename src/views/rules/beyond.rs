//! What waits outside a gem's policy and bears on it: settings of its publishers' providers, and a lower delay.
use std::collections::BTreeSet;

use deciders::{
    Ledger,
    policy::PolicyAt,
    provider::{Declared, Provider},
};
use events::{
    State, id::Actor, provider::Registered, stream::StreamName, text::Slug, time::Timestamp,
};
use serde::Serialize;

use crate::{
    store::{StoreError, reader::Reader},
    views::LONGEST,
};

/// Something that waits, is no change of the policy itself, and lets in more once it takes effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Beyond {
    /// What it does, as a stable word: `provider_changed`, `delay_lowered`.
    pub change: &'static str,
    /// The provider it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Slug>,
    /// What it lets in, or what becomes of the delay, in words.
    pub says: String,
    /// Who declared it.
    pub by: Actor,
    /// When.
    pub declared: Timestamp,
    /// When it takes effect.
    pub effective: Timestamp,
    /// Who can take it back until then, and how.
    pub take_back: String,
}

/// What waits beyond this policy, as of the first `covered` events and at this moment.
pub async fn beyond(
    reader: &Reader,
    policy: &PolicyAt,
    covered: u64,
    now: Timestamp,
) -> Result<Vec<Beyond>, StoreError> {
    let live = policy.publishers.values().map(|entry| &entry.publisher);
    let pending = policy.live_pending(now);
    let pending = pending.map(|(_, pending)| &pending.publisher);
    let providers: BTreeSet<&Slug> = live.chain(pending).map(|one| &one.provider).collect();
    let mut found = Vec::new();
    for slug in providers {
        let provider: Provider = state(reader, &StreamName::provider(slug), covered).await?;
        found.extend(settings(slug, &provider, now));
    }
    let ledger: Ledger = state(reader, &StreamName::log(), covered).await?;
    found.extend(delay(&ledger, now));
    Ok(found)
}

async fn state<S: State>(
    reader: &Reader,
    stream: &StreamName,
    covered: u64,
) -> Result<S, StoreError> {
    let mut events = reader.stream(stream, 0, LONGEST).await?;
    events.retain(|recorded| recorded.index < covered);
    Ok(events::fold(events.iter().map(|recorded| &recorded.event)))
}

/// Settings of this provider that wait.
fn settings(slug: &Slug, provider: &Provider, now: Timestamp) -> Option<Beyond> {
    let Declared { time, settings, .. } = provider.waiting(now)?;
    let differs = differs(provider.settings(now)?, settings).join(", ");
    Some(Beyond {
        change: "provider_changed",
        provider: Some(slug.clone()),
        says: format!("the provider {slug} lets in what it does not now: {differs}"),
        by: Actor::Operator,
        declared: *time,
        effective: settings.effective?,
        take_back: "the operator takes it back by registering the provider as it was (gemledger provider add)"
            .to_owned(),
    })
}

/// A delay that is lowered, while the one before it holds.
fn delay(ledger: &Ledger, now: Timestamp) -> Option<Beyond> {
    let (holds, to) = ledger.lowered(now)?;
    let before = holds.seconds;
    Some(Beyond {
        change: "delay_lowered",
        provider: None,
        says: format!("what loosens a policy waits {to} seconds and no longer {before}"),
        by: Actor::Operator,
        declared: holds.until.minus_seconds(before),
        effective: holds.until,
        take_back: format!(
            "the operator takes it back by raising the delay again (gemledger log rules set --loosening-delay {before}s)"
        ),
    })
}

/// What is not as before, in words.
fn differs(before: &Registered, after: &Registered) -> Vec<String> {
    let Registered {
        algorithms,
        audience,
        effective: _,
        issuer: _,
        jwks_uri,
        kind: _,
        loopback,
        mapping,
        private_repositories,
        required,
    } = after;
    let mut words = Vec::new();
    let mut say = |differs: bool, text: String| words.extend(differs.then_some(text));
    say(
        before.audience != *audience,
        format!("tokens for {audience}"),
    );
    say(
        before.jwks_uri != *jwks_uri,
        format!("keys from {jwks_uri}"),
    );
    let more = algorithms
        .iter()
        .filter(|one| !before.algorithms.contains(one));
    let more: Vec<String> = more.map(|one| format!("{one:?}")).collect();
    say(
        !more.is_empty(),
        format!("signatures by {}", more.join(" and ")),
    );
    say(
        *loopback && !before.loopback,
        "keys over plain http from this machine".to_owned(),
    );
    say(
        before.mapping != *mapping,
        "other claims as a job's fields".to_owned(),
    );
    let private = *private_repositories && !before.private_repositories;
    say(private, "private repositories".to_owned());
    let mut demanded = before.required.iter();
    let dropped = demanded.any(|(claim, value)| required.get(claim) != Some(value));
    say(
        dropped,
        "tokens without a claim that is required now".to_owned(),
    );
    words
}
