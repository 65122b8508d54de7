//! The transparency record: what it holds, and that it claims no more than it can.
use events::{name::FoldedName, platform::Platform, version::GemVersion};
use gemledger::views::provenance;
use serde_json::{Value, json};
use tlog::Receipt;

use super::fixture::{COMMIT, Ledger};
use crate::support::package::Package;

async fn record(ledger: &Ledger, gem: &str, number: &str) -> Value {
    let gem = FoldedName::parse(gem).unwrap();
    let number = GemVersion::parse(number).unwrap();
    let record = provenance::of(&ledger.app, &gem, &number, &Platform::ruby()).await;
    serde_json::to_value(record.unwrap().unwrap()).unwrap()
}

fn known(record: &Value) -> Vec<(&str, &str)> {
    let statements = record["statements"].as_array().unwrap();
    statements
        .iter()
        .map(|statement| {
            (
                statement["subject"].as_str().unwrap(),
                statement["known"].as_str().unwrap(),
            )
        })
        .collect()
}

#[actix_web::test]
async fn a_trusted_push_is_followed_to_the_providers_key() {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger.trust("rake", "ruby/rake", None).await;
    let package = Package::new("rake", "13.2.1");
    let job = Ledger::job("ruby/rake", "13.2.1");
    let pushed = ledger.release(&job, &package).await;
    let record = record(&ledger, "rake", "13.2.1").await;

    let release = pushed.index.unwrap();
    assert_eq!(record["record_version"], 1);
    assert_eq!(record["file"], "rake-13.2.1.gem");
    assert_eq!(record["size"], package.bytes().len());
    let chain = &record["chain"];
    let place = |step: &str| {
        let step = &chain[step];
        (
            step["type"].as_str().unwrap(),
            step["log_index"].as_u64().unwrap(),
        )
    };
    assert_eq!(place("release"), ("release.pushed", release));
    let walked = [
        "api_key",
        "exchange",
        "publisher",
        "provider_key",
        "provider",
    ]
    .map(place);
    let types = walked.map(|(event_type, _)| event_type);
    assert_eq!(
        types,
        [
            "api_key.issued",
            "token.exchanged",
            "publisher.added",
            "provider.keys_observed",
            "provider.registered"
        ]
    );
    assert!(walked.iter().all(|(_, index)| *index < release));
    assert_eq!(chain["publisher"]["pending"]["actor"], "operator");
    assert_eq!(
        chain["publisher"]["pinned"]["actor"],
        "workflow:github/1420893"
    );
    assert_eq!(chain["policy"]["type"], "publisher.pinned");
    assert!(
        chain["exchange"]["sealed_token"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    assert_eq!(chain["provider_key"]["jwk"]["kty"], "EC");
    assert_eq!(record["since"], json!([]));
}

#[actix_web::test]
async fn a_trusted_push_has_a_source_that_the_registry_states() {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger.trust("rake", "ruby/rake", Some(1_420_893)).await;
    let job = Ledger::job("ruby/rake", "1.0");
    ledger.release(&job, &Package::new("rake", "1.0")).await;
    let record = record(&ledger, "rake", "1.0").await;
    let source = &record["source"];
    for (field, value) in [
        ("known", "stated_by_registry"),
        ("repository", "ruby/rake"),
        ("repository_id", "1420893"),
        ("owner_id", "210414"),
        ("commit", COMMIT),
        ("ref", "refs/tags/v1.0"),
        ("run_id", "9876543210"),
        ("run_attempt", "1"),
        ("trigger", "push"),
        ("runner", "github-hosted"),
        ("environment", "release"),
        (
            "workflow_ref",
            "ruby/rake/.github/workflows/release.yml@refs/tags/v1.0",
        ),
    ] {
        assert_eq!(source[field], value, "{field}");
    }
    assert_eq!(source["urls"]["repository"], "https://github.com/ruby/rake");
    assert_eq!(
        known(&record),
        [
            ("file", "proven"),
            ("origin", "stated_by_registry"),
            ("provider_key", "stated_by_registry"),
            ("policy", "proven"),
            ("api_key", "stated_by_registry"),
            ("time", "stated_by_registry"),
            ("build", "not_known"),
        ]
    );
}

#[actix_web::test]
async fn a_push_with_an_accounts_key_has_no_source() {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger
        .push_as_person("alice", &Package::new("tools", "0.1"))
        .await;
    let record = record(&ledger, "tools", "0.1").await;
    assert_eq!(record["source"], Value::Null);
    assert_eq!(
        known(&record),
        [
            ("file", "proven"),
            ("api_key", "stated_by_registry"),
            ("time", "stated_by_registry"),
            ("origin", "not_known"),
        ]
    );
    let chain = &record["chain"];
    let account = chain["api_key"]["account"].as_str().unwrap();
    assert_eq!(chain["release"]["actor"], format!("account:{account}"));
    assert_eq!(chain["exchange"], Value::Null);
    assert!(
        !record.to_string().contains("alice"),
        "a handle never leaves the vault"
    );
}

#[actix_web::test]
async fn what_happened_to_the_key_and_the_provider_since_is_told() {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger.trust("rake", "ruby/rake", Some(1_420_893)).await;
    let job = Ledger::job("ruby/rake", "1.0");
    ledger.release(&job, &Package::new("rake", "1.0")).await;
    let github = super::fixture::github();
    let kid = super::fixture::text("stand-in-1");
    ledger.app.distrust_key(github.clone(), kid).await.unwrap();
    ledger.app.disable_provider(github).await.unwrap();
    let record = record(&ledger, "rake", "1.0").await;
    let since = record["since"].as_array().unwrap();
    let types: Vec<&str> = since
        .iter()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["provider.key_distrusted", "provider.disabled"]);
    let page = ledger.page("/gems/rake/versions/1.0").await;
    assert!(page.contains("The key that signed the identity token was distrusted."));
}

#[actix_web::test]
async fn the_receipt_verifies_with_the_key_alone_and_carries_the_release() {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger
        .push_as_person("alice", &Package::new("tools", "0.1"))
        .await;
    let record = record(&ledger, "tools", "0.1").await;
    let receipt = Receipt::parse(record["receipt"].as_str().unwrap().as_bytes()).unwrap();
    let key = tlog::VerifierKey::parse(record["log"]["vkey"].as_str().unwrap()).unwrap();
    let checkpoint = receipt.verify(receipt.extra(), &key).unwrap();
    assert_eq!(checkpoint.size(), record["log"]["size"].as_u64().unwrap());
    let leaf: Value = serde_json::from_slice(receipt.extra()).unwrap();
    assert_eq!(leaf["data"]["digest"], record["digest"]);
}

#[actix_web::test]
async fn there_is_no_receipt_beyond_the_anchor() {
    let ledger = Ledger::at("https://gems.example.com").await;
    let size = provenance::covered(&ledger.app).unwrap();
    let receipt = |index| provenance::receipt(&ledger.app, index);
    assert!(receipt(size - 1).await.unwrap().is_some());
    assert!(receipt(size).await.unwrap().is_none());
    assert!(receipt(u64::MAX).await.unwrap().is_none());
}

#[actix_web::test]
async fn what_was_never_released_has_no_record() {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger
        .push_as_person("alice", &Package::new("tools", "1.0"))
        .await;
    for (gem, number) in [("tools", "1.0.0"), ("tools", "2"), ("other", "1.0")] {
        let gem = FoldedName::parse(gem).unwrap();
        let number = GemVersion::parse(number).unwrap();
        let found = provenance::of(&ledger.app, &gem, &number, &Platform::ruby()).await;
        assert_eq!(found.unwrap(), None);
    }
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

#[actix_web::test]
async fn the_documented_record_has_the_fields_of_a_real_one() {
    let ledger = Ledger::at("https://gems.example.com").await;
    ledger.trust("rake", "ruby/rake", None).await;
    let job = Ledger::job("ruby/rake", "13.2.1");
    ledger.release(&job, &Package::new("rake", "13.2.1")).await;
    let github = super::fixture::github();
    ledger.app.disable_provider(github).await.unwrap();
    let page = include_str!("../../docs/formats/provenance.md");
    let (_, rest) = page.split_once("```json\n").unwrap();
    let (example, _) = rest.split_once("\n```").unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    let real = record(&ledger, "rake", "13.2.1").await;
    assert_eq!(shape(&real), shape(&example));
}
