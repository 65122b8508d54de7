//! The place of one provider's newest keys, and the single flight that renews them.
use std::sync::{Arc, PoisonError, RwLock};

use events::{
    provider::{Algorithm, Registered},
    text::Text,
    time::Timestamp,
};
use tokio::sync::Mutex;

use super::{
    address::{Address, AddressError},
    fetch::{Fetch, FetchError},
    keys::{KeySet, KeySetError},
};

/// Seconds between two fetches of the same set, whoever asks and whatever came of the first.
pub const RETRY_SECONDS: u64 = 60;

/// Why a key set could not be refreshed. For the operator's log: it speaks of the provider, not of a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The registered address may not be fetched.
    #[error("the address of the key set {0}")]
    Address(#[from] AddressError),
    /// The document could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The document is not a key set.
    #[error(transparent)]
    KeySet(#[from] KeySetError),
    /// The fetch was given up: the server is shutting down.
    #[error("the fetch was given up")]
    GivenUp,
}

/// The newest keys of one provider, as it is registered now.
pub(super) struct Slot {
    algorithms: Vec<Algorithm>,
    jwks_uri: Text,
    last: Mutex<Last>,
    loopback: bool,
    newest: RwLock<Option<Arc<KeySet>>>,
}

/// The last fetch: when it began, and what went wrong.
#[derive(Default)]
struct Last {
    began: Option<Timestamp>,
    failure: Option<RefreshError>,
}

impl Slot {
    pub(super) fn of(provider: &Registered) -> Self {
        Self {
            algorithms: provider.algorithms.clone(),
            jwks_uri: provider.jwks_uri.clone(),
            last: Mutex::default(),
            loopback: provider.loopback,
            newest: RwLock::default(),
        }
    }

    pub(super) fn is_of(&self, provider: &Registered) -> bool {
        self.jwks_uri == provider.jwks_uri
            && self.algorithms == provider.algorithms
            && self.loopback == provider.loopback
    }

    pub(super) fn newest(&self) -> Option<Arc<KeySet>> {
        self.newest
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Fetches the set, unless that was done within the last minute; then what came of it is the answer.
    pub(super) async fn refresh(
        &self,
        fetch: &dyn Fetch,
        now: Timestamp,
    ) -> Result<(), RefreshError> {
        // Held for the whole fetch: whoever waits here finds a fetch that has just ended.
        let mut last = self.last.lock().await;
        let soon = |began: Timestamp| {
            now < began.plus_seconds(RETRY_SECONDS) && began <= now.plus_seconds(RETRY_SECONDS)
        };
        if !last.began.is_some_and(soon) {
            last.began = Some(now);
            last.failure = match self.fetch(fetch, now).await {
                Ok(set) => {
                    *self.newest.write().unwrap_or_else(PoisonError::into_inner) =
                        Some(Arc::new(set));
                    None
                }
                Err(failure) => Some(failure),
            };
        }
        last.failure.clone().map_or(Ok(()), Err)
    }

    async fn fetch(&self, fetch: &dyn Fetch, now: Timestamp) -> Result<KeySet, RefreshError> {
        let address = Address::parse(self.jwks_uri.as_str(), self.loopback)?;
        let document = fetch.get(&address).await?;
        Ok(KeySet::parse(&document, &self.algorithms, now)?)
    }
}
