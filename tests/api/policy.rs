//! Rules, owners and waiting changes over HTTP: what waits, who stops it, and what the answers say.
use deciders::policy::Policy;
use events::{
    api_key::Scope,
    claims::ProviderKind,
    id::{AccountId, ChangeId, Owner},
    name::FoldedName,
    policy::Publisher,
    stream::StreamName,
    text::Text,
};
use gemledger::{
    app::{policy::Override, rulebook::RulesChange},
    demo::issuer::GithubJob,
    views,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, answer},
    app::{Setup, TestApp, publisher},
    given::{GITHUB, good},
};

pub(super) const DELAY: u64 = 72 * 3600;
pub(super) const RULES: &str = "/api/v1/gems/rake/rules";
pub(super) const CHANGES: &str = "/api/v1/gems/rake/changes";
pub(super) const OWNERS: &str = "/api/v1/gems/rake/owners";

/// Somebody with an account, and a key for everything.
pub(super) struct Person {
    pub(super) id: AccountId,
    pub(super) key: String,
}

pub(super) async fn person(app: &TestApp, handle: &str) -> Person {
    let id = app.account(handle).await;
    let scopes = [
        Scope::PushRubygem,
        Scope::ConfigurePolicy,
        Scope::AddOwner,
        Scope::RemoveOwner,
    ];
    Person {
        id,
        key: app.api_key(id, &scopes).await,
    }
}

/// `rake` of alice, released by its workflow, where loosening waits for three days.
pub(super) async fn rake() -> (TestApp, Person) {
    let app = TestApp::with(Setup {
        loosening_delay_seconds: DELAY,
        ..Setup::default()
    })
    .await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    let alice = person(&app, "alice").await;
    let owner = Owner::Account(alice.id);
    app.trust("rake", publisher("acme/rake"), owner).await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    (app, alice)
}

pub(super) async fn ask(
    app: &TestApp,
    method: Method,
    path: &str,
    key: &str,
    body: Value,
) -> Answer {
    let request = app.request(method, path).header("authorization", key);
    answer(request.json(&body)).await
}

pub(super) async fn get(app: &TestApp, path: &str, key: &str) -> Value {
    ask(app, Method::GET, path, key, json!({}))
        .await
        .is(200)
        .json()
}

/// Sets a rule and returns the change's id.
pub(super) async fn set(app: &TestApp, key: &str, rule: &str, to: &str) -> Value {
    let path = format!("{RULES}/{rule}");
    let answer = ask(app, Method::PUT, &path, key, json!({"setting": to})).await;
    answer.is(200).json()
}

pub(super) fn folded() -> FoldedName {
    FoldedName::parse("rake").unwrap()
}

#[tokio::test]
async fn the_ratchet_holds_until_its_loosening_takes_effect() {
    let (app, alice) = rake().await;
    let denied = app.push(&alice.key, good("rake", "2.0.0")).await;
    denied.says(403, "released by its trusted publishers only");
    let rules = get(&app, RULES, &alice.key).await;
    let only = rules.as_array().unwrap().last().unwrap();
    let expected = json!({"rule": "trusted_publishing_only", "setting": "auto", "demanded": true});
    assert_eq!(*only, expected);
    let declared = set(&app, &alice.key, "trusted_publishing_only", "off").await;
    let changes = get(&app, CHANGES, &alice.key).await;
    assert_eq!(changes[0]["id"], declared["change"]);
    assert_eq!(changes[0]["effective"], declared["effective"]);
    assert_eq!(changes[0]["change"], "rule_changed");
    app.pass(DELAY - 1);
    app.push(&alice.key, good("rake", "2.0.0")).await.is(403);
    app.pass(1);
    app.push(&alice.key, good("rake", "2.0.0")).await.is(200);
    assert_eq!(get(&app, CHANGES, &alice.key).await, json!([]));
    app.finish().await;
}

#[tokio::test]
async fn a_stolen_key_is_stopped_by_the_owner_that_it_removed() {
    let (app, alice) = rake().await;
    let bob = person(&app, "bob").await;
    let new = json!({"account": bob.id});
    ask(&app, Method::POST, OWNERS, &alice.key, new)
        .await
        .is(200);
    app.pass(DELAY);
    // Bob's key is stolen: the thief throws alice out and lets another workflow in.
    let alices = format!("{OWNERS}/{}", alice.id);
    ask(&app, Method::DELETE, &alices, &bob.key, json!({}))
        .await
        .is(200);
    app.pass(DELAY / 2);
    let thief = Publisher {
        workflow: Text::parse("thief.yml").unwrap(),
        ..publisher("acme/rake")
    };
    let added = app.trust("rake", thief, Owner::Account(bob.id)).await;
    assert!(added.effective.is_some());
    app.pass(DELAY / 2);
    // By now she is no owner any more, and cancels what was declared while she was.
    ask(&app, Method::GET, CHANGES, &alice.key, json!({}))
        .await
        .refuses(403, "forbidden", "not an owner");
    let change = format!("{CHANGES}/{}", added.id);
    let cancelled = ask(&app, Method::DELETE, &change, &alice.key, json!({})).await;
    assert_eq!(cancelled.is(200).json()["change"], json!(added.id));
    ask(&app, Method::DELETE, &change, &alice.key, json!({}))
        .await
        .refuses(404, "not_found", "");
    app.pass(DELAY);
    assert_eq!(app.last().await["type"], "change.cancelled");
    app.finish().await;
}

#[tokio::test]
async fn an_override_takes_two_people_and_says_why() {
    let (app, alice) = rake().await;
    let declared = set(&app, &alice.key, "trusted_publishing_only", "off").await;
    let path = format!("{CHANGES}/{}/override", declared["change"]);
    let silent = ask(&app, Method::POST, &path, &alice.key, json!({})).await;
    silent.refuses(422, "reason_missing", "give a reason");
    let reason = json!({"reason": "the forge is down"});
    let proposed = ask(&app, Method::POST, &path, &alice.key, reason.clone()).await;
    let proposed = proposed.is(202).json();
    assert_eq!(proposed["status"], "proposed");
    assert_eq!(proposed["change"], declared["change"]);
    let alone = ask(&app, Method::POST, &path, &alice.key, reason).await;
    alone.refuses(409, "second_person_needed", "two people");
    app.push(&alice.key, good("rake", "2.0.0")).await.is(403);
    let change = ChangeId(declared["change"].as_u64().unwrap());
    let agreed = app
        .app
        .override_change(app.app.console(), folded(), change, None)
        .await;
    assert!(matches!(agreed, Ok(Override::Agreed(agreed)) if agreed.id == change));
    app.push(&alice.key, good("rake", "2.0.0")).await.is(200);
    let page = app.get("/gems/rake").await.is(200);
    let page = page.text();
    assert!(page.contains("the forge is down"), "{page}");
    assert!(page.contains("took effect at once, without its delay"));
    app.finish().await;
}

#[tokio::test]
async fn what_waits_stands_on_the_page_at_once() {
    let (app, alice) = rake().await;
    set(&app, &alice.key, "trusted_publishing_only", "off").await;
    let other = Publisher {
        workflow: Text::parse("other.yml").unwrap(),
        ..publisher("acme/rake")
    };
    app.trust("rake", other, Owner::Operator).await;
    let page = app.get("/gems/rake").await.is(200);
    for text in [
        "Declared, and not yet in effect",
        "The rule trusted_publishing_only is set to off",
        "not yet in effect",
        "an owner or the operator can cancel it",
    ] {
        assert!(page.text().contains(text), "{text}: {}", page.text());
    }
    app.finish().await;
}

#[tokio::test]
async fn a_page_without_publishers_says_whether_an_owners_key_would_do() {
    let (app, alice) = rake().await;
    let stream = StreamName::policy(&folded());
    let policy: Policy = views::state(&app.app.reader, &stream).await.unwrap();
    let policy = policy.at(app.app.clock.now()).into_owned();
    for id in policy.publishers.into_keys() {
        let console = app.app.console();
        let removed = app.app.remove_publisher(console, folded(), id);
        removed.await.unwrap();
    }
    let page = app.get("/gems/rake").await.is(200);
    assert!(
        page.text()
            .contains("Nobody now: its rules demand a workflow")
    );
    set(&app, &alice.key, "trusted_publishing_only", "off").await;
    app.pass(DELAY);
    let page = app.get("/gems/rake").await.is(200);
    assert!(page.text().contains("Only its owners, with an API key"));
    app.finish().await;
}

#[tokio::test]
async fn a_job_of_a_publisher_that_waits_is_told_until_when() {
    let (app, _) = rake().await;
    let other = Publisher {
        workflow: Text::parse("other.yml").unwrap(),
        ..publisher("acme/rake")
    };
    let added = app.trust("rake", other, Owner::Operator).await;
    let job = GithubJob::release("acme/rake", "other.yml", "v1.0.0");
    let token = app.token(&GITHUB, &job);
    let answer = app.exchange(&token).await;
    let answer = answer.refuses(
        403,
        "publisher_not_effective_yet",
        "its delay has not passed",
    );
    let until = added.effective.unwrap().to_string();
    let expected = answer.json()["expected"].as_str().unwrap().to_owned();
    assert!(expected.contains(&until), "{expected}");
    app.finish().await;
}

#[tokio::test]
async fn only_owners_with_the_scope_see_and_change_a_policy() {
    let (app, alice) = rake().await;
    let bob = person(&app, "bob").await;
    let narrow = app.api_key(alice.id, &[Scope::PushRubygem]).await;
    let other = [Scope::ConfigurePolicy, Scope::AddOwner];
    let elsewhere = app.narrow_key(alice.id, &other, Some("tool"), None).await;
    let job = app.job_key("acme/rake").await;
    let before = app.traces().await;
    let rule = format!("{RULES}/tag_must_equal_version");
    let change = format!("{CHANGES}/1");
    let paths = [
        (Method::GET, RULES),
        (Method::PUT, &rule),
        (Method::GET, CHANGES),
        (Method::GET, OWNERS),
        (Method::POST, OWNERS),
    ];
    for (method, path) in paths {
        for (key, status) in [
            ("x", 401),
            (bob.key.as_str(), 403),
            (&narrow, 403),
            (&elsewhere, 403),
            (&job, 403),
        ] {
            let body = json!({"setting": "on", "account": bob.id});
            let body = match path {
                OWNERS => json!({"account": body["account"]}),
                _ => json!({"setting": body["setting"]}),
            };
            let answer = ask(&app, method.clone(), path, key, body).await.is(status);
            assert!(answer.json()["code"].is_string());
        }
    }
    ask(&app, Method::DELETE, &change, &bob.key, json!({}))
        .await
        .is(404);
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn what_is_malformed_is_refused_and_leaves_nothing() {
    let (app, alice) = rake().await;
    let before = app.traces().await;
    let rule = format!("{RULES}/tag_must_equal_version");
    let long = "x".repeat(300);
    for (method, path, body, status) in [
        (Method::PUT, rule.as_str(), json!({}), 400),
        (Method::PUT, &rule, json!({"setting": "maybe"}), 400),
        (Method::PUT, &rule, json!({"setting": "on", "x": 1}), 400),
        (Method::PUT, &rule, json!({"setting": "auto"}), 422),
        (
            Method::PUT,
            &format!("{RULES}/be_nice"),
            json!({"setting": "on"}),
            404,
        ),
        (Method::POST, OWNERS, json!({"account": "alice"}), 404),
        (
            Method::DELETE,
            &format!("{OWNERS}/{}", alice.id),
            json!({}),
            409,
        ),
        (Method::DELETE, &format!("{CHANGES}/x"), json!({}), 404),
        (
            Method::POST,
            &format!("{CHANGES}/1/override"),
            json!({"reason": long}),
            400,
        ),
        (
            Method::POST,
            &format!("{CHANGES}/1/override"),
            json!({"reason": "a\u{202e}b"}),
            400,
        ),
    ] {
        let answer = ask(&app, method, path, &alice.key, body).await.is(status);
        assert!(answer.json()["code"].is_string());
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_lower_delay_is_announced_and_holds_later() {
    let (app, alice) = rake().await;
    let lower = RulesChange {
        loosening_delay_seconds: Some(60),
        ..RulesChange::default()
    };
    let changed = app.app.change_rules(lower).await.unwrap();
    assert_eq!(changed.old_delay.unwrap().seconds, DELAY);
    set(&app, &alice.key, "trusted_publishing_only", "off").await;
    app.pass(DELAY - 10);
    app.push(&alice.key, good("rake", "2.0.0")).await.is(403);
    app.pass(10);
    app.push(&alice.key, good("rake", "2.0.0")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn the_map_says_what_is_demanded_and_what_waits() {
    let (app, alice) = rake().await;
    set(&app, &alice.key, "tag_must_equal_version", "on").await;
    set(&app, &alice.key, "tag_must_equal_version", "off").await;
    let bob = person(&app, "bob").await;
    let new = json!({"account": bob.id});
    let added = ask(&app, Method::POST, OWNERS, &alice.key, new).await;
    let added = added.is(200).json();
    let mut state = projections::state::GemState::new(folded());
    for recorded in app.app.reader.events(0, 1000).await.unwrap() {
        let stream = &recorded.event.stream;
        if projections::state::gem_of(stream) == Some("rake") {
            state.evolve(&recorded.event);
        }
    }
    let document: Value = serde_json::from_slice(&state.document().unwrap()).unwrap();
    let policy = &document["policy"];
    let set = json!([{"rule": "tag_must_equal_version", "setting": "on"}]);
    assert_eq!(policy["rules"], set);
    let waits = &policy["changes"];
    assert_eq!(waits.as_array().unwrap().len(), 2);
    let owner = json!({"owner_added": format!("account:{}", bob.id)});
    assert_eq!(waits[1]["does"], owner);
    assert_eq!(waits[1]["effective"], added["effective"]);
    let read = projections::state::GemState::read(&state.document().unwrap());
    assert_eq!(read.unwrap(), state);
    app.finish().await;
}
