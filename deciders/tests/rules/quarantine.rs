//! Quarantine: who may withhold a release, what that takes from everybody else, and what only its lifting gives back.
use deciders::Code;
use events::{
    Body,
    api_key::Scope,
    id::{Actor, Via},
    stream::StreamName,
};

use crate::{
    fixtures::{account_id, folded},
    history::{History, audit},
    release::release,
};

/// A ledger with `thor` 1.0 by an account, and the account's key.
fn released() -> (History, events::id::ApiKeyId) {
    let mut history = History::public();
    history.create_account(account_id(1)).unwrap();
    let key = history.issue(account_id(1), &[Scope::PushRubygem], |_| {});
    let key = key.unwrap();
    history.released(key, &release("thor", "1.0"));
    (history, key)
}

fn code(denied: Result<(), deciders::Denial>) -> Code {
    denied.unwrap_err().code
}

#[test]
fn a_quarantined_version_stays_taken_even_for_the_very_same_bytes() {
    let (mut history, key) = released();
    history.quarantine("thor", "1.0").unwrap();
    for file in [
        release("thor", "1.0"),
        release("thor", "1.0").content("other"),
    ] {
        let denial = history.push(key, &file).unwrap_err();
        assert_eq!(denial.code, Code::ReleaseQuarantined);
        assert_eq!(denial.found.as_deref(), Some("thor-1.0"));
    }
    let spelled = history.push(key, &release("thor", "1.0.0")).unwrap_err();
    assert_eq!(spelled.code, Code::VersionSpelledDifferently);
    history.released(key, &release("thor", "1.1"));
    history.released(key, &release("thor", "1.0").platform("java"));
    history.restore("thor", "1.0").unwrap();
    assert!(history.push(key, &release("thor", "1.0")).is_ok());
    assert_eq!(audit(&history.log), []);
}

#[test]
fn what_is_withheld_is_not_withheld_twice_and_what_is_served_is_not_restored() {
    let (mut history, _) = released();
    assert_eq!(code(history.quarantine("thor", "9")), Code::NotFound);
    assert_eq!(code(history.quarantine("rake", "1.0")), Code::NotFound);
    assert_eq!(code(history.restore("thor", "1.0")), Code::NotQuarantined);
    // However it is spelled, the event names the release as it was released.
    history.quarantine("Thor", "1.0.0").unwrap();
    let Body::ReleaseQuarantined(quarantined) = &history.log.last().unwrap().event.body else {
        panic!("another event");
    };
    assert_eq!(
        (quarantined.number.as_str(), quarantined.name.as_str()),
        ("1.0", "thor")
    );
    assert_eq!(
        code(history.quarantine("thor", "1.0")),
        Code::ReleaseQuarantined
    );
    history.restore("thor", "1.0").unwrap();
    history.quarantine("thor", "1.0").unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn only_the_operator_at_the_console_withholds_and_gives_back() {
    let (mut history, _) = released();
    history.quarantine("thor", "1.0").unwrap();
    let drafts = |history: &History| {
        let gem: deciders::gem::Gem = history.state(&StreamName::gem(&folded("thor")));
        let (number, platform) = gem.releases.keys().next().unwrap().clone();
        let number = events::version::GemVersion::parse(&number).unwrap();
        deciders::gem::restore(&history.ledger(), &gem, &number, &platform, None).unwrap()
    };
    for (actor, via) in [
        (Actor::Account(account_id(1)), Via::Http),
        (Actor::Account(account_id(1)), Via::Console),
        (Actor::Operator, Via::Http),
    ] {
        let mut forged = history.clone();
        let restored = drafts(&forged);
        forged.append(&actor, via, restored);
        let findings = audit(&forged.log);
        assert!(
            findings.iter().any(|finding| finding.code == "actor"),
            "{findings:?}"
        );
    }
}

#[test]
fn an_auditor_notices_a_release_that_comes_back_by_another_push() {
    let (mut history, _) = released();
    let pushed = history.log.last().unwrap().event.clone();
    history.quarantine("thor", "1.0").unwrap();
    let draft = events::event::Draft::new(pushed.stream, pushed.body);
    history.append(&pushed.actor, pushed.via, vec![draft]);
    let findings = audit(&history.log);
    assert_eq!(findings[0].code, "release_quarantined");
}

#[test]
fn several_keys_are_revoked_at_once_without_the_dead_and_never_too_many() {
    let (mut history, key) = released();
    let mut keys: Vec<_> = (0..3)
        .map(|_| {
            history
                .issue(account_id(1), &[Scope::Read], |_| {})
                .unwrap()
        })
        .collect();
    history.revoke(keys[1]).unwrap();
    let before = history.log.len();
    keys.reverse();
    // A key that is named twice is revoked once.
    keys.push(keys[0]);
    history.revoke_all(&keys).unwrap();
    assert_eq!(
        history.types_since(before),
        ["api_key.revoked", "api_key.revoked"]
    );
    assert_eq!(code(history.revoke_all(&keys)), Code::NotFound);
    let many = vec![key; deciders::api_key::MAX_REVOKED + 1];
    assert_eq!(code(history.revoke_all(&many)), Code::ApiKeyInvalid);
    history.revoke_all(&[key]).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn an_auditor_notices_a_dead_key_among_several_that_are_revoked() {
    let (mut history, key) = released();
    let dead = history
        .issue(account_id(1), &[Scope::Read], |_| {})
        .unwrap();
    history.revoke(dead).unwrap();
    let again = |id| {
        let reason = events::api_key::Reason::Operator;
        let body = Body::ApiKeyRevoked(events::api_key::Revoked { reason });
        events::event::Draft::new(StreamName::api_key(id), body)
    };
    history.append(
        &Actor::Operator,
        Via::Console,
        vec![again(key), again(dead)],
    );
    let findings = audit(&history.log);
    assert_eq!(findings.len(), 1, "{findings:?}");
}
