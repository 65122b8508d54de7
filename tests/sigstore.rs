//! Sigstore bundles: what is accepted, what is refused, and what an outside signer and verifier makes of the same.
use events::{digest::Digest, provider::Algorithm, time::Timestamp};
use gemledger::{
    demo::{
        gem,
        issuer::{GithubJob, StandInIssuer},
        sigstore::{Claims, Content, PrivateSigstore},
    },
    sigstore::{Artifact, Requires, Root, Uploaded, Verified, VerifyError, verify},
};
use serde_json::Value;

mod accepted;
mod flips;
mod leaves;
mod predicates;
pub(crate) mod python;
mod readers;
mod real;
mod refused;
mod roots;
mod statements;
mod uploads;

/// The issuer of GitHub's tokens.
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// What GitHub's repositories are below.
const FORGE: &str = "https://github.com";

/// The gem that is signed.
const FILE: &str = "hola-1.0.0.gem";

/// A private Sigstore, a gem, and a job that signs it.
struct Given {
    claims: Claims,
    gem: Vec<u8>,
    sigstore: PrivateSigstore,
}

impl Given {
    fn new() -> Self {
        let mut job = GithubJob::release("octo-org/hola", "release.yml", "v1.0.0");
        job.environment = Some("release".into());
        let issuer = StandInIssuer::unserved(ISSUER, Algorithm::ES256).unwrap();
        let token = issuer.github_claims(&job, "sigstore", signed_at(), "1");
        Self {
            claims: Claims::github(&token, FORGE),
            gem: gem::build("hola", "1.0.0", "Says hello", b"puts 'hola'\n"),
            sigstore: PrivateSigstore::new(signed_at().minus_seconds(3600)).unwrap(),
        }
    }

    fn content(&self) -> Content<'_> {
        Content::File(&self.gem)
    }

    fn digest(&self) -> Digest {
        Digest::of(&self.gem)
    }

    fn artifact(&self) -> Artifact<'_> {
        Artifact {
            digest: self.digest(),
            file_name: FILE,
        }
    }

    fn root(&self, requires: Requires) -> Root {
        root(&self.sigstore.trusted_root(), requires)
    }

    /// Whether a bundle holds, under a root that requires what the public-good instance gives.
    fn verify(&self, bundle: &[u8]) -> Result<Verified, VerifyError> {
        self.verify_under(&self.root(Requires::LOGGED), bundle)
    }

    fn verify_under(&self, root: &Root, bundle: &[u8]) -> Result<Verified, VerifyError> {
        let upload = Uploaded::read(bundle).unwrap();
        verify(root, &upload, &self.artifact(), ISSUER, now())
    }
}

fn root(json: &Value, requires: Requires) -> Root {
    Root::read(json.to_string().as_bytes(), requires).unwrap()
}

/// When everything is signed: long ago, for the verifying crate reads the system's clock.
fn signed_at() -> Timestamp {
    Timestamp::parse("2024-06-01T12:00:00.000Z").unwrap()
}

fn now() -> Timestamp {
    signed_at().plus_seconds(3600)
}

fn parsed(bundle: &[u8]) -> Value {
    serde_json::from_slice(bundle).unwrap()
}

fn bytes(bundle: &Value) -> Vec<u8> {
    bundle.to_string().into_bytes()
}
