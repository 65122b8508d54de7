//! An account: whether it exists and may act.
use events::{Body, Event, State};

use crate::{Code, Denial};

/// State of `account/<id>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// It was created.
    pub created: bool,
    /// It was disabled.
    pub disabled: bool,
}

impl Account {
    /// Whether it may act now.
    pub fn live(&self) -> Result<(), Denial> {
        match (self.created, self.disabled) {
            (true, false) => Ok(()),
            (true, true) => Err(Code::AccountDisabled.into()),
            (false, _) => Err(Code::NotFound.into()),
        }
    }
}

impl State for Account {
    fn evolve(&mut self, event: &Event) {
        self.created |= matches!(event.body, Body::AccountCreated(_));
        self.disabled |= matches!(event.body, Body::AccountDisabled(_));
    }
}
