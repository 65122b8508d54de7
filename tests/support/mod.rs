//! What the tests share: the real program, a small HTTP client, histories, issuers.
#![cfg(test)]

pub(crate) mod http;
pub(crate) mod program;
