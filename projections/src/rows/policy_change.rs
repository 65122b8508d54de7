//! Rules that were set, and changes of a policy that take effect later: one row each, whatever became of them.
use alloc::{
    string::{String, ToString},
    vec,
};
use events::{Body, Event, id::ChangeId, time::Timestamp};

use super::put;
use crate::{
    tables::POLICY_CHANGE,
    write::{Cell, Cells, Write},
};

fn key(event: &Event, change: ChangeId) -> Cells {
    vec![("gem", event.stream.rest().into()), ("id", change.0.into())]
}

/// The row of a change that this event declares. Owners that are there at once have none.
pub(super) fn declared(event: &Event) -> Option<Write> {
    let (kind, subject, setting, effective) = if let Body::RuleChanged(changed) = &event.body {
        let setting = Some(changed.to.as_str());
        let rule = changed.rule.as_str().to_string();
        let effective = changed.effective.unwrap_or(event.time);
        ("rule_changed", rule, setting, effective)
    } else if let Body::OwnerAdded(added) = &event.body {
        let owner = String::from(added.owner);
        ("owner_added", owner, None, added.effective?)
    } else if let Body::OwnerRemoved(removed) = &event.body {
        let owner = String::from(removed.owner);
        ("owner_removed", owner, None, removed.effective?)
    } else if let Body::PublisherAdded(added) = &event.body {
        let id = event.revision.to_string();
        let effective = added.effective.unwrap_or(event.time);
        ("publisher_added", id, None, effective)
    } else {
        return None;
    };
    let set = vec![
        ("kind", kind.into()),
        ("subject", subject.into()),
        ("setting", Cell::from(setting.map(ToString::to_string))),
        ("declared_at", event.time.millis().into()),
        ("effective_at", Timestamp::millis(effective).into()),
    ];
    Some(put(
        POLICY_CHANGE,
        key(event, ChangeId(event.revision)),
        set,
    ))
}

/// What became of a change: the column says what, and it holds when.
pub(super) fn ended(event: &Event, change: ChangeId, column: &'static str) -> Write {
    let set = vec![(column, Cell::from(event.time.millis()))];
    put(POLICY_CHANGE, key(event, change), set)
}
