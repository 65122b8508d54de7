//! Which rules are applied, to which gems, and how bad their findings are: the judge, on events alone.
use events::{
    Body, Event,
    id::{ChangeId, Owner, ProposalId},
    policy::{OwnerAdded, OwnerRemoved},
    rule::Overridden,
};
use gemledger::{
    monitor::{
        Finding, Settings,
        judge::{Expected, Judge},
        times::Bounds,
    },
    sarif::Level,
};

use super::{Story, account, job, policy, release, text};

/// What a judge with these settings finds notable in events that a story has recorded.
fn judged(settings: &str, events: Vec<Event>) -> Vec<Finding> {
    let expected = Expected {
        origin: "gems.example.com/log/1".into(),
        vkey: "gems.example.com/log/1+00000000+AA".into(),
    };
    let bounds = Bounds {
        skew_seconds: 120,
        max_age_seconds: None,
    };
    let settings = Settings::parse(settings.as_bytes()).unwrap();
    let mut judge = Judge::new(expected, settings, bounds);
    let mut findings = Vec::new();
    let now = super::super::ledger::start().plus_seconds(100_000);
    for event in events {
        judge.take(Ok(event), now, &mut |finding| findings.push(finding));
    }
    findings.retain(|finding| finding.sort == gemledger::monitor::Sort::Notable);
    findings
}

/// Two gems, of two owners, each with a source that goes.
fn two_gems() -> Vec<Event> {
    let mut story = Story::new();
    let mut events = Vec::new();
    for (gem, number) in [("rake", 1), ("other", 2)] {
        let owner = Owner::Account(account(number));
        let added = story.record(
            policy(gem),
            Body::OwnerAdded(OwnerAdded {
                effective: None,
                owner,
            }),
        );
        events.push(added.event);
    }
    for gem in ["rake", "other"] {
        for source in [Some(("github", job(1))), None] {
            events.push(release(&mut story, gem, source).event);
        }
    }
    events
}

fn gems(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .map(|finding| finding.gem.as_deref().unwrap())
        .collect()
}

#[test]
fn every_gem_is_watched_unless_some_are_named() {
    assert_eq!(gems(&judged("{}", two_gems())), ["rake", "other"]);
    assert_eq!(gems(&judged(r#"{"gems": ["Rake"]}"#, two_gems())), ["rake"]);
    let owner = format!(r#"{{"owners": ["account:{}"]}}"#, account(2));
    assert_eq!(gems(&judged(&owner, two_gems())), ["other"]);
    assert!(judged(r#"{"gems": ["third"]}"#, two_gems()).is_empty());
}

#[test]
fn an_owner_is_told_of_a_removal_at_once_and_of_the_override_that_ends_the_wait() {
    let (alice, bob) = (Owner::Account(account(1)), Owner::Account(account(2)));
    for waits in [false, true] {
        let mut story = Story::new();
        let mut events = Vec::new();
        let effective = waits.then(|| story.now.plus_seconds(60));
        let added = |owner| OwnerAdded {
            effective: None,
            owner,
        };
        let removed = OwnerRemoved {
            effective,
            owner: alice,
        };
        let overridden = Overridden {
            change: ChangeId(2),
            proposal: ProposalId(9),
            reason: Some(text("she is on holiday")),
        };
        for body in [
            Body::OwnerAdded(added(alice)),
            Body::OwnerAdded(added(bob)),
            Body::OwnerRemoved(removed),
            Body::PolicyOverridden(overridden),
        ] {
            events.push(story.record(policy("rake"), body).event);
        }
        let owner = format!(r#"{{"owners": ["account:{}"]}}"#, account(1));
        let told = super::super::rules_of(&judged(&owner, events)).join(" ");
        let removal = if waits {
            "owner_added loosening_declared owner_removed policy_overridden"
        } else {
            "owner_added owner_removed"
        };
        assert_eq!(told, removal);
    }
}

#[test]
fn a_rule_can_be_turned_off_and_made_louder() {
    let off = r#"{"rules": {"provenance_lost": {"enabled": false}}}"#;
    assert!(judged(off, two_gems()).is_empty());
    let quiet = r#"{"rules": {"provenance_lost": {"level": "note"}}}"#;
    let levels: Vec<Level> = judged(quiet, two_gems())
        .iter()
        .map(|finding| finding.level)
        .collect();
    assert_eq!(levels, [Level::Note, Level::Note]);
}
