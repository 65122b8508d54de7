//! Any lawful history, with one thing changed: the auditor must notice, unless that thing is truly free.
use events::{Event, Recorded, canonical, id::Via};
use serde_json::Value;

use crate::{
    fields::{Field, Mutant},
    fixtures::account_id,
    history::audit,
    rights::as_well,
    tour::tour,
};

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
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                found.push((pointer.into(), path.into()));
            }
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
        Value::Null | Value::Array(_) | Value::Object(_) => Vec::new(),
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
        ["different", "same"],
        ["same", "different"],
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
        if matches!(field, Field::Free(_)) || (field == Field::Chosen && !in_the_tour) {
            continue;
        }
        for value in others(leaf.pointer(&pointer).unwrap()) {
            let Some(forged) = changed(event, &pointer, value) else {
                continue;
            };
            if path == "via" && forged.via != Via::Http && event.via != Via::Http {
                continue; // The operator's two doors.
            }
            if path == "actor" && as_well(mutant, &forged) {
                continue; // Another owner's right, too.
            }
            if path == "time" && !time_is_bound(mutant, &forged) {
                continue;
            }
            let name = mutant.name();
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
    let name = mutant.name();
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
