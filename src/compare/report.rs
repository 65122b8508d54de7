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
    /// Something that decides could not be compared, and nothing else differs.
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
    /// Whether only the files in the gem were to be compared: nothing is said of its metadata and of what was left out.
    pub files_only: bool,
    /// Patterns of files that are made by the build, by the word of whoever compared.
    pub generated: Vec<String>,
    /// The platform that the gem was built for, by the word of whoever compared.
    pub built_for: Option<String>,
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
    /// Those that were not.
    pub unknown: Vec<UnknownField>,
}

/// A field of the gemspec that is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnknownField {
    /// Its name.
    pub field: &'static str,
    /// Whether it decides what is loaded, run or installed.
    pub decides: bool,
    /// Why it is not known.
    pub why: String,
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
    /// A library only in the gem, or a source of it only in the repository, of a gem that was built for a platform, as
    /// whoever compares says.
    Built {
        /// Whether the gem has it.
        packed: bool,
    },
    /// It differs.
    Changed {
        /// In what: `content`, `executable`, `mode`, `kind`.
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
    /// Whether building for a platform explains it, by the word of whoever compares.
    pub built: bool,
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
    /// [`Class::Built`], in the gem.
    pub built: u64,
    /// [`Class::Built`], not in the gem.
    pub built_left_out: u64,
    /// Fields of the metadata that building explains.
    pub built_metadata: u64,
    /// [`Class::Changed`]
    pub changed: u64,
    /// [`Class::Extra`]
    pub extra: u64,
    /// [`Class::LeftOut`]
    pub left_out: u64,
    /// [`Class::NotCompared`]
    pub not_compared: u64,
    /// Fields of the metadata that differ and are not explained.
    pub metadata: u64,
}

impl Counts {
    /// Counts what was found.
    pub(super) fn of(same: u64, differences: &[Difference], metadata: &[FieldDifference]) -> Self {
        let mut counts = Self {
            files: same,
            same,
            ..Self::default()
        };
        for difference in differences {
            let (slot, in_gem) = match difference.class {
                Class::LineEndings => (&mut counts.line_endings, 1),
                Class::Lfs => (&mut counts.lfs, 1),
                Class::Moved { .. } => (&mut counts.moved, 1),
                Class::Generated { .. } => (&mut counts.generated, 1),
                Class::Built { packed: true } => (&mut counts.built, 1),
                Class::Built { packed: false } => (&mut counts.built_left_out, 0),
                Class::Changed { .. } => (&mut counts.changed, 1),
                Class::Extra { .. } => (&mut counts.extra, 1),
                Class::LeftOut => (&mut counts.left_out, 0),
                Class::NotCompared { .. } => (&mut counts.not_compared, 1),
            };
            *slot = slot.saturating_add(1);
            counts.files = counts.files.saturating_add(in_gem);
        }
        for field in metadata {
            let slot = if field.built {
                &mut counts.built_metadata
            } else {
                &mut counts.metadata
            };
            *slot = slot.saturating_add(1);
        }
        counts
    }

    /// What differs and is explained.
    pub fn explained(&self) -> u64 {
        [self.line_endings, self.lfs, self.moved, self.by_word()]
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// What of it is explained by nothing but the word of whoever compared.
    pub fn by_word(&self) -> u64 {
        let built = [self.built, self.built_left_out, self.built_metadata];
        built
            .iter()
            .fold(self.generated, |sum, count| sum.saturating_add(*count))
    }

    /// Whether something is not explained.
    pub fn is_different(&self) -> bool {
        [self.changed, self.extra, self.left_out, self.metadata]
            .iter()
            .any(|count| *count > 0)
    }
}

impl GemspecSide {
    /// Whether all was known that decides what is loaded, run and installed.
    pub fn is_known(&self) -> bool {
        self.files_known && !self.unknown.iter().any(|field| field.decides)
    }
}

/// What was found means: what was not looked at is never the same.
pub(super) fn verdict(counts: &Counts, gemspec: &GemspecSide, files_only: bool) -> Verdict {
    if counts.is_different() {
        Verdict::Different
    } else if counts.not_compared > 0 || !(files_only || gemspec.is_known()) {
        Verdict::CouldNotTell
    } else {
        Verdict::Same
    }
}
