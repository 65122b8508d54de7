//! Who may push: keys of people and of jobs, as long as they and whoever vouched for them live.
use events::{
    api_key::Scope,
    claims::ProviderKind,
    id::{Actor, Owner, Via},
    name::FoldedName,
    policy::Publisher,
};
use reqwest::Method;

use super::{
    answer::answer,
    app::{PUSH, TestApp, job, publisher, text},
    given::{GITHUB, good, rake},
};

/// This push is refused like this and leaves nothing behind.
async fn refused(app: &TestApp, key: &str, gem: Vec<u8>, status: u16, says: &str) {
    let before = app.traces().await;
    app.push(key, gem).await.says(status, says);
    app.left_nothing(before).await;
}

#[tokio::test]
async fn without_a_key_that_is_known_nothing_is_pushed() {
    let app = rake().await;
    let before = app.traces().await;
    let bare = answer(app.request(Method::POST, PUSH).body(good("rake", "1.0.0"))).await;
    let bare = bare.says(401, "Access Denied.");
    assert!(
        bare.header("www-authenticate")
            .unwrap()
            .starts_with("Basic ")
    );
    app.left_nothing(before).await;
    let unknown = format!("gemledger_{}", "0".repeat(56));
    for key in ["x", "rubygems_0000", &unknown] {
        refused(&app, key, good("rake", "1.0.0"), 401, "Access Denied.").await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_key_without_the_scope_cannot_push() {
    let app = rake().await;
    let alice = app.account("alice").await;
    for scope in [
        Scope::Read,
        Scope::YankRubygem,
        Scope::IndexRubygems,
        Scope::ConfigureTrustedPublishers,
    ] {
        let key = app.api_key(alice, &[scope]).await;
        let says = "This API key cannot perform the specified action on this gem.";
        refused(&app, &key, good("tool", "1.0.0"), 403, says).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_key_dies_at_the_very_moment_it_expires() {
    let app = rake().await;
    let alice = app.account("alice").await;
    let key = app
        .narrow_key(alice, &[Scope::PushRubygem], None, Some(60))
        .await;
    let minted = app.job_key("acme/rake").await;
    app.clock.advance(std::time::Duration::from_millis(59_999));
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    app.clock.advance(std::time::Duration::from_millis(1));
    refused(&app, &key, good("tool", "1.0.1"), 401, "Access Denied.").await;
    app.clock.advance(std::time::Duration::from_millis(839_999));
    app.push(&minted, good("rake", "1.0.0")).await.is(200);
    app.clock.advance(std::time::Duration::from_millis(1));
    refused(&app, &minted, good("rake", "1.0.1"), 401, "Access Denied.").await;
    app.finish().await;
}

#[tokio::test]
async fn a_revoked_key_and_those_of_a_disabled_account_are_dead() {
    let app = rake().await;
    let (alice, bob) = (app.account("alice").await, app.account("bob").await);
    let revoked = app
        .app
        .issue_api_key(alice, vec![Scope::PushRubygem], None, None)
        .await
        .unwrap();
    let disabled = app.api_key(bob, &[Scope::PushRubygem]).await;
    app.app.revoke_api_key(revoked.0, None).await.unwrap();
    app.app.disable_account(bob).await.unwrap();
    for key in [revoked.1.reveal(), &disabled] {
        refused(&app, key, good("tool", "1.0.0"), 401, "Access Denied.").await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_key_for_one_gem_pushes_no_other() {
    let app = rake().await;
    let alice = app.account("alice").await;
    let key = app
        .narrow_key(alice, &[Scope::PushRubygem], Some("tool"), None)
        .await;
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    refused(&app, &key, good("other", "1.0.0"), 403, "(gem_scope)").await;
    refused(
        &app,
        &key,
        good("tool2", "1.0.0"),
        403,
        "This API key cannot perform the specified action on this gem.",
    )
    .await;
    app.finish().await;
}

#[tokio::test]
async fn whoever_does_not_own_a_gem_does_not_push_it() {
    let app = rake().await;
    let (alice, bob) = (app.push_key("alice").await, app.push_key("bob").await);
    app.push(&alice, good("tool", "1.0.0")).await.is(200);
    let says =
        "You do not have permission to push to this gem. Ask an owner to add you with: gem owner";
    refused(&app, &bob, good("tool", "1.1.0"), 403, says).await;
    let minted = app.job_key("acme/rake").await;
    refused(
        &app,
        &minted,
        good("tool", "1.1.0"),
        403,
        "You are not allowed to push this gem.\n",
    )
    .await;
    refused(
        &app,
        &minted,
        good("unheard-of", "1.0.0"),
        403,
        "(not_publisher)",
    )
    .await;
    app.finish().await;
}

#[tokio::test]
async fn the_first_push_of_a_pending_publisher_makes_the_gem_its_owners() {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    let alice = app.account("alice").await;
    app.trust("rake", publisher("acme/rake"), Owner::Account(alice))
        .await;
    let key = app.job_key("acme/rake").await;
    let before = app.traces().await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let made = [
        "gem.registered",
        "owner.added",
        "publisher.added",
        "name.taken",
        "file.taken",
        "release.pushed",
    ];
    assert_eq!(app.since(before.events).await, made);
    let alices = app.api_key(alice, &[Scope::PushRubygem]).await;
    // It is hers, and comes by its workflow all the same.
    app.push(&alices, good("rake", "1.0.1"))
        .await
        .says(403, "trusted_publishing_required");
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.2")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_name_that_waits_for_somebody_else_is_reserved() {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    let alice = app.account("alice").await;
    app.trust("rake", publisher("acme/rake"), Owner::Account(alice))
        .await;
    let bob = app.push_key("bob").await;
    for name in ["rake", "Rake"] {
        refused(
            &app,
            &bob,
            good(name, "1.0.0"),
            403,
            "This gem name is reserved.",
        )
        .await;
    }
    // Spelled otherwise, it is not the name that was asked for either.
    let minted = app.job_key("acme/rake").await;
    refused(
        &app,
        &minted,
        good("Rake", "1.0.0"),
        409,
        "(name_spelled_differently)",
    )
    .await;
    let alices = app.api_key(alice, &[Scope::PushRubygem]).await;
    app.push(&alices, good("rake", "1.0.0")).await.is(200);
    app.push(&minted, good("rake", "1.0.1")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_pending_publisher_that_expired_reserves_nothing_and_releases_nothing() {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    let alice = app.account("alice").await;
    app.trust("rake", publisher("acme/rake"), Owner::Account(alice))
        .await;
    app.pass(7 * 86_400 - 60);
    let minted = app.job_key("acme/rake").await;
    app.pass(60);
    refused(
        &app,
        &minted,
        good("rake", "1.0.0"),
        403,
        "(pending_expired)",
    )
    .await;
    let before = app.traces().await;
    app.exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .refuses(403, "pending_expired", "add it again");
    assert!(app.traces().await.events <= before.events + 1);
    let bob = app.push_key("bob").await;
    app.push(&bob, good("rake", "1.0.0")).await.is(200);
    app.exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .refuses(403, "no_publisher", "");
    refused(&app, &minted, good("rake", "1.0.1"), 403, "(not_publisher)").await;
    app.finish().await;
}

#[tokio::test]
async fn a_publisher_that_was_removed_takes_its_keys_along() {
    let app = rake().await;
    let first = app.job_key("acme/rake").await;
    app.push(&first, good("rake", "1.0.0")).await.is(200);
    let second = app.job_key("acme/rake").await;
    let gem = FoldedName::parse("rake").unwrap();
    let added = app.app.reader.events(0, 100).await.unwrap();
    let id = added.iter().find_map(|recorded| {
        matches!(recorded.event.body, events::Body::PublisherAdded(_))
            .then_some(recorded.event.revision)
    });
    let id = events::id::PublisherId(id.unwrap());
    app.app
        .remove_publisher(app.app.console(), gem.clone(), id)
        .await
        .unwrap();
    refused(&app, &second, good("rake", "1.0.1"), 403, "(not_publisher)").await;
    // An account that is no owner removes nothing.
    let mallory = Actor::Account(app.account("mallory").await);
    let denied = app
        .app
        .remove_publisher(app.app.request(mallory, Via::Http), gem, id)
        .await;
    assert!(denied.is_err());
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_judged_by_the_policy_of_the_moment_it_pushes() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    // The key was minted before this publisher was there, and its job is that publisher.
    app.trust("rack", publisher("acme/rake"), Owner::Operator)
        .await;
    app.push(&key, good("rack", "1.0.0")).await.is(200);
    let staged = Publisher {
        environment: Some(text("release")),
        ..publisher("acme/rake")
    };
    app.trust("rails", staged, Owner::Operator).await;
    refused(
        &app,
        &key,
        good("rails", "1.0.0"),
        403,
        "(environment_mismatch)",
    )
    .await;
    app.finish().await;
}
