//! Commands on a gem's policy: its owners, its rules, and the changes that wait.
use alloc::vec::Vec;
use events::{
    event::Draft,
    id::{Actor, ChangeId, Owner},
    name::FoldedName,
    rule::{Changed, Overridden, OverrideProposed},
};

use super::command::{Case, Fault};
use crate::{
    Denial,
    account::Account,
    change::{self, Agreement},
    policy::{self, Managing},
    rule,
};

fn account(case: &Case<'_>, actor: &Actor) -> Option<Account> {
    match actor {
        Actor::Account(id) => Some(case.world.account(*id)),
        Actor::Operator | Actor::Workflow(..) => None,
    }
}

/// Asks a rule what the command behind the last event leads to.
fn asked(
    case: &Case<'_>,
    rule: impl FnOnce(&Managing<'_>, &FoldedName) -> Result<Vec<Draft>, Denial>,
) -> Result<Vec<Draft>, Fault> {
    let gem = case.gem()?;
    let by = &case.last.actor;
    let account = account(case, by);
    let managing = Managing {
        ledger: &case.world.ledger,
        policy: case.world.policy(&gem),
        account: account.as_ref(),
        gem: &gem,
        by,
        now: case.last.time,
    };
    Ok(rule(&managing, &gem)?)
}

pub(super) fn add_owner(case: &Case<'_>, owner: Owner) -> Result<Vec<Draft>, Fault> {
    let account = account(case, &owner.into());
    asked(case, |managing, _| {
        policy::add_owner(managing, owner, account.as_ref())
    })
}

pub(super) fn remove_owner(case: &Case<'_>, owner: Owner) -> Result<Vec<Draft>, Fault> {
    asked(case, |managing, _| policy::remove_owner(managing, owner))
}

pub(super) fn set_rule(case: &Case<'_>, changed: &Changed) -> Result<Vec<Draft>, Fault> {
    asked(case, |managing, gem| {
        rule::set(managing, case.world.gem(gem), changed.rule, changed.to)
    })
}

pub(super) fn cancel(case: &Case<'_>, change: ChangeId) -> Result<Vec<Draft>, Fault> {
    asked(case, |managing, _| change::cancel(managing, change))
}

pub(super) fn propose(case: &Case<'_>, proposed: &OverrideProposed) -> Result<Vec<Draft>, Fault> {
    asked(case, |managing, _| {
        change::propose(managing, proposed.change, proposed.reason.clone())
    })
}

pub(super) fn overrule(case: &Case<'_>, overridden: &Overridden) -> Result<Vec<Draft>, Fault> {
    let change = case
        .world
        .policy(&case.gem()?)
        .changes
        .get(&overridden.change);
    let proposal = change.and_then(|change| change.proposals.get(&overridden.proposal));
    let proposer = proposal.and_then(|(by, _)| account(case, by));
    asked(case, |managing, _| {
        let agreement = Agreement {
            change: overridden.change,
            proposal: overridden.proposal,
            proposer: proposer.as_ref(),
            reason: Some(overridden.reason.clone()),
        };
        change::overrule(managing, agreement)
    })
}
