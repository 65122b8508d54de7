//! A gem held against its repository: every file of it against the tree of the commit that it is said to be made of.
//!
//! | room | what it is for |
//! |---|---|
//! | [`repository`] | commits, trees and files of a git repository, each hashed again before it is believed |
//! | [`fetch`] | a repository's address: one commit of it fetched into a folder that is removed afterwards |
//! | [`gemspec`] | a gemspec read without running it, as far as that goes |
//! | [`files`] | file by file: same, changed, only in the gem, left out |
//! | [`metadata`] | field by field, what the gemspec says and what the gem says |
//! | [`report`] | what was found |
//! | [`statement`] | the same as an in-toto statement, to be attached to the release |
//!
//! Nothing of the repository is run: no hook, no filter, no credential helper, no Ruby. What cannot be found out that way
//! is *not known*, and never a difference or the absence of one.
use std::collections::BTreeSet;

pub mod fetch;
pub mod files;
pub mod gemspec;
pub mod glob;
pub mod report;
pub mod repository;
pub mod statement;

mod lines;
mod metadata;

pub use self::{
    fetch::Address,
    report::{Comparison, Verdict},
    repository::{Repository, RepositoryError},
};

use self::{
    files::Compared,
    gemspec::Gemspec,
    glob::Glob,
    report::{CommitSide, Counts, GemSide, GemspecSide, RepositorySide},
    repository::{BlobHash, Snapshot},
};
use crate::rubygems::{GemError, Limits, files::open};

/// The largest file that is read, in bytes. Of larger ones the ids are compared.
pub const MAX_FILE: u64 = 64 << 20;

/// Who names the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatedBy {
    /// The release's record in the log.
    Ledger,
    /// Whoever compares.
    Caller,
}

/// What is compared, and with what.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The full id of the commit.
    pub commit: String,
    /// Who names it.
    pub stated_by: StatedBy,
    /// The repository that the release's record names.
    pub recorded: Option<String>,
    /// The folder of the repository that the gem is built in; found by its gemspec if it is not given.
    pub path: Option<String>,
    /// Files that are made while the gem is built, in the words of whoever compares.
    pub generated: Vec<Glob>,
    /// Whether the gem was built for its platform, in the words of whoever compares.
    pub built_for_platform: bool,
    /// Whether nothing is asked of the metadata and of what was left out.
    pub files_only: bool,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The gem cannot be read.
    #[error("{0}")]
    Gem(#[from] GemError),
    /// The repository cannot be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// A plain gem was built for no platform.
    #[error("the gem is one for every platform: it was not built for one")]
    NotBuilt,
    /// The folder that was named is not in the commit.
    #[error("the commit has no folder {0:?}")]
    NoFolder(String),
    /// Several gemspecs could be the gem's.
    #[error("the commit has several gemspecs of {name}: {}", .places.join(", "))]
    Ambiguous {
        /// The gem.
        name: String,
        /// The first of them.
        places: Vec<String>,
    },
}

impl CompareError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Repository(error) => error.hint(),
            Self::NoFolder(_) | Self::Ambiguous { .. } => {
                Some("name the folder that the gem is built in: --path DIR".into())
            }
            Self::NotBuilt => Some("leave out --built-for-platform".into()),
            Self::Gem(_) => None,
        }
    }
}

/// Compares a gem with a commit. It takes a while and reads files: not for a thread that others wait for.
pub fn compare(
    gem: &[u8],
    repository: &Repository,
    asked: &Asked,
) -> Result<Comparison, CompareError> {
    let snapshot = repository.snapshot(&asked.commit)?;
    let (read, files) = open(gem, &Limits::default())?;
    let spec = &read.specification;
    let name = spec.name.to_string();
    if asked.built_for_platform && spec.platform.is_ruby() {
        return Err(CompareError::NotBuilt);
    }
    let (base, spec_path) = place(&snapshot, &name, asked.path.as_deref())?;
    let mut compared = Compared::new(repository, &snapshot, &base, asked, spec);
    let mut hash = BlobHash::default();
    files.each(MAX_FILE, &mut hash, |file, hash| {
        compared.take(&file, hash.id());
    })?;
    let gemspec = match &spec_path {
        _ if asked.files_only => Gemspec::unread("it was not asked for"),
        Some(path) => gemspec::read(repository, &snapshot, &base, path),
        None => Gemspec::unread("there is no gemspec of this gem in the commit"),
    };
    let fields = metadata::compare(&gemspec, spec, asked.built_for_platform);
    if let Ok(expected) = &gemspec.files {
        compared.left_out(expected);
    }
    let (same, mut differences) = compared.finish();
    differences.sort_by(|a, b| a.path.cmp(&b.path));
    let counts = Counts::of(same, &differences, &fields.differences);
    let gemspec = GemspecSide {
        path: spec_path,
        files_known: gemspec.files.is_ok(),
        why_not: gemspec.files.err(),
        compared: fields.compared,
        unknown: fields.unknown,
    };
    Ok(Comparison {
        comparison_version: report::COMPARISON_VERSION,
        verdict: report::verdict(&counts, &gemspec, asked.files_only),
        gem: GemSide {
            name,
            number: spec.version.to_string(),
            platform: spec.platform.to_string(),
            file: format!("{}.gem", spec.full_name),
            sha256: read.sha256_hex(),
            size: read.size,
            signed: read.is_signed,
        },
        commit: CommitSide {
            id: snapshot.commit.clone(),
            tree: snapshot.tree.clone(),
            stated_by: asked.stated_by,
        },
        repository: RepositorySide {
            recorded: asked.recorded.clone(),
            read_from: repository.shown().to_owned(),
            path: base,
        },
        gemspec,
        files_only: asked.files_only,
        generated: asked
            .generated
            .iter()
            .map(|glob| glob.as_str().to_owned())
            .collect(),
        built_for: asked.built_for_platform.then(|| spec.platform.to_string()),
        counts,
        differences,
        metadata: fields.differences,
    })
}

/// The folder of the gem in the repository, empty for its root, and the path of the gemspec.
fn place(
    snapshot: &Snapshot,
    name: &str,
    given: Option<&str>,
) -> Result<(String, Option<String>), CompareError> {
    let file = format!("{name}.gemspec");
    let under = |folder: &str| {
        if folder.is_empty() {
            file.clone()
        } else {
            format!("{folder}/{file}")
        }
    };
    if let Some(folder) = given {
        let folder = folder.trim_start_matches("./").trim_matches('/');
        let folder = if folder == "." { "" } else { folder };
        if !snapshot.has_folder(folder) {
            return Err(CompareError::NoFolder(folder.to_owned()));
        }
        let path = under(folder);
        let known = snapshot.entries.contains_key(&path);
        return Ok((folder.to_owned(), known.then_some(path)));
    }
    if snapshot.entries.contains_key(&file) {
        return Ok((String::new(), Some(file)));
    }
    let ending = format!("/{file}");
    let found: BTreeSet<&String> = snapshot
        .entries
        .keys()
        .filter(|path| path.ends_with(&ending))
        .collect();
    let mut places = found.iter();
    match (places.next(), places.next()) {
        (None, _) => Ok((String::new(), None)),
        (Some(path), None) => {
            let folder = path.strip_suffix(&ending).unwrap_or_default();
            Ok((folder.to_owned(), Some((*path).clone())))
        }
        (Some(_), Some(_)) => Err(CompareError::Ambiguous {
            name: name.to_owned(),
            places: found.into_iter().take(5).cloned().collect(),
        }),
    }
}
