//! Rate limits: by the address that really asks, and by repository once a token has verified.
use std::num::NonZeroU32;

use events::claims::ProviderKind;
use gemledger::http::limits::LimitSettings;
use reqwest::Method;
use serde_json::json;

use super::{
    answer::{Answer, answer},
    app::{EXCHANGE, PUSH, Setup, TestApp, job},
    given::{GITHUB, good, issuer},
};

async fn limited(per_address: u32, per_repository: u32, proxies: &[&str]) -> TestApp {
    let limits = LimitSettings {
        per_address: NonZeroU32::new(per_address).unwrap(),
        per_repository: NonZeroU32::new(per_repository).unwrap(),
        trusted_proxies: proxies.iter().map(|proxy| proxy.parse().unwrap()).collect(),
        off: false,
    };
    let app = TestApp::with(Setup {
        limits,
        ..Setup::default()
    })
    .await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    app.publisher("rake", "acme/rake").await;
    app
}

async fn ask(app: &TestApp, forwarded: Option<&str>) -> Answer {
    let request = app
        .request(Method::POST, EXCHANGE)
        .body(json!({"jwt": "a.b.c"}).to_string());
    answer(match forwarded {
        Some(address) => request.header("x-forwarded-for", address),
        None => request,
    })
    .await
}

#[tokio::test]
async fn an_address_may_ask_so_often_and_is_told_when_to_come_back() {
    let app = limited(3, 100, &[]).await;
    let before = app.traces().await;
    for _ in 0..3 {
        ask(&app, None).await.is(400);
    }
    let refused = ask(&app, None)
        .await
        .refuses(429, "too_many_requests", "try again");
    assert_eq!(refused.header("retry-after"), Some("30"));
    // Pushes, and keys that are given back, count with exchanges; reading does not.
    app.push("x", good("rake", "1.0.0")).await.is(429);
    app.revoke("x").await.refuses(429, "too_many_requests", "");
    app.get("/names").await.is(200);
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn an_address_that_a_stranger_claims_is_ignored() {
    let app = limited(3, 100, &["10.0.0.0/8"]).await;
    for number in 0..3 {
        ask(&app, Some(&format!("198.51.100.{number}")))
            .await
            .is(400);
    }
    ask(&app, Some("198.51.100.9")).await.is(429);
    app.finish().await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_real_address_counts() {
    let app = limited(2, 100, &["127.0.0.0/8"]).await;
    for _ in 0..2 {
        ask(&app, Some("203.0.113.7, 198.51.100.1")).await.is(400);
    }
    // Whatever stands to the left is the client's own invention.
    ask(&app, Some("203.0.113.8, 198.51.100.1")).await.is(429);
    ask(&app, Some("198.51.100.1")).await.is(429);
    ask(&app, Some("198.51.100.2")).await.is(400);
    app.finish().await;
}

#[tokio::test]
async fn a_whole_ipv6_network_counts_as_one_address() {
    let app = limited(1, 100, &["127.0.0.0/8"]).await;
    ask(&app, Some("2001:db8::1")).await.is(400);
    ask(&app, Some("2001:db8::ffff:2")).await.is(429);
    ask(&app, Some("2001:db8:0:1::1")).await.is(400);
    app.finish().await;
}

#[tokio::test]
async fn a_repository_may_exchange_so_often() {
    let app = limited(100, 2, &[]).await;
    for _ in 0..2 {
        app.job_key("acme/rake").await;
    }
    let before = app.traces().await;
    app.exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .refuses(429, "too_many_requests", "");
    app.exchange(&app.token(&GITHUB, &job("ACME/Rake")))
        .await
        .refuses(429, "too_many_requests", "");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn whoever_merely_names_a_repository_does_not_use_up_its_turns() {
    let app = limited(100, 1, &[]).await;
    let token = app.token(&GITHUB, &job("acme/rake"));
    let (head, _) = token.rsplit_once('.').unwrap();
    app.exchange(&format!("{head}.AAAA"))
        .await
        .refuses(401, "token_signature_invalid", "");
    // A repository of the same name at another forge is another repository.
    let enterprise = issuer("https://ghe.example.com");
    app.provider("enterprise", ProviderKind::Github, &enterprise)
        .await;
    app.exchange(&app.token(&enterprise, &job("acme/rake")))
        .await
        .refuses(403, "no_publisher", "");
    // Nor is one that was made under its old name.
    let recreated = gemledger::demo::issuer::GithubJob {
        repository_id: 999,
        ..job("acme/rake")
    };
    app.exchange(&app.token(&GITHUB, &recreated))
        .await
        .refuses(403, "repository_id_mismatch", "");
    app.exchange(&token).await.is(201);
    app.finish().await;
}

#[tokio::test]
async fn a_push_beyond_the_limit_is_refused_before_its_key_is_looked_at() {
    let app = limited(1, 100, &[]).await;
    app.push("x", good("rake", "1.0.0")).await.is(401);
    let before = app.traces().await;
    let refused = answer(
        app.request(Method::POST, PUSH)
            .header("authorization", "x")
            .body(good("rake", "1.0.0")),
    )
    .await;
    refused.says(429, "too many requests");
    app.left_nothing(before).await;
    app.finish().await;
}
