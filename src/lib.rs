//! gemledger: a gem registry whose database is a transparency log.
pub mod store;
pub mod world;
