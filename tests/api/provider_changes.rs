//! Settings of a provider that wait: what is judged, shown and asked meanwhile are those in force.
use deciders::provider::When;
use events::{api_key::Scope, claims::ProviderKind, id::Owner, log::Rules, text::Slug};
use gemledger::app::{
    providers::{Added, NewProvider},
    rulebook::RulesChange,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    answer::answer,
    app::{Setup, TestApp, publisher},
    given::{GITHUB, good},
    publishers::SCOPES,
};

const DELAY: u64 = 72 * 3600;

fn github(audience: Option<&str>) -> NewProvider {
    NewProvider {
        slug: Slug::parse("github").unwrap(),
        kind: ProviderKind::Github,
        issuer: GITHUB.url().to_owned(),
        audience: audience.map(str::to_owned),
        private_repositories: false,
        required: [].into(),
        mapping: None,
        algorithms: None,
    }
}

async fn add(app: &TestApp, audience: Option<&str>) -> Added {
    app.app.add_provider(github(audience)).await.unwrap()
}

/// Alice's `rake` of a workflow, at a provider that is not young any more; and alice's key.
async fn rake() -> (TestApp, String) {
    let app = TestApp::with(Setup {
        loosening_delay_seconds: DELAY,
        ..Setup::default()
    })
    .await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    let alice = app.account("alice").await;
    app.trust("rake", publisher("acme/rake"), Owner::Account(alice))
        .await;
    app.pass(DELAY);
    let scopes: Vec<Scope> = SCOPES.into();
    let key = app.api_key(alice, &scopes).await;
    (app, key)
}

/// A job releases this version of `rake`; the log index of the release.
async fn release(app: &TestApp, version: &str) -> u64 {
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", version)).await.is(200);
    app.app.reader.head().await.unwrap().size - 1
}

async fn provenance(app: &TestApp, version: &str) -> Value {
    let path = format!("/api/v1/gems/rake/versions/{version}/provenance");
    app.get(&path).await.is(200).json()["chain"]["provider"].clone()
}

#[tokio::test]
async fn a_release_during_a_waiting_change_is_held_to_the_settings_in_force() {
    let (app, _) = rake().await;
    let first = release(&app, "1.0.0").await;
    app.network.moves_keys();
    let added = add(&app, Some("later.example.com")).await;
    assert!(matches!(added.when, Some(When::Later(_))), "{added:?}");
    let during = release(&app, "1.1.0").await;
    let before = provenance(&app, "1.0.0").await;
    let jwks = before["jwks_uri"].as_str().unwrap();
    assert!(jwks.ends_with("/.well-known/jwks"), "{jwks}");
    assert_eq!(provenance(&app, "1.1.0").await, before);
    for index in [first, during] {
        let opened = app.app.evidence(index).await.unwrap();
        assert_eq!(opened.report.holds(), Some(true), "{:?}", opened.report);
    }
    // Taken back before it took effect, it says nothing of the releases of that time either.
    let taken_back = app.app.disable_provider(Slug::parse("github").unwrap());
    taken_back.await.unwrap();
    let opened = app.app.evidence(during).await.unwrap();
    assert_eq!(opened.report.holds(), Some(true), "{:?}", opened.report);
    app.finish().await;
}

#[tokio::test]
async fn settings_whose_time_has_come_are_those_of_the_releases_after_it() {
    let (app, _) = rake().await;
    release(&app, "1.0.0").await;
    app.network.moves_keys();
    let declared = add(&app, None).await;
    app.pass(DELAY);
    let after = release(&app, "1.1.0").await;
    let provider = provenance(&app, "1.1.0").await;
    assert_eq!(provider["log_index"], declared.index);
    let jwks = provider["jwks_uri"].as_str().unwrap();
    assert!(jwks.ends_with(super::network::MOVED), "{jwks}");
    let opened = app.app.evidence(after).await.unwrap();
    assert_eq!(opened.report.holds(), Some(true), "{:?}", opened.report);
    app.finish().await;
}

#[tokio::test]
async fn settings_of_a_provider_that_wait_stand_on_the_page_of_each_gem_that_trusts_it() {
    let (app, key) = rake().await;
    release(&app, "1.0.0").await;
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    app.network.moves_keys();
    let added = add(&app, Some("later.example.com")).await;
    let Some(When::Later(effective)) = added.when else {
        panic!("{added:?}");
    };
    let page = app.get("/gems/rake").await.is(200);
    for text in [
        "Declared, and not yet in effect",
        "The provider github lets in what it does not now: tokens for later.example.com, keys from",
        "the operator takes it back by registering the provider as it was",
    ] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    let page = app.get("/gems/tool").await.is(200);
    assert!(!page.text().contains("later.example.com"));
    let changes = changes(&app, &key).await;
    let [change] = changes.as_array().unwrap().as_slice() else {
        panic!("{changes}");
    };
    assert_eq!(change["change"], "provider_changed");
    assert_eq!(change["provider"], "github");
    assert_eq!(change["effective"], json!(effective));
    assert_eq!(change["id"], Value::Null);
    assert!(change["take_back"].as_str().unwrap().contains("operator"));
    add(&app, None).await;
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_only_an_expired_publisher_names_is_nothing_of_the_gem() {
    let app = TestApp::with(Setup {
        loosening_delay_seconds: DELAY,
        ..Setup::default()
    })
    .await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    let alice = app.account("alice").await;
    app.trust("rake", publisher("acme/rake"), Owner::Account(alice))
        .await;
    app.pass(Rules::default().pending_seconds);
    let scopes: Vec<Scope> = SCOPES.into();
    let key = app.api_key(alice, &scopes).await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    app.network.moves_keys();
    let added = add(&app, Some("later.example.com")).await;
    assert!(matches!(added.when, Some(When::Later(_))), "{added:?}");
    assert_eq!(changes(&app, &key).await, json!([]));
    app.finish().await;
}

async fn changes(app: &TestApp, key: &str) -> Value {
    let request = app.request(Method::GET, "/api/v1/gems/rake/changes");
    let answer = answer(request.header("authorization", key)).await;
    answer.is(200).json()
}

#[tokio::test]
async fn a_lower_delay_that_waits_stands_on_every_gems_page_until_it_holds() {
    let (app, key) = rake().await;
    release(&app, "1.0.0").await;
    let to = |seconds| RulesChange {
        loosening_delay_seconds: Some(seconds),
        ..RulesChange::default()
    };
    let declared = app.clock.now();
    app.app.change_rules(to(60)).await.unwrap();
    let says = "what loosens a policy waits 60 seconds and no longer 259200";
    let found = changes(&app, &key).await;
    assert_eq!(found[0]["says"], says);
    assert_eq!(found[0]["declared"], json!(declared));
    assert_eq!(found[0]["effective"], json!(declared.plus_seconds(DELAY)));
    let page = app.get("/gems/rake").await.is(200);
    assert!(page.text().contains(&says[5..]), "{}", page.text());
    app.pass(10);
    app.app.change_rules(to(DELAY)).await.unwrap();
    assert_eq!(changes(&app, &key).await, json!([]));
    app.app.change_rules(to(60)).await.unwrap();
    app.pass(DELAY);
    assert_eq!(changes(&app, &key).await, json!([]));
    app.finish().await;
}
