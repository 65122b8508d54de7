//! Whose a gem is.
use events::{Recorded, id::Actor, policy::OwnerAdded};

use super::gems::Gem;
use crate::monitor::{Finding, catalogue};

/// `owner_added`: a gem that has an owner has another one. The owner that comes with the first release is not new.
pub fn added(recorded: &Recorded, added: &OwnerAdded, before: &Gem) -> Option<Finding> {
    if before.owners.is_empty() || before.owners.contains(&added.owner) {
        return None;
    }
    let gem = recorded.event.stream.rest();
    let name = |owner| Actor::from(owner).to_string();
    let known: Vec<String> = before.owners.iter().copied().map(name).collect();
    Some(
        Finding::new(&catalogue::OWNER_ADDED, format!("{gem} has another owner"))
            .at(recorded)
            .of_gem(gem)
            .not(known.join(", "), name(added.owner)),
    )
}
