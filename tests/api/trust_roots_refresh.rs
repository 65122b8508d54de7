//! Refreshing trust roots from a TUF repository: whatever is wrong with it, the last good version stays.
use events::{id::Via, text::Slug};
use gemledger::app::trust_roots::{Asked, NewTrustRoot, Outcome, Refreshed, Repository};
use serde_json::json;

use super::{
    app::TestApp,
    trust_roots::{record, root, trusted_root},
};
use crate::support::tuf::{NEVER, Tuf};

/// The same trust root, as another file.
pub(super) fn next(version: usize) -> String {
    format!("{}{}", trusted_root(), " ".repeat(version))
}

/// A root that comes from this repository.
pub(super) fn root_of(tuf: &Tuf, name: &str) -> NewTrustRoot {
    NewTrustRoot {
        repository: Some(Repository {
            url: tuf.url.clone(),
            bootstrap: tuf.bootstrap().into(),
        }),
        ..root(name, trusted_root())
    }
}

/// A ledger whose root `own` comes from this repository.
pub(super) async fn recorded(tuf: &Tuf) -> TestApp {
    let app = TestApp::public().await;
    record(&app, root_of(tuf, "own")).await.unwrap();
    app
}

pub(super) async fn refresh(app: &TestApp) -> Refreshed {
    let outcomes = app.app.refresh_trust_roots(None, Via::Server).await;
    let [(name, outcome)] = outcomes.unwrap().try_into().unwrap();
    assert_eq!(name, Slug::parse("own").unwrap());
    outcome
}

/// The last good version is kept for this reason, and nothing was recorded, and pushes go on with it.
#[track_caller]
pub(super) fn is_kept(outcome: &Refreshed, said: &str, expired: bool) {
    let Refreshed::Kept { why, expired: is } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(why.contains(said), "{why}");
    assert_eq!(*is, expired, "{why}");
}

async fn kept(app: &TestApp, said: &str, expired: bool) {
    let before = app.traces().await;
    let roots = || {
        app.app
            .trust_roots_for(gemledger::app::exchange::GITHUB_ISSUER)
    };
    let live = roots().await.unwrap()[0].reference.clone();
    is_kept(&refresh(app).await, said, expired);
    app.left_nothing(before).await;
    assert_eq!(roots().await.unwrap()[0].reference, live);
}

#[tokio::test]
async fn a_newer_file_is_a_new_version_and_the_same_one_is_nothing() {
    let mut tuf = Tuf::start(1, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    let before = app.traces().await;
    assert_eq!(refresh(&app).await, Refreshed::Unchanged);
    app.left_nothing(before).await;
    tuf.publish(next(1).as_bytes(), NEVER);
    let Refreshed::Changed(index) = refresh(&app).await else {
        panic!("unchanged")
    };
    assert_eq!(index, before.events);
    let answer = app.get("/api/v1/trust_roots/own/1.json").await.is(200);
    assert_eq!(answer.text(), next(1));
    let last = app.last().await;
    assert_eq!(last["via"], "server");
    assert_eq!(last["data"]["repository"]["url"], tuf.url);
    assert_eq!(refresh(&app).await, Refreshed::Unchanged);
    app.finish().await;
}

#[tokio::test]
async fn metadata_that_has_expired_keeps_the_last_good_version_and_says_so() {
    let mut tuf = Tuf::start(2, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    // A minute before the ledger's clock.
    tuf.publish(next(1).as_bytes(), "2026-11-23T02:00:00Z");
    let health = || async { app.get("/healthz").await.is(200).json()["trust_roots"].clone() };
    assert_eq!(health().await, json!(null));
    kept(&app, "has expired", true).await;
    assert_eq!(health().await, json!({"own": "expired"}));
    let own = Slug::parse("own").unwrap();
    let asked = Asked::of(&app.app.folder, &own).unwrap();
    assert_eq!((asked.outcome, asked.confirmed), (Outcome::Expired, None));
    tuf.publish(next(1).as_bytes(), NEVER);
    assert!(matches!(refresh(&app).await, Refreshed::Changed(_)));
    assert_eq!(health().await, json!(null));
    let confirmed = Some(app.clock.now());
    app.pass(24 * 3600);
    tuf.stop();
    kept(&app, "cannot be reached", false).await;
    assert_eq!(health().await, json!({"own": "kept"}));
    let asked = Asked::of(&app.app.folder, &own).unwrap();
    assert_eq!(asked.confirmed, confirmed);
    // Nobody asks for a root that is retired.
    app.app.retire_trust_root(own).await.unwrap();
    assert_eq!(health().await, json!(null));
    app.finish().await;
}

#[tokio::test]
async fn a_file_that_is_not_the_one_that_was_signed_for_is_refused() {
    let mut tuf = Tuf::start(3, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    tuf.publish(next(1).as_bytes(), NEVER);
    let hash = events::digest::Digest::of(next(1).as_bytes()).hex();
    let path = format!("/targets/{hash}.trusted_root.json");
    let mut flipped = next(1).into_bytes();
    flipped[10] ^= 1;
    tuf.put(&path, flipped);
    kept(&app, "refused", false).await;
    tuf.put(&path, next(1).into_bytes());
    assert!(matches!(refresh(&app).await, Refreshed::Changed(_)));
    app.finish().await;
}

#[tokio::test]
async fn metadata_with_one_letter_changed_is_refused() {
    let mut tuf = Tuf::start(4, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    tuf.publish(next(1).as_bytes(), NEVER);
    for file in ["/timestamp.json", "/2.snapshot.json", "/2.targets.json"] {
        let honest = tuf.get(file);
        let changed = String::from_utf8(honest.clone()).unwrap();
        tuf.put(file, changed.replace("2199-", "2198-").into_bytes());
        kept(&app, "threshold", false).await;
        tuf.put(file, honest);
    }
    assert!(matches!(refresh(&app).await, Refreshed::Changed(_)));
    app.finish().await;
}

#[tokio::test]
async fn a_repository_that_goes_back_is_refused() {
    let mut tuf = Tuf::start(5, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    let old = tuf.get("/timestamp.json");
    tuf.publish(next(1).as_bytes(), NEVER);
    assert!(matches!(refresh(&app).await, Refreshed::Changed(_)));
    // Everything that it signed then is valid to this day.
    tuf.put("/timestamp.json", old);
    kept(&app, "rollback", false).await;
    app.finish().await;
}

#[tokio::test]
async fn a_new_root_key_counts_if_the_old_one_introduced_it() {
    let mut tuf = Tuf::start(6, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    tuf.rotate(true);
    tuf.publish(next(1).as_bytes(), NEVER);
    assert!(matches!(refresh(&app).await, Refreshed::Changed(_)));
    tuf.rotate(true);
    assert_eq!(refresh(&app).await, Refreshed::Unchanged);
    let mut forged = Tuf::start(7, trusted_root().as_bytes());
    let app = recorded(&forged).await;
    forged.rotate(false);
    kept(&app, "threshold", false).await;
    app.finish().await;
}

#[tokio::test]
async fn another_repository_at_the_same_address_is_refused() {
    let tuf = Tuf::start(8, trusted_root().as_bytes());
    let other = Tuf::start(9, next(1).as_bytes());
    let app = TestApp::public().await;
    let new = NewTrustRoot {
        repository: Some(Repository {
            url: other.url.clone(),
            bootstrap: tuf.bootstrap().into(),
        }),
        ..root("own", trusted_root())
    };
    record(&app, new).await.unwrap();
    kept(&app, "threshold", false).await;
    app.finish().await;
}

#[tokio::test]
async fn a_signed_file_that_no_bundle_can_be_verified_with_is_refused() {
    let mut tuf = Tuf::start(10, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    tuf.publish(b"{}", NEVER);
    kept(&app, "trust root", false).await;
    app.finish().await;
}

#[tokio::test]
async fn a_repository_that_does_not_answer_keeps_the_last_good_version() {
    let tuf = Tuf::start(11, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    tuf.stop();
    kept(&app, "cannot be reached", false).await;
    app.finish().await;
}

#[tokio::test]
async fn a_root_that_was_given_as_a_file_has_nobody_to_ask() {
    let app = TestApp::public().await;
    record(&app, root("own", trusted_root())).await.unwrap();
    assert_eq!(refresh(&app).await, Refreshed::NoRepository);
    let own = Slug::parse("own").unwrap();
    app.app.retire_trust_root(own.clone()).await.unwrap();
    let all = app.app.refresh_trust_roots(None, Via::Server).await;
    assert!(all.unwrap().is_empty(), "retired roots are left alone");
    let named = app.app.refresh_trust_roots(Some(&own), Via::Console).await;
    assert!(named.unwrap_err().to_string().contains("retired"));
    let unknown = Slug::parse("unknown").unwrap();
    let named = app.app.refresh_trust_roots(Some(&unknown), Via::Console);
    assert!(named.await.is_err());
    app.finish().await;
}
