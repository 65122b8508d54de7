//! Settings of a provider that wait: what is judged, shown and asked meanwhile are those in force.
use deciders::provider::When;
use events::{api_key::Scope, claims::ProviderKind, id::Owner, text::Slug};
use gemledger::app::providers::{Added, NewProvider};
use serde_json::Value;

use super::{
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
