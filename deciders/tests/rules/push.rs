//! A file becomes a version of a gem for good, or is turned away with a reason.
use deciders::{Code, Denial, push::Verdict};
use events::{
    Body,
    api_key::Scope,
    gem::Pushed,
    id::{Actor, ApiKeyId, Owner, PublisherId},
    policy::Publisher,
};

use crate::{
    fixtures::{account_id, provisional, publisher, slug, text},
    history::{History, audit},
    job::job,
    release::{Release, release},
};

/// A ledger with the pending publisher of `rake`, and a key of its job.
fn pending() -> (History, ApiKeyId) {
    let mut history = History::public();
    history.add("rake", publisher()).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    (history, key)
}

/// `rake` 1.0 is released, and here is the key of the next job.
pub(crate) fn released() -> (History, ApiKeyId) {
    let (mut history, key) = pending();
    history.released(key, &release("rake", "1.0"));
    let key = history.exchange(&job(2)).unwrap();
    (history, key)
}

/// An account with a key to push.
pub(crate) fn account(history: &mut History, number: u64) -> ApiKeyId {
    history.create_account(account_id(number)).unwrap();
    history
        .issue(account_id(number), &[Scope::PushRubygem], |_| {})
        .unwrap()
}

pub(crate) fn denied(history: &mut History, key: ApiKeyId, release: &Release) -> Denial {
    let before = history.log.len();
    let denial = history.push(key, release).unwrap_err();
    let only_denials = history
        .types_since(before)
        .iter()
        .all(|name| *name == "push.denied");
    assert!(only_denials, "a denied push left more than its record");
    denial
}

fn pushed(history: &History) -> &Pushed {
    let Body::ReleasePushed(pushed) = &history.log.last().unwrap().event.body else {
        panic!("the last event is no release")
    };
    pushed
}

#[test]
fn the_first_push_of_a_pending_publisher_makes_the_gem() {
    let mut history = History::public();
    history.create_account(account_id(1)).unwrap();
    let owner = Owner::Account(account_id(1));
    let by = Actor::Account(account_id(1));
    history.add_by(&by, "Rake", provisional(), owner).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    let before = history.log.len();
    history.released(key, &release("Rake", "1.0"));
    assert_eq!(
        history.types_since(before),
        [
            "gem.registered",
            "owner.added",
            "publisher.added",
            "publisher.pinned",
            "name.taken",
            "file.taken",
            "release.pushed"
        ]
    );
    let policy = history.policy("rake");
    assert_eq!(policy.owners.iter().collect::<Vec<_>>(), [&owner]);
    assert!(policy.pending.is_empty());
    // 0 was pending, 1 registered, 2 owner: the publisher is the third event.
    let entry = &policy.publishers[&PublisherId(3)];
    assert_eq!(entry.publisher.repository_id, Some(text("42")));
    assert_eq!(entry.publisher.owner_id, Some(text("210")));
    let release = pushed(&history);
    assert_eq!(release.policy.revision, 4);
    let source = release.source.as_ref().unwrap();
    assert_eq!(source.publisher, PublisherId(3));
    assert_eq!(source.workflow, job(1).workflow);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_push_of_a_known_publisher_takes_its_file_and_nothing_else() {
    let (mut history, key) = released();
    let before = history.log.len();
    history.released(key, &release("rake", "1.1"));
    assert_eq!(
        history.types_since(before),
        ["file.taken", "release.pushed"]
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn the_first_push_pins_the_ids_and_from_then_on_they_decide() {
    let (mut history, _) = released();
    let publisher = Publisher {
        workflow: text("ship.yml"),
        ..provisional()
    };
    history.add("rake", publisher).unwrap();
    let key = history.exchange(&job(3).file("ship.yml")).unwrap();
    let before = history.log.len();
    history.released(key, &release("rake", "2.0"));
    assert_eq!(
        history.types_since(before),
        ["publisher.pinned", "file.taken", "release.pushed"]
    );
    let recreated = job(4).file("ship.yml").with(|workflow| {
        workflow.repository_id = text("777");
    });
    let denial = history.exchange(&recreated).unwrap_err().denial;
    assert_eq!(denial.code, Code::RepositoryIdMismatch);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn an_owners_id_that_was_not_given_is_pinned_too() {
    let mut history = History::public();
    let half = Publisher {
        owner_id: None,
        ..publisher()
    };
    history.add("rake", half).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    let moved = job(2).with(|workflow| workflow.owner_id = Some(text("999")));
    let denial = history.exchange(&moved).unwrap_err().denial;
    assert_eq!(denial.code, Code::OwnerIdMismatch);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_name_that_waits_for_somebody_else_is_not_free() {
    let (mut history, _) = pending();
    let key = account(&mut history, 1);
    assert_eq!(
        denied(&mut history, key, &release("rake", "1.0")).code,
        Code::NameReserved
    );
    history.later(7 * 24 * 3600);
    history.released(key, &release("rake", "1.0"));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_pending_publisher_of_another_owner_has_lost_once_the_name_is_taken() {
    let mut history = History::public();
    let key = account(&mut history, 1);
    history.add("rake", publisher()).unwrap();
    history.later(7 * 24 * 3600);
    history.released(key, &release("rake", "1.0"));
    assert_eq!(
        history.exchange(&job(1)).unwrap_err().denial.code,
        Code::NoPublisher
    );
}

#[test]
fn a_pending_publisher_reserves_one_spelling() {
    let (mut history, key) = pending();
    let denial = denied(&mut history, key, &release("Rake", "1.0"));
    assert_eq!(denial.code, Code::NameSpelledDifferently);
}

#[test]
fn an_account_registers_a_free_name_and_then_owns_it() {
    let mut history = History::public();
    let (alice, bob) = (account(&mut history, 1), account(&mut history, 2));
    let before = history.log.len();
    history.released(alice, &release("rake", "1.0"));
    assert_eq!(
        history.types_since(before),
        [
            "gem.registered",
            "owner.added",
            "name.taken",
            "file.taken",
            "release.pushed"
        ]
    );
    assert!(pushed(&history).source.is_none());
    assert_eq!(
        denied(&mut history, bob, &release("rake", "1.1")).code,
        Code::NotOwner
    );
    history.released(alice, &release("rake", "1.1"));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_key_releases_one_version_with_all_its_platforms() {
    let (mut history, key) = released();
    history.released(key, &release("rake", "2.0"));
    history.released(key, &release("rake", "2.0").platform("x86_64-linux"));
    let denial = denied(&mut history, key, &release("rake", "2.1"));
    assert_eq!(denial.code, Code::OneVersionPerKey);
    assert_eq!(denial.found.as_deref(), Some("2.1"));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn an_accounts_key_releases_as_many_versions_as_it_likes() {
    let mut history = History::public();
    let key = account(&mut history, 1);
    for number in ["1.0", "1.1", "2.0"] {
        history.released(key, &release("rake", number));
    }
    assert_eq!(audit(&history.log), []);
}

#[test]
fn the_very_same_file_may_be_sent_again_even_with_a_new_key() {
    let (mut history, key) = released();
    let before = history.log.len();
    assert_eq!(
        history.push(key, &release("rake", "1.0")),
        Ok(Verdict::AlreadyPushed)
    );
    assert_eq!(history.log.len(), before);
    let other = release("rake", "1.0").content("changed");
    assert_eq!(denied(&mut history, key, &other).code, Code::VersionExists);
}

#[test]
fn a_version_is_released_once_however_it_is_spelled() {
    let (mut history, key) = released();
    let denial = denied(&mut history, key, &release("rake", "1.0.0"));
    assert_eq!(denial.code, Code::VersionSpelledDifferently);
    assert_eq!(denial.expected.as_deref(), Some("1.0"));
}

#[test]
fn names_that_differ_by_case_are_one_name() {
    let (mut history, key) = released();
    let denial = denied(&mut history, key, &release("Rake", "1.1"));
    assert_eq!(denial.code, Code::NameSpelledDifferently);
    assert_eq!(denial.expected.as_deref(), Some("rake"));
}

#[test]
fn two_releases_never_share_a_file_name() {
    let mut history = History::public();
    let key = account(&mut history, 1);
    history.released(key, &release("foo-1", "2"));
    let collision = release("foo", "1").platform("2");
    let denial = denied(&mut history, key, &collision);
    assert_eq!(
        (denial.code, denial.found.as_deref()),
        (Code::FileTaken, Some("foo-1-2"))
    );
    // Not even by case.
    history.released(key, &release("bar", "1.a"));
    assert_eq!(
        denied(&mut history, key, &release("bar", "1.A")).code,
        Code::FileTaken
    );
}

#[test]
fn a_denied_push_of_the_publishers_own_repository_is_recorded_once_an_hour() {
    let (mut history, key) = released();
    let before = history.log.len();
    for _ in 0..3 {
        denied(
            &mut history,
            key,
            &release("rake", "1.0").content("changed"),
        );
    }
    assert_eq!(history.types_since(before), ["push.denied"]);
    denied(&mut history, key, &release("rake", "1.0.0"));
    assert_eq!(history.types_since(before), ["push.denied", "push.denied"]);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_stranger_whose_push_is_denied_leaves_no_trace() {
    let (mut history, _) = released();
    let other = Publisher {
        owner_id: None,
        repository: text("mallory/tool"),
        repository_id: Some(text("666")),
        ..publisher()
    };
    history.add("tool", other).unwrap();
    let key = history
        .exchange(&job(3).with(|workflow| {
            let path = "mallory/tool/.github/workflows/release.yml@refs/tags/v1";
            workflow.repository = text("mallory/tool");
            workflow.repository_id = text("666");
            workflow.workflow_ref = Some(text(path));
            workflow.job_workflow_ref = Some(text(path));
        }))
        .unwrap();
    let before = history.log.len();
    assert_eq!(
        denied(&mut history, key, &release("rake", "1.1")).code,
        Code::NotPublisher
    );
    assert_eq!(history.log.len(), before);
}

#[test]
fn an_id_of_another_forge_is_not_the_publishers_own() {
    // Project 42 at GitLab is not repository 42 at GitHub.
    let (mut history, _) = released();
    history
        .register("gitlab", crate::fixtures::gitlab(), &["g1"])
        .unwrap();
    let at_gitlab = Publisher {
        owner_id: None,
        provider: slug("gitlab"),
        repository: text("group/sub/rake"),
        workflow: text(".gitlab-ci.yml"),
        ..publisher()
    };
    history.add("tool", at_gitlab).unwrap();
    let key = history.exchange(&crate::job::gitlab_job(3)).unwrap();
    let before = history.log.len();
    assert_eq!(
        denied(&mut history, key, &release("rake", "1.1")).code,
        Code::NotPublisher
    );
    assert_eq!(history.log.len(), before);
}

#[test]
fn the_parts_of_a_release_must_agree() {
    let (mut history, key) = released();
    let facts = release("rake", "1.1").facts(key);
    let other = release("rake", "1.2").facts(key);
    let lies = [
        deciders::push::Facts {
            file: other.file.clone(),
            ..facts.clone()
        },
        deciders::push::Facts {
            info: other.info.clone(),
            ..facts.clone()
        },
        deciders::push::Facts {
            digest: other.digest,
            ..facts.clone()
        },
        deciders::push::Facts {
            number: other.number.clone(),
            ..facts.clone()
        },
    ];
    for lie in lies {
        let denial = history.push_facts(&lie).unwrap_err();
        assert_eq!(denial.code, Code::ReleaseIncoherent);
    }
    assert!(history.push_facts(&facts).is_ok());
}
