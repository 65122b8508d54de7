//! What the tests of this room start from: one provider, one audience, one moment.
use std::{
    collections::BTreeMap,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use events::{
    claims::ProviderKind,
    provider::{Algorithm, Registered},
    text::{Slug, Text},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{
    KeySet, TokenError, UnverifiedToken, VerifiedToken, Windows,
    address::Address,
    fetch::{Fetch, FetchError, Fetching},
    token::verify,
};
use crate::demo::issuer::{GithubJob, StandInIssuer};

pub(super) const AUDIENCE: &str = "gems.example.com";
pub(super) const URL: &str = "https://issuer.example";
pub(super) const DAY: u64 = 86_400;
pub(super) const WINDOWS: Windows = Windows {
    leeway_seconds: 30,
    token_lifetime_max_seconds: 3600,
};

/// 2026-11-23T02:30:00Z.
pub(super) fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_401_000)
}

/// Making an RSA key takes longer than all tests that use it.
pub(super) static ISSUER: LazyLock<StandInIssuer> = LazyLock::new(|| issuer(Algorithm::RS256));

pub(super) fn issuer(algorithm: Algorithm) -> StandInIssuer {
    StandInIssuer::unserved(URL, algorithm).unwrap()
}

pub(super) fn slug() -> Slug {
    Slug::parse("forge").unwrap()
}

pub(super) fn provider(kind: ProviderKind, algorithms: &[Algorithm]) -> Registered {
    Registered {
        algorithms: algorithms.to_vec(),
        audience: Text::parse(AUDIENCE).unwrap(),
        effective: None,
        issuer: Text::parse(URL).unwrap(),
        jwks_uri: Text::parse("https://issuer.example/.well-known/jwks").unwrap(),
        kind,
        loopback: false,
        mapping: None,
        private_repositories: false,
        required: BTreeMap::new(),
    }
}

pub(super) fn github() -> Registered {
    provider(ProviderKind::Github, &[Algorithm::RS256])
}

pub(super) fn keys(issuer: &StandInIssuer, allowed: &[Algorithm]) -> KeySet {
    KeySet::parse(issuer.jwks().to_string().as_bytes(), allowed, now()).unwrap()
}

pub(super) fn release() -> Value {
    let job = GithubJob::release("acme/rake", "release.yml", "v13.2.1");
    ISSUER.github_claims(&job, AUDIENCE, now(), "4ae1c0e7")
}

/// The claims of [`release`] with some replaced, or taken away by `null`.
pub(super) fn release_with(changes: Value) -> Value {
    changed(release(), changes)
}

pub(super) fn changed(mut claims: Value, changes: Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    let Value::Object(changes) = changes else {
        panic!("changes are an object")
    };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    claims
}

pub(super) fn judged(token: &str, provider: &Registered) -> Result<VerifiedToken, TokenError> {
    let keys = keys(&ISSUER, &provider.algorithms);
    verify(
        &UnverifiedToken::parse(token).unwrap(),
        provider,
        &keys,
        now(),
        &WINDOWS,
    )
}

/// What comes of claims that the provider itself signed.
pub(super) fn signed(claims: &Value, provider: &Registered) -> Result<VerifiedToken, TokenError> {
    judged(&ISSUER.sign(claims).unwrap(), provider)
}

/// A token put together from its parts.
pub(super) fn assembled(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.{}",
        part(header),
        part(claims),
        URL_SAFE_NO_PAD.encode(signature)
    )
}

/// A network that answers from memory, and counts.
pub(super) struct Canned {
    pub(super) answer: std::sync::Mutex<Result<Value, FetchError>>,
    pub(super) asked: AtomicUsize,
}

impl Canned {
    pub(super) fn with(answer: Value) -> Self {
        Self {
            answer: std::sync::Mutex::new(Ok(answer)),
            asked: AtomicUsize::new(0),
        }
    }

    pub(super) fn now_answers(&self, answer: Result<Value, FetchError>) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Fetch for Canned {
    fn get<'a>(&'a self, _: &'a Address) -> Fetching<'a> {
        Box::pin(async {
            self.asked.fetch_add(1, Ordering::SeqCst);
            // Long enough for all who ask at the same time to arrive.
            tokio::time::sleep(core::time::Duration::from_millis(20)).await;
            self.answer
                .lock()
                .unwrap()
                .clone()
                .map(|value| value.to_string().into_bytes())
        })
    }
}

pub(super) fn discovery_document() -> Value {
    json!({
        "issuer": URL,
        "jwks_uri": "https://issuer.example/.well-known/jwks",
        "id_token_signing_alg_values_supported": ["RS512", "RS256", "ES256"],
    })
}
