//! Following the references from a release to everything it stands on.
use events::{
    Body, Recorded,
    api_key::Holder,
    gem::{Pushed, Source as Claimed},
    id::PublisherId,
    name::FoldedName,
    provider::Registered,
    stream::{EventRef, StreamName},
    text::Slug,
};

use super::{
    forge, links, prove,
    record::{
        ApiKeyStep, Attestation, Chain, Entry, ExchangeStep, Known, LogAt, ProviderKeyStep,
        ProviderStep, PublisherStep, RECORD_VERSION, Source, TransparencyRecord,
    },
    statements,
};
use crate::{
    app::App,
    store::{StoreError, anchor::Anchored},
    views::{LONGEST, index::Quarantine},
};

/// A walk under one checkpoint: whatever lies beyond it is not seen.
pub(super) struct Walk<'a> {
    pub(super) app: &'a App,
    anchored: &'a Anchored,
}

/// The record of the release at this place of the log.
pub(super) async fn record(
    app: &App,
    anchored: &Anchored,
    index: u64,
    quarantined: Option<Quarantine>,
) -> Result<TransparencyRecord, StoreError> {
    let walk = Walk { app, anchored };
    let missing = || StoreError::Corrupt(format!("event {index} is not a release"));
    let recorded = app.reader.events(index, index.saturating_add(1)).await?;
    let recorded = recorded.into_iter().next().ok_or_else(missing)?;
    let Body::ReleasePushed(pushed) = &recorded.event.body else {
        return Err(missing());
    };
    let receipt = prove(app, anchored, index).await?.text();
    let (chain, registered) = walk.chain(&recorded, pushed).await?;
    let source = pushed
        .source
        .as_ref()
        .and_then(|claimed| source(claimed, registered.as_ref()));
    let attestations = walk.attestations(&recorded).await?;
    let mut record = TransparencyRecord {
        record_version: RECORD_VERSION,
        registry: app.url.as_str().to_owned(),
        gem: pushed.name.clone(),
        number: pushed.number.clone(),
        platform: pushed.platform.clone(),
        file: format!("{}.gem", projections::rows::full_name(pushed)),
        digest: pushed.digest,
        size: pushed.size,
        document: pushed.document,
        released: recorded.event.time,
        quarantined,
        source,
        statements: Vec::new(),
        comparisons: Vec::new(),
        links: Vec::new(),
        evidence: walk.evidence(pushed, !attestations.is_empty()),
        since: walk.since(&recorded, pushed, &chain, &attestations).await?,
        attestations,
        chain,
        log: LogAt {
            origin: anchored.checkpoint.origin().to_owned(),
            size: anchored.checkpoint.size(),
            root: anchored.checkpoint.root().to_base64(),
            vkey: app.key.verifier().to_string(),
        },
        receipt,
    };
    record.statements = statements::of(&record);
    record.links = links::of(&record);
    Ok(record)
}

fn source(claimed: &Claimed, registered: Option<&Registered>) -> Option<Source> {
    let (provider, ..) = claimed.exchange.stream.token_parts()?;
    Some(Source {
        known: Known::StatedByRegistry,
        provider,
        issuer: registered.map(|registered| registered.issuer.clone()),
        workflow: claimed.workflow.clone(),
        urls: registered
            .map(|registered| forge::urls(registered, &claimed.workflow))
            .unwrap_or_default(),
    })
}

impl Walk<'_> {
    /// The event as an entry of the record, once its leaf was found under the checkpoint.
    pub(super) async fn entry(&self, recorded: &Recorded) -> Result<Entry, StoreError> {
        prove(self.app, self.anchored, recorded.index).await?;
        let event = &recorded.event;
        Ok(Entry {
            log_index: recorded.index,
            event_type: event.body.event_type().name,
            stream: event.stream.clone(),
            revision: event.revision,
            time: event.time,
            actor: event.actor.clone(),
            via: event.via,
        })
    }

    pub(super) async fn referred(
        &self,
        reference: &EventRef,
    ) -> Result<Option<Recorded>, StoreError> {
        let EventRef { stream, revision } = reference;
        let found = self.app.reader.event(stream, *revision).await?;
        Ok(found.filter(|recorded| self.is_covered(recorded)))
    }

    async fn stream(&self, name: &StreamName, from: u64) -> Result<Vec<Recorded>, StoreError> {
        let mut events = self.app.reader.stream(name, from, LONGEST).await?;
        events.retain(|recorded| self.is_covered(recorded));
        Ok(events)
    }

    fn is_covered(&self, recorded: &Recorded) -> bool {
        recorded.index < self.anchored.checkpoint.size()
    }

    async fn chain(
        &self,
        release: &Recorded,
        pushed: &Pushed,
    ) -> Result<(Chain, Option<Registered>), StoreError> {
        let policy = match self.referred(&pushed.policy).await? {
            Some(event) => Some(self.entry(&event).await?),
            None => None,
        };
        let mut chain = Chain {
            release: self.entry(release).await?,
            api_key: self.api_key(pushed).await?,
            exchange: None,
            policy,
            publisher: None,
            provider_key: None,
            provider: None,
        };
        let Some(source) = &pushed.source else {
            return Ok((chain, None));
        };
        chain.publisher = self.publisher(&pushed.policy, source.publisher).await?;
        let Some(exchange) = self.referred(&source.exchange).await? else {
            return Ok((chain, None));
        };
        let registered = self.identity(&mut chain, &exchange).await?;
        Ok((chain, registered))
    }

    async fn api_key(&self, pushed: &Pushed) -> Result<Option<ApiKeyStep>, StoreError> {
        let stream = StreamName::api_key(pushed.api_key);
        let issued = self.stream(&stream, 0).await?.into_iter().next();
        let Some(recorded) = issued else {
            return Ok(None);
        };
        let Body::ApiKeyIssued(issued) = &recorded.event.body else {
            return Ok(None);
        };
        Ok(Some(ApiKeyStep {
            entry: self.entry(&recorded).await?,
            id: pushed.api_key,
            account: match issued.holder {
                Holder::Account(id) => Some(id),
                Holder::Exchange(_) => None,
            },
            expires: issued.expires,
        }))
    }

    async fn publisher(
        &self,
        policy: &EventRef,
        id: PublisherId,
    ) -> Result<Option<PublisherStep>, StoreError> {
        let events = self.stream(&policy.stream, 0).await?;
        let at = |revision| events.iter().find(|found| found.event.revision == revision);
        let Some(recorded) = at(id.0) else {
            return Ok(None);
        };
        let Body::PublisherAdded(added) = &recorded.event.body else {
            return Ok(None);
        };
        let gone = events.iter().any(|found| {
            found.event.revision <= policy.revision
                && matches!(&found.event.body, Body::PublisherRemoved(removed) if removed.publisher == id)
        });
        // The rules do not let that happen; if a log holds it all the same, nothing is said for the push.
        if gone {
            return Ok(None);
        }
        let pending = match added.pending.and_then(|pending| at(pending.0)) {
            Some(pending) => Some(self.entry(pending).await?),
            None => None,
        };
        let pinned = events.iter().find(|found| {
            found.event.revision <= policy.revision
                && matches!(&found.event.body, Body::PublisherPinned(pinned) if pinned.publisher == id)
        });
        let pinned = match pinned {
            Some(pinned) => Some(self.entry(pinned).await?),
            None => None,
        };
        Ok(Some(PublisherStep {
            entry: self.entry(recorded).await?,
            id,
            pending,
            pinned,
            asks: added.publisher.clone(),
        }))
    }

    /// The exchange, the provider as it was registered then, and the key that signed the token.
    async fn identity(
        &self,
        chain: &mut Chain,
        exchange: &Recorded,
    ) -> Result<Option<Registered>, StoreError> {
        let Body::TokenExchanged(exchanged) = &exchange.event.body else {
            return Ok(None);
        };
        chain.exchange = Some(ExchangeStep {
            entry: self.entry(exchange).await?,
            audience: exchanged.audience.clone(),
            issued_at: exchanged.issued_at,
            sealed_token: exchange.event.sealed.values().next().copied(),
        });
        let Some((slug, ..)) = exchange.event.stream.token_parts() else {
            return Ok(None);
        };
        let before = self.stream(&StreamName::provider(&slug), 0).await?;
        let mut registered = None;
        for recorded in before.iter().filter(|found| found.index < exchange.index) {
            if let Body::ProviderRegistered(settings) = &recorded.event.body {
                registered = Some((recorded, settings));
            } else if let Body::ProviderKeysObserved(observed) = &recorded.event.body {
                let mut keys = observed.keys.iter();
                if let Some(key) = keys.find(|key| key.thumbprint == exchanged.provider_key) {
                    chain.provider_key = Some(ProviderKeyStep {
                        entry: self.entry(recorded).await?,
                        thumbprint: key.thumbprint,
                        kid: key.kid.clone(),
                        jwk: key.jwk.clone(),
                    });
                }
            }
        }
        let Some((recorded, settings)) = registered else {
            return Ok(None);
        };
        chain.provider = Some(ProviderStep {
            entry: self.entry(recorded).await?,
            slug,
            kind: settings.kind,
            issuer: settings.issuer.clone(),
            jwks_uri: settings.jwks_uri.clone(),
        });
        Ok(Some(settings.clone()))
    }

    /// What happened to the key, the token, the account, the publisher, the provider and the trust roots after the release.
    async fn since(
        &self,
        release: &Recorded,
        pushed: &Pushed,
        chain: &Chain,
        attestations: &[Attestation],
    ) -> Result<Vec<Entry>, StoreError> {
        let mut streams = vec![StreamName::api_key(pushed.api_key)];
        let account = chain.api_key.as_ref().and_then(|key| key.account);
        streams.extend(account.map(StreamName::account));
        streams.extend(pushed.source.as_ref().map(|_| {
            let gem: FoldedName = pushed.name.folded();
            StreamName::policy(&gem)
        }));
        streams.extend(
            chain
                .provider
                .as_ref()
                .map(|provider| StreamName::provider(&provider.slug)),
        );
        let token = pushed.source.as_ref().map(|source| &source.exchange.stream);
        streams.extend(token.cloned());
        let mut roots: Vec<StreamName> = attestations
            .iter()
            .filter_map(|attestation| Slug::parse(&attestation.root.name).ok())
            .map(|name| StreamName::trust_root(&name))
            .collect();
        roots.sort();
        roots.dedup();
        streams.extend(roots);
        let after = release.event.revision + 1;
        let mut places: Vec<(StreamName, u64)> =
            streams.into_iter().map(|stream| (stream, 0)).collect();
        places.push((StreamName::gem(&pushed.name.folded()), after));
        let mut since = Vec::new();
        for (stream, from) in places {
            let mut events = self.stream(&stream, from).await?;
            keep_newest_opening(&mut events);
            for recorded in events {
                if recorded.index > release.index && bears_on(&recorded.event.body, pushed, chain) {
                    since.push(self.entry(&recorded).await?);
                }
            }
        }
        since.sort_by_key(|entry| entry.log_index);
        Ok(since)
    }
}

/// A token may be opened any number of times: the newest stands for all.
fn keep_newest_opening(events: &mut Vec<Recorded>) {
    let opening = |recorded: &Recorded| matches!(recorded.event.body, Body::EvidenceOpened(_));
    let newest = events.iter().rev().find(|recorded| opening(recorded));
    if let Some(newest) = newest.map(|recorded| recorded.index) {
        events.retain(|recorded| !opening(recorded) || recorded.index == newest);
    }
}

/// Whether a later event of the release's own streams changes how the release is to be seen.
fn bears_on(body: &Body, pushed: &Pushed, chain: &Chain) -> bool {
    let publisher = pushed.source.as_ref().map(|source| source.publisher);
    let key = chain.provider_key.as_ref().map(|key| key.thumbprint);
    match body {
        Body::ApiKeyRevoked(_)
        | Body::AccountDisabled(_)
        | Body::ProviderDisabled(_)
        | Body::TrustRootRetired(_)
        | Body::EvidenceOpened(_) => true,
        Body::PublisherRemoved(removed) => Some(removed.publisher) == publisher,
        Body::ReleaseQuarantined(gone) => {
            (&gone.number, &gone.platform) == (&pushed.number, &pushed.platform)
        }
        Body::ReleaseRestored(back) => {
            (&back.number, &back.platform) == (&pushed.number, &pushed.platform)
        }
        Body::ProviderKeyDistrusted(distrusted) => Some(distrusted.thumbprint) == key,
        Body::LogOpened(_)
        | Body::LogRulesChanged(_)
        | Body::LogSucceeded(_)
        | Body::SubjectErased(_)
        | Body::StatementKeyIntroduced(_)
        | Body::TrustRootRecorded(_)
        | Body::OwnerRemoved(_)
        | Body::RuleChanged(_)
        | Body::ChangeCancelled(_)
        | Body::OverrideProposed(_)
        | Body::PolicyOverridden(_)
        | Body::ReleaseAttested(_)
        | Body::ReleaseCompared(_)
        | Body::ProviderRegistered(_)
        | Body::ProviderKeysObserved(_)
        | Body::IssuerTaken(_)
        | Body::AccountCreated(_)
        | Body::GemRegistered(_)
        | Body::OwnerAdded(_)
        | Body::PublisherAdded(_)
        | Body::PublisherPinned(_)
        | Body::PendingAdded(_)
        | Body::PendingRemoved(_)
        | Body::TokenExchanged(_)
        | Body::ExchangeDenied(_)
        | Body::PushDenied(_)
        | Body::ApiKeyIssued(_)
        | Body::ReleasePushed(_)
        | Body::NameTaken(_)
        | Body::FileTaken(_)
        | Body::MapRooted(_) => false,
    }
}
