//! What may happen: every rule of the registry, as pure functions of states and facts.
//!
//! A *state* is folded from the events of one stream. A *fact* was gathered outside and is recorded in the event that
//! it leads to. A *judgement* takes the rulebook in force, states and facts, and says what follows from them: the same
//! for the server that decides, for the auditor that checks, and for a stranger who replays the log.
//!
//! Nothing here can reach a clock, a table or a socket.
#![no_std]
#![warn(missing_docs)]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod attestation;
pub mod audit;
pub mod denial;
pub mod exchange;
pub mod explain;
pub mod forge;
pub mod matching;
pub mod push;

pub mod account;
pub mod api_key;
pub mod change;
pub mod comparison;
pub mod denied;
pub mod evidence;
pub mod gem;
pub mod ledger;
pub mod map;
pub mod policy;
pub mod provider;
pub mod rule;
pub mod statement;
pub mod taken;
pub mod token;
pub mod trust_root;

pub use denial::{Code, Denial};
pub use ledger::{Ledger, Rulebook};
