//! What loosens a policy waits, can be cancelled, and takes effect at once only if two people want it.
use deciders::{Code, ledger::OldDelay};
use events::{
    Body,
    api_key::Scope,
    id::{Actor, ChangeId, Owner},
    policy::Publisher,
    rule::{Rule, Setting},
    stream::StreamName,
};
use proptest::prelude::*;

use crate::{
    fixtures::{DELAY, account_id, person, publisher, rules, text},
    history::{History, audit},
    job::{Job, job},
    ratchet::rake,
    release::release,
};

pub(crate) const ONLY: Rule = Rule::TrustedPublishingOnly;

pub(crate) fn other() -> Publisher {
    Publisher {
        workflow: text("other.yml"),
        ..publisher()
    }
}

pub(crate) fn others_job(jti: u64) -> Job {
    job(jti).file("other.yml")
}

/// `rake` with two owners, the second one since the delay of then has passed.
pub(crate) fn two_owners() -> (History, events::id::ApiKeyId) {
    let (mut history, key) = rake(History::delayed(DELAY));
    history
        .add_owner(&person(1), "rake", account_id(2))
        .unwrap();
    history.later(DELAY);
    (history, key)
}

#[test]
fn dropping_the_ratchet_waits_and_then_holds() {
    let (mut history, key) = rake(History::delayed(DELAY));
    let declared = history.now;
    history
        .set_rule(&person(1), "rake", ONLY, Setting::Off)
        .unwrap();
    let effective = declared.plus_seconds(DELAY);
    let body = &history.log.last().unwrap().event.body;
    assert!(matches!(body, Body::RuleChanged(changed) if changed.effective == Some(effective)));
    let last = release("rake", "2.0");
    while history.now < effective {
        let denial = history.push(key, &last).unwrap_err();
        assert_eq!(denial.code, Code::TrustedPublishingRequired);
        history.later(DELAY / 4);
    }
    history.released(key, &last);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_change_takes_effect_at_the_very_moment_and_not_before() {
    let (mut history, _) = rake(History::delayed(DELAY));
    history
        .set_rule(&person(1), "rake", ONLY, Setting::Off)
        .unwrap();
    let policy = history.policy("rake");
    let effective = policy.changes.values().next().unwrap().effective;
    let policy = history.policy_stream("rake");
    assert_eq!(
        policy.at(effective.minus_seconds(1)).setting(ONLY),
        Setting::Auto
    );
    assert_eq!(policy.at(effective).setting(ONLY), Setting::Off);
    assert!(policy.at(effective).changes.is_empty());
}

#[test]
fn a_publisher_that_is_added_to_a_gem_that_exists_waits() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let id = history.add("rake", other()).unwrap();
    let turned = history.exchange(&others_job(2)).unwrap_err();
    assert_eq!(turned.denial.code, Code::PublisherNotEffectiveYet);
    let effective = history.policy("rake").publishers[&id].effective.unwrap();
    let expected = turned.denial.expected.unwrap();
    assert!(expected.contains(&effective.to_string()), "{expected}");
    assert!(turned.denial.tell);
    let denial = history.add("rake", other()).unwrap_err();
    assert_eq!(denial.code, Code::AlreadyExists);
    history.later(DELAY);
    let key = history.exchange(&others_job(3)).unwrap();
    history.released(key, &release("rake", "2.0"));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_key_of_another_publisher_does_not_push_for_one_that_waits() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let thor = Publisher {
        workflow: text("other.yml"),
        ..publisher()
    };
    history.add("thor", thor).unwrap();
    history.add("rake", other()).unwrap();
    let key = history.exchange(&others_job(2)).unwrap();
    let denial = history.push(key, &release("rake", "2.0")).unwrap_err();
    assert_eq!(denial.code, Code::PublisherNotEffectiveYet);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_publisher_that_waits_is_removed_at_once() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let id = history.add("rake", other()).unwrap();
    history.remove("rake", id).unwrap();
    assert!(history.policy("rake").changes.is_empty());
    history.later(DELAY);
    assert!(history.exchange(&others_job(2)).is_err());
    assert_eq!(audit(&history.log), []);
}

#[test]
fn what_a_first_push_leads_to_does_not_wait() {
    let mut history = History::delayed(DELAY);
    history.add("tools", publisher()).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("tools", "1.0"));
    let key = history.exchange(&job(2)).unwrap();
    history.released(key, &release("tools", "1.1"));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn tightening_is_immediate_and_takes_back_what_waits() {
    let (mut history, key) = rake(History::delayed(DELAY));
    history
        .set_rule(&person(1), "rake", ONLY, Setting::Off)
        .unwrap();
    history
        .set_rule(&person(1), "rake", ONLY, Setting::On)
        .unwrap();
    assert!(history.policy("rake").changes.is_empty());
    history
        .set_rule(&person(1), "rake", ONLY, Setting::Off)
        .unwrap();
    // Setting it to what it is takes back what was declared.
    history
        .set_rule(&person(1), "rake", ONLY, Setting::On)
        .unwrap();
    history.later(2 * DELAY);
    let denial = history.push(key, &release("rake", "2.0")).unwrap_err();
    assert_eq!(denial.code, Code::TrustedPublishingRequired);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn going_from_on_to_what_was_reached_anyway_does_not_wait() {
    let (mut history, _) = rake(History::delayed(DELAY));
    history
        .set_rule(&person(1), "rake", ONLY, Setting::On)
        .unwrap();
    history
        .set_rule(&person(1), "rake", ONLY, Setting::Auto)
        .unwrap();
    assert!(history.policy("rake").changes.is_empty());
    // Nothing is attested yet: `auto` would demand less than `on`, and later less than a log where one was reached.
    let rule = Rule::AttestationRequired;
    history
        .set_rule(&person(1), "rake", rule, Setting::Timestamped)
        .unwrap();
    assert_eq!(history.policy("rake").changes.len(), 1);
    history
        .set_rule(&person(1), "rake", rule, Setting::On)
        .unwrap();
    history
        .set_rule(&person(1), "rake", rule, Setting::Auto)
        .unwrap();
    assert_eq!(history.policy("rake").changes.len(), 1);
}

#[test]
fn a_lower_delay_holds_only_once_the_one_before_it_has_passed() {
    let (mut history, key) = rake(History::delayed(DELAY));
    history.change_rules(2, rules(60)).unwrap();
    let ledger = history.ledger();
    assert_eq!(ledger.delay(history.now), DELAY);
    let OldDelay { seconds, until } = ledger.old_delay.unwrap();
    assert_eq!(seconds, DELAY);
    // Lowering it again and again does not help.
    history.change_rules(2, rules(0)).unwrap();
    assert_eq!(history.ledger().delay(until), DELAY);
    history
        .set_rule(&person(1), "rake", ONLY, Setting::Off)
        .unwrap();
    let change = history.policy("rake").changes.values().next().cloned();
    let change = change.unwrap();
    assert_eq!(change.effective, change.declared.plus_seconds(DELAY));
    history.later(DELAY - 10);
    assert!(history.push(key, &release("rake", "2.0")).is_err());
    history.later(DELAY);
    assert_eq!(history.ledger().delay(history.now), 0);
    history.released(key, &release("rake", "2.0"));
    // A higher one holds at once.
    history.change_rules(2, rules(2 * DELAY)).unwrap();
    assert_eq!(history.ledger().delay(history.now), 2 * DELAY);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn the_changes_that_wait_are_bounded() {
    let (mut history, _) = rake(History::delayed(DELAY));
    for number in 0..20 {
        let workflow = text(&format!("w{number}.yml"));
        history
            .add(
                "rake",
                Publisher {
                    workflow,
                    ..publisher()
                },
            )
            .unwrap();
    }
    let denial = history.add("rake", other()).unwrap_err();
    assert_eq!(denial.code, Code::TooManyChanges);
    // Tightening always has room.
    history
        .set_rule(&person(1), "rake", ONLY, Setting::On)
        .unwrap();
    let denial = history.set_rule(&person(1), "rake", ONLY, Setting::Off);
    assert_eq!(denial.unwrap_err().code, Code::TooManyChanges);
}

/// What a loosening command asks for, and when it was declared.
type Step = (u8, u8, u16);

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// One owner, and a newcomer whose addition waits: whatever they declare, cancel, propose and agree with, while the
    /// operator adds publishers and lowers the delay, no push by a person's key, or by a workflow that was added, gets in
    /// before the first delay has passed.
    #[test]
    fn nothing_weaker_gets_in_before_its_time(steps in proptest::collection::vec(any::<Step>(), 0..40)) {
        let (mut history, key) = rake(History::delayed(DELAY));
        let start = history.now;
        let alone = person(1);
        for (jti, (what, choice, wait)) in (100..).zip(steps) {
            let number = u64::from(choice);
            let change = history.policy("rake").changes.keys().nth(usize::from(choice) % 3).copied();
            let change = change.unwrap_or(ChangeId(number));
            let setting = Setting::ALL[usize::from(choice) % 4];
            match what % 12 {
                0 | 1 => drop(history.set_rule(&alone, "rake", ONLY, setting)),
                2 => drop(history.set_rule(&alone, "rake", Rule::AttestationRequired, setting)),
                3 => drop(history.add("rake", other())),
                4 => drop(history.add_owner(&alone, "rake", account_id(2))),
                5 => drop(history.remove_owner(&alone, "rake", Owner::Account(account_id(2)))),
                6 => drop(history.cancel(&alone, "rake", change)),
                7 | 8 => {
                    let second = if choice % 2 == 0 { alone.clone() } else { person(2) };
                    let reason = (what % 12 == 7).then(|| text("it cannot wait"));
                    drop(history.overrule(&second, "rake", change, reason));
                }
                9 => drop(history.change_rules(2, rules(number % 2 * DELAY))),
                10 => drop(history.change_rules(2, rules(number))),
                _ => {}
            }
            history.later(u64::from(wait) / 4);
            if history.now >= start.plus_seconds(DELAY) {
                break;
            }
            let weaker = history.push(key, &release("rake", "2.0"));
            prop_assert!(weaker.is_err(), "{:?}", weaker);
            prop_assert!(history.exchange(&others_job(jti)).is_err());
        }
        prop_assert_eq!(audit(&history.log), []);
    }

    /// A state that is asked at a moment says the same as one that is folded from events up to then, whatever comes later.
    #[test]
    fn a_state_at_a_moment_is_the_state_of_that_moment(steps in proptest::collection::vec(any::<Step>(), 1..30)) {
        let (mut history, _) = rake(History::delayed(100));
        for (what, choice, wait) in steps {
            let setting = Setting::ALL[usize::from(choice) % 4];
            let owner = account_id(u64::from(choice % 3) + 1);
            match what % 4 {
                0 => drop(history.set_rule(&Actor::Operator, "rake", ONLY, setting)),
                1 => drop(history.add_owner(&Actor::Operator, "rake", owner)),
                2 => drop(history.remove_owner(&Actor::Operator, "rake", Owner::Account(owner))),
                _ => drop(history.add("rake", other())),
            }
            let asked = history.policy_stream("rake").at(history.now.plus_seconds(u64::from(wait) % 300)).into_owned();
            prop_assert!(!asked.owners.is_empty());
            history.later(u64::from(wait) % 300);
            // An event that says nothing of what was declared lets its time pass all the same.
            let before = history.policy("rake");
            prop_assert_eq!(&asked.owners, &before.owners);
            prop_assert_eq!(&asked.rules, &before.rules);
            let event = history.log.iter().rev().find(|one| one.event.stream == StreamName::policy(&crate::fixtures::folded("rake")));
            let mut event = event.unwrap().event.clone();
            event.body = Body::PendingRemoved(events::policy::PendingRemoved { publisher: events::id::PublisherId(9999) });
            event.time = history.now;
            let mut after = history.policy_stream("rake");
            events::State::evolve(&mut after, &event);
            let after = after.at(history.now).into_owned();
            prop_assert_eq!(&after.owners, &before.owners);
            prop_assert_eq!(&after.rules, &before.rules);
            prop_assert_eq!(&after.changes, &before.changes);
        }
        prop_assert_eq!(audit(&history.log), []);
    }
}

#[test]
fn a_key_that_was_bought_before_a_rule_is_judged_by_it_all_the_same() {
    let mut history = History::delayed(DELAY);
    let key = history.issue(account_id(1), &[Scope::PushRubygem], |_| {});
    history.released(key.unwrap(), &release("rake", "1.0"));
    history.add("rake", publisher()).unwrap();
    history.later(DELAY);
    let bought = history.exchange(&job(1)).unwrap();
    let tag = Rule::TagMustEqualVersion;
    history
        .set_rule(&person(1), "rake", tag, Setting::On)
        .unwrap();
    let denial = history.push(bought, &release("rake", "2.0")).unwrap_err();
    assert_eq!(denial.code, Code::TagVersionMismatch);
    assert_eq!(audit(&history.log), []);
}
