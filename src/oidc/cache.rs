//! The newest key set of each provider, and the only room that fetches one.
//!
//! A known key in a set that is young enough is found without waiting. An unknown one has the set fetched again, once
//! a minute at most and once for all who wait. A failed fetch keeps the old set, until that is too old to be believed.
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use events::{
    provider::{Algorithm, Registered},
    text::{Slug, Text},
    time::Timestamp,
};
use tokio::sync::Mutex;

use super::{
    address::{Address, AddressError},
    fetch::{Fetch, FetchError},
    keys::{KeySet, KeySetError},
};

/// From this age on, in seconds, the background task fetches a set again.
pub const REFRESH_SECONDS: u64 = 15 * 60;

/// Seconds between two fetches of the same set, whoever asks and whatever came of the first.
pub const RETRY_SECONDS: u64 = 60;

/// The newest key sets, shared by all requests.
pub struct KeyCache {
    fetch: Arc<dyn Fetch>,
    slots: RwLock<BTreeMap<Slug, Arc<Slot>>>,
}

/// Why no token of this provider can be verified now. The token may be good: try again later.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// The keys were never fetched.
    #[error("the keys of the identity provider could not be fetched yet; try again in a minute")]
    NotFetched {
        /// What went wrong, for the operator.
        reason: Option<RefreshError>,
    },
    /// The newest keys are too old to be believed.
    #[error("the keys of the identity provider were last fetched at {fetched_at}, which is too long ago; try again in a minute")]
    TooOld {
        /// When they were fetched.
        fetched_at: Timestamp,
        /// What went wrong since, for the operator.
        reason: Option<RefreshError>,
    },
}

impl KeysError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFetched { .. } => "provider_keys_not_fetched",
            Self::TooOld { .. } => "provider_keys_too_old",
        }
    }
}

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

impl KeyCache {
    /// An empty cache that fetches with this client.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self { fetch, slots: RwLock::default() }
    }

    /// The newest keys of a provider, for a token that names this key.
    ///
    /// The set may still not have the key: then it is not among the provider's keys. `max_age_seconds` is the rule in
    /// force for how old a set may be believed.
    pub async fn keys_for(
        &self,
        slug: &Slug,
        provider: &Registered,
        kid: Option<&str>,
        now: Timestamp,
        max_age_seconds: u64,
    ) -> Result<Arc<KeySet>, KeysError> {
        let slot = self.slot(slug, provider);
        let believable = |set: &Arc<KeySet>| set.age_seconds(now) <= max_age_seconds;
        if let Some(set) = slot.newest().filter(|set| believable(set) && set.find(kid).is_some()) {
            return Ok(set);
        }
        let reason = self.refresh(&slot, now).await.err();
        match slot.newest() {
            Some(set) if believable(&set) => Ok(set),
            Some(set) => Err(KeysError::TooOld { fetched_at: set.fetched_at(), reason }),
            None => Err(KeysError::NotFetched { reason }),
        }
    }

    /// Fetches the sets of these providers that are missing or due; call it every minute or so.
    ///
    /// The answer has one entry for each set that was due, so that new keys can be recorded and failures reported.
    pub async fn refresh_due(
        &self,
        providers: impl IntoIterator<Item = (&Slug, &Registered)>,
        now: Timestamp,
    ) -> Vec<(Slug, Result<Arc<KeySet>, RefreshError>)> {
        let mut refreshed = Vec::new();
        for (slug, provider) in providers {
            let slot = self.slot(slug, provider);
            let due = |set: Arc<KeySet>| set.age_seconds(now) >= REFRESH_SECONDS;
            if slot.newest().is_none_or(due) {
                let outcome = self.refresh(&slot, now).await;
                if let Some(set) = outcome.map(|()| slot.newest()).transpose() {
                    refreshed.push((slug.clone(), set));
                }
            }
        }
        refreshed
    }

    /// The place of a provider's keys. Settings that change what is fetched or kept start an empty one.
    fn slot(&self, slug: &Slug, provider: &Registered) -> Arc<Slot> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(slug).filter(|slot| slot.is_of(provider)) {
            return Arc::clone(slot);
        }
        drop(slots);
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(slug).filter(|slot| slot.is_of(provider)) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot::of(provider));
        slots.insert(slug.clone(), Arc::clone(&slot));
        slot
    }

    /// One fetch for all who ask at the same time, in a task of its own: a client that hangs up while it waits must
    /// neither stop the fetch nor, by that, keep a new key unknown for another minute.
    async fn refresh(&self, slot: &Arc<Slot>, now: Timestamp) -> Result<(), RefreshError> {
        let (slot, fetch) = (Arc::clone(slot), Arc::clone(&self.fetch));
        let task = tokio::spawn(async move { slot.refresh(&*fetch, now).await });
        task.await.unwrap_or(Err(RefreshError::GivenUp))
    }
}

/// The newest keys of one provider, as it is registered now.
struct Slot {
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
    fn of(provider: &Registered) -> Self {
        Self {
            algorithms: provider.algorithms.clone(),
            jwks_uri: provider.jwks_uri.clone(),
            last: Mutex::default(),
            loopback: provider.loopback,
            newest: RwLock::default(),
        }
    }

    fn is_of(&self, provider: &Registered) -> bool {
        self.jwks_uri == provider.jwks_uri
            && self.algorithms == provider.algorithms
            && self.loopback == provider.loopback
    }

    fn newest(&self) -> Option<Arc<KeySet>> {
        self.newest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn refresh(&self, fetch: &dyn Fetch, now: Timestamp) -> Result<(), RefreshError> {
        // Held for the whole fetch: whoever waits here finds a fetch that has just ended.
        let mut last = self.last.lock().await;
        let soon = |began: Timestamp| now < began.plus_seconds(RETRY_SECONDS) && began <= now.plus_seconds(RETRY_SECONDS);
        if !last.began.is_some_and(soon) {
            last.began = Some(now);
            last.failure = match self.fetch(fetch, now).await {
                Ok(set) => {
                    *self.newest.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(set));
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
