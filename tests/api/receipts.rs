//! Receipts of any event, and in the answers to those who make events.
use gemledger::app::verify::{prove, verify};
use reqwest::Method;
use serde_json::Value;
use tlog::VerifierKey;

use super::{
    answer::{Answer, answer},
    app::{EXCHANGE, PUSH, TestApp, job},
    given::{GITHUB, good, rake},
};

async fn vkey(app: &TestApp) -> VerifierKey {
    let vkey = app.get("/log/vkey").await.is(200);
    VerifierKey::parse(vkey.text().trim_end()).unwrap()
}

#[tokio::test]
async fn every_event_has_a_receipt_at_every_size_of_the_log() {
    let app = rake().await;
    let key = vkey(&app).await;
    // Beyond one tile, so that tiles that are kept and tiles that grow are both used.
    let first = app.traces().await.events;
    for size in [first, first + 1, 255, 256, 257, 300] {
        while app.traces().await.events < size {
            let size = app.traces().await.events;
            app.account(&format!("account-{size}")).await;
        }
        for index in 0..size {
            if size > first && size < 300 && index % 17 != 0 {
                continue;
            }
            let receipt = app.get(&format!("/log/proof/{index}")).await.is(200);
            assert_eq!(
                receipt.header("content-type"),
                Some("text/plain; charset=utf-8")
            );
            assert_eq!(receipt.header("cache-control"), Some("no-cache"));
            let logged = prove(&receipt.body, &key).unwrap();
            assert_eq!((logged.index, logged.checkpoint.size()), (index, size));
            let leaf = app.app.reader.leaf(index).await.unwrap().unwrap();
            assert_eq!(logged.leaf, leaf);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn many_who_ask_at_once_get_each_their_own() {
    let app = rake().await;
    let key = vkey(&app).await;
    let size = app.traces().await.events;
    let indexes: Vec<u64> = (0..400).map(|number| number % (size + 2)).collect();
    let asked = indexes.iter().map(|index| {
        let path = format!("/log/proof/{index}");
        let app = &app;
        async move { app.get(&path).await }
    });
    let answers = futures::future::join_all(asked).await;
    for (index, answer) in indexes.iter().zip(answers) {
        if *index < size {
            let logged = prove(&answer.is(200).body, &key).unwrap();
            assert_eq!(logged.index, *index);
        } else {
            answer.is(404);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_log_index_is_refused_and_what_is_not_signed_yet_is_not_there() {
    let app = rake().await;
    let size = app.traces().await.events;
    for beyond in [size, size + 1, u64::MAX >> 1, u64::MAX] {
        let answer = app.get(&format!("/log/proof/{beyond}")).await.is(404);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    for bad in [
        "00",
        "01",
        "+1",
        "-1",
        "1e3",
        "x",
        "1.5",
        "18446744073709551616",
        "%201",
    ] {
        let answer = app.get(&format!("/log/proof/{bad}")).await;
        let answer = answer.says(400, "a log index is a decimal number");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{bad}");
    }
    for path in [
        "/log/proof",
        "/log/proof/",
        "/log/proof/0/",
        "/log/proof/0/1",
    ] {
        app.get(path).await.is(404);
    }
    app.finish().await;
}

async fn exchange(app: &TestApp, query: &str) -> Answer {
    let body = serde_json::json!({"jwt": app.token(&GITHUB, &job("acme/rake"))}).to_string();
    let request = app.request(Method::POST, &format!("{EXCHANGE}{query}"));
    answer(
        request
            .header("content-type", "application/json")
            .body(body),
    )
    .await
}

async fn push(app: &TestApp, query: &str, accept: &str, gem: Vec<u8>) -> Answer {
    let key = app.job_key("acme/rake").await;
    let request = app.request(Method::POST, &format!("{PUSH}{query}"));
    let request = request
        .header("authorization", key)
        .header("accept", accept);
    answer(
        request
            .header("content-type", "application/octet-stream")
            .body(gem),
    )
    .await
}

#[tokio::test]
async fn whoever_exchanges_gets_the_receipt_of_the_exchange_if_it_is_asked_for() {
    let app = rake().await;
    let key = vkey(&app).await;
    assert!(
        exchange(&app, "")
            .await
            .is(201)
            .json()
            .get("receipt")
            .is_none()
    );
    assert!(
        exchange(&app, "?receipt=false")
            .await
            .is(201)
            .json()
            .get("receipt")
            .is_none()
    );
    let told = exchange(&app, "?receipt=true").await.is(201).json();
    let logged = prove(told["receipt"].as_str().unwrap().as_bytes(), &key).unwrap();
    assert_eq!(told["log_index"], logged.index);
    let event: Value = serde_json::from_slice(&logged.leaf).unwrap();
    assert_eq!(event["type"], "token.exchanged");
    // A slip costs no token.
    let before = app.traces().await;
    exchange(&app, "?receipt=yes")
        .await
        .refuses(400, "malformed", "receipt is true or false");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn whoever_pushes_gets_the_receipt_of_the_release_if_it_is_asked_for() {
    let app = rake().await;
    let key = vkey(&app).await;
    let plain = push(&app, "", "*/*", good("rake", "1.0.0")).await.is(200);
    assert!(!plain.text().contains("tlog-proof"), "{}", plain.text());
    // As text, after what `gem` prints; again for what was there already.
    for first in [
        "Successfully registered gem: rake (2.0.0)",
        "Gem was already pushed: rake (2.0.0)",
    ] {
        let gem = good("rake", "2.0.0");
        let told = push(&app, "?receipt=true", "*/*", gem.clone())
            .await
            .says(200, first);
        let at = told.text().find("c2sp.org/tlog-proof@v1\n").unwrap();
        verify(&gem, &told.body[at..], &key).unwrap();
    }
    // As JSON.
    let gem = good("rake", "3.0.0");
    let told = push(&app, "?receipt=true", "application/json", gem.clone())
        .await
        .is(200);
    assert_eq!(told.header("cache-control"), Some("no-store"));
    let told = told.json();
    let proven = verify(&gem, told["receipt"].as_str().unwrap().as_bytes(), &key).unwrap();
    assert_eq!(told["log_index"], proven.index);
    assert_eq!(
        (&told["name"], &told["version"]),
        (&"rake".into(), &"3.0.0".into())
    );
    let told = push(&app, "", "application/json", gem).await.is(200).json();
    assert_eq!(
        (&told["already_pushed"], told.get("receipt")),
        (&true.into(), None)
    );
    let before = app.traces().await;
    let key = app.push_key("someone").await;
    let request = app
        .request(Method::POST, &format!("{PUSH}?receipt=2"))
        .header("authorization", key);
    answer(request.body(good("rake", "4.0.0"))).await.is(400);
    assert_eq!(app.traces().await.files, before.files);
    app.finish().await;
}
