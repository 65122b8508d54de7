//! A gem's rules: what was reached is kept, and each rule denies what breaks it and nothing else.
use deciders::{
    Code, Denial,
    push::Verdict,
    rule::{self, Class, Pushes},
};
use events::{
    Body,
    api_key::Scope,
    attestation::{Attested, LogEntry},
    digest::Digest,
    event::Draft,
    id::{Actor, ApiKeyId, Owner, Via},
    name::GemName,
    platform::Platform,
    policy::Publisher,
    rule::{Rule, Setting},
    stream::{EventRef, StreamName},
    version::GemVersion,
};

use crate::{
    fixtures::{DELAY, account_id, first_rules, folded, person, publisher, rules, slug, text},
    history::{History, audit},
    job::{Job, job},
    release::release,
};

/// `rake` of account 1, released once by its publisher; and a key of that account that may push.
pub(crate) fn rake(mut history: History) -> (History, ApiKeyId) {
    let owner = Owner::Account(account_id(1));
    history
        .add_by(&person(1), "rake", publisher(), owner)
        .unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    let key = history.issue(account_id(1), &[Scope::PushRubygem], |_| {});
    (history, key.unwrap())
}

fn code(outcome: Result<Verdict, Denial>) -> Code {
    outcome.unwrap_err().code
}

fn push(history: &mut History, job: &Job, number: &'static str) -> Result<Verdict, Denial> {
    let key = history.exchange(job).unwrap();
    history.push(key, &release("rake", number))
}

/// The gem's last release is attested, whoever verified it.
fn attested(history: &mut History, class: Class) {
    let entry = (class > Class::Timestamp).then(|| LogEntry {
        index: text("1"),
        log: text("rekor.example.com"),
    });
    let attested = Attested {
        builder: None,
        bundle: Digest::of(b"bundle"),
        certificate: Digest::of(b"certificate"),
        compared: Vec::new(),
        digest: Digest::of(b"file"),
        entry,
        name: GemName::parse("rake").unwrap(),
        number: GemVersion::parse("1.0").unwrap(),
        platform: Platform::ruby(),
        predicate: None,
        public: class == Class::PublicLog,
        root: EventRef {
            revision: 0,
            stream: StreamName::provider(&slug("github")),
        },
        sct: true,
        signed: history.now,
        timestamp: true,
    };
    let draft = Draft::new(
        StreamName::gem(&folded("rake")),
        Body::ReleaseAttested(attested),
    );
    history.append(&Actor::Operator, Via::Http, vec![draft]);
}

/// Whether a push with this attestation keeps the rules of `rake` now.
fn keeps(history: &History, class: Option<Class>) -> bool {
    let (policy, gem) = (history.policy("rake"), history.gem("rake"));
    let (job, publisher) = (job(1).workflow, publisher());
    let pushes = Pushes {
        number: &GemVersion::parse("2.0").unwrap(),
        trusted: Some((&job, &publisher)),
        attested: class,
    };
    let judged = rule::judge(&history.ledger(), &policy, &gem, &pushes);
    let judged = judged.map_err(|short| short.denial);
    if let Err(denial) = &judged {
        assert_eq!(denial.code, Code::AttestationRequired);
        assert!(denial.tell && denial.expected.is_some() && denial.found.is_some());
    }
    judged.is_ok()
}

#[test]
fn a_gem_that_came_by_trusted_publishing_does_not_come_by_a_persons_key_again() {
    let (mut history, key) = rake(History::delayed(DELAY));
    let denial = history.push(key, &release("rake", "2.0")).unwrap_err();
    assert_eq!(denial.code, Code::TrustedPublishingRequired);
    assert_eq!(denial.found.as_deref(), Some("a key of an account"));
    assert!(denial.tell, "an owner is told what to do");
    assert!(push(&mut history, &job(2), "2.0").is_ok());
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_gem_that_never_came_by_trusted_publishing_is_pushed_as_before() {
    let mut history = History::delayed(DELAY);
    let key = history.issue(account_id(1), &[Scope::PushRubygem], |_| {});
    let key = key.unwrap();
    history.released(key, &release("thor", "1.0"));
    history.released(key, &release("thor", "1.1"));
    let on = Setting::On;
    let rule = Rule::TrustedPublishingOnly;
    history.set_rule(&person(1), "thor", rule, on).unwrap();
    let denied = code(history.push(key, &release("thor", "1.2")));
    assert_eq!(denied, Code::TrustedPublishingRequired);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn the_same_file_again_is_no_push_that_a_rule_could_deny() {
    let (mut history, key) = rake(History::delayed(DELAY));
    let again = history.push(key, &release("rake", "1.0"));
    assert_eq!(again, Ok(Verdict::AlreadyPushed));
}

#[test]
fn an_attestation_that_was_reached_is_demanded_as_strictly_as_it_was() {
    let (mut history, _) = rake(History::delayed(DELAY));
    assert!(keeps(&history, None));
    let classes = [Class::Timestamp, Class::PrivateLog, Class::PublicLog];
    for reached in classes {
        attested(&mut history, reached);
        assert!(!keeps(&history, None));
        for class in classes {
            assert_eq!(keeps(&history, Some(class)), class >= reached);
        }
    }
    // A weaker one that came in later, whatever let it in, does not lower the bar.
    attested(&mut history, Class::Timestamp);
    assert!(!keeps(&history, Some(Class::PrivateLog)));
    // Nor does the rule that takes any log.
    let rule = Rule::AttestationRequired;
    history
        .set_rule(&person(1), "rake", rule, Setting::On)
        .unwrap();
    assert!(!keeps(&history, Some(Class::PrivateLog)));
    assert!(keeps(&history, Some(Class::PublicLog)));
}

#[test]
fn an_attestation_that_is_demanded_is_demanded_of_the_first_release_too() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let rule = Rule::AttestationRequired;
    history
        .set_rule(&person(1), "rake", rule, Setting::On)
        .unwrap();
    assert!(!keeps(&history, Some(Class::Timestamp)));
    assert!(keeps(&history, Some(Class::PrivateLog)));
    assert_eq!(
        code(push(&mut history, &job(2), "2.0")),
        Code::AttestationRequired
    );
    let change = history.set_rule(&person(1), "rake", rule, Setting::Timestamped);
    assert!(change.is_ok());
    assert!(!keeps(&history, Some(Class::Timestamp)));
    history.later(DELAY);
    assert!(keeps(&history, Some(Class::Timestamp)));
    assert!(!keeps(&history, None));
}

#[test]
fn a_publisher_for_any_environment_does_not_do_where_one_is_required() {
    let (mut history, key) = rake(History::delayed(DELAY));
    let rule = Rule::EnvironmentRequired;
    history
        .set_rule(&person(1), "rake", rule, Setting::On)
        .unwrap();
    let denied = push(&mut history, &job(2), "2.0").unwrap_err();
    assert_eq!(denied.code, Code::EnvironmentRequired);
    let in_environment = Publisher {
        environment: Some(text("release")),
        ..publisher()
    };
    history.add("rake", in_environment).unwrap();
    let staged = |jti| job(jti).with(|job| job.environment = Some(text("release")));
    assert!(push(&mut history, &staged(3), "2.0").is_ok());
    history
        .set_rule(
            &person(1),
            "rake",
            Rule::TrustedPublishingOnly,
            Setting::Off,
        )
        .unwrap();
    history.later(DELAY);
    let denied = code(history.push(key, &release("rake", "3.0")));
    assert_eq!(denied, Code::EnvironmentRequired);
}

#[test]
fn a_run_on_another_tag_than_that_of_the_version_is_denied() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let rule = Rule::TagMustEqualVersion;
    history
        .set_rule(&person(1), "rake", rule, Setting::On)
        .unwrap();
    let denial = push(&mut history, &job(2), "2.0").unwrap_err();
    assert_eq!(denial.code, Code::TagVersionMismatch);
    assert_eq!(denial.expected.as_deref(), Some("refs/tags/v2.0"));
    assert_eq!(denial.found.as_deref(), Some("refs/tags/v1"));
    let tagged = job(3).with(|job| {
        let path = "ruby/rake/.github/workflows/release.yml@refs/tags/v2.0";
        job.git_ref = Some(text("refs/tags/v2.0"));
        job.workflow_ref = Some(text(path));
        job.job_workflow_ref = Some(text(path));
    });
    assert!(push(&mut history, &tagged, "2.0").is_ok());
    // A branch may be called like a tag.
    let posing = job(5).with(|job| {
        let path = "ruby/rake/.github/workflows/release.yml@refs/tags/v3";
        job.git_ref = Some(text("refs/tags/v3"));
        job.workflow_ref = Some(text(path));
        job.job_workflow_ref = Some(text(path));
        job.ref_type = Some(text("branch"));
        job.ref_protected = Some(true);
    });
    assert_eq!(
        code(push(&mut history, &posing, "3")),
        Code::TagVersionMismatch
    );
}

#[test]
fn a_tag_is_no_protected_ref_unless_the_forge_says_so() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let rule = Rule::ProtectedRefRequired;
    history
        .set_rule(&person(1), "rake", rule, Setting::On)
        .unwrap();
    assert_eq!(
        code(push(&mut history, &job(2), "2.0")),
        Code::ProtectedRefRequired
    );
    let silent = job(3).with(|job| job.ref_protected = None);
    assert_eq!(
        code(push(&mut history, &silent, "2.0")),
        Code::ProtectedRefRequired
    );
    let protected = job(4).with(|job| job.ref_protected = Some(true));
    assert!(push(&mut history, &protected, "2.0").is_ok());
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_rule_is_set_to_what_it_knows_and_to_something_else_than_it_is() {
    let (mut history, _) = rake(History::delayed(DELAY));
    let mut set = |rule, to| {
        let outcome = history.set_rule(&person(1), "rake", rule, to);
        outcome.map(drop).map_err(|denial| denial.code)
    };
    let tag = Rule::TagMustEqualVersion;
    assert_eq!(set(tag, Setting::Auto), Err(Code::RuleInvalid));
    assert_eq!(set(tag, Setting::Timestamped), Err(Code::RuleInvalid));
    assert_eq!(set(tag, Setting::Off), Err(Code::AlreadyExists));
    let only = Rule::TrustedPublishingOnly;
    assert_eq!(set(only, Setting::Timestamped), Err(Code::RuleInvalid));
    assert_eq!(set(only, Setting::Auto), Err(Code::AlreadyExists));
    assert_eq!(set(only, Setting::Off), Ok(()));
    assert_eq!(set(only, Setting::Off), Err(Code::AlreadyExists));
    let missing = history.set_rule(&person(1), "nowhere", only, Setting::On);
    assert_eq!(missing.unwrap_err().code, Code::NotFound);
    let stranger = history.set_rule(&person(2), "rake", only, Setting::On);
    assert_eq!(stranger.unwrap_err().code, Code::NotOwner);
}

#[test]
fn edition_1_knows_neither_rules_nor_delays() {
    let (mut history, key) = rake(History::first_edition());
    history.released(key, &release("rake", "2.0"));
    let id = history.add(
        "rake",
        Publisher {
            workflow: text("b.yml"),
            ..publisher()
        },
    );
    history.later(1);
    let path = job(2).file("b.yml");
    assert!(push(&mut history, &path, "3.0").is_ok());
    history.remove("rake", id.unwrap()).unwrap();
    let rule = Rule::TrustedPublishingOnly;
    let denial = history.set_rule(&person(1), "rake", rule, Setting::On);
    assert_eq!(denial.unwrap_err().code, Code::EditionTooOld);
    let denial = history.add_owner(&person(1), "rake", account_id(2));
    assert_eq!(denial.unwrap_err().code, Code::EditionTooOld);
    assert_eq!(audit(&history.log), []);
    // From the change on, what was reached before counts.
    history.change_rules(2, rules(DELAY)).unwrap();
    assert_eq!(
        code(history.push(key, &release("rake", "4.0"))),
        Code::TrustedPublishingRequired
    );
    assert_eq!(
        history.change_rules(1, first_rules()).unwrap_err().code,
        Code::RulesInvalid
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn each_edition_has_its_own_settings() {
    let mut history = History::first_edition();
    for (edition, rules) in [
        (1, rules(0)),
        (2, first_rules()),
        (2, rules(30 * 24 * 3600 + 1)),
    ] {
        let denial = history.change_rules(edition, rules).unwrap_err();
        assert_eq!(denial.code, Code::RulesInvalid);
    }
    history.change_rules(2, rules(30 * 24 * 3600)).unwrap();
}
