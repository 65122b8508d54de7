//! Where a release was made, beside where the one before was made.
use events::Recorded;

use super::gems::{Gem, Origin};
use crate::monitor::{Finding, catalogue, catalogue::Entry};

fn finding(
    entry: &Entry,
    recorded: &Recorded,
    last: &Origin,
    what: &str,
    expected: impl ToString,
    found: impl ToString,
) -> Finding {
    let gem = recorded.event.stream.rest();
    Finding::new(entry, format!("{gem} was released from {what}"))
        .at(recorded)
        .since(last.index)
        .of_gem(gem)
        .not(expected, found)
}

/// `repository_changed`: another repository, by its immutable id or, on another provider, by anything.
pub fn repository_changed(recorded: &Recorded, last: &Origin, now: &Origin) -> Option<Finding> {
    let same = last.provider == now.provider && last.repository_id == now.repository_id;
    let name = |origin: &Origin| format!("{} (id {})", origin.repository, origin.repository_id);
    let entry = &catalogue::REPOSITORY_CHANGED;
    let what = "another repository than before";
    (!same).then(|| finding(entry, recorded, last, what, name(last), name(now)))
}

/// `workflow_changed`: another file, whatever its repository is called and whatever was tagged.
pub fn workflow_changed(recorded: &Recorded, last: &Origin, now: &Origin) -> Option<Finding> {
    if last.workflow == now.workflow {
        return None;
    }
    let name = |origin: &Origin| {
        let named = origin.workflow.as_deref();
        named.unwrap_or("a workflow without a name").to_owned()
    };
    let entry = &catalogue::WORKFLOW_CHANGED;
    let what = "another workflow than before";
    Some(finding(entry, recorded, last, what, name(last), name(now)))
}

/// `environment_vanished`: the job before ran in a deployment environment, this one in none.
pub fn environment_vanished(recorded: &Recorded, last: &Origin, now: &Origin) -> Option<Finding> {
    let before = last
        .environment
        .as_ref()
        .filter(|_| now.environment.is_none())?;
    let entry = &catalogue::ENVIRONMENT_VANISHED;
    let what = "no deployment environment";
    Some(finding(entry, recorded, last, what, before, "none"))
}

/// `self_hosted_runner`: the first release from a machine of the project's own, after others.
pub fn self_hosted_runner(recorded: &Recorded, before: &Gem, now: &Origin) -> Option<Finding> {
    let last = before.last.as_ref()?;
    let first = now.self_hosted && !before.self_hosted;
    let entry = &catalogue::SELF_HOSTED_RUNNER;
    let what = "a self-hosted runner for the first time";
    first.then(|| {
        finding(
            entry,
            recorded,
            last,
            what,
            "a runner of the provider",
            "self-hosted",
        )
    })
}
