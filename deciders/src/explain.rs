//! Why something was decided so: each check on its own, with what it asked and what it found.
//!
//! A judgement stops at the first check that fails. Here all of them run, the same functions on the same states, so that
//! whoever looks back sees not only that a request passed but what it passed.
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use events::{
    api_key::{Issued, Scope},
    claims::Workflow,
    policy::Publisher,
    text::Text,
    time::Timestamp,
};

use crate::{
    Code, Denial, exchange,
    matching::{CHECKS, Job},
    push,
};

mod attested;
mod rules;

pub use attested::attested;

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A stable name.
    pub name: &'static str,
    /// What it asked for.
    pub expected: Option<String>,
    /// What came.
    pub found: Option<String>,
    /// Why it failed, if it did.
    pub denied: Option<Denial>,
}

fn check<T>(name: &'static str, expected: &str, found: &str, outcome: Result<T, Denial>) -> Check {
    let said = |text: &str| (!text.is_empty()).then(|| text.to_string());
    Check {
        name,
        expected: said(expected),
        found: said(found),
        denied: outcome.err(),
    }
}

fn unless(denied: bool, code: Code) -> Result<(), Denial> {
    if denied { Err(code.into()) } else { Ok(()) }
}

fn stated(value: Option<&Text>) -> &str {
    value.map_or("", Text::as_str)
}

/// The checks of an exchange that do not depend on a policy.
pub fn token(
    states: &exchange::States<'_>,
    facts: &exchange::Identity<'_>,
    now: Timestamp,
) -> Vec<Check> {
    let (provider, key) = (states.provider, facts.provider_key);
    let mut checks = vec![
        check(
            "provider",
            "registered and not disabled",
            facts.provider.as_str(),
            provider.live(now),
        ),
        check(
            "provider_key",
            "recorded for the provider and not distrusted",
            &key.to_string(),
            provider.trusted_key(key),
        ),
    ];
    if let Some(registered) = provider.settings(now) {
        let other = *facts.audience != registered.audience;
        checks.push(check(
            "audience",
            registered.audience.as_str(),
            facts.audience.as_str(),
            unless(other, Code::AudienceMismatch),
        ));
        let visibility = stated(facts.workflow.visibility.as_ref());
        checks.push(
            if states.ledger.is_public() && !registered.private_repositories {
                let shown = exchange::public_repository(registered, facts.workflow);
                check("visibility", "public", visibility, shown)
            } else {
                check("visibility", "any", visibility, Ok(()))
            },
        );
    }
    if let Some(rulebook) = &states.ledger.rulebook {
        let rules = rulebook.rules;
        let (leeway, longest) = (rules.leeway_seconds, rules.token_lifetime_max_seconds);
        let age = rules.provider_keys_max_age_seconds;
        let expected = format!(
            "valid at {now} within {leeway} s, for at most {longest} s, keys fetched at most {age} s before"
        );
        let found = format!(
            "valid from {} to {}, keys fetched {}",
            facts.issued_at, facts.expires_at, facts.keys_fetched
        );
        let windows = exchange::windows(&rules, facts, now);
        checks.push(check("times", &expected, &found, windows));
    }
    let spent = states.token.exchanged.is_some();
    checks.push(check(
        "token_unspent",
        "never exchanged before",
        "",
        unless(spent, Code::TokenSpent),
    ));
    checks
}

/// The names of the checks of a job, in their order.
const JOB_CHECKS: [&str; CHECKS.len()] = [
    "repository",
    "ids",
    "job_repository",
    "workflow_repository",
    "workflow",
    "workflow_ref",
    "trigger",
    "ref",
    "environment",
];

/// The checks of a job against one publisher, in their order.
pub fn job(job: &Job<'_>, publisher: &Publisher) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, judge) in JOB_CHECKS.into_iter().zip(CHECKS) {
        let (expected, found) = asked(name, publisher, job.workflow);
        checks.push(check(name, &expected, &found, judge(job, publisher)));
    }
    checks
}

/// What a check asks of a publisher's job, and what the job stated.
fn asked(name: &str, publisher: &Publisher, job: &Workflow) -> (String, String) {
    let text = |value: &Option<Text>| stated(value.as_ref()).to_string();
    let defined = || {
        text(if job.job_workflow_ref.is_some() {
            &job.job_workflow_ref
        } else {
            &job.workflow_ref
        })
    };
    let ids = |repository: &str, owner: &str| {
        let any = |id: &str| {
            if id.is_empty() {
                "any".to_string()
            } else {
                id.to_string()
            }
        };
        format!("repository {}, owner {}", any(repository), any(owner))
    };
    let own = job.repository.as_str();
    match name {
        "repository" => (publisher.repository.to_string(), own.to_string()),
        "ids" => (
            ids(
                stated(publisher.repository_id.as_ref()),
                stated(publisher.owner_id.as_ref()),
            ),
            ids(job.repository_id.as_str(), stated(job.owner_id.as_ref())),
        ),
        "job_repository" => (job.repository_id.to_string(), text(&job.job_repository_id)),
        "workflow_repository" => {
            let named = publisher.workflow_repository.as_ref().map(Text::as_str);
            (named.unwrap_or(own).to_string(), defined())
        }
        "workflow" => (publisher.workflow.to_string(), defined()),
        "workflow_ref" => (text(&job.git_ref), text(&job.workflow_ref)),
        "trigger" => ("one that may release".to_string(), text(&job.trigger)),
        "ref" if publisher.any_ref => ("any".to_string(), text(&job.git_ref)),
        "ref" => (
            "a tag, or a protected branch".to_string(),
            text(&job.git_ref),
        ),
        _ => {
            let named = publisher.environment.as_ref().map(Text::as_str);
            (named.unwrap_or("any").to_string(), text(&job.environment))
        }
    }
}

/// The checks of a push, in their order.
pub fn push(states: &push::States<'_>, facts: &push::Facts, now: Timestamp) -> Vec<Check> {
    let issued = states.api_key.issued.as_ref();
    let expires = issued.and_then(|issued| issued.expires);
    let until = expires.map_or_else(
        || "never expires".to_string(),
        |expires| format!("expires {expires}"),
    );
    let mut checks = vec![check(
        "api_key",
        &format!("alive at {now}, with the scope push_rubygem"),
        &format!("{}, {until}", facts.api_key),
        states.api_key.allows(Scope::PushRubygem, now),
    )];
    if let Some(issued) = issued {
        checks.extend(of_key(states, issued, facts, now));
    }
    let file = facts.file.as_str();
    checks.push(check(
        "coherent",
        "file name, index line and digest of one release",
        file,
        push::coherent(facts),
    ));
    let release = states.gem.release(&facts.number, &facts.platform);
    let free = release.map_or(Ok(()), |release| push::existing(release, facts).map(|_| ()));
    checks.push(check(
        "version",
        "not released before, under any spelling",
        &format!("{} for {}", facts.number, facts.platform),
        free,
    ));
    checks.push(check(
        "file",
        "a file name that is free",
        file,
        unless(states.file.taken, Code::FileTaken),
    ));
    checks
}

fn of_key(
    states: &push::States<'_>,
    issued: &Issued,
    facts: &push::Facts,
    now: Timestamp,
) -> Vec<Check> {
    let only = issued.gem.as_ref();
    let other = only.is_some_and(|gem| *gem != facts.name.folded());
    let mut checks = vec![
        check(
            "holder",
            "an account or provider that is not disabled",
            "",
            push::holder_lives(states, issued, now),
        ),
        check(
            "authority",
            "an owner, a name that is free, or a publisher that the job is",
            "",
            push::may_push(states, issued, facts, now),
        ),
    ];
    checks.extend(rules::rules(states, issued, facts, now));
    checks.extend([
        check(
            "gem_scope",
            only.map_or("any gem", |gem| gem.as_str()),
            facts.name.as_str(),
            unless(other, Code::GemScope),
        ),
        check(
            "one_version",
            "no other version by this key",
            facts.number.as_str(),
            push::one_version(states, issued, facts),
        ),
    ]);
    checks
}
