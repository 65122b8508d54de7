//! What the samples are made of: one repository, one workflow, one gem, one key of each type.
use events::{
    claims::{ProviderKind, Workflow},
    digest::Digest,
    gem::{IndexLine, Pushed, Source},
    id::{AccountId, ApiKeyId, PublisherId},
    name::{FoldedName, GemName},
    platform::Platform,
    policy::Publisher,
    provider::{Algorithm, ClaimName, KeyPart, Mapping, ObservedKey, PublicJwk, Registered},
    stream::{EventRef, StreamName},
    text::{Slug, Text},
    time::Timestamp,
    version::GemVersion,
};

pub(crate) fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "most claims are optional")]
pub(crate) fn some(value: &str) -> Option<Text> {
    Some(text(value))
}

pub(crate) fn github() -> Slug {
    Slug::parse("github").unwrap()
}

pub(crate) fn rake() -> GemName {
    GemName::parse("Rake").unwrap()
}

pub(crate) fn gem() -> FoldedName {
    rake().folded()
}

pub(crate) fn account() -> AccountId {
    AccountId::parse("01938a3e-5c00-7000-8000-00000000a11c").unwrap()
}

pub(crate) fn api_key() -> ApiKeyId {
    ApiKeyId::parse("01938a3e-5c00-7000-8000-0000000000ce").unwrap()
}

pub(crate) fn moment(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_795_402_502_123 + seconds * 1000)
}

pub(crate) fn token() -> StreamName {
    StreamName::token(&github(), moment(300), &Digest::of(b"jti"))
}

pub(crate) fn reference(stream: StreamName, revision: u64) -> EventRef {
    EventRef { revision, stream }
}

pub(crate) fn publisher() -> Publisher {
    Publisher {
        any_ref: false,
        environment: some("release"),
        owner_id: some("210414"),
        provider: github(),
        repository: text("ruby/rake"),
        repository_id: some("6034170"),
        workflow: text("release.yml"),
        workflow_repository: some("ruby/.github"),
    }
}

pub(crate) fn provisional() -> Publisher {
    Publisher {
        environment: None,
        owner_id: None,
        repository_id: None,
        workflow_repository: None,
        ..publisher()
    }
}

pub(crate) fn workflow() -> Workflow {
    let commit = "8f1e3c5b7d9a0b2c4d6e8f1e3c5b7d9a0b2c4d6e";
    Workflow {
        commit: some(commit),
        environment: some("release"),
        job_repository_id: some("6034170"),
        job_workflow_commit: some("0d9a0b2c4d6e8f1e3c5b7d9a0b2c4d6e8f1e3c5b"),
        job_workflow_ref: some("ruby/.github/.github/workflows/release.yml@refs/heads/main"),
        owner_id: some("210414"),
        git_ref: some("refs/tags/v13.2.1"),
        ref_protected: Some(true),
        ref_type: some("tag"),
        repository: text("ruby/rake"),
        repository_id: text("6034170"),
        run_attempt: some("1"),
        run_id: some("17000000001"),
        runner: some("github-hosted"),
        trigger: some("push"),
        visibility: some("public"),
        workflow_commit: some(commit),
        workflow_ref: some("ruby/rake/.github/workflows/push_gem.yml@refs/tags/v13.2.1"),
    }
}

pub(crate) fn key(jwk: PublicJwk, kid: &str) -> ObservedKey {
    ObservedKey {
        thumbprint: jwk.thumbprint(),
        jwk,
        kid: text(kid),
    }
}

/// One key of each type: RFC 7638's RSA example, RFC 7515's P-256 key and RFC 8037's Ed25519 key.
pub(crate) fn keys() -> Vec<ObservedKey> {
    let part = |text: &str| KeyPart::parse(text).unwrap();
    let none = |kty: &str| PublicJwk {
        crv: None,
        e: None,
        kty: part(kty),
        n: None,
        x: None,
        y: None,
    };
    let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let rsa = PublicJwk {
        e: Some(part("AQAB")),
        n: Some(part(modulus)),
        ..none("RSA")
    };
    let ec = PublicJwk {
        crv: Some(part("P-256")),
        x: Some(part("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")),
        y: Some(part("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")),
        ..none("EC")
    };
    let okp = PublicJwk {
        crv: Some(part("Ed25519")),
        x: Some(part("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")),
        ..none("OKP")
    };
    vec![key(rsa, "2011-04-29"), key(ec, "k2"), key(okp, "k3")]
}

pub(crate) fn registered() -> Registered {
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

pub(crate) fn generic() -> Registered {
    let claim = |name: &str| ClaimName::parse(name).unwrap();
    Registered {
        algorithms: vec![
            Algorithm::RS256,
            Algorithm::PS256,
            Algorithm::ES256,
            Algorithm::EdDSA,
        ],
        effective: None,
        issuer: text("http://127.0.0.1:9000"),
        jwks_uri: text("http://127.0.0.1:9000/jwks"),
        kind: ProviderKind::Generic,
        loopback: true,
        mapping: Some(Mapping {
            commit: Some(claim("sha")),
            environment: Some(claim("env")),
            owner_id: Some(claim("organization_id")),
            git_ref: Some(claim("ref")),
            repository: claim("project"),
            repository_id: claim("project_id"),
            run_id: Some(claim("build_id")),
            workflow: claim("pipeline_slug"),
        }),
        private_repositories: true,
        required: [
            (claim("https://ci.example.com/tier"), text("release")),
            (claim("Queue"), text("trusted")),
        ]
        .into(),
        ..registered()
    }
}

pub(crate) fn pushed() -> Pushed {
    let digest = Digest::of(b"rake-13.2.1.gem");
    let info = format!("13.2.1 |checksum:{},ruby:>= 2.3", digest.hex());
    Pushed {
        api_key: api_key(),
        digest,
        document: Digest::of(b"document"),
        info: IndexLine::parse(&info).unwrap(),
        name: rake(),
        number: GemVersion::parse("13.2.1").unwrap(),
        platform: Platform::ruby(),
        policy: reference(StreamName::policy(&gem()), 4),
        size: 91_648,
        source: Some(Source {
            exchange: reference(token(), 0),
            publisher: PublisherId(3),
            workflow: workflow(),
        }),
        statement: None,
    }
}
