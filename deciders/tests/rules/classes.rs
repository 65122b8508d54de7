//! What an attestation is worth: as much as the gem's releases came with, and of the attempt that a rule demands.
use deciders::{Code, Denial, attestation::Facts, push::Verdict};
use events::{
    rule::{Rule, Setting},
    trust_root::Recorded,
};

use crate::{
    bundle::{claims, logged, timestamped},
    fixtures::{DELAY, person, text},
    history::{
        History, audit,
        roots::{public_good, timestamped as own_root},
    },
    job::{Job, job},
    ratchet::rake,
    release::release,
};

/// Pushes this version with these bundles of the job.
pub(crate) fn push_attested(
    history: &mut History,
    job: &Job,
    number: &'static str,
    bundles: Vec<Facts>,
) -> Result<Verdict, Denial> {
    let key = history.exchange(job).unwrap();
    let mut facts = release("rake", number).facts(key);
    facts.attestations = bundles;
    history.push_facts(&facts)
}

#[test]
fn a_gem_that_stood_in_a_public_log_does_not_move_to_a_private_one_in_silence() {
    let (mut history, _) = rake(History::delayed(DELAY));
    history.record_root("public-good", public_good(1)).unwrap();
    let company = Recorded {
        public: false,
        ..public_good(2)
    };
    history.record_root("company", company).unwrap();
    let bundle = logged(&history, claims(&job(2)));
    push_attested(&mut history, &job(2), "2.0", vec![bundle]).unwrap();
    let private = |history: &History, jti| Facts {
        root: timestamped(history, "company", claims(&job(jti))).root,
        ..logged(history, claims(&job(jti)))
    };
    let bundle = private(&history, 3);
    let denied = push_attested(&mut history, &job(3), "3.0", vec![bundle]).unwrap_err();
    assert_eq!(denied.code, Code::AttestationRequired);
    assert_eq!(denied.found.as_deref(), Some("private log"));
    let rule = Rule::AttestationRequired;
    history
        .set_rule(&person(1), "rake", rule, Setting::Timestamped)
        .unwrap();
    history.later(DELAY);
    let bundle = private(&history, 4);
    push_attested(&mut history, &job(4), "3.0", vec![bundle]).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_gem_that_was_attested_is_not_released_without_or_with_less() {
    let (mut history, _) = rake(History::delayed(DELAY));
    history.record_root("public-good", public_good(1)).unwrap();
    history.record_root("own", own_root()).unwrap();
    let bundle = logged(&history, claims(&job(2)));
    push_attested(&mut history, &job(2), "2.0", vec![bundle]).unwrap();
    let denied = push_attested(&mut history, &job(3), "3.0", Vec::new()).unwrap_err();
    assert_eq!(denied.code, Code::AttestationRequired);
    assert_eq!(denied.found.as_deref(), Some("none"));
    let weaker = timestamped(&history, "own", claims(&job(4)));
    let denied = push_attested(&mut history, &job(4), "3.0", vec![weaker.clone()]).unwrap_err();
    assert_eq!(denied.code, Code::AttestationRequired);
    assert_eq!(denied.found.as_deref(), Some("timestamp"));
    // The weaker class does only where the rule says so, and once that has waited.
    let rule = Rule::AttestationRequired;
    history
        .set_rule(&person(1), "rake", rule, Setting::Timestamped)
        .unwrap();
    assert!(push_attested(&mut history, &job(5), "3.0", vec![weaker.clone()]).is_err());
    history.later(DELAY);
    push_attested(&mut history, &job(6), "3.0", vec![weaker]).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_gem_may_demand_that_the_attempt_which_signed_is_the_one_that_pushes() {
    let (mut history, _) = rake(History::delayed(DELAY));
    history.record_root("public-good", public_good(1)).unwrap();
    let rule = Rule::SameAttemptRequired;
    history
        .set_rule(&person(1), "rake", rule, Setting::On)
        .unwrap();
    let again = |jti| job(jti).with(|job| job.run_attempt = Some(text("2")));
    let first = logged(&history, claims(&job(2)));
    let denied = push_attested(&mut history, &again(2), "2.0", vec![first]).unwrap_err();
    assert_eq!(denied.code, Code::AttestationAttempt);
    let second = logged(&history, claims(&again(3)));
    push_attested(&mut history, &again(3), "2.0", vec![second]).unwrap();
    assert_eq!(audit(&history.log), []);
}
