//! The events behind a release, as the record shows them: each with what it says of the release.
use events::{
    claims::ProviderKind,
    digest::Digest,
    id::{AccountId, ApiKeyId, PublisherId},
    policy::Publisher,
    provider::PublicJwk,
    text::{Slug, Text},
    time::Timestamp,
};
use serde::Serialize;

use super::record::Entry;

/// The events behind a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// `release.pushed`
    pub release: Entry,
    /// The key that pushed it.
    pub api_key: Option<ApiKeyStep>,
    /// The exchange that minted the key.
    pub exchange: Option<ExchangeStep>,
    /// The last event of the gem's policy that the decision stands on.
    pub policy: Option<Entry>,
    /// The trusted publisher that matched.
    pub publisher: Option<PublisherStep>,
    /// The key that signed the identity token.
    pub provider_key: Option<ProviderKeyStep>,
    /// The identity provider.
    pub provider: Option<ProviderStep>,
}

/// `api_key.issued`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiKeyStep {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// The key's id.
    pub id: ApiKeyId,
    /// The account that holds it, by an opaque id; absent for a key of a CI job.
    pub account: Option<AccountId>,
    /// When it dies.
    pub expires: Option<Timestamp>,
}

/// `token.exchanged`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExchangeStep {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// `aud` of the token.
    pub audience: Text,
    /// `iat` of the token.
    pub issued_at: Timestamp,
    /// The commitment to the raw token, which is sealed.
    pub sealed_token: Option<Digest>,
}

/// `publisher.added`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublisherStep {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// The publisher's id within the gem.
    pub id: PublisherId,
    /// `pending_publisher.added`, if it waited for the gem's first push: whoever added that one added it.
    pub pending: Option<Entry>,
    /// `publisher.pinned`, if its ids came with a push.
    pub pinned: Option<Entry>,
    /// What it asks of a job, as it was added.
    pub asks: Publisher,
}

impl PublisherStep {
    /// The event in which somebody decided to trust this publisher.
    pub fn decided(&self) -> &Entry {
        self.pending.as_ref().unwrap_or(&self.entry)
    }

    /// What it trusts, in words.
    pub fn trusts(&self) -> String {
        let asks = &self.asks;
        match &asks.workflow_repository {
            Some(elsewhere) => format!(
                "{} of {elsewhere}, called by {}",
                asks.workflow, asks.repository
            ),
            None => format!("{} of {}", asks.workflow, asks.repository),
        }
    }
}

/// `provider.keys_observed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderKeyStep {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// RFC 7638 thumbprint of the key.
    pub thumbprint: Digest,
    /// The name that tokens call it by.
    pub kid: Text,
    /// The public key.
    pub jwk: PublicJwk,
}

/// `provider.registered`, whose settings were in force at the exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProviderStep {
    /// The event.
    #[serde(flatten)]
    pub entry: Entry,
    /// The provider's name here.
    pub slug: Slug,
    /// Which dialect it speaks.
    pub kind: ProviderKind,
    /// `iss` of its tokens.
    pub issuer: Text,
    /// Where its keys are fetched.
    pub jwks_uri: Text,
}
