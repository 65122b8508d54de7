//! `verify` of a project: what an honest registry's gems are found to be, and what is asked of them.
use events::trust_root::Requires;
use gemledger::{
    project::{Level, Trust, tree::Since},
    remote::codes,
};
use serde_json::json;

use super::{
    app::job,
    attested::{SIGSTORE, certified, provenance, signed, stamped, stated, trusting},
    given::good,
    project::{GEMS, Project, found},
};
use crate::support::liar::Said;

#[tokio::test]
async fn every_locked_gem_is_found_with_who_published_it_and_from_where() {
    let project = Project::new().await;
    let report = project.report().await;
    assert_eq!(found(&report), [""; 0]);
    assert_eq!(report.verdict(), Some(true));
    assert_eq!(
        (report.trust, report.origin.as_str()),
        (Trust::FirstUse, "gems.example.com/log/1")
    );
    let [rake, tool] = [0, 1].map(|at| report.gems[at].logged.clone().unwrap());
    assert_eq!((rake.level, tool.level), (Level::Trusted, Level::Logged));
    assert_eq!(rake.published_by, ".github/workflows/release.yml at github");
    assert_eq!(rake.repository.as_deref(), Some("acme/rake"));
    assert_eq!(
        rake.commit.as_deref(),
        Some("5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567")
    );
    assert!(
        tool.published_by.starts_with("account:"),
        "{}",
        tool.published_by
    );
    assert_eq!((tool.repository, tool.commit), (None, None));
    let told = report.to_json();
    assert_eq!(told["gems"][0]["checksum"], "matches");
    assert_eq!(told["gems"][0]["logged"]["level"], "trusted");
    assert_eq!(told["tree"]["since"], json!({"is": "not_seen_before"}));
    project.app.finish().await;
}

#[tokio::test]
async fn the_tree_and_the_key_are_remembered() {
    let project = Project::new().await;
    let first = project.report().await;
    assert_eq!(first.tree.since, Since::NotSeenBefore);
    let seen = project.seen().unwrap();
    assert_eq!(
        (seen.size, seen.vkey.as_str()),
        (first.tree.size, first.vkey.as_str())
    );
    let second = project.report().await;
    assert_eq!(
        (second.tree.since, second.trust),
        (Since::Same, Trust::Pinned)
    );
    project.app.account("bob").await;
    let third = project.report().await;
    assert_eq!(third.tree.since, Since::Grown(first.tree.size));
    assert_eq!(third.verdict(), Some(true));
    assert_eq!(project.seen().unwrap().size, first.tree.size + 1);
    project.app.finish().await;
}

#[tokio::test]
async fn what_is_less_sure_than_asked_for_fails() {
    let project = Project::new().await;
    for (require, expected) in [
        (Level::Logged, &[][..]),
        (Level::Trusted, &["tool not_sure_enough"]),
        (
            Level::Attested,
            &["rake not_sure_enough", "tool not_sure_enough"],
        ),
    ] {
        let mut asked = project.asked();
        asked.require = require;
        let report = project.verify(&asked).await.unwrap();
        assert_eq!(found(&report), expected, "{require:?}");
        assert_eq!(report.verdict(), Some(expected.is_empty()));
    }
    project.app.finish().await;
}

#[tokio::test]
async fn a_release_that_came_with_an_attestation_of_its_run_is_attested() {
    let app = trusting().await;
    let gem = good("rake", "1.0.0");
    let claims = certified(&job("acme/rake"));
    app.attest_rake(&signed(&gem, &claims)).await.is(200);
    let key = app.push_key("alice").await;
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    let project = Project::of(app);
    let mut asked = project.asked();
    asked.require = Level::Attested;
    let report = project.verify(&asked).await.unwrap();
    assert_eq!(found(&report), ["tool not_sure_enough"]);
    let rake = report.gems[0].logged.clone().unwrap();
    assert_eq!(rake.level, Level::Attested);
    // The registry shows another event in its place, or says that there is none.
    let next = rake.log_index + 1;
    let path = format!("/log/proof/{next}");
    let other = project.app.get(&format!("/log/proof/{}", next - 1)).await;
    project.liar.says(&path, Said::Bytes(other.body));
    let report = project.verify(&asked).await.unwrap();
    assert_eq!(found(&report)[0], "rake receipt_invalid");
    project.liar.says(&path, Said::Status(404));
    let report = project.verify(&asked).await.unwrap();
    assert_eq!(found(&report)[0], "rake not_sure_enough");
    project.liar.says(&path, Said::Status(500));
    let report = project.verify(&asked).await.unwrap();
    assert_eq!(found(&report)[0], "rake could_not_tell");
    project.app.finish().await;
}

#[tokio::test]
async fn an_attestation_that_no_log_has_is_the_weaker_class_and_another_beside_it_counts() {
    let app = trusting().await;
    let weaker = Requires {
        log: false,
        sct: false,
        timestamp: true,
    };
    app.trusts("own", &SIGSTORE, weaker).await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    app.attest_rake(&stamped(&gem, &claims)).await.is(200);
    let key = app.push_key("alice").await;
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    let project = Project::of(app);
    for (require, expected) in [
        (Level::Trusted, &["tool not_sure_enough"][..]),
        (Level::AttestedUnlogged, &["tool not_sure_enough"]),
        (
            Level::Attested,
            &["rake not_sure_enough", "tool not_sure_enough"],
        ),
    ] {
        let mut asked = project.asked();
        asked.require = require;
        let report = project.verify(&asked).await.unwrap();
        assert_eq!(found(&report), expected, "{require:?}");
        if require == Level::Attested {
            let flaw = &report.gems[0].flaws[0];
            assert!(
                flaw.message.contains("no transparency log has"),
                "{}",
                flaw.message
            );
            let told = report.to_json();
            assert_eq!(told["gems"][0]["logged"]["level"], "attested_unlogged");
        }
    }
    project.app.finish().await;
}

#[tokio::test]
async fn of_two_bundles_one_that_is_as_good_as_asked_for_suffices() {
    let app = trusting().await;
    let weaker = Requires {
        log: false,
        sct: false,
        timestamp: true,
    };
    app.trusts("weak", &SIGSTORE, weaker).await;
    let (gem, claims) = (good("rake", "1.0.0"), certified(&job("acme/rake")));
    let both = [
        stamped(&gem, &claims),
        stated(&provenance("rake-1.0.0.gem", &gem, &claims), &claims),
    ];
    let key = app.key_of(&job("acme/rake")).await;
    app.attest(&key, &gem, &both).await.is(200);
    let key = app.push_key("alice").await;
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    let project = Project::of(app);
    let mut asked = project.asked();
    asked.require = Level::Attested;
    let report = project.verify(&asked).await.unwrap();
    assert_eq!(found(&report), ["tool not_sure_enough"]);
    project.app.finish().await;
}

#[tokio::test]
async fn another_checksum_than_the_logged_one_fails_and_none_does_not() {
    let mut project = Project::new().await;
    let lockfile = project.lockfile.clone();
    let digest = events::digest::Digest::of(&good("rake", "1.0.0")).hex();
    project.lockfile = lockfile.replace(&digest, &"0".repeat(64));
    let report = project.report().await;
    assert_eq!(found(&report), ["rake digest_mismatch"]);
    assert_eq!(report.to_json()["gems"][0]["checksum"], "differs");
    let (without, _) = lockfile.split_once("CHECKSUMS").unwrap();
    without.clone_into(&mut project.lockfile);
    let report = project.report().await;
    assert_eq!(report.verdict(), Some(true));
    assert_eq!(report.to_json()["gems"][1]["checksum"], "not_locked");
    project.app.finish().await;
}

#[tokio::test]
async fn a_gem_that_the_log_does_not_have_fails_unless_it_may_be_from_elsewhere() {
    let mut project = Project::new().await;
    project.lockfile = project
        .lockfile
        .replace("    tool (1.0.0)", "    tool (1.0.1)");
    assert_eq!(found(&project.report().await), ["tool not_logged"]);
    project.lockfile = project.lockfile.replace("tool (1.0.1)", "a name (1.0.1)");
    assert_eq!(found(&project.report().await), ["a name not_logged"]);
    project.lockfile = project
        .lockfile
        .replace("  specs:", "  remote: https://rubygems.org/\n  specs:");
    let report = project.report().await;
    assert_eq!(found(&report), ["a name could_not_tell"]);
    assert_eq!(report.verdict(), None);
    project.app.finish().await;
}

#[tokio::test]
async fn what_cannot_be_asked_is_not_told() {
    let project = Project::new().await;
    project
        .liar
        .says("/gems/tool-1.0.0.gem.tlog-proof", Said::Status(500));
    let report = project.report().await;
    assert_eq!(found(&report), ["tool could_not_tell"]);
    assert_eq!(report.verdict(), None);
    let sarif = serde_json::to_value(report.to_sarif("Gemfile.lock").to_sarif()).unwrap();
    assert_eq!(
        sarif["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
    for path in ["/log/checkpoint", "/log/tile/0/000.p/", "/log/vkey"] {
        project.liar.repents();
        let size = project.app.traces().await.events;
        let path = path.replace(".p/", &format!(".p/{size}"));
        project.liar.says(&path, Said::Status(503));
        let mut asked = project.asked();
        asked.state = None;
        assert!(project.verify(&asked).await.is_err(), "{path}");
    }
    project.app.finish().await;
}

#[tokio::test]
async fn a_log_that_grows_while_it_is_read_is_one_log() {
    let project = Project::new().await;
    project
        .liar
        .stops_at(&["/log/checkpoint", "/gems/rake-1.0.0.gem.tlog-proof"]);
    project.app.account("bob").await;
    let report = project.report().await;
    assert_eq!(found(&report), [""; 0]);
    assert_eq!(report.tree.size, project.app.traces().await.events);
    project.app.finish().await;
}

#[tokio::test]
async fn a_log_that_was_quiet_for_longer_than_allowed_may_be_an_old_one() {
    let project = Project::new().await;
    let mut asked = project.asked();
    asked.max_age_seconds = Some(3600);
    assert_eq!(found(&project.verify(&asked).await.unwrap()), [""; 0]);
    asked.now = asked.now.plus_seconds(3601);
    let report = project.verify(&asked).await.unwrap();
    assert_eq!(found(&report)[0], "stale");
    assert_eq!(report.verdict(), Some(false));
    project.app.finish().await;
}

#[tokio::test]
async fn findings_lie_at_their_lines_of_the_lockfile() {
    let mut project = Project::new().await;
    project.lockfile = project
        .lockfile
        .replace("    tool (1.0.0)", "    tool (9.9.9)");
    let report = project.report().await;
    let sarif = serde_json::to_value(report.to_sarif("app/Gemfile.lock").to_sarif()).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "not_logged");
    assert_eq!(
        result["locations"][0]["physicalLocation"],
        json!({"artifactLocation": {"uri": "app/Gemfile.lock", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 5}})
    );
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    assert_eq!(rules.len(), gemledger::project::rules::ALL.len());
    assert_eq!(GEMS.len(), report.gems.len());
    assert_eq!(codes::TREE_FORKED, "tree_forked");
    project.app.finish().await;
}
