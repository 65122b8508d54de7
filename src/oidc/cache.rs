//! The newest key set of each provider, and the only room that fetches one.
//!
//! A known key in a set that is young enough is found without waiting. An unknown one has the set fetched again, once
//! a minute at most and once for all who wait. A failed fetch keeps the old set, until that is too old to be believed.
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use events::{provider::Registered, text::Slug, time::Timestamp};

pub use super::slot::{RETRY_SECONDS, RefreshError};
use super::{fetch::Fetch, keys::KeySet, slot::Slot};

/// From this age on, in seconds, the background task fetches a set again.
pub const REFRESH_SECONDS: u64 = 15 * 60;

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
    #[error(
        "the keys of the identity provider were last fetched at {fetched_at}, which is too long ago; try again in a minute"
    )]
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

impl KeyCache {
    /// An empty cache that fetches with this client.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self {
            fetch,
            slots: RwLock::default(),
        }
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
        if let Some(set) = slot
            .newest()
            .filter(|set| believable(set) && set.find(kid).is_some())
        {
            return Ok(set);
        }
        let reason = self.refresh(&slot, now).await.err();
        match slot.newest() {
            Some(set) if believable(&set) => Ok(set),
            Some(set) => Err(KeysError::TooOld {
                fetched_at: set.fetched_at(),
                reason,
            }),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::{
        fetch::FetchError,
        given::{Canned, DAY, ISSUER, github, issuer, now, slug},
    };
    use events::{provider::Algorithm, text::Text};
    use serde_json::{Value, json};

    fn cache() -> (Arc<Canned>, Arc<KeyCache>) {
        let network = Arc::new(Canned::with(ISSUER.jwks()));
        let cache = KeyCache::new(network.clone());
        (network, Arc::new(cache))
    }

    async fn ask(cache: &KeyCache, kid: &str, now: Timestamp) -> Result<Arc<KeySet>, KeysError> {
        cache
            .keys_for(&slug(), &github(), Some(kid), now, DAY)
            .await
    }

    fn has(answer: &Result<Arc<KeySet>, KeysError>, kid: &str) -> bool {
        answer
            .as_ref()
            .is_ok_and(|set| set.find(Some(kid)).is_some())
    }

    #[tokio::test]
    async fn fifty_who_ask_for_an_unknown_key_share_one_fetch_a_minute() {
        let (network, cache) = cache();
        for (minute, fetches) in [(0, 1), (0, 1), (1, 2), (2, 3)] {
            let time = now().plus_seconds(minute * 60);
            let asking: Vec<_> = (0..50)
                .map(|_| {
                    let cache = Arc::clone(&cache);
                    tokio::spawn(async move { ask(&cache, "unknown", time).await })
                })
                .collect();
            for answer in asking {
                assert!(
                    answer
                        .await
                        .unwrap()
                        .unwrap()
                        .find(Some("unknown"))
                        .is_none()
                );
            }
            assert_eq!(network.asked(), fetches);
        }
    }

    #[tokio::test]
    async fn a_known_key_is_answered_without_a_fetch() {
        let (network, cache) = cache();
        for minute in 0..60 {
            assert!(has(
                &ask(&cache, "stand-in-1", now().plus_seconds(minute * 60)).await,
                "stand-in-1"
            ));
        }
        assert_eq!(network.asked(), 1);
    }

    #[tokio::test]
    async fn a_new_key_is_found_and_the_withdrawn_one_refused() {
        let (network, cache) = cache();
        let rotating = issuer(Algorithm::RS256);
        network.now_answers(Ok(rotating.jwks()));
        assert!(has(&ask(&cache, "stand-in-1", now()).await, "stand-in-1"));
        rotating.rotate().unwrap();
        network.now_answers(Ok(rotating.jwks()));
        let later = now().plus_seconds(60);
        assert!(has(&ask(&cache, "stand-in-2", later).await, "stand-in-2"));
        assert!(!has(&ask(&cache, "stand-in-1", later).await, "stand-in-1"));
    }

    #[tokio::test]
    async fn sets_are_refreshed_in_the_background_after_a_quarter_of_an_hour() {
        let (network, cache) = cache();
        let (slug, provider) = (slug(), github());
        let providers = || [(&slug, &provider)];
        assert_eq!(cache.refresh_due(providers(), now()).await.len(), 1);
        assert_eq!(
            cache
                .refresh_due(providers(), now().plus_seconds(899))
                .await
                .len(),
            0
        );
        network.now_answers(Ok(json!({"keys": []})));
        let refreshed = cache
            .refresh_due(providers(), now().plus_seconds(900))
            .await;
        assert!(refreshed[0].1.as_ref().unwrap().observed().is_empty());
        assert_eq!(network.asked(), 2);
        assert!(!has(
            &ask(&cache, "stand-in-1", now().plus_seconds(900)).await,
            "stand-in-1"
        ));
    }

    #[tokio::test]
    async fn a_failed_fetch_keeps_the_old_set_until_it_is_too_old_to_be_believed() {
        let (network, cache) = cache();
        assert!(has(&ask(&cache, "stand-in-1", now()).await, "stand-in-1"));
        let broken: [Result<Value, FetchError>; 3] = [
            Err(FetchError::Timeout),
            Err(FetchError::Status(500)),
            Ok(json!({"keys": 1})),
        ];
        for (minute, answer) in (1..).zip(broken) {
            network.now_answers(answer);
            let time = now().plus_seconds(minute * 60);
            assert!(!has(&ask(&cache, "unknown", time).await, "unknown"));
            assert!(has(&ask(&cache, "stand-in-1", time).await, "stand-in-1"));
        }
        assert!(has(
            &ask(&cache, "stand-in-1", now().plus_seconds(DAY)).await,
            "stand-in-1"
        ));
        let error = ask(&cache, "stand-in-1", now().plus_seconds(DAY + 1))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "provider_keys_too_old");
        assert!(matches!(
            error,
            KeysError::TooOld {
                reason: Some(RefreshError::KeySet(_)),
                ..
            }
        ));
        // It recovers by itself as soon as a fetch succeeds.
        network.now_answers(Ok(ISSUER.jwks()));
        assert!(has(
            &ask(&cache, "stand-in-1", now().plus_seconds(DAY + 61)).await,
            "stand-in-1"
        ));
    }

    #[tokio::test]
    async fn without_any_keys_the_answer_is_to_try_again() {
        let (network, cache) = cache();
        network.now_answers(Err(FetchError::Redirect));
        let error = ask(&cache, "stand-in-1", now()).await.unwrap_err();
        assert_eq!(
            error,
            KeysError::NotFetched {
                reason: Some(RefreshError::Fetch(FetchError::Redirect))
            }
        );
        assert_eq!(error.code(), "provider_keys_not_fetched");
    }

    #[tokio::test]
    async fn an_address_that_may_not_be_fetched_is_not() {
        let (network, cache) = cache();
        let mut provider = github();
        provider.jwks_uri = Text::parse("http://issuer.example/keys").unwrap();
        provider.loopback = true;
        let answer = cache
            .keys_for(&slug(), &provider, Some("k"), now(), DAY)
            .await;
        assert!(matches!(
            answer,
            Err(KeysError::NotFetched {
                reason: Some(RefreshError::Address(_))
            })
        ));
        assert_eq!(network.asked(), 0);
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_does_not_stop_the_fetch() {
        let (network, cache) = cache();
        let asking = tokio::time::timeout(
            core::time::Duration::from_millis(5),
            ask(&cache, "stand-in-1", now()),
        );
        assert!(asking.await.is_err());
        assert!(has(&ask(&cache, "stand-in-1", now()).await, "stand-in-1"));
        assert_eq!(network.asked(), 1);
    }

    #[tokio::test]
    async fn other_settings_start_from_nothing() {
        let (network, cache) = cache();
        assert!(ask(&cache, "stand-in-1", now()).await.is_ok());
        let mut moved = github();
        moved.jwks_uri = Text::parse("https://issuer.example/other").unwrap();
        assert!(
            cache
                .keys_for(&slug(), &moved, Some("stand-in-1"), now(), DAY)
                .await
                .is_ok()
        );
        assert_eq!(network.asked(), 2);
    }
}
