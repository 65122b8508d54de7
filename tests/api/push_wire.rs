//! Pushes on the wire: answered before the body is read, cut off where it is too long, judged when it has come.
use std::time::Duration;

use events::api_key::Scope;
use gemledger::http::MAX_GEM;
use reqwest::Method;
use sqlx::{Connection as _, SqliteConnection};

use super::{
    answer::answer,
    app::{PUSH, TestApp, files},
    given::{good, rake},
};

fn head(key: &str, length: usize, more: &str) -> String {
    format!(
        "POST {PUSH} HTTP/1.1\r\nhost: gems.example.com\r\nauthorization: {key}\r\ncontent-length: {length}\r\n{more}\r\n"
    )
}

#[tokio::test]
async fn a_stranger_is_answered_before_the_body_is_read() {
    let app = rake().await;
    let before = app.traces().await;
    // Nothing of the body is ever sent.
    let mut wire = app.wire().await;
    wire.send(head("x", 1_000_000, "")).await;
    let (status, text) = wire.head().await;
    assert_eq!(status, 401, "{text}");
    let mut chunked = app.wire().await;
    chunked
        .send(format!(
            "POST {PUSH} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"
        ))
        .await;
    assert_eq!(chunked.head().await.0, 401);
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_stranger_who_asks_before_sending_hears_no() {
    let app = rake().await;
    let before = app.traces().await;
    let mut wire = app.wire().await;
    wire.send(head("x", 1_000_000, "expect: 100-continue\r\n"))
        .await;
    let (mut status, mut text) = wire.head().await;
    if status == 100 && !text.contains("401") {
        (status, text) = wire.head().await;
    }
    assert!(status == 401 || text.contains(" 401 "), "{text}");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_nobody_read_is_not_taken_for_the_next_request() {
    let app = rake().await;
    let before = app.traces().await;
    let hidden = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for lead in [0, 70_000, 300_000] {
        let body = format!("{}{hidden}", "x".repeat(lead));
        let mut wire = app.wire().await;
        wire.send(head("x", body.len(), "")).await;
        // The server may have hung up by now.
        let _ = wire.try_send(&body).await;
        let (_, text) = wire.answer().await;
        assert!(
            text.contains(" 401 ") && !text.contains("\"status\""),
            "{text}"
        );
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{text}");
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_before_it_is_sent() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    let before = app.traces().await;
    let mut wire = app.wire().await;
    wire.send(head(&key, MAX_GEM + 1, "")).await;
    let (status, text) = wire.head().await;
    assert_eq!(status, 413, "{text}");
    assert!(text.contains("a gem has at most"), "{text}");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_ends_early_leaves_nothing() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    let before = app.traces().await;
    let gem = good("tool", "1.0.0");
    let mut wire = app.wire().await;
    wire.send(head(&key, gem.len(), "")).await;
    wire.send(&gem[..gem.len() - 1]).await;
    drop(wire);
    let mut wire = app.wire().await;
    wire.send(head(&key, gem.len() - 1024, "connection: close\r\n"))
        .await;
    wire.send(&gem[..gem.len() - 1024]).await;
    assert_eq!(wire.answer().await.0, 422);
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_body_in_chunks_is_taken() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    let gem = good("tool", "1.0.0");
    let mut wire = app.wire().await;
    let start = format!(
        "POST {PUSH} HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    wire.send(start).await;
    for chunk in gem.chunks(700) {
        wire.send(format!("{:x}\r\n", chunk.len())).await;
        wire.send(chunk).await;
        wire.send("\r\n").await;
    }
    wire.send("0\r\n\r\n").await;
    assert_eq!(wire.head().await.0, 200);
    app.finish().await;
}

#[tokio::test]
async fn only_one_kind_of_multipart_is_a_form() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    let before = app.traces().await;
    for (kind, status, text) in [
        ("multipart/mixed; boundary=x", 415, "multipart/form-data"),
        ("multipart/form-data", 400, "boundary"),
        ("multipart/form-data; boundary=x", 422, "not an archive"),
    ] {
        let request = app
            .request(Method::POST, PUSH)
            .header("authorization", &key)
            .header("content-type", kind);
        let body = "--x\r\ncontent-disposition: form-data; name=\"gem\"\r\n\r\nx\r\n--x--\r\n";
        answer(request.body(body)).await.says(status, text);
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_push_that_began_in_time_and_came_too_late_is_not_recorded() {
    let app = rake().await;
    let alice = app.account("alice").await;
    let key = app
        .narrow_key(alice, &[Scope::PushRubygem], None, Some(60))
        .await;
    let before = app.traces().await;
    let gem = good("tool", "1.0.0");
    let mut wire = app.wire().await;
    wire.send(head(&key, gem.len(), "connection: close\r\n"))
        .await;
    wire.send(&gem[..100]).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    app.pass(60);
    wire.send(&gem[100..]).await;
    let (status, text) = wire.answer().await;
    assert_eq!(status, 401, "{text}");
    assert!(text.contains("Access Denied."), "{text}");
    app.left_nothing(before).await;
    app.finish().await;
}

/// Holds the database's one write lock.
async fn lock(app: &TestApp) -> SqliteConnection {
    let path = format!("sqlite://{}", app.app.folder.database().display());
    let mut connection = SqliteConnection::connect(&path).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

#[tokio::test]
async fn a_push_that_waited_for_the_database_until_its_key_was_dead_is_not_recorded() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    let before = app.traces().await;
    let mut locked = lock(&app).await;
    let late = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.pass(900);
        sqlx::query("ROLLBACK").execute(&mut locked).await.unwrap();
    };
    let (answer, ()) = futures::future::join(app.push(&key, good("rake", "1.0.0")), late).await;
    answer.says(401, "Access Denied.");
    let after = app.traces().await;
    assert_eq!((after.files, after.sealed), (before.files, before.sealed));
    assert!(
        !app.since(before.events)
            .await
            .contains(&"release.pushed".to_owned())
    );
    app.finish().await;
}

/// Whether log and index come to say the same of this version of `tool`.
async fn agrees(app: &TestApp, number: &str) -> bool {
    for _ in 0..50 {
        let released = app.last().await["data"]["number"] == number;
        let (info, versions) = (app.get("/info/tool").await, app.get("/versions").await);
        let listed = [info, versions].map(|page| page.text().contains(number));
        if listed == [released, released] {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test]
async fn whoever_hangs_up_after_the_last_byte_has_pushed_and_the_index_says_so() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    for round in 0..10 {
        let number = format!("1.0.{round}");
        app.get("/versions").await.is(200);
        app.get("/info/tool").await;
        let (gem, before) = (good("tool", &number), app.traces().await.files);
        let mut wire = app.wire().await;
        wire.send(head(&key, gem.len(), "")).await;
        wire.send(&gem).await;
        // Once its files are there, the push waits for the database, which somebody else has.
        while files(&app.app.folder.blobs()).len() == before {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        let mut locked = lock(&app).await;
        wire.reset();
        tokio::time::sleep(Duration::from_millis(100)).await;
        sqlx::query("ROLLBACK").execute(&mut locked).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(agrees(&app, &number).await, "{number}");
    }
    app.finish().await;
}

#[tokio::test]
async fn yanking_and_signing_in_are_refused_politely() {
    let app = rake().await;
    let alice = app.account("alice").await;
    let key = app
        .api_key(alice, &[Scope::PushRubygem, Scope::YankRubygem])
        .await;
    let before = app.traces().await;
    let yank = |key: &str| {
        answer(
            app.request(Method::DELETE, "/api/v1/gems/yank")
                .header("authorization", key)
                .body("gem_name=tool&version=1"),
        )
    };
    yank(&key).await.says(403, "does not yank releases yet");
    yank("x").await.says(401, "Access Denied.");
    for method in [Method::GET, Method::POST, Method::PUT] {
        answer(app.request(method, "/api/v1/api_key"))
            .await
            .says(410, "no passwords");
    }
    app.left_nothing(before).await;
    app.finish().await;
}
