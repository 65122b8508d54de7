//! Changes that wait: what was declared, who may cancel it, and how two people let it take effect at once.
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use events::{
    Body,
    event::Draft,
    id::{AccountId, Actor, ChangeId, Owner, ProposalId, PublisherId},
    rule::{Cancelled, Overridden, OverrideProposed, Rule, Setting},
    text::Text,
    time::Timestamp,
};

use crate::{
    Code, Denial,
    account::Account,
    policy::{Managing, PolicyAt, lives},
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
    /// Who proposed that it take effect at once, and why.
    pub proposals: BTreeMap<ProposalId, (Actor, Text)>,
    /// What it does.
    pub what: What,
}

fn find(policy: &PolicyAt, id: ChangeId) -> Result<&Change, Denial> {
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

/// Lets a change take effect at once, if somebody else proposed that: the first proposal counts whose author is the
/// operator, or owns the gem now with an account that lives. Else proposes it, which needs a reason. The operator is one
/// person, also where it owns the gem.
///
/// `proposers` are the accounts of [`proposers`] of this change.
pub fn overrule(
    managing: &Managing<'_>,
    change: ChangeId,
    reason: Option<Text>,
    proposers: &BTreeMap<AccountId, Account>,
) -> Result<Vec<Draft>, Denial> {
    let policy = managing.managed()?;
    let proposals = &find(&policy, change)?.proposals;
    let counts = |by: &Actor| match by {
        Actor::Operator => true,
        Actor::Account(id) => is_one_of(&policy.owners, by) && lives(proposers.get(id), by).is_ok(),
        Actor::Workflow(..) => false,
    };
    let mut others = proposals.iter().filter(|(_, (by, _))| by != managing.by);
    if let Some((proposal, _)) = others.find(|(_, (by, _))| counts(by)) {
        return Ok(managing.event(Body::PolicyOverridden(Overridden {
            change,
            proposal: *proposal,
            reason,
        })));
    }
    if proposals.values().any(|(by, _)| by == managing.by) {
        return Err(Denial {
            tell: true,
            ..Denial::new(Code::SecondPersonNeeded)
                .expected("another owner, or the operator")
                .found("whoever proposed it")
        });
    }
    let reason = reason.ok_or(Code::ReasonMissing)?;
    Ok(managing.event(Body::OverrideProposed(OverrideProposed { change, reason })))
}

/// The accounts that proposed to override a change that waits.
pub fn proposers(policy: &PolicyAt, change: ChangeId) -> impl Iterator<Item = AccountId> {
    let change = policy.changes.get(&change).into_iter();
    let proposals = change.flat_map(|change| change.proposals.values());
    proposals.filter_map(|(by, _)| match by {
        Actor::Account(id) => Some(*id),
        Actor::Operator | Actor::Workflow(..) => None,
    })
}

fn is_one_of(owners: &BTreeSet<Owner>, by: &Actor) -> bool {
    owners.iter().any(|owner| Actor::from(*owner) == *by)
}
