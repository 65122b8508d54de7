//! Providers that come and go: registered a moment ago, disabled, with keys that are new, distrusted or too old.
use std::sync::Arc;

use events::{
    claims::ProviderKind,
    provider::Algorithm,
    text::{Slug, Text},
};
use gemledger::{app::exchange::GITHUB_ISSUER, demo::issuer::StandInIssuer};

use super::{
    app::{TestApp, job},
    given::{GITHUB, good, rake},
};

fn slug() -> Slug {
    Slug::parse("github").unwrap()
}

/// A ledger whose github.com has keys of its own, which it may change.
async fn with_own_keys() -> (TestApp, Arc<StandInIssuer>) {
    let app = TestApp::public().await;
    let github = Arc::new(StandInIssuer::unserved(GITHUB_ISSUER, Algorithm::ES256).unwrap());
    app.provider("github", ProviderKind::Github, &github).await;
    app.publisher("rake", "acme/rake").await;
    (app, github)
}

#[tokio::test]
async fn a_provider_that_was_registered_a_moment_ago_works_at_once() {
    let app = TestApp::public().await;
    let before = app.traces().await;
    app.exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .refuses(401, "provider_unknown", "no identity provider");
    app.left_nothing(before).await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    app.publisher("rake", "acme/rake").await;
    app.job_key("acme/rake").await;
    app.finish().await;
}

#[tokio::test]
async fn a_disabled_provider_vouches_for_nobody_and_its_keys_are_dead() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    app.app.disable_provider(slug()).await.unwrap();
    let before = app.traces().await;
    // At once, and after whatever was kept has gone stale.
    for _ in 0..2 {
        app.exchange(&app.token(&GITHUB, &job("acme/rake")))
            .await
            .refuses(401, "provider_disabled", "was disabled");
        app.pass(2);
    }
    app.left_nothing(before).await;
    app.push(&key, good("rake", "1.0.0"))
        .await
        .says(401, "(provider_disabled)");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_was_taken_back_a_moment_ago_works_at_once() {
    let app = rake().await;
    app.app.disable_provider(slug()).await.unwrap();
    app.pass(2);
    app.exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .refuses(401, "provider_disabled", "was disabled");
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    app.job_key("acme/rake").await;
    app.finish().await;
}

#[tokio::test]
async fn a_distrusted_key_signs_nothing_and_kills_what_it_minted() {
    let (app, github) = with_own_keys().await;
    let minted = app
        .exchange(&app.token(&github, &job("acme/rake")))
        .await
        .key();
    let unused = app.token(&github, &job("acme/rake"));
    app.app
        .distrust_key(slug(), Text::parse(&github.kid()).unwrap())
        .await
        .unwrap();
    let before = app.traces().await;
    app.exchange(&unused)
        .await
        .refuses(401, "provider_key_distrusted", "no longer trusted");
    app.left_nothing(before).await;
    app.push(&minted, good("rake", "1.0.0"))
        .await
        .says(401, "(provider_key_distrusted)");
    app.left_nothing(before).await;
    github.rotate().unwrap();
    app.pass(61);
    app.exchange(&app.token(&github, &job("acme/rake")))
        .await
        .is(201);
    app.finish().await;
}

#[tokio::test]
async fn a_new_key_of_the_provider_is_recorded_before_it_is_believed() {
    let (app, github) = with_own_keys().await;
    github.rotate().unwrap();
    app.pass(61);
    let before = app.traces().await;
    app.exchange(&app.token(&github, &job("acme/rake")))
        .await
        .is(201);
    assert_eq!(
        app.since(before.events).await,
        [
            "provider.keys_observed",
            "token.exchanged",
            "api_key.issued"
        ]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_key_that_the_provider_withdrew_is_refused() {
    let (app, github) = with_own_keys().await;
    let old = app.token(&github, &job("acme/rake"));
    github.rotate().unwrap();
    app.pass(61);
    app.exchange(&app.token(&github, &job("acme/rake")))
        .await
        .is(201);
    let before = app.traces().await;
    app.exchange(&old)
        .await
        .refuses(401, "token_key_unknown", "does not publish");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn keys_that_are_too_old_to_believe_are_nobodys_fault_and_come_back() {
    let app = rake().await;
    app.network.set_down(true);
    app.pass(86_400);
    app.exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .is(201);
    app.pass(1);
    let before = app.traces().await;
    let answer = app
        .exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .refuses(503, "provider_keys_too_old", "try again");
    assert_eq!(answer.header("retry-after"), Some("30"));
    app.left_nothing(before).await;
    app.network.set_down(false);
    app.pass(60);
    app.exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .is(201);
    app.finish().await;
}
