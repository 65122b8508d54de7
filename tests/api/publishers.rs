//! Trusted publishers over HTTP, in the shapes of the API of rubygems.org.
use events::{api_key::Scope, claims::ProviderKind, id::AccountId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, answer},
    app::{TestApp, job},
    given::{GITHUB, good},
};

pub(super) const PATH: &str = "/api/v1/gems/rake/trusted_publishers";
const GITHUB_TYPE: &str = "OIDC::TrustedPublisher::GitHubAction";
pub(super) const SCOPES: [Scope; 2] = [Scope::ConfigureTrustedPublishers, Scope::PushRubygem];

/// A ledger where alice owns `rake`; her account and key.
pub(super) async fn owned() -> (TestApp, AccountId, String) {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    app.network.knows("acme/rake", 1_420_893, 210_414);
    let alice = app.account("alice").await;
    let key = app.api_key(alice, &SCOPES).await;
    app.push(&key, good("rake", "0.9.0")).await.is(200);
    (app, alice, key)
}

pub(super) async fn ask(
    app: &TestApp,
    method: Method,
    path: &str,
    key: &str,
    body: &Value,
) -> Answer {
    let request = app.request(method, path).header("authorization", key);
    let request = if body.is_null() {
        request
    } else {
        request
            .header("content-type", "application/json")
            .body(body.to_string())
    };
    let answer = answer(request).await;
    assert_eq!(
        answer.header("cache-control"),
        (answer.status != 204).then_some("no-store")
    );
    answer
}

pub(super) fn fields() -> Value {
    json!({"repository_owner": "acme", "repository_name": "rake", "workflow_filename": "release.yml", "environment": "release"})
}

pub(super) fn new(fields: &Value) -> Value {
    json!({"trusted_publisher_type": GITHUB_TYPE, "trusted_publisher": fields})
}

#[tokio::test]
async fn a_publisher_is_added_shown_listed_and_removed_as_rubygems_org_does() {
    let (app, _, key) = owned().await;
    assert_eq!(
        ask(&app, Method::GET, PATH, &key, &Value::Null)
            .await
            .is(200)
            .json(),
        json!([])
    );
    let added = ask(&app, Method::POST, PATH, &key, &new(&fields()))
        .await
        .is(201)
        .json();
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
    assert_eq!(
        ask(&app, Method::GET, &path, &key, &Value::Null)
            .await
            .is(200)
            .json(),
        added
    );
    assert_eq!(
        ask(&app, Method::GET, PATH, &key, &Value::Null)
            .await
            .is(200)
            .json(),
        json!([added])
    );
    let before = app.traces().await;
    let removed = ask(&app, Method::DELETE, &path, &key, &Value::Null)
        .await
        .is(204);
    assert!(removed.body.is_empty());
    assert_eq!(app.since(before.events).await, ["publisher.removed"]);
    for method in [Method::GET, Method::DELETE] {
        ask(&app, method, &path, &key, &Value::Null).await.is(404);
    }
    assert_eq!(
        ask(&app, Method::GET, PATH, &key, &Value::Null)
            .await
            .json(),
        json!([])
    );
    app.finish().await;
}

#[tokio::test]
async fn a_publisher_that_was_added_over_http_releases_at_once() {
    let (app, _, key) = owned().await;
    ask(&app, Method::POST, PATH, &key, &new(&fields()))
        .await
        .is(201);
    let job = gemledger::demo::issuer::GithubJob {
        environment: Some("release".into()),
        ..job("acme/rake")
    };
    let minted = app.exchange(&app.token(&GITHUB, &job)).await.key();
    app.push(&minted, good("rake", "1.0.0")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_form_is_taken_like_json() {
    let (app, _, key) = owned().await;
    let form = format!(
        "trusted_publisher_type={GITHUB_TYPE}&trusted_publisher[repository_owner]=acme&trusted_publisher%5Brepository_name%5D=rake&trusted_publisher[workflow_filename]=release.yml&trusted_publisher[environment]="
    );
    let request = app
        .request(Method::POST, PATH)
        .header("authorization", &key);
    let added = answer(
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form),
    )
    .await
    .is(201);
    assert_eq!(
        added.json()["trusted_publisher"]["environment"],
        Value::Null
    );
    app.finish().await;
}

#[tokio::test]
async fn a_reusable_workflow_is_named_in_whole_or_not_at_all() {
    let (app, _, key) = owned().await;
    let mut named = fields();
    named["workflow_repository_owner"] = json!("acme");
    let told = ask(&app, Method::POST, PATH, &key, &new(&named))
        .await
        .is(422)
        .json();
    assert!(
        told["errors"]["trusted_publisher.workflow_repository_name"].is_array(),
        "{told}"
    );
    named["workflow_repository_name"] = json!("workflows");
    let added = ask(&app, Method::POST, PATH, &key, &new(&named))
        .await
        .is(201)
        .json();
    assert_eq!(
        added["trusted_publisher"]["workflow_repository_owner"],
        "acme"
    );
    assert_eq!(
        added["trusted_publisher"]["workflow_repository_name"],
        "workflows"
    );
    app.finish().await;
}

#[tokio::test]
async fn what_is_missing_or_impossible_is_said_field_by_field() {
    let (app, _, key) = owned().await;
    let before = app.traces().await;
    let told = ask(
        &app,
        Method::POST,
        PATH,
        &key,
        &new(&json!({"workflow_filename": ""})),
    )
    .await
    .is(422)
    .json();
    assert_eq!(told["status"], "unprocessable_content");
    for field in ["repository_owner", "repository_name", "workflow_filename"] {
        assert_eq!(
            told["errors"][format!("trusted_publisher.{field}")],
            json!(["can't be blank"]),
            "{told}"
        );
    }
    let other = json!({"trusted_publisher_type": "OIDC::TrustedPublisher::GitLab", "trusted_publisher": fields()});
    let told = ask(&app, Method::POST, PATH, &key, &other)
        .await
        .is(422)
        .json();
    assert_eq!(told["error"], "Unsupported trusted publisher type");
    for (field, value) in [
        ("workflow_filename", "../release.yml"),
        ("workflow_filename", "release.rb"),
        ("workflow_filename", "a.yml@main"),
        ("repository_name", "rake/evil"),
        ("repository_name", ".."),
        ("repository_owner", "a\u{202e}b"),
        ("environment", "a\nb"),
    ] {
        let mut bad = fields();
        bad[field] = json!(value);
        ask(&app, Method::POST, PATH, &key, &new(&bad))
            .await
            .is(422);
    }
    for body in [
        json!([]),
        json!("x"),
        json!({}),
        json!({"trusted_publisher_type": GITHUB_TYPE}),
        json!({"trusted_publisher_type": 1, "trusted_publisher": {}}),
    ] {
        ask(&app, Method::POST, PATH, &key, &body).await.refuses(
            400,
            "malformed",
            "trusted_publisher_type",
        );
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn the_same_publisher_again_is_a_conflict() {
    let (app, _, key) = owned().await;
    ask(&app, Method::POST, PATH, &key, &new(&fields()))
        .await
        .is(201);
    let before = app.traces().await;
    ask(&app, Method::POST, PATH, &key, &new(&fields()))
        .await
        .refuses(409, "already_exists", "exists already");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_repository_that_github_does_not_know_is_added_without_ids() {
    let (app, _, key) = owned().await;
    let mut hidden = fields();
    hidden["repository_name"] = json!("secret");
    let added = ask(&app, Method::POST, PATH, &key, &new(&hidden))
        .await
        .is(201)
        .json();
    assert_eq!(added["trusted_publisher"]["repository_id"], Value::Null);
    app.finish().await;
}
