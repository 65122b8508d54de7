//! Whether a release still says where it came from, and on whose word.
use events::{Recorded, gem::Pushed};

use super::gems::{Gem, Origin};
use crate::monitor::{Finding, catalogue};

/// `personal_push`: a person's key released a gem that has trusted publishers.
pub fn personal_push(recorded: &Recorded, before: &Gem, pushed: &Pushed) -> Option<Finding> {
    if pushed.source.is_some() || before.publishers.is_empty() {
        return None;
    }
    let gem = recorded.event.stream.rest();
    let text = format!(
        "{gem} {} was pushed with a person's key, though it has trusted publishers",
        pushed.number
    );
    Some(
        Finding::new(&catalogue::PERSONAL_PUSH, text)
            .at(recorded)
            .of_gem(gem)
            .not("a trusted publisher", format!("API key {}", pushed.api_key)),
    )
}

/// `provenance_lost`: releases before this one said where they came from.
pub fn lost(recorded: &Recorded, before: &Gem, now: Option<&Origin>) -> Option<Finding> {
    let last = before.last.as_ref().filter(|_| now.is_none())?;
    let gem = recorded.event.stream.rest();
    Some(
        Finding::new(
            &catalogue::PROVENANCE_LOST,
            format!("this release of {gem} has no source, earlier ones had"),
        )
        .at(recorded)
        .since(last.index)
        .of_gem(gem)
        .not(&last.repository, "no source"),
    )
}

/// `provenance_changed`: another provider speaks for this release than for the one before.
pub fn changed(recorded: &Recorded, last: &Origin, now: &Origin) -> Option<Finding> {
    let (before, after) = (last.provider.as_ref()?, now.provider.as_ref()?);
    if before == after {
        return None;
    }
    let gem = recorded.event.stream.rest();
    Some(
        Finding::new(
            &catalogue::PROVENANCE_CHANGED,
            format!("another identity provider speaks for this release of {gem}"),
        )
        .at(recorded)
        .since(last.index)
        .of_gem(gem)
        .not(before, after),
    )
}
