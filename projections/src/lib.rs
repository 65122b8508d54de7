//! What it means: from events to the rows that answer questions.
//!
//! Two kinds. [`rows::project`] turns one event into writes that need no read. [`index::fold`] advances a small state
//! per gem, for what rows cannot say without reading. Both are pure, so a replay gives the rows that the server has.
//! [`state`] is what the verifiable map commits to, for whoever does not want to believe rows.
#![no_std]
#![warn(missing_docs)]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod index;
pub mod memory;
pub mod rows;
pub mod state;
pub mod tables;
pub mod write;

pub use write::{Cell, Write};
