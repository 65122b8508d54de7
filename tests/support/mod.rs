//! What the tests share: the real program, a small HTTP client, histories, issuers, stores.
#![cfg(test)]

pub(crate) mod history;
pub(crate) mod http;
pub(crate) mod issuer;
pub(crate) mod program;
pub(crate) mod store;
