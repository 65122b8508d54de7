//! A gem's releases, each with the source it came from, and the names and files it takes.
use alloc::string::{String, ToString};
use serde::{Deserialize, Serialize};

use crate::{
    claims::Workflow,
    digest::Digest,
    id::{ApiKeyId, PublisherId},
    name::GemName,
    platform::{FullName, Platform},
    stream::EventRef,
    text::{Text, TextError},
    version::GemVersion,
};

/// A line of the compact index before `,created_at:`, at most 32,768 bytes.
///
/// Printable ASCII without `"` and `\\`: nothing in it is escaped in a leaf, so the longest line still fits into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexLine(String);

impl IndexLine {
    /// Takes the line if it keeps the bounds.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        match text.len() {
            0 => Err(TextError::Empty),
            1..=32_768 => match text.chars().find(|c| !is_plain(*c)) {
                Some(c) => Err(TextError::Forbidden(u32::from(c))),
                None => Ok(Self(text.to_string())),
            },
            _ => Err(TextError::Grammar(
                "an index line of at most 32768 bytes (too many dependencies)",
            )),
        }
    }

    /// The line itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') && c != '"' && c != '\\'
}

crate::spelled::kept_as_text!(IndexLine: TextError);

impl TryFrom<String> for IndexLine {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl From<IndexLine> for String {
    fn from(line: IndexLine) -> Self {
        line.0
    }
}

/// How a release got in by trusted publishing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The exchange that minted the key.
    pub exchange: EventRef,
    /// Which of the gem's publishers matched.
    pub publisher: PublisherId,
    /// What the provider stated about the job.
    pub workflow: Workflow,
}

/// Data of `release.pushed`: this file is that version of that gem, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pushed {
    /// The key that pushed it.
    pub api_key: ApiKeyId,
    /// SHA-256 of the `.gem` file.
    pub digest: Digest,
    /// SHA-256 of the public metadata document, which can be removed without touching the log.
    pub document: Digest,
    /// The compact index line as Bundler reads it, up to `,created_at:`; the rest is this event's time.
    pub info: IndexLine,
    /// The gem's name as it is spelled.
    pub name: GemName,
    /// The version as it is spelled.
    pub number: GemVersion,
    /// The platform, `ruby` for plain gems.
    pub platform: Platform,
    /// The last event of `policy/<gem>` that this decision stands on.
    pub policy: EventRef,
    /// Size of the file in bytes.
    pub size: u64,
    /// Where it came from, if a workflow pushed it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<Source>,
    /// SHA-256 of the statement that the registry signs of this release, once a statement key was introduced: a second,
    /// different one would not fit the log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub statement: Option<Digest>,
}

/// What came of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Something differs, and nothing explains it.
    Different,
    /// All that was asked for was compared, and nothing is unexplained.
    Same,
}

impl Verdict {
    /// The word that stands for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Different => "different",
            Self::Same => "same",
        }
    }
}

/// Data of `release.compared`: somebody compared the file with its repository, and attached what they found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// How many of the explained differences are explained by nothing but the word of whoever compared.
    pub by_word: u64,
    /// How many of its files differ from the repository's at the same path.
    pub changed: u64,
    /// The commit that it was compared with.
    pub commit: Text,
    /// SHA-256 of the file that was compared.
    pub digest: Digest,
    /// How many differences are explained, of files and of the metadata.
    pub explained: u64,
    /// How many files only the gem has.
    pub extra: u64,
    /// Whether only the files in the gem were compared, and not its metadata.
    pub files_only: bool,
    /// How many files the gemspec lists and the gem has not; left out where that is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub left_out: Option<u64>,
    /// In how many fields gemspec and metadata differ; left out where none was compared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub metadata: Option<u64>,
    /// The gem's name as it is spelled.
    pub name: GemName,
    /// How many of its files, and of the fields that decide what is loaded or run, could not be compared.
    pub not_compared: u64,
    /// The version as it was released.
    pub number: GemVersion,
    /// The platform, `ruby` for plain gems.
    pub platform: Platform,
    /// How many of its files are those of the repository.
    pub same: u64,
    /// SHA-256 of the in-toto statement, which is kept as it was given.
    pub statement: Digest,
    /// What came of it.
    pub verdict: Verdict,
}

/// Data of `release.quarantined`: from here on the file and its index line are withheld. The record stays, and so do
/// version and file name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantined {
    /// SHA-256 of the file that is withheld, so that mirrors and caches know which bytes are meant.
    pub digest: Digest,
    /// The gem's name as it is spelled.
    pub name: GemName,
    /// The version as it was released.
    pub number: GemVersion,
    /// The platform, `ruby` for plain gems.
    pub platform: Platform,
    /// Why, in the operator's words; everybody who reads the log reads them, for ever.
    pub reason: Text,
}

/// Data of `release.restored`: a quarantine was lifted, and the same bytes are served again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    /// SHA-256 of the file that is served again.
    pub digest: Digest,
    /// The gem's name as it is spelled.
    pub name: GemName,
    /// The version as it was released.
    pub number: GemVersion,
    /// The platform, `ruby` for plain gems.
    pub platform: Platform,
    /// Why, in the operator's words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Text>,
}

/// Data of `name.taken`: no other spelling of this name can be registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameTaken {
    /// The name as it is spelled.
    pub name: GemName,
}

/// Data of `file.taken`: no other release can be downloaded under this name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileTaken {
    /// The file name without `.gem`.
    pub file: FullName,
}
