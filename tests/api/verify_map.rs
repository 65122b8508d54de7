//! `verify` and the list of all versions: what is not in it, what is newer, and a registry that leaves something out.
use events::{
    digest::Digest, map::Rooted, name::FoldedName, platform::Platform, text::Text,
    version::GemVersion,
};
use gemledger::{
    app::{lookup::Answer, quarantine::Named},
    project::listing::Listing,
};
use serde_json::{Value, json};
use tlog::Map;

use super::{
    given::good,
    project::{Project, found},
};
use crate::support::liar::Said;

impl Project {
    /// A root that commits to this document of `rake` and to nothing else, recorded and signed, and the answer under it.
    async fn commits_to(&self, document: &Value) -> Vec<u8> {
        let document = serde_json::to_string(document).unwrap();
        let key = *Digest::of(b"rake").as_bytes();
        let mut map = Map::new();
        map.insert(key, *Digest::of(document.as_bytes()).as_bytes());
        let rooted = Rooted {
            gems: 1,
            root: Digest::from_bytes(*map.root().as_bytes()),
            through: self.app.traces().await.events,
        };
        let index = self.app.records(rooted).await;
        let receipt = self.app.get(&format!("/log/proof/{index}")).await.is(200);
        let answer = Answer {
            format: 1,
            gem: FoldedName::parse("rake").unwrap(),
            proof: map.prove(&key).to_base64(),
            receipt: receipt.text().to_owned(),
            state: Some(document),
        };
        serde_json::to_vec(&answer).unwrap()
    }
}

#[tokio::test]
async fn a_registry_without_a_list_is_no_liar() {
    let project = Project::new().await;
    for said in [None, Some(Said::Status(503)), Some(Said::Status(404))] {
        if let Some(said) = said {
            project.liar.says("/log/lookup/rake", said);
        }
        let report = project.report().await;
        assert_eq!(report.verdict(), Some(true));
        assert_eq!(report.gems[0].listing, Some(Listing::None));
    }
    project.liar.says("/log/lookup/rake", Said::Status(500));
    assert_eq!(found(&project.report().await), ["rake could_not_tell"]);
    project.app.finish().await;
}

#[tokio::test]
async fn these_are_all_the_versions_there_are_or_the_list_is_older() {
    let mut project = Project::new().await;
    let mut follower = project.app.follower().await;
    follower.step(&project.app.app).await.unwrap();
    let report = project.report().await;
    let through = project.app.traces().await.events - 1;
    let complete = Listing::Complete {
        versions: 1,
        through,
    };
    assert_eq!(found(&report), [""; 0]);
    assert_eq!(report.gems[0].listing, Some(complete.clone()));
    assert_eq!(report.to_json()["gems"][0]["versions"]["is"], "complete");
    // A lookup goes by the name in whatever case, and each gem has its own.
    assert_eq!(report.gems[1].listing, Some(complete));
    let key = project.app.job_key("acme/rake").await;
    project.app.push(&key, good("rake", "1.1.0")).await.is(200);
    let digest = Digest::of(&good("rake", "1.0.0")).hex();
    let newer = project.lockfile.replace("rake (1.0.0)", "rake (1.1.0)");
    project.lockfile = newer.replace(&digest, &Digest::of(&good("rake", "1.1.0")).hex());
    let report = project.report().await;
    assert_eq!(found(&report), [""; 0]);
    assert_eq!(report.gems[0].listing, Some(Listing::Older { through }));
    follower.step(&project.app.app).await.unwrap();
    let report = project.report().await;
    assert!(matches!(
        report.gems[0].listing,
        Some(Listing::Complete { versions: 2, .. })
    ));
    project.app.finish().await;
}

#[tokio::test]
async fn a_list_that_proves_nothing_is_caught() {
    let project = Project::new().await;
    let mut follower = project.app.follower().await;
    follower.step(&project.app.app).await.unwrap();
    let honest = project.app.lookup("rake").await.is(200).text().to_owned();
    let swapped = Said::Of("/log/lookup/tool".into());
    let changed = Said::Bytes(honest.replace("1.0.0", "1.0.1").into_bytes());
    let nothing = Said::Bytes(Vec::new());
    for said in [swapped, changed, nothing] {
        project.liar.says("/log/lookup/rake", said);
        assert_eq!(found(&project.report().await), ["rake list_invalid"]);
    }
    project.app.finish().await;
}

#[tokio::test]
async fn a_release_that_the_list_leaves_out_changes_or_withholds_is_caught() {
    let project = Project::new().await;
    let mut follower = project.app.follower().await;
    follower.step(&project.app.app).await.unwrap();
    let honest = project.app.lookup("rake").await.is(200).json();
    let honest: Value = serde_json::from_str(honest["state"].as_str().unwrap()).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut document = honest.clone();
        change(&mut document["releases"]);
        document
    };
    let evil = Digest::of(b"evil").to_string();
    let lies = [
        with(&|releases| *releases = json!([])),
        with(&|releases| releases[0]["digest"] = json!(evil)),
    ];
    for document in lies {
        let answer = project.commits_to(&document).await;
        project.liar.says("/log/lookup/rake", Said::Bytes(answer));
        let report = project.report().await;
        assert_eq!(found(&report), ["rake not_listed"], "{document}");
    }
    // The rest of the log is sound: what is wrong is the root, which an audit of the whole log finds.
    let report = project.report().await;
    assert_eq!(report.flaws, []);
}

#[tokio::test]
async fn a_release_that_was_quarantined_since_is_caught_and_fine_again_when_it_is_lifted() {
    let project = Project::new().await;
    let mut follower = project.app.follower().await;
    let release = || Named {
        gem: FoldedName::parse("rake").unwrap(),
        number: GemVersion::parse("1.0.0").unwrap(),
        platform: Platform::ruby(),
    };
    let app = &project.app.app;
    let reason = Text::parse("a stolen key").unwrap();
    app.quarantine(release(), reason).await.unwrap();
    follower.step(app).await.unwrap();
    let report = project.report().await;
    assert_eq!(found(&report), ["rake withheld"]);
    assert_eq!(report.verdict(), Some(false));
    app.restore(release(), None).await.unwrap();
    follower.step(app).await.unwrap();
    assert_eq!(found(&project.report().await), [""; 0]);
    project.app.finish().await;
}
