//! Who is turned away by an exchange, what is said to whom, and what is recorded of it.
use deciders::Code;
use events::{Body, denied::ExchangeDenied, log::Rules, policy::Publisher};

use crate::{
    fixtures::{folded, provisional, publisher, text},
    history::{History, audit},
    job::job,
};

use crate::exchange::{denied, rake, turned};

fn records(history: &History) -> Vec<&ExchangeDenied> {
    let bodies = history.log.iter().map(|recorded| &recorded.event.body);
    bodies
        .filter_map(|body| {
            if let Body::ExchangeDenied(denied) = body {
                Some(denied)
            } else {
                None
            }
        })
        .collect()
}

#[test]
fn a_stranger_finds_no_publisher_and_leaves_no_trace() {
    let mut history = rake();
    let before = history.log.len();
    let stranger = job(2).with(|workflow| {
        workflow.repository = text("mallory/rake");
        workflow.repository_id = text("666");
    });
    let turned = turned(&mut history, &stranger);
    assert_eq!(turned.denial.code, Code::NoPublisher);
    assert_eq!((turned.denial.expected, turned.denial.gem), (None, None));
    assert_eq!(history.log.len(), before);
}

#[test]
fn a_recreated_owner_is_denied_recorded_and_not_told_what_was_expected() {
    let mut history = rake();
    let recreated = job(2).with(|workflow| {
        workflow.owner_id = Some(text("999"));
        workflow.repository_id = text("777");
    });
    let denial = denied(&mut history, &recreated);
    assert_eq!(denial.code, Code::RepositoryIdMismatch);
    assert!(!denial.tell);
    let message = denial.to_string();
    assert!(
        message.contains("`777`") && !message.contains("`42`"),
        "{message}"
    );
    let record = records(&history)[0];
    assert_eq!(record.code.as_str(), "repository_id_mismatch");
    assert_eq!((record.repository_id.as_str(), record.count), ("777", 1));
    // And the rightful publisher goes on.
    history.exchange(&job(3)).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_repository_that_changed_hands_is_denied_by_its_owners_id() {
    let mut history = rake();
    let moved = job(2).with(|workflow| workflow.owner_id = Some(text("999")));
    let denial = denied(&mut history, &moved);
    assert_eq!((denial.code, denial.tell), (Code::OwnerIdMismatch, false));
    assert_eq!(records(&history).len(), 1);
    let ownerless = job(3).with(|workflow| workflow.owner_id = None);
    assert_eq!(denied(&mut history, &ownerless).code, Code::OwnerIdMismatch);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_renamed_repository_is_still_the_publisher_by_its_id() {
    let mut history = rake();
    let renamed = job(2).with(|workflow| {
        let path = "ruby/rake-ng/.github/workflows/release.yml@refs/tags/v1";
        workflow.repository = text("ruby/rake-ng");
        workflow.workflow_ref = Some(text(path));
        workflow.job_workflow_ref = Some(text(path));
    });
    history.exchange(&renamed).unwrap();
}

#[test]
fn a_renamed_workflow_is_told_about_the_workflow() {
    let mut history = rake();
    let denial = denied(&mut history, &job(2).file("ci.yml"));
    assert_eq!(denial.code, Code::WorkflowMismatch);
    assert!(denial.tell);
    assert_eq!(
        denial.to_string(),
        "the workflow is another one than the publisher's; found `ci.yml`, expected `release.yml`"
    );
    assert_eq!(denial.gem, Some(folded("rake")));
}

#[test]
fn the_publisher_that_came_closest_explains_the_denial() {
    let mut history = rake();
    let elsewhere = Publisher {
        workflow: text("other.yml"),
        ..publisher()
    };
    history.add("rake", elsewhere).unwrap();
    let staged = Publisher {
        environment: Some(text("release")),
        workflow: text("ci.yml"),
        ..publisher()
    };
    history.add("rake", staged).unwrap();
    let denial = denied(&mut history, &job(2).file("ci.yml"));
    assert_eq!(denial.code, Code::EnvironmentMismatch);
    assert_eq!(denial.expected.as_deref(), Some("release"));
    assert_eq!(denial.found.as_deref(), Some("(absent)"));
}

#[test]
fn a_denial_is_recorded_once_an_hour_for_each_publisher_and_code() {
    let mut history = rake();
    let hour = Rules::default().denial_interval_seconds;
    let (renamed, branch) = (job(2).file("ci.yml"), job(3).branch("topic"));
    denied(&mut history, &renamed);
    let first = history.log.last().unwrap().event.time;
    denied(&mut history, &renamed);
    assert_eq!(records(&history).len(), 1);
    denied(&mut history, &branch);
    assert_eq!(records(&history).len(), 2, "another code is another record");
    history.now = first.plus_seconds(hour).minus_seconds(1);
    denied(&mut history, &renamed);
    assert_eq!(records(&history).len(), 2);
    history.now = first.plus_seconds(hour);
    denied(&mut history, &renamed);
    assert_eq!(records(&history).len(), 3);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_denied_token_is_not_spent() {
    let mut history = rake();
    let token = job(2);
    denied(&mut history, &token.clone().file("ci.yml"));
    history.exchange(&token).unwrap();
}

#[test]
fn whoever_merely_bears_a_provisional_publishers_name_writes_nothing() {
    let mut history = History::public();
    history.add("rake", provisional()).unwrap();
    let before = history.log.len();
    let denial = denied(&mut history, &job(2).file("ci.yml"));
    assert_eq!((denial.code, denial.tell), (Code::WorkflowMismatch, false));
    assert_eq!(history.log.len(), before);
}

#[test]
fn a_publisher_without_ids_waits_seven_days_and_not_a_moment_longer() {
    let mut history = rake();
    history
        .remove(
            "rake",
            history
                .policy("rake")
                .publishers
                .keys()
                .next()
                .copied()
                .unwrap(),
        )
        .unwrap();
    let added = history.now;
    history.add("rake", provisional()).unwrap();
    history.now = added.plus_seconds(7 * 24 * 3600).minus_seconds(1);
    history.exchange(&job(2)).unwrap();
    let denial = denied(&mut history, &job(3));
    assert_eq!(denial.code, Code::PublisherExpired);
    assert!(records(&history).is_empty());
}

#[test]
fn a_pending_publisher_expires() {
    let mut history = History::public();
    let added = history.now;
    history.add("rake", publisher()).unwrap();
    history.now = added.plus_seconds(7 * 24 * 3600);
    let denial = denied(&mut history, &job(2));
    assert_eq!((denial.code, denial.tell), (Code::PendingExpired, true));
    assert_eq!(records(&history).len(), 1);
    assert_eq!(audit(&history.log), []);
}
