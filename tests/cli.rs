//! The command line: exit codes, JSON, hints.
mod policy;

use std::{
    fs,
    io::{BufRead as _, BufReader},
};

use gemledger::demo::gem::build;
use serde_json::Value;

use crate::support::{
    http::{self, found},
    program::{Ledger, Server, Talking, program, run},
};

/// A ledger with one release of `hello` by an account.
fn released() -> (Ledger, Server, Vec<u8>) {
    let ledger = Ledger::new();
    let server = ledger.serve();
    let gem = build("hello", "1.0.0", "Says hello", b"puts 'hello'\n");
    let key = ledger.key("alice", "push_rubygem");
    assert_eq!(http::push(&ledger.url(), &key, &gem).unwrap().status, 200);
    (ledger, server, gem)
}

#[test]
fn the_demo_tells_the_whole_story_and_ends_well() {
    let told = run(program().args(["demo", "--once"])).ends(0, "every decision was lawful");
    for (number, line) in told.out.lines().enumerate() {
        assert!(
            line.trim_start().starts_with(&format!("{}. ", number + 1)),
            "{line}"
        );
    }
    for word in [
        "opened a ledger",
        "trusted octo-org/hello-ledger",
        "exchanged",
        "pushed",
        "compact index",
        "offline",
        "replayed",
    ] {
        assert!(told.out.contains(word), "{word}:\n{}", told.out);
    }
    let told = run(program().args(["demo", "--once", "--json"])).ok();
    let steps: Vec<Value> = told
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(steps.len() >= 8 && steps.iter().all(|step| step["text"].is_string()));
}

#[test]
fn verify_says_true_false_or_that_it_could_not_tell() {
    let (ledger, _server, gem) = released();
    let [file, other, receipt, key] =
        ["a.gem", "b.gem", "receipt", "vkey"].map(|name| ledger.beside(name));
    fs::write(&file, &gem).unwrap();
    fs::write(&other, build("hello", "1.0.0", "Says something else", b"")).unwrap();
    fs::write(
        &receipt,
        found(&format!("{}/gems/hello-1.0.0.gem.tlog-proof", ledger.url())),
    )
    .unwrap();
    fs::write(&key, found(&format!("{}/log/vkey", ledger.url()))).unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let verify = |file: &str, receipt: &str, key: &str, more: &[&str]| {
        run(program()
            .args(["verify", file, "--receipt", receipt, "--key", key])
            .args(more))
    };
    let (file, other, receipt, key) = (path(&file), path(&other), path(&receipt), path(&key));
    verify(&file, &receipt, &key, &[]).ends(0, "verified: hello 1.0.0");
    let vkey = fs::read_to_string(&key).unwrap();
    let told = verify(&file, &receipt, vkey.trim(), &["--json"]).ok();
    assert_eq!(
        serde_json::from_str::<Value>(&told.out).unwrap()["verified"],
        true
    );

    // The registry's statement of it, or another one.
    let vsa = ledger.beside("vsa");
    let said = found(&format!(
        "{}/api/v1/gems/hello/versions/1.0.0/vsa",
        ledger.url()
    ));
    fs::write(&vsa, &said).unwrap();
    let with = ["--vsa", &path(&vsa)];
    verify(&file, &receipt, &key, &with).ends(0, "SLSA_BUILD_LEVEL_0");
    let mut other_word: Value = serde_json::from_slice(said.as_ref()).unwrap();
    other_word["payload"] = "e30=".into();
    fs::write(&vsa, other_word.to_string()).unwrap();
    verify(&file, &receipt, &key, &with).ends(1, "the log says");

    verify(&other, &receipt, &key, &[]).ends(1, "not verified");
    let told = verify(&other, &receipt, &key, &["--json"]).ends(1, "not verified");
    assert_eq!(
        serde_json::from_str::<Value>(&told.out).unwrap()["verified"],
        false
    );
    let broken = ledger.beside("broken");
    fs::write(
        &broken,
        fs::read_to_string(&receipt).unwrap().replacen('A', "B", 1),
    )
    .unwrap();
    verify(&file, &path(&broken), &key, &[]).ends(1, "not verified");

    verify("/nowhere", &receipt, &key, &[]).ends(2, "cannot read /nowhere");
    verify(&file, &receipt, "no key", &[]).ends(2, "verification key");
}

#[test]
fn everything_that_prints_prints_json_if_asked() {
    let (ledger, _server, _) = released();
    for arguments in [
        &["log"][..],
        &["log", "--gem", "hello", "--type", "release.pushed"],
        &["provenance", "hello", "1.0.0"],
        &["replay"],
        &["replay", "--until", "3"],
        &["replay", "--check"],
        &["audit"],
        &["account", "add", "bob"],
        &[
            "api-key",
            "issue",
            "--account",
            "bob",
            "--scopes",
            "read,push_rubygem",
            "--gem",
            "hello",
            "--expires",
            "90d",
        ],
        &["provider", "list"],
        &["publisher", "list", "hello"],
    ] {
        let ran = run(ledger.command(arguments).arg("--json")).ok();
        for line in ran.out.lines() {
            assert!(
                serde_json::from_str::<Value>(line).is_ok(),
                "{arguments:?}: {line}"
            );
        }
    }
    // Who is erased has no name any more; the id remains.
    let id = ledger.json(&["account", "add", "carol"])["id"].clone();
    ledger.json(&["erase", "carol"]);
    ledger.json(&["account", "disable", id.as_str().unwrap()]);
    // An error too.
    let nobody = [
        "api-key",
        "issue",
        "--account",
        "nobody",
        "--scopes",
        "read",
        "--json",
    ];
    let ran = ledger.run(&nobody).ends(2, "error:");
    assert!(serde_json::from_str::<Value>(&ran.out).unwrap()["error"].is_string());
}

#[test]
fn an_error_is_one_line_and_a_hint_where_there_is_one() {
    let ledger = Ledger::new();
    ledger
        .run(&["log"])
        .ends(2, "error: there is no ledger in")
        .ends(
            2,
            "hint: name the data folder with --data or GEMLEDGER_DATA",
        );
    let outside = ledger.run(&[
        "serve",
        "--listen",
        "0.0.0.0:0",
        "--url",
        "http://gems.example.com",
    ]);
    outside
        .ends(2, "must be opened with --visibility")
        .ends(2, "hint:");
    assert!(!ledger.data().join("ledger.db").exists());
    ledger.run(&["nonsense"]).ends(2, "unrecognized subcommand");
}

#[test]
fn a_denied_command_ends_with_one_and_says_why() {
    let (ledger, _server, _) = released();
    ledger.run(&["account", "add", "alice"]).ends(1, "error:");
    ledger
        .run(&["publisher", "remove", "hello", "7"])
        .ends(1, "error:");
    let missing = ledger.run(&["provenance", "hello", "9.9.9"]);
    missing.ends(1, "there is no hello 9.9.9");
}

#[test]
fn a_follower_of_the_log_sees_what_happens_next() {
    let (ledger, _server, _) = released();
    let command = ledger.command(&["log", "--follow", "--type", "account.created", "--json"]);
    let (_child, out) = Talking::start(command);
    let mut lines = BufReader::new(out).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    // After the opening and the key of statements.
    assert_eq!(next()["index"], 2);
    for _ in 0..2 {
        let name = format!("late-{}", ledger.run(&["log"]).ok().out.lines().count());
        let added = ledger.json(&["account", "add", &name]);
        let event = next()["event"].clone();
        assert_eq!(
            event["stream"],
            format!("account/{}", added["id"].as_str().unwrap())
        );
    }
}

#[test]
fn a_replay_travels_in_time_into_a_file_that_sql_tools_open() {
    let (ledger, _server, _) = released();
    let before = ledger.beside("before.db");
    let after = ledger.beside("after.db");
    ledger
        .run(&["replay", "--until", "3", "--into", before.to_str().unwrap()])
        .ok();
    ledger
        .run(&["replay", "--into", after.to_str().unwrap()])
        .ok();
    ledger
        .run(&["replay", "--into", after.to_str().unwrap()])
        .ends(2, "exists already");
    let count = |file: &std::path::Path| {
        let tables = run(std::process::Command::new("sqlite3")
            .arg(file)
            .arg(".tables"))
        .ok()
        .out;
        let table = tables
            .split_whitespace()
            .find(|table| table.starts_with("release"))
            .unwrap_or_else(|| panic!("{tables}"));
        let query = format!("SELECT count(*) FROM \"{table}\"");
        run(std::process::Command::new("sqlite3").arg(file).arg(query))
            .ok()
            .out
            .trim()
            .to_owned()
    };
    assert_eq!(
        (count(&before).as_str(), count(&after).as_str()),
        ("0", "1")
    );
}
