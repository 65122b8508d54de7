//! `gemledger log --url`: the feed of a server, from elsewhere.
use std::io::{BufRead as _, BufReader};

use gemledger::demo::gem::build;
use serde_json::Value;

use crate::support::{
    http,
    program::{Ledger, Talking, program, run},
};

#[test]
fn a_follower_from_elsewhere_sees_what_the_folder_has_and_what_comes_next() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let key = ledger.key("alice", "push_rubygem");
    let gem = build("hello", "1.0.0", "Says hello", b"puts 'hello'\n");
    assert_eq!(http::push(&ledger.url(), &key, &gem).unwrap().status, 200);
    let url = ledger.url();
    for more in [
        &[][..],
        &["--gem", "hello"],
        &["--type", "release.pushed"],
        &["--stream", "log"],
        &["--since", "2026-01-01", "--from", "3"],
        &["--until", "2020-01-01"],
    ] {
        for json in [&[][..], &["--json"]] {
            let here = ledger.run(&[&["log"], more, json].concat()).ok();
            let there = run(program().args(["log", "--url", &url]).args(more).args(json)).ok();
            assert_eq!(here.out, there.out, "{more:?}");
        }
    }
    let mut command = program();
    command.args([
        "log",
        "--url",
        &url,
        "--follow",
        "--type",
        "account.created",
        "--json",
    ]);
    let (_child, out) = Talking::start(command);
    let mut lines = BufReader::new(out).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["index"], 2);
    for name in ["bob", "carol"] {
        let id = ledger.json(&["account", "add", name])["id"].clone();
        let stream = format!("account/{}", id.as_str().unwrap());
        assert_eq!(next()["event"]["stream"], stream);
    }
}

#[test]
fn a_private_feed_is_followed_with_the_key_in_the_environment() {
    let ledger = Ledger::new();
    let _server = ledger.serve_with(&["--visibility", "private"]);
    let key = ledger.key("alice", "read");
    let url = ledger.url();
    let log = || {
        let mut command = program();
        command.args(["log", "--url", &url]);
        command
    };
    let refused = run(log().env_remove("GEMLEDGER_API_KEY")).ends(2, "401");
    refused.ends(2, "GEMLEDGER_API_KEY");
    run(log().env("GEMLEDGER_API_KEY", &key)).ends(0, "account.created");
}

#[test]
fn what_cannot_be_followed_is_said_in_one_line() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    ledger.key("alice", "read");
    let url = ledger.url();
    let log = |arguments: &[&str]| run(program().arg("log").args(arguments));
    log(&["--url", "nowhere"]).ends(2, "it is not a URL");
    log(&["--url", &url, "--type", "release.eaten"]).ends(2, "there is no event type");
    log(&["--url", &url, "--since", "yesterday"]).ends(2, "is not a time like");
    log(&["--url", &url, "--from", "9999"]).ends(2, "416");
    log(&["--url", &format!("{url}/elsewhere")]).ends(2, "has no feed");
}
