//! What the rules lead to, held against what the log says.
use alloc::{format, string::String, vec::Vec};
use events::{Body, event::Draft};

use super::{
    Finding,
    order::{Group, unlawful},
};

/// How much of a difference is shown.
const SHOWN: usize = 80;

/// Reports the first event of the group that is not the one that the rules lead to.
pub(super) fn compare(lawful: &[Draft], group: &Group, findings: &mut Vec<Finding>) {
    for (draft, recorded) in lawful.iter().zip(group.recorded()) {
        let event = &recorded.event;
        let name = event.body.event_type().name;
        let message = if draft.body.event_type() != event.body.event_type() {
            format!("{name} stands where {} must", draft.body.event_type().name)
        } else if draft.stream != event.stream {
            format!(
                "{name} stands in {} instead of {}",
                event.stream, draft.stream
            )
        } else if draft.body != event.body {
            difference(name, &draft.body, &event.body)
        } else if draft.sealed != event.sealed {
            format!("{name} seals what it must not")
        } else {
            continue;
        };
        findings.push(unlawful(recorded.index, "events", message));
        return;
    }
    let (wanted, found) = (lawful.len(), group.recorded().len());
    if let Some(surplus) = group.recorded().get(wanted) {
        let name = surplus.event.body.event_type().name;
        let message = format!("{name} is more than its request could lead to");
        findings.push(unlawful(surplus.index, "events", message));
    } else if let Some(missing) = lawful.get(found) {
        let name = missing.body.event_type().name;
        let message = format!("{name} in {} is missing from the request", missing.stream);
        findings.push(unlawful(group.index(), "events", message));
    }
}

fn difference(name: &str, lawful: &Body, recorded: &Body) -> String {
    let text = |body: &Body| {
        body.data()
            .ok()
            .and_then(|data| String::from_utf8(data).ok())
    };
    let (Some(lawful), Some(recorded)) = (text(lawful), text(recorded)) else {
        return format!("{name} differs from what the rules lead to");
    };
    let same = lawful
        .bytes()
        .zip(recorded.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    // From the last name before the difference on.
    let quotes = |text: &str| {
        text.get(..same)
            .and_then(|same| same.rfind(",\""))
            .unwrap_or(0)
    };
    let from = quotes(&lawful);
    let shown = |text: &str| -> String {
        text.get(from..)
            .unwrap_or_default()
            .chars()
            .take(SHOWN)
            .collect()
    };
    format!(
        "{name} says `{}` where the rules lead to `{}`",
        shown(&recorded),
        shown(&lawful)
    )
}
