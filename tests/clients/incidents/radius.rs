//! `gemledger blast-radius`: what an identity touched, and what would contain it.
use serde_json::Value;

use super::told::Told;

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
    for command in &commands {
        let words = command.replace("'under investigation'", "incident");
        let words: Vec<&str> = words.split_whitespace().skip(1).collect();
        told.run(&words).ok();
    }
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
