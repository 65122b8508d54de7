//! Comparisons: who may attach one, to what, and how many.
use deciders::{Code, Denial, comparison::MAX_COMPARISONS};
use events::{
    Body,
    api_key::Scope,
    digest::Digest,
    gem::{Compared, Verdict},
    id::{Actor, Owner, Via},
    platform::Platform,
    stream::StreamName,
};

use crate::{
    fixtures::{DELAY, account_id, folded, person, publisher, text},
    history::{History, audit},
    job::job,
    release::release,
};

/// Alice's `thor` 1.0, pushed with her own key, and `rake` 1.0, which a job of her publisher released.
fn released() -> (History, Actor) {
    let mut history = History::public();
    for account in 1..3 {
        history.create_account(account_id(account)).unwrap();
    }
    let alice = Actor::Account(account_id(1));
    let key = history.issue(account_id(1), &[Scope::PushRubygem], |_| {});
    history.released(key.unwrap(), &release("thor", "1.0"));
    let owner = Owner::Account(account_id(1));
    history.add_by(&alice, "rake", publisher(), owner).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    (history, alice)
}

fn code(outcome: Result<(), Denial>) -> Result<(), Code> {
    outcome.map_err(|denial| denial.code)
}

#[test]
fn the_operator_and_an_owner_attach_a_comparison_and_nobody_else() {
    let (mut history, alice) = released();
    let compared = |history: &History, content| history.compared("rake", "1.0", content);
    let one = compared(&history, "one");
    let bob = Actor::Account(account_id(2));
    let job = Actor::Workflow(
        events::text::Slug::parse("github").unwrap(),
        text("1420893"),
    );
    for by in [&bob, &job] {
        assert_eq!(code(history.attach(by, one.clone())), Err(Code::NotOwner));
    }
    history.attach(&alice, one).unwrap();
    let two = compared(&history, "two");
    history.attach(&Actor::Operator, two).unwrap();
    history.disable_account(account_id(1)).unwrap();
    let three = compared(&history, "three");
    assert_eq!(
        code(history.attach(&alice, three)),
        Err(Code::AccountDisabled)
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn it_is_of_this_release_its_file_and_the_commit_that_its_record_names() {
    let (mut history, alice) = released();
    let rake = history.compared("rake", "1.0", "one");
    let mut denied = |changed: Compared| code(history.attach(&alice, changed));
    let other = Compared {
        digest: Digest::of(b"other"),
        ..rake.clone()
    };
    assert_eq!(denied(other), Err(Code::ComparisonMismatch));
    let other = Compared {
        commit: text(&"ab".repeat(20)),
        ..rake.clone()
    };
    assert_eq!(denied(other), Err(Code::ComparisonMismatch));
    let other = Compared {
        platform: Platform::parse("java").unwrap(),
        ..rake.clone()
    };
    assert_eq!(denied(other), Err(Code::NotFound));
    // Where no commit is recorded, any full id will do, and nothing else.
    let thor = history.compared("thor", "1.0", "one");
    for bad in ["main", "abc", &"AB".repeat(20), &"zz".repeat(20)] {
        let bad = Compared {
            commit: text(bad),
            ..thor.clone()
        };
        let outcome = code(history.attach(&alice, bad));
        assert_eq!(outcome, Err(Code::ComparisonMismatch));
    }
    history.attach(&alice, thor).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn the_same_statement_is_attached_once_and_an_account_attaches_only_so_many() {
    let (mut history, alice) = released();
    for number in 0..MAX_COMPARISONS {
        let one = history.compared("rake", "1.0", &number.to_string());
        history.attach(&alice, one.clone()).unwrap();
        assert_eq!(code(history.attach(&alice, one)), Err(Code::AlreadyExists));
    }
    let more = history.compared("rake", "1.0", "more");
    assert_eq!(
        code(history.attach(&alice, more)),
        Err(Code::TooManyComparisons)
    );
    // Another release has its own; however it is spelled, the event names it as it was released.
    let mut thor = history.compared("thor", "1.0.0", "0");
    thor.name = crate::fixtures::gem("Thor");
    history.attach(&alice, thor).unwrap();
    let Body::ReleaseCompared(compared) = &history.log.last().unwrap().event.body else {
        panic!("another event");
    };
    assert_eq!(
        (compared.name.as_str(), compared.number.as_str()),
        ("thor", "1.0")
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn whoever_attaches_all_that_they_may_locks_nobody_else_out() {
    let mut history = History::delayed(0);
    let key = history.issue(account_id(1), &[Scope::PushRubygem], |_| {});
    history.released(key.unwrap(), &release("thor", "1.0"));
    history
        .add_owner(&person(1), "thor", account_id(2))
        .unwrap();
    for number in 0..MAX_COMPARISONS {
        let junk = history.compared("thor", "1.0", &number.to_string());
        history.attach(&person(1), junk).unwrap();
    }
    for number in 0..=MAX_COMPARISONS {
        let one = history.compared("thor", "1.0", &format!("operator {number}"));
        history.attach(&Actor::Operator, one).unwrap();
    }
    let one = history.compared("thor", "1.0", "another owner");
    history.attach(&person(2), one).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_verdict_follows_from_the_numbers_and_what_was_not_looked_at_is_never_the_same() {
    let (mut history, alice) = released();
    let same = Compared {
        changed: 0,
        extra: 0,
        verdict: Verdict::Same,
        ..history.compared("rake", "1.0", "one")
    };
    let files_only = Compared {
        files_only: true,
        left_out: None,
        metadata: None,
        statement: Digest::of(b"files"),
        ..same.clone()
    };
    let contradictions: [&dyn Fn(&mut Compared); 9] = [
        &|one| one.changed = 1,
        &|one| one.extra = 1,
        &|one| one.left_out = Some(1),
        &|one| one.metadata = Some(1),
        &|one| one.left_out = None,
        &|one| one.metadata = None,
        &|one| one.not_compared = 1,
        &|one| one.files_only = true,
        &|one| one.by_word = one.explained + 1,
    ];
    for change in contradictions {
        let mut one = same.clone();
        change(&mut one);
        let outcome = code(history.attach(&alice, one.clone()));
        assert_eq!(outcome, Err(Code::ComparisonMismatch), "{one:?}");
    }
    let not_different = Compared {
        verdict: Verdict::Different,
        ..same.clone()
    };
    let outcome = code(history.attach(&alice, not_different));
    assert_eq!(outcome, Err(Code::ComparisonMismatch));
    history.attach(&alice, same).unwrap();
    history.attach(&alice, files_only).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn the_auditor_notices_what_nobody_may_attach() {
    let (history, _) = released();
    let found = |by: &Actor, via, compared: Compared| {
        let mut forged = history.clone();
        let stream = StreamName::gem(&folded("rake"));
        let draft = events::event::Draft::new(stream, Body::ReleaseCompared(compared));
        forged.append(by, via, vec![draft]);
        let findings = audit(&forged.log);
        findings
            .iter()
            .map(|finding| finding.code)
            .collect::<Vec<_>>()
    };
    let good = history.compared("rake", "1.0", "one");
    assert!(found(&Actor::Operator, Via::Console, good.clone()).is_empty());
    let bob = Actor::Account(account_id(2));
    assert!(found(&bob, Via::Http, good.clone()).contains(&"not_owner"));
    let other = Compared {
        digest: Digest::of(b"other"),
        ..good
    };
    let codes = found(&Actor::Operator, Via::Console, other);
    assert!(codes.contains(&"comparison_mismatch"), "{codes:?}");
}

#[test]
fn owners_are_those_of_the_moment_also_where_no_event_says_so() {
    let mut history = History::delayed(DELAY);
    let owner = Owner::Account(account_id(1));
    history
        .add_by(&person(1), "rake", publisher(), owner)
        .unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    history
        .add_owner(&person(1), "rake", account_id(2))
        .unwrap();
    history.later(DELAY);
    history.remove_owner(&person(1), "rake", owner).unwrap();
    let one = history.compared("rake", "1.0", "one");
    history.attach(&person(1), one).unwrap();
    history.later(DELAY);
    let two = history.compared("rake", "1.0", "two");
    let removed = code(history.attach(&person(1), two.clone()));
    assert_eq!(removed, Err(Code::NotOwner));
    history.attach(&person(2), two).unwrap();
    assert_eq!(audit(&history.log), []);
    let three = Body::ReleaseCompared(history.compared("rake", "1.0", "three"));
    let draft = events::event::Draft::new(StreamName::gem(&folded("rake")), three);
    history.append(&person(1), Via::Http, vec![draft]);
    let findings = audit(&history.log);
    let codes: Vec<_> = findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["not_owner"]);
}
