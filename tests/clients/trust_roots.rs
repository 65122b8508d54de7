//! `gemledger trust-root`: from a file, from what comes with the program, and from a TUF repository.
use std::{fs, sync::LazyLock};

use events::time::Timestamp;
use gemledger::demo::sigstore::PrivateSigstore;
use serde_json::{Value, json};

use crate::support::{
    http::found,
    mirror::mirror,
    program::{Ledger, Ran, run},
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
    let private = private.ends(0, "a weaker class than `public log`");
    assert!(!private.err.contains("publishes"));
    let shown = ledger.run(&["trust-root", "list"]).ok();
    assert!(
        shown
            .out
            .contains("own\tversion 1\tlive\tprivate log\trequires log,sct,timestamp")
    );
    assert!(
        shown
            .out
            .contains("own\tversion 0\treplaced\tpublic log\trequires log,sct\t")
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
    assert_eq!(class("public-good"), (json!("public log"), json!(true)));
    assert_eq!(class("github"), (json!("timestamp"), json!(false)));
    let shown = ledger.run(&["trust-root", "list"]).ok();
    assert!(
        shown.out.contains("timestamp (weaker: no log)"),
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

#[test]
fn a_newer_file_under_the_same_name_keeps_what_the_root_asked_for_and_says_what_a_flag_weakens() {
    let (ledger, file) = ledger();
    let tuf = Tuf::start(51, ROOT.as_bytes());
    let first = ledger.beside("root.json");
    fs::write(&first, tuf.bootstrap()).unwrap();
    let strict = [
        file.as_str(),
        "--issuer",
        ISSUER,
        "--private-log",
        "--require",
        "log,sct,timestamp",
        "--tuf-url",
        &tuf.url,
        "--tuf-root",
        first.to_str().unwrap(),
    ];
    add(&ledger, "own", &strict).ok();
    let newer = ledger.beside("newer.json");
    fs::write(&newer, format!("{} ", *ROOT)).unwrap();
    let newer = newer.to_str().unwrap();
    let carried = add(&ledger, "own", &[newer]).ok();
    assert!(!carried.err.contains("warning"), "{}", carried.err);
    let roots = listed(&ledger);
    let (mut before, after) = (roots[0]["root"].clone(), &roots[1]["root"]);
    assert_ne!(before["digest"], after["digest"]);
    for part in ["digest", "size"] {
        before[part] = after[part].clone();
    }
    assert_eq!(before, *after, "the file alone is another");
    add(&ledger, "own", &[newer]).ends(1, "exists already");
    let looser = [
        newer,
        "--require",
        "log,sct",
        "--issuer",
        ISSUER,
        "--issuer",
        "https://gitlab.com",
        "--no-tuf",
        "--public-log",
    ];
    add(&ledger, "own", &looser)
        .ends(0, "timestamp is not required any more")
        .ends(0, "the jobs of https://gitlab.com from now on")
        .ends(0, "not refreshed from")
        .ends(0, "publishes the names");
    // The file of an earlier version is taken back only by who says so.
    add(&ledger, "own", &[&file]).ends(2, "an earlier one: --older");
    add(&ledger, "own", &[&file, "--older"]).ok();
    assert_eq!(
        listed(&ledger)[3]["root"]["digest"],
        roots[0]["root"]["digest"]
    );
    ledger.is_sound();
}

#[test]
fn a_repository_is_asked_without_the_environments_proxy_and_the_list_says_when_it_confirmed() {
    let (ledger, file) = ledger();
    let mut tuf = Tuf::start(52, ROOT.as_bytes());
    let first = ledger.beside("root.json");
    fs::write(&first, tuf.bootstrap()).unwrap();
    let from = ["--tuf-url", &tuf.url, "--tuf-root", first.to_str().unwrap()];
    let own = [[file.as_str(), "--issuer", ISSUER].as_slice(), &from].concat();
    add(&ledger, "own", &own).ok();
    let list = || ledger.run(&["trust-root", "list"]).ok().out;
    assert!(!list().contains("confirmed"), "{}", list());
    let mut refresh = ledger.command(&["trust-root", "refresh"]);
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        refresh.env(name, "http://127.0.0.1:1");
    }
    run(&refresh).ends(0, "own is the newest");
    assert!(list().contains("\tconfirmed 20"), "{}", list());
    tuf.publish(ROOT.as_bytes(), "2020-01-01T00:00:00Z");
    ledger.run(&["trust-root", "refresh"]).ends(2, "expired");
    assert!(list().contains("\tnot confirmed since 20"), "{}", list());
    let told = &listed(&ledger)[0]["refresh"];
    assert_eq!(told["outcome"], "expired");
    ledger.is_sound();
}

#[test]
fn a_file_that_is_put_back_swallows_no_setting_that_came_with_it() {
    let (ledger, file) = ledger();
    let newer = ledger.beside("newer.json");
    fs::write(&newer, format!("{} ", *ROOT)).unwrap();
    let tuf = Tuf::start(54, ROOT.as_bytes());
    let first = ledger.beside("root.json");
    fs::write(&first, tuf.bootstrap()).unwrap();
    let from = ["--tuf-url", &tuf.url, "--tuf-root", first.to_str().unwrap()];
    let own = [[file.as_str(), "--issuer", ISSUER].as_slice(), &from].concat();
    add(&ledger, "own", &own).ok();
    let lose = |bytes: &[u8]| {
        let hex = events::digest::Digest::of(bytes).hex();
        let blobs = ledger.data().join("blobs");
        fs::remove_file(blobs.join(&hex[..2]).join(&hex[2..])).unwrap();
    };
    // Without a word beside it nothing is recorded.
    lose(ROOT.as_bytes());
    add(&ledger, "own", &[&file])
        .ends(
            0,
            "the file of version 0 was missing or damaged and is back",
        )
        .ends(0, "nothing was recorded");
    lose(ROOT.as_bytes());
    add(&ledger, "own", &[&file, "--private-log"])
        .ends(
            0,
            "the file of version 0 was missing or damaged and is back",
        )
        .ends(0, "trust root own is recorded");
    assert_eq!(listed(&ledger)[1]["root"]["public"], false);
    // The metadata alone.
    lose(&tuf.bootstrap());
    let again = add(
        &ledger,
        "own",
        &[&[file.as_str()], from.as_slice()].concat(),
    );
    again
        .ends(0, "own: the root metadata of its repository was missing")
        .ends(0, "nothing was recorded");
    add(&ledger, "own", &[newer.to_str().unwrap()]).ok();
    lose(ROOT.as_bytes());
    add(&ledger, "own", &[&file, "--issuer", ISSUER]).ends(2, "an earlier one: --older");
    lose(ROOT.as_bytes());
    add(&ledger, "own", &[&file, "--older"])
        .ends(0, "is back")
        .ends(0, "is recorded");
    assert_eq!(listed(&ledger).len(), 4);
    ledger.is_sound();
}

#[test]
fn files_of_roots_come_back_from_the_operator_and_from_a_mirror() {
    let mut ledger = Ledger::new();
    let (keys, anchor) = (ledger.beside("keys"), ledger.beside("anchor"));
    let places = ["--keys", keys.to_str().unwrap(), "--anchor"].map(str::to_owned);
    ledger.common = places.to_vec();
    ledger.common.push(anchor.to_str().unwrap().to_owned());
    let server = ledger.serve();
    let (backup, copy) = (ledger.beside("backup"), ledger.beside("mirror"));
    let backup = backup.to_str().unwrap();
    ledger.run(&["backup", backup]).ok();
    let tuf = Tuf::start(53, ROOT.as_bytes());
    let (file, first) = (
        ledger.beside("trusted_root.json"),
        ledger.beside("root.json"),
    );
    fs::write(&file, ROOT.as_str()).unwrap();
    fs::write(&first, tuf.bootstrap()).unwrap();
    let (file, first) = (file.to_str().unwrap(), first.to_str().unwrap());
    let own = [
        file,
        "--issuer",
        ISSUER,
        "--tuf-url",
        &tuf.url,
        "--tuf-root",
        first,
    ];
    add(&ledger, "own", &own).ok();
    let blobs = ledger.data().join("blobs");
    fs::remove_dir_all(&blobs).unwrap();
    fs::create_dir(&blobs).unwrap();
    add(&ledger, "own", &own)
        .ends(0, "the file of version 0 was missing")
        .ends(0, "the root metadata of its repository was missing")
        .ends(0, "nothing was recorded");
    add(&ledger, "own", &own).ends(1, "exists already");

    let (root, metadata) = (
        "api/v1/trust_roots/own/0.json",
        "api/v1/trust_roots/own/0/root.json",
    );
    mirror(&ledger.url(), &copy, &[root, metadata].map(str::to_owned));
    server.kill();
    fs::remove_dir_all(ledger.data()).unwrap();
    ledger.run(&["restore", backup]).ok();
    let import = || {
        let (from, until) = (copy.to_str().unwrap(), copy.join("checkpoint"));
        let until = until.to_str().unwrap();
        ledger.run(&["log", "import", "--from", from, "--until", until])
    };
    // Another file in its place is nobody's.
    fs::write(copy.join(root), b"{}").unwrap();
    import().ends(1, "trust root own version 0");
    fs::write(copy.join(root), ROOT.as_str()).unwrap();
    import().ok();
    ledger
        .run(&["trust-root", "refresh"])
        .ends(0, "own is the newest");
    ledger.is_sound();
}
