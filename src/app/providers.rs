//! Identity providers: registered by the operator, their keys recorded when they are first seen.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use deciders::{
    Code, Ledger,
    provider::{self, Provider, When},
    taken::Taken,
};
use events::{
    Body,
    claims::ProviderKind,
    id::{Actor, Via},
    log::Rules,
    name::FoldedName,
    provider::{Algorithm, ClaimName, Mapping, Registered},
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
};

use super::{App, CommandError, settled, unread};
use crate::{
    oidc::{KeySet, discovery},
    store::{StoreError, states::Read, writer::Verdict},
    views,
};

/// How long what is known of the providers may be old. The decision itself is always made on their newest state; a
/// provider that is not known here yet is looked up at once.
const FRESH: Duration = Duration::from_secs(1);

/// What exchanges know of the providers and rules without asking the database each time. A hint: the writer decides.
#[derive(Default)]
pub struct Known {
    newest: RwLock<Option<Arc<Snapshot>>>,
    candidates: Mutex<BTreeMap<CandidateKey, (Duration, Vec<FoldedName>)>>,
}

/// A provider, and a repository's name and id.
type CandidateKey = (Slug, Text, Text);

/// The providers at one moment.
pub struct Snapshot {
    read_at: Duration,
    /// Providers by issuer.
    pub by_issuer: BTreeMap<String, (Slug, Arc<Provider>)>,
    /// The rules in force.
    pub rules: Rules,
}

impl Known {
    /// The candidates found for this repository less than a second ago.
    pub(super) fn candidates(
        &self,
        key: &(Slug, Text, Text),
        now: Duration,
    ) -> Option<Vec<FoldedName>> {
        let candidates = self
            .candidates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        candidates
            .get(key)
            .filter(|(at, _)| now < *at + FRESH)
            .map(|(_, gems)| gems.clone())
    }

    /// Keeps candidates for a second. Only ever some: that there are none is asked again each time.
    pub(super) fn keep(&self, key: (Slug, Text, Text), gems: Vec<FoldedName>, now: Duration) {
        let mut candidates = self
            .candidates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        candidates.retain(|_, (at, _)| now < *at + FRESH);
        candidates.insert(key, (now, gems));
    }
}

/// What the operator types to register a provider.
#[derive(Clone, Debug)]
pub struct NewProvider {
    /// Its name here.
    pub slug: Slug,
    /// Its dialect.
    pub kind: ProviderKind,
    /// Its issuer.
    pub issuer: String,
    /// The audience its tokens must name; this registry's authority unless given.
    pub audience: Option<String>,
    /// Accept tokens of private repositories although the ledger is public.
    pub private_repositories: bool,
    /// Claims that every token must carry.
    pub required: BTreeMap<ClaimName, Text>,
    /// Which claims a generic provider's fields come from.
    pub mapping: Option<Mapping>,
    /// The algorithms, if the provider's own list is not to be taken.
    pub algorithms: Option<Vec<Algorithm>>,
}

/// A provider that was registered, or registered again.
#[derive(Clone, Copy, Debug)]
pub struct Added {
    /// The log index of the first event.
    pub index: u64,
    /// When its settings take effect, and why then; `None` if they are the declared ones and only keys were new.
    pub when: Option<When>,
}

impl App {
    /// What is known of the providers, at most a second old.
    pub async fn known(&self) -> Result<Arc<Snapshot>, StoreError> {
        let elapsed = self.clock.elapsed();
        let newest = self
            .providers
            .newest
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match newest {
            Some(snapshot) if elapsed < snapshot.read_at + FRESH => Ok(snapshot),
            _ => self.reread().await,
        }
    }

    /// What is known of the providers, read now.
    pub async fn reread(&self) -> Result<Arc<Snapshot>, StoreError> {
        let ledger: Ledger = views::state(&self.reader, &StreamName::log()).await?;
        let mut by_issuer = BTreeMap::new();
        for slug in views::providers::slugs(&self.reader).await? {
            let provider: Provider =
                views::state(&self.reader, &StreamName::provider(&slug)).await?;
            if let Some(issuer) = provider.issuer().map(ToString::to_string) {
                by_issuer.insert(issuer, (slug, Arc::new(provider)));
            }
        }
        let rules = ledger
            .rulebook
            .map(|rulebook| rulebook.rules)
            .unwrap_or_default();
        let snapshot = Arc::new(Snapshot {
            read_at: self.clock.elapsed(),
            by_issuer,
            rules,
        });
        *self
            .providers
            .newest
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(snapshot.clone());
        Ok(snapshot)
    }

    /// What a provider is to be registered as: its own discovery document says where its keys are.
    async fn described(&self, new: NewProvider) -> Result<Registered, CommandError> {
        let malformed = |error: &dyn std::fmt::Display| CommandError::Malformed(error.to_string());
        let loopback = new.issuer.starts_with("http://");
        let found = discovery::discover(&*self.fetch, &new.issuer, loopback)
            .await
            .map_err(|error| malformed(&error))?;
        let audience = new.audience.as_deref().unwrap_or(self.url.authority());
        if crate::oidc::other_registry(audience).is_some() {
            let text = format!(
                "the audience {audience} belongs to another registry: tokens made for it must not be taken here"
            );
            return Err(CommandError::Malformed(text));
        }
        Ok(Registered {
            algorithms: new.algorithms.unwrap_or(found.algorithms),
            audience: Text::configured(audience)
                .map_err(|error| malformed(&format!("the audience {error}")))?,
            effective: None,
            issuer: Text::configured(&new.issuer)
                .map_err(|error| malformed(&format!("the issuer {error}")))?,
            jwks_uri: found.jwks_uri,
            kind: new.kind,
            loopback,
            mapping: new.mapping,
            private_repositories: new.private_repositories,
            required: new.required,
        })
    }

    /// Registers a provider: asks it for its keys, and records both.
    pub async fn add_provider(&self, new: NewProvider) -> Result<Added, CommandError> {
        let slug = new.slug.clone();
        let registered = self.described(new).await?;
        let max_age = Rules::default().provider_keys_max_age_seconds;
        let keys = self
            .keys
            .keys_for(&slug, &registered, None, self.clock.now(), max_age)
            .await
            .map_err(|error| CommandError::Malformed(error.to_string()))?
            .observed();
        let (log, stream) = (StreamName::log(), StreamName::provider(&slug));
        let issuer = StreamName::issuer(registered.issuer.as_str());
        let reads = vec![
            Read::of::<Ledger>(log.clone()),
            Read::of::<Provider>(stream.clone()),
            Read::of::<Taken>(issuer.clone()),
        ];
        let request = self.console();
        let outcome = self
            .writer
            .append(reads, move |desk| {
                let (Some(ledger), Some(provider), Some(issuer)) = (
                    desk.state::<Ledger>(&log),
                    desk.state::<Provider>(&stream),
                    desk.state::<Taken>(&issuer),
                ) else {
                    return Verdict::answer(unread());
                };
                let when = provider::when(ledger, provider, &registered, desk.now);
                let states = provider::States {
                    ledger,
                    provider,
                    issuer,
                };
                let decided = provider::register(&states, &slug, registered, &keys, desk.now);
                let Verdict { group, answer } = request.verdict(decided);
                Verdict {
                    group,
                    answer: answer.map(|()| when),
                }
            })
            .await?;
        let index = outcome.indexes().start;
        let mut bodies = outcome.appended.iter().map(|recorded| &recorded.event.body);
        let declared = bodies.any(|body| matches!(body, Body::ProviderRegistered(_)));
        let when = outcome.answer?;
        Ok(Added {
            index,
            when: declared.then_some(when),
        })
    }

    /// Records the keys of a set that were not seen before.
    pub async fn observe_keys(&self, slug: &Slug, keys: &KeySet) -> Result<(), CommandError> {
        let (stream, slug, observed) = (StreamName::provider(slug), slug.clone(), keys.observed());
        let request = self.request(Actor::Operator, Via::Server);
        let outcome = self
            .writer
            .append(vec![Read::of::<Provider>(stream.clone())], move |desk| {
                let drafts = desk
                    .state::<Provider>(&stream)
                    .map(|state| provider::observe(state, &slug, &observed, desk.now));
                match drafts {
                    Some(drafts) if !drafts.is_empty() => request.verdict(Ok(drafts)),
                    _ => Verdict::answer(Ok(())),
                }
            })
            .await?;
        settled(outcome)?;
        self.reread().await?;
        Ok(())
    }

    /// Distrusts every key of this provider that bore this name, and with it every API key that its tokens bought.
    pub async fn distrust_key(&self, slug: Slug, kid: Text) -> Result<u64, CommandError> {
        self.change_provider(slug, move |state, slug, _| {
            provider::distrust_key(state, slug, &kid)
        })
        .await
    }

    /// Disables a provider.
    pub async fn disable_provider(&self, slug: Slug) -> Result<u64, CommandError> {
        self.change_provider(slug, provider::disable).await
    }

    async fn change_provider<F>(&self, slug: Slug, change: F) -> Result<u64, CommandError>
    where
        F: FnOnce(
                &Provider,
                &Slug,
                Timestamp,
            ) -> Result<Vec<events::event::Draft>, deciders::Denial>
            + Send
            + 'static,
    {
        let stream = StreamName::provider(&slug);
        let request = self.console();
        let outcome = self
            .writer
            .append(
                vec![Read::of::<Provider>(stream.clone())],
                move |desk| match desk.state::<Provider>(&stream) {
                    Some(state) => request.verdict(change(state, &slug, desk.now)),
                    None => Verdict::answer(unread()),
                },
            )
            .await?;
        Ok(settled(outcome)?.indexes().start)
    }

    /// Fetches key sets that are due and records new keys. Called every minute from a task.
    pub async fn refresh_keys(&self) -> Result<(), StoreError> {
        let snapshot = self.reread().await?;
        let now = self.clock.now();
        let live = snapshot
            .by_issuer
            .values()
            .filter_map(|(slug, provider)| Some((slug, provider.live(now).ok()?)));
        for (slug, outcome) in self.keys.refresh_due(live, now).await {
            match outcome {
                Ok(keys) => {
                    if let Err(error) = self.observe_keys(&slug, &keys).await {
                        tracing::error!(provider = %slug, %error, "the provider's new keys could not be recorded");
                    }
                }
                Err(error) => {
                    tracing::warn!(provider = %slug, %error, "the provider's keys could not be fetched");
                }
            }
        }
        Ok(())
    }
}

/// Whether a denial may only be due to old knowledge of the providers.
pub(super) fn may_be_stale(code: Code) -> bool {
    matches!(
        code,
        Code::ProviderKeyUnknown | Code::AudienceMismatch | Code::ProviderUnknown
    )
}
