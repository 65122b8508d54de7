//! `gem owner` at its own paths: it lists, and where it would change owners it says how that is done here.
use reqwest::Method;
use serde_json::json;

use super::ruby::{Edition, Gem, Ruby};
use crate::support::{
    http::{found, request},
    program::Ledger,
};

#[test]
fn gem_owner_lists_the_owners_and_is_told_how_they_are_changed() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let key = ledger.key(
        "alice",
        "push_rubygem,configure_policy,add_owner,remove_owner",
    );
    let ruby = Ruby::new(Edition::Installed).with_key(&key);
    ruby.release(&ledger.url(), &Gem::new("hello", "1.0.0"));
    let url = ledger.url();
    let of = |more: &[&str]| ruby.gem(&[&["owner", "hello", "--host", &url], more].concat());
    let listed = of(&[]).ends(0, "Owners for gem: hello").out;
    let alice = listed
        .lines()
        .find_map(|line| line.strip_prefix("- account:"));
    let alice = alice.unwrap_or_else(|| panic!("{listed}")).to_owned();
    let path = format!("{url}/api/v1/gems/hello/owners");
    let owners: serde_json::Value =
        serde_json::from_slice(&found(&format!("{path}.json"))).unwrap();
    let id = format!("account:{alice}");
    assert_eq!(owners, json!([{"id": id, "handle": id, "role": "owner"}]));
    for change in [
        ["--add", "bob@example.com"],
        ["--remove", "alice@example.com"],
    ] {
        let told = of(&change);
        let out = format!("{}{}", told.out, told.err);
        assert!(out.contains("Owners are accounts here"), "{out}");
        assert!(
            out.contains("gemledger owner add|remove hello ACCOUNT"),
            "{out}"
        );
    }
    // As it is told: by the account's id.
    let bob = ledger.json(&["account", "add", "bob"])["id"].clone();
    let headers = [
        ("authorization", key.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let body = json!({"account": bob}).to_string();
    let added = request(Method::POST, &path, &headers, body.as_bytes());
    assert_eq!(added.status, 200, "{}", added.text());
    assert_eq!(of(&[]).ok().out.matches("- account:").count(), 2);
    let nowhere = request(
        Method::GET,
        &path.replace("hello", "nowhere"),
        &headers,
        b"",
    );
    assert_eq!(nowhere.status, 404);
    let nowhere = format!("{}.yaml", path.replace("hello", "nowhere"));
    let nowhere = request(Method::GET, &nowhere, &[], b"");
    assert_eq!(
        (nowhere.status, nowhere.text().as_str()),
        (404, "This rubygem could not be found.")
    );
    let stranger = request(Method::DELETE, &path, &[("authorization", "x")], b"");
    assert_eq!(stranger.status, 401);
    ledger.is_sound();
}
