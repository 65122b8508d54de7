//! How findings are told: a line, JSON, SARIF; and that the documentation knows every rule.
use gemledger::{
    monitor::{Finding, catalogue},
    sarif::Run,
};
use serde_json::json;

use super::ledger::{Honest, events, indexes};

#[tokio::test]
async fn a_finding_names_its_rule_leaf_stream_time_and_what_differs() {
    let log = Honest::open().await.published().await;
    let recorded = &events(&log)[indexes(&log, "provider.registered")[0]];
    let index = recorded.index;
    let finding = Finding::new(
        &catalogue::PROVIDER_CHANGED,
        "the settings of github changed",
    )
    .at(recorded)
    .since(0)
    .not("this", "that");
    let time = String::from(recorded.event.time);
    assert_eq!(
        finding.to_string(),
        format!(
            "warning provider_changed, log index {index} and 0, provider/github, {time}: the settings of github changed \
             (expected this, found that)"
        )
    );
    assert_eq!(
        finding.to_json(),
        json!({
            "rule": "provider_changed", "sort": "notable", "level": "warning", "indexes": [index, 0],
            "stream": "provider/github", "time": time, "message": "the settings of github changed",
            "expected": "this", "found": "that",
        })
    );
    let run = Run {
        rules: catalogue::for_sarif(),
        findings: vec![finding.to_sarif("https://gems.example.com/log", "gems.example.com/log/1")],
        complete: true,
    };
    let run = serde_json::to_value(run.to_sarif()).unwrap()["runs"][0].take();
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "provider_changed");
    let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][at]["id"], "provider_changed");
    let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(
        place["uri"],
        format!("https://gems.example.com/log/proof/{index}")
    );
}

#[test]
fn every_rule_has_a_name_of_its_own_and_a_line_in_the_documentation() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/monitoring.md");
    let document = std::fs::read_to_string(path).unwrap();
    let mut names = std::collections::BTreeSet::new();
    for entry in catalogue::ALL {
        assert!(names.insert(entry.id), "{} is there twice", entry.id);
        let level = serde_json::to_value(entry.level).unwrap();
        let line = format!(
            "| `{}` | {} | {} |",
            entry.id,
            level.as_str().unwrap(),
            entry.summary
        );
        assert!(document.contains(&line), "docs/monitoring.md lacks: {line}");
    }
}
