//! Trusted publishers over HTTP, in the shapes of the API of rubygems.org.
use events::{api_key::Scope, claims::ProviderKind, id::{AccountId, PublisherId}};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, answer},
    app::{TestApp, job},
    given::{GITHUB, good, issuer},
};

const PATH: &str = "/api/v1/gems/rake/trusted_publishers";
const GITHUB_TYPE: &str = "OIDC::TrustedPublisher::GitHubAction";
const SCOPES: [Scope; 2] = [Scope::ConfigureTrustedPublishers, Scope::PushRubygem];

/// A ledger where alice owns `rake`; her account and key.
async fn owned() -> (TestApp, AccountId, String) {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    app.network.knows("acme/rake", 1_420_893, 210_414);
    let alice = app.account("alice").await;
    let key = app.api_key(alice, &SCOPES).await;
    app.push(&key, good("rake", "0.9.0")).await.is(200);
    (app, alice, key)
}

async fn ask(app: &TestApp, method: Method, path: &str, key: &str, body: &Value) -> Answer {
    let request = app.request(method, path).header("authorization", key);
    let request = match body {
        Value::Null => request,
        body => request.header("content-type", "application/json").body(body.to_string()),
    };
    answer(request).await
}

fn fields() -> Value {
    json!({"repository_owner": "acme", "repository_name": "rake", "workflow_filename": "release.yml", "environment": "release"})
}

fn new(fields: &Value) -> Value {
    json!({"trusted_publisher_type": GITHUB_TYPE, "trusted_publisher": fields})
}

#[tokio::test]
async fn a_publisher_is_added_shown_listed_and_removed_as_rubygems_org_does() {
    let (app, _, key) = owned().await;
    assert_eq!(ask(&app, Method::GET, PATH, &key, &Value::Null).await.is(200).json(), json!([]));
    let added = ask(&app, Method::POST, PATH, &key, &new(&fields())).await.is(201).json();
    let id = added["id"].as_u64().unwrap();
    assert_eq!(
        added,
        json!({
            "id": id,
            "trusted_publisher_type": GITHUB_TYPE,
            "trusted_publisher": {
                "name": "GitHub Actions acme/rake @ .github/workflows/release.yml (release)",
                "repository_owner": "acme", "repository_name": "rake",
                "repository_owner_id": "210414", "repository_id": "1420893",
                "workflow_filename": "release.yml", "environment": "release",
                "workflow_repository_owner": null, "workflow_repository_name": null,
                "provider": "github",
            }
        })
    );
    let path = format!("{PATH}/{id}");
    assert_eq!(ask(&app, Method::GET, &path, &key, &Value::Null).await.is(200).json(), added);
    assert_eq!(ask(&app, Method::GET, PATH, &key, &Value::Null).await.is(200).json(), json!([added]));
    let before = app.traces().await;
    let removed = ask(&app, Method::DELETE, &path, &key, &Value::Null).await.is(204);
    assert!(removed.body.is_empty());
    assert_eq!(app.since(before.events).await, ["publisher.removed"]);
    for method in [Method::GET, Method::DELETE] {
        ask(&app, method, &path, &key, &Value::Null).await.is(404);
    }
    assert_eq!(ask(&app, Method::GET, PATH, &key, &Value::Null).await.json(), json!([]));
    app.finish().await;
}

#[tokio::test]
async fn a_publisher_that_was_added_over_http_releases_at_once() {
    let (app, _, key) = owned().await;
    ask(&app, Method::POST, PATH, &key, &new(&fields())).await.is(201);
    let job = gemledger::demo::issuer::GithubJob { environment: Some("release".into()), ..job("acme/rake") };
    let minted = app.exchange(&app.token(&GITHUB, &job)).await.key();
    app.push(&minted, good("rake", "1.0.0")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_form_is_taken_like_json() {
    let (app, _, key) = owned().await;
    let form = format!("trusted_publisher_type={GITHUB_TYPE}&trusted_publisher[repository_owner]=acme&trusted_publisher%5Brepository_name%5D=rake&trusted_publisher[workflow_filename]=release.yml&trusted_publisher[environment]=");
    let request = app.request(Method::POST, PATH).header("authorization", &key);
    let added = answer(request.header("content-type", "application/x-www-form-urlencoded").body(form)).await.is(201);
    assert_eq!(added.json()["trusted_publisher"]["environment"], Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn a_reusable_workflow_is_named_in_whole_or_not_at_all() {
    let (app, _, key) = owned().await;
    let mut named = fields();
    named["workflow_repository_owner"] = json!("acme");
    let told = ask(&app, Method::POST, PATH, &key, &new(&named)).await.is(422).json();
    assert!(told["errors"]["trusted_publisher.workflow_repository_name"].is_array(), "{told}");
    named["workflow_repository_name"] = json!("workflows");
    let added = ask(&app, Method::POST, PATH, &key, &new(&named)).await.is(201).json();
    assert_eq!(added["trusted_publisher"]["workflow_repository_owner"], "acme");
    assert_eq!(added["trusted_publisher"]["workflow_repository_name"], "workflows");
    app.finish().await;
}

#[tokio::test]
async fn what_is_missing_or_impossible_is_said_field_by_field() {
    let (app, _, key) = owned().await;
    let before = app.traces().await;
    let told = ask(&app, Method::POST, PATH, &key, &new(&json!({"workflow_filename": ""}))).await.is(422).json();
    assert_eq!(told["status"], "unprocessable_content");
    for field in ["repository_owner", "repository_name", "workflow_filename"] {
        assert_eq!(told["errors"][format!("trusted_publisher.{field}")], json!(["can't be blank"]), "{told}");
    }
    let other = json!({"trusted_publisher_type": "OIDC::TrustedPublisher::GitLab", "trusted_publisher": fields()});
    let told = ask(&app, Method::POST, PATH, &key, &other).await.is(422).json();
    assert_eq!(told["error"], "Unsupported trusted publisher type");
    for (field, value) in [("workflow_filename", "../release.yml"), ("workflow_filename", "release.rb"), ("workflow_filename", "a.yml@main"), ("repository_name", "rake/evil"), ("repository_name", ".."), ("repository_owner", "a\u{202e}b"), ("environment", "a\nb")] {
        let mut bad = fields();
        bad[field] = json!(value);
        ask(&app, Method::POST, PATH, &key, &new(&bad)).await.is(422);
    }
    for body in [json!([]), json!("x"), json!({}), json!({"trusted_publisher_type": GITHUB_TYPE}), json!({"trusted_publisher_type": 1, "trusted_publisher": {}})] {
        ask(&app, Method::POST, PATH, &key, &body).await.refuses(400, "malformed", "trusted_publisher_type");
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn the_same_publisher_again_is_a_conflict() {
    let (app, _, key) = owned().await;
    ask(&app, Method::POST, PATH, &key, &new(&fields())).await.is(201);
    let before = app.traces().await;
    ask(&app, Method::POST, PATH, &key, &new(&fields())).await.refuses(409, "already_exists", "exists already");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_repository_that_github_does_not_know_is_added_without_ids() {
    let (app, _, key) = owned().await;
    let mut hidden = fields();
    hidden["repository_name"] = json!("secret");
    let added = ask(&app, Method::POST, PATH, &key, &new(&hidden)).await.is(201).json();
    assert_eq!(added["trusted_publisher"]["repository_id"], Value::Null);
    app.finish().await;
}

#[tokio::test]
async fn only_the_registered_github_com_counts_as_github() {
    let app = TestApp::public().await;
    let enterprise = issuer("https://ghe.example.com");
    app.provider("github", ProviderKind::Github, &enterprise).await;
    let alice = app.account("alice").await;
    let key = app.api_key(alice, &SCOPES).await;
    app.push(&key, good("rake", "0.9.0")).await.is(200);
    let before = app.traces().await;
    let told = ask(&app, Method::POST, PATH, &key, &new(&fields())).await.is(422).json();
    assert_eq!(told["error"], "GitHub is not registered as a provider of this registry");
    app.left_nothing(before).await;
    // A publisher of the other one is listed, and called something else.
    app.trust("rake", super::app::publisher("acme/rake"), events::id::Owner::Operator).await;
    let listed = ask(&app, Method::GET, PATH, &key, &Value::Null).await.is(200).json();
    assert_eq!(listed[0]["trusted_publisher_type"], "Gemledger::GitHubEnterprise");
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_added_for_a_provider_that_was_disabled() {
    let (app, _, key) = owned().await;
    app.app.disable_provider(events::text::Slug::parse("github").unwrap()).await.unwrap();
    let before = app.traces().await;
    ask(&app, Method::POST, PATH, &key, &new(&fields())).await.is(422);
    app.left_nothing(before).await;
    app.finish().await;
}

/// Every call on alice's publishers with this key is refused with this status, and leaves nothing behind.
async fn refused(app: &TestApp, key: Option<&str>, status: u16) {
    let before = app.traces().await;
    let one = format!("{PATH}/{}", app.app.reader.events(0, 100).await.unwrap().iter().rev().find_map(|recorded| {
        matches!(recorded.event.body, events::Body::PublisherAdded(_)).then_some(PublisherId(recorded.event.revision))
    }).unwrap());
    for (method, path) in [(Method::GET, PATH), (Method::POST, PATH), (Method::GET, &one), (Method::DELETE, &one), (Method::GET, &format!("{PATH}/x"))] {
        let request = app.request(method, path).body(new(&fields()).to_string());
        let answer = answer(match key {
            Some(key) => request.header("authorization", key),
            None => request,
        })
        .await
        .is(status);
        assert!(answer.json()["code"].is_string());
    }
    app.left_nothing(before).await;
}

#[tokio::test]
async fn only_an_owner_with_the_scope_manages_publishers() {
    let (app, alice, key) = owned().await;
    ask(&app, Method::POST, PATH, &key, &new(&fields())).await.is(201);
    refused(&app, None, 401).await;
    refused(&app, Some("x"), 401).await;
    let push_only = app.api_key(alice, &[Scope::PushRubygem, Scope::Read]).await;
    refused(&app, Some(&push_only), 403).await;
    let bob = app.account("bob").await;
    let bobs = app.api_key(bob, &SCOPES).await;
    refused(&app, Some(&bobs), 403).await;
    let other_gem = app.narrow_key(alice, &SCOPES, Some("tool"), None).await;
    refused(&app, Some(&other_gem), 403).await;
    let job = gemledger::demo::issuer::GithubJob { environment: Some("release".into()), ..job("acme/rake") };
    let minted = app.exchange(&app.token(&GITHUB, &job)).await.key();
    refused(&app, Some(&minted), 403).await;
    let expired = app.narrow_key(alice, &SCOPES, None, Some(1)).await;
    app.pass(1);
    refused(&app, Some(&expired), 401).await;
    let this_gem = app.narrow_key(alice, &SCOPES, Some("rake"), None).await;
    ask(&app, Method::GET, PATH, &this_gem, &Value::Null).await.is(200);
    app.app.disable_account(alice).await.unwrap();
    refused(&app, Some(&key), 401).await;
    app.finish().await;
}

#[tokio::test]
async fn a_gem_that_nobody_has_has_no_publishers() {
    let (app, _, key) = owned().await;
    let before = app.traces().await;
    for name in ["unheard-of", "..", "a%2Fb", "%00"] {
        let path = format!("/api/v1/gems/{name}/trusted_publishers");
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\nconnection: close\r\n\r\n");
        let mut wire = app.wire().await;
        wire.send(head).await;
        assert_eq!(wire.answer().await.0, 404, "{name}");
    }
    app.left_nothing(before).await;
    app.finish().await;
}
