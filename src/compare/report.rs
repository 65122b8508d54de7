//! What was found; its JSON is `docs/formats/comparison.md`.
use serde::Serialize;

use super::StatedBy;

/// The version of this shape. A field may be added under the same number; one that changes its meaning raises it.
pub const COMPARISON_VERSION: u32 = 1;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing is unexplained.
    Same,
    /// Something is.
    Different,
    /// Some files could not be compared, and nothing else differs.
    CouldNotTell,
}

/// A comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// [`COMPARISON_VERSION`].
    pub comparison_version: u32,
    /// What came of it.
    pub verdict: Verdict,
    /// The gem.
    pub gem: GemSide,
    /// The commit.
    pub commit: CommitSide,
    /// The repository.
    pub repository: RepositorySide,
    /// The gemspec of the commit.
    pub gemspec: GemspecSide,
    /// Patterns of files that are made by the build, by the word of whoever compared.
    pub generated: Vec<String>,
    /// How many.
    pub counts: Counts,
    /// Every file that is not the same, by path.
    pub differences: Vec<Difference>,
    /// Where the gemspec and the gem's metadata differ.
    pub metadata: Vec<FieldDifference>,
}

/// The gem that was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GemSide {
    /// Its name.
    pub name: String,
    /// Its version.
    pub number: String,
    /// Its platform.
    pub platform: String,
    /// Its file's name, as its metadata makes it.
    pub file: String,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// Whether it carries signatures of its own. They are not verified.
    pub signed: bool,
}

/// The commit that it was compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitSide {
    /// Its id.
    pub id: String,
    /// The id of its tree.
    pub tree: String,
    /// Who says that the gem is made of it.
    pub stated_by: StatedBy,
}

/// The repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepositorySide {
    /// The one that the release's record names.
    pub recorded: Option<String>,
    /// Where the objects were read from. Their ids vouch for them, wherever that is.
    pub read_from: String,
    /// The folder in it that the gem is built in; empty for its root.
    pub path: String,
}

/// What could be read of the gemspec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GemspecSide {
    /// Where it is.
    pub path: Option<String>,
    /// Whether its list of files is known, so that what was left out is known too.
    pub files_known: bool,
    /// Why it is not.
    pub why_not: Option<String>,
    /// The fields that were compared with the gem's metadata.
    pub compared: Vec<&'static str>,
}

/// A file that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Its path in the gem.
    pub path: String,
    /// What is different.
    #[serde(flatten)]
    pub class: Class,
}

/// How a file is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "class", rename_all = "snake_case")]
pub enum Class {
    /// Only CR LF and LF differ.
    LineEndings,
    /// The repository has a Git LFS pointer, and the gem the very file that it names by SHA-256.
    Lfs,
    /// Not at this path, but the repository has the same bytes under the same file name.
    Moved {
        /// Where.
        tree_path: String,
    },
    /// Only in the gem, and whoever compares says that the build makes it.
    Generated {
        /// By which pattern.
        pattern: String,
    },
    /// It differs.
    Changed {
        /// In what: `content`, `executable`, `kind`.
        what: Vec<&'static str>,
        /// Its size in the gem.
        gem_size: u64,
        /// Its size in the repository.
        #[serde(skip_serializing_if = "Option::is_none")]
        tree_size: Option<u64>,
        /// The first line that differs, counted from 1, where both are text.
        #[serde(skip_serializing_if = "Option::is_none")]
        first_line: Option<u64>,
    },
    /// Only in the gem.
    Extra {
        /// Its size.
        gem_size: u64,
        /// A file of the repository with the same bytes and another name.
        #[serde(skip_serializing_if = "Option::is_none")]
        same_as: Option<String>,
    },
    /// The gemspec lists it, the repository has it, and the gem has not.
    LeftOut,
    /// It could not be compared.
    NotCompared {
        /// Why.
        why: String,
    },
}

/// A field in which gemspec and metadata differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldDifference {
    /// Its name.
    pub field: &'static str,
    /// What the gemspec says.
    pub gemspec: String,
    /// What the gem's metadata says.
    pub gem: String,
}

/// How many files of each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Of the gem, altogether.
    pub files: u64,
    /// The same bytes and the same executable bit at the same path.
    pub same: u64,
    /// [`Class::LineEndings`]
    pub line_endings: u64,
    /// [`Class::Lfs`]
    pub lfs: u64,
    /// [`Class::Moved`]
    pub moved: u64,
    /// [`Class::Generated`]
    pub generated: u64,
    /// [`Class::Changed`]
    pub changed: u64,
    /// [`Class::Extra`]
    pub extra: u64,
    /// [`Class::LeftOut`]
    pub left_out: u64,
    /// [`Class::NotCompared`]
    pub not_compared: u64,
    /// Fields of the metadata.
    pub metadata: u64,
}

impl Counts {
    /// Counts what was found.
    pub(super) fn of(same: u64, differences: &[Difference], metadata: usize) -> Self {
        let mut counts = Self {
            files: same,
            same,
            metadata: u64::try_from(metadata).unwrap_or(u64::MAX),
            ..Self::default()
        };
        for difference in differences {
            let (slot, in_gem) = match difference.class {
                Class::LineEndings => (&mut counts.line_endings, 1),
                Class::Lfs => (&mut counts.lfs, 1),
                Class::Moved { .. } => (&mut counts.moved, 1),
                Class::Generated { .. } => (&mut counts.generated, 1),
                Class::Changed { .. } => (&mut counts.changed, 1),
                Class::Extra { .. } => (&mut counts.extra, 1),
                Class::LeftOut => (&mut counts.left_out, 0),
                Class::NotCompared { .. } => (&mut counts.not_compared, 1),
            };
            *slot = slot.saturating_add(1);
            counts.files = counts.files.saturating_add(in_gem);
        }
        counts
    }

    /// What they mean.
    pub(super) fn verdict(&self) -> Verdict {
        let unexplained = [self.changed, self.extra, self.left_out, self.metadata];
        if unexplained.iter().any(|count| *count > 0) {
            Verdict::Different
        } else if self.not_compared > 0 {
            Verdict::CouldNotTell
        } else {
            Verdict::Same
        }
    }
}
