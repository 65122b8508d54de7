//! `gemledger evidence`: a token made by an independent library, opened and checked on the command line.
use std::{fs, os::unix::fs::PermissionsExt as _};

use gemledger::demo::gem::build;
use serde_json::Value;

use super::issuer::{Issuer, exchange, job};
use crate::support::{http, program::Ledger};

/// A ledger, a token, and the log index of the release that it led to.
fn released() -> (Ledger, String, u64) {
    let ledger = Ledger::new();
    let server = ledger.serve();
    let issuer = Issuer::start();
    issuer.introduce(&ledger, "hello");
    let mut claims = job(ledger.address(), "hello");
    // Nobody here reads it; a terminal would.
    claims["note"] = "\u{1b}[31mred\u{202e}\nsecond: line".into();
    let token = issuer.token(&claims);
    let answer = exchange(&ledger.url(), &token);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let key = answer.json()["rubygems_api_key"].clone();
    let gem = build("hello", "1.0.0", "Says hello", b"puts 'hello'\n");
    let pushed = http::push(&ledger.url(), key.as_str().unwrap(), &gem).unwrap();
    assert_eq!(pushed.status, 200, "{}", pushed.text());
    server.stop();
    let index = events(&ledger)
        .iter()
        .position(|kind| kind == "release.pushed");
    (ledger, token, u64::try_from(index.unwrap()).unwrap())
}

/// The types of all events.
fn events(ledger: &Ledger) -> Vec<String> {
    let log = ledger.run(&["log", "--json"]).ok();
    let kind = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        let event = event.get("event").unwrap_or(&event);
        event["type"].as_str().unwrap().to_owned()
    };
    log.out.lines().map(kind).collect()
}

#[test]
fn an_operator_opens_and_checks_a_token_and_sees_it_only_in_a_file() {
    let (ledger, token, release) = released();
    let index = release.to_string();
    let shown = ledger.run(&["evidence", &index]).ok();
    for said in [
        "sealed     holds",
        "log        holds",
        "key        holds",
        "signature  holds",
        "claims     holds",
        "  repository: octo-org/hello",
        "opened: recorded at log index",
    ] {
        assert!(shown.out.contains(said), "{said}:\n{}", shown.out);
    }
    assert!(!shown.out.contains(&token) && !shown.out.contains(token.rsplit('.').next().unwrap()));
    assert!(!shown.out.contains(['\u{1b}', '\u{202e}']), "{}", shown.out);
    assert!(!shown.out.lines().any(|line| line.starts_with("second:")));
    let file = ledger.beside("token.jwt");
    let path = file.to_str().unwrap();
    let report = ledger.json(&["evidence", &index, "--token", path]);
    assert_eq!(report["checks"][3]["holds"], true);
    assert_eq!(fs::read_to_string(&file).unwrap(), token);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let opened = |ledger: &Ledger| {
        let events = events(ledger);
        events
            .iter()
            .filter(|kind| *kind == "evidence.opened")
            .count()
    };
    assert_eq!(opened(&ledger), 2);
    // A file that is there is not written over, and then nobody looked either.
    let again = ledger.run(&["evidence", &index, "--token", path]);
    again.ends(2, "exists already");
    // Nor did anybody where nothing could be written.
    let nowhere = ledger.beside("nowhere").join("token.jwt");
    let nowhere = ledger.run(&["evidence", &index, "--token", nowhere.to_str().unwrap()]);
    nowhere.ends(2, "token.jwt");
    let other = ledger.beside("other.jwt");
    let none = ledger.run(&["evidence", "0", "--token", other.to_str().unwrap()]);
    none.ends(2, "name an exchange or a release");
    assert!(!other.exists(), "nothing was opened, and nothing is left");
    ledger
        .run(&["evidence", "0"])
        .ends(2, "name an exchange or a release");
    ledger.run(&["evidence", "100000"]).ends(2, "no event");
    assert_eq!(opened(&ledger), 2);
    ledger.is_sound();
}

#[test]
fn an_erased_token_is_said_to_be_and_nothing_is_recorded() {
    let (ledger, _, release) = released();
    let report = ledger.json(&["evidence", &release.to_string()]);
    let stream = report["stream"].as_str().unwrap().to_owned();
    ledger.run(&["erase", &stream]).ok();
    let before = events(&ledger).len();
    let erased = ledger.run(&["evidence", &release.to_string()]);
    erased.ends(2, "was erased");
    assert_eq!(events(&ledger).len(), before);
    ledger.is_sound();
}
