//! A gem's policy: what it asks now, how it came to be, and whom it turned away.
use deciders::{Code, Ledger, gem::Gem, policy::Policy as State};
use events::{
    Body, Recorded,
    denied::{ExchangeDenied, PushDenied},
    id::{Actor, Owner, ProposalId, PublisherId, Via},
    name::FoldedName,
    policy::{PendingAdded, Publisher},
    stream::StreamName,
    time::Timestamp,
};

use super::whose;
use crate::{
    store::{StoreError, reader::Reader},
    views::{
        LONGEST, failed,
        rules::{self, Beyond, ChangeAt, RuleAt},
    },
};

/// Most denials in one list.
const MOST_DENIALS: u32 = 20;

/// Most changes of a policy in one list: an owner can make many.
const MOST_CHANGES: usize = 100;

/// Most overridden delays in one list.
const MOST_OVERRIDES: usize = 10;

/// A gem's policy at one moment, and its history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The gem's spelling; `None` until it is registered.
    pub name: Option<String>,
    /// Its owners.
    pub owners: Vec<Owner>,
    /// An owner's key could keep the rules.
    pub owners_push: bool,
    /// Its trusted publishers, and when one takes effect that does not yet.
    pub publishers: Vec<(PublisherId, Publisher, Option<Timestamp>)>,
    /// Publishers that wait for the first push, or are left over from before it.
    pub pending: Vec<(PublisherId, PendingAdded)>,
    /// Its rules.
    pub rules: Vec<RuleAt>,
    /// Changes that wait for their time.
    pub changes: Vec<ChangeAt>,
    /// What waits outside the policy and bears on it.
    pub beyond: Vec<Beyond>,
    /// The newest delays that two people overrode, the newest first.
    pub overrides: Vec<Override>,
    /// The newest changes, the newest first.
    pub history: Vec<Change>,
    /// How many changes there are in all.
    pub count: usize,
}

/// A delay that was overridden.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Its place in the log.
    pub log_index: u64,
    /// When.
    pub time: Timestamp,
    /// Who proposed it, and who agreed.
    pub by: [Actor; 2],
    /// Why it could not wait.
    pub reason: String,
}

/// One change of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the log.
    pub log_index: u64,
    /// When.
    pub time: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// Through which door.
    pub via: Via,
    /// What changed, as a sentence.
    pub what: String,
}

/// A denial that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// Its place in the log.
    pub log_index: u64,
    /// When.
    pub time: Timestamp,
    /// What was denied: a push or an exchange.
    pub what: &'static str,
    /// The stable code.
    pub code: String,
    /// Why, as a sentence.
    pub why: String,
    /// What was expected.
    pub expected: Option<String>,
    /// What came.
    pub found: Option<String>,
    /// The run that was denied.
    pub run: Option<String>,
    /// How often it happened since the last record.
    pub count: u64,
}

/// The policy of a gem after the first `covered` events, at this moment.
pub async fn policy(
    reader: &Reader,
    gem: &FoldedName,
    covered: u64,
    now: Timestamp,
) -> Result<Policy, StoreError> {
    let mut events = reader.stream(&StreamName::policy(gem), 0, LONGEST).await?;
    events.retain(|recorded| recorded.index < covered);
    let state: State = events::fold(events.iter().map(|recorded| &recorded.event));
    let state = state.at(now).into_owned();
    let ledger: Ledger = crate::views::state(reader, &StreamName::log()).await?;
    let releases: Gem = crate::views::state(reader, &StreamName::gem(gem)).await?;
    let rules = match state.name {
        Some(_) => rules::of(&ledger, &state, &releases),
        None => Vec::new(),
    };
    let owners_push = rules::lets_owners_push(&ledger, &state, &releases);
    let changes = rules::waiting(&state);
    let pending = state.live_pending(now);
    let pending = pending.map(|(id, pending)| (*id, pending.clone()));
    let pending = pending.collect();
    let beyond = rules::beyond(reader, &state, covered, now).await?;
    let publishers = state.publishers.into_iter();
    Ok(Policy {
        owners_push,
        rules,
        changes,
        beyond,
        overrides: overrides(&events),
        name: state.name.map(String::from),
        owners: state.owners.into_iter().collect(),
        publishers: publishers
            .map(|(id, entry)| {
                let waits = entry.waits_until(now);
                (id, entry.publisher, waits)
            })
            .collect(),
        pending,
        history: events
            .iter()
            .rev()
            .filter_map(change)
            .take(MOST_CHANGES)
            .collect(),
        count: events.len(),
    })
}

/// The delays that were overridden, with whoever proposed that.
fn overrides(events: &[Recorded]) -> Vec<Override> {
    let proposal = |proposal: ProposalId| {
        let mut events = events.iter().map(|recorded| &recorded.event);
        let found = events.find(|event| event.revision == proposal.0)?;
        if let Body::OverrideProposed(proposed) = &found.body {
            Some((found.actor.clone(), &proposed.reason))
        } else {
            None
        }
    };
    let shown = |recorded: &Recorded| {
        let Body::PolicyOverridden(overridden) = &recorded.event.body else {
            return None;
        };
        let (proposer, why) = proposal(overridden.proposal)?;
        Some(Override {
            log_index: recorded.index,
            time: recorded.event.time,
            by: [proposer, recorded.event.actor.clone()],
            reason: overridden.reason.as_ref().unwrap_or(why).to_string(),
        })
    };
    let newest = events.iter().rev().filter_map(shown);
    newest.take(MOST_OVERRIDES).collect()
}

/// When a change takes effect, as the end of a sentence.
fn from(effective: Option<Timestamp>) -> String {
    let words = |effective| format!(" from {effective} on");
    effective.map_or_else(String::new, words)
}

#[expect(clippy::too_many_lines, reason = "one line for each type of event")]
fn change(recorded: &Recorded) -> Option<Change> {
    let event = &recorded.event;
    let what = match &event.body {
        Body::GemRegistered(registered) => {
            format!("The gem was registered as {}.", registered.name)
        }
        Body::OwnerAdded(added) => match added.effective {
            None => format!("It belongs to {} from here on.", whose(added.owner)),
            Some(effective) => {
                format!("It belongs to {} from {effective} on.", whose(added.owner))
            }
        },
        Body::OwnerRemoved(removed) => format!(
            "It no longer belongs to {}{}.",
            whose(removed.owner),
            from(removed.effective)
        ),
        Body::RuleChanged(changed) => format!(
            "The rule {} was set to {}{}.",
            changed.rule.as_str(),
            changed.to.as_str(),
            from(changed.effective)
        ),
        Body::ChangeCancelled(cancelled) => format!("Change {} was cancelled.", cancelled.change),
        Body::OverrideProposed(proposed) => format!(
            "Somebody asked that change {} take effect at once: {}",
            proposed.change, proposed.reason
        ),
        Body::PolicyOverridden(overridden) => {
            let reason = overridden.reason.as_ref();
            let why = reason.map_or_else(|| ".".to_owned(), |reason| format!(": {reason}"));
            let change = overridden.change;
            format!("Change {change} took effect at once, by the word of two{why}")
        }
        Body::PublisherAdded(added) => format!(
            "Publisher {} was added{}: {}.",
            event.revision,
            from(added.effective),
            asks(&added.publisher)
        ),
        Body::PublisherPinned(pinned) => {
            let owner = pinned.owner_id.as_ref();
            let owner = owner.map_or_else(String::new, |id| format!(" and its owner to id {id}"));
            format!(
                "The repository of publisher {} was pinned to id {}{owner}.",
                pinned.publisher, pinned.repository_id
            )
        }
        Body::PublisherRemoved(removed) => format!("Publisher {} was removed.", removed.publisher),
        Body::PendingAdded(added) => format!(
            "The name was reserved for {} until {}; publisher {} waits for the first push: {}.",
            whose(added.owner),
            day(added.expires),
            event.revision,
            asks(&added.publisher)
        ),
        Body::PendingRemoved(removed) => format!(
            "Publisher {}, which waited for the first push, was removed.",
            removed.publisher
        ),
        Body::LogOpened(_)
        | Body::LogRulesChanged(_)
        | Body::LogSucceeded(_)
        | Body::SubjectErased(_)
        | Body::StatementKeyIntroduced(_)
        | Body::TrustRootRecorded(_)
        | Body::TrustRootRetired(_)
        | Body::EvidenceOpened(_)
        | Body::ReleaseAttested(_)
        | Body::ReleaseCompared(_)
        | Body::ProviderRegistered(_)
        | Body::ProviderKeysObserved(_)
        | Body::ProviderKeyDistrusted(_)
        | Body::ProviderDisabled(_)
        | Body::IssuerTaken(_)
        | Body::AccountCreated(_)
        | Body::AccountDisabled(_)
        | Body::TokenExchanged(_)
        | Body::ExchangeDenied(_)
        | Body::PushDenied(_)
        | Body::ApiKeyIssued(_)
        | Body::ApiKeyRevoked(_)
        | Body::ReleasePushed(_)
        | Body::ReleaseQuarantined(_)
        | Body::ReleaseRestored(_)
        | Body::NameTaken(_)
        | Body::FileTaken(_)
        | Body::MapRooted(_) => return None,
    };
    Some(Change {
        log_index: recorded.index,
        time: event.time,
        actor: event.actor.clone(),
        via: event.via,
        what,
    })
}

/// The day of a moment: `2026-11-30`.
fn day(time: Timestamp) -> String {
    time.to_seconds_text().chars().take(10).collect()
}

/// What a publisher asks of a job, in words.
fn asks(publisher: &Publisher) -> String {
    let Publisher {
        any_ref,
        environment,
        owner_id: _,
        provider,
        repository,
        repository_id: _,
        workflow,
        workflow_repository,
    } = publisher;
    let part = |before: &str, text: &Option<events::text::Text>| {
        let text = text.as_ref().map(|text| format!("{before}{text}"));
        text.unwrap_or_default()
    };
    let defined = part(", defined in ", workflow_repository);
    let environment = part(", environment ", environment);
    let refs = if *any_ref {
        "any ref"
    } else {
        "tags and protected branches"
    };
    format!("{workflow} of {repository} at {provider}{defined}{environment}, on {refs}")
}

/// The newest denials that concern a gem among the first `covered` events, the newest first.
pub async fn denials(
    reader: &Reader,
    gem: &FoldedName,
    covered: u64,
) -> Result<Vec<Denied>, StoreError> {
    let stream = StreamName::denied(gem);
    let last: Option<i64> =
        sqlx::query_scalar("SELECT MAX(revision) FROM event WHERE stream = $1 AND log_index < $2")
            .bind(stream.as_str().to_owned())
            .bind(super::integer(covered))
            .fetch_one(reader.pool())
            .await
            .map_err(failed)?;
    let Some(last) = last.and_then(|last| u64::try_from(last).ok()) else {
        return Ok(Vec::new());
    };
    let first = (last + 1).saturating_sub(u64::from(MOST_DENIALS));
    let events = reader.stream(&stream, first, MOST_DENIALS).await?;
    let covered = |recorded: &&Recorded| recorded.index < covered;
    Ok(events
        .iter()
        .rev()
        .filter(covered)
        .filter_map(denied)
        .collect())
}

fn denied(recorded: &Recorded) -> Option<Denied> {
    let (what, code, expected, found, run, count) =
        if let Body::ExchangeDenied(denied) = &recorded.event.body {
            let ExchangeDenied {
                code,
                count,
                expected,
                found,
                run_id,
                provider: _,
                publisher: _,
                repository_id: _,
            } = denied;
            ("exchange", code, expected, found, run_id.as_ref(), *count)
        } else if let Body::PushDenied(denied) = &recorded.event.body {
            let PushDenied {
                code,
                count,
                expected,
                found,
                api_key: _,
                publisher: _,
            } = denied;
            ("push", code, expected, found, None, *count)
        } else {
            return None;
        };
    Some(Denied {
        log_index: recorded.index,
        time: recorded.event.time,
        what,
        code: code.to_string(),
        why: Code::parse(code.as_str())
            .map_or(
                "for a reason that this version does not know",
                Code::message,
            )
            .to_owned(),
        expected: expected.as_ref().map(ToString::to_string),
        found: found.as_ref().map(ToString::to_string),
        run: run.map(ToString::to_string),
        count,
    })
}
