//! Changes that wait: what was declared, who may cancel it, and how two people let it take effect at once.
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use events::{
    Body,
    event::Draft,
    id::{Actor, ChangeId, Owner, PublisherId},
    rule::{Cancelled, Overridden, OverrideProposed, Rule, Setting},
    text::Text,
    time::Timestamp,
};

use crate::{
    Code, Denial,
    account::Account,
    policy::{Managing, Policy, lives},
};

/// Most changes of one gem that wait at a time.
pub const MAX_CHANGES: usize = 20;

/// What a change does once it takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody becomes an owner.
    OwnerAdded(Owner),
    /// An owner goes.
    OwnerRemoved(Owner),
    /// A publisher may release the gem.
    PublisherAdded(PublisherId),
    /// A rule demands less.
    RuleSet(Rule, Setting),
}

/// A declared change that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Who declared it.
    pub by: Actor,
    /// When.
    pub declared: Timestamp,
    /// When it takes effect.
    pub effective: Timestamp,
    /// The owners of that moment: each of them may cancel it, whatever becomes of them meanwhile.
    pub owners: BTreeSet<Owner>,
    /// Who proposed that it take effect at once, and why, by the revision of the proposal.
    pub proposals: BTreeMap<ChangeId, (Actor, Text)>,
    /// What it does.
    pub what: What,
}

/// A second person's word to a proposal.
#[derive(Clone, Debug)]
pub struct Agreement<'a> {
    /// The change.
    pub change: ChangeId,
    /// The proposal, somebody else's.
    pub proposal: ChangeId,
    /// `account/<id>` of whoever proposed it, if it was an account.
    pub proposer: Option<&'a Account>,
    /// Why the change cannot wait; `None` where the proposal says it well.
    pub reason: Option<Text>,
}

fn find(policy: &Policy, id: ChangeId) -> Result<&Change, Denial> {
    let change = policy.changes.get(&id);
    change.ok_or_else(|| Denial::new(Code::NotFound).found(alloc::format!("change {id}")))
}

/// Cancels a change before it takes effect: the operator, or any owner of the moment it was declared.
pub fn cancel(managing: &Managing<'_>, change: ChangeId) -> Result<Vec<Draft>, Denial> {
    let policy = managing.policy()?;
    let found = find(&policy, change)?;
    if *managing.by != Actor::Operator && !is_one_of(&found.owners, managing.by) {
        return Err(Code::NotOwner.into());
    }
    lives(managing.account, managing.by)?;
    Ok(managing.event(Body::ChangeCancelled(Cancelled { change })))
}

/// Proposes that a change take effect at once. Somebody else has to agree.
pub fn propose(
    managing: &Managing<'_>,
    change: ChangeId,
    reason: Text,
) -> Result<Vec<Draft>, Denial> {
    let policy = managing.managed()?;
    let mut proposals = find(&policy, change)?.proposals.values();
    if proposals.any(|(by, _)| by == managing.by) {
        return Err(Denial {
            tell: true,
            ..Denial::new(Code::SecondPersonNeeded)
                .expected("another owner, or the operator")
                .found("whoever proposed it")
        });
    }
    Ok(managing.event(Body::OverrideProposed(OverrideProposed { change, reason })))
}

/// Agrees with somebody else's proposal: the change takes effect at once. Both must be owners now, or one of them the
/// operator, and neither's account disabled. The operator is one person, also where it owns the gem.
pub fn overrule(managing: &Managing<'_>, agreement: Agreement<'_>) -> Result<Vec<Draft>, Denial> {
    let policy = managing.managed()?;
    let Agreement {
        change,
        proposal,
        proposer,
        reason,
    } = agreement;
    let found = find(&policy, change)?;
    let proposed = found.proposals.get(&proposal).ok_or(Code::NotFound)?;
    let (by, why) = proposed;
    if by == managing.by {
        return Err(Code::SecondPersonNeeded.into());
    }
    if *by != Actor::Operator && !is_one_of(&policy.owners, by) {
        return Err(Code::SecondPersonNeeded.into());
    }
    lives(proposer, by)?;
    Ok(managing.event(Body::PolicyOverridden(Overridden {
        change,
        proposal,
        reason: reason.unwrap_or_else(|| why.clone()),
    })))
}

fn is_one_of(owners: &BTreeSet<Owner>, by: &Actor) -> bool {
    owners.iter().any(|owner| Actor::from(*owner) == *by)
}
