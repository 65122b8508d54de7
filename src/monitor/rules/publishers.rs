//! Who may release a gem: new publishers, and pushes soon after the publishers changed.
use events::{
    Recorded,
    policy::{PendingAdded, Publisher, PublisherAdded},
};

use super::{Numbers, gems::Gem};
use crate::monitor::{Finding, catalogue};

/// `publisher_added`: a workflow may release a gem that exists.
///
/// One that was pending was told when it was added.
pub fn added(recorded: &Recorded, added: &PublisherAdded) -> Option<Finding> {
    if added.pending.is_some() {
        return None;
    }
    let gem = recorded.event.stream.rest();
    let text = format!("{} may release {gem}", words(&added.publisher));
    Some(
        Finding::new(&catalogue::PUBLISHER_ADDED, text)
            .at(recorded)
            .of_gem(gem),
    )
}

/// `publisher_added`: a workflow may make the first release of a name that is free.
pub fn pending(recorded: &Recorded, added: &PendingAdded) -> Finding {
    let gem = recorded.event.stream.rest();
    let text = format!(
        "{} may make the first release of {gem}",
        words(&added.publisher)
    );
    Finding::new(&catalogue::PUBLISHER_ADDED, text)
        .at(recorded)
        .of_gem(gem)
}

/// `publisher_then_push`: a gem that was released before, released again soon after its publishers changed.
pub fn then_push(recorded: &Recorded, before: &Gem, numbers: &Numbers) -> Option<Finding> {
    let (changed, index) = before.changed?;
    let hours = numbers.publisher_then_push_hours;
    let late = changed.plus_seconds(hours.saturating_mul(3600)) < recorded.event.time;
    if before.releases == 0 || late {
        return None;
    }
    let gem = recorded.event.stream.rest();
    let text = format!("{gem} was released within {hours} hours of a change of its publishers");
    Some(
        Finding::new(&catalogue::PUBLISHER_THEN_PUSH, text)
            .at(recorded)
            .since(index)
            .of_gem(gem)
            .not(
                format!("no release before {}", changed.plus_seconds(hours * 3600)),
                recorded.event.time,
            ),
    )
}

/// A publisher in words.
fn words(publisher: &Publisher) -> String {
    let Publisher {
        any_ref,
        environment,
        owner_id: _,
        provider,
        repository,
        repository_id,
        workflow,
        workflow_repository,
    } = publisher;
    let mut parts = vec![format!("{workflow} of {repository} on {provider}")];
    let environment = environment.as_ref();
    parts.extend(environment.map(|environment| format!("environment {environment}")));
    let defined = workflow_repository.as_ref();
    parts.extend(defined.map(|defined| format!("defined in {defined}")));
    if *any_ref {
        parts.push("from any ref".to_owned());
    }
    if repository_id.is_none() {
        parts.push("by name until its first push".to_owned());
    }
    parts.join(", ")
}
