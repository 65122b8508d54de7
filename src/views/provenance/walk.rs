//! Following the references from a release to everything it stands on.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use deciders::provider::{Declared, Provider};
use events::{
    Body, Recorded,
    api_key::Holder,
    gem::Pushed,
    id::PublisherId,
    name::FoldedName,
    provider::Registered,
    stream::{EventRef, StreamName},
    text::Slug,
};

use super::{
    forge::Forge,
    links, prove,
    record::{
        ApiKeyStep, Attestation, Chain, Entry, ExchangeStep, LogAt, ProviderKeyStep, ProviderStep,
        PublisherStep, RECORD_VERSION, TransparencyRecord,
    },
    source, statements,
};
use crate::{
    app::App,
    store::{StoreError, anchor::Anchored},
    views::{LONGEST, comparisons::Comparisons, index::Quarantine},
};

/// A walk under one checkpoint: whatever lies beyond it is not seen.
pub(super) struct Walk<'a> {
    pub(super) app: &'a App,
    anchored: &'a Anchored,
    /// What was read of whole streams, each once.
    streams: BTreeMap<StreamName, Arc<[Recorded]>>,
}

/// The record of the release at this place of the log.
pub(super) async fn record(
    app: &App,
    anchored: &Anchored,
    index: u64,
    quarantined: Option<Quarantine>,
) -> Result<TransparencyRecord, StoreError> {
    let mut walk = Walk {
        app,
        anchored,
        streams: BTreeMap::new(),
    };
    let missing = || StoreError::Corrupt(format!("event {index} is not a release"));
    let recorded = app.reader.events(index, index.saturating_add(1)).await?;
    let recorded = recorded.into_iter().next().ok_or_else(missing)?;
    let Body::ReleasePushed(pushed) = &recorded.event.body else {
        return Err(missing());
    };
    let receipt = prove(app, anchored, index).await?.text();
    let (chain, registered) = walk.chain(&recorded, pushed).await?;
    let claimed = pushed.source.as_ref();
    let source = claimed.and_then(|claimed| source::stated(claimed, registered.as_ref()));
    let forge = registered.as_ref().and_then(Forge::of);
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
        comparisons: Comparisons::default(),
        links: Vec::new(),
        evidence: walk.evidence(pushed, &attestations),
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
    let certified = source::certified(&record);
    if let Some(source) = &mut record.source {
        source.certified = certified;
    }
    record.statements = statements::of(&record);
    record.links = links::of(&record, forge.as_ref());
    Ok(record)
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

    /// A whole stream, as far as the checkpoint covers it.
    async fn stream(&mut self, name: &StreamName) -> Result<Arc<[Recorded]>, StoreError> {
        if let Some(known) = self.streams.get(name) {
            return Ok(known.clone());
        }
        let events: Arc<[Recorded]> = self.stream_from(name, 0).await?.into();
        self.streams.insert(name.clone(), events.clone());
        Ok(events)
    }

    async fn stream_from(&self, name: &StreamName, from: u64) -> Result<Vec<Recorded>, StoreError> {
        let mut events = self.app.reader.stream(name, from, LONGEST).await?;
        events.retain(|recorded| self.is_covered(recorded));
        Ok(events)
    }

    fn is_covered(&self, recorded: &Recorded) -> bool {
        recorded.index < self.anchored.checkpoint.size()
    }

    async fn chain(
        &mut self,
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

    async fn api_key(&mut self, pushed: &Pushed) -> Result<Option<ApiKeyStep>, StoreError> {
        let stream = StreamName::api_key(pushed.api_key);
        let events = self.stream(&stream).await?;
        let Some(recorded) = events.first() else {
            return Ok(None);
        };
        let Body::ApiKeyIssued(issued) = &recorded.event.body else {
            return Ok(None);
        };
        Ok(Some(ApiKeyStep {
            entry: self.entry(recorded).await?,
            id: pushed.api_key,
            account: match issued.holder {
                Holder::Account(id) => Some(id),
                Holder::Exchange(_) => None,
            },
            expires: issued.expires,
        }))
    }

    async fn publisher(
        &mut self,
        policy: &EventRef,
        id: PublisherId,
    ) -> Result<Option<PublisherStep>, StoreError> {
        let events = self.stream(&policy.stream).await?;
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

    /// The exchange, the provider with the settings in force then, and the key that signed the token.
    async fn identity(
        &mut self,
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
        let events = self.stream(&StreamName::provider(&slug)).await?;
        let before = || events.iter().filter(|found| found.index < exchange.index);
        for recorded in before() {
            if let Body::ProviderKeysObserved(observed) = &recorded.event.body {
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
        let provider: Provider = events::fold(before().map(|recorded| &recorded.event));
        let Some(Declared {
            revision, settings, ..
        }) = provider.in_force(exchange.event.time)
        else {
            return Ok(None);
        };
        let Some(recorded) = before().find(|found| found.event.revision == *revision) else {
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
        &mut self,
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
        let bears = |found: &&Recorded| {
            found.index > release.index && bears_on(&found.event.body, pushed, chain)
        };
        let gem = StreamName::gem(&pushed.name.folded());
        let after = self.stream_from(&gem, release.event.revision + 1).await?;
        let mut later: Vec<Recorded> = after.iter().filter(bears).cloned().collect();
        for stream in streams {
            let events = self.stream(&stream).await?;
            later.extend(events.iter().filter(bears).cloned());
        }
        later.sort_by_key(|found| std::cmp::Reverse(found.index));
        // Who is shown a token again changes nothing: the last time of everybody is told.
        let mut shown = BTreeSet::new();
        later.retain(|found| {
            !matches!(found.event.body, Body::EvidenceOpened(_))
                || shown.insert(found.event.actor.clone())
        });
        let mut since = Vec::new();
        for recorded in later.iter().rev() {
            since.push(self.entry(recorded).await?);
        }
        Ok(since)
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
