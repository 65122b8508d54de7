//! What demands less of a gem, and whoever stopped it.
use events::{
    Body,
    id::{ChangeId, Owner, ProposalId},
    policy::{OwnerAdded, OwnerRemoved},
    rule::{Cancelled, Changed, Overridden, OverrideProposed, Rule, Setting},
};

use super::{Story, account, fired, policy, text};

fn rule(to: Setting, wait: Option<u64>) -> Body {
    Body::RuleChanged(Changed {
        effective: wait.map(|wait| super::super::ledger::start().plus_seconds(wait)),
        rule: Rule::TrustedPublishingOnly,
        to,
    })
}

#[test]
fn rule_off_and_loosening_declared_fire_where_less_is_demanded_and_not_where_more_is() {
    let mut story = Story::new();
    fired(&story.say(policy("rake"), rule(Setting::On, None)), &[]);
    let findings = story.say(policy("rake"), rule(Setting::Auto, Some(60)));
    fired(&findings, &["loosening_declared"]);
    let findings = story.say(policy("rake"), rule(Setting::Off, Some(60)));
    fired(&findings, &["loosening_declared", "rule_off"]);
    assert_eq!(findings[0].gem.as_deref(), Some("rake"));
    fired(
        &story.say(policy("rake"), rule(Setting::Off, None)),
        &["rule_off"],
    );
}

#[test]
fn owners_who_come_and_go_are_told_with_their_time() {
    let mut story = Story::new();
    let effective = Some(super::super::ledger::start().plus_seconds(60));
    story.owner_added("rake", Owner::Operator);
    let owner = Owner::Account(account(1));
    let added = OwnerAdded { effective, owner };
    fired(
        &story.say(policy("rake"), Body::OwnerAdded(added)),
        &["loosening_declared", "owner_added"],
    );
    let removed = OwnerRemoved { effective, owner };
    fired(
        &story.say(policy("rake"), Body::OwnerRemoved(removed)),
        &["loosening_declared", "owner_removed"],
    );
    let removed = OwnerRemoved {
        effective: None,
        owner,
    };
    fired(
        &story.say(policy("rake"), Body::OwnerRemoved(removed)),
        &["owner_removed"],
    );
}

#[test]
fn a_cancelled_change_and_an_override_are_told_with_their_reason() {
    let mut story = Story::new();
    let change = ChangeId(3);
    let cancelled = Body::ChangeCancelled(Cancelled { change });
    fired(&story.say(policy("rake"), cancelled), &["change_cancelled"]);
    let reason = text("the forge is down");
    let proposed = Body::OverrideProposed(OverrideProposed {
        change,
        reason: reason.clone(),
    });
    fired(&story.say(policy("rake"), proposed), &["override_proposed"]);
    let overridden = Body::PolicyOverridden(Overridden {
        change,
        proposal: ProposalId(4),
        reason: Some(reason),
    });
    let findings = story.say(policy("rake"), overridden);
    fired(&findings, &["policy_overridden"]);
    assert!(findings[0].message.contains("the forge is down"));
}
