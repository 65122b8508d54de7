//! What every log keeps, and what an auditor says who does not know enough.
use deciders::{
    audit::{Auditor, Finding, Kind},
    ledger::EDITION,
};
use events::{
    Body, Recorded,
    event::{DecodeError, Draft},
    id::{Actor, Via},
    log::{Rules, RulesChanged},
    stream::StreamName,
};

use crate::{fixtures::account_id, history::audit};

use crate::forge::{found, rake};

#[test]
fn a_log_that_does_not_start_with_its_opening_is_found() {
    let mut history = rake();
    history.log.remove(0);
    for (index, recorded) in history.log.iter_mut().enumerate() {
        recorded.index = u64::try_from(index).unwrap();
    }
    assert_eq!(found(&history, 0), "events");
}

#[test]
fn a_ledger_that_is_opened_twice_is_found() {
    let mut history = rake();
    let from = history.log.len();
    let again = history.log[0].event.body.clone();
    history.append(
        &Actor::Operator,
        Via::Console,
        vec![Draft::new(StreamName::log(), again)],
    );
    assert_eq!(found(&history, from), "already_exists");
}

#[test]
fn order_is_kept_whatever_the_events_mean() {
    let code = |change: fn(&mut Vec<Recorded>)| {
        let mut log = rake().log;
        change(&mut log);
        let findings: Vec<Finding> = audit(&log);
        findings.first().expect("not noticed").code
    };
    assert_eq!(code(|log| log[3].index = 7), "index");
    assert_eq!(code(|log| log[3].event.revision = 7), "revision");
    assert_eq!(code(|log| log[4].event.time = log[0].event.time), "time");
}

#[test]
fn a_request_that_comes_back_is_found() {
    let mut history = rake();
    history.create_account(account_id(1)).unwrap();
    let last = history.log.len() - 1;
    history.log[last].event.request = history.log[0].event.request;
    assert_eq!(found(&history, last), "request");
}

#[test]
fn two_moments_or_two_actors_in_one_request_are_found() {
    let mut history = rake();
    let last = history.log.len() - 1;
    history.log[last].event.time = history.now;
    let codes: Vec<_> = audit(&history.log)
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert!(codes.contains(&"time"), "{codes:?}");
    let mut history = rake();
    history.log[last].event.actor = Actor::Operator;
    let codes: Vec<_> = audit(&history.log)
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert!(codes.contains(&"actor"), "{codes:?}");
}

#[test]
fn what_a_newer_program_wrote_cannot_be_told() {
    let mut history = rake();
    let changed = RulesChanged {
        edition: EDITION + 1,
        rules: Rules::default(),
    };
    let at = u64::try_from(history.log.len()).unwrap();
    let draft = Draft::new(StreamName::log(), Body::LogRulesChanged(changed));
    history.append(&Actor::Operator, Via::Console, vec![draft]);
    history.create_account(account_id(1)).unwrap();
    let findings = audit(&history.log);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(
        (findings[0].index, findings[0].kind),
        (at, Kind::CouldNotTell)
    );
    assert_eq!(findings[0].code, "unknown_edition");
}

#[test]
fn a_leaf_that_cannot_be_read_makes_all_that_follows_uncertain() {
    let history = rake();
    let mut auditor = Auditor::new();
    for recorded in &history.log[..4] {
        assert_eq!(auditor.check(recorded), []);
    }
    let findings = auditor.unreadable(4, &DecodeError::UnknownType("gem.blessed".into()));
    assert_eq!(
        (findings[0].index, findings[0].kind),
        (4, Kind::CouldNotTell)
    );
    let mut findings = auditor.check(&history.log[5]);
    findings.extend(
        history.log[6..]
            .iter()
            .flat_map(|recorded| auditor.check(recorded)),
    );
    findings.extend(auditor.finish());
    assert!(!findings.is_empty());
    assert!(
        findings
            .iter()
            .all(|finding| finding.kind == Kind::CouldNotTell)
    );
    let crooked = Auditor::new().unreadable(0, &DecodeError::NotCanonical);
    assert_eq!(crooked[0].kind, Kind::Unlawful);
}

#[test]
fn a_finding_says_what_differs() {
    let mut history = rake();
    let last = history.log.len() - 1;
    if let Body::ReleasePushed(pushed) = &mut history.log[last].event.body {
        pushed.policy.revision += 1;
    }
    let findings = audit(&history.log);
    let message = &findings[0].message;
    assert!(message.contains("release.pushed says"), "{message}");
    assert!(message.contains("\"policy\":{\"revision\":"), "{message}");
}
