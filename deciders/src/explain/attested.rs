//! The checks of one bundle that came with a push: its trust root, its evidence, its time, and each pair that was compared.
use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use events::{
    attestation::{Attested, Compared, Field},
    policy::Publisher,
    rule::Rule,
    text::Text,
    time::Timestamp,
};

use super::{Check, check};
use crate::{
    Code, Denial,
    attestation::{self, Facts, code_of},
    matching::Job,
    push, rule,
};

type Judged = Result<Vec<Compared>, Denial>;

/// The checks of a bundle as it was recorded, held against the job that pushed and the publisher that it is.
pub fn attested(
    states: &push::States<'_>,
    recorded: &Attested,
    job: &Job<'_>,
    publisher: &Publisher,
    now: Timestamp,
) -> Vec<Check> {
    let root = &recorded.root;
    let mut roots = states.trust_roots.iter();
    let found = roots.find(|(stream, _)| *stream == root.stream);
    let found = found.map(|(_, found)| *found);
    let (policy, rule) = (states.policy.at(now), Rule::SameAttemptRequired);
    let judged = rule::in_force(rule, states.ledger, &policy, states.gem).and_then(|same| {
        attestation::judge(&Facts::recorded(recorded), found, job, publisher, same, now)
    });
    let kind = recorded.predicate.as_ref().map(Text::as_str);
    let requires = found.and_then(|found| found.version(root.revision));
    let requires = requires.map_or_else(String::new, |version| {
        let requires = version.requires;
        let log = requires.log.then(|| "a log entry".to_string());
        evidence(log, requires.sct, requires.timestamp)
    });
    let entry = recorded.entry.as_ref();
    let entry = entry.map(|entry| format!("entry {} of the log {}", entry.index, entry.log));
    let mut checks = vec![
        check(
            "bundle",
            "made by the run that pushes, for this very file",
            &format!(
                "{}, {}",
                kind.unwrap_or("a message signature"),
                recorded.bundle
            ),
            judged.as_ref().map(|_| ()).map_err(Denial::clone),
        ),
        check(
            "trust_root",
            &format!("in force, and for the jobs of {}", job.provider.issuer),
            &format!("{}, revision {}", root.stream, root.revision),
            unless(
                &judged,
                &[Code::AttestationRootUnknown, Code::AttestationRootIssuer],
            ),
        ),
        check(
            "evidence",
            &requires,
            &evidence(entry, recorded.sct, recorded.timestamp),
            unless(&judged, &[Code::AttestationEvidence]),
        ),
        check(
            "signed",
            &format!("not after {now}"),
            &recorded.signed.to_string(),
            unless(&judged, &[Code::AttestationFuture]),
        ),
    ];
    checks.extend(recorded.compared.iter().map(|pair| {
        check(
            name(pair.field),
            pair.expected.as_str(),
            pair.certificate.as_str(),
            holds(&judged, pair),
        )
    }));
    checks
}

fn evidence(entry: Option<String>, sct: bool, timestamp: bool) -> String {
    let sct = sct.then(|| "a certificate timestamp".to_string());
    let timestamp = timestamp.then(|| "a timestamp".to_string());
    let all: Vec<String> = [entry, sct, timestamp].into_iter().flatten().collect();
    all.join(", ")
}

/// Whether the judgement was another one than a denial for one of these reasons.
fn unless(judged: &Judged, codes: &[Code]) -> Result<(), Denial> {
    match judged {
        Err(denial) if codes.contains(&denial.code) => Err(denial.clone()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether the pair that was recorded is the one that the rules make of both sides.
fn holds(judged: &Judged, pair: &Compared) -> Result<(), Denial> {
    let code = code_of(pair.field);
    match judged {
        Ok(pairs) if !pairs.contains(pair) => Err(code.into()),
        Ok(_) | Err(_) => unless(judged, &[code]),
    }
}

/// The field's name, as its code has it.
fn name(field: Field) -> &'static str {
    let code = code_of(field).as_str();
    let name = code.strip_prefix("attestation_");
    name.and_then(|name| name.strip_suffix("_mismatch"))
        .unwrap_or(code)
}
