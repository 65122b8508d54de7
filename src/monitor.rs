//! The monitor: somebody else's ledger, followed from outside, with its tiles alone.
//!
//! | room | what it is for |
//! |---|---|
//! | [`finding`] | what was noticed, and how it is told: text, JSON, SARIF |
//! | [`catalogue`] | every rule there is, with what it means |
//! | [`judge`] | event after event: lawful, in time, and what the rules say; pure |
//! | [`times`] | what time can be: leaves, cosignatures, the newest checkpoint; pure |
//! | [`rules`] | what an owner or a security team wants to know of; pure |
//! | [`settings`] | the rules file |
//! | [`providers`] | recorded provider keys against those that the provider shows |
//! | [`state`] | what is remembered from one look to the next |
//! | [`look`] | one look at the ledger, from checkpoint to last leaf |
//! | [`follow`] | looking again and again |
//! | [`notify`] | findings posted to whoever wants to know |
pub mod catalogue;
pub mod finding;
pub mod follow;
pub mod judge;
pub mod look;
pub mod notify;
pub mod providers;
pub mod rules;
pub mod settings;
pub mod state;
pub mod times;

pub use self::{
    finding::{Finding, Sort},
    look::{Look, Monitor, MonitorError, Options},
    settings::Settings,
};
