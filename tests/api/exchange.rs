//! The exchange: what a job gets, what it is told when it sends something else, and how it gives its key back.
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::{
    answer::answer,
    app::{EXCHANGE, job},
    given::{GITHUB, good, rake},
};

#[tokio::test]
async fn a_job_gets_the_answer_that_rubygems_org_gives() {
    let app = rake().await;
    let before = app.traces().await;
    let answer = app
        .exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .is(201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let mut body = answer.json();
    let key = body["rubygems_api_key"].take();
    let key = key.as_str().unwrap();
    assert!(
        key.starts_with("gemledger_")
            && key
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    );
    assert_eq!(
        body,
        json!({
            "rubygems_api_key": null,
            "name": "acme/rake 2026-11-23T02:55:02Z",
            "scopes": ["push_rubygem"],
            "expires_at": "2026-11-23T03:10:02.000Z",
            "log_index": before.events,
        })
    );
    assert_eq!(
        app.since(before.events).await,
        ["token.exchanged", "api_key.issued"]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_form_is_taken_like_json_and_whatever_else_as_json() {
    let app = rake().await;
    let token = || app.token(&GITHUB, &job("acme/rake"));
    let post = |kind: &'static str, body: String| {
        answer(
            app.request(Method::POST, EXCHANGE)
                .header("content-type", kind)
                .body(body),
        )
    };
    post(
        "application/x-www-form-urlencoded",
        format!("jwt={}&x=1", token()),
    )
    .await
    .is(201);
    post(
        "application/x-www-form-urlencoded; charset=utf-8",
        format!("jwt={}", token()),
    )
    .await
    .is(201);
    post(
        "application/json; charset=utf-8",
        json!({"jwt": token(), "x": 1}).to_string(),
    )
    .await
    .is(201);
    post("text/plain", format!("{{\n  \"jwt\": \"{}\"\n}}", token()))
        .await
        .is(201);
    app.finish().await;
}

#[tokio::test]
async fn two_slashes_before_the_path_are_forgiven() {
    let app = rake().await;
    let body = json!({"jwt": app.token(&GITHUB, &job("acme/rake"))}).to_string();
    answer(
        app.request(Method::POST, &format!("/{EXCHANGE}"))
            .body(body),
    )
    .await
    .is(201);
    app.finish().await;
}

#[tokio::test]
async fn a_request_without_a_token_is_malformed() {
    let app = rake().await;
    let before = app.traces().await;
    let missing = "Request is missing param 'jwt'";
    let post = |kind: &'static str, body: &'static str| {
        answer(
            app.request(Method::POST, EXCHANGE)
                .header("content-type", kind)
                .body(body),
        )
    };
    for body in [
        "{}",
        "[]",
        "null",
        "{\"jwt\":null}",
        "{\"jwt\":7}",
        "{\"jwt\":[\"a\"]}",
    ] {
        post("application/json", body)
            .await
            .refuses(400, "malformed", missing);
    }
    for body in ["", "token=1", "jwt=a&jwt=b"] {
        post("application/x-www-form-urlencoded", body)
            .await
            .refuses(400, "malformed", missing);
    }
    for body in ["", "{", "jwt=x", "{\"jwt\":\"\u{0}\"}"] {
        post("application/json", body)
            .await
            .refuses(400, "malformed", "not JSON");
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_token_is_malformed_and_is_not_repeated_to_whoever_sent_it() {
    let app = rake().await;
    let before = app.traces().await;
    let token = app.token(&GITHUB, &job("acme/rake"));
    let (head, signature) = token.rsplit_once('.').unwrap();
    for bad in [
        "",
        "a.b",
        "a.b.c.d",
        &format!(" {token}"),
        &format!("{token}\n"),
        &format!("{head}.{signature}="),
        "..",
        head,
    ] {
        let refused = app
            .exchange(bad)
            .await
            .refuses(400, "token_malformed", "identity token");
        assert!(bad.len() < 8 || !refused.text().contains(bad));
    }
    app.exchange(&"a".repeat(17_000))
        .await
        .refuses(400, "token_too_long", "16 KiB");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_no_token_needs_is_too_large() {
    let app = rake().await;
    let before = app.traces().await;
    app.exchange(&"a".repeat(70_000))
        .await
        .refuses(413, "too_large", "65536 bytes");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_token_is_exchanged_once() {
    let app = rake().await;
    let token = app.token(&GITHUB, &job("acme/rake"));
    app.exchange(&token).await.is(201);
    let before = app.traces().await;
    app.exchange(&token)
        .await
        .refuses(403, "token_spent", "the token was exchanged before");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn another_token_with_the_same_jti_and_expiry_is_spent_too() {
    let app = rake().await;
    let twin = |commit: &str| {
        app.token_with(
            &GITHUB,
            &job("acme/rake"),
            json!({"jti": "one", "sha": commit}),
        )
    };
    app.exchange(&twin(&"a".repeat(40))).await.is(201);
    app.exchange(&twin(&"b".repeat(40)))
        .await
        .refuses(403, "token_spent", "exchanged before");
    app.finish().await;
}

#[tokio::test]
async fn of_fifty_who_bring_one_token_at_the_same_instant_exactly_one_gets_a_key() {
    let app = rake().await;
    let before = app.traces().await;
    let token = app.token(&GITHUB, &job("acme/rake"));
    let answers = join_all((0..50).map(|_| app.exchange(&token))).await;
    let (given, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(given.len(), 1);
    for answer in refused {
        answer.refuses(403, "token_spent", "exchanged before");
    }
    assert_eq!(
        app.since(before.events).await,
        ["token.exchanged", "api_key.issued"]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_key_that_was_given_back_is_dead_at_once() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    let before = app.traces().await;
    let answer = app.revoke(&key).await.is(200);
    assert_eq!(
        answer.json(),
        json!({"revoked": true, "log_index": before.events})
    );
    assert_eq!(app.since(before.events).await, ["api_key.revoked"]);
    assert_eq!(app.last().await["data"]["reason"], "holder");
    let after = app.traces().await;
    app.push(&key, good("rake", "1.0.0"))
        .await
        .says(401, "Access Denied.");
    app.revoke(&key)
        .await
        .refuses(401, "key_revoked", "this API key was revoked");
    app.left_nothing(after).await;
    app.finish().await;
}

#[tokio::test]
async fn a_key_is_given_back_however_it_is_shown() {
    let app = rake().await;
    for form in ["{}", "Bearer {}", "bearer {}"] {
        let key = app.job_key("acme/rake").await;
        app.revoke(&form.replace("{}", &key)).await.is(200);
    }
    let key = app.job_key("acme/rake").await;
    answer(
        app.request(Method::DELETE, EXCHANGE)
            .basic_auth("anybody", Some(&key)),
    )
    .await
    .is(200);
    let key = app.job_key("acme/rake").await;
    answer(
        app.request(Method::DELETE, EXCHANGE)
            .basic_auth(&key, None::<&str>),
    )
    .await
    .is(200);
    app.finish().await;
}

#[tokio::test]
async fn without_a_known_key_nothing_is_given_back() {
    let app = rake().await;
    let before = app.traces().await;
    let bare = answer(app.request(Method::DELETE, EXCHANGE)).await.refuses(
        401,
        "key_unknown",
        "no such API key",
    );
    assert!(
        bare.header("www-authenticate")
            .unwrap()
            .starts_with("Basic ")
    );
    for unknown in [
        "x",
        "gemledger_0000",
        "Bearer",
        "Basic !",
        "Basic OjE=",
        "Digest x",
    ] {
        app.revoke(unknown)
            .await
            .refuses(401, "key_unknown", "no such API key");
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_key_that_expired_cannot_be_given_back() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    app.pass(900);
    let before = app.traces().await;
    app.revoke(&key)
        .await
        .refuses(401, "key_expired", "expired");
    app.left_nothing(before).await;
    app.finish().await;
}
