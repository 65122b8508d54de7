//! What waits is cancelled by whoever owned the gem when it was declared, and let in at once by two people, never one.
use deciders::Code;
use events::{
    Body,
    id::{Actor, ChangeId, Owner},
    rule::{Overridden, Setting},
};

use crate::{
    fixtures::{DELAY, account_id, person, publisher, text},
    history::{History, audit},
    job::job,
    loosening::{ONLY, other, others_job, two_owners},
    ratchet::rake,
    release::release,
};

#[test]
fn any_owner_of_the_moment_may_cancel_also_one_removed_meanwhile_and_nobody_else() {
    let (mut history, key) = two_owners();
    let gone = history
        .remove_owner(&person(2), "rake", Owner::Account(account_id(1)))
        .unwrap();
    history.later(DELAY / 2);
    let off = history
        .set_rule(&person(2), "rake", ONLY, Setting::Off)
        .unwrap();
    history.later(DELAY / 2);
    let policy = history.policy("rake");
    assert!(!policy.owners.contains(&Owner::Account(account_id(1))));
    assert!(!policy.changes.contains_key(&gone));
    let denial = history.cancel(&person(3), "rake", off).unwrap_err();
    assert_eq!(denial.code, Code::NotOwner);
    history.cancel(&person(1), "rake", off).unwrap();
    history.later(DELAY);
    let denial = history.push(key, &release("rake", "2.0")).unwrap_err();
    assert_eq!(denial.code, Code::NotOwner);
    assert_eq!(history.policy("rake").setting(ONLY), Setting::Auto);
    // What was never declared, was cancelled, or has taken effect is not cancelled.
    for change in [off, gone, ChangeId(0), ChangeId(999)] {
        let denial = history.cancel(&Actor::Operator, "rake", change);
        assert_eq!(denial.unwrap_err().code, Code::NotFound);
    }
    assert_eq!(audit(&history.log), []);
}

#[test]
fn an_owner_that_came_later_does_not_cancel_and_the_operator_does() {
    let (mut history, _) = rake(History::delayed(DELAY));
    history
        .add_owner(&person(1), "rake", account_id(2))
        .unwrap();
    history.later(DELAY / 2);
    let off = history
        .set_rule(&person(1), "rake", ONLY, Setting::Off)
        .unwrap();
    history.later(DELAY / 2);
    assert!(history.policy("rake").owners.len() == 2);
    let denial = history.cancel(&person(2), "rake", off).unwrap_err();
    assert_eq!(denial.code, Code::NotOwner);
    history.disable_account(account_id(1)).unwrap();
    let denial = history.cancel(&person(1), "rake", off).unwrap_err();
    assert_eq!(denial.code, Code::AccountDisabled);
    history.cancel(&Actor::Operator, "rake", off).unwrap();
}

#[test]
fn two_owners_or_one_and_the_operator_let_it_take_effect_at_once() {
    for second in [person(2), Actor::Operator] {
        let (mut history, key) = two_owners();
        let off = history
            .set_rule(&person(1), "rake", ONLY, Setting::Off)
            .unwrap();
        history.propose(&person(1), "rake", off).unwrap();
        assert!(history.push(key, &release("rake", "2.0")).is_err());
        history.agree(&second, "rake", off, None).unwrap();
        history.released(key, &release("rake", "2.0"));
        assert!(history.policy("rake").changes.is_empty());
        assert_eq!(audit(&history.log), []);
    }
}

#[test]
fn a_publisher_and_an_owner_can_be_let_in_at_once_too() {
    let (mut history, _) = two_owners();
    let id = history.add("rake", other()).unwrap();
    let change = ChangeId(id.0);
    history.propose(&Actor::Operator, "rake", change).unwrap();
    let agreed = Some(text("the old workflow is broken"));
    history.agree(&person(2), "rake", change, agreed).unwrap();
    let key = history.exchange(&others_job(2)).unwrap();
    history.released(key, &release("rake", "2.0"));
    let change = history
        .add_owner(&person(1), "rake", account_id(3))
        .unwrap();
    history.propose(&person(2), "rake", change).unwrap();
    history.agree(&person(1), "rake", change, None).unwrap();
    assert_eq!(history.policy("rake").owners.len(), 3);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn whoever_agrees_in_silence_leaves_the_proposals_words_standing() {
    let (mut history, _) = two_owners();
    let off = history
        .set_rule(&person(1), "rake", ONLY, Setting::Off)
        .unwrap();
    let missing = history.overrule(&person(1), "rake", off, None).unwrap_err();
    assert_eq!(missing.code, Code::ReasonMissing);
    let proposal = history.propose(&person(1), "rake", off).unwrap();
    history.agree(&person(2), "rake", off, None).unwrap();
    let expected = Overridden {
        change: off,
        proposal,
        reason: None,
    };
    let last = &history.log.last().unwrap().event.body;
    assert_eq!(*last, Body::PolicyOverridden(expected));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn nobody_overrides_alone_and_no_newcomer_counts() {
    let (mut history, key) = two_owners();
    let off = history
        .set_rule(&person(1), "rake", ONLY, Setting::Off)
        .unwrap();
    history
        .add_owner(&person(1), "rake", account_id(3))
        .unwrap();
    history.propose(&person(1), "rake", off).unwrap();
    let again = history.propose(&person(1), "rake", off).unwrap_err();
    assert_eq!(again.code, Code::SecondPersonNeeded);
    let mut agree = |by: &Actor, change, code| {
        let denial = history.agree(by, "rake", change, None).unwrap_err();
        assert_eq!(denial.code, code);
    };
    agree(&person(1), off, Code::SecondPersonNeeded);
    agree(&person(3), off, Code::NotOwner);
    agree(&person(2), ChangeId(999), Code::NotFound);
    assert!(history.push(key, &release("rake", "2.0")).is_err());
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_proposer_whose_account_was_disabled_neither_counts_nor_stands_in_the_way() {
    let (mut history, key) = two_owners();
    let off = history
        .set_rule(&person(1), "rake", ONLY, Setting::Off)
        .unwrap();
    history.propose(&person(1), "rake", off).unwrap();
    history.disable_account(account_id(1)).unwrap();
    let second = history.propose(&person(2), "rake", off).unwrap();
    assert!(history.push(key, &release("rake", "2.0")).is_err());
    history.agree(&Actor::Operator, "rake", off, None).unwrap();
    let last = &history.log.last().unwrap().event.body;
    assert!(
        matches!(last, Body::PolicyOverridden(overridden) if overridden.proposal == second),
        "the word of whoever still counts"
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn the_operator_is_one_person_also_where_it_owns_the_gem() {
    let mut history = History::delayed(DELAY);
    history.add("rake", publisher()).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    let operator = Actor::Operator;
    let off = history
        .set_rule(&operator, "rake", ONLY, Setting::Off)
        .unwrap();
    history.propose(&operator, "rake", off).unwrap();
    let denial = history.agree(&operator, "rake", off, None);
    assert_eq!(denial.unwrap_err().code, Code::SecondPersonNeeded);
    // Nor with an owner that it added just now.
    history.add_owner(&operator, "rake", account_id(2)).unwrap();
    let denial = history.agree(&person(2), "rake", off, None);
    assert_eq!(denial.unwrap_err().code, Code::NotOwner);
    history.later(DELAY - 10);
    let denial = history.agree(&person(2), "rake", off, None);
    assert_eq!(denial.unwrap_err().code, Code::NotOwner);
}

#[test]
fn an_owner_who_proposed_and_is_gone_neither_counts_nor_stands_in_the_way() {
    let (mut history, _) = two_owners();
    history
        .remove_owner(&person(2), "rake", Owner::Account(account_id(1)))
        .unwrap();
    history.later(DELAY / 2);
    let off = history
        .set_rule(&person(2), "rake", ONLY, Setting::Off)
        .unwrap();
    history.propose(&person(1), "rake", off).unwrap();
    history.later(DELAY / 2);
    history.propose(&person(2), "rake", off).unwrap();
    let gone = history.agree(&person(1), "rake", off, None).unwrap_err();
    assert_eq!(gone.code, Code::NotOwner);
    history.agree(&Actor::Operator, "rake", off, None).unwrap();
    assert_eq!(audit(&history.log), []);
}
