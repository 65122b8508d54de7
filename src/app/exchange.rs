//! The exchange: from a signed token to a key of minutes, in one path with one place where it is decided.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use deciders::{
    Code, Ledger,
    denied::Denied,
    exchange::{self, Facts, States, Turned},
    policy::Policy,
    provider::Provider,
    token::Token,
};
use events::{
    event::Sealed,
    id::{Actor, ApiKeyId, PublisherId, Via},
    name::FoldedName,
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
};

use super::{App, CommandError, providers::may_be_stale, secret::Secret};
use crate::{
    oidc::{
        KeysError, MalformedToken, TokenError, UnverifiedToken, VerifiedToken, Windows, verify,
    },
    store::{
        StoreError,
        states::{Desk, Read},
        vault,
        writer::{AppendError, Verdict},
    },
    views, world,
};

/// The issuer that the rubygems.org API means when it says GitHub.
pub use deciders::forge::GITHUB_ISSUER;

/// Under which name the raw token is sealed.
const JWT: &str = "jwt";

/// Why a token was not exchanged.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// It is no token.
    #[error("{0}")]
    Malformed(#[from] MalformedToken),
    /// Nobody here knows its issuer.
    #[error("no identity provider is registered for the issuer of this token")]
    UnknownIssuer,
    /// It does not verify.
    #[error("{0}")]
    Token(#[from] TokenError),
    /// The provider's keys are too old to trust.
    #[error("{0}")]
    Keys(#[from] KeysError),
    /// It verifies, and the rules deny it.
    #[error("{}", .0.denial)]
    Denied(Box<Turned>),
    /// The repository asks too often.
    #[error("too many exchanges of this repository; try again in a minute")]
    TooMany,
    /// It could not be recorded.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The provider's keys could not be recorded.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// A key that was minted.
pub struct Minted {
    /// The key in the clear.
    pub secret: Secret,
    /// What it is called: whose it is, and when its token was issued.
    pub name: String,
    /// When it dies.
    pub expires: Timestamp,
    /// The log index of the exchange.
    pub index: u64,
}

/// How often the same denial came since it was last recorded. In memory only: a count that a restart loses is a count.
#[derive(Default)]
pub struct DenialCounts(Mutex<BTreeMap<(FoldedName, PublisherId, Code), u64>>);

/// Most different denials that are counted at a time.
const COUNTED: usize = 10_000;

impl DenialCounts {
    /// Counts one more, and says how many there were.
    pub fn count(&self, gem: &FoldedName, publisher: PublisherId, code: Code) -> u64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= COUNTED {
            counts.clear();
        }
        let count = counts.entry((gem.clone(), publisher, code)).or_default();
        *count += 1;
        *count
    }

    /// Starts again at zero, because what was counted is recorded.
    pub fn recorded(&self, gem: &FoldedName, publisher: PublisherId, code: Code) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.remove(&(gem.clone(), publisher, code));
    }
}

impl App {
    /// Exchanges a token. Once it has verified, `admit` is asked whether its repository may go on: rate limits are not
    /// for strangers who merely name somebody's repository.
    pub async fn exchange(
        &self,
        jwt: &str,
        admit: impl FnOnce(&str) -> bool,
    ) -> Result<Minted, ExchangeError> {
        let token = UnverifiedToken::parse(jwt)?;
        let (slug, verified, keys_fetched) = match self.verify(&token, false).await {
            // Perhaps the provider was registered, or changed, within this second.
            Err(error) if depends_on_settings(&error) => self.verify(&token, true).await?,
            verified => verified?,
        };
        // A name may be taken at several providers, or again at one.
        if !admit(&format!("{slug}/{}", verified.workflow.repository_id)) {
            return Err(ExchangeError::TooMany);
        }
        let candidates = self.candidates(&slug, &verified, false).await?;
        // A denial on candidates that may be a second old is no word yet, and is not recorded.
        match self
            .decide(jwt, &slug, &verified, keys_fetched, candidates, false)
            .await
        {
            Err(ExchangeError::Denied(turned)) if turned.denial.code != Code::TokenSpent => {
                if may_be_stale(turned.denial.code) {
                    self.reread().await?;
                }
                let candidates = self.candidates(&slug, &verified, true).await?;
                self.decide(jwt, &slug, &verified, keys_fetched, candidates, true)
                    .await
            }
            decided => decided,
        }
    }

    /// The provider's word about the token: pure once the provider and its keys are at hand.
    async fn verify(
        &self,
        token: &UnverifiedToken,
        reread: bool,
    ) -> Result<(Slug, VerifiedToken, Timestamp), ExchangeError> {
        let known = if reread {
            self.reread().await?
        } else {
            self.known().await?
        };
        let (slug, provider) = known
            .by_issuer
            .get(token.issuer())
            .ok_or(ExchangeError::UnknownIssuer)?;
        let now = self.clock.now();
        let registered = provider
            .live(now)
            .map_err(|denial| ExchangeError::Denied(Box::new(denial.into())))?;
        let max_age = known.rules.provider_keys_max_age_seconds;
        let keys = self
            .keys
            .keys_for(slug, registered, token.kid(), now, max_age)
            .await?;
        let windows = Windows {
            leeway_seconds: known.rules.leeway_seconds,
            token_lifetime_max_seconds: known.rules.token_lifetime_max_seconds,
        };
        let verified = verify(token, registered, &keys, now, &windows)?;
        if !provider.keys.contains_key(&verified.key_thumbprint) {
            self.observe_keys(slug, &keys).await?;
        }
        Ok((slug.clone(), verified, keys.fetched_at()))
    }

    /// The gems that have a publisher of this repository, by name or by id.
    async fn candidates(
        &self,
        slug: &Slug,
        token: &VerifiedToken,
        reread: bool,
    ) -> Result<Vec<FoldedName>, StoreError> {
        let workflow = &token.workflow;
        let key = (
            slug.clone(),
            workflow.repository.clone(),
            workflow.repository_id.clone(),
        );
        let now = self.clock.elapsed();
        match self.providers.candidates(&key, now) {
            Some(gems) if !reread => return Ok(gems),
            _ => {}
        }
        let gems = views::publishers::candidates(&self.reader, slug, workflow).await?;
        if !gems.is_empty() {
            self.providers.keep(key, gems.clone(), now);
        }
        Ok(gems)
    }

    async fn decide(
        &self,
        jwt: &str,
        slug: &Slug,
        token: &VerifiedToken,
        keys_fetched: Timestamp,
        gems: Vec<FoldedName>,
        record_denial: bool,
    ) -> Result<Minted, ExchangeError> {
        let secret = Secret::fresh();
        let facts = Facts {
            provider: slug.clone(),
            token: token.id,
            audience: token.audience.clone(),
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            provider_key: token.key_thumbprint,
            keys_fetched,
            workflow: token.workflow.clone(),
            api_key: ApiKeyId::new(world::fresh_id(self.clock.now())),
            key_digest: secret.digest(),
        };
        let stream = facts.token_stream();
        let sealed = vault::seal(&self.subjects.fresh(&stream), &stream, jwt, None)?;
        let mut request = self.request(
            Actor::Workflow(slug.clone(), token.workflow.repository_id.clone()),
            Via::Http,
        );
        request.vault.push(sealed.row);
        let commitment = Text::parse(JWT).map(|name| (name, sealed.commitment));
        let commitments: Sealed = commitment.into_iter().collect();
        let (reads, counts) = (reads(&facts, &gems), Arc::clone(&self.denials));
        let outcome = self
            .writer
            .append(reads, move |desk| {
                let Some(states) = states(desk, &facts, &gems) else {
                    return Verdict::answer(Err(Code::NotFound.into()));
                };
                match exchange::decide(&states, &facts, commitments, desk.now) {
                    Ok(drafts) => Verdict {
                        group: Some(request.group(drafts)),
                        answer: Ok(()),
                    },
                    Err(turned) if !record_denial => Verdict::answer(Err(turned)),
                    Err(turned) => {
                        let record = recorded(desk, &states, &turned, &facts, &counts);
                        let group = record.map(|draft| {
                            request.vault.clear();
                            request.group(vec![draft])
                        });
                        Verdict {
                            group,
                            answer: Err(turned),
                        }
                    }
                }
            })
            .await?;
        outcome
            .answer
            .clone()
            .map_err(|turned| ExchangeError::Denied(Box::new(turned)))?;
        let expires = outcome
            .appended
            .iter()
            .find_map(|recorded| minted_until(&recorded.event.body));
        Ok(Minted {
            name: format!(
                "{} {}",
                token.workflow.repository,
                token.issued_at.to_seconds_text()
            ),
            expires: expires.unwrap_or_default(),
            index: outcome.indexes().start,
            secret,
        })
    }
}

/// When the key dies that this event issues.
fn minted_until(body: &events::Body) -> Option<Timestamp> {
    if let events::Body::ApiKeyIssued(issued) = body {
        issued.expires
    } else {
        None
    }
}

/// Whether a token failed against settings of its provider, which may have changed since they were read.
fn depends_on_settings(error: &ExchangeError) -> bool {
    match error {
        ExchangeError::UnknownIssuer => true,
        ExchangeError::Denied(turned) => turned.denial.code == Code::ProviderDisabled,
        ExchangeError::Token(error) => matches!(
            error,
            TokenError::AlgorithmNotAllowed { .. }
                | TokenError::WrongAudience { .. }
                | TokenError::AudienceElsewhere { .. }
                | TokenError::RequiredClaim { .. }
        ),
        ExchangeError::Malformed(_)
        | ExchangeError::Keys(_)
        | ExchangeError::TooMany
        | ExchangeError::Append(_)
        | ExchangeError::Store(_)
        | ExchangeError::Command(_) => false,
    }
}

fn reads(facts: &Facts, gems: &[FoldedName]) -> Vec<Read> {
    let mut reads = vec![
        Read::of::<Ledger>(StreamName::log()),
        Read::of::<Provider>(StreamName::provider(&facts.provider)),
        Read::of::<Token>(facts.token_stream()),
        Read::of::<deciders::api_key::ApiKey>(StreamName::api_key(facts.api_key)),
    ];
    for gem in gems {
        reads.push(Read::of::<Policy>(StreamName::policy(gem)));
        reads.push(Read::of::<Denied>(StreamName::denied(gem)));
    }
    reads
}

fn states<'a>(desk: &'a Desk<'_>, facts: &Facts, gems: &'a [FoldedName]) -> Option<States<'a>> {
    let policies = gems
        .iter()
        .filter_map(|gem| Some((gem, desk.state::<Policy>(&StreamName::policy(gem))?)));
    Some(States {
        ledger: desk.state(&StreamName::log())?,
        provider: desk.state(&StreamName::provider(&facts.provider))?,
        token: desk.state(&facts.token_stream())?,
        policies: policies.collect(),
    })
}

/// The record of a denial, if one is due, with how often it came.
fn recorded(
    desk: &Desk<'_>,
    states: &States<'_>,
    turned: &Turned,
    facts: &Facts,
    counts: &DenialCounts,
) -> Option<events::event::Draft> {
    let (gem, publisher) = turned.recordable.clone()?;
    let count = counts.count(&gem, publisher, turned.denial.code);
    let denied = desk.state::<Denied>(&StreamName::denied(&gem))?;
    let record = exchange::record(turned, facts, states.ledger, denied, count, desk.now)?;
    counts.recorded(&gem, publisher, turned.denial.code);
    Some(record)
}
