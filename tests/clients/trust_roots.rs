//! `gemledger trust-root`: from a file, from what comes with the program, and from a TUF repository.
use std::{fs, sync::LazyLock};

use events::time::Timestamp;
use gemledger::demo::sigstore::PrivateSigstore;
use serde_json::{Value, json};

use crate::support::{
    http::found,
    program::{Ledger, Ran},
    tuf::{NEVER, Tuf},
};

const ISSUER: &str = "https://token.actions.githubusercontent.com";

static ROOT: LazyLock<String> = LazyLock::new(|| {
    let sigstore = PrivateSigstore::new(Timestamp::from_seconds(1_795_400_000)).unwrap();
    sigstore.trusted_root().to_string()
});

/// A ledger, and a file with a trust root beside it.
fn ledger() -> (Ledger, String) {
    let ledger = Ledger::new();
    ledger.serve().stop();
    let path = ledger.beside("trusted_root.json");
    fs::write(&path, ROOT.as_str()).unwrap();
    (ledger, path.to_str().unwrap().to_owned())
}

fn add(ledger: &Ledger, name: &str, more: &[&str]) -> Ran {
    ledger.run(&[["trust-root", "add", name].as_slice(), more].concat())
}

fn listed(ledger: &Ledger) -> Vec<Value> {
    let ran = ledger.run(&["trust-root", "list", "--json"]).ok();
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_root_is_added_listed_served_replaced_and_retired() {
    let (ledger, file) = ledger();
    let added = add(&ledger, "own", &[&file, "--issuer", ISSUER]);
    added
        .ends(0, "trust root own is recorded")
        .ends(0, "publishes the names");
    let again = add(&ledger, "own", &[&file, "--issuer", ISSUER]);
    again.ends(1, "exists already");
    let private = add(
        &ledger,
        "own",
        &[
            &file,
            "--issuer",
            ISSUER,
            "--private-log",
            "--require",
            "log,sct,timestamp",
        ],
    );
    assert!(!private.ok().err.contains("publishes"));
    let shown = ledger.run(&["trust-root", "list"]).ok();
    assert!(
        shown
            .out
            .contains("own\tversion 1\tlive\tlogged\trequires log,sct,timestamp")
    );
    assert!(
        shown
            .out
            .contains("own\tversion 0\treplaced\tlogged\trequires log,sct\t")
    );
    let server = ledger.serve();
    let bytes = found(&format!("{}/api/v1/trust_roots/own/1.json", ledger.url()));
    assert_eq!(bytes, ROOT.as_bytes());
    // The server is running, and commands go on.
    ledger
        .run(&["trust-root", "retire", "own"])
        .ends(0, "is retired");
    ledger
        .run(&["trust-root", "retire", "own"])
        .ends(1, "retired");
    ledger
        .run(&["trust-root", "retire", "other"])
        .ends(1, "ever recorded");
    assert_eq!(listed(&ledger)[1]["state"], "retired");
    server.stop();
    ledger.is_sound();
}

#[test]
fn instances_that_come_with_the_program_need_no_file_and_the_weaker_one_says_so() {
    let (ledger, file) = ledger();
    add(&ledger, "public-good", &["--from", "public-good"]).ends(0, "publishes the names");
    add(&ledger, "github", &["--from", "github"]).ends(0, "a weaker class");
    let listed = listed(&ledger);
    let class = |name: &str| {
        let root = listed.iter().find(|root| root["name"] == name).unwrap();
        (root["class"].clone(), root["root"]["public"].clone())
    };
    assert_eq!(class("public-good"), (json!("logged"), json!(true)));
    assert_eq!(class("github"), (json!("timestamped"), json!(false)));
    let shown = ledger.run(&["trust-root", "list"]).ok();
    assert!(
        shown.out.contains("timestamped (weaker: no log)"),
        "{}",
        shown.out
    );
    add(&ledger, "other", &[&file, "--from", "github"]).ends(2, "cannot be used with");
    add(&ledger, "other", &[&file]).ends(2, "--issuer");
    add(&ledger, "Other!", &["--from", "github"]).ends(2, "the trust root's name");
}

#[test]
fn files_that_are_no_trust_roots_are_refused_with_a_reason() {
    let (ledger, file) = ledger();
    let bad = ledger.beside("bad.json");
    let path = bad.to_str().unwrap();
    for (content, said) in [
        (b"".to_vec(), "not a Sigstore trust root"),
        (b"[]".to_vec(), "not a Sigstore trust root"),
        (vec![b' '; 300 * 1024], "more than"),
    ] {
        fs::write(&bad, content).unwrap();
        add(&ledger, "bad", &[path, "--issuer", ISSUER]).ends(2, said);
    }
    add(&ledger, "bad", &["/nowhere.json", "--issuer", ISSUER]).ends(2, "/nowhere.json");
    let neither = ["--issuer", ISSUER, "--require", "sct"];
    add(
        &ledger,
        "bad",
        &[&[file.as_str()], neither.as_slice()].concat(),
    )
    .ends(2, "a transparency log or a timestamp");
    let plain = [
        "--issuer",
        ISSUER,
        "--tuf-url",
        "http://tuf.example.com",
        "--tuf-root",
        &file,
    ];
    add(
        &ledger,
        "bad",
        &[&[file.as_str()], plain.as_slice()].concat(),
    )
    .ends(2, "is not https");
    assert!(listed(&ledger).is_empty());
    ledger.is_sound();
}

#[test]
fn a_refresh_records_what_is_new_and_ends_with_2_where_it_could_not_tell() {
    let (ledger, file) = ledger();
    let mut tuf = Tuf::start(50, ROOT.as_bytes());
    let first = ledger.beside("root.json");
    fs::write(&first, tuf.bootstrap()).unwrap();
    let from = ["--tuf-url", &tuf.url, "--tuf-root", first.to_str().unwrap()];
    add(
        &ledger,
        "own",
        &[[file.as_str(), "--issuer", ISSUER].as_slice(), &from].concat(),
    )
    .ok();
    let refresh = || ledger.run(&["trust-root", "refresh"]);
    refresh().ends(0, "own is the newest");
    tuf.publish(format!("{} ", *ROOT).as_bytes(), NEVER);
    refresh().ends(0, "own has a new version");
    tuf.publish(ROOT.as_bytes(), "2020-01-01T00:00:00Z");
    refresh()
        .ends(2, "keeps its last good version")
        .ends(2, "expired");
    let told = ledger
        .run(&["trust-root", "refresh", "own", "--json"])
        .ends(2, "");
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(
        (&told["outcome"], &told["expired"]),
        (&json!("kept"), &json!(true))
    );
    tuf.stop();
    refresh().ends(2, "cannot be reached");
    add(&ledger, "file", &[&file, "--issuer", ISSUER]).ok();
    let alone = ledger.run(&["trust-root", "refresh", "file"]);
    alone.ends(2, "was given as a file");
    assert_eq!(listed(&ledger).len(), 3);
    ledger.is_sound();
}
