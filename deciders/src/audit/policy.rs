//! Commands on a gem's policy: its owners, its rules, and the changes that wait.
use alloc::vec::Vec;
use events::{
    event::Draft,
    id::{Actor, ChangeId, Owner},
    name::FoldedName,
    rule::Changed,
    text::Text,
};

use super::command::{Case, Fault};
use crate::{
    Denial,
    account::Account,
    change,
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

/// A proposal, or the agreement with one: one command leads to either.
pub(super) fn overrule(
    case: &Case<'_>,
    change: ChangeId,
    reason: Option<&Text>,
) -> Result<Vec<Draft>, Fault> {
    let policy = case.world.policy(&case.gem()?).at(case.last.time);
    let proposers = change::proposers(&policy, change);
    let proposers = proposers.map(|id| (id, case.world.account(id))).collect();
    asked(case, |managing, _| {
        change::overrule(managing, change, reason.cloned(), &proposers)
    })
}
