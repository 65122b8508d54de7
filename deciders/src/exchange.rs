//! The exchange: an identity token, verified, becomes a key that lives for minutes.
//!
//! It proves identity. Which gems the key may push is decided again by each push, on the policy of that moment.
use alloc::{vec, vec::Vec};
use events::{
    Body,
    api_key::{self, Holder, Scope},
    claims::{ProviderKind, Workflow},
    denied::ExchangeDenied,
    digest::Digest,
    event::{Draft, Sealed},
    id::{ApiKeyId, PublisherId},
    log::Rules,
    name::FoldedName,
    provider::Registered,
    stream::{EventRef, StreamName},
    text::{Slug, Text},
    time::Timestamp,
    token::{Exchanged, MAX_MATCHES, Match},
};

use crate::{
    Code, Denial, Ledger,
    denied::Denied,
    ledger::Rulebook,
    matching::{Job, Mismatch, match_policy},
    policy::Policy,
    provider::Provider,
    token::Token,
};

/// What was found out about a verified token, and the key that it would buy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whose token.
    pub provider: Slug,
    /// What identifies the token: the digest of its `jti`, or of what was signed.
    pub token: Digest,
    /// `aud`.
    pub audience: Text,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// Thumbprint of the key that signed it.
    pub provider_key: Digest,
    /// When the provider's keys were last fetched.
    pub keys_fetched: Timestamp,
    /// What the provider stated about the job.
    pub workflow: Workflow,
    /// A fresh id for the key.
    pub api_key: ApiKeyId,
    /// SHA-256 of the key.
    pub key_digest: Digest,
}

impl Facts {
    /// The stream that this token spends.
    pub fn token_stream(&self) -> StreamName {
        StreamName::token(&self.provider, self.expires_at, &self.token)
    }

    /// The identity that the token proves.
    pub fn identity(&self) -> Identity<'_> {
        Identity {
            provider: &self.provider,
            audience: &self.audience,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            provider_key: &self.provider_key,
            keys_fetched: self.keys_fetched,
            workflow: &self.workflow,
        }
    }
}

/// What a judgement reads of the facts. An auditor reads the same from the event, without a copy.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Whose token.
    pub provider: &'a Slug,
    /// `aud`.
    pub audience: &'a Text,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// Thumbprint of the key that signed it.
    pub provider_key: &'a Digest,
    /// When the provider's keys were last fetched.
    pub keys_fetched: Timestamp,
    /// What the provider stated about the job.
    pub workflow: &'a Workflow,
}

/// The states that an exchange is judged on.
#[derive(Clone, Debug)]
pub struct States<'a> {
    /// `log`
    pub ledger: &'a Ledger,
    /// `provider/<slug>`
    pub provider: &'a Provider,
    /// `token/…`
    pub token: &'a Token,
    /// `policy/<gem>` of every gem that may have a matching publisher, in the order of their names.
    pub policies: Vec<(&'a FoldedName, &'a Policy)>,
}

/// A denial, and the publisher's record of it if it is worth keeping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Why.
    pub denial: Denial,
    /// The gem and publisher that came closest, if the job is from that publisher's own repository.
    pub recordable: Option<(FoldedName, PublisherId)>,
}

impl From<Denial> for Turned {
    fn from(denial: Denial) -> Self {
        Self {
            denial,
            recordable: None,
        }
    }
}

impl From<Code> for Turned {
    fn from(code: Code) -> Self {
        Denial::new(code).into()
    }
}

/// Decides an exchange: the events that it leads to, or why not.
pub fn decide(
    states: &States<'_>,
    facts: &Facts,
    sealed: Sealed,
    now: Timestamp,
) -> Result<Vec<Draft>, Turned> {
    let rulebook = states.ledger.rulebook()?;
    let matches = judge(&rulebook, states, &facts.identity(), now)?;
    let stream = facts.token_stream();
    let exchanged = Exchanged {
        api_key: facts.api_key,
        audience: facts.audience.clone(),
        issued_at: facts.issued_at,
        keys_fetched: facts.keys_fetched,
        matches,
        provider_key: facts.provider_key,
        workflow: facts.workflow.clone(),
    };
    let issued = minted(&rulebook, &stream, facts.key_digest, now);
    Ok(vec![
        Draft {
            body: Body::TokenExchanged(exchanged),
            sealed,
            stream,
        },
        Draft::new(
            StreamName::api_key(facts.api_key),
            Body::ApiKeyIssued(issued),
        ),
    ])
}

/// The key that the token in this stream buys.
pub fn minted(
    rulebook: &Rulebook,
    token: &StreamName,
    digest: Digest,
    now: Timestamp,
) -> api_key::Issued {
    api_key::Issued {
        digest,
        expires: Some(now.plus_seconds(rulebook.rules.key_lifetime_seconds)),
        gem: None,
        holder: Holder::Exchange(EventRef {
            revision: 0,
            stream: token.clone(),
        }),
        scopes: vec![Scope::PushRubygem],
    }
}

/// Judges an exchange: the publishers that the token matches, at least one.
pub fn judge(
    rulebook: &Rulebook,
    states: &States<'_>,
    facts: &Identity<'_>,
    now: Timestamp,
) -> Result<Vec<Match>, Turned> {
    let rules = rulebook.known()?;
    let provider = states.provider.live(now)?;
    states.provider.trusted_key(facts.provider_key)?;
    if *facts.audience != provider.audience {
        let denial = Denial::new(Code::AudienceMismatch);
        return Err(denial
            .expected(provider.audience.as_str())
            .found(facts.audience.as_str())
            .into());
    }
    windows(rules, facts, now)?;
    if states.token.exchanged.is_some() {
        return Err(Code::TokenSpent.into());
    }
    if states.ledger.is_public() && !provider.private_repositories {
        public_repository(provider, facts.workflow)?;
    }
    let job = Job {
        slug: facts.provider,
        provider,
        workflow: facts.workflow,
    };
    let (mut matches, mut closest) = (Vec::new(), None::<(FoldedName, Mismatch)>);
    for (gem, policy) in &states.policies {
        match match_policy(&job, &policy.at(now), rules.provisional_seconds, now) {
            Ok(publisher) if matches.len() < MAX_MATCHES => {
                let revision = policy.next_revision().saturating_sub(1);
                let policy = EventRef {
                    revision,
                    stream: StreamName::policy(gem),
                };
                matches.push(Match {
                    gem: (*gem).clone(),
                    policy,
                    publisher,
                });
            }
            Ok(_) => {}
            Err(mismatch) => {
                if closest
                    .as_ref()
                    .is_none_or(|(_, best)| mismatch.passed > best.passed)
                {
                    closest = Some(((*gem).clone(), mismatch));
                }
            }
        }
    }
    if matches.is_empty() {
        Err(turned(closest))
    } else {
        Ok(matches)
    }
}

/// What is not said to be public is not shown to the public. Providers of the generic kind have no word for it.
pub(crate) fn public_repository(provider: &Registered, workflow: &Workflow) -> Result<(), Denial> {
    match (&workflow.visibility, provider.kind) {
        (Some(visibility), _) if visibility.as_str() == "public" => Ok(()),
        (None, ProviderKind::Generic) => Ok(()),
        (visibility, _) => {
            let found = visibility.as_ref().map_or("(absent)", Text::as_str);
            Err(Denial::new(Code::PrivateRepository)
                .expected("public")
                .found(found))
        }
    }
}

pub(crate) fn windows(rules: &Rules, facts: &Identity<'_>, now: Timestamp) -> Result<(), Denial> {
    let leeway = rules.leeway_seconds;
    // Whole seconds, as the stream's name records them.
    let expires_at = Timestamp::from_seconds(facts.expires_at.seconds());
    if now >= expires_at.plus_seconds(leeway) {
        return Err(Code::TokenExpired.into());
    }
    if facts.issued_at > now.plus_seconds(leeway) {
        return Err(Code::TokenNotYetValid.into());
    }
    if expires_at
        > facts
            .issued_at
            .plus_seconds(rules.token_lifetime_max_seconds)
    {
        return Err(Code::TokenTooLong.into());
    }
    if now
        > facts
            .keys_fetched
            .plus_seconds(rules.provider_keys_max_age_seconds)
    {
        return Err(Code::ProviderKeysStale.into());
    }
    Ok(())
}

/// The answer of the closest publisher. A publisher of another repository altogether explains nothing.
fn turned(closest: Option<(FoldedName, Mismatch)>) -> Turned {
    let Some((gem, mismatch)) = closest else {
        return Code::NoPublisher.into();
    };
    if mismatch.denial.code == Code::RepositoryMismatch {
        return Code::NoPublisher.into();
    }
    let publisher = mismatch
        .publisher
        .filter(|_| is_recordable(&mismatch.denial));
    Turned {
        recordable: publisher.map(|publisher| (gem.clone(), publisher)),
        denial: Denial {
            gem: Some(gem),
            ..mismatch.denial
        },
    }
}

/// Recorded are denials of a publisher's own repository (ids), and the taking of its name by another: then ids are all
/// that is written. Whoever merely bears the name of a publisher without ids may be anybody, and writes nothing.
fn is_recordable(denial: &Denial) -> bool {
    denial.tell
        || matches!(
            denial.code,
            Code::RepositoryIdMismatch | Code::OwnerIdMismatch
        )
}

/// The record of a denial, if one is due: at most one for each publisher and code in the time that the rules set.
pub fn record(
    turned: &Turned,
    facts: &Facts,
    ledger: &Ledger,
    denied: &Denied,
    count: u64,
    now: Timestamp,
) -> Option<Draft> {
    let (gem, publisher) = turned.recordable.clone()?;
    let code = Text::parse(turned.denial.code.as_str()).ok()?;
    let interval = ledger.rulebook.as_ref()?.rules.denial_interval_seconds;
    if !denied.is_due(publisher, &code, now, interval) {
        return None;
    }
    let body = Body::ExchangeDenied(ExchangeDenied {
        code,
        count,
        expected: turned.denial.expected_text(),
        found: turned.denial.found_text(),
        provider: facts.provider.clone(),
        publisher,
        repository_id: facts.workflow.repository_id.clone(),
        run_id: facts.workflow.run_id.clone(),
    });
    Some(Draft::new(StreamName::denied(&gem), body))
}
