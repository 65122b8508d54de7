//! Comparisons that were attached: what the command must have been.
use alloc::vec::Vec;
use events::{event::Draft, gem::Compared, id::Actor};

use super::command::{Case, Fault};
use crate::comparison::{self, States};

pub(super) fn attach(case: &Case<'_>, compared: &Compared) -> Result<Vec<Draft>, Fault> {
    let (world, gem) = (case.world, case.gem()?);
    let account = match &case.last.actor {
        Actor::Account(id) => Some(world.account(*id)),
        Actor::Operator | Actor::Workflow(..) => None,
    };
    let states = States {
        ledger: &world.ledger,
        gem: world.compared(&gem),
        policy: world.policy(&gem),
        account: account.as_ref(),
    };
    Ok(comparison::attach(
        &states,
        compared.clone(),
        &case.last.actor,
        case.last.time,
    )?)
}
