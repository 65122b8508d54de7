//! What the tests about attested pushes start from: a private Sigstore that the registry trusts, jobs that sign there, and
//! the form that `gem push --attestation` sends.
use std::sync::LazyLock;

use events::{
    claims::ProviderKind, id::Via, log::Visibility, text::Slug, time::Timestamp,
    trust_root::Requires,
};
use gemledger::{
    app::{exchange::GITHUB_ISSUER, trust_roots::NewTrustRoot},
    demo::{
        issuer::GithubJob,
        sigstore::{Claims, Content, How, PrivateSigstore, slsa, statement},
    },
    sigstore::SLSA_PROVENANCE_V1,
};
use reqwest::Method;
use serde_json::Value;

use super::{
    answer::{Answer, answer},
    app::{AUDIENCE, PUSH, Setup, TestApp, job},
    given::GITHUB,
};

/// Where github.com's repositories are.
pub(super) const FORGE: &str = "https://github.com";

/// The public-good instance, as far as anybody here can tell.
pub(super) static SIGSTORE: LazyLock<PrivateSigstore> =
    LazyLock::new(|| PrivateSigstore::new(start().minus_seconds(3600)).unwrap());

/// When these histories begin: long ago, for the crate that verifies looks at the machine's clock too.
pub(super) fn start() -> Timestamp {
    Timestamp::parse("2024-06-01T12:00:00.000Z").unwrap()
}

pub(super) const LOGGED: Requires = Requires {
    log: true,
    sct: true,
    timestamp: false,
};

/// As [`rake`](super::given::rake), with a trust root for the jobs of github.com.
pub(super) async fn trusting() -> TestApp {
    trusting_with(Visibility::Public).await
}

pub(super) async fn trusting_with(visibility: Visibility) -> TestApp {
    let app = TestApp::with(Setup {
        visibility,
        now: start(),
        ..Setup::default()
    })
    .await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    app.publisher("rake", "acme/rake").await;
    app.trusts("own", &SIGSTORE, LOGGED).await;
    app
}

/// What the certificate of a job says.
pub(super) fn certified(job: &GithubJob) -> Claims {
    Claims::github(
        &GITHUB.github_claims(job, AUDIENCE, start(), "signed"),
        FORGE,
    )
}

/// A bundle over the file's bytes by the job of `acme/rake`, as `gem` and its helpers make them.
pub(super) fn signed(gem: &[u8], claims: &Claims) -> String {
    signed_at(gem, claims, start().plus_seconds(1))
}

pub(super) fn signed_at(gem: &[u8], claims: &Claims, at: Timestamp) -> String {
    let bundle = SIGSTORE.attest(claims, Content::File(gem), at).unwrap();
    String::from_utf8(bundle).unwrap()
}

/// A bundle of a statement about a file of this name.
pub(super) fn stated(text: &str, claims: &Claims) -> String {
    let at = start().plus_seconds(1);
    let bundle = SIGSTORE.attest(claims, Content::Statement(text), at);
    String::from_utf8(bundle.unwrap()).unwrap()
}

/// The statement that GitHub's action makes of this file.
pub(super) fn provenance(file: &str, gem: &[u8], claims: &Claims) -> String {
    let digest = events::digest::Digest::of(gem);
    statement(file, &digest, SLSA_PROVENANCE_V1, &slsa(claims))
}

/// A bundle whose JSON is something else at this pointer, or lacks it.
pub(super) fn with(bundle: &str, pointer: &str, value: Option<Value>) -> String {
    let mut json: Value = serde_json::from_str(bundle).unwrap();
    if let Some(value) = value {
        *json.pointer_mut(pointer).unwrap() = value;
    } else {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = json.pointer_mut(parent).unwrap();
        parent.as_object_mut().unwrap().remove(name).unwrap();
    }
    json.to_string()
}

/// A part of a form: its name, the rest of its headers, and its content.
pub(super) type Part<'a> = (&'a str, &'a str, &'a [u8]);

const BOUNDARY: &str = "----RubyFormBoundary7xKq2";
/// What stands behind the name of the part `gem`.
pub(super) const A_FILE: &str =
    "; filename=\"pkg/rake-1.0.0.gem\"\r\nContent-Type: application/octet-stream";

/// A form, byte by byte as Ruby's `net/http` writes it.
pub(super) fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, more, content) in parts {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// This instance, to vouch for the jobs of github.com.
pub(super) fn new_root(name: &str, sigstore: &PrivateSigstore, requires: Requires) -> NewTrustRoot {
    NewTrustRoot {
        slug: Slug::parse(name).unwrap(),
        json: sigstore.trusted_root().to_string().into(),
        issuers: vec![GITHUB_ISSUER.to_owned()],
        public: true,
        requires,
        repository: None,
    }
}

impl TestApp {
    /// Trusts this instance to vouch for the jobs of github.com.
    pub(super) async fn trusts(&self, name: &str, sigstore: &PrivateSigstore, requires: Requires) {
        self.trusts_for(name, sigstore, requires, GITHUB_ISSUER)
            .await;
    }

    /// Trusts this instance to vouch for the jobs of this issuer.
    pub(super) async fn trusts_for(
        &self,
        name: &str,
        sigstore: &PrivateSigstore,
        requires: Requires,
        issuer: &str,
    ) {
        let new = NewTrustRoot {
            issuers: vec![issuer.to_owned()],
            ..new_root(name, sigstore, requires)
        };
        self.app.record_trust_root(new, Via::Console).await.unwrap();
    }

    /// A key of the job that [`certified`] speaks of.
    pub(super) async fn key_of(&self, job: &GithubJob) -> String {
        self.exchange(&self.token(&GITHUB, job)).await.key()
    }

    /// Pushes a file with these bundles as `gem push --attestation` does, and asks for the answer in JSON.
    pub(super) async fn attest(&self, key: &str, gem: &[u8], bundles: &[String]) -> Answer {
        let array = format!("[{}]", bundles.join(","));
        self.send(
            key,
            form(&[("gem", A_FILE, gem), ("attestations", "", array.as_bytes())]),
        )
        .await
    }

    /// Pushes a form.
    pub(super) async fn send(&self, key: &str, form: Vec<u8>) -> Answer {
        let request = self
            .request(Method::POST, PUSH)
            .header("authorization", key)
            .header("accept", "application/json")
            .header(
                "content-type",
                format!("multipart/form-data; boundary={BOUNDARY}"),
            );
        answer(request.body(form)).await
    }

    /// Pushes `rake` 1.0.0 with this bundle, by a job that is as it should be.
    pub(super) async fn attest_rake(&self, bundle: &str) -> Answer {
        let key = self.key_of(&job("acme/rake")).await;
        let gem = super::given::good("rake", "1.0.0");
        self.attest(&key, &gem, &[bundle.to_owned()]).await
    }
}

/// Signed as GitHub does for private repositories: a timestamp, and no log at all.
pub(super) fn stamped(gem: &[u8], claims: &Claims) -> String {
    let at = start().plus_seconds(1);
    let signer = SIGSTORE.unlogged_signer(claims, at).unwrap();
    let bundle = SIGSTORE.sign(&signer, Content::File(gem), How::timestamped(at));
    String::from_utf8(bundle.unwrap()).unwrap()
}
