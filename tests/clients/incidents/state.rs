//! `gemledger state`: a gem as it was.
use events::{api_key::Scope, id::PublisherId, name::GemName};

use super::told::{Told, file};

#[actix_web::test]
async fn a_gem_is_shown_as_it_was_at_an_index_or_a_time() {
    let told = Told::new().await;
    let pushed = told.last("release.pushed").await;
    let before = String::from(told.app.clock.now());
    told.app.pass(60);
    let gem = GemName::parse("tool").unwrap().folded();
    let id = told.json(&["publisher", "list", "tool"]).await[0]["id"]
        .as_u64()
        .unwrap();
    let console = told.app.app.console();
    told.app
        .app
        .remove_publisher(console, gem, PublisherId(id))
        .await
        .unwrap();
    told.run(&["quarantine", "tool", "1.0.0", "--reason", "x"])
        .await
        .ok();

    let at = |at: String| {
        let told = &told;
        async move { told.json(&["state", "tool", "--at", &at]).await.remove(0) }
    };
    for then in [at(pushed.to_string()).await, at(before.clone()).await] {
        assert_eq!(then["name"], "tool");
        assert_eq!(then["publishers"][0]["asks"]["repository"], "octo-org/tool");
        assert_eq!(then["publishers"][0]["asks"]["repository_id"], "1420893");
        assert_eq!(then["releases"][0]["status"], "released");
        // The key that released it, as long as it lived.
        assert_eq!(then["keys"][0]["repository"], "octo-org/tool");
        assert_eq!(then["keys"][0]["spent_on"], "1");
    }
    let last = told.last("release.quarantined").await;
    let now = at(last.to_string()).await;
    assert_eq!(now["publishers"], serde_json::json!([]));
    assert_eq!(now["releases"][0]["status"], "quarantined");
    // Without its publisher the key pushes nothing.
    assert_eq!(now["keys"], serde_json::json!([]));
    let pending = told.last("pending_publisher.added").await;
    let pending = at(pending.to_string()).await;
    assert!(pending["name"].is_null());
    assert_eq!(pending["pending"][0]["asks"]["repository"], "octo-org/tool");
    assert_eq!(pending["releases"], serde_json::json!([]));
    let text = told.run(&["state", "tool", "--at", &before]).await.ok();
    for said in [
        "publishers: 1",
        "keys that could push it: 1",
        "releases: 1",
        "1.0.0  ruby",
    ] {
        assert!(text.out.contains(said), "{said}:\n{}", text.out);
    }
    told.app.finish().await;
}

#[actix_web::test]
async fn a_key_counts_while_it_lives_may_push_and_its_account_owns_the_gem() {
    let told = Told::new().await;
    let bob = told.app.account("bob").await;
    told.app.api_key(bob, &[Scope::PushRubygem]).await;
    told.app.api_key(told.alice, &[Scope::Read]).await;
    told.app
        .narrow_key(told.alice, &[Scope::PushRubygem], Some("tool"), None)
        .await;
    told.app
        .narrow_key(told.alice, &[Scope::PushRubygem], Some("mine"), Some(30))
        .await;
    let keys = |state: &serde_json::Value| state["keys"].as_array().unwrap().len();
    let last = told.last("api_key.issued").await;
    let at = last.to_string();
    let now = told.json(&["state", "mine", "--at", &at]).await.remove(0);
    assert_eq!(keys(&now), 2, "{now}");
    told.app.pass(60);
    told.app
        .push(&told.key, file("mine", "2.0.0"))
        .await
        .is(200);
    let at = told.last("release.pushed").await.to_string();
    let later = told.json(&["state", "mine", "--at", &at]).await.remove(0);
    assert_eq!(keys(&later), 1, "{later}");
    told.app.app.disable_account(told.alice).await.unwrap();
    let at = told.last("account.disabled").await.to_string();
    let after = told.json(&["state", "mine", "--at", &at]).await.remove(0);
    assert_eq!(keys(&after), 0, "{after}");
    told.app.finish().await;
}

#[actix_web::test]
async fn what_cannot_be_looked_back_at_is_said() {
    let told = Told::new().await;
    for (arguments, code, said) in [
        (
            &["state", "nothing", "--at", "3"][..],
            1,
            "nothing was known of nothing",
        ),
        (
            &["state", "tool", "--at", "0"],
            1,
            "nothing was known of tool after 1 events",
        ),
        (
            &["state", "tool", "--at", "9999"],
            2,
            "there is no log index 9999",
        ),
        (
            &["state", "tool", "--at", "1999-01-01"],
            2,
            "the log was opened after",
        ),
        (
            &["state", "tool", "--at", "2999-01-01"],
            2,
            "has not come yet",
        ),
        (
            &["state", "tool", "--at", "yesterday"],
            2,
            "is not a time like",
        ),
        (&["state", "tool", "--at", "-1"], 2, "error"),
        (
            &["state", "tool", "--at", "99999999999999999999"],
            2,
            "no log index",
        ),
        (&["state", "..", "--at", "3"], 2, "the gem's name"),
        (&["state"], 2, "Usage"),
    ] {
        told.run(arguments).await.ends(code, said);
    }
    told.app.finish().await;
}
