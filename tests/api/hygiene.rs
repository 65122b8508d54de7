//! What must not get about: secrets in answers, in logs and on disk; and how much of a request is listened to.
use events::claims::ProviderKind;
use gemledger::demo::issuer::StandInIssuer;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    answer::answer,
    app::{EXCHANGE, PUSH, TestApp, files, job},
    given::{GITHUB, good, rake},
};
use crate::support::program::Ledger;

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

/// No file of the ledger holds any of these.
fn nowhere_on_disk(folder: &std::path::Path, secrets: &[&str]) {
    let found = files(folder);
    assert!(found.len() > 5, "{found:?}");
    for file in found {
        let bytes = std::fs::read(&file).unwrap();
        for secret in secrets {
            assert!(!holds(&bytes, secret), "{} holds {secret}", file.display());
        }
    }
}

#[tokio::test]
async fn no_key_and_no_token_is_anywhere_on_disk() {
    let app = rake().await;
    let token = app.token(&GITHUB, &job("acme/rake"));
    let key = app.exchange(&token).await.key();
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let alices = app.push_key("alice-with-a-handle").await;
    app.push(&alices, good("tool", "1.0.0")).await.is(200);
    let parts: Vec<&str> = token.split('.').collect();
    nowhere_on_disk(
        app.folder.path(),
        &[
            &key,
            &alices,
            &token,
            parts[1],
            parts[2],
            "alice-with-a-handle",
            &key[10..],
            &alices[10..],
        ],
    );
    app.finish().await;
}

#[tokio::test]
async fn no_answer_repeats_a_secret() {
    let app = rake().await;
    let token = app.token(&GITHUB, &job("acme/rake"));
    let key = app.exchange(&token).await.key();
    let wrong = format!("{key}0");
    for path in [
        EXCHANGE,
        PUSH,
        "/api/v1/gems/rake/trusted_publishers",
        "/nothing",
    ] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = answer(
                app.request(method, path)
                    .header("authorization", &wrong)
                    .body(token.clone()),
            )
            .await;
            let shown = format!(
                "{:?}{}",
                answer.headers,
                String::from_utf8_lossy(&answer.body)
            );
            assert!(
                !shown.contains(&key[10..]) && !shown.contains(&token[..40]),
                "{path}: {shown}"
            );
        }
    }
    let again = app.exchange(&token).await.is(403);
    assert!(!again.text().contains(&token[..40]));
    app.finish().await;
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let app = rake().await;
    let mut ids = Vec::new();
    for path in ["/names", "/nothing", "/healthz", "/api/v1/gems"] {
        let answer = answer(
            app.request(Method::GET, path)
                .header("x-request-id", "mine"),
        )
        .await;
        ids.push(answer.header("x-request-id").unwrap().to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    assert!(ids.iter().all(|id| id.len() == 16 && id != "mine"));
    app.finish().await;
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let app = rake().await;
    let mut wire = app.wire().await;
    wire.send("GET /names HTTP/1.1\r\nhost: x\r\n").await;
    let line = format!("x-filler: {}\r\n", "a".repeat(8000));
    for _ in 0..40 {
        wire.send(&line).await;
    }
    let (status, _) = wire.head().await;
    assert!(matches!(status, 400 | 413 | 431), "{status}");
    let many = "x-filler: 1\r\n".repeat(500);
    let mut wire = app.wire().await;
    wire.send(format!("GET /names HTTP/1.1\r\n{many}\r\n"))
        .await;
    assert!(matches!(wire.head().await.0, 400 | 413 | 431));
    app.get("/names").await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_request_that_two_servers_would_read_differently_is_refused() {
    let app = rake().await;
    let before = app.traces().await;
    for head in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "content-length: +5\r\n",
        "content-length: 5, 5\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
    ] {
        let mut wire = app.wire().await;
        wire.send(format!("POST {EXCHANGE} HTTP/1.1\r\nhost: x\r\n{head}connection: close\r\n\r\nhello\r\n0\r\n\r\n")).await;
        let (status, text) = wire.answer().await;
        assert_eq!(status, 400, "{head}: {text}");
        assert_eq!(text.matches("HTTP/1.1").count(), 1, "{head}: {text}");
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn other_methods_are_refused_and_nothing_panics_at_odd_targets() {
    let app = rake().await;
    let before = app.traces().await;
    for line in [
        "PUT /names",
        "DELETE /versions",
        "POST /info/rake",
        "PATCH /",
        "TRACE /names",
        "CONNECT x:1",
        "GET *",
        "OPTIONS *",
        "GET /%",
        "GET /%zz",
        "GET /info/%ff",
        "GET /gems/%ff.gem",
        "GET /gems/%00/versions/%00",
        "GET /api/v1/gems/%ff/versions/%ff/provenance",
        "GET /log/tile/%ff",
        "GET /?q=%ff&page=-1",
        "GET /static/%2e%2e",
    ] {
        let (status, text) = app.line(line).await;
        assert!(
            (200..500).contains(&status) && status != 201,
            "{line}: {text}"
        );
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_compressed_request_is_no_way_around_the_limit() {
    let app = rake().await;
    let before = app.traces().await;
    let bomb = super::given::gzip(&vec![b' '; 10 << 20]);
    let request = app
        .request(Method::POST, EXCHANGE)
        .header("content-encoding", "gzip")
        .body(bomb);
    let answer = answer(request).await;
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let app = rake().await;
    let before = app.traces().await;
    let mut wire = app.wire().await;
    wire.send(format!(
        "POST {EXCHANGE} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{"
    ))
    .await;
    let (status, text) = wire.head().await;
    assert_eq!(status, 408, "{text}");
    app.left_nothing(before).await;
    app.finish().await;
}

/// The real program with its log turned up, and a provider that it reaches over loopback.
#[tokio::test(flavor = "multi_thread")]
async fn the_servers_own_log_holds_no_secret() {
    let ledger = Ledger::new();
    let (issuer, serving) = StandInIssuer::start().unwrap();
    tokio::spawn(serving);
    let server = ledger.serve_with(&[]);
    let add = format!("provider add ci --kind github --issuer {}", issuer.url());
    let trust = "publisher add rake --provider ci --repository acme/rake --workflow release.yml --repository-id 1420893";
    for command in [&add, trust] {
        ledger.run(&command.split(' ').collect::<Vec<_>>()).ok();
    }
    let person = ledger.key("alice", "push_rubygem");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let now = gemledger::world::Clock::system().now();
    let claims = issuer.github_claims(&job("acme/rake"), ledger.address(), now, "one");
    let token = issuer.sign(&claims).unwrap();
    let url = |path: &str| format!("{}{path}", ledger.url());
    let exchange = || {
        answer(
            client
                .post(url(EXCHANGE))
                .body(json!({"jwt": token}).to_string()),
        )
    };
    let key = exchange().await.key();
    exchange().await.is(403);
    answer(client.post(url(EXCHANGE)).body(token.clone()))
        .await
        .is(400);
    for (key, gem) in [
        (&key, good("rake", "1.0.0")),
        (&person, good("tool", "1.0.0")),
        (&person, good("rake", "1.0.1")),
        (&key, b"no gem".to_vec()),
    ] {
        answer(
            client
                .post(url(PUSH))
                .header("authorization", key)
                .body(gem),
        )
        .await;
    }
    answer(client.get(url("/names")).basic_auth(&person, Some(&key)))
        .await
        .is(200);
    answer(client.delete(url(EXCHANGE)).bearer_auth(&key))
        .await
        .is(200);
    nowhere_on_disk(&ledger.data(), &[&key, &person, &token[..60]]);
    let log = server.stop().err;
    assert!(log.contains("answered"), "{log}");
    let signature = token.rsplit_once('.').unwrap().1;
    for secret in [&key[10..], &person[10..], signature, "eyJ", "gemledger_"] {
        assert!(!log.contains(secret), "the log holds {secret}: {log}");
    }
    ledger.is_sound();
}

#[tokio::test]
async fn errors_are_json_for_jobs_and_text_for_gem() {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    let told: Value = app
        .exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .is(403)
        .json();
    let mut names: Vec<&String> = told.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["code", "error", "message"]);
    let answer = app.push("x", good("rake", "1.0.0")).await.is(401);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    app.finish().await;
}
