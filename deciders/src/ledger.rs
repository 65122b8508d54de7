//! The ledger's own state: the rulebook in force and who may read.
use events::{
    Body, Event, State,
    log::{Rules, Visibility},
    text::Text,
};

use crate::{Code, Denial};

/// The edition that new ledgers start with.
pub const EDITION: u32 = 1;

/// The rules in force: an edition, whose code stays compiled for ever, and the settings it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rulebook {
    /// Which edition of the judgements.
    pub edition: u32,
    /// Their settings.
    pub rules: Rules,
}

impl Rulebook {
    /// Refuses to judge by an edition that this program does not know.
    pub fn known(&self) -> Result<&Rules, Denial> {
        if self.edition == EDITION {
            Ok(&self.rules)
        } else {
            Err(Code::UnknownEdition.into())
        }
    }
}

/// State of the stream `log`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// What the ledger was opened with; `None` before its first event.
    pub opened: Option<events::log::Opened>,
    /// The rulebook now.
    pub rulebook: Option<Rulebook>,
}

impl Ledger {
    /// The rulebook in force.
    pub fn rulebook(&self) -> Result<Rulebook, Denial> {
        self.rulebook.ok_or_else(|| Code::UnknownEdition.into())
    }

    /// Whether everybody may read.
    pub fn is_public(&self) -> bool {
        self.opened
            .as_ref()
            .is_some_and(|opened| opened.visibility == Visibility::Public)
    }

    /// The origin of its checkpoints.
    pub fn origin(&self) -> Option<&Text> {
        self.opened.as_ref().map(|opened| &opened.origin)
    }
}

impl State for Ledger {
    fn evolve(&mut self, event: &Event) {
        if let Body::LogOpened(opened) = &event.body {
            self.rulebook = Some(Rulebook {
                edition: opened.edition,
                rules: opened.rules,
            });
            self.opened = Some(opened.clone());
        } else if let Body::LogRulesChanged(changed) = &event.body {
            self.rulebook = Some(Rulebook {
                edition: changed.edition,
                rules: changed.rules,
            });
        }
    }
}
