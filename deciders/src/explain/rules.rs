//! The gem's own rules that were in force: what each asks of a push, and what came.
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use events::{api_key::Issued, claims::Workflow, rule::Rule, text::Text, time::Timestamp};

use super::{Check, check};
use crate::{
    Code, attestation,
    push::{self, Facts},
    rule::{self, Class},
};

/// All of them together, and then each that demands anything.
pub(super) fn rules(
    states: &push::States<'_>,
    issued: &Issued,
    facts: &Facts,
    now: Timestamp,
) -> Vec<Check> {
    let policy = states.policy.at(now);
    let kept = push::may_push_by_rules(states, issued, facts, now);
    let demanded = |rule: &Rule| {
        let in_force = rule::in_force(*rule, states.ledger, &policy, states.gem);
        in_force.unwrap_or(false)
    };
    let in_force: Vec<Rule> = Rule::ALL.into_iter().filter(demanded).collect();
    let names: Vec<&str> = in_force.iter().map(|rule| rule.as_str()).collect();
    let names = match names.as_slice() {
        [] => "none is in force".to_string(),
        names => format!("in force: {}", names.join(", ")),
    };
    let mut checks = vec![check(
        "rules",
        "every rule of the gem is kept",
        &names,
        kept.clone(),
    )];
    let exchanged = states.token.and_then(|token| token.exchanged.as_ref());
    let workflow = exchanged.map(|exchanged| &exchanged.workflow);
    for rule in in_force {
        let setting = policy.setting(rule).as_str();
        let least = rule::attestation(&policy, states.gem);
        let asked = format!("{setting}: {}", asked(rule, least, facts));
        let broken = kept.as_ref().err();
        let broken = broken.filter(|denial| denial.code == code(rule));
        checks.push(check(
            rule.as_str(),
            &asked,
            &came(states, rule, workflow, facts),
            broken.map_or(Ok(()), |denial| Err(denial.clone())),
        ));
    }
    checks
}

/// What a push is denied with that breaks it.
fn code(rule: Rule) -> Code {
    match rule {
        Rule::AttestationRequired => Code::AttestationRequired,
        Rule::EnvironmentRequired => Code::EnvironmentRequired,
        Rule::ProtectedRefRequired => Code::ProtectedRefRequired,
        Rule::SameAttemptRequired => Code::AttestationAttempt,
        Rule::TagMustEqualVersion => Code::TagVersionMismatch,
        Rule::TrustedPublishingOnly => Code::TrustedPublishingRequired,
    }
}

fn asked(rule: Rule, least: Option<Class>, facts: &Facts) -> String {
    match rule {
        Rule::AttestationRequired => {
            let least = least.map_or("none", Class::as_str);
            format!("an attestation, {least} at least")
        }
        Rule::EnvironmentRequired => "a publisher that names an environment".to_string(),
        Rule::ProtectedRefRequired => "a ref that the forge protects".to_string(),
        Rule::SameAttemptRequired => "attested by the very attempt that pushes".to_string(),
        Rule::TagMustEqualVersion => format!("refs/tags/v{}", facts.number),
        Rule::TrustedPublishingOnly => "a key of a trusted publisher".to_string(),
    }
}

/// The class of a bundle, by the trust root that verified it.
fn class(states: &push::States<'_>, bundle: &attestation::Facts) -> Class {
    let mut roots = states.trust_roots.iter();
    let root = roots.find(|(stream, _)| *stream == bundle.root.stream);
    let root = root.and_then(|(_, root)| root.version(bundle.root.revision));
    Class::with(bundle.entry.is_some(), root.is_some_and(|root| root.public))
}

fn came(
    states: &push::States<'_>,
    rule: Rule,
    workflow: Option<&Workflow>,
    facts: &Facts,
) -> String {
    let text = |value: &Option<Text>| {
        let value = value.as_ref().map(Text::as_str);
        value.unwrap_or("(absent)").to_string()
    };
    match (rule, workflow) {
        (Rule::AttestationRequired, _) => {
            let bundles = facts.attestations.iter();
            let best = bundles.map(|bundle| class(states, bundle));
            let best = best.max();
            best.map_or("none", Class::as_str).to_string()
        }
        (_, None) => "a key of an account".to_string(),
        (Rule::EnvironmentRequired, Some(job)) => text(&job.environment),
        (Rule::ProtectedRefRequired, Some(job)) => {
            let protected = match job.ref_protected {
                Some(true) => "protected",
                Some(false) | None => "not protected",
            };
            format!("{}, {protected}", text(&job.git_ref))
        }
        (Rule::SameAttemptRequired, Some(job)) => format!("attempt {}", text(&job.run_attempt)),
        (Rule::TagMustEqualVersion, Some(job)) => text(&job.git_ref),
        (Rule::TrustedPublishingOnly, Some(job)) => format!("one of {}", job.repository),
    }
}
