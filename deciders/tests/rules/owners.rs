//! Owners come and go after the delay, one always stays, and until then everybody keeps what they had.
use deciders::{Code, policy::MAX_OWNERS};
use events::{
    api_key::Scope,
    id::{Actor, Owner},
};

use crate::{
    fixtures::{DELAY, account_id, person},
    history::{History, audit},
    release::release,
};

/// `thor` of account 1, pushed by a key of that account.
fn thor(delay: u64) -> History {
    let mut history = History::delayed(delay);
    let key = history.issue(account_id(1), &[Scope::PushRubygem], |_| {});
    history.released(key.unwrap(), &release("thor", "1.0"));
    history
}

#[test]
fn a_new_owner_pushes_once_the_delay_has_passed() {
    let mut history = thor(DELAY);
    let key = history.issue(account_id(2), &[Scope::PushRubygem], |_| {});
    let key = key.unwrap();
    history
        .add_owner(&person(1), "thor", account_id(2))
        .unwrap();
    let again = history.add_owner(&person(1), "thor", account_id(2));
    assert_eq!(again.unwrap_err().code, Code::AlreadyExists);
    let denial = history.push(key, &release("thor", "2.0")).unwrap_err();
    assert_eq!(denial.code, Code::NotOwner);
    // Nor does it manage anything yet.
    let early = history.add_owner(&person(2), "thor", account_id(3));
    assert_eq!(early.unwrap_err().code, Code::NotOwner);
    history.later(DELAY);
    history.released(key, &release("thor", "2.0"));
    history
        .add_owner(&person(2), "thor", account_id(3))
        .unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn without_a_delay_owners_change_at_once() {
    let mut history = thor(0);
    history
        .add_owner(&person(1), "thor", account_id(2))
        .unwrap();
    history
        .remove_owner(&person(2), "thor", Owner::Account(account_id(1)))
        .unwrap();
    let owners = history.policy("thor").owners;
    assert_eq!(owners, [Owner::Account(account_id(2))].into());
    assert!(history.policy("thor").changes.is_empty());
    assert_eq!(audit(&history.log), []);
}

#[test]
fn the_last_owner_stays_also_when_the_others_are_on_their_way_out() {
    let mut history = thor(DELAY);
    let (first, second) = (Owner::Account(account_id(1)), Owner::Account(account_id(2)));
    let denial = history.remove_owner(&person(1), "thor", first);
    assert_eq!(denial.unwrap_err().code, Code::LastOwner);
    history
        .add_owner(&person(1), "thor", account_id(2))
        .unwrap();
    // One who is not yet an owner may never become one.
    let denial = history.remove_owner(&person(1), "thor", first);
    assert_eq!(denial.unwrap_err().code, Code::LastOwner);
    let denial = history.remove_owner(&person(1), "thor", second);
    assert_eq!(denial.unwrap_err().code, Code::NotFound);
    history.later(DELAY);
    history.remove_owner(&person(1), "thor", second).unwrap();
    let again = history.remove_owner(&person(1), "thor", second);
    assert_eq!(again.unwrap_err().code, Code::AlreadyExists);
    let denial = history.remove_owner(&person(2), "thor", first);
    assert_eq!(denial.unwrap_err().code, Code::LastOwner);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn an_owner_who_is_to_go_keeps_every_right_until_then() {
    let mut history = thor(DELAY);
    history
        .add_owner(&person(1), "thor", account_id(2))
        .unwrap();
    history.later(DELAY);
    let removed = history
        .remove_owner(&person(2), "thor", Owner::Account(account_id(1)))
        .unwrap();
    let key = history.issue(account_id(1), &[Scope::PushRubygem], |_| {});
    history.released(key.unwrap(), &release("thor", "2.0"));
    history.cancel(&person(1), "thor", removed).unwrap();
    history.later(DELAY);
    assert_eq!(history.policy("thor").owners.len(), 2);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn only_accounts_that_live_become_owners_and_only_owners_and_the_operator_add_them() {
    let mut history = thor(0);
    let mut add = |by: &Actor, account| {
        let outcome = history.add_owner(by, "thor", account_id(account));
        outcome.map(drop).map_err(|denial| denial.code)
    };
    assert_eq!(add(&person(1), 99), Err(Code::NotFound));
    assert_eq!(add(&person(2), 3), Err(Code::NotOwner));
    assert_eq!(add(&Actor::Operator, 3), Ok(()));
    history.disable_account(account_id(2)).unwrap();
    let denial = history.add_owner(&person(1), "thor", account_id(2));
    assert_eq!(denial.unwrap_err().code, Code::AccountDisabled);
}

#[test]
fn owners_are_bounded() {
    let mut history = thor(0);
    for account in 100..99 + u64::try_from(MAX_OWNERS).unwrap() {
        history.create_account(account_id(account)).unwrap();
        history
            .add_owner(&person(1), "thor", account_id(account))
            .unwrap();
    }
    let denial = history.add_owner(&person(1), "thor", account_id(2));
    assert_eq!(denial.unwrap_err().code, Code::TooManyOwners);
}
