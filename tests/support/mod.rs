//! What the tests share: the real program, a small HTTP client, histories, stores.
#![cfg(test)]

pub(crate) mod git;
pub(crate) mod git_server;
pub(crate) mod history;
pub(crate) mod http;
pub(crate) mod liar;
pub(crate) mod mirror;
pub(crate) mod package;
pub(crate) mod program;
pub(crate) mod published;
pub(crate) mod store;
pub(crate) mod tuf;
pub(crate) mod witness;
