//! What the monitor noticed, and how it is told.
use core::fmt;

use events::{Recorded, time::Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::catalogue::{self, Entry};
use crate::{
    remote::Lie,
    sarif::{self, Level, Place},
};

/// What kind of thing a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The ledger contradicts its signature, its rules or the clock.
    Broken,
    /// Lawful, and somebody asked to be told.
    Notable,
    /// This program or its network does not know enough to say.
    Undecided,
}

/// Something that was noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule, by its stable name.
    pub rule: &'static str,
    /// What kind of thing it is.
    pub sort: Sort,
    /// How bad it is.
    pub level: Level,
    /// The leaves that it is about, the most telling one first. None, if it is about the ledger as a whole.
    pub indexes: Vec<u64>,
    /// The stream of the first of them.
    pub stream: Option<String>,
    /// The time that the ledger gives for it.
    pub time: Option<Timestamp>,
    /// The gem that it is about, by its folded name.
    pub gem: Option<String>,
    /// One sentence.
    pub message: String,
    /// What should have been, or was before.
    pub expected: Option<String>,
    /// What is.
    pub found: Option<String>,
}

impl Finding {
    /// A finding of a rule of the catalogue, as bad as the catalogue says.
    pub fn new(entry: &Entry, message: impl Into<String>) -> Self {
        Self {
            rule: entry.id,
            sort: entry.sort,
            level: entry.level,
            indexes: Vec::new(),
            stream: None,
            time: None,
            gem: None,
            message: message.into(),
            expected: None,
            found: None,
        }
    }

    /// The same, about this event.
    #[must_use]
    pub fn at(mut self, recorded: &Recorded) -> Self {
        self.indexes.insert(0, recorded.index);
        self.stream = Some(recorded.event.stream.to_string());
        self.time = Some(recorded.event.time);
        self
    }

    /// The same, about this leaf, of which nothing else is known.
    #[must_use]
    pub fn at_index(mut self, index: u64) -> Self {
        self.indexes.insert(0, index);
        self
    }

    /// The same, with an earlier leaf that it refers to.
    #[must_use]
    pub fn since(mut self, index: u64) -> Self {
        self.indexes.push(index);
        self
    }

    /// The same, about this gem.
    #[must_use]
    pub fn of_gem(mut self, gem: impl Into<String>) -> Self {
        self.gem = Some(gem.into());
        self
    }

    /// The same, with what should have been or was before, and what is.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "most callers write a text for it and have no other use for that"
    )]
    pub fn not(mut self, expected: impl ToString, found: impl ToString) -> Self {
        self.expected = Some(expected.to_string());
        self.found = Some(found.to_string());
        self
    }

    /// A lie that reading uncovered.
    pub fn of_lie(lie: &Lie) -> Self {
        let mut finding = Self::new(catalogue::of_lie(lie.code), lie.message.clone());
        finding.indexes.extend(lie.index);
        finding
    }

    /// One JSON object.
    pub fn to_json(&self) -> Value {
        let mut value = json!({
            "rule": self.rule, "sort": self.sort, "level": self.level,
            "indexes": self.indexes, "message": self.message,
        });
        let optional = [
            ("stream", self.stream.clone()),
            ("time", self.time.map(String::from)),
            ("gem", self.gem.clone()),
            ("expected", self.expected.clone()),
            ("found", self.found.clone()),
        ];
        if let Some(members) = value.as_object_mut() {
            for (name, text) in optional {
                members.extend(text.map(|text| (name.to_owned(), Value::String(text))));
            }
        }
        value
    }

    /// For a SARIF file. `log` is the address of the log, `origin` its name for ever.
    pub fn to_sarif(&self, log: &str, origin: &str) -> sarif::Finding {
        let place = |index: &u64| Place::Leaf {
            log: log.to_owned(),
            index: *index,
        };
        let subject = match self.indexes.first() {
            Some(index) => format!("{origin}#{index}"),
            None => origin.to_owned(),
        };
        sarif::Finding {
            rule: self.rule,
            level: self.level,
            message: self.to_string(),
            subject,
            places: self.indexes.iter().map(place).collect(),
        }
    }
}

/// One line: `error lawful rule, log index 17, policy/rake, 2026-…: message (expected …, found …)`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        write!(f, "{level} {}", self.rule)?;
        if let Some((first, others)) = self.indexes.split_first() {
            write!(f, ", log index {first}")?;
            for other in others {
                write!(f, " and {other}")?;
            }
        }
        if let Some(stream) = &self.stream {
            write!(f, ", {stream}")?;
        }
        if let Some(time) = self.time {
            write!(f, ", {time}")?;
        }
        write!(f, ": {}", self.message)?;
        match (&self.expected, &self.found) {
            (Some(expected), Some(found)) => write!(f, " (expected {expected}, found {found})"),
            (Some(expected), None) => write!(f, " (expected {expected})"),
            (None, Some(found)) => write!(f, " (found {found})"),
            (None, None) => Ok(()),
        }
    }
}
