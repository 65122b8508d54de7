//! Sealed evidence: the identity token behind a release, opened for whoever may see it, and checked once more.
//!
//! That it was opened is recorded before it is shown. If we crash between the two, the log says more than happened, which
//! is the safe side. What cannot be opened is not recorded.
use deciders::{
    Code, Denial, Ledger,
    account::Account,
    evidence::{self, Asked, Evidence as State, Opening, States},
    gem::Gem,
    policy::Policy,
};
use events::{
    Body, Recorded,
    digest::Digest,
    id::{AccountId, Actor, Via},
    name::FoldedName,
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
    token::Exchanged,
};
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{App, CommandError, unread};
use crate::{
    oidc::{VerifiedToken, Windows, again::verify_again},
    store::{StoreError, states::Read, writer::Verdict},
    views::{
        self,
        evidence::{Provider, Sealed},
    },
};

/// A token that was opened.
pub struct Opened {
    /// The log index that says so.
    pub index: u64,
    /// The token itself.
    pub token: Zeroizing<String>,
    /// What was checked.
    pub report: Report,
}

/// What a token is evidence of.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The log index of the exchange.
    pub exchange: u64,
    /// The stream of the token.
    pub stream: StreamName,
    /// When it was exchanged.
    pub exchanged: Timestamp,
    /// Its provider, by its name here.
    pub provider: Option<Slug>,
    /// Its provider's issuer, as it was registered then.
    pub issuer: Option<Text>,
    /// The key that signed it, as the log recorded it.
    pub key: Option<Key>,
    /// What was checked, and how.
    pub checks: Vec<Check>,
    /// Every claim of the token.
    pub claims: Map<String, Value>,
}

/// A provider's key.
#[derive(Clone, Debug, Serialize)]
pub struct Key {
    /// RFC 7638 thumbprint.
    pub thumbprint: Digest,
    /// The name that tokens call it by.
    pub kid: Text,
    /// The log index that recorded it.
    pub recorded: u64,
    /// When it was found to be untrustworthy: from then on its signature proves little.
    pub distrusted: Option<Timestamp>,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was checked: `sealed`, `log`, `key`, `signature`, `claims`.
    pub name: &'static str,
    /// Whether it holds; absent if that cannot be told.
    pub holds: Option<bool>,
    /// How, in a sentence.
    pub how: String,
}

impl Report {
    /// Whether everything holds; `None` if something cannot be told and nothing is wrong.
    pub fn holds(&self) -> Option<bool> {
        if self.checks.iter().any(|check| check.holds == Some(false)) {
            return Some(false);
        }
        let told = self.checks.iter().all(|check| check.holds.is_some());
        told.then_some(true)
    }

    fn check(&mut self, name: &'static str, holds: Option<bool>, how: impl Into<String>) {
        self.checks.push(Check {
            name,
            holds,
            how: how.into(),
        });
    }
}

/// Why a token is not shown.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// There is no such event.
    #[error("the log has no event {0}")]
    NoEvent(u64),
    /// The event is neither an exchange nor a release.
    #[error("log index {0} is {1}: name an exchange or a release")]
    NotExchange(u64, &'static str),
    /// A person's key pushed the release.
    #[error("a person's key pushed this release: there is no identity token behind it")]
    NoToken,
    /// There is no such release.
    #[error("this version could not be found")]
    NoRelease,
    /// Its key was destroyed.
    #[error("the token was erased, as log index {0} says: nobody can open it any more")]
    Erased(u64),
    /// Its key is not here.
    #[error(
        "the key that opens the token is not here, and the log does not say that it was erased"
    )]
    NoKey,
    /// The vault has no value that fits.
    #[error("the vault holds no value that the key opens and the log commits to")]
    Missing,
    /// It was not allowed, or could not be recorded.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Opens the token behind this exchange or release for the operator.
    pub async fn evidence(&self, index: u64) -> Result<Opened, EvidenceError> {
        let found = views::evidence::at(self, index).await?;
        let found = found.ok_or(EvidenceError::NoEvent(index))?;
        let exchange = if let Body::ReleasePushed(pushed) = &found.event.body {
            let behind = views::evidence::behind(self, pushed).await?;
            behind.ok_or(EvidenceError::NoToken)?
        } else {
            found
        };
        self.opened(&exchange, None).await
    }

    /// Opens the token behind a release of this gem for one of its owners.
    pub async fn evidence_for(
        &self,
        gem: FoldedName,
        release: &Recorded,
        owner: AccountId,
    ) -> Result<Opened, EvidenceError> {
        let Body::ReleasePushed(pushed) = &release.event.body else {
            return Err(EvidenceError::NoRelease);
        };
        let behind = views::evidence::behind(self, pushed).await?;
        let exchange = behind.ok_or(EvidenceError::NoToken)?;
        self.opened(&exchange, Some((gem, owner))).await
    }

    async fn opened(
        &self,
        exchange: &Recorded,
        asked: Option<(FoldedName, AccountId)>,
    ) -> Result<Opened, EvidenceError> {
        let Body::TokenExchanged(exchanged) = &exchange.event.body else {
            let name = exchange.event.body.event_type().name;
            return Err(EvidenceError::NotExchange(exchange.index, name));
        };
        let token = match views::evidence::sealed(self, exchange).await? {
            Sealed::Opened(token) => token,
            Sealed::NoKey(Some(index)) => return Err(EvidenceError::Erased(index)),
            Sealed::NoKey(None) => return Err(EvidenceError::NoKey),
            Sealed::Missing => return Err(EvidenceError::Missing),
        };
        let index = self
            .record_opened(exchange.event.stream.clone(), asked)
            .await?;
        let report = self.report(exchange, exchanged, &token).await?;
        Ok(Opened {
            index,
            token,
            report,
        })
    }

    /// Records that the token is shown, if it may be.
    async fn record_opened(
        &self,
        token: StreamName,
        asked: Option<(FoldedName, AccountId)>,
    ) -> Result<u64, CommandError> {
        let (log, stream) = (StreamName::log(), token.clone());
        let mut reads = vec![
            Read::of::<Ledger>(log.clone()),
            Read::of::<State>(token.clone()),
        ];
        if let Some((gem, owner)) = &asked {
            reads.push(Read::of::<Policy>(StreamName::policy(gem)));
            reads.push(Read::of::<Gem>(StreamName::gem(gem)));
            reads.push(Read::of::<Account>(StreamName::account(*owner)));
        }
        let request = match &asked {
            Some((_, owner)) => self.request(Actor::Account(*owner), Via::Http),
            None => self.console(),
        };
        let outcome = self
            .writer
            .append(reads, move |desk| {
                let (Some(ledger), Some(evidence)) = (desk.state(&log), desk.state(&token)) else {
                    return Verdict::answer(unread());
                };
                let asked = match &asked {
                    None => None,
                    Some((gem, owner)) => {
                        let policy = desk.state(&StreamName::policy(gem));
                        let state = desk.state(&StreamName::gem(gem));
                        let (Some(policy), Some(state)) = (policy, state) else {
                            return Verdict::answer(unread());
                        };
                        Some(Asked {
                            name: gem,
                            policy,
                            gem: state,
                            account: desk.state(&StreamName::account(*owner)),
                        })
                    }
                };
                let states = States {
                    ledger,
                    evidence,
                    asked,
                };
                let by = request.actor.clone();
                match evidence::open(&states, &token, &by, desk.now) {
                    Ok(Opening::Recorded(drafts)) => Verdict {
                        group: Some(request.group(drafts)),
                        answer: Ok(None),
                    },
                    Ok(Opening::Said(revision)) => Verdict::answer(Ok(Some(revision))),
                    Err(denial) => Verdict::answer(Err(denial)),
                }
            })
            .await?;
        let recorded = outcome.indexes().start;
        match outcome.answer? {
            None => Ok(recorded),
            Some(revision) => {
                let said = self.reader.event(&stream, revision).await?;
                let said = said.map(|recorded| recorded.index);
                said.ok_or_else(|| Denial::new(Code::NotFound).into())
            }
        }
    }

    /// Checks the token as it was checked when it was exchanged, with what the log recorded before.
    async fn report(
        &self,
        exchange: &Recorded,
        exchanged: &Exchanged,
        token: &str,
    ) -> Result<Report, StoreError> {
        let provider = views::evidence::provider(self, exchange, exchanged).await?;
        let key = provider.as_ref().and_then(|provider| {
            let (recorded, key) = provider.key.as_ref()?;
            Some(Key {
                thumbprint: key.thumbprint,
                kid: key.kid.clone(),
                recorded: *recorded,
                distrusted: provider.distrusted,
            })
        });
        let mut report = Report {
            exchange: exchange.index,
            stream: exchange.event.stream.clone(),
            exchanged: exchange.event.time,
            provider: provider.as_ref().map(|provider| provider.slug.clone()),
            issuer: provider
                .as_ref()
                .map(|provider| provider.registered.issuer.clone()),
            key,
            checks: Vec::new(),
            claims: Map::new(),
        };
        let how = "the token, with its nonce, has the digest that the exchange commits to";
        report.check("sealed", Some(true), how);
        let covered = views::provenance::receipt(self, exchange.index).await?;
        let how = match covered {
            Some(_) => "the exchange stands in the log under its newest signed checkpoint",
            None => "no signed checkpoint covers the exchange yet",
        };
        report.check("log", covered.is_some().then_some(true), how);
        match &provider {
            Some(provider) => signature(&mut report, provider, exchange, exchanged, token),
            None => report.check("key", None, "the log does not have the token's provider"),
        }
        Ok(report)
    }
}

/// Key, signature and claims.
fn signature(
    report: &mut Report,
    provider: &Provider,
    exchange: &Recorded,
    exchanged: &Exchanged,
    token: &str,
) {
    let Some((recorded, key)) = &provider.key else {
        let how = "the log has no such key of this provider before the exchange";
        return report.check("key", Some(false), how);
    };
    let how = match provider.distrusted {
        None => format!("log index {recorded} recorded it, before the exchange"),
        Some(time) => format!(
            "log index {recorded} recorded it, before the exchange; it was distrusted at {time}, so that others may have signed with it too"
        ),
    };
    report.check("key", Some(true), how);
    let windows = Windows {
        leeway_seconds: provider.rules.leeway_seconds,
        token_lifetime_max_seconds: provider.rules.token_lifetime_max_seconds,
    };
    let at = exchange.event.time;
    let again = match verify_again(token, &provider.registered, key, at, &windows) {
        Ok(again) => again,
        Err(error) => return report.check("signature", Some(false), error.to_string()),
    };
    report.claims = again.claims;
    match again.verified {
        Ok(verified) => {
            let how = format!(
                "the key made it, and issuer, audience, times and required claims held at {at}"
            );
            report.check("signature", Some(true), how);
            claims(report, &verified, exchange, exchanged);
        }
        Err(error) => report.check("signature", Some(false), error.to_string()),
    }
}

/// What the event says, against what the token says.
fn claims(
    report: &mut Report,
    verified: &VerifiedToken,
    exchange: &Recorded,
    exchanged: &Exchanged,
) {
    let parts = exchange.event.stream.token_parts();
    let (expires, id) = parts.map_or((None, None), |(_, expires, id)| (Some(expires), Some(id)));
    let same = [
        ("audience", verified.audience == exchanged.audience),
        ("iat", verified.issued_at == exchanged.issued_at),
        ("exp", Some(verified.expires_at) == expires),
        ("jti", Some(verified.id) == id),
        ("key", verified.key_thumbprint == exchanged.provider_key),
        ("job", verified.workflow == exchanged.workflow),
    ];
    let differs: Vec<&str> = same
        .iter()
        .filter_map(|(name, same)| (!same).then_some(*name))
        .collect();
    let how = if differs.is_empty() {
        "what the exchange recorded is what the token says".to_owned()
    } else {
        format!(
            "the exchange recorded something else: {}",
            differs.join(", ")
        )
    };
    report.check("claims", Some(differs.is_empty()), how);
}
