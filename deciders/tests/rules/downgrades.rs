//! A registry that lets a policy be weakened unseen: events that no rule allowed, each found where it stands.
use events::{
    Body,
    event::Draft,
    id::{Actor, ChangeId, Owner, ProposalId, Via},
    policy::{OwnerAdded, OwnerRemoved, PublisherAdded},
    rule::{Cancelled, Changed, Overridden, Rule, Setting},
    stream::StreamName,
};

use crate::{
    fixtures::{DELAY, account_id, folded, github, person, publisher, rules, slug, text},
    forge::found,
    history::History,
    ratchet::rake,
    release::release,
};

/// Writes this event of the policy of `rake`, and says what the auditor finds there.
fn forged(mut history: History, by: &Actor, body: Body) -> &'static str {
    let from = history.log.len();
    let via = if *by == Actor::Operator {
        Via::Console
    } else {
        Via::Http
    };
    let draft = Draft::new(StreamName::policy(&folded("rake")), body);
    history.append(by, via, vec![draft]);
    found(&history, from)
}

fn delayed() -> History {
    rake(History::delayed(DELAY)).0
}

fn owner(number: u64) -> Owner {
    Owner::Account(account_id(number))
}

#[test]
fn a_loosening_without_its_delay_or_with_a_shorter_one_is_found() {
    let soon = Some(delayed().now.plus_seconds(DELAY - 1));
    for effective in [None, soon] {
        let off = Changed {
            effective,
            rule: Rule::TrustedPublishingOnly,
            to: Setting::Off,
        };
        assert_eq!(
            forged(delayed(), &person(1), Body::RuleChanged(off)),
            "events"
        );
        let owner = owner(2);
        let added = OwnerAdded { effective, owner };
        assert_eq!(
            forged(delayed(), &person(1), Body::OwnerAdded(added)),
            "events"
        );
        let mut other = publisher();
        other.workflow = text("other.yml");
        let added = PublisherAdded {
            effective,
            pending: None,
            publisher: other,
        };
        assert_eq!(
            forged(delayed(), &person(1), Body::PublisherAdded(added)),
            "events"
        );
    }
}

#[test]
fn an_owner_from_nowhere_is_found() {
    let effective = Some(delayed().now.plus_seconds(DELAY));
    let added = |number| {
        Body::OwnerAdded(OwnerAdded {
            effective,
            owner: owner(number),
        })
    };
    assert_eq!(forged(delayed(), &person(2), added(2)), "not_owner");
    assert_eq!(forged(delayed(), &Actor::Operator, added(99)), "not_found");
    let removed = Body::OwnerRemoved(OwnerRemoved {
        effective,
        owner: owner(1),
    });
    assert_eq!(forged(delayed(), &Actor::Operator, removed), "last_owner");
}

#[test]
fn an_override_by_one_person_or_without_a_proposal_is_found() {
    let overridden = |change, proposal| {
        Body::PolicyOverridden(Overridden {
            change,
            proposal,
            reason: Some(text("I say so")),
        })
    };
    let mut history = delayed();
    let rule = Rule::TrustedPublishingOnly;
    let off = history.set_rule(&person(1), "rake", rule, Setting::Off);
    let off = off.unwrap();
    let nothing = ProposalId(off.0);
    let alone = forged(history.clone(), &person(1), overridden(off, nothing));
    assert_eq!(alone, "events");
    let proposal = history.propose(&person(1), "rake", off).unwrap();
    let alone = forged(history.clone(), &person(1), overridden(off, proposal));
    assert_eq!(alone, "second_person_needed");
    let stranger = forged(history.clone(), &person(3), overridden(off, proposal));
    assert_eq!(stranger, "not_owner");
    let none = forged(history, &person(1), overridden(ChangeId(0), proposal));
    assert_eq!(none, "not_found");
}

#[test]
fn a_change_that_a_stranger_cancelled_is_found() {
    let mut history = delayed();
    let rule = Rule::TrustedPublishingOnly;
    let off = history.set_rule(&person(1), "rake", rule, Setting::Off);
    let cancelled = Body::ChangeCancelled(Cancelled {
        change: off.unwrap(),
    });
    assert_eq!(forged(history, &person(2), cancelled), "not_owner");
}

#[test]
fn a_push_that_was_let_in_before_the_loosening_took_effect_is_found() {
    let (mut history, key) = rake(History::delayed(DELAY));
    let rule = Rule::TrustedPublishingOnly;
    history
        .set_rule(&person(1), "rake", rule, Setting::Off)
        .unwrap();
    // What the same key pushes lawfully once the delay has passed, told as of today.
    let mut honest = history.clone();
    honest.later(DELAY).released(key, &release("rake", "2.0"));
    let from = history.log.len();
    for mut recorded in honest.log.split_off(from) {
        recorded.event.time = history.now;
        history.log.push(recorded);
    }
    assert_eq!(found(&history, from), "trusted_publishing_required");
}

#[test]
fn a_provider_that_was_loosened_at_once_is_found() {
    let mut history = delayed();
    let from = history.log.len();
    let mut loose = github();
    loose.private_repositories = true;
    let stream = StreamName::provider(&slug("github"));
    let draft = Draft::new(stream, Body::ProviderRegistered(loose));
    history.append(&Actor::Operator, Via::Console, vec![draft]);
    assert_eq!(found(&history, from), "events");
}

#[test]
fn a_rulebook_that_goes_back_or_forgets_its_delay_is_found() {
    let changed = |edition, rules| {
        let mut history = delayed();
        let from = history.log.len();
        let changed = events::log::RulesChanged { edition, rules };
        let draft = Draft::new(StreamName::log(), Body::LogRulesChanged(changed));
        history.append(&Actor::Operator, Via::Console, vec![draft]);
        found(&history, from)
    };
    assert_eq!(changed(1, crate::fixtures::first_rules()), "rules_invalid");
    assert_eq!(changed(2, crate::fixtures::first_rules()), "rules_invalid");
    assert_eq!(changed(2, rules(31 * 24 * 3600)), "rules_invalid");
}
