//! Who manages trusted publishers over HTTP: owners with the scope, and for github.com alone.
use events::{
    api_key::Scope,
    claims::ProviderKind,
    id::{Owner, PublisherId},
    policy::Publisher,
    text::Text,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    answer::answer,
    app::{TestApp, job, publisher},
    given::{GITHUB, good, issuer},
    publishers::{PATH, SCOPES, ask, fields, new, owned},
};

/// Every call on alice's publishers with this key is refused with this status, and leaves nothing behind.
async fn refused(app: &TestApp, key: Option<&str>, status: u16) {
    let before = app.traces().await;
    let one = format!(
        "{PATH}/{}",
        app.app
            .reader
            .events(0, 100)
            .await
            .unwrap()
            .iter()
            .rev()
            .find_map(|recorded| {
                matches!(recorded.event.body, events::Body::PublisherAdded(_))
                    .then_some(PublisherId(recorded.event.revision))
            })
            .unwrap()
    );
    for (method, path) in [
        (Method::GET, PATH),
        (Method::POST, PATH),
        (Method::GET, &one),
        (Method::DELETE, &one),
        (Method::GET, &format!("{PATH}/x")),
    ] {
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
    ask(&app, Method::POST, PATH, &key, &new(&fields()))
        .await
        .is(201);
    refused(&app, None, 401).await;
    refused(&app, Some("x"), 401).await;
    let push_only = app.api_key(alice, &[Scope::PushRubygem, Scope::Read]).await;
    refused(&app, Some(&push_only), 403).await;
    let bob = app.account("bob").await;
    let bobs = app.api_key(bob, &SCOPES).await;
    refused(&app, Some(&bobs), 403).await;
    let other_gem = app.narrow_key(alice, &SCOPES, Some("tool"), None).await;
    refused(&app, Some(&other_gem), 403).await;
    let job = gemledger::demo::issuer::GithubJob {
        environment: Some("release".into()),
        ..job("acme/rake")
    };
    let minted = app.exchange(&app.token(&GITHUB, &job)).await.key();
    refused(&app, Some(&minted), 403).await;
    let expired = app.narrow_key(alice, &SCOPES, None, Some(1)).await;
    app.pass(1);
    refused(&app, Some(&expired), 401).await;
    let this_gem = app.narrow_key(alice, &SCOPES, Some("rake"), None).await;
    ask(&app, Method::GET, PATH, &this_gem, &Value::Null)
        .await
        .is(200);
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
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\nconnection: close\r\n\r\n"
        );
        let mut wire = app.wire().await;
        wire.send(head).await;
        assert_eq!(wire.answer().await.0, 404, "{name}");
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn only_the_registered_github_com_counts_as_github() {
    let app = TestApp::public().await;
    let enterprise = issuer("https://ghe.example.com");
    app.provider("github", ProviderKind::Github, &enterprise)
        .await;
    let alice = app.account("alice").await;
    let key = app.api_key(alice, &SCOPES).await;
    app.push(&key, good("rake", "0.9.0")).await.is(200);
    let before = app.traces().await;
    let told = ask(&app, Method::POST, PATH, &key, &new(&fields()))
        .await
        .is(422)
        .json();
    assert_eq!(
        told["error"],
        "GitHub is not registered as a provider of this registry"
    );
    app.left_nothing(before).await;
    // A publisher of the other one is listed, and called something else.
    app.trust("rake", publisher("acme/rake"), Owner::Operator)
        .await;
    let listed = ask(&app, Method::GET, PATH, &key, &Value::Null)
        .await
        .is(200)
        .json();
    assert_eq!(
        listed[0]["trusted_publisher_type"],
        "Gemledger::GitHubEnterprise"
    );
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_added_for_a_provider_that_was_disabled() {
    let (app, _, key) = owned().await;
    app.app
        .disable_provider(events::text::Slug::parse("github").unwrap())
        .await
        .unwrap();
    let before = app.traces().await;
    ask(&app, Method::POST, PATH, &key, &new(&fields()))
        .await
        .is(422);
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_left_over_of_a_free_name_is_shown_as_what_it_is_and_removed() {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    let alice = app.account("alice").await;
    let key = app.api_key(alice, &SCOPES).await;
    let owner = Owner::Account(alice);
    app.trust("rake", publisher("acme/rake"), owner).await;
    let other = Publisher {
        workflow: Text::parse("other.yml").unwrap(),
        ..publisher("acme/rake")
    };
    let left = app.trust("rake", other, owner).await;
    let page = app.get("/gems/rake").await.is(200);
    assert!(page.text().contains("waits for the first push"));
    let minted = app.job_key("acme/rake").await;
    app.push(&minted, good("rake", "1.0.0")).await.is(200);
    let listed = ask(&app, Method::GET, PATH, &key, &Value::Null).await;
    let listed = listed.is(200).json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(listed[1]["id"], json!(left.id));
    assert!(listed[1]["expires"].is_string(), "{listed}");
    let page = app.get("/gems/rake").await.is(200);
    let page = page.text();
    assert!(
        page.contains("left over from before the first push"),
        "{page}"
    );
    assert!(page.contains("May release it until"));
    assert!(!page.contains("waits for the first push</span>"));
    let path = format!("{PATH}/{}", left.id);
    let shown = ask(&app, Method::GET, &path, &key, &Value::Null).await;
    assert_eq!(shown.is(200).json(), listed[1]);
    ask(&app, Method::DELETE, &path, &key, &Value::Null)
        .await
        .is(204);
    let gone = ask(&app, Method::GET, &path, &key, &Value::Null).await;
    gone.is(404);
    app.finish().await;
}

#[tokio::test]
async fn a_stricter_publisher_says_which_one_it_takes_the_place_of() {
    let (app, _, key) = owned().await;
    let mut loose = fields();
    loose["environment"] = Value::Null;
    let first = ask(&app, Method::POST, PATH, &key, &new(&loose)).await;
    let first = first.is(201).json();
    assert_eq!(first.get("replaced"), None);
    let second = ask(&app, Method::POST, PATH, &key, &new(&fields())).await;
    assert_eq!(second.is(201).json()["replaced"], json!([first["id"]]));
    let listed = ask(&app, Method::GET, PATH, &key, &Value::Null).await;
    assert_eq!(listed.is(200).json().as_array().unwrap().len(), 1);
    app.finish().await;
}
