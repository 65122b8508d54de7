//! Sealed evidence: the identity token behind a release, for the operator and for an owner, checked once more.
use std::sync::Arc;

use events::{
    Body,
    api_key::Scope,
    claims::ProviderKind,
    id::{AccountId, Owner},
};
use gemledger::{
    app::{evidence::EvidenceError, exchange::GITHUB_ISSUER},
    demo::issuer::StandInIssuer,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, answer},
    app::{Setup, TestApp, job, publisher},
    given::{good, issuer},
    publishers::SCOPES,
};

/// Alice's `rake`, of which a job released 1.0.0.
struct Released {
    app: TestApp,
    issuer: Arc<StandInIssuer>,
    alice: AccountId,
    key: String,
    token: String,
    release: u64,
}

const EVIDENCE: &str = "/api/v1/gems/rake/versions/1.0.0/evidence";

async fn released() -> Released {
    released_on(TestApp::public().await, true).await
}

/// The same on this registry, after a version that alice pushed herself, or without one.
async fn released_on(app: TestApp, by_hand: bool) -> Released {
    // Its own issuer, because the tests have it rotate its keys.
    let issuer = issuer(GITHUB_ISSUER);
    app.provider("github", ProviderKind::Github, &issuer).await;
    let alice = app.account("alice").await;
    let key = app.api_key(alice, &SCOPES).await;
    if by_hand {
        app.push(&key, good("rake", "0.9.0")).await.is(200);
    }
    app.trust("rake", publisher("acme/rake"), Owner::Account(alice))
        .await;
    let token = app.token(&issuer, &job("acme/rake"));
    let minted = app.exchange(&token).await.key();
    app.push(&minted, good("rake", "1.0.0")).await.is(200);
    let release = app.app.reader.head().await.unwrap().size - 1;
    Released {
        app,
        issuer,
        alice,
        key,
        token,
        release,
    }
}

impl Released {
    async fn ask(&self, path: &str, key: &str) -> Answer {
        let request = self.app.request(Method::POST, path);
        answer(request.header("authorization", key)).await
    }

    /// Alice changes who owns the gem.
    async fn told(&self, method: Method, path: &str, body: Value) -> Answer {
        let scopes = [Scope::AddOwner, Scope::RemoveOwner];
        let key = self.app.api_key(self.alice, &scopes).await;
        let request = self.app.request(method, path);
        answer(request.header("authorization", &key).json(&body)).await
    }

    /// Refused like this, and nobody was shown anything.
    async fn refused(&self, path: &str, key: &str, status: u16, code: &str) {
        let before = self.app.traces().await;
        let answer = self.ask(path, key).await.is(status);
        assert_eq!(answer.json()["code"], code, "{}", answer.text());
        assert!(!answer.text().contains(&self.token));
        self.app.left_nothing(before).await;
    }

    async fn exchange(&self) -> u64 {
        let events = self.app.app.reader.events(0, u64::MAX >> 1).await.unwrap();
        let exchanged = |body: &Body| matches!(body, Body::TokenExchanged(_));
        let mut events = events.iter();
        events
            .find(|recorded| exchanged(&recorded.event.body))
            .unwrap()
            .index
    }
}

#[tokio::test]
async fn the_operator_opens_a_token_long_after_its_provider_has_rotated_its_keys() {
    let given = released().await;
    given.issuer.rotate().unwrap();
    given.app.pass(400 * 24 * 3600);
    for index in [given.exchange().await, given.release] {
        let before = given.app.traces().await;
        let opened = given.app.app.evidence(index).await.unwrap();
        assert_eq!(opened.token.as_str(), given.token);
        assert_eq!(opened.report.holds(), Some(true), "{:?}", opened.report);
        let names: Vec<&str> = opened
            .report
            .checks
            .iter()
            .map(|check| check.name)
            .collect();
        assert_eq!(names, ["sealed", "log", "key", "signature", "claims"]);
        assert_eq!(opened.report.claims["repository"], "acme/rake");
        assert_eq!(opened.report.exchange, given.exchange().await);
        assert_eq!(given.app.since(before.events).await, ["evidence.opened"]);
        assert_eq!(opened.index, before.events);
        let last = given.app.last().await;
        assert_eq!(last["actor"], "operator");
        assert_eq!(last["data"], json!({}));
    }
    given.app.finish().await;
}

#[tokio::test]
async fn a_key_that_was_distrusted_since_is_told_beside_its_signature() {
    let given = released().await;
    let (slug, kid) = ("github", given.issuer.kid());
    given
        .app
        .app
        .distrust_key(
            events::text::Slug::parse(slug).unwrap(),
            events::text::Text::parse(&kid).unwrap(),
        )
        .await
        .unwrap();
    let opened = given.app.app.evidence(given.release).await.unwrap();
    assert!(opened.report.key.as_ref().unwrap().distrusted.is_some());
    let key = &opened.report.checks[2];
    assert!(key.how.contains("distrusted"), "{}", key.how);
    given.app.finish().await;
}

#[tokio::test]
async fn what_has_no_token_or_none_any_more_is_said_and_not_recorded() {
    let given = released().await;
    let app = &given.app.app;
    let before = given.app.traces().await;
    assert!(matches!(
        app.evidence(1_000_000).await,
        Err(EvidenceError::NoEvent(_))
    ));
    assert!(matches!(
        app.evidence(0).await,
        Err(EvidenceError::NotExchange(0, "log.opened"))
    ));
    // Version 0.9.0 was pushed with alice's own key.
    let events = app.reader.events(0, u64::MAX >> 1).await.unwrap();
    let personal = events.iter().find(|recorded| {
        matches!(&recorded.event.body, Body::ReleasePushed(pushed) if pushed.source.is_none())
    });
    let personal = personal.unwrap().index;
    assert!(matches!(
        app.evidence(personal).await,
        Err(EvidenceError::NoToken)
    ));
    given.app.left_nothing(before).await;
    let stream = events
        .iter()
        .find(|recorded| matches!(recorded.event.body, Body::TokenExchanged(_)))
        .unwrap()
        .event
        .stream
        .clone();
    let erased = app.erase(stream).await.unwrap();
    let error = app.evidence(given.release).await.err().unwrap();
    assert!(matches!(error, EvidenceError::Erased(index) if index == erased));
    given.app.pass(2 * 3600);
    given
        .refused(EVIDENCE, &given.key, 410, "evidence_erased")
        .await;
    given.app.finish().await;
}

#[tokio::test]
async fn an_owner_is_shown_the_token_of_the_own_release_once_it_has_expired() {
    let given = released().await;
    given
        .refused(EVIDENCE, &given.key, 403, "evidence_early")
        .await;
    given.app.pass(3600);
    let before = given.app.traces().await;
    let answer = given.ask(EVIDENCE, &given.key).await.is(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(body["token"], given.token);
    assert_eq!(body["holds"], true);
    assert_eq!(
        body["evidence"]["claims"]["run_id"],
        given
            .app
            .app
            .evidence(given.release)
            .await
            .unwrap()
            .report
            .claims["run_id"]
    );
    assert_eq!(body["opened"], before.events);
    let opened = given.app.since(before.events).await;
    assert_eq!(opened, ["evidence.opened", "evidence.opened"]);
    let leaf = given
        .app
        .app
        .reader
        .leaf(before.events)
        .await
        .unwrap()
        .unwrap();
    let leaf: Value = serde_json::from_slice(&leaf).unwrap();
    assert_eq!(leaf["data"], json!({"gem": "rake"}));
    assert_eq!(leaf["actor"], format!("account:{}", given.alice));
    given.app.finish().await;
}

#[tokio::test]
async fn nobody_but_an_owner_with_the_scope_is_shown_it() {
    let given = released().await;
    given.app.pass(3600);
    let push_only = given.app.api_key(given.alice, &[Scope::PushRubygem]).await;
    given
        .refused(EVIDENCE, &push_only, 403, "scope_missing")
        .await;
    let elsewhere = given
        .app
        .narrow_key(given.alice, &SCOPES, Some("tool"), None)
        .await;
    given.refused(EVIDENCE, &elsewhere, 403, "forbidden").await;
    let bob = given.app.account("bob").await;
    let bobs = given.app.api_key(bob, &SCOPES).await;
    given.refused(EVIDENCE, &bobs, 403, "forbidden").await;
    given.refused(EVIDENCE, "x", 401, "key_unknown").await;
    for missing in [
        "/api/v1/gems/rake/versions/2.0.0/evidence",
        "/api/v1/gems/rake/versions/%20/evidence",
        // A person pushed it.
        "/api/v1/gems/rake/versions/0.9.0/evidence",
        "/api/v1/gems/thor/versions/1.0.0/evidence",
    ] {
        given.refused(missing, &given.key, 404, "not_found").await;
    }
    // Bob's own gem opens alice's token neither by its own name nor by hers.
    given.app.push(&bobs, good("tool", "1.0.0")).await.is(200);
    let own = "/api/v1/gems/tool/versions/1.0.0/evidence";
    given.refused(own, &bobs, 404, "not_found").await;
    given.refused(EVIDENCE, &bobs, 403, "forbidden").await;
    // What only reads, and may be asked for again by whoever stands between, opens nothing.
    for method in [Method::GET, Method::HEAD] {
        let before = given.app.traces().await;
        let read = given.app.request(method, EVIDENCE);
        let read = answer(read.header("authorization", &given.key)).await;
        assert_eq!(read.status, 404);
        given.app.left_nothing(before).await;
    }
    given.app.finish().await;
}

#[tokio::test]
async fn an_owner_who_looks_again_within_the_hour_is_shown_the_same_opening() {
    let given = released().await;
    given.app.pass(3600);
    let first = given.ask(EVIDENCE, &given.key).await.is(200).json();
    let before = given.app.traces().await;
    given.app.pass(3599);
    let again = given.ask(EVIDENCE, &given.key).await.is(200).json();
    assert_eq!(again["opened"], first["opened"]);
    assert_eq!(again["token"], first["token"]);
    given.app.left_nothing(before).await;
    given.app.pass(1);
    let later = given.ask(EVIDENCE, &given.key).await.is(200).json();
    assert_eq!(later["opened"], before.events);
    // And the release says it once, the newest.
    let path = "/api/v1/gems/rake/versions/1.0.0/provenance";
    let record = given.app.get(path).await.is(200).json();
    let since = record["since"].as_array().unwrap();
    assert_eq!(since.len(), 1, "{since:?}");
    assert_eq!(since[0]["log_index"], before.events);
    given.app.finish().await;
}

#[tokio::test]
async fn whoever_is_not_an_owner_yet_or_any_more_is_not_shown_it() {
    const DELAY: u64 = 72 * 3600;
    const OWNERS: &str = "/api/v1/gems/rake/owners";
    let setup = Setup {
        loosening_delay_seconds: DELAY,
        ..Setup::default()
    };
    let given = released_on(TestApp::with(setup).await, false).await;
    given.app.pass(3600);
    let bob = given.app.account("bob").await;
    let bobs = given.app.api_key(bob, &SCOPES).await;
    let added = given.told(Method::POST, OWNERS, json!({"account": bob}));
    added.await.is(200);
    given.refused(EVIDENCE, &bobs, 403, "forbidden").await;
    given.app.pass(DELAY);
    given.ask(EVIDENCE, &bobs).await.is(200);
    let alices = format!("{OWNERS}/{}", given.alice);
    let removed = given.told(Method::DELETE, &alices, json!({}));
    removed.await.is(200);
    given.ask(EVIDENCE, &given.key).await.is(200);
    given.app.pass(DELAY);
    given.refused(EVIDENCE, &given.key, 403, "forbidden").await;
    given.ask(EVIDENCE, &bobs).await.is(200);
    given.app.finish().await;
}

#[tokio::test]
async fn on_a_private_ledger_an_owner_needs_to_read_as_well() {
    let given = released_on(TestApp::private().await, true).await;
    given.app.pass(3600);
    let before = given.app.traces().await;
    let blind = given.ask(EVIDENCE, &given.key).await.is(403);
    assert!(blind.text().contains("lacks the scope `read`"));
    given.app.left_nothing(before).await;
    let scopes = [SCOPES.as_slice(), &[Scope::Read]].concat();
    let reads = given.app.api_key(given.alice, &scopes).await;
    let shown = given.ask(EVIDENCE, &reads).await.is(200).json();
    assert_eq!(shown["token"], given.token);
    given.app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let given = released().await;
    given.app.pass(3600);
    // A clock that lags behind the log stops appends, and nothing else.
    let early = given.app.clock.now().minus_seconds(365 * 24 * 3600);
    given.app.clock.jump(early);
    let opened = given.app.app.evidence(given.release).await;
    let error = opened.err().unwrap();
    assert!(matches!(error, EvidenceError::Command(_)), "{error}");
}

#[tokio::test]
async fn a_token_that_was_opened_shows_on_the_release() {
    let given = released().await;
    given.app.app.evidence(given.release).await.unwrap();
    let path = "/api/v1/gems/rake/versions/1.0.0/provenance";
    let record = given.app.get(path).await.is(200).json();
    let since = record["since"].as_array().unwrap();
    assert!(
        since
            .iter()
            .any(|entry| entry["type"] == "evidence.opened"
                || entry["event_type"] == "evidence.opened"),
        "{since:?}"
    );
    let page = given.app.get("/gems/rake/versions/1.0.0").await.is(200);
    assert!(page.text().contains("identity token was opened"));
    given.app.finish().await;
}
