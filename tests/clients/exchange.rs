//! A token made by an independent library is exchanged as GitHub's action does it, and pushed with.
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    issuer::{Issuer, exchange, job},
    ruby::{Edition, Gem, Ruby},
};
use crate::support::{
    http::{self, Answer},
    program::Ledger,
};

fn revoke(url: &str, key: &str) -> Answer {
    let url = format!("{url}/api/v1/oidc/trusted_publisher/exchange_token");
    http::request(Method::DELETE, &url, &[("authorization", key)], &[])
}

/// What the action's schema wants: an ISO time with a zone, and no `gem` unless it is an object.
fn is_as_the_action_wants_it(answer: &Value) {
    assert!(answer["rubygems_api_key"].is_string() && answer["name"].is_string());
    let scopes = answer["scopes"].as_array().unwrap();
    assert!(scopes.iter().all(Value::is_string));
    assert!(answer.get("gem").is_none_or(Value::is_object), "{answer}");
    let expires = answer["expires_at"].as_str().unwrap().as_bytes();
    let shape: String = expires
        .iter()
        .map(|byte| {
            if byte.is_ascii_digit() {
                '0'
            } else {
                char::from(*byte)
            }
        })
        .collect();
    assert!(
        ["0000-00-00T00:00:00Z", "0000-00-00T00:00:00.000Z"].contains(&shape.as_str()),
        "{shape}"
    );
}

#[test]
fn a_token_of_pyjwt_buys_a_key_that_gem_push_uses_until_it_is_revoked() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "hello");
    let answer = exchange(
        &ledger.url(),
        &issuer.token(&job(ledger.address(), "hello")),
    );
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let answer = answer.json();
    is_as_the_action_wants_it(&answer);
    assert_eq!(answer["scopes"], json!(["push_rubygem"]));

    let key = answer["rubygems_api_key"].as_str().unwrap();
    let ruby = Ruby::new(Edition::Installed).with_key(key);
    ruby.release(&ledger.url(), &Gem::new("hello", "1.0.0"));
    assert_eq!(revoke(&ledger.url(), key).status, 200);
    let next = ruby.build(&Gem::new("hello", "1.1.0"));
    ruby.push(&ledger.url(), &next).ends(1, "Access Denied.");
    assert!(matches!(revoke(&ledger.url(), key).status, 200 | 401));
    ledger.is_sound();
}

#[test]
fn a_gem_server_with_a_slash_at_its_end_is_reached_too() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "hello");
    let answer = exchange(
        &format!("{}/", ledger.url()),
        &issuer.token(&job(ledger.address(), "hello")),
    );
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[test]
fn a_token_is_exchanged_once() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "hello");
    let token = issuer.token(&job(ledger.address(), "hello"));
    assert_eq!(exchange(&ledger.url(), &token).status, 201);
    let again = exchange(&ledger.url(), &token);
    assert_eq!(
        (again.status, &again.json()["code"]),
        (403, &json!("token_spent")),
        "{}",
        again.text()
    );
}

#[test]
fn who_does_not_match_is_told_what_differs_in_the_message_that_the_action_prints() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "hello");
    let changed = |changes: Value| {
        let mut claims = job(ledger.address(), "hello");
        claims
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        exchange(&ledger.url(), &issuer.token(&claims))
    };
    let renamed = "octo-org/hello/.github/workflows/ci.yml@refs/tags/v1.0.0";
    let cases = [
        (
            json!({"workflow_ref": renamed, "job_workflow_ref": renamed}),
            403,
            "ci.yml",
        ),
        (json!({"environment": "staging"}), 403, "staging"),
        (
            json!({"ref": "refs/heads/topic", "ref_type": "branch", "workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/heads/topic", "job_workflow_ref": "octo-org/hello/.github/workflows/release.yml@refs/heads/topic"}),
            403,
            "refs/heads/topic",
        ),
        (
            json!({"event_name": "pull_request_target"}),
            403,
            "pull_request_target",
        ),
        (json!({"repository_owner_id": "1"}), 403, "id"),
        (json!({"aud": "rubygems.org"}), 403, ledger.address()),
        (json!({"aud": [ledger.address(), "other"]}), 403, "audience"),
        (
            json!({"iat": 1_000_000_000, "nbf": 1_000_000_000, "exp": 1_000_000_300}),
            401,
            "expired",
        ),
        (
            json!({"iat": 4_000_000_000_u64, "exp": 4_000_000_300_u64}),
            401,
            "",
        ),
        (json!({"iss": "https://elsewhere.example"}), 401, ""),
    ];
    for (changes, status, said) in cases {
        let answer = changed(changes.clone());
        assert_eq!(answer.status, status, "{changes}: {}", answer.text());
        let body = answer.json();
        for field in ["error", "code", "message"] {
            assert!(body[field].is_string(), "{changes}: {body}");
        }
        assert!(
            body["message"].as_str().unwrap().contains(said),
            "{changes}: {body}"
        );
    }
    ledger.is_sound();
}

#[test]
fn what_is_no_token_is_malformed() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    for (kind, body) in [
        ("application/json", "{}"),
        ("application/json", "{\"jwt\":\"a.b\"}"),
        ("application/json", "jwt"),
        ("application/x-www-form-urlencoded", "x=1"),
    ] {
        let url = format!(
            "{}/api/v1/oidc/trusted_publisher/exchange_token",
            ledger.url()
        );
        let answer = http::request(
            Method::POST,
            &url,
            &[("content-type", kind)],
            body.as_bytes(),
        );
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        assert!(answer.json()["error"].is_string());
    }
}
