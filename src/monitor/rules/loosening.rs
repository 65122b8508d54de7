//! A gem's policy demands less, now or soon; or somebody made sure that it does not.
use deciders::ledger::OldDelay;
use events::{
    Body, Recorded,
    id::Actor,
    rule::{Cancelled, Changed, Overridden, OverrideProposed, Setting},
    time::Timestamp,
};

use crate::monitor::{Finding, catalogue};

/// `loosening_declared`: a change waits for its time, and can still be cancelled. A provider's settings concern every gem
/// that trusts its jobs.
pub fn declared(recorded: &Recorded) -> Option<Finding> {
    let event = &recorded.event;
    let owner = |owner| Actor::from(owner).to_string();
    let (what, effective): (String, Option<Timestamp>) = if let Body::OwnerAdded(one) = &event.body
    {
        (
            format!("{} becomes an owner", owner(one.owner)),
            one.effective,
        )
    } else if let Body::OwnerRemoved(one) = &event.body {
        let what = format!("{} is no longer an owner", owner(one.owner));
        (what, one.effective)
    } else if let Body::PublisherAdded(one) = &event.body {
        let what = format!("publisher {} may release the gem", event.revision);
        (what, one.effective)
    } else if let Body::RuleChanged(one) = &event.body {
        let what = format!("{} is set to {}", one.rule.as_str(), one.to.as_str());
        (what, one.effective)
    } else if let Body::ProviderRegistered(one) = &event.body {
        let what = "its settings let in more".to_owned();
        return Some(told(
            recorded,
            &what,
            one.effective?,
            "the operator takes them back",
        ));
    } else {
        return None;
    };
    let gem = event.stream.rest();
    let finding = told(recorded, &what, effective?, "the change is cancelled");
    Some(finding.of_gem(gem))
}

/// `loosening_declared`: the delay itself is lowered, and the one before it still holds.
pub fn lowered(recorded: &Recorded, before: OldDelay, to: u64) -> Finding {
    let what = format!(
        "what loosens waits {to} seconds and no longer {}",
        before.seconds
    );
    told(
        recorded,
        &what,
        before.until,
        "the operator raises it again",
    )
}

fn told(recorded: &Recorded, what: &str, effective: Timestamp, unless: &str) -> Finding {
    let of = recorded.event.stream.rest();
    let of = if of.is_empty() { "log" } else { of };
    let text = format!("{of}: {what} from {effective} on, unless {unless}");
    Finding::new(&catalogue::LOOSENING_DECLARED, text).at(recorded)
}

/// `rule_off`: a rule is given up.
pub fn off(recorded: &Recorded, changed: &Changed) -> Option<Finding> {
    if changed.to != Setting::Off {
        return None;
    }
    let gem = recorded.event.stream.rest();
    let text = format!("{gem} gives up the rule {}", changed.rule.as_str());
    Some(
        Finding::new(&catalogue::RULE_OFF, text)
            .at(recorded)
            .of_gem(gem),
    )
}

/// `owner_removed`: a gem loses an owner.
pub fn owner_removed(recorded: &Recorded) -> Finding {
    let gem = recorded.event.stream.rest();
    Finding::new(&catalogue::OWNER_REMOVED, format!("{gem} loses an owner"))
        .at(recorded)
        .of_gem(gem)
}

/// `change_cancelled`: somebody did not want what was declared.
pub fn cancelled(recorded: &Recorded, cancelled: &Cancelled) -> Finding {
    let gem = recorded.event.stream.rest();
    let text = format!("change {} of {gem} was cancelled", cancelled.change);
    Finding::new(&catalogue::CHANGE_CANCELLED, text)
        .at(recorded)
        .of_gem(gem)
}

/// `override_proposed`: one of two people wants a change to take effect at once.
pub fn proposed(recorded: &Recorded, proposed: &OverrideProposed) -> Finding {
    let gem = recorded.event.stream.rest();
    let OverrideProposed { change, reason } = proposed;
    let text = format!("somebody wants change {change} of {gem} to take effect at once: {reason}");
    Finding::new(&catalogue::OVERRIDE_PROPOSED, text)
        .at(recorded)
        .of_gem(gem)
}

/// `policy_overridden`: two people let a change take effect without its delay.
pub fn overridden(recorded: &Recorded, overridden: &Overridden) -> Finding {
    let gem = recorded.event.stream.rest();
    let (change, reason) = (overridden.change, overridden.reason.as_ref());
    let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let text = format!("change {change} of {gem} took effect without its delay{why}");
    Finding::new(&catalogue::POLICY_OVERRIDDEN, text)
        .at(recorded)
        .of_gem(gem)
}
