//! The keys of one provider as its key set (JWKS, RFC 7517) published them at one time.
//!
//! Of the document: a JSON object without duplicate names, at most 256 KiB and 100 keys, no usable `kid` twice; else it
//! is refused whole and the older set stays. Of a key: what cannot be used is left out (see [`Key`]). An empty set is
//! a set: a provider that withdraws all its keys means it.
use core::fmt;
use std::collections::BTreeMap;

use events::{
    provider::{Algorithm, ObservedKey},
    time::Timestamp,
};
use serde_json::Value;

use super::{json, jwk::Key};

/// Longest key set, in bytes.
pub const MAX_DOCUMENT: usize = 256 * 1024;

/// Most keys in a set.
pub const MAX_KEYS: usize = 100;

/// A provider's usable keys, by the names that tokens call them by.
pub struct KeySet {
    fetched_at: Timestamp,
    named: BTreeMap<String, Key>,
    /// The key of a provider with a single key and no name for it.
    unnamed: Option<Key>,
}

/// Why a document is not a key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// More than [`MAX_DOCUMENT`] bytes.
    #[error("the key set is longer than 256 KiB")]
    TooLong,
    /// Not a JSON object with an array of objects called `keys`, or a name occurs twice.
    #[error("the key set is not a JSON object with an array of keys, every name once")]
    NotKeys,
    /// More than [`MAX_KEYS`] keys.
    #[error("the key set has more than 100 keys")]
    TooMany,
    /// Two usable keys have the same `kid`: a token could mean either.
    #[error("the key set has two keys called `{0}`")]
    DuplicateKid(events::text::Text),
}

impl KeySet {
    /// Reads a key set, keeping the keys that can verify tokens signed with one of these algorithms.
    ///
    /// A key without `kid` is kept only when it is the only usable one: then there is nothing to choose.
    pub fn parse(document: &[u8], allowed: &[Algorithm], fetched_at: Timestamp) -> Result<Self, KeySetError> {
        if document.len() > MAX_DOCUMENT {
            return Err(KeySetError::TooLong);
        }
        let members = json::object(document).map_err(|_| KeySetError::NotKeys)?;
        let Some(Value::Array(list)) = members.get("keys") else {
            return Err(KeySetError::NotKeys);
        };
        if list.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let mut set = Self { fetched_at, named: BTreeMap::new(), unnamed: None };
        let mut without_name = Vec::new();
        for value in list {
            let members = value.as_object().ok_or(KeySetError::NotKeys)?;
            let Some(key) = Key::read(members, allowed) else { continue };
            if !members.contains_key("kid") {
                without_name.push(key);
            } else if let Some(twin) = set.named.insert(key.kid().as_str().to_owned(), key) {
                return Err(KeySetError::DuplicateKid(twin.kid().clone()));
            }
        }
        if set.named.is_empty() && without_name.len() == 1 {
            set.unnamed = without_name.pop();
        }
        Ok(set)
    }

    /// The key a token names, or the one key of a provider that names none.
    pub fn find(&self, kid: Option<&str>) -> Option<&Key> {
        match kid {
            Some(kid) => self.named.get(kid),
            None => self.unnamed.as_ref(),
        }
    }

    /// Every key in it, as the log records keys, to compare with those recorded already.
    pub fn observed(&self) -> Vec<ObservedKey> {
        self.named.values().chain(&self.unnamed).map(Key::observed).collect()
    }

    /// When it was asked for.
    pub fn fetched_at(&self) -> Timestamp {
        self.fetched_at
    }

    /// How many seconds ago it was asked for; none if the clock has gone back since.
    pub fn age_seconds(&self, now: Timestamp) -> u64 {
        now.millis().saturating_sub(self.fetched_at.millis()) / 1000
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("fetched_at", &self.fetched_at)
            .field("kids", &self.named.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
