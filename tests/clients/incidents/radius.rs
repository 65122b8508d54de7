//! `gemledger blast-radius`: what an identity touched, and what would contain it.
use events::api_key::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::told::Told;
use crate::support::http;

fn types(lines: &[Value]) -> Vec<&str> {
    let touched = lines.iter().filter_map(|line| line["type"].as_str());
    touched.collect()
}

/// What is printed in the end.
fn end(lines: &[Value]) -> (Value, Vec<String>) {
    let last = lines.last().unwrap();
    let commands = last["containment"].as_array().unwrap().iter();
    let commands = commands.map(|command| command.as_str().unwrap().to_owned());
    (last["counts"].clone(), commands.collect())
}

/// Gives each command as it was printed.
fn obey(told: &Told, commands: &[String]) {
    for command in commands {
        let words = command.replace("'under investigation'", "incident");
        let words: Vec<&str> = words.split_whitespace().skip(1).collect();
        told.run(&words).ok();
    }
}

/// A thief has alice's key: a weaker rule for `mine`, and a second account among its owners.
fn steal(told: &Told, second: &str) {
    let issued = told.ledger.json(&[
        "api-key",
        "issue",
        "--account",
        "alice",
        "--scopes",
        &Scope::ALL.map(Scope::as_str).join(","),
    ]);
    let key = issued["key"].as_str().unwrap();
    let ask = |method, path: &str, body: &Value| {
        let url = format!("{}/api/v1/gems/mine/{path}", told.ledger.url());
        let headers = [("authorization", key), ("content-type", "application/json")];
        let answer = http::request(method, &url, &headers, body.to_string().as_bytes());
        assert!(answer.status < 300, "{}", answer.text());
    };
    let off = json!({"setting": "off"});
    ask(Method::PUT, "rules/trusted_publishing_only", &off);
    ask(Method::POST, "owners", &json!({"account": second}));
}

/// Lets loosening wait for three days from here on.
fn loosening_waits(told: &Told) {
    told.run(&["log", "rules", "set", "--loosening-delay", "72h"])
        .ok();
}

/// What a thief did to `mine`; the second account.
fn stolen(told: &Told) -> String {
    let second = told.ledger.json(&["account", "add", "second"])["id"].clone();
    let second = second.as_str().unwrap().to_owned();
    steal(told, &second);
    second
}

fn contained(told: &Told) -> Vec<String> {
    end(&told.json(&["blast-radius", "--account", "alice"])).1
}

#[test]
fn what_a_stolen_account_declared_is_cancelled_before_anything_else() {
    let told = Told::new();
    loosening_waits(&told);
    stolen(&told);
    let waiting = || told.json(&["policy", "pending", "mine"]);
    let ids = waiting();
    let ids = ids.iter().map(|change| &change["id"]);
    let cancel: Vec<_> = ids
        .map(|id| format!("gemledger policy cancel mine {id}"))
        .collect();
    assert_eq!(cancel.len(), 2);
    let commands = contained(&told);
    let mut expected = cancel.clone();
    expected.push("gemledger account disable alice".to_owned());
    expected.push("gemledger quarantine mine 1.0.0 --reason 'under investigation'".to_owned());
    assert_eq!(commands, expected);
    // What somebody cancelled already is not asked for again.
    told.run(&[
        "policy",
        "cancel",
        "mine",
        cancel[0].rsplit_once(' ').unwrap().1,
    ])
    .ok();
    assert_eq!(contained(&told), commands[1..]);
    obey(&told, &commands[1..]);
    assert_eq!(contained(&told), Vec::<String>::new());
    assert_eq!(waiting(), Vec::<Value>::new());
    told.ledger.is_sound();
}

#[test]
fn what_a_stolen_account_declared_and_is_in_effect_is_taken_back() {
    let told = Told::new();
    let second = stolen(&told);
    let commands = contained(&told);
    let remove = format!("gemledger owner remove mine {second}");
    assert_eq!(commands[0], remove, "{commands:?}");
    obey(&told, &commands);
    assert_eq!(contained(&told), Vec::<String>::new());
    told.ledger.is_sound();
}

#[test]
fn a_publisher_that_waits_is_cancelled_and_one_that_was_cancelled_is_not_removed() {
    let told = Told::new();
    loosening_waits(&told);
    told.run(&[
        "publisher",
        "add",
        "mine",
        "--provider",
        "ci",
        "--workflow",
        "release.yml",
        "--repository",
        "octo-org/thief",
        "--repository-id",
        "9",
        "--owner-id",
        "9",
    ])
    .ok();
    let id = told.json(&["policy", "pending", "mine"])[0]["id"].clone();
    let contained = || end(&told.json(&["blast-radius", "--repository", "octo-org/thief"])).1;
    let commands = contained();
    assert_eq!(commands, [format!("gemledger policy cancel mine {id}")]);
    obey(&told, &commands);
    assert_eq!(contained(), Vec::<String>::new());
    told.ledger.is_sound();
}

#[test]
fn a_repository_is_followed_from_its_publisher_to_its_releases() {
    let told = Told::new();
    let all = told.json(&["blast-radius", "--repository", "Octo-Org/tool"]);
    for event in [
        "pending_publisher.added",
        "token.exchanged",
        "api_key.issued",
        "publisher.added",
        "release.pushed",
    ] {
        assert!(types(&all).contains(&event), "{event}: {all:?}");
    }
    let (counts, commands) = end(&all);
    assert_eq!(counts["exchanges"], 1);
    assert_eq!(counts["releases"], 1);
    assert!(
        commands[0].starts_with("gemledger publisher remove tool "),
        "{commands:?}"
    );
    assert!(
        commands
            .last()
            .unwrap()
            .starts_with("gemledger quarantine tool 1.0.0 ")
    );
    // What the commands say is what contains it.
    obey(&told, &commands);
    let after = told.json(&["blast-radius", "--repository", "octo-org/tool"]);
    let (_, commands) = end(&after);
    assert_eq!(commands, Vec::<String>::new());
    // Alice has nothing to do with it.
    assert!(!all.iter().any(|line| {
        line["about"]
            .as_str()
            .is_some_and(|about| about.contains("mine"))
    }));
    told.ledger.is_sound();
}

#[test]
fn a_key_a_run_a_signing_key_and_an_account_each_have_their_own_radius() {
    let told = Told::new();
    let exchanged = told.json(&["log", "--type", "token.exchanged"]).remove(0);
    let data = &exchanged["event"]["data"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (key, run) = (text(&data["api_key"]), text(&data["workflow"]["run_id"]));
    let signer = text(&data["provider_key"]);
    for (identity, name) in [
        ("--api-key", &key),
        ("--run", &run),
        ("--provider-key", &signer),
    ] {
        let lines = told.json(&["blast-radius", identity, name]);
        let found = types(&lines);
        assert!(
            found.contains(&"token.exchanged") && found.contains(&"release.pushed"),
            "{found:?}"
        );
        let (counts, commands) = end(&lines);
        assert_eq!(counts["keys"], 1, "{identity}");
        assert_eq!(counts["releases"], 1, "{identity}");
        assert!(
            commands.last().unwrap().contains("quarantine tool 1.0.0"),
            "{commands:?}"
        );
        let first = &commands[0];
        match identity {
            "--provider-key" => assert!(
                first.starts_with("gemledger provider distrust-key ci "),
                "{first}"
            ),
            _ => assert!(
                first.contains("quarantine") || first.contains("revoke"),
                "{first}"
            ),
        }
    }
    let hex = signer.strip_prefix("sha256:").unwrap();
    told.run(&["blast-radius", "--provider-key", hex])
        .ends(0, "1 exchanges");
    let id = told.events("account.created")[0]["event"]["stream"]
        .as_str()
        .unwrap()
        .to_owned();
    let id = id.strip_prefix("account/").unwrap();
    for name in ["alice", id] {
        let lines = told.json(&["blast-radius", "--account", name]);
        assert_eq!(
            types(&lines),
            [
                "account.created",
                "api_key.issued",
                "gem.registered",
                "owner.added",
                "name.taken",
                "file.taken",
                "release.pushed"
            ]
        );
        let (_, commands) = end(&lines);
        assert_eq!(commands[0], format!("gemledger account disable {name}"));
    }
    told.ledger.is_sound();
}

#[test]
fn since_hides_what_came_before_and_still_knows_it() {
    let told = Told::new();
    assert_eq!(told.push(&told.key, "mine", "2.0.0"), 200);
    let since = told.time("release.pushed");
    let lines = told.json(&["blast-radius", "--account", "alice", "--since", &since]);
    assert_eq!(types(&lines), ["file.taken", "release.pushed"]);
    let (_, commands) = end(&lines);
    let quarantines: Vec<_> = commands
        .iter()
        .filter(|it| it.contains("quarantine"))
        .collect();
    assert_eq!(quarantines.len(), 1, "{commands:?}");
}

#[test]
fn who_touched_nothing_and_who_cannot_be_named() {
    let told = Told::new();
    let nobody = "01900000-0000-7000-8000-000000000000";
    told.refuses(&[
        (
            &["blast-radius", "--repository", "octo-org/nothing"],
            1,
            "nothing is left to contain",
        ),
        (&["blast-radius", "--api-key", nobody], 1, "0 events"),
        (&["blast-radius"], 2, "required"),
        (
            &["blast-radius", "--run", "1", "--account", "alice"],
            2,
            "cannot be used with",
        ),
        (
            &["blast-radius", "--account", "nobody"],
            2,
            "no account called nobody",
        ),
        (&["blast-radius", "--api-key", "1"], 2, "the key's id"),
        (
            &["blast-radius", "--provider-key", "abc"],
            2,
            "the thumbprint",
        ),
        (
            &["blast-radius", "--run", "1", "--since", "then"],
            2,
            "is not a time like",
        ),
    ]);
}
