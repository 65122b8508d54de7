//! Accounts: people and machines that hold API keys. Who they are is sealed; the log knows only their ids.
use serde::{Deserialize, Serialize};

/// Data of `account.created`: somebody may hold keys and own gems. Their handle is in `sealed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Created {}

/// Data of `account.disabled`: its keys are dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disabled {}
