//! Overrides over HTTP where somebody is gone, and what each scope of a key lets its holder do with a policy.
use events::{
    api_key::Scope,
    id::{AccountId, Actor, ChangeId, Via},
    text::Text,
};
use gemledger::app::policy::Override;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    app::TestApp,
    given::good,
    policy::{CHANGES, DELAY, OWNERS, Person, RULES, ask, folded, get, person, rake, set},
};

/// `rake` of alice and bob, and a loosening of it that waits.
async fn two_owners() -> (TestApp, Person, Person, ChangeId) {
    let (app, alice) = rake().await;
    let bob = person(&app, "bob").await;
    let new = json!({"account": bob.id});
    ask(&app, Method::POST, OWNERS, &alice.key, new)
        .await
        .is(200);
    app.pass(DELAY);
    let declared = set(&app, &alice.key, "trusted_publishing_only", "off").await;
    let change = ChangeId(declared["change"].as_u64().unwrap());
    (app, alice, bob, change)
}

async fn propose(app: &TestApp, key: &str, change: ChangeId) {
    let path = format!("{CHANGES}/{change}/override");
    let reason = json!({"reason": "the forge is down"});
    let proposed = ask(app, Method::POST, &path, key, reason).await;
    assert_eq!(proposed.is(202).json()["status"], "proposed");
}

async fn operator_agrees(app: &TestApp, change: ChangeId) {
    let console = app.app.console();
    let agreed = app.app.override_change(console, folded(), change, None);
    let agreed = agreed.await.unwrap();
    assert!(matches!(agreed, Override::Agreed(agreed) if agreed.id == change));
}

#[tokio::test]
async fn a_proposer_who_was_disabled_does_not_stand_in_the_way() {
    let (app, alice, bob, change) = two_owners().await;
    propose(&app, &bob.key, change).await;
    app.app.disable_account(bob.id).await.unwrap();
    propose(&app, &alice.key, change).await;
    app.push(&alice.key, good("rake", "2.0.0")).await.is(403);
    operator_agrees(&app, change).await;
    app.push(&alice.key, good("rake", "2.0.0")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_proposer_who_was_removed_does_not_stand_in_the_way() {
    let (app, alice, bob, first) = two_owners().await;
    let bobs = format!("{OWNERS}/{}", bob.id);
    ask(&app, Method::DELETE, &bobs, &alice.key, json!({}))
        .await
        .is(200);
    app.pass(DELAY / 2);
    let cancel = format!("{CHANGES}/{first}");
    let cancelled = ask(&app, Method::DELETE, &cancel, &bob.key, json!({})).await;
    assert_eq!(cancelled.is(200).json()["change"], json!(first));
    let declared = set(&app, &alice.key, "trusted_publishing_only", "off").await;
    let change = ChangeId(declared["change"].as_u64().unwrap());
    propose(&app, &bob.key, change).await;
    app.pass(DELAY / 2);
    propose(&app, &alice.key, change).await;
    operator_agrees(&app, change).await;
    app.push(&alice.key, good("rake", "2.0.0")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn two_owners_who_propose_at_the_same_moment_agree() {
    let (app, alice, bob, change) = two_owners().await;
    let wish = |person: &Person| {
        let request = app.app.request(Actor::Account(person.id), Via::Http);
        let reason = Some(Text::parse("the forge is down").unwrap());
        app.app.override_change(request, folded(), change, reason)
    };
    let (one, other) = tokio::join!(wish(&alice), wish(&bob));
    let agreed = [one.unwrap(), other.unwrap()];
    let agreed = agreed
        .iter()
        .filter(|said| matches!(said, Override::Agreed(_)));
    assert_eq!(agreed.count(), 1);
    app.finish().await;
}

#[tokio::test]
async fn two_owners_agree_over_http() {
    let (app, alice, bob, change) = two_owners().await;
    propose(&app, &bob.key, change).await;
    let path = format!("{CHANGES}/{change}/override");
    let agreed = ask(&app, Method::POST, &path, &alice.key, json!({})).await;
    let agreed = agreed.is(200).json();
    assert_eq!(agreed["status"], "overridden");
    assert_eq!(agreed["change"], json!(change));
    let last = app.last().await;
    assert_eq!(last["data"].get("reason"), None, "nobody else's words");
    app.push(&alice.key, good("rake", "2.0.0")).await.is(200);
    app.finish().await;
}

/// What a key of alice's with this scope alone may do, by the statuses of four requests.
async fn statuses(app: &TestApp, alice: AccountId, bob: AccountId, scope: Scope) -> [u16; 4] {
    let key = app.api_key(alice, &[scope]).await;
    let rule = format!("{RULES}/trusted_publishing_only");
    let bobs = format!("{OWNERS}/{bob}");
    let mut statuses = Vec::new();
    for (method, path, body) in [
        (Method::GET, OWNERS, json!({})),
        (Method::PUT, rule.as_str(), json!({"setting": "auto"})),
        (Method::POST, OWNERS, json!({"account": alice})),
        (Method::DELETE, bobs.as_str(), json!({})),
    ] {
        let answer = ask(app, method, path, &key, body).await;
        statuses.push(answer.status);
    }
    statuses.try_into().unwrap()
}

#[tokio::test]
async fn each_scope_manages_its_own_part_of_a_policy_and_all_of_them_read_it() {
    let (app, alice, bob, _) = two_owners().await;
    let of = async |scope| statuses(&app, alice.id, bob.id, scope).await;
    let publishers = of(Scope::ConfigureTrustedPublishers).await;
    assert_eq!(publishers, [200, 403, 403, 403]);
    assert_eq!(of(Scope::PushRubygem).await, [403; 4]);
    assert_eq!(of(Scope::AddOwner).await, [200, 403, 409, 403]);
    assert_eq!(of(Scope::ConfigurePolicy).await, [200, 200, 403, 403]);
    assert_eq!(of(Scope::RemoveOwner).await, [200, 403, 403, 200]);
    let key = app.api_key(alice.id, &[Scope::ConfigurePolicy]).await;
    let changes: Value = get(&app, CHANGES, &key).await;
    assert_eq!(changes.as_array().unwrap().len(), 1);
    app.finish().await;
}
