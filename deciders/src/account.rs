//! An account: whether it exists and may act.
use alloc::{vec, vec::Vec};
use events::{
    Body, Event, State, account,
    event::{Draft, Sealed},
    id::AccountId,
    stream::StreamName,
};

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

/// Creates an account. Who it is goes into `sealed`.
pub fn create(account: &Account, id: AccountId, sealed: Sealed) -> Result<Vec<Draft>, Denial> {
    if account.created {
        return Err(Code::AlreadyExists.into());
    }
    Ok(vec![Draft {
        body: Body::AccountCreated(account::Created {}),
        sealed,
        stream: StreamName::account(id),
    }])
}

/// Disables an account: its keys are dead from now on.
pub fn disable(account: &Account, id: AccountId) -> Result<Vec<Draft>, Denial> {
    account.live()?;
    let body = Body::AccountDisabled(account::Disabled {});
    Ok(vec![Draft::new(StreamName::account(id), body)])
}

impl State for Account {
    fn evolve(&mut self, event: &Event) {
        self.created |= matches!(event.body, Body::AccountCreated(_));
        self.disabled |= matches!(event.body, Body::AccountDisabled(_));
    }
}
