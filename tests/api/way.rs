//! The way of a release from its repository to the log: what is proven by a certificate, and what is only stated.
use std::process::Command;

use events::trust_root::Requires;
use serde_json::{Value, json};

use super::{
    app::{TestApp, job},
    attested::{SIGSTORE, certified, provenance, signed, stamped, stated, trusting},
    given::good,
};
use crate::support::program::{program, run};

pub(super) async fn record(app: &TestApp) -> Value {
    let path = "/api/v1/gems/rake/versions/1.0.0/provenance";
    app.get(path).await.is(200).json()
}

/// What `gemledger provenance` draws of a release, its lines joined again.
pub(super) fn drawing(app: &TestApp, gem: &str) -> String {
    let mut command: Command = program();
    command.args(["provenance", gem, "1.0.0", "--data"]);
    command.arg(&app.app.folder.data);
    let drawn = run(&command).ok().out;
    drawn.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How a statement of the record is known.
pub(super) fn stated_as<'a>(record: &'a Value, subject: &str) -> &'a Value {
    let mut statements = record["statements"].as_array().unwrap().iter();
    &statements.find(|said| said["subject"] == subject).unwrap()["known"]
}

/// Every link with how it is known.
pub(super) fn known(record: &Value) -> Vec<(&str, &str)> {
    let links = record["links"].as_array().unwrap().iter();
    links
        .map(|link| {
            (
                link["link"].as_str().unwrap(),
                link["known"].as_str().unwrap(),
            )
        })
        .collect()
}

pub(super) fn link<'a>(record: &'a Value, name: &str) -> &'a Value {
    let mut links = record["links"].as_array().unwrap().iter();
    links.find(|link| link["link"] == name).unwrap()
}

/// The names of all fields, with those of the first element of a list.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        Value::Array(list) => list.first().map(shape).into_iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Value::Null,
    }
}

/// Holds `docs/formats/provenance.md` to an attestation as it is.
fn is_documented(attestation: &Value) {
    let page = include_str!("../../docs/formats/provenance.md");
    let (_, section) = page.split_once("## Attestations\n\n```json\n").unwrap();
    let (example, _) = section.split_once("\n```").unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    let fields = |value: &Value| {
        let mut value = shape(value);
        // The address is that of a public log's entry.
        value["log_entry"]["url"] = Value::Null;
        value
    };
    assert_eq!(fields(attestation), fields(&example));
}

const REGISTRY: [(&str, &str); 4] = [
    ("identity_token", "stated_by_registry"),
    ("api_key", "stated_by_registry"),
    ("policy", "proven"),
    ("log_index", "proven"),
];

#[actix_web::test]
async fn an_attested_release_is_proven_to_come_from_its_run() {
    let app = trusting().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let key = app.key_of(&job("acme/rake")).await;
    app.attest(&key, &gem, &[signed(&gem, &claims)])
        .await
        .is(200);
    let record = record(&app).await;
    let source = [
        "repository",
        "commit",
        "workflow",
        "run",
        "certificate",
        "log_entry",
    ];
    let expected: Vec<_> = source
        .map(|name| (name, "proven"))
        .into_iter()
        .chain(REGISTRY)
        .collect();
    assert_eq!(known(&record), expected);
    let repository = link(&record, "repository");
    assert_eq!(repository["value"], "https://github.com/acme/rake");
    assert_eq!(repository["url"], "https://github.com/acme/rake");
    assert_eq!(repository["attestation"], 0);
    let how = repository["how"].as_str().unwrap();
    for words in [
        "the trust root own (version 0, log index",
        "entry ",
        "transparency log",
    ] {
        assert!(how.contains(words), "{how}");
    }
    let run = link(&record, "run")["value"].as_str().unwrap();
    assert_eq!(
        run,
        "https://github.com/acme/rake/actions/runs/9876543210 (attempt 1)"
    );
    // A private instance's log is not on the public search page.
    assert_eq!(link(&record, "log_entry")["url"], Value::Null);
    let attestation = &record["attestations"][0];
    is_documented(attestation);
    assert_eq!(attestation["type"], "release.attested");
    assert_eq!(attestation["class"], "public log");
    assert_eq!(attestation["root"]["name"], "own");
    assert_eq!(
        attestation["root"]["url"],
        "https://gems.example.com/api/v1/trust_roots/own/0.json"
    );
    assert_eq!(
        record["evidence"]["attestations"],
        "https://gems.example.com/api/v1/attestations/rake-1.0.0.json"
    );
    assert_eq!(stated_as(&record, "attestation"), "proven");
    // That it is the run that pushed, the sealed token says; what it put into the file, nobody.
    assert_eq!(stated_as(&record, "same_run"), "stated_by_registry");
    assert_eq!(stated_as(&record, "build"), "not_known");
    for name in ["repository", "certificate", "log_entry"] {
        assert_eq!(link(&record, name)["weaker"], Value::Null, "{name}");
    }
    let drawn = drawing(&app, "rake");
    for words in [
        "● commit proven │ 5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567",
        "● build certificate proven │ sha256:",
        "● transparency log entry proven │ entry ",
        "◐ identity token stated by this registry ┆ https://token.actions",
        "never that it is safe",
    ] {
        assert!(drawn.contains(words), "{words}: {drawn}");
    }
    for word in ["safe", "secure", "trustworthy"] {
        assert!(!record["links"].to_string().contains(word), "{word}");
    }
    app.finish().await;
}

#[actix_web::test]
async fn a_release_without_a_bundle_is_stated_and_one_of_a_person_is_not_known() {
    let app = trusting().await;
    let key = app.key_of(&job("acme/rake")).await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let record = record(&app).await;
    let expected: Vec<_> = ["repository", "commit", "workflow", "run"]
        .map(|name| (name, "stated_by_registry"))
        .into_iter()
        .chain([("certificate", "not_known"), ("log_entry", "not_known")])
        .chain(REGISTRY)
        .collect();
    assert_eq!(known(&record), expected);
    assert_eq!(record["attestations"], json!([]));
    let key = app.push_key("alice").await;
    app.push(&key, good("tools", "1")).await.is(200);
    let path = "/api/v1/gems/tools/versions/1/provenance";
    let record = app.get(path).await.is(200).json();
    let source = [
        "repository",
        "commit",
        "workflow",
        "run",
        "certificate",
        "log_entry",
        "identity_token",
    ];
    for name in source {
        assert_eq!(link(&record, name)["known"], "not_known", "{name}");
        assert_eq!(link(&record, name)["value"], Value::Null, "{name}");
    }
    app.finish().await;
}

#[actix_web::test]
async fn several_bundles_are_each_shown_and_the_weaker_class_as_such() {
    let app = trusting().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let bundles = [
        stated(&provenance("rake-1.0.0.gem", &gem, &claims), &claims),
        signed(&gem, &claims),
    ];
    let key = app.key_of(&job("acme/rake")).await;
    app.attest(&key, &gem, &bundles).await.is(200);
    let both = record(&app).await;
    let names: Vec<_> = known(&both).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names[4..8],
        ["certificate", "log_entry", "certificate", "log_entry"]
    );
    let page = app.get("/gems/rake/versions/1.0.0").await.is(200);
    for words in [
        "bundle 1 of 2",
        "bundle 2 of 2",
        "Transparency log entry",
        "stated by this registry",
    ] {
        assert!(page.text().contains(words), "{words}");
    }
    app.finish().await;

    let app = trusting().await;
    let weaker = Requires {
        log: false,
        sct: false,
        timestamp: true,
    };
    app.trusts("own", &SIGSTORE, weaker).await;
    let key = app.key_of(&job("acme/rake")).await;
    app.attest(&key, &gem, &[stamped(&gem, &claims)])
        .await
        .is(200);
    let stamped = record(&app).await;
    assert_eq!(stamped["attestations"][0]["class"], "timestamp");
    assert_eq!(link(&stamped, "timestamp")["known"], "proven");
    assert!(
        link(&stamped, "timestamp")["how"]
            .as_str()
            .unwrap()
            .contains("weaker")
    );
    for name in [
        "repository",
        "commit",
        "workflow",
        "run",
        "certificate",
        "timestamp",
    ] {
        let link = link(&stamped, name);
        assert_eq!(link["known"], "proven", "{name}");
        assert_eq!(link["weaker"], "no_log", "{name}");
        assert!(link["how"].as_str().unwrap().contains("weaker"), "{name}");
    }
    // That no log has it, nobody here knows: none was asked for.
    assert!(
        !stamped.to_string().contains("no transparency log has"),
        "{stamped}"
    );
    let page = app.get("/gems/rake/versions/1.0.0").await.is(200);
    assert_eq!(page.text().matches("weaker: no log").count(), 6 + 1 + 9);
    assert!(drawing(&app, "rake").contains("● commit proven, weaker: in no log"));
    app.finish().await;
}

#[actix_web::test]
async fn the_word_on_an_attested_release_names_its_bundles_and_a_retired_root_is_told() {
    let app = trusting().await;
    app.introduce().await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let bundles = [
        stated(&provenance("rake-1.0.0.gem", &gem, &claims), &claims),
        signed(&gem, &claims),
    ];
    let key = app.key_of(&job("acme/rake")).await;
    app.attest(&key, &gem, &bundles).await.is(200);
    let said = super::vsa::statement(&app.vsa("1.0.0").await);
    let digests: Vec<_> = bundles
        .iter()
        .map(|bundle| json!(events::digest::Digest::of(bundle.as_bytes()).hex()))
        .collect();
    let inputs = said["predicate"]["inputAttestations"].as_array().unwrap();
    let named: Vec<_> = inputs
        .iter()
        .map(|input| input["digest"]["sha256"].clone())
        .collect();
    assert_eq!(named, digests);
    assert_eq!(
        said["predicate"]["verifiedLevels"],
        json!([
            "SLSA_BUILD_LEVEL_2",
            "GEMLEDGER_TRUSTED_PUBLISHING",
            "GEMLEDGER_ATTESTED_SAME_RUN"
        ])
    );
    let root = events::text::Slug::parse("own").unwrap();
    app.app.retire_trust_root(root).await.unwrap();
    let record = record(&app).await;
    assert_eq!(record["since"][0]["type"], "trust_root.retired");
    let page = app.get("/gems/rake/versions/1.0.0").await.is(200);
    assert!(
        page.text()
            .contains("The trust root that verified its attestation was retired.")
    );
    assert!(
        record["evidence"]["vsa"]
            .as_str()
            .unwrap()
            .ends_with("/gems/rake/versions/1.0.0/vsa")
    );
    app.finish().await;
}
