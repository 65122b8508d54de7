//! `gemledger explain`: why something was decided so.
use serde_json::{Value, json};

use super::told::Told;

fn explained(told: &Told, index: u64) -> Value {
    let lines = told.json(&["explain", &index.to_string()]);
    assert_eq!(lines[0]["lawful"], true, "{lines:?}");
    lines[0]["explanation"].clone()
}

fn check<'a>(explanation: &'a Value, name: &str) -> &'a Value {
    let checks = explanation["checks"].as_array().unwrap();
    let found = checks
        .iter()
        .find(|check| check["name"].as_str().unwrap().ends_with(name));
    found.unwrap_or_else(|| panic!("{name}: {explanation}"))
}

#[test]
fn an_exchange_and_a_push_show_each_check_and_today_is_the_same_until_it_is_not() {
    let told = Told::new();
    let (exchange, push) = (told.last("token.exchanged"), told.last("release.pushed"));
    let shown = explained(&told, exchange);
    assert_eq!(shown["decision"], "allowed");
    for name in [
        "provider",
        "provider_key",
        "audience",
        "times",
        "token_unspent",
        "visibility",
    ] {
        assert_eq!(check(&shown, name)["passed"], true, "{name}");
    }
    assert_eq!(check(&shown, "audience")["found"], told.ledger.address());
    assert_eq!(check(&shown, ": repository")["expected"], "octo-org/tool");
    assert_eq!(check(&shown, ": workflow")["expected"], "release.yml");
    assert_eq!(shown["today"]["same"], true);
    // The key is part of the same decision.
    let key = explained(&told, exchange + 1);
    assert_eq!(key["checks"], shown["checks"]);
    let pushed = explained(&told, push);
    for name in [
        "api_key",
        "holder",
        "authority",
        "version",
        "file",
        "one_version",
        ": environment",
    ] {
        assert_eq!(check(&pushed, name)["passed"], true, "{name}");
    }
    assert_eq!(pushed["today"]["same"], true, "{pushed}");
    told.run(&["publisher", "remove", "tool", &told.publisher("tool")])
        .ok();
    for index in [exchange, push] {
        let shown = explained(&told, index);
        assert_eq!(shown["today"]["same"], false, "{shown}");
    }
    let text = told.run(&["explain", &push.to_string()]).ok().out;
    for said in [
        "rule: ",
        "passed",
        "today: another decision",
        "judged again on the log before it: lawful",
    ] {
        assert!(text.contains(said), "{said}:\n{text}");
    }
    told.ledger.is_sound();
}

#[test]
fn a_denial_shows_what_was_asked_and_what_came() {
    let told = Told::new();
    let file = "octo-org/tool/.github/workflows/ci.yml@refs/tags/v1.0.0";
    let other = json!({"job_workflow_ref": file, "workflow_ref": file});
    assert_eq!(told.exchanged(&other), "workflow_mismatch");
    let shown = explained(&told, told.last("exchange.denied"));
    assert_eq!(shown["decision"], "denied");
    let check = &shown["checks"][0];
    assert_eq!(check["expected"], "release.yml");
    assert_eq!(check["found"], "ci.yml");
    assert_eq!(check["code"], "workflow_mismatch");
    assert_eq!(shown["today"]["same"], true);
    told.ledger.is_sound();
}

#[test]
fn every_event_has_its_rule_its_actor_and_its_door_and_what_is_not_there_is_said() {
    let told = Told::new();
    let size = u64::try_from(told.size()).unwrap();
    for index in 0..size {
        let shown = explained(&told, index);
        assert!(shown["rule"].as_str().unwrap().ends_with('.'), "{shown}");
        assert!(shown["actor"].is_string() && shown["via"].is_string());
    }
    let first = told.run(&["explain", "0"]);
    first.ends(0, "by the operator, at the console");
    for (index, said) in [
        (size.to_string(), "there is no log index"),
        ("x".into(), "invalid value"),
        ("-1".into(), "error"),
    ] {
        told.run(&["explain", &index]).ends(2, said);
    }
    told.ledger.is_sound();
}
