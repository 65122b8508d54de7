//! Who may say which workflow releases a gem, and what such a workflow must look like.
use deciders::{Code, Denial, policy::MAX_PUBLISHERS};
use events::{
    id::{Actor, Owner, PublisherId},
    policy::Publisher,
};

use crate::{
    fixtures::{account_id, generic, gitlab, provisional, publisher, slug, text},
    history::{History, audit},
    job::job,
    release::release,
};

fn alice() -> Actor {
    Actor::Account(account_id(1))
}

fn bob() -> Actor {
    Actor::Account(account_id(2))
}

fn accounts() -> History {
    let mut history = History::public();
    history.create_account(account_id(1)).unwrap();
    history.create_account(account_id(2)).unwrap();
    history
}

/// `rake`, owned by the first account, released by its publisher 0 (now 2).
fn rake_of_alice() -> History {
    let mut history = accounts();
    let owner = Owner::Account(account_id(1));
    history
        .add_by(&alice(), "rake", publisher(), owner)
        .unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    history
}

fn code<T>(outcome: Result<T, Denial>) -> Result<T, Code> {
    outcome.map_err(|denial| denial.code)
}

fn file(workflow: &str) -> Publisher {
    Publisher {
        workflow: text(workflow),
        ..publisher()
    }
}

#[test]
fn a_free_name_is_reserved_for_one_owner_until_it_expires() {
    let mut history = accounts();
    let owner = Owner::Account(account_id(1));
    history
        .add_by(&alice(), "rake", publisher(), owner)
        .unwrap();
    assert_eq!(
        history.log.last().unwrap().event.body.event_type().name,
        "pending_publisher.added"
    );
    let others = Owner::Account(account_id(2));
    assert_eq!(
        code(history.add_by(&bob(), "rake", file("b.yml"), others)),
        Err(Code::NameReserved)
    );
    assert_eq!(
        code(history.add("rake", file("b.yml"))),
        Err(Code::NameReserved)
    );
    history
        .add_by(&alice(), "rake", file("b.yml"), owner)
        .unwrap();
    history.later(7 * 24 * 3600);
    history
        .add_by(&bob(), "rake", file("b.yml"), others)
        .unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn an_account_reserves_for_itself_and_the_operator_for_anybody_who_lives() {
    let mut history = accounts();
    let others = Owner::Account(account_id(2));
    assert_eq!(
        code(history.add_by(&alice(), "rake", publisher(), others)),
        Err(Code::NotOwner)
    );
    assert_eq!(
        code(history.add_by(&alice(), "rake", publisher(), Owner::Operator)),
        Err(Code::NotOwner)
    );
    history
        .add_by(&Actor::Operator, "rake", publisher(), others)
        .unwrap();
    let nobody = Owner::Account(account_id(9));
    assert_eq!(
        code(history.add_by(&Actor::Operator, "thor", publisher(), nobody)),
        Err(Code::NotFound)
    );
    history.disable_account(account_id(2)).unwrap();
    assert_eq!(
        code(history.add_by(&bob(), "thor", publisher(), others)),
        Err(Code::AccountDisabled)
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn only_owners_and_the_operator_manage_a_gem() {
    let mut history = rake_of_alice();
    let owner = Owner::Account(account_id(1));
    history
        .add_by(&alice(), "rake", file("a.yml"), owner)
        .unwrap();
    assert_eq!(
        history.log.last().unwrap().event.body.event_type().name,
        "publisher.added"
    );
    history.add("rake", file("b.yml")).unwrap();
    let by_bob = history.add_by(&bob(), "rake", file("c.yml"), Owner::Account(account_id(2)));
    assert_eq!(code(by_bob), Err(Code::NotOwner));
    let id = *history.policy("rake").publishers.keys().next().unwrap();
    assert_eq!(
        code(history.remove_by(&bob(), "rake", id)),
        Err(Code::NotOwner)
    );
    let workflow = Actor::Workflow(slug("github"), text("42"));
    assert_eq!(
        code(history.remove_by(&workflow, "rake", id)),
        Err(Code::NotOwner)
    );
    history.remove_by(&alice(), "rake", id).unwrap();
    assert_eq!(
        code(history.remove_by(&alice(), "rake", id)),
        Err(Code::NotFound)
    );
    history.disable_account(account_id(1)).unwrap();
    let disabled = history.add_by(&alice(), "rake", file("d.yml"), owner);
    assert_eq!(code(disabled), Err(Code::AccountDisabled));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_pending_publisher_is_removed_by_whom_it_waits_for() {
    let mut history = accounts();
    let owner = Owner::Account(account_id(1));
    let id = history
        .add_by(&alice(), "rake", publisher(), owner)
        .unwrap();
    assert_eq!(
        code(history.remove_by(&bob(), "rake", id)),
        Err(Code::NotOwner)
    );
    history.remove_by(&alice(), "rake", id).unwrap();
    assert_eq!(
        history.log.last().unwrap().event.body.event_type().name,
        "pending_publisher.removed"
    );
    history
        .add_by(&bob(), "rake", publisher(), Owner::Account(account_id(2)))
        .unwrap();
    assert_eq!(
        code(history.remove("rake", PublisherId(99))),
        Err(Code::NotFound)
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn the_same_workflow_is_added_once() {
    let mut history = rake_of_alice();
    let shouting = Publisher {
        any_ref: true,
        repository: text("Ruby/Rake"),
        ..provisional()
    };
    assert_eq!(
        code(history.add("rake", shouting.clone())),
        Err(Code::AlreadyExists)
    );
    let staged = Publisher {
        environment: Some(text("release")),
        ..shouting
    };
    history.add("rake", staged).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_publisher_that_waited_too_long_makes_room_for_the_same_one_with_ids() {
    let mut history = rake_of_alice();
    let waiting = Publisher {
        workflow: text("late.yml"),
        ..provisional()
    };
    let late = history.add("rake", waiting.clone()).unwrap();
    history.later(7 * 24 * 3600);
    let with_ids = Publisher {
        workflow: text("late.yml"),
        ..publisher()
    };
    let before = history.log.len();
    history.add("rake", with_ids).unwrap();
    assert_eq!(
        history.types_since(before),
        ["publisher.removed", "publisher.added"]
    );
    assert!(!history.policy("rake").publishers.contains_key(&late));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn what_waited_for_a_name_under_somebody_who_no_longer_owns_it_blocks_nobody() {
    let mut history = accounts();
    let owner = Owner::Account(account_id(1));
    for number in 1..MAX_PUBLISHERS {
        let other = file(&format!("{number}.yml"));
        history.add_by(&alice(), "rake", other, owner).unwrap();
    }
    history
        .add_by(&alice(), "rake", publisher(), owner)
        .unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    let bob_adds = |history: &mut History, name: &str| {
        let bobs = Owner::Account(account_id(2));
        code(history.add_by(&bob(), "rake", file(name), bobs))
    };
    history.add_owner(&alice(), "rake", account_id(2)).unwrap();
    assert_eq!(
        bob_adds(&mut history, "more.yml"),
        Err(Code::TooManyPublishers)
    );
    assert_eq!(bob_adds(&mut history, "1.yml"), Err(Code::AlreadyExists));
    history.remove_owner(&bob(), "rake", owner).unwrap();
    bob_adds(&mut history, "more.yml").unwrap();
    let before = history.log.len();
    bob_adds(&mut history, "1.yml").unwrap();
    assert_eq!(
        history.types_since(before),
        ["pending_publisher.removed", "publisher.added"]
    );
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_gem_has_at_most_fifty_publishers() {
    let mut history = History::public();
    for number in 0..MAX_PUBLISHERS {
        history.add("rake", file(&format!("{number}.yml"))).unwrap();
    }
    assert_eq!(
        code(history.add("rake", file("more.yml"))),
        Err(Code::TooManyPublishers)
    );
}

#[test]
fn a_registered_gem_keeps_its_spelling() {
    let mut history = rake_of_alice();
    let denial = history.add("Rake", file("a.yml")).unwrap_err();
    assert_eq!(denial.code, Code::NameSpelledDifferently);
    assert_eq!(denial.expected.as_deref(), Some("rake"));
}

#[test]
fn a_publisher_needs_a_provider_that_counts() {
    let mut history = History::public();
    let at_gitlab = Publisher {
        provider: slug("gitlab"),
        ..publisher()
    };
    assert_eq!(
        code(history.add("rake", at_gitlab)),
        Err(Code::ProviderUnknown)
    );
    history.disable_provider("github").unwrap();
    assert_eq!(
        code(history.add("rake", publisher())),
        Err(Code::ProviderDisabled)
    );
}

#[test]
fn a_publisher_that_no_workflow_can_be_is_invalid() {
    let mut history = History::public();
    history.register("gitlab", gitlab(), &[]).unwrap();
    history.register("ci", generic(), &[]).unwrap();
    let mut refused = |change: fn(&mut Publisher)| {
        let mut publisher = publisher();
        change(&mut publisher);
        let outcome = history.add("rake", publisher.clone());
        assert_eq!(code(outcome), Err(Code::PublisherInvalid), "{publisher:?}");
    };
    refused(|it| it.workflow = text("release.rb"));
    refused(|it| it.workflow = text(".yml"));
    refused(|it| it.workflow = text(".github/workflows/release.yml"));
    refused(|it| it.workflow = text("release@v1.yml"));
    refused(|it| it.repository = text("rake"));
    refused(|it| it.repository = text("ruby/rake/sub"));
    refused(|it| it.repository = text("ruby/.."));
    refused(|it| it.repository = text("ruby/ra ke"));
    refused(|it| it.repository_id = Some(text("forty-two")));
    refused(|it| it.owner_id = Some(text("-1")));
    refused(|it| it.environment = Some(text(&format!("sha256:{}", "0".repeat(64)))));
    refused(|it| it.workflow_repository = Some(text("Ruby/rake")));
    refused(|it| it.workflow_repository = Some(text("workflows")));
    refused(|it| {
        it.provider = slug("gitlab");
        it.workflow_repository = Some(text("acme/workflows"));
    });
    refused(|it| {
        it.provider = slug("gitlab");
        it.workflow = text("/ci.yml");
    });
    refused(|it| {
        it.provider = slug("ci");
        it.workflow_repository = Some(text("acme/workflows"));
    });
}

#[test]
fn each_forge_has_its_own_shape_of_publisher() {
    let mut history = History::public();
    history.register("gitlab", gitlab(), &[]).unwrap();
    history.register("ci", generic(), &[]).unwrap();
    let mut accepted = |change: fn(&mut Publisher)| {
        let mut publisher = publisher();
        change(&mut publisher);
        history.add("rake", publisher).unwrap();
    };
    accepted(|it| it.workflow = text("release.yaml"));
    accepted(|it| it.workflow_repository = Some(text("acme/workflows")));
    accepted(|it| {
        it.provider = slug("gitlab");
        it.repository = text("group/sub/rake");
        it.workflow = text("ci/.gitlab-ci.yml");
    });
    accepted(|it| {
        it.provider = slug("ci");
        it.repository = text("any thing");
        it.repository_id = Some(text("p-42"));
        it.workflow = text("release");
    });
}
