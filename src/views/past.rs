//! A gem as it was at one place of the log: its policy, its releases, and the keys that could push it in that moment.
//!
//! Everything is folded from the log's prefix, by the states that the rules themselves are judged on; rows only say which
//! streams to read. A key that is listed here would have passed every check that does not depend on the file.
use std::collections::{BTreeMap, BTreeSet};

use deciders::{
    Ledger,
    account::Account,
    api_key::ApiKey,
    gem::Gem,
    matching::{Job, match_policy},
    policy::{Policy, PolicyAt},
    provider::Provider,
};
use events::{
    Body, Event, Recorded, State,
    api_key::Scope,
    claims::Workflow,
    digest::Digest,
    id::{AccountId, ApiKeyId, Owner, PublisherId},
    name::{FoldedName, GemName},
    platform::Platform,
    policy::Publisher,
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
    token::Exchanged,
    version::GemVersion,
};
use projections::tables::API_KEY;
use serde::Serialize;
use sqlx::AssertSqlSafe;

use super::{
    LONGEST, failed, feed,
    rules::{self, ChangeAt, RuleAt},
};
use crate::store::{
    StoreError,
    reader::{PAGE, Reader},
};

/// A prefix of the log, and the moment that is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// How many events it has.
    pub events: u64,
    /// When expiry is asked.
    pub time: Timestamp,
}

/// A gem at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GemAt {
    /// The gem.
    pub gem: FoldedName,
    /// Its spelling; none while its name only waits for a first push.
    pub name: Option<GemName>,
    /// How many events of the log this stands on.
    pub events: u64,
    /// The moment.
    pub time: Timestamp,
    /// Whose it is.
    pub owners: BTreeSet<Owner>,
    /// Its trusted publishers.
    pub publishers: Vec<PublisherAt>,
    /// Publishers that wait for the first push, and have not expired.
    pub pending: Vec<PendingAt>,
    /// Its rules; none under edition 1 of the rulebook.
    pub rules: Vec<RuleAt>,
    /// Declared changes that waited for their time.
    pub changes: Vec<ChangeAt>,
    /// Keys that could push it.
    pub keys: Vec<KeyAt>,
    /// Its releases, in the order of their versions' names.
    pub releases: Vec<ReleaseAt>,
}

/// A trusted publisher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublisherAt {
    /// Its id within the gem.
    pub id: PublisherId,
    /// When it was added.
    pub added: Timestamp,
    /// When it takes effect, where that was still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<Timestamp>,
    /// It waited too long for its ids: it matches nothing any more.
    pub expired: bool,
    /// Its provider was disabled.
    pub provider_disabled: bool,
    /// What it asks of a job, with the ids that are pinned.
    pub asks: Publisher,
}

/// A publisher that waits for the first push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PendingAt {
    /// Its id within the gem.
    pub id: PublisherId,
    /// Whose the gem would be.
    pub owner: Owner,
    /// Until when.
    pub expires: Timestamp,
    /// What it asks of a job.
    pub asks: Publisher,
}

/// A key that could push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyAt {
    /// Its id.
    pub id: ApiKeyId,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it dies by itself.
    pub expires: Option<Timestamp>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The only gem it may touch.
    pub only: Option<FoldedName>,
    /// The account that holds it, an owner of the gem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The publisher that the job which bought it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<PublisherId>,
    /// That job's repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Text>,
    /// That job's run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Text>,
    /// The one version that it has released, and may add platforms to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent_on: Option<String>,
}

/// A release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleaseAt {
    /// Its version.
    pub number: GemVersion,
    /// Its platform.
    pub platform: Platform,
    /// SHA-256 of its file.
    pub digest: Digest,
    /// `released`, or `quarantined`.
    pub status: &'static str,
}

/// The log before one moment.
struct Past<'a> {
    reader: &'a Reader,
    moment: Moment,
    ledger: Ledger,
    providers: BTreeMap<Slug, Provider>,
}

/// The gem at this moment; `None` if nothing was known of it.
pub async fn at(
    reader: &Reader,
    gem: &FoldedName,
    moment: Moment,
) -> Result<Option<GemAt>, StoreError> {
    let mut past = Past {
        reader,
        moment,
        ledger: Ledger::default(),
        providers: BTreeMap::new(),
    };
    past.ledger = past.state(&StreamName::log()).await?;
    let policy: Policy = past.state(&StreamName::policy(gem)).await?;
    let policy = policy.at(moment.time).into_owned();
    let releases: Gem = past.state(&StreamName::gem(gem)).await?;
    if policy.next_revision == 0 && releases.releases.is_empty() {
        return Ok(None);
    }
    let mut keys = past.keys_of_owners(gem, &policy, &releases).await?;
    keys.extend(past.keys_of_jobs(&policy, &releases).await?);
    let publishers = past.publishers(&policy).await?;
    let pending = policy
        .live_pending(moment.time)
        .map(|(id, pending)| PendingAt {
            id: *id,
            owner: pending.owner,
            expires: pending.expires,
            asks: pending.publisher.clone(),
        });
    Ok(Some(GemAt {
        gem: gem.clone(),
        events: moment.events,
        time: moment.time,
        pending: pending.collect(),
        publishers,
        keys,
        rules: rules::of(&past.ledger, &policy, &releases),
        changes: rules::waiting(&policy),
        releases: releases.releases.iter().map(release).collect(),
        name: policy.name,
        owners: policy.owners,
    }))
}

fn release(((_, platform), release): (&(String, Platform), &deciders::gem::Release)) -> ReleaseAt {
    ReleaseAt {
        number: release.number.clone(),
        platform: platform.clone(),
        digest: release.digest,
        status: if release.quarantined {
            "quarantined"
        } else {
            "released"
        },
    }
}

impl Past<'_> {
    async fn events(&self, stream: &StreamName) -> Result<Vec<Recorded>, StoreError> {
        let mut events = self.reader.stream(stream, 0, LONGEST).await?;
        events.retain(|recorded| recorded.index < self.moment.events);
        Ok(events)
    }

    async fn state<S: State>(&self, stream: &StreamName) -> Result<S, StoreError> {
        let events = self.events(stream).await?;
        Ok(events::fold(events.iter().map(|recorded| &recorded.event)))
    }

    async fn provider(&mut self, slug: &Slug) -> Result<Provider, StoreError> {
        if let Some(provider) = self.providers.get(slug) {
            return Ok(provider.clone());
        }
        let provider: Provider = self.state(&StreamName::provider(slug)).await?;
        self.providers.insert(slug.clone(), provider.clone());
        Ok(provider)
    }

    fn provisional_seconds(&self) -> u64 {
        let rulebook = self.ledger.rulebook.as_ref();
        rulebook.map_or(0, |rulebook| rulebook.rules.provisional_seconds)
    }

    async fn publishers(&mut self, policy: &PolicyAt) -> Result<Vec<PublisherAt>, StoreError> {
        let mut publishers = Vec::new();
        for (id, entry) in &policy.publishers {
            let provider = self.provider(&entry.publisher.provider).await?;
            publishers.push(PublisherAt {
                id: *id,
                added: entry.added,
                effective: entry.waits_until(self.moment.time),
                expired: entry.has_expired(self.provisional_seconds(), self.moment.time),
                provider_disabled: provider.live(self.moment.time).is_err(),
                asks: entry.publisher.clone(),
            });
        }
        Ok(publishers)
    }

    /// Keys of the owners' accounts. While nobody owns the gem, any account's key could push it, and none is listed.
    async fn keys_of_owners(
        &self,
        gem: &FoldedName,
        policy: &PolicyAt,
        releases: &Gem,
    ) -> Result<Vec<KeyAt>, StoreError> {
        let mut keys = Vec::new();
        if !rules::lets_owners_push(&self.ledger, policy, releases) {
            return Ok(keys);
        }
        for owner in &policy.owners {
            let Owner::Account(account) = owner else {
                continue;
            };
            let state: Account = self.state(&StreamName::account(*account)).await?;
            if state.live().is_err() {
                continue;
            }
            let sql = format!("SELECT id FROM {API_KEY} WHERE account = $1 ORDER BY id");
            let ids: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(String::from(*account))
                .fetch_all(self.reader.pool())
                .await
                .map_err(failed)?;
            for id in ids.iter().filter_map(|id| ApiKeyId::parse(id).ok()) {
                let key = self.live_key(id).await?;
                keys.extend(key.filter(|key| key.only.as_ref().is_none_or(|only| only == gem)));
            }
        }
        Ok(keys)
    }

    /// The key, if it lives in this moment and may push.
    async fn live_key(&self, id: ApiKeyId) -> Result<Option<KeyAt>, StoreError> {
        let events = self.events(&StreamName::api_key(id)).await?;
        let state: ApiKey = events::fold(events.iter().map(|recorded| &recorded.event));
        let Ok(issued) = state.allows(Scope::PushRubygem, self.moment.time) else {
            return Ok(None);
        };
        let account = match &issued.holder {
            events::api_key::Holder::Account(account) => Some(*account),
            events::api_key::Holder::Exchange(_) => None,
        };
        Ok(Some(KeyAt {
            id,
            issued: events
                .first()
                .map(|first| first.event.time)
                .unwrap_or_default(),
            expires: issued.expires,
            scopes: issued.scopes.clone(),
            only: issued.gem.clone(),
            account,
            publisher: None,
            repository: None,
            run_id: None,
            spent_on: None,
        }))
    }

    /// Keys that CI jobs bought and that still live: each job is held against the policy, as a push would be.
    async fn keys_of_jobs(
        &mut self,
        policy: &PolicyAt,
        gem: &Gem,
    ) -> Result<Vec<KeyAt>, StoreError> {
        let longest = self.longest_lifetime().await?;
        let since = self.moment.time.minus_seconds(longest);
        let mut next = feed::first_from(self.reader, since, self.moment.events).await?;
        let mut keys = Vec::new();
        while next < self.moment.events {
            let end = self.moment.events.min(next.saturating_add(PAGE));
            for recorded in self.reader.events(next, end).await? {
                if let Body::TokenExchanged(exchanged) = &recorded.event.body {
                    let key = self
                        .key_of_job(&recorded.event, exchanged, policy, gem)
                        .await?;
                    keys.extend(key);
                }
            }
            next = end;
        }
        Ok(keys)
    }

    async fn key_of_job(
        &mut self,
        event: &Event,
        exchanged: &Exchanged,
        policy: &PolicyAt,
        gem: &Gem,
    ) -> Result<Option<KeyAt>, StoreError> {
        let Some((slug, ..)) = event.stream.token_parts() else {
            return Ok(None);
        };
        let provider = self.provider(&slug).await?;
        let trusted = provider.trusted_key(&exchanged.provider_key).is_ok();
        let Some(publisher) = self
            .matched(&slug, &provider, &exchanged.workflow, policy)
            .filter(|_| trusted)
        else {
            return Ok(None);
        };
        let spent_on = gem.by_key.get(&exchanged.api_key).cloned();
        Ok(self.live_key(exchanged.api_key).await?.map(|key| KeyAt {
            publisher: Some(publisher),
            repository: Some(exchanged.workflow.repository.clone()),
            run_id: exchanged.workflow.run_id.clone(),
            spent_on,
            ..key
        }))
    }

    fn matched(
        &self,
        slug: &Slug,
        provider: &Provider,
        workflow: &Workflow,
        policy: &PolicyAt,
    ) -> Option<PublisherId> {
        let job = Job {
            slug,
            provider: provider.live(self.moment.time).ok()?,
            workflow,
        };
        match_policy(&job, policy, self.provisional_seconds(), self.moment.time).ok()
    }

    /// How long any exchanged key may have lived, by all the rules so far.
    async fn longest_lifetime(&self) -> Result<u64, StoreError> {
        let events = self.events(&StreamName::log()).await?;
        let lifetime = |recorded: &Recorded| {
            if let Body::LogOpened(opened) = &recorded.event.body {
                Some(opened.rules.key_lifetime_seconds)
            } else if let Body::LogRulesChanged(changed) = &recorded.event.body {
                Some(changed.rules.key_lifetime_seconds)
            } else {
                None
            }
        };
        Ok(events.iter().filter_map(lifetime).max().unwrap_or(0))
    }
}
