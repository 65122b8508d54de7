//! Sealed evidence: the operator is shown it at any time, an owner that of the own gem once it has expired.
use deciders::{Code, Denial};
use events::{
    Body,
    event::Draft,
    id::{Actor, Owner, Via},
    stream::StreamName,
    token::EvidenceOpened,
};

use crate::{
    fixtures::{account_id, folded, provisional, publisher},
    history::{History, audit},
    job::job,
    release::release,
};

/// Alice's gems `rake` and `thor`, and the token of a job that released `rake` alone.
fn released() -> (History, StreamName) {
    let mut history = History::public();
    let alice = Actor::Account(account_id(1));
    for account in 1..3 {
        history.create_account(account_id(account)).unwrap();
    }
    for gem in ["rake", "thor"] {
        let owner = Owner::Account(account_id(1));
        history.add_by(&alice, gem, provisional(), owner).unwrap();
    }
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    let token = history.token_of(key);
    let key = history.exchange(&job(2)).unwrap();
    history.released(key, &release("thor", "1.0"));
    (history, token)
}

const HOUR: u64 = 3600;

fn code(outcome: Result<(), Denial>) -> Result<(), Code> {
    outcome.map_err(|denial| denial.code)
}

#[test]
fn the_operator_is_shown_any_token_that_was_exchanged_at_any_time() {
    let (mut history, token) = released();
    history
        .open_evidence(&Actor::Operator, &token, None)
        .unwrap();
    history
        .open_evidence(&Actor::Operator, &token, None)
        .unwrap();
    assert_eq!(audit(&history.log), []);
    let (slug, expires, _) = token.token_parts().unwrap();
    let other = StreamName::token(&slug, expires, &events::digest::Digest::of(b"never"));
    let unknown = history.open_evidence(&Actor::Operator, &other, None);
    assert_eq!(code(unknown), Err(Code::NotFound));
}

#[test]
fn an_owner_is_shown_the_token_of_the_own_gem_once_it_has_expired() {
    let (mut history, token) = released();
    let alice = Actor::Account(account_id(1));
    let early = history.open_evidence(&alice, &token, Some("rake"));
    assert_eq!(code(early), Err(Code::EvidenceEarly));
    let (_, expires, _) = token.token_parts().unwrap();
    // The leeway of every window: a clock that lags may still take the token.
    history.now = expires.plus_seconds(29);
    let early = history.open_evidence(&alice, &token, Some("rake"));
    assert_eq!(code(early), Err(Code::EvidenceEarly));
    history.now = expires.plus_seconds(30);
    history.open_evidence(&alice, &token, Some("rake")).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn an_owner_who_looks_again_within_the_hour_is_shown_it_and_said_once() {
    let (mut history, token) = released();
    let alice = Actor::Account(account_id(1));
    history.later(2 * HOUR);
    let opened = |history: &History| {
        let events = history.log.iter();
        events
            .filter(|recorded| matches!(recorded.event.body, Body::EvidenceOpened(_)))
            .count()
    };
    for (seconds, times) in [(0, 1), (0, 1), (HOUR - 2, 1), (1, 2), (HOUR, 3)] {
        history.later(seconds);
        history.open_evidence(&alice, &token, Some("rake")).unwrap();
        assert_eq!(opened(&history), times, "{seconds}");
    }
    // What was said of alice says nothing of the operator, nor of another owner; and who owns it no more is not shown it.
    history
        .open_evidence(&Actor::Operator, &token, None)
        .unwrap();
    assert_eq!(opened(&history), 4);
    history.disable_account(account_id(1)).unwrap();
    let disabled = history.open_evidence(&alice, &token, Some("rake"));
    assert_eq!(code(disabled), Err(Code::AccountDisabled));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn nobody_else_is_shown_it() {
    let (mut history, token) = released();
    history.later(2 * HOUR);
    let bob = Actor::Account(account_id(2));
    let stranger = history.open_evidence(&bob, &token, Some("rake"));
    assert_eq!(code(stranger), Err(Code::NotOwner));
    let alice = Actor::Account(account_id(1));
    // Without a gem it is the operator's, and for a gem it is an owner's.
    let all = history.open_evidence(&alice, &token, None);
    assert_eq!(code(all), Err(Code::NotOwner));
    let operator = history.open_evidence(&Actor::Operator, &token, Some("rake"));
    assert_eq!(code(operator), Err(Code::NotOwner));
    // The same job could have released thor, and did not.
    let other = history.open_evidence(&alice, &token, Some("thor"));
    assert_eq!(code(other), Err(Code::EvidenceElsewhere));
    history.disable_account(account_id(1)).unwrap();
    let disabled = history.open_evidence(&alice, &token, Some("rake"));
    assert_eq!(code(disabled), Err(Code::AccountDisabled));
}

#[test]
fn an_owner_of_each_gem_that_a_token_released_is_shown_it() {
    let mut history = History::public();
    for account in 1..3 {
        history.create_account(account_id(account)).unwrap();
    }
    for (gem, account) in [("rake", 1), ("thor", 2)] {
        let (by, owner) = (account_id(account), Owner::Account(account_id(account)));
        history
            .add_by(&Actor::Account(by), gem, publisher(), owner)
            .unwrap();
    }
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    history.released(key, &release("thor", "1.0"));
    let token = history.token_of(key);
    history.later(2 * HOUR);
    for (gem, account) in [("rake", 1), ("thor", 2)] {
        let owner = Actor::Account(account_id(account));
        history.open_evidence(&owner, &token, Some(gem)).unwrap();
        let other = if gem == "rake" { "thor" } else { "rake" };
        let denied = history.open_evidence(&owner, &token, Some(other));
        assert_eq!(code(denied), Err(Code::NotOwner));
    }
    assert_eq!(audit(&history.log), []);
}

#[test]
fn evidence_that_was_opened_unlawfully_is_found() {
    let opened = |gem: Option<&str>| {
        Body::EvidenceOpened(EvidenceOpened {
            gem: gem.map(folded),
        })
    };
    let (alice, bob) = (Actor::Account(account_id(1)), Actor::Account(account_id(2)));
    for (actor, via, gem, seconds, finding) in [
        (&alice, Via::Http, Some("rake"), 60, "evidence_early"),
        (&bob, Via::Http, Some("rake"), 2 * HOUR, "not_owner"),
        (
            &alice,
            Via::Http,
            Some("thor"),
            2 * HOUR,
            "evidence_elsewhere",
        ),
        (&alice, Via::Http, None, 2 * HOUR, "not_owner"),
        (&Actor::Operator, Via::Http, None, 2 * HOUR, "actor"),
        (
            &Actor::Operator,
            Via::Console,
            Some("rake"),
            2 * HOUR,
            "not_owner",
        ),
    ] {
        let (mut history, token) = released();
        history.later(seconds);
        let draft = Draft::new(token, opened(gem));
        history.append(actor, via, vec![draft]);
        let findings = audit(&history.log);
        assert!(
            findings.iter().any(|found| found.code == finding),
            "{finding}: {findings:?}"
        );
    }
}
