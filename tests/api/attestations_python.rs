//! End to end with an outside signer and verifier: sigstore-python signs a gem and its provenance, the registry takes both
//! and serves them, and what it serves verifies there again.
use std::{path::Path, process::Command, sync::Arc};

use gemledger::{
    demo::{
        issuer::GithubJob,
        sigstore::{
            Claims, LogVersion, PrivateSigstore,
            serve::{AUDIENCE, start},
            slsa,
        },
    },
    sigstore::SLSA_PROVENANCE_V1,
    world::Clock,
};
use serde_json::{Value, value::RawValue};
use tempfile::TempDir;

use super::{
    app::{Setup, TestApp, job},
    attested::{FORGE, LOGGED},
    given::{GITHUB, good},
};
use crate::support::program::{Ran, run};

const FILE: &str = "rake-1.0.0.gem";

/// A registry, a private Sigstore that it trusts, and a folder of the job with a gem in it. Clients read the machine's
/// clock, so everything happens now.
struct Lab {
    app: TestApp,
    folder: TempDir,
    gem: Vec<u8>,
    sigstore: Arc<PrivateSigstore>,
    url: String,
}

impl Lab {
    async fn start() -> Self {
        let now = Clock::system().now();
        let sigstore = Arc::new(PrivateSigstore::new(now.minus_seconds(3600)).unwrap());
        let serving = start(
            Arc::clone(&sigstore),
            GITHUB.clone(),
            FORGE,
            Clock::system(),
        );
        let (url, server) = serving.unwrap();
        tokio::spawn(server);
        let app = TestApp::with(Setup {
            now: now.minus_seconds(1),
            ..Setup::default()
        })
        .await;
        let kind = events::claims::ProviderKind::Github;
        app.provider("github", kind, &GITHUB).await;
        app.publisher("rake", "acme/rake").await;
        app.trusts("own", &sigstore, LOGGED).await;
        let (folder, gem) = (tempfile::tempdir().unwrap(), good("rake", "1.0.0"));
        std::fs::write(folder.path().join(FILE), &gem).unwrap();
        Self {
            app,
            folder,
            gem,
            sigstore,
            url,
        }
    }

    /// The registry's clock says what the machine's does.
    fn catch_up(&self) {
        let behind = Clock::system().now().seconds() - self.app.clock.now().seconds();
        self.app.pass(behind);
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn claims(job: &GithubJob) -> Value {
        let now = Clock::system().now();
        let mut claims = GITHUB.github_claims(job, AUDIENCE, now, "signs");
        // The library asks for tokens that are valid already; the forge dates them back.
        claims["nbf"] = now.minus_seconds(300).seconds().into();
        claims
    }

    async fn python(&self, arguments: &[&str]) -> Ran {
        let config = self.sigstore.trust_config(&self.url, LogVersion::V1, false);
        let file = self.path("trust_config.json");
        std::fs::write(&file, config.to_string()).unwrap();
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/venv/bin/python");
        assert!(python.exists(), "run `make test`, which installs it");
        let mut command = Command::new(python);
        command
            .args(["-m", "sigstore", "--trust-config", &file])
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("NO_PROXY", "127.0.0.1")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        tokio::task::spawn_blocking(move || run(&command))
            .await
            .unwrap()
    }

    /// What sigstore-python writes when this job signs the gem, or attests its provenance.
    async fn made(&self, job: &GithubJob, how: &str) -> String {
        let claims = Self::claims(job);
        let token = GITHUB.sign(&claims).unwrap();
        let (bundle, gem) = (self.path(&format!("{how}.json")), self.path(FILE));
        let predicate = self.path("predicate.json");
        let mut asked = vec![
            how,
            "--overwrite",
            "--identity-token",
            &token,
            "--bundle",
            &bundle,
        ];
        if how == "attest" {
            let said = slsa(&Claims::github(&claims, FORGE));
            std::fs::write(&predicate, said.to_string()).unwrap();
            asked.extend(["--predicate", &predicate]);
            asked.extend(["--predicate-type", SLSA_PROVENANCE_V1]);
        }
        asked.push(&gem);
        self.python(&asked).await.ok();
        std::fs::read_to_string(bundle).unwrap()
    }

    async fn verifies(&self, bundle: &str, identity: &str) -> Ran {
        let file = self.path("served.json");
        std::fs::write(&file, bundle).unwrap();
        let gem = self.path(FILE);
        let mut asked = vec!["verify", "identity", "--offline", "--bundle", &file];
        asked.extend(["--cert-identity", identity]);
        asked.extend(["--cert-oidc-issuer", GITHUB.url(), &gem]);
        self.python(&asked).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sigstore_python_signs_is_accepted_and_what_is_served_verifies_there_again() {
    let lab = Lab::start().await;
    let job = job("acme/rake");
    let made = [lab.made(&job, "sign").await, lab.made(&job, "attest").await];
    lab.catch_up();
    let key = lab.app.key_of(&job).await;
    let pushed = lab.app.attest(&key, &lab.gem, &made).await.is(200);
    assert_eq!(pushed.json()["attestations"].as_array().unwrap().len(), 2);
    let served = lab.app.get("/api/v1/attestations/rake-1.0.0.json").await;
    let served: Vec<&RawValue> = serde_json::from_slice(&served.body).unwrap();
    let claims = Lab::claims(&job);
    let identity = format!("{FORGE}/{}", claims["job_workflow_ref"].as_str().unwrap());
    for (bundle, made) in served.into_iter().zip(&made) {
        assert_eq!(bundle.get(), made.trim());
        lab.verifies(bundle.get(), &identity).await.ok();
    }
    let other = identity.replace("acme", "mallory");
    let ran = lab.verifies(&made[0], &other).await;
    assert_ne!(ran.code, 0, "{}", ran.out);
    lab.app.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_sigstore_python_signs_in_another_run_is_refused() {
    let lab = Lab::start().await;
    let own = || job("acme/rake");
    let others = [
        (GithubJob { run_id: 1, ..own() }, "attestation_run_mismatch"),
        (
            GithubJob {
                commit: "0000000000000000000000000000000000000000".into(),
                ..own()
            },
            "attestation_commit_mismatch",
        ),
        (
            GithubJob {
                repository: "mallory/rake".into(),
                ..own()
            },
            "attestation_repository_mismatch",
        ),
    ];
    let key = lab.app.key_of(&own()).await;
    let before = lab.app.traces().await;
    for (job, code) in others {
        let bundle = lab.made(&job, "sign").await;
        lab.catch_up();
        lab.app
            .attest(&key, &lab.gem, &[bundle])
            .await
            .refuses(422, code, "");
        lab.app.left_nothing(before).await;
    }
    lab.app.finish().await;
}
