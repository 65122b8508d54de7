//! Rules about who may release a gem, and who did.
use events::{
    Body,
    id::{ChangeId, Owner, ProposalId, PublisherId},
    name::GemName,
    policy::{GemRegistered, OwnerAdded, OwnerRemoved, PendingAdded, Publisher, PublisherAdded},
    rule::{Cancelled, Overridden},
};

use super::{HOUR, Story, account, fired, job, policy, slug, text};

#[test]
fn publisher_added_fires_for_a_publisher_and_for_a_pending_one() {
    let mut story = Story::new();
    let findings = story.publisher_added("Rake", None);
    fired(&findings, &["publisher_added"]);
    assert!(
        findings[0]
            .message
            .contains("release.yml of acme/rake on github")
    );
    assert_eq!(findings[0].gem.as_deref(), Some("rake"));
    let pending = PendingAdded {
        expires: story.now.plus_seconds(HOUR),
        name: GemName::parse("fresh").unwrap(),
        owner: Owner::Operator,
        publisher: Publisher {
            any_ref: true,
            environment: Some(text("release")),
            owner_id: None,
            provider: slug("github"),
            repository: text("acme/fresh"),
            repository_id: None,
            workflow: text("release.yml"),
            workflow_repository: Some(text("acme/shared")),
        },
    };
    let findings = story.say(policy("fresh"), Body::PendingAdded(pending));
    fired(&findings, &["publisher_added"]);
    for part in [
        "any ref",
        "environment release",
        "defined in acme/shared",
        "by name until",
    ] {
        assert!(
            findings[0].message.contains(part),
            "{}",
            findings[0].message
        );
    }
}

#[test]
fn publisher_added_does_not_fire_when_a_pending_one_becomes_real_or_one_goes() {
    let mut story = Story::new();
    fired(&story.publisher_added("rake", Some(PublisherId(0))), &[]);
    fired(&story.publisher_removed("rake", 0), &[]);
}

#[test]
fn publisher_then_push_fires_within_the_hours() {
    for change in [true, false] {
        let mut story = Story::new();
        story.publisher_added("rake", None);
        story.after(100 * HOUR).released("rake", job(1));
        story.after(100 * HOUR);
        if change {
            story.publisher_added("rake", None);
        } else {
            story.publisher_removed("rake", 7);
        }
        let findings = story.after(24 * HOUR).released("rake", job(2));
        fired(&findings, &["publisher_then_push"]);
        assert_eq!(findings[0].indexes, [3, 2]);
    }
}

#[test]
fn publisher_then_push_does_not_fire_later_for_a_first_release_or_for_another_gem() {
    let mut story = Story::new();
    story.publisher_added("rake", None);
    fired(&story.after(60).released("rake", job(1)), &[]);
    story.after(100 * HOUR).publisher_added("rake", None);
    fired(&story.after(24 * HOUR + 1).released("rake", job(2)), &[]);
    story.publisher_added("rake", None);
    fired(&story.released("other", job(3)), &[]);
    fired(&story.released("other", job(4)), &[]);
}

#[test]
fn owner_added_fires_for_another_owner() {
    let mut story = Story::new();
    story.owner_added("rake", Owner::Operator);
    let findings = story.owner_added("rake", Owner::Account(account(1)));
    fired(&findings, &["owner_added"]);
    assert_eq!(findings[0].expected.as_deref(), Some("operator"));
    assert_eq!(findings[0].found, Some(format!("account:{}", account(1))));
}

#[test]
fn owner_added_does_not_fire_for_the_first_one() {
    let mut story = Story::new();
    let name = GemName::parse("rake").unwrap();
    fired(
        &story.say(policy("rake"), Body::GemRegistered(GemRegistered { name })),
        &[],
    );
    fired(&story.owner_added("rake", Owner::Operator), &[]);
    fired(&story.owner_added("other", Owner::Account(account(1))), &[]);
}

#[test]
fn personal_push_fires_where_a_publisher_is_trusted() {
    let mut story = Story::new();
    fired(&story.pushed("rake"), &[]);
    story.publisher_added("rake", None);
    let findings = story.after(100 * HOUR).pushed("rake");
    fired(&findings, &["personal_push"]);
}

#[test]
fn personal_push_does_not_fire_where_none_is_trusted_any_more_or_a_job_pushes() {
    let mut story = Story::new();
    story.publisher_added("rake", None);
    fired(&story.released("rake", job(1)), &[]);
    story.publisher_removed("rake", 0);
    let findings = story.after(100 * HOUR).pushed("rake");
    fired(&findings, &["provenance_lost"]);
    fired(&story.pushed("other"), &[]);
}

/// Another workflow is trusted once the delay has passed; the id of the change.
fn publisher_declared(story: &mut Story, wait: u64) -> u64 {
    let effective = Some(story.now.plus_seconds(wait));
    let added = PublisherAdded {
        effective,
        pending: None,
        publisher: Story::publisher(),
    };
    let findings = story.say(policy("rake"), Body::PublisherAdded(added));
    fired(&findings, &["loosening_declared", "publisher_added"]);
    story.revision(&policy("rake"))
}

/// `rake`, released by a workflow that has been trusted for long.
fn long_released() -> Story {
    let mut story = Story::new();
    story.publisher_added("rake", None);
    story.after(100 * HOUR).released("rake", job(1));
    story.after(100 * HOUR);
    story
}

#[test]
fn publisher_then_push_counts_from_when_a_publisher_takes_effect() {
    let mut story = long_released();
    publisher_declared(&mut story, 72 * HOUR);
    // It waits: whoever may push is who might before.
    fired(&story.after(HOUR).released("rake", job(2)), &[]);
    let findings = story.after(71 * HOUR + 1).released("rake", job(3));
    fired(&findings, &["publisher_then_push"]);
    assert_eq!(findings[0].indexes, [4, 2]);
    fired(&story.after(24 * HOUR).released("rake", job(4)), &[]);
}

#[test]
fn publisher_then_push_counts_from_an_override() {
    let mut story = long_released();
    let change = ChangeId(publisher_declared(&mut story, 72 * HOUR));
    let overridden = Overridden {
        change,
        proposal: ProposalId(9),
        reason: Some(text("the forge is down")),
    };
    story
        .after(30 * HOUR)
        .say(policy("rake"), Body::PolicyOverridden(overridden));
    let findings = story.after(60).released("rake", job(2));
    fired(&findings, &["publisher_then_push"]);
    assert_eq!(findings[0].indexes, [4, 3]);
    // Its time came already: nothing changes at the end of the delay.
    fired(&story.after(42 * HOUR).released("rake", job(3)), &[]);
}

#[test]
fn publisher_then_push_does_not_fire_for_one_that_was_cancelled_or_removed_while_it_waited() {
    for cancelled in [true, false] {
        let mut story = long_released();
        let id = publisher_declared(&mut story, 72 * HOUR);
        if cancelled {
            let change = ChangeId(id);
            story.say(policy("rake"), Body::ChangeCancelled(Cancelled { change }));
        } else {
            fired(&story.publisher_removed("rake", id), &[]);
        }
        fired(&story.after(72 * HOUR).released("rake", job(2)), &[]);
    }
}

#[test]
fn owner_added_fires_again_for_an_addition_that_was_cancelled_and_for_an_owner_who_was_removed() {
    let mut story = Story::new();
    let (alice, carol) = (Owner::Account(account(1)), Owner::Account(account(2)));
    story.owner_added("rake", alice);
    let add = |story: &mut Story| {
        let effective = Some(story.now.plus_seconds(60));
        let added = OwnerAdded {
            effective,
            owner: carol,
        };
        let findings = story.say(policy("rake"), Body::OwnerAdded(added));
        fired(&findings, &["loosening_declared", "owner_added"]);
        assert_eq!(
            findings[1].expected,
            Some(format!("account:{}", account(1)))
        );
        ChangeId(story.revision(&policy("rake")))
    };
    let change = add(&mut story);
    story.say(policy("rake"), Body::ChangeCancelled(Cancelled { change }));
    add(&mut story);
    // In effect since, and gone again a while later.
    let effective = Some(story.after(60).now.plus_seconds(60));
    let removed = OwnerRemoved {
        effective,
        owner: carol,
    };
    story.say(policy("rake"), Body::OwnerRemoved(removed));
    let again = story.owner_added("rake", carol);
    fired(&again, &[]);
    story.after(60);
    add(&mut story);
}
