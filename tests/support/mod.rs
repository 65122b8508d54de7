//! What the tests share: the real program and a small HTTP client.
#![cfg(test)]

pub(crate) mod http;
pub(crate) mod program;
