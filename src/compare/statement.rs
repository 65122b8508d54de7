//! A comparison as an in-toto Statement v1, to be attached to the release. Its predicate is `docs/formats/comparison.md`.
//!
//! The same comparison by the same hand has the same bytes: there is no time in it. When it was attached is in the log.
use serde::{Deserialize, Serialize};

use super::{
    StatedBy,
    gemspec::FIELDS,
    report::{Class, Comparison, Verdict},
};

mod tally;

pub use self::tally::Tally;

/// The type of an in-toto statement.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The type of the predicate.
pub const PREDICATE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/comparison/v1");
/// The largest statement, in bytes.
pub const MAX_STATEMENT: usize = 60_000;
/// How many bytes the list of differences may have; the rest are counted.
const MAX_LISTED: usize = 40_000;

/// The statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// [`STATEMENT`].
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// The gem file, and nothing else.
    pub subject: Vec<Subject>,
    /// [`PREDICATE`].
    pub predicate_type: String,
    /// What was found.
    pub predicate: Predicate,
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The name of the file.
    pub name: String,
    /// Its digests.
    pub digest: SubjectDigest,
}

/// The digests of a subject. Others may stand beside it, and nothing is held against them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectDigest {
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// What was compared, by whom, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Predicate {
    /// Who compared, in their own words.
    pub compared_by: String,
    /// The program that compared.
    pub tool: Tool,
    /// The gem's name.
    pub name: String,
    /// Its version.
    pub number: String,
    /// Its platform.
    pub platform: String,
    /// The commit.
    pub commit: Commit,
    /// The repository.
    pub repository: Place,
    /// `same` or `different`.
    pub verdict: String,
    /// Whether nothing was asked of the metadata and of what was left out.
    pub files_only: bool,
    /// How many files of each class.
    pub counts: Tally,
    /// Whether the gemspec's list of files was known; what was left out is known only then.
    pub left_out_known: bool,
    /// Patterns of files that the build makes, by the word of whoever compared.
    pub generated: Vec<String>,
    /// The platform that the gem was built for, by the word of whoever compared.
    pub built_for: Option<String>,
    /// Files that are not the same, the first by path.
    pub differences: Vec<Listed>,
    /// How many more there are.
    pub more_differences: u64,
    /// Fields of the metadata that were held against the gemspec.
    pub metadata_compared: Vec<String>,
    /// Fields that were not, because what the gemspec says of them is not known.
    pub metadata_not_compared: Vec<String>,
    /// Fields in which gemspec and metadata differ.
    pub metadata: Vec<String>,
    /// Fields in which they differ because the gem was built for a platform.
    pub metadata_built: Vec<String>,
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Commit {
    /// Its id.
    pub id: String,
    /// The id of its tree.
    pub tree: String,
    /// Who named it.
    pub stated_by: StatedBy,
}

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// The one that the release's record names.
    pub recorded: Option<String>,
    /// Where it was read from.
    pub read_from: String,
    /// The folder in it.
    pub path: String,
}

impl Predicate {
    /// Whether numbers and lists can be those of one comparison.
    pub fn adds_up(&self) -> bool {
        let counts = self.counts;
        let in_gem = [
            counts.same,
            counts.line_endings,
            counts.lfs,
            counts.moved,
            counts.generated,
            counts.built,
            counts.changed,
            counts.extra,
            counts.not_compared,
        ];
        let mut in_gem = in_gem.iter();
        let sum = in_gem.try_fold(0_u64, |sum, part| sum.checked_add(*part));
        let length = |list: &[String]| u64::try_from(list.len()).unwrap_or(u64::MAX);
        let mut differing = self.metadata.iter().chain(&self.metadata_built);
        let is_field = |name: &String| FIELDS.iter().any(|field| field.name == name);
        let built = [counts.built, counts.built_left_out, counts.built_metadata];
        sum == Some(counts.files)
            && counts.files > 0
            && length(&self.metadata) == counts.metadata
            && length(&self.metadata_built) == counts.built_metadata
            && differing.all(|field| self.metadata_compared.contains(field))
            && self.metadata_compared.iter().all(is_field)
            && (self.left_out_known || counts.left_out == 0)
            && (self.built_for.is_some() || built == [0; 3])
            && (!self.generated.is_empty() || counts.generated == 0)
    }

    /// How many files could not be compared, and how many fields of those that decide what is loaded, run or installed.
    pub fn not_compared(&self) -> u64 {
        let mut unknown = self.counts.not_compared;
        for field in FIELDS.iter().filter(|field| field.decides) {
            let compared = self.metadata_compared.iter().any(|name| field.name == name);
            if !self.files_only && !compared {
                unknown = unknown.saturating_add(1);
            }
        }
        unknown
    }
}

/// A file that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Its path in the gem.
    pub path: String,
    /// Its class, as in the report.
    pub class: String,
}

/// Why there is no statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not everything was compared.
    #[error("nothing is stated of a comparison that could not tell")]
    CouldNotTell,
    /// The statement is too long all the same.
    #[error("the statement would have more than {MAX_STATEMENT} bytes")]
    TooLong,
}

/// The bytes of the statement of a comparison, in the name of whoever compared.
pub fn write(comparison: &Comparison, compared_by: &str) -> Result<Vec<u8>, StatementError> {
    let verdict = match comparison.verdict {
        Verdict::Same => "same",
        Verdict::Different => "different",
        Verdict::CouldNotTell => return Err(StatementError::CouldNotTell),
    };
    let (listed, more) = listed(comparison);
    let Comparison {
        gem,
        commit,
        repository,
        ..
    } = comparison;
    let statement = Statement {
        statement_type: STATEMENT.into(),
        subject: vec![Subject {
            name: gem.file.clone(),
            digest: SubjectDigest {
                sha256: gem.sha256.clone(),
            },
        }],
        predicate_type: PREDICATE.into(),
        predicate: Predicate {
            compared_by: compared_by.to_owned(),
            tool: Tool {
                name: env!("CARGO_PKG_NAME").into(),
                version: env!("CARGO_PKG_VERSION").into(),
            },
            name: gem.name.clone(),
            number: gem.number.clone(),
            platform: gem.platform.clone(),
            commit: Commit {
                id: commit.id.clone(),
                tree: commit.tree.clone(),
                stated_by: commit.stated_by,
            },
            repository: Place {
                recorded: repository.recorded.clone(),
                read_from: repository.read_from.clone(),
                path: repository.path.clone(),
            },
            verdict: verdict.into(),
            files_only: comparison.files_only,
            counts: comparison.counts.into(),
            left_out_known: comparison.gemspec.files_known,
            generated: comparison.generated.clone(),
            built_for: comparison.built_for.clone(),
            differences: listed,
            more_differences: more,
            metadata_compared: names(comparison.gemspec.compared.iter().copied()),
            metadata_not_compared: if comparison.files_only {
                Vec::new()
            } else {
                names(comparison.gemspec.unknown.iter().map(|field| field.field))
            },
            metadata: differing(comparison, false),
            metadata_built: differing(comparison, true),
        },
    };
    let bytes = serde_json::to_vec(&statement).map_err(|_| StatementError::TooLong)?;
    if bytes.len() > MAX_STATEMENT {
        return Err(StatementError::TooLong);
    }
    Ok(bytes)
}

fn names<'a>(fields: impl Iterator<Item = &'a str>) -> Vec<String> {
    fields.map(str::to_owned).collect()
}

/// The fields that differ, explained by building or not.
fn differing(comparison: &Comparison, built: bool) -> Vec<String> {
    let fields = comparison.metadata.iter();
    names(
        fields
            .filter(|field| field.built == built)
            .map(|field| field.field),
    )
}

/// The first differences, as far as there is room, and how many more there are.
fn listed(comparison: &Comparison) -> (Vec<Listed>, u64) {
    let mut listed = Vec::new();
    let mut room = MAX_LISTED;
    for difference in &comparison.differences {
        let one = Listed {
            path: difference.path.clone(),
            class: class(&difference.class).to_owned(),
        };
        let length = serde_json::to_vec(&one).map_or(usize::MAX, |bytes| bytes.len());
        match room.checked_sub(length.saturating_add(1)) {
            Some(left) => room = left,
            None => break,
        }
        listed.push(one);
    }
    let more = comparison.differences.len().saturating_sub(listed.len());
    (listed, u64::try_from(more).unwrap_or(u64::MAX))
}

fn class(class: &Class) -> &'static str {
    match class {
        Class::LineEndings => "line_endings",
        Class::Lfs => "lfs",
        Class::Moved { .. } => "moved",
        Class::Generated { .. } => "generated",
        Class::Built { .. } => "built",
        Class::Changed { .. } => "changed",
        Class::Extra { .. } => "extra",
        Class::LeftOut => "left_out",
        Class::NotCompared { .. } => "not_compared",
    }
}
