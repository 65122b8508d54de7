//! Any lawful history, with one thing changed: the auditor must notice, unless that thing is truly free.
//!
//! What is free is named field by field, with the reason. A field that is in neither list fails the test, so that a new
//! one cannot be forgotten.
use events::{
    Body, Event, Recorded,
    api_key::Holder,
    canonical,
    id::{Actor, Via},
};
use serde_json::Value;

use crate::{
    history::{account_id, audit},
    tour::tour,
};

/// What must come of a change to one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// It follows from other events: a change contradicts them.
    Bound,
    /// Somebody chose it; a change is noticed as soon as something follows from the choice. In the tour, something does.
    Chosen,
    /// No other event says anything of it. The reason.
    Free(&'static str),
}

use Field::{Bound, Chosen, Free};

const COMMITMENT: Field =
    Free("a commitment to a value off the log: whoever is shown the value can tell");
const EVIDENCE: Field =
    Free("a claim that no rule reads: whoever is shown the sealed token can tell");
const FILE: Field = Free("a fact about the file: whoever has the file can tell");
const WILL: Field =
    Free("the operator's or an owner's own choice, and the log is where it is made");
const COUNT: Field = Free("what was not recorded leaves no trace to count");
const ANCHOR: Field = Free("held against the signed checkpoints by whoever verifies them");

/// Denials whose expectation is the publisher's own setting.
const ASKED_BY_PUBLISHER: [&str; 4] = [
    "repository_id_mismatch",
    "owner_id_mismatch",
    "workflow_mismatch",
    "environment_mismatch",
];

/// A history and what of it is asked.
pub(crate) struct Mutant<'a> {
    pub(crate) log: &'a [Recorded],
    pub(crate) index: usize,
}

impl Mutant<'_> {
    fn event(&self) -> &Event {
        &self.log[self.index].event
    }

    fn group(&self) -> Vec<&Event> {
        let request = self.event().request;
        let events = self.log.iter().map(|recorded| &recorded.event);
        events.filter(|event| event.request == request).collect()
    }

    fn is_part_of_a_push(&self) -> bool {
        let release = |event: &&Event| matches!(event.body, Body::ReleasePushed(_));
        self.group().iter().any(release)
    }

    /// Whether it stands in a group that cannot be taken apart. A registration and its keys could have been two
    /// commands, as could the removal of a publisher and its addition.
    fn is_one_of_many(&self) -> bool {
        let group = self.group();
        let apart = |event: &Event| {
            matches!(
                event.body,
                Body::ProviderKeysObserved(_) | Body::PublisherRemoved(_) | Body::PendingRemoved(_)
            )
        };
        group.len() > 1 && !apart(self.event()) && !group.first().is_some_and(|first| apart(first))
    }

    /// Whether some release repeats what this exchange recorded.
    fn is_repeated(&self) -> bool {
        let stream = &self.event().stream;
        self.log.iter().any(|recorded| match &recorded.event.body {
            Body::ReleasePushed(pushed) => pushed
                .source
                .as_ref()
                .is_some_and(|source| source.exchange.stream == *stream),
            _ => false,
        })
    }

    fn continues(&self) -> bool {
        let later = &self.log[self.index + 1..];
        later
            .iter()
            .any(|recorded| recorded.event.stream == self.event().stream)
    }

    /// What a change of this field must lead to.
    fn field(&self, path: &str) -> Field {
        match path {
            "actor" | "revision" | "type" | "v" | "via" => Bound,
            "time" => Bound,
            "request" if self.is_one_of_many() => Bound,
            "request" => Free("an opaque name, of a command that is whole without the others"),
            "stream" => self.stream(),
            _ if path.starts_with("sealed.") => COMMITMENT,
            _ => self.data(path.strip_prefix("data.").unwrap()),
        }
    }

    fn stream(&self) -> Field {
        let exchanged =
            |issued: &events::api_key::Issued| matches!(issued.holder, Holder::Exchange(_));
        match &self.event().body {
            Body::AccountDisabled(_) => WILL,
            Body::AccountCreated(_) => Chosen,
            Body::ApiKeyIssued(issued) if !exchanged(issued) => Chosen,
            Body::PendingRemoved(_) | Body::PublisherRemoved(_) => Chosen,
            Body::ApiKeyRevoked(_) => Chosen,
            _ => Bound,
        }
    }

    fn data(&self, path: &str) -> Field {
        match &self.event().body {
            Body::LogOpened(_) => match path {
                "edition" | "format" => Bound,
                "nonce" | "origin" | "vkey" => ANCHOR,
                "visibility" => WILL,
                _ => rules(path),
            },
            Body::LogRulesChanged(_) if path == "edition" => Bound,
            Body::LogRulesChanged(_) => rules(path),
            Body::SubjectErased(_) => Free("which values are gone shows in the vault alone"),
            Body::ProviderRegistered(_) => match path {
                "issuer" => Bound,
                "algorithms[]"
                | "audience"
                | "jwks_uri"
                | "kind"
                | "loopback"
                | "private_repositories" => WILL,
                _ if path.starts_with("mapping.") || path.starts_with("required[]") => WILL,
                _ => panic!("{path}"),
            },
            Body::ProviderKeysObserved(_) if path == "keys[].kid" => {
                Free("the provider's own name for a key, kept to find it")
            }
            Body::TokenExchanged(_) => self.exchanged(path),
            Body::ExchangeDenied(denied) => match path {
                "count" => COUNT,
                "found" | "run_id" => EVIDENCE,
                "expected" if !ASKED_BY_PUBLISHER.contains(&denied.code.as_str()) => EVIDENCE,
                // Another publisher of the same repository may have come as close.
                "publisher" => Chosen,
                "code" | "provider" | "repository_id" | "expected" => Bound,
                _ => panic!("{path}"),
            },
            Body::PushDenied(_) => match path {
                "count" => COUNT,
                "expected" | "found" => FILE,
                // Another key, or another publisher, of the same repository.
                "api_key" | "publisher" => Chosen,
                "code" => Bound,
                _ => panic!("{path}"),
            },
            Body::ApiKeyIssued(issued) => match (&issued.holder, path) {
                (_, "digest") => Free("the digest of a secret: whoever has the key can tell"),
                (Holder::Account(_), "expires" | "gem" | "scopes[]") => WILL,
                (Holder::Account(_), _) => Chosen,
                _ => Bound,
            },
            Body::ReleasePushed(pushed) => match path {
                "document" | "size" => FILE,
                // Another key of the same account.
                "api_key" if pushed.source.is_none() => Chosen,
                // Its last byte is in a requirement. What it says of version and checksum is bound.
                "info" => FILE,
                _ => Bound,
            },
            Body::PublisherAdded(_) if self.is_part_of_a_push() => Bound,
            Body::PublisherAdded(_) if path.starts_with("publisher.") => self.publisher(path),
            Body::PendingAdded(_) if path.starts_with("publisher.") => self.publisher(path),
            Body::PendingAdded(_) if path == "owner" => self.owner(),
            Body::PublisherRemoved(_) | Body::PendingRemoved(_) => Chosen,
            Body::PendingAdded(_)
            | Body::PublisherAdded(_)
            | Body::ProviderKeysObserved(_)
            | Body::ProviderKeyDistrusted(_)
            | Body::ProviderDisabled(_)
            | Body::IssuerTaken(_)
            | Body::AccountCreated(_)
            | Body::AccountDisabled(_)
            | Body::GemRegistered(_)
            | Body::OwnerAdded(_)
            | Body::PublisherPinned(_)
            | Body::ApiKeyRevoked(_)
            | Body::NameTaken(_)
            | Body::FileTaken(_) => Bound,
        }
    }

    fn publisher(&self, path: &str) -> Field {
        match path {
            "publisher.any_ref"
            | "publisher.environment"
            | "publisher.owner_id"
            | "publisher.provider"
            | "publisher.repository"
            | "publisher.repository_id"
            | "publisher.workflow"
            | "publisher.workflow_repository" => WILL,
            _ => panic!("{path}"),
        }
    }

    /// An account reserves for itself alone.
    fn owner(&self) -> Field {
        match self.event().actor {
            Actor::Operator => WILL,
            Actor::Account(_) | Actor::Workflow(..) => Bound,
        }
    }

    fn exchanged(&self, path: &str) -> Field {
        match path {
            "issued_at" | "keys_fetched" => {
                Free("a moment within its window: the sealed token says when it was issued")
            }
            "workflow.repository_id" => Bound,
            _ if path.starts_with("workflow.") => {
                if self.is_repeated() {
                    Bound
                } else {
                    EVIDENCE
                }
            }
            _ => Bound,
        }
    }
}

fn rules(path: &str) -> Field {
    assert!(path.starts_with("rules."), "{path}");
    WILL
}

/// Every scalar of a leaf, by its pointer, and by its path without places in lists.
fn scalars(value: &Value) -> Vec<(String, String)> {
    fn walk(value: &Value, pointer: &str, path: &str, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    let dot = if path.is_empty() { "" } else { "." };
                    walk(
                        member,
                        &format!("{pointer}/{name}"),
                        &format!("{path}{dot}{name}"),
                        found,
                    );
                }
            }
            Value::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    walk(
                        item,
                        &format!("{pointer}/{place}"),
                        &format!("{path}[]"),
                        found,
                    );
                }
            }
            _ => found.push((pointer.into(), path.into())),
        }
    }
    let mut found = Vec::new();
    walk(value, "", "", &mut found);
    found
}

/// Other values that might stand in its place. Those that no event can have are refused when they are read.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(flag) => vec![Value::Bool(!flag)],
        Value::Number(number) => {
            let number = number.as_u64().unwrap();
            let less = number.checked_sub(1).map(Value::from);
            [Some(Value::from(number + 1)), less]
                .into_iter()
                .flatten()
                .collect()
        }
        Value::String(text) => other_texts(text).into_iter().map(Value::from).collect(),
        _ => Vec::new(),
    }
}

fn other_texts(text: &str) -> Vec<String> {
    let mut others = vec![format!("account:{}", account_id(3))];
    let words = [
        ["console", "http"],
        ["server", "http"],
        ["http", "console"],
        ["holder", "operator"],
        ["operator", "holder"],
        ["push_rubygem", "yank_rubygem"],
    ];
    let word = words.iter().find(|pair| pair[0] == text);
    others.extend(word.map(|pair| pair[1].to_string()));
    let is_time = text.ends_with('Z') && text.contains('T');
    // The last letter or digit becomes its neighbour; of a time, the last digit of its seconds.
    let end = if is_time { text.len() - 5 } else { text.len() };
    let place = text[..end].rfind(|c: char| c.is_ascii_alphanumeric());
    for step in [1, -1] {
        if let Some(place) = place {
            let byte = i16::from(text.as_bytes()[place]) + step;
            let next = char::from(u8::try_from(byte).unwrap());
            if next.is_ascii_alphanumeric() {
                others.push(format!("{}{next}{}", &text[..place], &text[place + 1..]));
            }
        }
    }
    others.retain(|other| other != text);
    others
}

/// The event with another value at this pointer, if there is such an event.
fn changed(event: &Event, pointer: &str, value: Value) -> Option<Event> {
    let mut leaf: Value = serde_json::from_slice(&event.to_leaf().unwrap()).unwrap();
    *leaf.pointer_mut(pointer).unwrap() = value;
    Event::read(&canonical::to_bytes(&leaf).ok()?).ok()
}

/// Changes every field of one event in every way; returns how many changes the auditor had to notice, or the one that it
/// did not.
pub(crate) fn check_fields(mutant: &Mutant<'_>, in_the_tour: bool) -> Result<usize, String> {
    let event = mutant.event();
    let leaf: Value = serde_json::from_slice(&event.to_leaf().unwrap()).unwrap();
    let mut noticed = 0;
    for (pointer, path) in scalars(&leaf) {
        let field = mutant.field(&path);
        if matches!(field, Free(_)) || (field == Chosen && !in_the_tour) {
            continue;
        }
        for value in others(leaf.pointer(&pointer).unwrap()) {
            let Some(forged) = changed(event, &pointer, value) else {
                continue;
            };
            if path == "via" && forged.via != Via::Http && event.via != Via::Http {
                continue; // The operator's two doors.
            }
            if path == "time" && !time_is_bound(mutant, &forged) {
                continue;
            }
            let name = event.body.event_type().name;
            let mut log = mutant.log.to_vec();
            log[mutant.index].event = forged.clone();
            if audit(&log).is_empty() {
                return Err(format!("{name} {path} became {forged:?}"));
            }
            noticed += 1;
        }
    }
    Ok(noticed)
}

/// A command of one event may have happened at any moment between its neighbours, unless a deadline hangs on it.
fn time_is_bound(mutant: &Mutant<'_>, forged: &Event) -> bool {
    let before = mutant
        .index
        .checked_sub(1)
        .map(|before| mutant.log[before].event.time);
    let after = mutant
        .log
        .get(mutant.index + 1)
        .map(|after| after.event.time);
    mutant.group().len() > 1
        || before.is_some_and(|before| forged.time < before)
        || after.is_some_and(|after| forged.time > after)
}

#[test]
fn no_bound_field_of_the_tour_can_change_unnoticed() {
    let log = tour().log;
    let noticed: usize = (0..log.len())
        .map(|index| check_fields(&Mutant { log: &log, index }, true).unwrap())
        .sum();
    assert!(noticed > 1500, "{noticed}");
}

/// The same log with other events, counted anew.
fn renumbered(events: Vec<Event>) -> Vec<Recorded> {
    (0..)
        .zip(events)
        .map(|(index, event)| Recorded { index, event })
        .collect()
}

fn events_of(log: &[Recorded]) -> Vec<Event> {
    log.iter().map(|recorded| recorded.event.clone()).collect()
}

/// Drops, repeats and swaps one event of a history.
pub(crate) fn check_order(mutant: &Mutant<'_>) -> Result<(), String> {
    let (log, index) = (mutant.log, mutant.index);
    let name = mutant.event().body.event_type().name;
    let noticed = |what: &str, log: &[Recorded]| match audit(log).first() {
        Some(_) => Ok(()),
        None => Err(format!("{name} at {index} was {what}")),
    };
    // A log without its last event is a log, until its signed size is asked for.
    if index + 1 < log.len() {
        let mut gap = log.to_vec();
        gap.remove(index);
        noticed("dropped", &gap)?;
        let mut events = events_of(log);
        events.swap(index, index + 1);
        noticed("swapped", &renumbered(events))?;
    }
    if !mutant.may_never_have_happened() {
        let mut events = events_of(log);
        events.remove(index);
        noticed("taken out", &renumbered(events))?;
    }
    let mut events = events_of(log);
    events.insert(index, events[index].clone());
    noticed("repeated", &renumbered(events))
}

impl Mutant<'_> {
    /// Whether the log without this event is another lawful history, which the signed checkpoints alone exclude: a
    /// command of which nothing follows, or the rest of whose events are a command too.
    fn may_never_have_happened(&self) -> bool {
        let rest: Vec<_> = self
            .group()
            .into_iter()
            .filter(|event| *event != self.event())
            .collect();
        let removal = |event: &&Event| {
            matches!(
                event.body,
                Body::PublisherRemoved(_) | Body::PendingRemoved(_)
            )
        };
        let is_observation = matches!(self.event().body, Body::ProviderKeysObserved(_));
        !self.continues() && (rest.is_empty() || is_observation || rest.iter().all(removal))
    }
}

#[test]
fn no_event_of_the_tour_can_be_dropped_repeated_or_swapped_unnoticed() {
    let log = tour().log;
    for index in 0..log.len() {
        check_order(&Mutant { log: &log, index }).unwrap();
    }
}

#[test]
fn no_event_of_the_tour_can_come_from_another_stream_kind() {
    let log = tour().log;
    for recorded in &log {
        let leaf = String::from_utf8(recorded.event.to_leaf().unwrap()).unwrap();
        let stream = recorded.event.stream.as_str();
        let other = if stream == "log" { "gem/rake" } else { "log" };
        let moved = leaf.replace(
            &format!("\"stream\":\"{stream}\",\"time\""),
            &format!("\"stream\":\"{other}\",\"time\""),
        );
        assert!(Event::read(moved.as_bytes()).is_err());
    }
}
