//! Names change hands, ids do not: who is the publisher when a repository, an owner or a provider bears its name.
use events::{api_key::Scope, claims::ProviderKind, id::Owner, policy::Publisher, text::Slug};
use gemledger::demo::issuer::GithubJob;

use super::{
    app::{TestApp, job, publisher},
    given::{GITHUB, good, issuer, rake},
    matching::denied,
};

#[tokio::test]
async fn the_publisher_of_one_provider_is_not_that_of_another() {
    let app = rake().await;
    let enterprise = issuer("https://ghe.example.com");
    app.provider("enterprise", ProviderKind::Github, &enterprise)
        .await;
    let before = app.traces().await;
    app.exchange(&app.token(&enterprise, &job("acme/rake")))
        .await
        .refuses(403, "no_publisher", "no trusted publisher");
    app.left_nothing(before).await;
    let theirs = Publisher {
        provider: Slug::parse("enterprise").unwrap(),
        ..publisher("acme/rake")
    };
    app.trust("rack", theirs, Owner::Operator).await;
    let key = app
        .exchange(&app.token(&enterprise, &job("acme/rake")))
        .await
        .key();
    let before = app.traces().await;
    app.push(&key, good("rake", "1.0.0"))
        .await
        .says(403, "(not_publisher)");
    app.left_nothing(before).await;
    app.push(&key, good("rack", "1.0.0")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_publisher_without_ids_waits_a_week_and_is_pinned_by_its_first_push() {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    let alice = app.account("alice").await;
    let key = app.api_key(alice, &[Scope::PushRubygem]).await;
    app.push(&key, good("rake", "0.9.0")).await.is(200);
    let by_name = || Publisher {
        repository_id: None,
        owner_id: None,
        ..publisher("acme/rake")
    };
    app.trust("rake", by_name(), Owner::Account(alice)).await;
    app.pass(7 * 86_400);
    let before = app.traces().await;
    app.exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .refuses(403, "publisher_expired", "waited too long");
    app.left_nothing(before).await;
    app.trust("rake", by_name(), Owner::Account(alice)).await;
    app.pass(2);
    let key = app.job_key("acme/rake").await;
    let before = app.traces().await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    assert_eq!(
        app.since(before.events).await,
        ["publisher.pinned", "file.taken", "release.pushed"]
    );
    let impostor = GithubJob {
        repository_id: 999,
        ..job("acme/rake")
    };
    denied(&app, &impostor, "repository_id_mismatch", "1420893", "999").await;
    app.finish().await;
}

#[tokio::test]
async fn a_recreated_owner_is_denied_and_recorded_and_the_rightful_publisher_still_works() {
    let app = rake().await;
    let impostor = GithubJob {
        repository_id: 999,
        owner_id: 666,
        ..job("acme/rake")
    };
    let told = denied(&app, &impostor, "repository_id_mismatch", "1420893", "999").await;
    assert!(told.get("expected").is_none(), "{told}");
    let resold = GithubJob {
        owner_id: 666,
        ..job("acme/rake")
    };
    let told = denied(&app, &resold, "owner_id_mismatch", "210414", "666").await;
    assert!(told.get("expected").is_none(), "{told}");
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0"))
        .await
        .says(200, "Successfully registered gem: rake (1.0.0)");
    app.finish().await;
}

#[tokio::test]
async fn a_renamed_repository_is_known_by_its_id() {
    let app = rake().await;
    let before = app.traces().await;
    let moved = job("acme/rake-next");
    app.exchange(&app.token(&GITHUB, &moved)).await.is(201);
    assert_eq!(
        app.since(before.events).await,
        ["token.exchanged", "api_key.issued"]
    );
    app.finish().await;
}
