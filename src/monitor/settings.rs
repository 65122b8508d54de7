//! The rules file: which rules are applied, to which gems, with which numbers, and how bad what they find is.
//!
//! ```json
//! {"gems": ["rake"], "owners": ["account:0190…"],
//!  "rules": {"publisher_added": {"level": "error"}, "release_burst": {"gems": 10, "minutes": 5},
//!            "publisher_then_push": {"hours": 48}, "rules_changed": {"enabled": false}}}
//! ```
//!
//! Without `gems` and `owners`, every gem is watched. What is broken is always told: only its level can be changed.
use std::collections::{BTreeMap, BTreeSet};

use events::{
    id::Owner,
    name::{FoldedName, GemName},
};
use serde::Deserialize;

use super::{
    Sort,
    catalogue::{self, Entry},
    rules::Numbers,
};
use crate::sarif::Level;

/// Bytes in the longest rules file that is read.
pub const MAX_LEN: usize = 1024 * 1024;

/// What a rules file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The gems to watch, by folded name.
    pub gems: BTreeSet<FoldedName>,
    /// Owners whose gems are watched.
    pub owners: BTreeSet<Owner>,
    /// The numbers of the rules that have some.
    pub numbers: Numbers,
    levels: BTreeMap<&'static str, Level>,
    disabled: BTreeSet<&'static str>,
}

/// Why a rules file was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// More than [`MAX_LEN`] bytes.
    #[error("the rules file is longer than 1 MiB")]
    TooLong,
    /// Not JSON of this form.
    #[error("the rules file: {0}")]
    Json(String),
    /// A gem's name or an owner that cannot be.
    #[error("the rules file watches {text:?}: {reason}")]
    Watched {
        /// What stands there.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such rule.
    #[error("the rules file names {0:?}, and there is no such rule; docs/monitoring.md lists them")]
    UnknownRule(String),
    /// The rule has no such number, or it is zero.
    #[error(
        "the rules file gives {rule} `{number}`, which is not a number of this rule or is zero"
    )]
    Number {
        /// The rule.
        rule: &'static str,
        /// The number's name.
        number: &'static str,
    },
    /// What is broken is always told.
    #[error("{0} cannot be disabled: what is broken is always told")]
    AlwaysOn(&'static str),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    gems: Vec<String>,
    #[serde(default)]
    owners: Vec<String>,
    #[serde(default)]
    rules: BTreeMap<String, RuleSettings>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSettings {
    #[serde(default = "yes")]
    enabled: bool,
    level: Option<LevelName>,
    hours: Option<u64>,
    minutes: Option<u64>,
    gems: Option<u64>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LevelName {
    Note,
    Warning,
    Error,
}

impl Settings {
    /// Reads a rules file.
    pub fn parse(file: &[u8]) -> Result<Self, SettingsError> {
        if file.len() > MAX_LEN {
            return Err(SettingsError::TooLong);
        }
        // serde would take a list for an object whose members are all left out.
        if !file.trim_ascii_start().starts_with(b"{") {
            return Err(SettingsError::Json("it is not a JSON object".into()));
        }
        let file: File =
            serde_json::from_slice(file).map_err(|error| SettingsError::Json(error.to_string()))?;
        let mut settings = Self::default();
        for text in file.gems {
            let name = GemName::parse(&text).map_err(|error| watched(&text, &error))?;
            settings.gems.insert(name.folded());
        }
        for text in file.owners {
            let owner = Owner::try_from(text.clone()).map_err(|error| watched(&text, &error))?;
            settings.owners.insert(owner);
        }
        for (id, given) in &file.rules {
            let entry =
                catalogue::find(id).ok_or_else(|| SettingsError::UnknownRule(id.clone()))?;
            settings.rule(entry, given)?;
        }
        Ok(settings)
    }

    fn rule(&mut self, entry: &'static Entry, given: &RuleSettings) -> Result<(), SettingsError> {
        if !given.enabled {
            if entry.sort != Sort::Notable {
                return Err(SettingsError::AlwaysOn(entry.id));
            }
            self.disabled.insert(entry.id);
        }
        if let Some(level) = given.level {
            let level = match level {
                LevelName::Note => Level::Note,
                LevelName::Warning => Level::Warning,
                LevelName::Error => Level::Error,
            };
            self.levels.insert(entry.id, level);
        }
        let numbers = &mut self.numbers;
        for (number, value) in [
            ("hours", given.hours),
            ("minutes", given.minutes),
            ("gems", given.gems),
        ] {
            let Some(value) = value else { continue };
            let place = match (entry.id, number) {
                ("publisher_then_push", "hours") => &mut numbers.publisher_then_push_hours,
                ("two_tokens_one_job", "hours") => &mut numbers.two_tokens_hours,
                ("release_burst", "minutes") => &mut numbers.burst_minutes,
                ("release_burst", "gems") => &mut numbers.burst_gems,
                _ => {
                    return Err(SettingsError::Number {
                        rule: entry.id,
                        number,
                    });
                }
            };
            if value == 0 {
                return Err(SettingsError::Number {
                    rule: entry.id,
                    number,
                });
            }
            *place = value;
        }
        Ok(())
    }

    /// Whether a rule is applied.
    pub fn applies(&self, id: &str) -> bool {
        !self.disabled.contains(id)
    }

    /// How bad what this rule finds is, if the file says so.
    pub fn level(&self, id: &str) -> Option<Level> {
        self.levels.get(id).copied()
    }

    /// Whether every gem is watched.
    pub fn watches_all(&self) -> bool {
        self.gems.is_empty() && self.owners.is_empty()
    }
}

fn watched(text: &str, reason: &dyn core::fmt::Display) -> SettingsError {
    SettingsError::Watched {
        text: text.to_owned(),
        reason: reason.to_string(),
    }
}
