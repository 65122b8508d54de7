//! The command line: exit codes, what is printed, files that are written, findings that are posted.
use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Command,
};

use serde_json::Value;

use super::ledger::{Honest, indexes};
use crate::support::program::{Ledger, Talking, program, run};

/// `gemledger monitor` of this place.
fn monitor(place: &str, more: &[&str]) -> Command {
    let mut command = program();
    command
        .args(["monitor", place])
        .args(more)
        .env_remove("GEMLEDGER_API_KEY");
    command
}

#[test]
fn a_served_ledger_is_monitored_with_state_rules_and_copy() {
    let ledger = Ledger::new();
    let server = ledger.serve();
    let url = ledger.url();
    let path = |name: &str| ledger.beside(name).to_str().unwrap().to_owned();
    let (state, copy, rules) = (path("state.json"), path("copy"), path("rules.json"));
    fs::write(
        &rules,
        r#"{"rules": {"publisher_added": {"level": "note"}}}"#,
    )
    .unwrap();
    let told = ["--state", &state, "--keep", &copy, "--rules", &rules];
    run(&monitor(&url, &told)).ends(0, "consistent, and every decision was lawful");

    ledger.run(&["account", "add", "alice"]).ok();
    run(&monitor(&url, &told)).ends(0, "every decision was lawful");
    // The copy is a log of its own, without the server.
    drop(server);
    run(&monitor(&copy, &["--once"])).ends(0, "every decision was lawful");
    run(&monitor(&url, &told)).ends(2, "error:");
    run(&monitor("/nowhere", &[])).ends(2, "hint:");
    fs::write(&rules, "{\"rule\": 1}").unwrap();
    run(&monitor(&copy, &["--rules", &rules])).ends(2, "unknown field");
    run(&monitor(&copy, &["--key", "no key"])).ends(2, "--key");
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_printed_written_and_posted() {
    let mut log = Honest::with_releases().await.published().await;
    let pushed = indexes(&log, "release.pushed")[0];
    super::ledger::change(&mut log, pushed, |leaf| {
        leaf["time"] = "2999-01-01T00:00:00.000Z".into();
    });
    log.publish();
    let server = log.serve();
    let folder = tempfile::tempdir().unwrap();
    let sarif = folder.path().join("out.sarif");
    let (url, hook) = (server.url(), format!("{}/hook", server.url()));
    let arguments = [
        "--json",
        "--no-provider-check",
        "--notify",
        &hook,
        "--sarif",
        sarif.to_str().unwrap(),
    ];
    let ran = run(&monitor(&url, &arguments)).ends(1, "time_in_future");
    let lines: Vec<Value> = ran
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let future = lines
        .iter()
        .find(|line| line["rule"] == "time_in_future")
        .unwrap();
    assert_eq!(future["indexes"][0], pushed);
    assert_eq!(lines.last().unwrap()["findings"], lines.len() - 1);
    let written: Value = serde_json::from_slice(&fs::read(sarif).unwrap()).unwrap();
    let results = written["runs"][0]["results"].as_array().unwrap().len();
    assert_eq!(results, lines.len() - 1);
    let posted: Value = serde_json::from_str(&server.manners().posted[0]).unwrap();
    assert_eq!(
        posted["findings"].as_array().unwrap().len(),
        lines.len() - 1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_tells_what_is_new_while_it_is_new() {
    let ledger = Honest::with_releases().await;
    let server = ledger.published().await.serve();
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let state = state.to_str().unwrap();
    let command = monitor(
        &server.url(),
        &[
            "--follow",
            "--every",
            "1s",
            "--json",
            "--no-provider-check",
            "--skew",
            "36500d",
            "--state",
            state,
        ],
    );
    let (_child, out) = Talking::start(command);
    let mut lines = BufReader::new(out).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["findings"], 0);
    ledger.trust("hello", "acme/hello").await;
    *server.log() = ledger.published().await;
    assert_eq!(next()["rule"], "publisher_added");
    assert_eq!(next()["findings"], 1);
    server.log().flip("checkpoint", 3);
    assert!(next()["rule"].as_str().unwrap().starts_with("checkpoint_"));
}
