//! Identity tokens: finding the provider, fetching its keys, and turning a signed token into a verified workflow.
//!
//! The one path of a token: [`UnverifiedToken::parse`] → the registered provider of its issuer →
//! [`KeyCache::keys_for`] → [`verify`] → [`VerifiedToken`]. Nothing else of a token is readable before its
//! signature has been checked.
pub mod address;
pub mod again;
mod audience;
pub mod cache;
mod claims;
pub mod discovery;
pub mod error;
pub mod fetch;
mod generic;
mod github;
mod gitlab;
pub mod ids;
mod json;
mod jwk;
pub mod keys;
mod slot;
pub mod token;
pub mod unverified;

#[cfg(test)]
mod given;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod vectors;

pub use self::{
    audience::{Elsewhere, other_registry},
    cache::{KeyCache, KeysError},
    error::TokenError,
    fetch::{Fetch, HttpFetch, NoFetch},
    jwk::Key,
    keys::KeySet,
    token::{VerifiedToken, Windows, verify},
    unverified::{MalformedToken, UnverifiedToken},
};
