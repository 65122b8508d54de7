//! Names, keys, providers and publishers that the histories are made of.
use events::{
    claims::ProviderKind,
    digest::Digest,
    id::{AccountId, Actor, ApiKeyId, RequestId},
    log::Rules,
    name::{FoldedName, GemName},
    policy::Publisher,
    provider::{Algorithm, ClaimName, KeyPart, Mapping, ObservedKey, PublicJwk, Registered},
    text::{Slug, Text},
};

/// The moment at which every history starts.
pub(crate) const START: u64 = 1_795_402_502_000;

/// The delay that new ledgers start with.
pub(crate) const DELAY: u64 = 72 * 3600;

/// The settings that a new ledger starts with, with this loosening delay.
pub(crate) fn rules(delay: u64) -> Rules {
    Rules {
        loosening_delay_seconds: Some(delay),
        ..Rules::default()
    }
}

/// The settings of edition 1, which knows no delay.
pub(crate) fn first_rules() -> Rules {
    Rules {
        loosening_delay_seconds: None,
        ..Rules::default()
    }
}

pub(crate) fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

pub(crate) fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

pub(crate) fn gem(text: &str) -> GemName {
    GemName::parse(text).unwrap()
}

pub(crate) fn folded(text: &str) -> FoldedName {
    gem(text).folded()
}

fn uuid(kind: u8, number: u64) -> String {
    format!("01900000-0000-7000-80{kind:02x}-{number:012x}")
}

pub(crate) fn account_id(number: u64) -> AccountId {
    AccountId::parse(&uuid(1, number)).unwrap()
}

pub(crate) fn api_key_id(number: u64) -> ApiKeyId {
    ApiKeyId::parse(&uuid(2, number)).unwrap()
}

pub(crate) fn request_id(number: u64) -> RequestId {
    RequestId::parse(&uuid(3, number)).unwrap()
}

/// A key of a provider, told apart by its name.
pub(crate) fn observed_key(kid: &str) -> ObservedKey {
    key_called(kid, kid)
}

/// A key that goes by another name than its own.
pub(crate) fn key_called(kid: &str, content: &str) -> ObservedKey {
    let part = |text: &str| KeyPart::parse(text).unwrap();
    let jwk = PublicJwk {
        crv: None,
        e: Some(part("AQAB")),
        kty: part("RSA"),
        n: Some(part(&Digest::of(content.as_bytes()).hex())),
        x: None,
        y: None,
    };
    ObservedKey {
        thumbprint: jwk.thumbprint(),
        jwk,
        kid: text(kid),
    }
}

/// A key that could sign statements, told apart by its name.
pub(crate) fn statement_key(name: &str) -> PublicJwk {
    let part = |text: &str| KeyPart::parse(text).unwrap();
    let x = format!("{}A", &Digest::of(name.as_bytes()).hex()[..42]);
    PublicJwk {
        crv: Some(part("Ed25519")),
        e: None,
        kty: part("OKP"),
        n: None,
        x: Some(part(&x)),
        y: None,
    }
}

pub(crate) fn github() -> Registered {
    Registered {
        algorithms: vec![Algorithm::RS256],
        audience: text("gems.example.com"),
        effective: None,
        issuer: text("https://token.actions.githubusercontent.com"),
        jwks_uri: text("https://token.actions.githubusercontent.com/.well-known/jwks"),
        kind: ProviderKind::Github,
        loopback: false,
        mapping: None,
        private_repositories: false,
        required: [].into(),
    }
}

pub(crate) fn gitlab() -> Registered {
    Registered {
        effective: None,
        issuer: text("https://gitlab.example.com"),
        jwks_uri: text("https://gitlab.example.com/oauth/discovery/keys"),
        kind: ProviderKind::Gitlab,
        ..github()
    }
}

pub(crate) fn generic() -> Registered {
    let claim = |name: &str| ClaimName::parse(name).unwrap();
    Registered {
        effective: None,
        issuer: text("https://ci.example.com"),
        jwks_uri: text("https://ci.example.com/keys"),
        kind: ProviderKind::Generic,
        mapping: Some(Mapping {
            commit: None,
            environment: Some(claim("env")),
            owner_id: None,
            git_ref: None,
            repository: claim("project"),
            repository_id: claim("project_id"),
            run_id: None,
            workflow: claim("pipeline"),
        }),
        required: [(claim("https://ci.example.com/tier"), text("release"))].into(),
        ..github()
    }
}

/// The publisher that the default [`Job`] is.
pub(crate) fn publisher() -> Publisher {
    Publisher {
        any_ref: false,
        environment: None,
        owner_id: Some(text("210")),
        provider: slug("github"),
        repository: text("ruby/rake"),
        repository_id: Some(text("42")),
        workflow: text("release.yml"),
        workflow_repository: None,
    }
}

/// The same without ids: it waits for its first push.
pub(crate) fn provisional() -> Publisher {
    Publisher {
        owner_id: None,
        repository_id: None,
        ..publisher()
    }
}

/// The actor of the account with this number.
pub(crate) fn person(number: u64) -> Actor {
    Actor::Account(account_id(number))
}
