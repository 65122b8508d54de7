//! Owners and rules of a gem, and declared changes that take effect later.
//!
//! Nothing here knows the time, so what waits stands in the document with the moment it takes effect. It is moved to where
//! it belongs by the next event that says something of owners or rules, in the order of those moments.
use alloc::vec::Vec;
use events::{
    Body, Event,
    id::{ChangeId, Owner},
    rule::{Rule, Setting},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Policy, push};

/// A rule that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ruled {
    /// Which rule.
    pub rule: Rule,
    /// What it is set to.
    pub setting: Setting,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// An owner is added.
    OwnerAdded(Owner),
    /// An owner is removed.
    OwnerRemoved(Owner),
    /// A rule is set.
    RuleChanged(Ruled),
}

/// A declared change that takes effect at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// What it does.
    pub does: Does,
    /// When it takes effect. Whoever reads the document later than that takes it as done.
    pub effective: Timestamp,
    /// The revision in `policy/<gem>` that declared it.
    pub id: ChangeId,
}

/// A change as it is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    at: Timestamp,
    effective: Option<Timestamp>,
    id: ChangeId,
    does: Does,
}

impl Declared {
    /// What this event declares of owners or rules.
    pub(super) fn of(event: &Event) -> Option<Self> {
        let (does, effective) = if let Body::OwnerAdded(added) = &event.body {
            (Does::OwnerAdded(added.owner), added.effective)
        } else if let Body::OwnerRemoved(removed) = &event.body {
            (Does::OwnerRemoved(removed.owner), removed.effective)
        } else if let Body::RuleChanged(changed) = &event.body {
            let ruled = Ruled {
                rule: changed.rule,
                setting: changed.to,
            };
            (Does::RuleChanged(ruled), changed.effective)
        } else {
            return None;
        };
        Some(Self {
            at: event.time,
            effective,
            id: ChangeId(event.revision),
            does,
        })
    }
}

impl Policy {
    pub(super) fn declare(&mut self, declared: Declared) {
        let Declared {
            at,
            effective,
            id,
            does,
        } = declared;
        self.settle(at);
        if let Does::RuleChanged(ruled) = does {
            // The newest declaration of a rule counts.
            let same = |other: &Does| matches!(other, Does::RuleChanged(other) if other.rule == ruled.rule);
            self.changes.retain(|waiting| !same(&waiting.does));
        }
        match effective {
            None => self.take_effect(does),
            Some(effective) => push(
                &mut self.changes,
                Waiting {
                    does,
                    effective,
                    id,
                },
            ),
        }
    }

    /// It never takes effect: a change that waits, or a publisher that does.
    pub(super) fn cancel(&mut self, id: ChangeId) {
        self.changes.retain(|waiting| waiting.id != id);
        self.publishers.retain(|trusted| trusted.id.0 != id.0);
    }

    /// It takes effect at this moment.
    pub(super) fn overrule(&mut self, id: ChangeId, at: Timestamp) {
        self.settle(at);
        let place = self.changes.iter().position(|waiting| waiting.id == id);
        if let Some(place) = place {
            let waiting = self.changes.remove(place);
            self.take_effect(waiting.does);
        }
        let mut publishers = self.publishers.iter_mut();
        if let Some(trusted) = publishers.find(|trusted| trusted.id.0 == id.0) {
            trusted.effective = Some(at);
        }
    }

    fn settle(&mut self, at: Timestamp) {
        let mut due: Vec<Waiting> = Vec::new();
        self.changes.retain(|waiting| {
            let is_due = waiting.effective <= at;
            if is_due {
                due.push(*waiting);
            }
            !is_due
        });
        due.sort_by_key(|waiting| (waiting.effective, waiting.id));
        for waiting in due {
            self.take_effect(waiting.does);
        }
    }

    fn take_effect(&mut self, does: Does) {
        match does {
            Does::OwnerAdded(owner) if self.owners.contains(&owner) => {}
            Does::OwnerAdded(owner) => push(&mut self.owners, owner),
            Does::OwnerRemoved(owner) => self.owners.retain(|other| *other != owner),
            Does::RuleChanged(ruled) => {
                let place = self.rules.binary_search_by_key(&ruled.rule, |set| set.rule);
                match place.map(|place| self.rules.get_mut(place)) {
                    Ok(set) => {
                        if let Some(set) = set {
                            *set = ruled;
                        }
                    }
                    Err(place) => self.rules.insert(place, ruled),
                }
            }
        }
    }
}
