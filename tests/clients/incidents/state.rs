//! `gemledger state`: a gem as it was.
use serde_json::Value;

use super::told::Told;

fn at(told: &Told, gem: &str, at: &str) -> Value {
    told.json(&["state", gem, "--at", at]).remove(0)
}

#[test]
fn a_gem_is_shown_as_it_was_at_an_index_or_a_time() {
    let told = Told::new();
    let (pushed, time) = (
        told.last("release.pushed").to_string(),
        told.time("release.pushed"),
    );
    told.run(&["publisher", "remove", "tool", &told.publisher("tool")])
        .ok();
    told.run(&["quarantine", "tool", "1.0.0", "--reason", "x"])
        .ok();
    for then in [at(&told, "tool", &pushed), at(&told, "tool", &time)] {
        assert_eq!(then["name"], "tool");
        assert_eq!(then["publishers"][0]["asks"]["repository"], "octo-org/tool");
        assert_eq!(then["publishers"][0]["asks"]["repository_id"], "1420893");
        assert_eq!(then["releases"][0]["status"], "released");
        // The key that released it, as long as it lived.
        assert_eq!(then["keys"][0]["repository"], "octo-org/tool");
        assert_eq!(then["keys"][0]["spent_on"], "1");
    }
    let now = at(&told, "tool", &told.last("release.quarantined").to_string());
    assert_eq!(now["publishers"], serde_json::json!([]));
    assert_eq!(now["releases"][0]["status"], "quarantined");
    // Without its publisher the key pushes nothing.
    assert_eq!(now["keys"], serde_json::json!([]));
    let pending = at(
        &told,
        "tool",
        &told.last("pending_publisher.added").to_string(),
    );
    assert!(pending["name"].is_null());
    assert_eq!(pending["pending"][0]["asks"]["repository"], "octo-org/tool");
    assert_eq!(pending["releases"], serde_json::json!([]));
    let text = told.run(&["state", "tool", "--at", &pushed]).ok().out;
    for said in [
        "publishers: 1",
        "keys that could push it: 1",
        "releases: 1",
        "1.0.0  ruby",
    ] {
        assert!(text.contains(said), "{said}:\n{text}");
    }
    told.run(&["state", "tool"]).ends(0, "quarantined");
    told.ledger.is_sound();
}

#[test]
fn a_key_counts_while_it_lives_may_push_and_its_account_owns_the_gem() {
    let told = Told::new();
    told.ledger.key("bob", "push_rubygem");
    let issue = |more: &[&str]| {
        let issue = ["api-key", "issue", "--account", "alice"];
        told.run(&[&issue, more].concat()).ok();
    };
    issue(&["--scopes", "read"]);
    issue(&["--scopes", "push_rubygem", "--gem", "tool"]);
    issue(&[
        "--scopes",
        "push_rubygem",
        "--gem",
        "mine",
        "--expires",
        "1s",
    ]);
    let issued = told.last("api_key.issued").to_string();
    let keys = |at: &str| {
        let state = told.json(&["state", "mine", "--at", at]).remove(0);
        state["keys"].as_array().unwrap().len()
    };
    assert_eq!(keys(&issued), 2);
    // At the moment of some later event it has expired.
    let mut number = 0;
    while keys(
        &told
            .last("account.created")
            .max(told.last("api_key.issued"))
            .to_string(),
    ) == 2
    {
        told.run(&["account", "add", &format!("late-{number}")])
            .ok();
        number += 1;
    }
    assert_eq!(keys(&issued), 2, "the past does not change");
    told.run(&["account", "disable", "alice"]).ok();
    assert_eq!(keys(&told.last("account.disabled").to_string()), 0);
    told.ledger.is_sound();
}

#[test]
fn what_cannot_be_looked_back_at_is_said() {
    let told = Told::new();
    told.refuses(&[
        (
            &["state", "nothing", "--at", "3"],
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
    ]);
}
