//! What `verify` found: for people, for programs, and for code scanning.
use serde_json::{Value, json};

use super::{
    GemReport, TreeReport, Trust,
    rules::{self, Flaw},
};
use crate::sarif::{Finding, Level, Place, Run};

/// What was found of a registry and the gems that come from it.
pub struct Report {
    /// Its address.
    pub registry: String,
    /// The name of its log.
    pub origin: String,
    /// The log's key.
    pub vkey: String,
    /// Why that is believed.
    pub trust: Trust,
    /// The tree that everything is under.
    pub tree: TreeReport,
    /// What is wrong with the ledger itself.
    pub flaws: Vec<Flaw>,
    /// Every gem, in the lockfile's order.
    pub gems: Vec<GemReport>,
}

impl Report {
    /// `Some(true)` if everything is as it must be, `Some(false)` if something is not, `None` if that could not be told.
    pub fn verdict(&self) -> Option<bool> {
        let failed = |gem: &GemReport| !gem.flaws.is_empty();
        if !self.flaws.is_empty() || self.gems.iter().any(failed) {
            Some(false)
        } else if self.gems.iter().all(GemReport::passed) {
            Some(true)
        } else {
            None
        }
    }

    /// The report as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "verified": self.verdict(),
            "registry": self.registry,
            "origin": self.origin,
            "vkey": self.vkey,
            "key_is": match self.trust {
                Trust::Given => "given",
                Trust::Pinned => "pinned",
                Trust::FirstUse => "trusted_on_first_use",
            },
            "tree": self.tree,
            "flaws": flaws(&self.flaws),
            "gems": self.gems.iter().map(gem).collect::<Vec<_>>(),
        })
    }

    /// The report for code scanning. Findings lie at the gem's line of the lockfile, which is at `path`.
    pub fn to_sarif(&self, path: &str) -> Run {
        let mut findings = Vec::new();
        let place = |line| {
            vec![Place::File {
                path: path.to_owned(),
                line,
            }]
        };
        for flaw in &self.flaws {
            findings.push(Finding {
                rule: flaw.rule.id,
                level: Level::Error,
                message: format!("{}: {}", self.registry, flaw.message),
                subject: format!("registry {}", self.registry),
                places: place(1),
            });
        }
        for gem in &self.gems {
            let mut found = |rule, level, message: &str| {
                findings.push(Finding {
                    rule,
                    level,
                    message: format!("{} {}: {message}", gem.locked.name, gem.locked.version),
                    subject: format!("gem {} {}", gem.locked.name, gem.locked.version),
                    places: place(gem.locked.line),
                });
            };
            for flaw in &gem.flaws {
                found(flaw.rule.id, Level::Error, &flaw.message);
            }
            if let Some(unknown) = &gem.unknown {
                found(rules::COULD_NOT_TELL.id, Level::Warning, unknown);
            }
        }
        Run {
            rules: rules::ALL.map(|rule| *rule).to_vec(),
            findings,
            complete: self.gems.iter().all(|gem| gem.unknown.is_none()),
        }
    }
}

fn flaws(flaws: &[Flaw]) -> Vec<Value> {
    let one = |flaw: &Flaw| json!({"code": flaw.rule.id, "message": flaw.message});
    flaws.iter().map(one).collect()
}

fn gem(gem: &GemReport) -> Value {
    json!({
        "name": gem.locked.name,
        "version": gem.locked.version,
        "line": gem.locked.line,
        "verified": match (gem.flaws.is_empty(), &gem.unknown) {
            (false, _) => Some(false),
            (true, None) => Some(true),
            (true, Some(_)) => None,
        },
        "checksum": match (&gem.locked.checksum, &gem.logged) {
            (None, _) => "not_locked",
            (Some(locked), Some(logged)) if *locked == logged.digest => "matches",
            (Some(_), Some(_)) => "differs",
            (Some(_), None) => "not_compared",
        },
        "logged": gem.logged,
        "versions": gem.listing,
        "flaws": flaws(&gem.flaws),
        "could_not_tell": gem.unknown,
    })
}
