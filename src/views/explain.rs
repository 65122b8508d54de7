//! Why an event is in the log: the rule behind it, each check with what was expected and found, and whether today's
//! policy would decide the same.
//!
//! The states are those before the event's request, folded from their streams; the checks are the rules' own. The
//! question about today keeps request and moment as they were, and takes policy, provider and account as they are now.
use deciders::{
    Denial, Ledger, exchange,
    explain::{self, Check},
    matching::{Job, match_policy},
    policy::Policy,
    provider::Provider,
    token::Token,
};
use events::{
    Body, Event, Recorded, State,
    attestation::Attested,
    denied::ExchangeDenied,
    id::{Actor, RequestId, Via},
    name::FoldedName,
    stream::StreamName,
    text::Slug,
    time::Timestamp,
    token::Exchanged,
};
use serde::Serialize;

use super::LONGEST;
use crate::store::{StoreError, reader::Reader};

mod denied;
mod push;
mod rule;

/// Most events of one request that are looked for on either side.
const LONGEST_GROUP: u64 = 512;

/// Why an event is in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Its place.
    pub log_index: u64,
    /// When.
    pub time: Timestamp,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// Its stream.
    pub stream: StreamName,
    /// By whom.
    pub actor: Actor,
    /// Through which door.
    pub via: Via,
    /// The command that it belongs to.
    pub request: RequestId,
    /// The log indexes of the command's events, from the first to before the last plus one.
    pub group: (u64, u64),
    /// `allowed`, or `denied`.
    pub decision: &'static str,
    /// Which rule let it in.
    pub rule: &'static str,
    /// Each check.
    pub checks: Vec<Checked>,
    /// What would be decided today, where that can be told.
    pub today: Option<Today>,
}

/// One check, as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What was checked.
    pub name: String,
    /// What was asked.
    pub expected: Option<String>,
    /// What came.
    pub found: Option<String>,
    /// It passed.
    pub passed: bool,
    /// The code, if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// What would be decided today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Today {
    /// The same as then.
    pub same: bool,
    /// Why, as a sentence.
    pub why: String,
}

impl Today {
    fn new(same: bool, why: impl Into<String>) -> Self {
        Self {
            same,
            why: why.into(),
        }
    }

    fn of(decided: Result<(), Denial>) -> Self {
        match decided {
            Ok(()) => Self::new(true, "today's policy would allow it as well"),
            Err(denial) => {
                let told = Denial {
                    tell: true,
                    ..denial
                };
                Self::new(
                    false,
                    format!("today it would be denied: {told} ({})", told.code.as_str()),
                )
            }
        }
    }
}

impl Checked {
    fn of(check: Check, about: Option<&str>) -> Self {
        Self {
            name: about.map_or_else(
                || check.name.to_owned(),
                |about| format!("{about}: {}", check.name),
            ),
            passed: check.denied.is_none(),
            code: check
                .denied
                .as_ref()
                .map(|denial| denial.code.as_str().to_owned()),
            expected: check.expected,
            found: check.found,
        }
    }
}

/// The log before one request, or all of it.
pub(super) struct Before<'a> {
    reader: &'a Reader,
    end: u64,
}

impl Before<'_> {
    pub(super) async fn state<S: State>(&self, stream: &StreamName) -> Result<S, StoreError> {
        let mut events = self.reader.stream(stream, 0, LONGEST).await?;
        events.retain(|recorded| recorded.index < self.end);
        Ok(events::fold(events.iter().map(|recorded| &recorded.event)))
    }
}

/// Why the event at this place is in the log; `None` beyond its end.
pub async fn explain(reader: &Reader, index: u64) -> Result<Option<Explanation>, StoreError> {
    let size = reader.head().await?.size;
    let recorded = reader.events(index, index.saturating_add(1)).await?.pop();
    let Some(recorded) = recorded.filter(|_| index < size) else {
        return Ok(None);
    };
    let group = group(reader, &recorded).await?;
    let first = group.first().map_or(index, |first| first.index);
    let end = group.last().map_or(index, |last| last.index) + 1;
    let then = Before { reader, end: first };
    let (after, now) = (Before { reader, end }, Before { reader, end: size });
    let event = &recorded.event;
    // A key is minted by an exchange, a name is taken by a push: what decided is the command, not its part.
    let deciding = group.iter().find(|other| {
        matches!(
            other.event.body,
            Body::TokenExchanged(_) | Body::ReleasePushed(_)
        )
    });
    let deciding = deciding.map_or(event, |deciding| &deciding.event);
    // A bundle has a rule of its own beside that of its push.
    let bundle = matches!(event.body, Body::ReleaseAttested(_));
    let ruled = if bundle { event } else { deciding };
    let mut decision = "allowed";
    let (checks, today) = if let Body::TokenExchanged(exchanged) = &deciding.body {
        exchange(&then, &now, deciding, exchanged).await?
    } else if let Body::ReleasePushed(pushed) = &deciding.body {
        let bundles = group.iter().filter_map(|other| {
            if let Body::ReleaseAttested(attested) = &other.event.body {
                Some(attested)
            } else {
                None
            }
        });
        let logs = [&then, &after, &now];
        let bundles: Vec<&Attested> = bundles.collect();
        push::push(logs, deciding, pushed, &bundles).await?
    } else if let Body::ExchangeDenied(denied) = &event.body {
        decision = "denied";
        denied::exchange(&then, &now, event, denied).await?
    } else if let Body::PushDenied(denied) = &event.body {
        decision = "denied";
        denied::push(denied)
    } else {
        (Vec::new(), None)
    };
    Ok(Some(Explanation {
        log_index: index,
        time: event.time,
        event_type: event.body.event_type().name,
        stream: event.stream.clone(),
        actor: event.actor.clone(),
        via: event.via,
        request: event.request,
        group: (first, end),
        decision,
        rule: rule::of(&ruled.body),
        checks,
        today,
    }))
}

/// The events of the same request, which are adjacent.
async fn group(reader: &Reader, recorded: &Recorded) -> Result<Vec<Recorded>, StoreError> {
    let from = recorded.index.saturating_sub(LONGEST_GROUP);
    let to = recorded.index.saturating_add(LONGEST_GROUP);
    let mut events = reader.events(from, to).await?;
    events.retain(|other| other.event.request == recorded.event.request);
    Ok(events)
}

type Explained = (Vec<Checked>, Option<Today>);

async fn exchange(
    then: &Before<'_>,
    now: &Before<'_>,
    event: &Event,
    exchanged: &Exchanged,
) -> Result<Explained, StoreError> {
    let Some((slug, expires_at, _)) = event.stream.token_parts() else {
        return Ok((Vec::new(), None));
    };
    let ledger: Ledger = then.state(&StreamName::log()).await?;
    let provider: Provider = then.state(&StreamName::provider(&slug)).await?;
    let token: Token = then.state(&event.stream).await?;
    let states = exchange::States {
        ledger: &ledger,
        provider: &provider,
        token: &token,
        policies: Vec::new(),
    };
    let identity = exchange::Identity {
        provider: &slug,
        audience: &exchanged.audience,
        issued_at: exchanged.issued_at,
        expires_at,
        provider_key: &exchanged.provider_key,
        keys_fetched: exchanged.keys_fetched,
        workflow: &exchanged.workflow,
    };
    let checks = explain::token(&states, &identity, event.time);
    let mut checks: Vec<Checked> = checks
        .into_iter()
        .map(|check| Checked::of(check, None))
        .collect();
    let mut today = Ok(());
    let provider_now: Provider = now.state(&StreamName::provider(&slug)).await?;
    for found in &exchanged.matches {
        let stream = StreamName::policy(&found.gem);
        let policy: Policy = then.state(&stream).await?;
        let policy = policy.at(event.time);
        let asked = policy
            .publishers
            .get(&found.publisher)
            .map(|entry| &entry.publisher);
        let asked = asked.or_else(|| {
            policy
                .pending
                .get(&found.publisher)
                .map(|pending| &pending.publisher)
        });
        if let (Some(asked), Some(registered)) = (asked, provider.settings(event.time)) {
            let job = Job {
                slug: &slug,
                provider: registered,
                workflow: &exchanged.workflow,
            };
            let about = format!("publisher {} of {}", found.publisher, found.gem);
            let checked = explain::job(&job, asked).into_iter();
            checks.extend(checked.map(|check| Checked::of(check, Some(&about))));
        }
        let policy: Policy = now.state(&stream).await?;
        let decided = matches_now(
            &ledger,
            &slug,
            &provider_now,
            exchanged,
            &policy,
            event.time,
        );
        today = today.and(decided.map_err(|denial| Denial {
            gem: Some(found.gem.clone()),
            ..denial
        }));
    }
    Ok((checks, Some(Today::of(today))))
}

/// Whether the job is still a publisher of this policy, at a provider that is still trusted.
fn matches_now(
    ledger: &Ledger,
    slug: &Slug,
    provider: &Provider,
    exchanged: &Exchanged,
    policy: &Policy,
    time: Timestamp,
) -> Result<(), Denial> {
    let rules = ledger.rulebook()?.rules;
    provider.trusted_key(&exchanged.provider_key)?;
    let job = Job {
        slug,
        provider: provider.live(time)?,
        workflow: &exchanged.workflow,
    };
    match_policy(&job, &policy.at(time), rules.provisional_seconds, time)
        .map(|_| ())
        .map_err(|mismatch| mismatch.denial)
}
