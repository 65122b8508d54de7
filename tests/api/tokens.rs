//! Tokens that do not verify: each is refused with a reason, and none leaves a trace.
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use events::claims::ProviderKind;
use serde_json::{Value, json};

use super::{
    app::{AUDIENCE, TestApp, job},
    given::{GITHUB, issuer, rake},
};

/// A good token with these claims replaced is refused like this, and leaves nothing behind.
async fn refused(app: &TestApp, changes: Value, status: u16, code: &str, message: &str) -> Value {
    let before = app.traces().await;
    let token = app.token_with(&GITHUB, &job("acme/rake"), changes);
    let answer = app.exchange(&token).await.refuses(status, code, message);
    app.left_nothing(before).await;
    answer.json()
}

fn unsigned(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!(
        "{}.{}.{}",
        part(header),
        part(claims),
        URL_SAFE_NO_PAD.encode(signature)
    )
}

#[tokio::test]
async fn a_token_that_is_signed_with_nothing_or_a_shared_secret_is_refused() {
    let app = rake().await;
    let before = app.traces().await;
    let claims = GITHUB.github_claims(&job("acme/rake"), AUDIENCE, app.clock.now(), "j");
    for algorithm in [
        "none", "None", "HS256", "HS512", "RS512", "ES256", "EdDSA", "",
    ] {
        for signature in [&b""[..], &[7; 256]] {
            let header = json!({"alg": algorithm, "kid": GITHUB.kid(), "typ": "JWT"});
            let refused = app.exchange(&unsigned(&header, &claims, signature)).await;
            refused.refuses(401, "token_algorithm_not_allowed", "signed with");
        }
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_header_that_brings_its_own_key_or_rules_is_refused() {
    let app = rake().await;
    let before = app.traces().await;
    let claims = GITHUB
        .github_claims(&job("acme/rake"), AUDIENCE, app.clock.now(), "j")
        .to_string();
    for (name, value) in [
        ("jwk", GITHUB.jwks()["keys"][0].clone()),
        ("jku", json!("https://evil.example")),
        ("crit", json!(["exp"])),
        ("x5c", json!([])),
        ("b64", json!(false)),
    ] {
        let header = json!({"alg": "RS256", "kid": GITHUB.kid(), name: value}).to_string();
        let token = GITHUB.sign_text(&header, &claims).unwrap();
        app.exchange(&token)
            .await
            .refuses(400, "token_header_forbidden", name);
    }
    let token = GITHUB
        .sign_text(
            &json!({"alg": "RS256", "kid": GITHUB.kid(), "typ": "at+jwt"}).to_string(),
            &claims,
        )
        .unwrap();
    app.exchange(&token)
        .await
        .refuses(400, "token_header_invalid", "typ");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_key_of_another_issuer_signs_nothing_here() {
    let app = rake().await;
    let stranger = issuer("https://ci.example.com");
    app.provider("stranger", ProviderKind::Github, &stranger)
        .await;
    let before = app.traces().await;
    // The stranger's key under github.com's name, and under the name of github.com's key.
    let token = app.token_with(&stranger, &job("acme/rake"), json!({"iss": GITHUB.url()}));
    app.exchange(&token)
        .await
        .refuses(401, "token_algorithm_not_allowed", "ES256");
    let claims = GITHUB
        .github_claims(&job("acme/rake"), AUDIENCE, app.clock.now(), "j")
        .to_string();
    let header = json!({"alg": "RS256", "kid": GITHUB.kid(), "typ": "JWT"}).to_string();
    let forged = stranger.sign_text(&header, &claims).unwrap();
    app.exchange(&forged)
        .await
        .refuses(401, "token_signature_invalid", "signature");
    let unknown = json!({"alg": "RS256", "kid": "nobody's", "typ": "JWT"}).to_string();
    app.exchange(&GITHUB.sign_text(&unknown, &claims).unwrap())
        .await
        .refuses(401, "token_key_unknown", "nobody's");
    app.left_nothing(before).await;
    // Its own word about the same repository is its own word: there the publisher is not configured.
    let token = app.token(&stranger, &job("acme/rake"));
    app.exchange(&token)
        .await
        .refuses(403, "no_publisher", "no trusted publisher");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let app = rake().await;
    let before = app.traces().await;
    let token = app.token(&GITHUB, &job("acme/rake"));
    let (head, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = head.split_once('.').unwrap();
    let claims = GITHUB
        .github_claims(&job("acme/rake"), AUDIENCE, app.clock.now(), "other")
        .to_string();
    let changed = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims));
    app.exchange(&changed)
        .await
        .refuses(401, "token_signature_invalid", "signature");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn an_issuer_that_nobody_registered_is_unknown() {
    let app = rake().await;
    for url in [
        "https://ci.example.com",
        "https://token.actions.githubusercontent.com/",
        "https://TOKEN.actions.githubusercontent.com",
        "x",
    ] {
        refused(
            &app,
            json!({"iss": url}),
            401,
            "provider_unknown",
            "no identity provider is registered",
        )
        .await;
    }
    for iss in [json!(null), json!(""), json!(7), json!(["x"])] {
        refused(
            &app,
            json!({"iss": iss}),
            400,
            "token_without_issuer",
            "names no issuer",
        )
        .await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_token_for_two_audiences_is_for_nobody() {
    let app = rake().await;
    let told = refused(
        &app,
        json!({"aud": [AUDIENCE, "rubygems.org"]}),
        403,
        "token_several_audiences",
        "names 2 audiences",
    )
    .await;
    assert!(
        told["hint"]
            .as_str()
            .unwrap()
            .contains("audience: gems.example.com")
    );
    app.finish().await;
}

#[tokio::test]
async fn a_token_for_another_audience_is_told_the_line_to_put_into_the_workflow() {
    let app = rake().await;
    let line = "put `audience: gems.example.com` under `with:`";
    for (audience, code, made_for) in [
        (
            "rubygems.org",
            "token_audience_of_another_registry",
            "made for rubygems.org",
        ),
        (
            "crates.io",
            "token_audience_of_another_registry",
            "made for crates.io",
        ),
        (
            "https://github.com/acme",
            "token_audience_not_requested",
            "no registry in particular",
        ),
        (
            "gems.example.org",
            "token_audience_mismatch",
            "`gems.example.org`",
        ),
        (
            "GEMS.example.com",
            "token_audience_mismatch",
            "this registry is `gems.example.com`",
        ),
    ] {
        let told = refused(&app, json!({"aud": audience}), 403, code, made_for).await;
        assert!(told["message"].as_str().unwrap().contains(line), "{told}");
        assert!(told["hint"].as_str().unwrap().contains(line), "{told}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_host_that_a_client_names_is_not_the_audience() {
    let app = rake().await;
    let before = app.traces().await;
    let token = app.token_with(&GITHUB, &job("acme/rake"), json!({"aud": "evil.example"}));
    let body = json!({"jwt": token}).to_string();
    let request = app
        .request(reqwest::Method::POST, super::app::EXCHANGE)
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example");
    super::answer::answer(request.body(body)).await.refuses(
        403,
        "token_audience_mismatch",
        "evil.example",
    );
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_claim_that_is_missing_is_named() {
    let app = rake().await;
    for claim in [
        "aud",
        "iat",
        "exp",
        "repository",
        "repository_id",
        "repository_owner_id",
        "workflow_ref",
        "job_workflow_ref",
        "ref",
        "sha",
        "event_name",
        "run_id",
    ] {
        refused(
            &app,
            json!({claim: null}),
            401,
            "token_claim_missing",
            &format!("no `{claim}` claim"),
        )
        .await;
    }
    for (claim, value) in [
        ("iat", json!("soon")),
        ("exp", json!(1.5)),
        ("exp", json!(-1)),
        ("repository", json!(["acme/rake"])),
        ("jti", json!("")),
        ("jti", json!(7)),
        ("aud", json!({})),
    ] {
        refused(
            &app,
            json!({claim: value}),
            401,
            "token_claim_invalid",
            &format!("`{claim}`"),
        )
        .await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_token_is_taken_within_its_time_and_a_little_leeway() {
    let app = rake().await;
    let now = app.clock.now().seconds();
    let times = |iat: u64, exp: u64| json!({"iat": iat, "nbf": iat, "exp": exp});
    refused(
        &app,
        times(now - 400, now - 30),
        401,
        "token_expired",
        "expired at",
    )
    .await;
    refused(
        &app,
        times(now + 31, now + 300),
        401,
        "token_not_yet_valid",
        "`iat`",
    )
    .await;
    refused(
        &app,
        json!({"nbf": now + 31}),
        401,
        "token_not_yet_valid",
        "`nbf`",
    )
    .await;
    refused(
        &app,
        times(now, now + 3601),
        401,
        "token_lifetime_too_long",
        "3601 seconds",
    )
    .await;
    refused(
        &app,
        times(now, now),
        401,
        "token_lifetime_too_long",
        "0 seconds",
    )
    .await;
    refused(
        &app,
        times(now, u64::MAX),
        401,
        "token_lifetime_too_long",
        "seconds",
    )
    .await;
    refused(
        &app,
        times(u64::MAX - 10, u64::MAX),
        401,
        "token_not_yet_valid",
        "`iat`",
    )
    .await;
    for (iat, exp) in [
        (now - 400, now - 29),
        (now + 30, now + 300),
        (now - 3600, now),
        (now, now + 3600),
    ] {
        app.exchange(&app.token_with(&GITHUB, &job("acme/rake"), times(iat, exp)))
            .await
            .is(201);
    }
    app.finish().await;
}
