//! What happened: the vocabulary of the log, its newtypes and its canonical bytes.
#![no_std]
#![warn(missing_docs)]
extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod name;
pub mod platform;
pub mod version;
