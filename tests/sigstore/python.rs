//! The outside judge: sigstore-python signs against the private Sigstore and is verified here, and verifies what the
//! signer of the demo made.
use std::{path::Path, process::Command, sync::Arc};

use events::{digest::Digest, time::Timestamp};
use gemledger::{
    demo::{
        issuer::{GithubJob, StandInIssuer},
        sigstore::{
            Claims, Content, How, LogVersion, PrivateSigstore, Signer,
            serve::{AUDIENCE, start},
            slsa, statement,
        },
    },
    sigstore::{Artifact, Requires, Root, SLSA_PROVENANCE_V1, Verified, bundles, verify},
    world::Clock,
};
use serde_json::Value;
use tempfile::TempDir;

use super::{FILE, FORGE};
use crate::support::program::{Ran, run};

/// Runs sigstore-python in this folder, which is its home too, with services and roots where this configuration says.
pub(crate) fn sigstore_python(folder: &Path, config: &Value, arguments: &[&str]) -> Ran {
    let file = folder.join("trust_config.json");
    std::fs::write(&file, config.to_string()).unwrap();
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/venv/bin/python");
    assert!(python.exists(), "run `make test`, which installs it");
    let mut command = Command::new(python);
    command
        .args(["-m", "sigstore", "--trust-config"])
        .arg(&file)
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .env("NO_PROXY", "127.0.0.1")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    run(&command)
}

/// A private Sigstore that is asked over HTTP, and a folder with a gem in it.
struct Lab {
    folder: TempDir,
    gem: Vec<u8>,
    issuer: Arc<StandInIssuer>,
    job: GithubJob,
    sigstore: Arc<PrivateSigstore>,
    url: String,
}

impl Lab {
    /// Clients read the system's clock, so everything happens now.
    fn start() -> Self {
        let (issuer, issuing) = StandInIssuer::start().unwrap();
        tokio::spawn(issuing);
        let from = Clock::system().now().minus_seconds(60);
        let sigstore = Arc::new(PrivateSigstore::new(from).unwrap());
        let clock = Clock::system();
        let (url, serving) =
            start(Arc::clone(&sigstore), Arc::clone(&issuer), FORGE, clock).unwrap();
        tokio::spawn(serving);
        let folder = tempfile::tempdir().unwrap();
        let gem = gemledger::demo::gem::build("hola", "1.0.0", "Says hello", b"puts 'hola'\n");
        std::fs::write(folder.path().join(FILE), &gem).unwrap();
        let job = GithubJob::release("octo-org/hola", "release.yml", "v1.0.0");
        Self {
            folder,
            gem,
            issuer,
            job,
            sigstore,
            url,
        }
    }

    fn claims(&self) -> Value {
        let now = Clock::system().now();
        let mut claims = self.issuer.github_claims(&self.job, AUDIENCE, now, "1");
        // The library asks for tokens that are valid already; the forge dates them back.
        claims["nbf"] = now.minus_seconds(300).seconds().into();
        claims
    }

    fn token(&self) -> String {
        self.issuer.sign(&self.claims()).unwrap()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs sigstore-python against it.
    async fn sigstore(&self, log: LogVersion, timestamp: bool, arguments: &[&str]) -> Ran {
        let config = self.sigstore.trust_config(&self.url, log, timestamp);
        let folder = self.folder.path().to_owned();
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        let asked = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            sigstore_python(&folder, &config, &arguments)
        };
        tokio::task::spawn_blocking(asked).await.unwrap()
    }

    async fn verified_by_python(&self, bundle: &str, identity: &str) -> Ran {
        let gem = self.path(FILE);
        let issuer = self.issuer.url();
        let mut asked = vec!["verify", "identity", "--offline", "--bundle", bundle];
        asked.extend(["--cert-identity", identity, "--cert-oidc-issuer", issuer]);
        asked.push(&gem);
        self.sigstore(LogVersion::V1, false, &asked).await
    }

    /// As `gem push` sends a file's content: in an array.
    fn verify(&self, file: &[u8]) -> Verified {
        let part = [b"[", file, b"]"].concat();
        let root = self.sigstore.trusted_root().to_string();
        let root = Root::read(root.as_bytes(), Requires::LOGGED).unwrap();
        let artifact = Artifact {
            digest: Digest::of(&self.gem),
            file_name: FILE,
        };
        let uploads = bundles(&part).unwrap();
        let now = Clock::system().now();
        verify(&root, &uploads[0], &artifact, self.issuer.url(), now).unwrap()
    }
}

/// `sign` and `attest`, each in either log, with and without a timestamp: our verifier takes what theirs made.
#[tokio::test(flavor = "multi_thread")]
async fn sigstore_python_signs_a_gem_and_a_statement_and_both_verify_here() {
    let lab = Lab::start();
    let claims = Claims::github(&lab.claims(), FORGE);
    std::fs::write(lab.path("slsa.json"), slsa(&claims).to_string()).unwrap();
    let (gem, predicate) = (lab.path(FILE), lab.path("slsa.json"));
    for (log, timestamp, kinds) in [
        (LogVersion::V1, false, ["hashedrekord 0.0.1", "dsse 0.0.1"]),
        (
            LogVersion::V2,
            true,
            ["hashedrekord 0.0.2", "hashedrekord 0.0.2"],
        ),
    ] {
        for (attest, kind) in [false, true].into_iter().zip(kinds) {
            let bundle = lab.path(&format!("{log:?}-{attest}.sigstore.json"));
            let token = lab.token();
            let mut asked = vec![if attest { "attest" } else { "sign" }];
            asked.extend(["--identity-token", &token, "--bundle", &bundle]);
            if attest {
                asked.extend(["--predicate", &predicate]);
                asked.extend(["--predicate-type", SLSA_PROVENANCE_V1]);
            }
            asked.push(&gem);
            lab.sigstore(log, timestamp, &asked).await.ok();
            let verified = lab.verify(&std::fs::read(&bundle).unwrap());
            assert_eq!(
                verified.predicate_type(),
                attest.then_some(SLSA_PROVENANCE_V1)
            );
            assert_eq!(verified.checked.timestamp, timestamp);
            assert_eq!(verified.log_entry.unwrap().kind, kind);
            let commit = verified.certificate.source_repository_digest;
            assert_eq!(commit.as_deref(), Some(lab.job.commit.as_str()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_private_sigstore_certifies_nobody_without_a_good_token() {
    let lab = Lab::start();
    let stranger = StandInIssuer::unserved(lab.issuer.url(), events::provider::Algorithm::RS256);
    let forged = stranger.unwrap().sign(&lab.claims()).unwrap();
    let gem = lab.path(FILE);
    let asked = ["sign", "--identity-token", &forged, &gem];
    let ran = lab.sigstore(LogVersion::V1, false, &asked).await;
    assert_ne!(ran.code, 0, "{}", ran.err);
    assert!(!Path::new(&format!("{gem}.sigstore.json")).exists());
}

/// What the demo signs is what Sigstore signs: the independent verifier says so, and notices another gem.
#[tokio::test(flavor = "multi_thread")]
async fn sigstore_python_verifies_what_is_signed_here() {
    let lab = Lab::start();
    let claims = Claims::github(&lab.claims(), FORGE);
    let signer: Signer = lab.sigstore.signer(&claims, at()).unwrap();
    let digest = Digest::of(&lab.gem);
    let text = statement(FILE, &digest, SLSA_PROVENANCE_V1, &slsa(&claims));
    let contents = [Content::File(&lab.gem), Content::Statement(&text)];
    let both = How {
        timestamp: true,
        ..How::logged(at())
    };
    let hows = [How::logged(at()), How::logged_v2(at()), both];
    for (number, how) in hows.into_iter().enumerate() {
        let content = contents[number % 2];
        let bundle = lab.path(&format!("{number}.sigstore.json"));
        std::fs::write(&bundle, lab.sigstore.sign(&signer, content, how).unwrap()).unwrap();
        lab.verified_by_python(&bundle, claims.identity())
            .await
            .ok();
    }
    let bundle = lab.path("2.sigstore.json");
    let other = "https://github.com/octo-org/hola/.github/workflows/ci.yml@refs/heads/main";
    let ran = lab.verified_by_python(&bundle, other).await;
    assert_ne!(ran.code, 0, "another identity: {}", ran.out);
    std::fs::write(lab.path(FILE), b"another gem").unwrap();
    let ran = lab.verified_by_python(&bundle, claims.identity()).await;
    assert_ne!(ran.code, 0, "another gem: {}", ran.out);
}

fn at() -> Timestamp {
    Clock::system().now().minus_seconds(5)
}
