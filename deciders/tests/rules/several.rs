//! Several publishers of one gem: which of them a job is, and which makes room for which.
use deciders::{Code, attestation::Facts};
use events::{
    Body,
    gem::Pushed,
    id::{Owner, PublisherId},
    policy::Publisher,
    rule::{Rule, Setting},
};
use proptest::prelude::*;

use crate::{
    bundle::{claims, logged},
    classes::push_attested,
    fixtures::{DELAY, account_id, person, publisher, text},
    history::{History, audit, roots::public_good},
    job::{Job, job},
    ratchet::rake,
    release::release,
};

fn staged(jti: u64) -> Job {
    job(jti).with(|job| job.environment = Some(text("release")))
}

/// The workflow in the environment `release`.
fn in_environment() -> Publisher {
    Publisher {
        environment: Some(text("release")),
        ..publisher()
    }
}

/// The publisher that the last release is recorded with.
fn recorded(history: &History) -> PublisherId {
    let mut events = history.log.iter().rev().map(|recorded| &recorded.event);
    let pushed = events.find_map(|event| {
        if let Body::ReleasePushed(Pushed { source, .. }) = &event.body {
            source.as_ref()
        } else {
            None
        }
    });
    pushed.unwrap().publisher
}

#[test]
fn the_publisher_that_keeps_the_rules_is_the_one_that_counts() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let elsewhere = Publisher {
        any_ref: true,
        ..in_environment()
    };
    let second = history.add("rake", elsewhere).unwrap();
    history.later(DELAY);
    let rule = Rule::EnvironmentRequired;
    history
        .set_rule(&person(1), "rake", rule, Setting::On)
        .unwrap();
    assert_eq!(history.policy("rake").publishers.len(), 2);
    push_attested(&mut history, &staged(2), "2.0", Vec::new()).unwrap();
    assert_eq!(recorded(&history), second);
    let denied = push_attested(&mut history, &job(3), "3.0", Vec::new()).unwrap_err();
    assert_eq!(denied.code, Code::EnvironmentRequired);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_bundle_of_a_job_elsewhere_in_the_run_does_where_a_publisher_names_no_environment() {
    let mut history = History::delayed(DELAY);
    history.record_root("public-good", public_good(1)).unwrap();
    history.add("rake", in_environment()).unwrap();
    let key = history.exchange(&staged(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    let built = |history: &History, jti| vec![logged(history, claims(&job(jti)))];
    let bundle = built(&history, 2);
    let denied = push_attested(&mut history, &staged(2), "2.0", bundle).unwrap_err();
    assert_eq!(denied.code, Code::AttestationEnvironment);
    let second = history.add("rake", publisher()).unwrap();
    history.later(DELAY);
    let bundle = built(&history, 3);
    push_attested(&mut history, &staged(3), "2.0", bundle).unwrap();
    assert_eq!(recorded(&history), second);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn of_several_publishers_the_one_that_came_furthest_explains() {
    let mut history = History::delayed(DELAY);
    history.record_root("public-good", public_good(1)).unwrap();
    history.add("rake", in_environment()).unwrap();
    let key = history.exchange(&staged(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    history.add("rake", publisher()).unwrap();
    history.later(DELAY);
    let rule = Rule::TagMustEqualVersion;
    let operator = events::id::Actor::Operator;
    history
        .set_rule(&operator, "rake", rule, Setting::On)
        .unwrap();
    let bundle = vec![logged(&history, claims(&job(2)))];
    let denied = push_attested(&mut history, &staged(2), "2.0", bundle).unwrap_err();
    assert_eq!(denied.code, Code::TagVersionMismatch);
}

#[test]
fn a_publisher_that_lets_in_less_takes_the_place_of_the_looser_one_at_once() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let loose = Publisher {
        any_ref: true,
        owner_id: None,
        workflow: text("other.yml"),
        ..publisher()
    };
    history.add("rake", loose.clone()).unwrap();
    history.later(DELAY);
    let of_a_tag = Publisher {
        any_ref: false,
        ..loose
    };
    let of_an_owner = Publisher {
        owner_id: publisher().owner_id,
        ..of_a_tag.clone()
    };
    let staged_too = Publisher {
        environment: Some(text("release")),
        ..of_an_owner.clone()
    };
    for publisher in [of_a_tag, of_an_owner, staged_too] {
        let id = history.add("rake", publisher.clone()).unwrap();
        let policy = history.policy("rake");
        assert_eq!(policy.publishers.len(), 2);
        assert_eq!(policy.publishers[&id].effective, None);
        assert!(policy.changes.is_empty());
        let again = history.add("rake", publisher).unwrap_err();
        assert_eq!(again.code, Code::AlreadyExists);
    }
    let other = |job: Job| job.file("other.yml");
    assert!(history.exchange(&other(job(2))).is_err());
    let key = history.exchange(&other(staged(3))).unwrap();
    history.released(key, &release("rake", "2.0"));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_publisher_that_lets_in_anything_more_waits_beside_the_other() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let looser = [
        Publisher {
            any_ref: true,
            ..in_environment()
        },
        // Another id matches another repository, whatever its name.
        Publisher {
            environment: Some(text("staging")),
            repository_id: Some(text("666")),
            ..publisher()
        },
    ];
    for publisher in looser {
        let id = history.add("rake", publisher).unwrap();
        assert!(history.policy("rake").publishers[&id].effective.is_some());
    }
    assert_eq!(history.policy("rake").publishers.len(), 3);
    // Nor does a publisher that waits let another one in early.
    let waits = Publisher {
        workflow: text("other.yml"),
        ..publisher()
    };
    let first = history.add("rake", waits.clone()).unwrap();
    let narrow = Publisher {
        environment: Some(text("release")),
        ..waits
    };
    let second = history.add("rake", narrow).unwrap();
    let policy = history.policy("rake");
    assert!(policy.publishers.contains_key(&first));
    assert!(policy.publishers[&second].effective.is_some());
    assert_eq!(audit(&history.log), []);
}

#[test]
fn edition_1_keeps_the_looser_publisher_beside_the_stricter() {
    let (mut history, _) = rake(History::first_edition());
    history.add("rake", in_environment()).unwrap();
    assert_eq!(history.policy("rake").publishers.len(), 2);
    history.exchange(&job(2)).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn what_is_left_over_of_a_free_name_is_its_owners_to_remove() {
    let mut history = History::delayed(DELAY);
    let owner = Owner::Account(account_id(1));
    let alice = person(1);
    let other = Publisher {
        workflow: text("other.yml"),
        ..publisher()
    };
    history.add_by(&alice, "rake", publisher(), owner).unwrap();
    let left = history.add_by(&alice, "rake", other, owner).unwrap();
    let early = history.remove_by(&person(2), "rake", left).unwrap_err();
    assert_eq!(early.code, Code::NotOwner);
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    history.add_owner(&alice, "rake", account_id(2)).unwrap();
    history.later(DELAY);
    let stranger = history.remove_by(&person(3), "rake", left).unwrap_err();
    assert_eq!(stranger.code, Code::NotOwner);
    history.remove_by(&person(2), "rake", left).unwrap();
    assert!(history.policy("rake").pending.is_empty());
    assert_eq!(audit(&history.log), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 320, failure_persistence: None, ..ProptestConfig::default() })]

    /// Removing a publisher tightens: whichever goes, a push that was denied is denied.
    #[test]
    fn removing_any_publisher_lets_in_nothing_that_was_denied(
        publishers in proptest::collection::vec((0..3_usize, any::<bool>(), 0..6_u8), 1..5),
        environments in any::<bool>(),
        rules in proptest::collection::vec(0..Rule::ALL.len(), 0..2),
        (stage, tag, signed) in (0..4_u8, any::<bool>(), 0..3_u8),
    ) {
        let (mut history, _) = rake(History::delayed(0));
        history.record_root("public-good", public_good(1)).unwrap();
        for id in history.policy("rake").publishers.into_keys() {
            history.remove("rake", id).unwrap();
        }
        for (environment, any_ref, other) in publishers {
            let environment = [None, Some("release"), Some("staging")][environment].map(text);
            let workflow = text(if other == 0 { "other.yml" } else { "release.yml" });
            drop(history.add("rake", Publisher { any_ref, environment, workflow, ..publisher() }));
        }
        let environments = environments.then_some(Rule::EnvironmentRequired);
        for rule in rules.into_iter().map(|rule| Rule::ALL[rule]).chain(environments) {
            drop(history.set_rule(&person(1), "rake", rule, Setting::On));
        }
        let asks = job(2).with(|job| {
            job.environment = (stage > 0).then(|| text("release"));
            if !tag {
                job.ref_type = Some(text("branch"));
                job.ref_protected = Some(false);
            }
        });
        let bundle = |history: &History| -> Vec<Facts> {
            match signed {
                0 => Vec::new(),
                1 => vec![logged(history, claims(&asks))],
                _ => vec![logged(history, claims(&job(2)))],
            }
        };
        let attempt = |mut history: History| {
            let key = history.exchange(&asks).ok()?;
            let mut facts = release("rake", "2.0").facts(key);
            facts.attestations = bundle(&history);
            history.push_facts(&facts).ok().map(|_| history)
        };
        if let Some(history) = attempt(history.clone()) {
            prop_assert_eq!(audit(&history.log), []);
            return Ok(());
        }
        for id in history.policy("rake").publishers.into_keys() {
            let mut fewer = history.clone();
            fewer.remove("rake", id).unwrap();
            prop_assert!(attempt(fewer).is_none(), "without {id}");
        }
    }
}
