//! `rule`, `policy`, `owner` and `log rules` as they are typed, with the delay that a ledger has unless told otherwise.
use gemledger::demo::gem::build;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    http::{self, request},
    program::{Ledger, Server},
};

const HOURS_72: u64 = 72 * 3600;

/// Alice's `hello`, released with her key; and the key.
fn released() -> (Ledger, Server, String) {
    let ledger = Ledger::new();
    let server = ledger.serve_as_it_comes();
    let gem = build("hello", "1.0.0", "Says hello", b"puts 'hello'\n");
    let key = ledger.key(
        "alice",
        "push_rubygem,configure_policy,add_owner,remove_owner",
    );
    assert_eq!(http::push(&ledger.url(), &key, &gem).unwrap().status, 200);
    (ledger, server, key)
}

/// Each line of a listing, as JSON.
fn listed(ledger: &Ledger, arguments: &[&str]) -> Vec<Value> {
    let ran = ledger.run(&[arguments, &["--json"]].concat()).ok();
    let read = |line: &str| serde_json::from_str(line).unwrap();
    ran.out.lines().map(read).collect()
}

/// The id of the one change that waits.
fn pending(ledger: &Ledger) -> String {
    let changes = listed(ledger, &["policy", "pending", "hello"]);
    assert_eq!(changes.len(), 1, "{changes:?}");
    changes[0]["id"].to_string()
}

const TAG: [&str; 4] = ["rule", "set", "hello", "tag_must_equal_version"];

fn set(ledger: &Ledger, to: &str) -> crate::support::program::Ran {
    ledger.run(&[TAG.as_slice(), &[to]].concat())
}

#[test]
fn a_rule_is_set_at_once_and_given_up_after_the_delay() {
    let (ledger, _server, _) = released();
    let on = set(&ledger, "on").ends(0, "tag_must_equal_version of hello is set to on (log index");
    assert!(!on.err.contains("takes effect"), "{}", on.err);
    let list = ledger.run(&["rule", "list", "hello"]);
    list.ends(0, "tag_must_equal_version\ton\tdemanded");
    set(&ledger, "off").ends(0, "it loosens the gem's policy and takes effect at");
    let list = ledger.run(&["rule", "list", "hello"]);
    list.ends(0, "tag_must_equal_version\ton\tdemanded");
    let change = pending(&ledger);
    let told = ledger.run(&["policy", "pending", "hello"]);
    told.ends(0, "the rule tag_must_equal_version is set to off\tdeclared");
    ledger
        .run(&["policy", "cancel", "hello", &change])
        .ends(0, &format!("change {change} of hello is cancelled"));
    assert!(listed(&ledger, &["policy", "pending", "hello"]).is_empty());
    ledger
        .run(&["policy", "cancel", "hello", &change])
        .ends(1, "error:");
    let rules = listed(&ledger, &["rule", "list", "hello"]);
    let tag = rules
        .iter()
        .find(|rule| rule["rule"] == "tag_must_equal_version");
    assert_eq!(tag.unwrap()["setting"], "on");
    for (wrong, said) in [
        (["be_nice", "on"], "the rules are"),
        (["tag_must_equal_version", "maybe"], "the settings are"),
    ] {
        ledger
            .run(&[&["rule", "set", "hello"], wrong.as_slice()].concat())
            .ends(2, said);
    }
    ledger
        .run(&["rule", "list", "nowhere"])
        .ends(2, "there is no gem nowhere here");
    ledger.is_sound();
}

#[test]
fn an_override_is_proposed_on_the_console_and_agreed_by_an_owner() {
    let (ledger, _server, key) = released();
    set(&ledger, "on").ok();
    set(&ledger, "off").ok();
    let change = pending(&ledger);
    let wanted = ["policy", "override", "hello", &change];
    ledger.run(&wanted).ends(1, "give a reason");
    let reasoned = [wanted.as_slice(), &["--reason", "the forge is down"]].concat();
    ledger.run(&reasoned).ends(
        0,
        "waits for an owner to agree to its taking effect at once",
    );
    let told = ledger.run(&["policy", "pending", "hello"]);
    told.ends(0, "the operator wants it at once: the forge is down");
    ledger.run(&reasoned).ends(1, "two people");
    let url = format!(
        "{}/api/v1/gems/hello/changes/{change}/override",
        ledger.url()
    );
    let answer = request(Method::POST, &url, &[("authorization", &key)], b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["status"], "overridden");
    let list = ledger.run(&["rule", "list", "hello"]);
    list.ends(0, "tag_must_equal_version\toff\tnot demanded");
    ledger.is_sound();
}

#[test]
fn owners_are_listed_and_come_and_go_after_the_delay() {
    let (ledger, _server, _) = released();
    let bob = ledger.json(&["account", "add", "bob"])["id"].clone();
    let before = ledger.run(&["owner", "list", "hello"]).ok().out;
    assert!(
        before.starts_with("account ") && before.lines().count() == 1,
        "{before}"
    );
    ledger
        .run(&["owner", "add", "hello", "bob"])
        .ends(0, "bob is declared an owner of hello")
        .ends(0, "takes effect at");
    assert_eq!(ledger.run(&["owner", "list", "hello"]).ok().out, before);
    let change = pending(&ledger);
    let told = ledger.run(&["policy", "pending", "hello"]);
    told.ends(
        0,
        &format!("account {} becomes an owner", bob.as_str().unwrap()),
    );
    // Until then the gem would be nobody's.
    ledger
        .run(&["owner", "remove", "hello", "alice"])
        .ends(1, "error:");
    ledger
        .run(&["owner", "remove", "hello", "bob"])
        .ends(1, "error:");
    ledger
        .run(&["owner", "add", "hello", "nobody"])
        .ends(2, "no account called nobody");
    ledger.run(&["policy", "cancel", "hello", &change]).ok();
    let owners = listed(&ledger, &["owner", "list", "hello"]);
    assert_eq!(owners.len(), 1);
    ledger.is_sound();
}

#[test]
fn the_delay_is_72_hours_unless_told_otherwise_and_is_lowered_under_itself() {
    let (ledger, _server, _) = released();
    let rules = ledger.json(&["log", "rules", "show"]);
    assert_eq!(rules["rules"]["loosening_delay_seconds"], json!(HOURS_72));
    assert_eq!(rules["delay_that_still_holds"], Value::Null);
    let lower = ["log", "rules", "set", "--loosening-delay", "60s"];
    ledger
        .run(&lower)
        .ends(0, "the rulebook is changed (log index")
        .ends(0, "the delay of 259200 seconds before it still holds until");
    let rules = ledger.json(&["log", "rules", "show"]);
    assert_eq!(rules["rules"]["loosening_delay_seconds"], json!(60));
    let holds = &rules["delay_that_still_holds"];
    assert_eq!(holds["seconds"], json!(HOURS_72));
    let told = ledger.run(&["policy", "pending", "hello"]);
    told.ends(0, "waits 60 seconds and no longer 259200")
        .ends(0, "gemledger log rules set --loosening-delay 259200s");
    let waits = listed(&ledger, &["policy", "pending", "hello"]);
    assert_eq!(waits[0]["effective"], holds["until"]);
    ledger.run(&lower).ends(1, "error:");
    let raise = ["log", "rules", "set", "--loosening-delay", "259200s"];
    ledger.run(&raise).ok();
    assert!(listed(&ledger, &["policy", "pending", "hello"]).is_empty());
    ledger.is_sound();
}
