//! Denials: what was asked, what came, and whether the publisher would still ask it.
use deciders::{
    Code,
    policy::{Policy, PolicyAt},
};
use events::{denied::PushDenied, policy::Publisher, text::Text};

use super::{
    Before, Checked, Event, ExchangeDenied, Explained, FoldedName, StoreError, StreamName, Today,
};

fn check(code: &Text, expected: Option<&Text>, found: Option<&Text>) -> Checked {
    let name =
        Code::parse(code.as_str()).map_or("a rule that this version does not know", Code::message);
    Checked {
        name: name.to_owned(),
        expected: expected.map(ToString::to_string),
        found: found.map(ToString::to_string),
        passed: false,
        code: Some(code.to_string()),
    }
}

/// A denied push holds what the rules said, and not the file: it cannot be judged again.
pub(super) fn push(denied: &PushDenied) -> Explained {
    let PushDenied {
        api_key: _,
        code,
        count: _,
        expected,
        found,
        publisher: _,
    } = denied;
    (vec![check(code, expected.as_ref(), found.as_ref())], None)
}

pub(super) async fn exchange(
    then: &Before<'_>,
    now: &Before<'_>,
    event: &Event,
    denied: &ExchangeDenied,
) -> Result<Explained, StoreError> {
    let checks = vec![check(
        &denied.code,
        denied.expected.as_ref(),
        denied.found.as_ref(),
    )];
    let Ok(gem) = FoldedName::parse(event.stream.rest()) else {
        return Ok((checks, None));
    };
    let stream = StreamName::policy(&gem);
    let (before, after): (Policy, Policy) = (then.state(&stream).await?, now.state(&stream).await?);
    let (before, after) = (before.at(event.time), after.at(event.time));
    let Some(asked) = publisher(&before, denied) else {
        return Ok((checks, None));
    };
    let today = match publisher(&after, denied) {
        None => Today::new(
            true,
            format!(
                "publisher {} was removed since: it would be denied as well",
                denied.publisher
            ),
        ),
        Some(now) => compare(asked, now, denied),
    };
    Ok((checks, Some(today)))
}

fn publisher<'a>(policy: &'a PolicyAt, denied: &ExchangeDenied) -> Option<&'a Publisher> {
    let live = policy.publishers.get(&denied.publisher);
    let pending = policy.pending.get(&denied.publisher);
    live.map(|entry| &entry.publisher)
        .or_else(|| pending.map(|pending| &pending.publisher))
}

/// What the publisher asks where this denial struck.
fn asks(publisher: &Publisher, code: Option<Code>) -> Option<&Text> {
    let is = |other| code == Some(other);
    if is(Code::RepositoryIdMismatch) {
        publisher.repository_id.as_ref()
    } else if is(Code::OwnerIdMismatch) {
        publisher.owner_id.as_ref()
    } else if is(Code::WorkflowMismatch) {
        Some(&publisher.workflow)
    } else if is(Code::WorkflowRepositoryMismatch) {
        publisher.workflow_repository.as_ref()
    } else if is(Code::EnvironmentMismatch) {
        publisher.environment.as_ref()
    } else {
        None
    }
}

fn compare(then: &Publisher, now: &Publisher, denied: &ExchangeDenied) -> Today {
    let code = Code::parse(denied.code.as_str());
    let asked = asks(now, code);
    let passes = if code == Some(Code::RefNotAllowed) {
        now.any_ref
    } else {
        asked.is_some() && asked == denied.found.as_ref()
    };
    if passes {
        Today::new(
            false,
            "the publisher asks for something else today: this check would pass",
        )
    } else if asks(then, code) == asked {
        Today::new(
            true,
            "the publisher asks for the same today: it would be denied as well",
        )
    } else {
        Today::new(
            true,
            "the publisher asks for something else today, and not for this",
        )
    }
}
