//! Owners: added and removed by the operator or by one another. Both wait: a new owner may do what an owner may, and one
//! who is gone no longer cancels.
use alloc::vec::Vec;
use events::{
    Body,
    event::Draft,
    id::{Actor, Owner},
    policy::{OwnerAdded, OwnerRemoved},
};

use super::{Managing, lives};
use crate::{Code, Denial, account::Account, change::What};

/// Most owners of one gem.
pub const MAX_OWNERS: usize = 50;

/// Adds an owner; `account` is its state, where it is an account.
pub fn add_owner(
    managing: &Managing<'_>,
    owner: Owner,
    account: Option<&Account>,
) -> Result<Vec<Draft>, Denial> {
    let policy = managing.managed()?;
    lives(account, &Actor::from(owner))?;
    let waits = policy.waiting(|what| *what == What::OwnerAdded(owner));
    if policy.owners.contains(&owner) || waits.is_some() {
        return Err(Code::AlreadyExists.into());
    }
    if policy.owners.len() >= MAX_OWNERS {
        return Err(Code::TooManyOwners.into());
    }
    let effective = managing.waits(&policy)?;
    Ok(managing.event(Body::OwnerAdded(OwnerAdded { effective, owner })))
}

/// Removes an owner, but never the last one: a gem without owners is anybody's wish and nobody's duty. Until it takes
/// effect the owner keeps every right.
pub fn remove_owner(managing: &Managing<'_>, owner: Owner) -> Result<Vec<Draft>, Denial> {
    let policy = managing.managed()?;
    let going = |owner: Owner| policy.waiting(|what| *what == What::OwnerRemoved(owner));
    if !policy.owners.contains(&owner) {
        return Err(Code::NotFound.into());
    }
    if going(owner).is_some() {
        return Err(Code::AlreadyExists.into());
    }
    let mut others = policy.owners.iter().filter(|other| **other != owner);
    if others.all(|other| going(*other).is_some()) {
        return Err(Code::LastOwner.into());
    }
    let effective = managing.waits(&policy)?;
    Ok(managing.event(Body::OwnerRemoved(OwnerRemoved { effective, owner })))
}
