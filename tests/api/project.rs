//! What `verify` needs to be asked: a project with locked gems, a registry that may lie, and a place to remember.
use std::path::PathBuf;

use events::digest::Digest;
use gemledger::{
    config::BaseUrl,
    lockfile::Lockfile,
    project::{self, Asked, Level, Report, VerifyError, select::select},
    remote::{HttpClient, LastSeen, Settings, Source, seen},
};
use tempfile::TempDir;

use super::{
    app::TestApp,
    given::{good, rake},
};
use crate::support::liar::Liar;

/// A registry with two gems, somebody in front of it, and a project that has both locked.
pub(super) struct Project {
    pub(super) app: TestApp,
    pub(super) liar: Liar,
    pub(super) folder: TempDir,
    pub(super) lockfile: String,
}

/// `rake`, which its workflow released, and `tool`, which an account did.
pub(super) const GEMS: [&str; 2] = ["rake", "tool"];

impl Project {
    pub(super) async fn new() -> Self {
        let app = rake().await;
        let key = app.job_key("acme/rake").await;
        app.push(&key, good("rake", "1.0.0")).await.is(200);
        let key = app.push_key("alice").await;
        app.push(&key, good("tool", "1.0.0")).await.is(200);
        Self::of(app)
    }

    /// A project with the two gems of this registry.
    pub(super) fn of(app: TestApp) -> Self {
        let liar = Liar::before(&format!("http://{}", app.address));
        let locked = GEMS.map(|gem| format!("    {gem} (1.0.0)\n")).concat();
        let checksum = |gem| Digest::of(&good(gem, "1.0.0")).hex();
        let checksums = GEMS.map(|gem| format!("  {gem} (1.0.0) sha256={}\n", checksum(gem)));
        let lockfile = format!(
            "GEM\n  remote: {}/\n  specs:\n{locked}\nCHECKSUMS\n{}",
            liar.url(),
            checksums.concat()
        );
        Self {
            app,
            liar,
            folder: tempfile::tempdir().unwrap(),
            lockfile,
        }
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.path().join("seen.json")
    }

    /// The last tree that was remembered.
    pub(super) fn seen(&self) -> Option<LastSeen> {
        seen::read(&self.state()).unwrap()
    }

    /// Both checkpoints of every contradiction that was kept.
    pub(super) fn evidence(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let files = files.map(|file| file.unwrap().path());
        files
            .filter(|file| file.to_str().unwrap().contains("evidence"))
            .map(|file| std::fs::read_to_string(file).unwrap())
            .collect()
    }

    /// What is asked if nothing in particular is.
    pub(super) fn asked(&self) -> Asked {
        Asked {
            key: None,
            require: Level::Logged,
            witnesses: Vec::new(),
            quorum: 0,
            max_age_seconds: None,
            state: Some(self.state()),
            now: self.app.clock.now(),
        }
    }

    pub(super) async fn verify(&self, asked: &Asked) -> Result<Report, VerifyError> {
        let lockfile = Lockfile::parse(&self.lockfile).unwrap();
        let url = BaseUrl::parse(&self.liar.url()).unwrap();
        let selected = select(lockfile, Some(url)).unwrap();
        let settings = Settings {
            attempts: 1,
            ..Settings::default()
        };
        let client = HttpClient::new(&self.liar.url(), None, settings).unwrap();
        let log = Source::parse(&self.liar.url(), None, settings).unwrap();
        let mut ticks = 0;
        let report = project::verify(&client, log, &selected.gems, asked, || ticks += 1).await?;
        assert_eq!(ticks, selected.gems.len());
        Ok(report)
    }

    /// The report if nothing in particular is asked.
    pub(super) async fn report(&self) -> Report {
        self.verify(&self.asked()).await.unwrap()
    }
}

/// What was found: the ledger's flaws, then each gem's, with the gem before it.
pub(super) fn found(report: &Report) -> Vec<String> {
    let ledger = report.flaws.iter().map(|flaw| flaw.rule.id.to_owned());
    let gems = report.gems.iter().flat_map(|gem| {
        let flaws = gem.flaws.iter().map(|flaw| flaw.rule.id);
        let unknown = gem.unknown.iter().map(|_| "could_not_tell");
        flaws
            .chain(unknown)
            .map(|code| format!("{} {code}", gem.locked.name))
    });
    ledger.chain(gems).collect()
}
