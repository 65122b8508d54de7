//! The registry's own word on a release: what is served, by which key, and what libraries of others make of it.
use std::{fs, path::Path, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use events::{
    Body,
    digest::Digest,
    id::{Actor, Via},
};
use gemledger::store::statement_keys;
use serde_json::{Value, json};

use super::{
    app::{TestApp, job},
    attested::{certified, provenance, signed, stated, trusting},
    given::{for_platform, good, rake},
};
use crate::support::program::{Ran, run};

impl TestApp {
    /// What a server does before it lets anything in.
    pub(super) async fn introduce(&self) {
        let request = self.app.request(Actor::Operator, Via::Server);
        self.app.introduce_statement_key(request).await.unwrap();
    }

    async fn rotate(&self) {
        let request = self.app.console();
        self.app.rotate_statement_key(request).await.unwrap();
    }

    pub(super) async fn vsa(&self, release: &str) -> Value {
        let path = format!("/api/v1/gems/rake/versions/{release}/vsa");
        let answer = self.get(&path).await.is(200);
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/vnd.dsse.envelope.v1+json"));
        answer.json()
    }
}

fn keyid(envelope: &Value) -> &str {
    envelope["signatures"][0]["keyid"].as_str().unwrap()
}

pub(super) fn statement(envelope: &Value) -> Value {
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap());
    serde_json::from_slice(&payload.unwrap()).unwrap()
}

/// What libraries of others read of the word on `rake` and its file, in a folder that a test may spoil.
struct Outside {
    files: Vec<std::path::PathBuf>,
    folder: tempfile::TempDir,
}

impl Outside {
    async fn of(app: &TestApp, version: &str, gem: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bundles = format!("/api/v1/attestations/rake-{version}.json");
        let envelope = app.vsa(version).await;
        let files = [
            ("vsa.json", envelope.to_string().into_bytes()),
            (
                "keys.json",
                app.get("/log/statement-keys").await.is(200).body,
            ),
            (
                "events.jsonl",
                app.get("/api/v1/ledger/events").await.is(200).body,
            ),
            ("rake.gem", gem.to_vec()),
            ("bundles.json", app.get(&bundles).await.is(200).body),
        ];
        let files = files.map(|(name, bytes)| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        });
        let files = files.into();
        Self { files, folder }
    }

    fn read(&self) -> Ran {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut python = Command::new(root.join(".cache/venv/bin/python"));
        python
            .arg(root.join("tests/api/vsa.py"))
            .args(&self.files)
            .current_dir(self.folder.path());
        run(&python)
    }

    /// Put in place of one of the files.
    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }
}

#[tokio::test]
async fn libraries_of_others_verify_the_word_and_recompute_it_from_the_log() {
    let app = rake().await;
    app.introduce().await;
    let gem = good("rake", "1.0");
    app.push(&app.job_key("acme/rake").await, gem.clone())
        .await
        .is(200);
    let outside = Outside::of(&app, "1.0", &gem).await;
    let said: Value = serde_json::from_str(&outside.read().ok().out).unwrap();
    let envelope = app.vsa("1.0").await;
    assert_eq!(said, statement(&envelope));
    let predicate = &said["predicate"];
    assert_eq!(
        predicate["resourceUri"],
        "pkg:gem/rake@1.0?repository_url=gems.example.com"
    );
    assert_eq!(predicate["verificationResult"], "PASSED");
    // One letter of the payload, or another signature, and nobody believes it.
    let mut forged = envelope.clone();
    let text = said.to_string().replace("PASSED", "FAILED");
    forged["payload"] = json!(STANDARD.encode(text));
    outside.put("vsa.json", forged.to_string().as_bytes());
    outside.read().ends(1, "VerificationError");
    app.finish().await;
}

#[tokio::test]
async fn libraries_of_others_find_every_bundle_of_an_attested_release_in_its_word() {
    let app = trusting().await;
    app.introduce().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let bundles = [
        signed(&gem, &claims),
        stated(&provenance("rake-1.0.0.gem", &gem, &claims), &claims),
    ];
    let key = app.key_of(&job("acme/rake")).await;
    app.attest(&key, &gem, &bundles).await.is(200);
    let outside = Outside::of(&app, "1.0.0", &gem).await;
    let said: Value = serde_json::from_str(&outside.read().ok().out).unwrap();
    let inputs = said["predicate"]["inputAttestations"].as_array().unwrap();
    assert_eq!(inputs.len(), 2);
    // Another bundle than the word names, and one too few.
    let [first, second] = &bundles;
    outside.put("bundles.json", format!("[{first} ,{second}]").as_bytes());
    outside.read().ok();
    outside.put(
        "bundles.json",
        format!("[{first},{}]", second.replace(':', ": ")).as_bytes(),
    );
    outside.read().ends(1, "other bundles");
    outside.put("bundles.json", format!("[{first}]").as_bytes());
    outside.read().ends(1, "other bundles");
    app.finish().await;
}

#[tokio::test]
async fn each_release_has_the_word_of_the_key_of_its_time_and_old_keys_sign_it_again() {
    let app = rake().await;
    let person = app.push_key("alice").await;
    app.push(&person, good("tools", "0.9")).await.is(200);
    app.introduce().await;
    app.push(&app.job_key("acme/rake").await, good("rake", "1.0"))
        .await
        .is(200);
    let first = app.vsa("1.0").await;
    app.rotate().await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, for_platform("rake", "2.0", "x86_64-linux"))
        .await
        .is(200);
    let second = app.vsa("2.0-x86_64-linux").await;
    assert_ne!(keyid(&first), keyid(&second));
    assert_eq!(app.vsa("1.0").await, first);
    let keys = app.get("/log/statement-keys").await.is(200).json();
    let listed: Vec<&str> = keys
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["keyid"].as_str().unwrap())
        .collect();
    assert_eq!(listed, [keyid(&first), keyid(&second)]);
    assert!(
        keys[0]["pem"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN PUBLIC KEY-----\n")
    );
    // What was released before the first key has no word, and a version that is not there has none either.
    let answer = app.get("/api/v1/gems/tools/versions/0.9/vsa").await;
    assert_eq!(answer.is(404).json()["code"], "no_statement");
    for unknown in ["rake/versions/3.0", "rake/versions/x", "none/versions/1.0"] {
        let answer = app.get(&format!("/api/v1/gems/{unknown}/vsa")).await;
        assert_eq!(answer.is(404).json()["code"], "not_found");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_introduced_when_none_of_the_log_is_here_and_only_then() {
    let app = rake().await;
    let size = app.traces().await.events;
    app.introduce().await;
    app.introduce().await;
    assert_eq!(app.since(size).await, ["statement_key.introduced"]);
    let keys = &app.app.folder.keys;
    let introduced = statement_keys::StatementKey::all(keys).unwrap();
    let [first] = introduced[..] else {
        panic!("{introduced:?}")
    };
    app.push(&app.job_key("acme/rake").await, good("rake", "1.0"))
        .await
        .is(200);
    let before = app.vsa("1.0").await;
    // Its file is lost: another key is introduced, and nobody signs for the first until it is back.
    let (place, aside) = (statement_keys::path(keys, &first), keys.join("aside"));
    fs::rename(&place, &aside).unwrap();
    app.introduce().await;
    let answer = app.get("/api/v1/gems/rake/versions/1.0/vsa").await.is(503);
    assert_eq!(answer.json()["code"], "statement_key_missing");
    assert!(!String::from_utf8_lossy(&answer.body).contains("keys/"));
    fs::rename(&aside, &place).unwrap();
    assert_eq!(app.vsa("1.0").await, before);
    // A key that was made and not introduced, because we crashed in between, is the next one. Half a file is none.
    let made = statement_keys::StatementKey::create(keys).unwrap();
    fs::write(
        statement_keys::path(keys, &Digest::of(b"half")),
        "-----BEGIN",
    )
    .unwrap();
    app.rotate().await;
    let last = app.last().await;
    assert_eq!(last["data"]["jwk"], json!(made.jwk()));
    app.finish().await;
}

#[tokio::test]
async fn a_release_whose_word_does_not_follow_from_the_log_is_not_spoken_for() {
    let app = rake().await;
    app.introduce().await;
    app.push(&app.job_key("acme/rake").await, good("rake", "1.0"))
        .await
        .is(200);
    let events = app.app.reader.events(0, 1000).await.unwrap();
    let release = events
        .iter()
        .find(|recorded| matches!(recorded.event.body, Body::ReleasePushed(_)));
    let index = release.unwrap().index;
    let written = gemledger::views::statement::written(&app.app.reader, index).await;
    assert!(written.is_ok());
    let other = gemledger::views::statement::written(&app.app.reader, index - 1).await;
    assert!(other.is_err());
    let beyond = gemledger::views::statement::written(&app.app.reader, 1000).await;
    assert!(beyond.is_err());
    app.finish().await;
}

#[tokio::test]
async fn readers_of_a_private_ledger_alone_hear_its_word() {
    let app = TestApp::private().await;
    app.introduce().await;
    let key = app.push_key("alice").await;
    app.push(&key, good("rake", "1.0")).await.is(200);
    for path in ["/api/v1/gems/rake/versions/1.0/vsa", "/log/statement-keys"] {
        app.get(path).await.is(401);
    }
    app.finish().await;
}
