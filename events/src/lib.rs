//! What happened: the vocabulary of the log, its newtypes and its canonical bytes.
//!
//! This crate knows nothing else of the ledger. It has no clock, makes no ids, and reads nothing but bytes it is given.
#![no_std]
#![warn(missing_docs)]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod body;
pub mod canonical;
pub mod event;
mod spelled;
pub mod stream;
mod upcast;

pub mod account;
pub mod api_key;
pub mod attestation;
pub mod denied;
pub mod gem;
pub mod log;
pub mod map;
pub mod policy;
pub mod provider;
pub mod rule;
pub mod token;
pub mod trust_root;

pub mod claims;
pub mod digest;
pub mod id;
pub mod name;
pub mod platform;
pub mod text;
pub mod time;
pub mod version;

pub use body::Body;
pub use event::{Event, Recorded, State, fold};
