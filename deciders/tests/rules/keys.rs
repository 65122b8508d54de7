//! A key dies with whoever vouched for it, and never does more than it was given for.
use deciders::Code;
use events::{api_key::Scope, policy::Publisher};

use crate::{
    fixtures::{account_id, api_key_id, provisional, publisher, text},
    history::{History, audit},
    job::job,
    release::release,
};

use crate::push::{account, denied, released};

#[test]
fn a_key_is_dead_at_the_very_moment_it_expires() {
    let mut history = History::public();
    history.add("rake", publisher()).unwrap();
    let issued = history.now;
    let key = history.exchange(&job(1)).unwrap();
    history.now = issued.plus_seconds(15 * 60);
    assert_eq!(
        denied(&mut history, key, &release("rake", "1.0")).code,
        Code::KeyExpired
    );
    history.now = issued.plus_seconds(15 * 60).minus_seconds(1);
    history.released(key, &release("rake", "1.0"));
}

#[test]
fn a_key_that_was_given_back_or_never_issued_pushes_nothing() {
    let (mut history, key) = released();
    history.give_back(key).unwrap();
    assert_eq!(
        denied(&mut history, key, &release("rake", "1.1")).code,
        Code::KeyRevoked
    );
    let unknown = api_key_id(777);
    assert_eq!(
        denied(&mut history, unknown, &release("rake", "1.1")).code,
        Code::KeyUnknown
    );
}

#[test]
fn a_key_without_the_scope_or_for_another_gem_pushes_nothing() {
    let mut history = History::public();
    let full = account(&mut history, 1);
    history.released(full, &release("rake", "1.0"));
    let reader = history
        .issue(account_id(1), &[Scope::Read], |_| {})
        .unwrap();
    assert_eq!(
        denied(&mut history, reader, &release("rake", "1.1")).code,
        Code::ScopeMissing
    );
    let thor = Some(crate::fixtures::folded("thor"));
    let narrow = history.issue(account_id(1), &[Scope::PushRubygem], |issued| {
        issued.gem = thor;
    });
    let denial = denied(&mut history, narrow.unwrap(), &release("rake", "1.1"));
    assert_eq!(
        (denial.code, denial.expected.as_deref()),
        (Code::GemScope, Some("thor"))
    );
}

#[test]
fn removing_a_publisher_kills_its_keys() {
    let (mut history, key) = released();
    let id = *history.policy("rake").publishers.keys().next().unwrap();
    history.remove("rake", id).unwrap();
    assert_eq!(
        denied(&mut history, key, &release("rake", "1.1")).code,
        Code::NotPublisher
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_key_pushes_only_gems_whose_policy_names_its_workflow() {
    let (mut history, key) = released();
    let owner = account(&mut history, 1);
    history.released(owner, &release("thor", "1.0"));
    let denial = denied(&mut history, key, &release("thor", "1.1"));
    assert_eq!((denial.code, denial.expected), (Code::NotPublisher, None));
    assert_eq!(
        denied(&mut history, key, &release("unheard-of", "1")).code,
        Code::NotPublisher
    );
}

#[test]
fn disabling_the_provider_kills_its_keys() {
    let (mut history, key) = released();
    history.disable_provider("github").unwrap();
    assert_eq!(
        denied(&mut history, key, &release("rake", "1.1")).code,
        Code::ProviderDisabled
    );
}

#[test]
fn distrusting_the_providers_key_kills_what_it_signed() {
    let (mut history, key) = released();
    history.distrust_key("github", "k1").unwrap();
    let denial = denied(&mut history, key, &release("rake", "1.1"));
    assert_eq!(denial.code, Code::ProviderKeyDistrusted);
}

#[test]
fn disabling_an_account_kills_its_keys() {
    let mut history = History::public();
    let key = account(&mut history, 1);
    history.disable_account(account_id(1)).unwrap();
    assert_eq!(
        denied(&mut history, key, &release("rake", "1.0")).code,
        Code::AccountDisabled
    );
}

#[test]
fn a_publisher_that_changed_since_the_exchange_is_told_to_its_own_job() {
    let (mut history, key) = released();
    let staged = Publisher {
        environment: Some(text("release")),
        ..publisher()
    };
    history.add("rake", staged).unwrap();
    let denial = denied(&mut history, key, &release("rake", "1.1"));
    assert_eq!(
        (denial.code, denial.tell),
        (Code::EnvironmentMismatch, true)
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_provisional_publisher_that_expired_since_the_exchange_says_so() {
    let (mut history, _) = released();
    let waiting = Publisher {
        workflow: text("ship.yml"),
        ..provisional()
    };
    let added = history.now;
    history.add("rake", waiting).unwrap();
    history.now = added.plus_seconds(7 * 24 * 3600).minus_seconds(60);
    let key = history.exchange(&job(3).file("ship.yml")).unwrap();
    history.later(120);
    assert_eq!(
        denied(&mut history, key, &release("rake", "2.0")).code,
        Code::PublisherExpired
    );
}
