//! Commits, trees and files of a git repository, read as objects and never checked out.
//!
//! Every object is hashed again before it is believed, with the SHA-1 that detects collision attacks: a repository whose
//! objects are not what their ids say tells nothing. Replacement refs are not followed. Of the repository's own
//! configuration only its format is read; it is opened as one that is not trusted, so no value in it names a program.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use gix::{
    ObjectId,
    objs::{Kind, TreeRefIter, tree::EntryKind},
};

use super::fetch::Scratch;

mod blob;
mod error;

pub(super) use self::blob::BlobHash;
pub use self::error::RepositoryError;

/// The most entries of all trees of a commit together.
const MAX_ENTRIES: usize = 1_000_000;
/// The longest path, in bytes. No gem has a longer one, and they are not remembered.
const MAX_PATH: usize = 1024;
/// The most bytes of all paths of a commit together.
const MAX_PATHS: usize = 64 << 20;
/// The most folders within one another.
const MAX_DEPTH: usize = 128;
/// The largest commit, tag or tree object, in bytes.
const MAX_OBJECT: u64 = 32 << 20;
/// How many trees are remembered while a commit is walked: one that repeats few trees very often is read quickly.
const REMEMBERED: usize = 1000;
/// The most tags that lead from one to the next.
const MAX_TAGS: usize = 8;
/// What the git library may allocate for one object, in bytes: the largest file that is read, and a little more.
const ALLOCATION: u64 = super::MAX_FILE + (1 << 20);

/// A repository that is open for reading.
pub struct Repository {
    git: gix::Repository,
    shown: String,
    /// Keeps the folder of a clone until it has been read.
    _scratch: Option<Scratch>,
}

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryType {
    /// A file.
    File {
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link; the object holds where it leads.
    Link,
    /// A commit of another repository.
    Submodule,
}

/// An entry of a tree that is not a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub entry_type: EntryType,
    /// Its object.
    pub id: ObjectId,
}

/// All paths of a commit.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The commit's id.
    pub commit: String,
    /// Its tree's id.
    pub tree: String,
    /// Every file, link and submodule by its path. Paths that are not UTF-8 are not here: no gem can have them.
    pub entries: BTreeMap<String, Entry>,
    folders: BTreeSet<String>,
}

impl Snapshot {
    /// Whether there is such a folder; the root is the empty path.
    pub fn has_folder(&self, path: &str) -> bool {
        path.is_empty() || self.folders.contains(path)
    }

    /// The submodule that this path lies in.
    pub fn submodule_of(&self, path: &str) -> Option<&str> {
        path.match_indices('/').find_map(|(end, _)| {
            let above = path.get(..end)?;
            let (known, entry) = self.entries.get_key_value(above)?;
            (entry.entry_type == EntryType::Submodule).then_some(known.as_str())
        })
    }
}

impl Repository {
    /// Opens a clone: its folder, its `.git`, a bare one, or a linked worktree. Nothing is written.
    pub fn open(path: &Path) -> Result<Self, RepositoryError> {
        let git = gix::open_opts(path, options(ALLOCATION)).map_err(|error| {
            RepositoryError::Unreadable {
                path: path.display().to_string(),
                reason: one_line(&error.to_string()),
            }
        })?;
        Ok(Self {
            git,
            // Where it lies on somebody's disk is nobody else's business.
            shown: "a local clone".into(),
            _scratch: None,
        })
    }

    /// One that was just fetched.
    pub(super) fn fetched(
        path: &Path,
        shown: String,
        scratch: Scratch,
    ) -> Result<Self, RepositoryError> {
        let opened = Self::open(path)?;
        Ok(Self {
            shown,
            _scratch: Some(scratch),
            ..opened
        })
    }

    /// Where it was read from, as it may be told to others.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// All paths of a commit. The id of an annotated tag leads to the commit that it names.
    pub fn snapshot(&self, commit: &str) -> Result<Snapshot, RepositoryError> {
        let not_an_id = || RepositoryError::NotAnId(commit.chars().take(64).collect());
        let is_full = commit.len() == 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
        let id = ObjectId::from_hex(commit.as_bytes()).map_err(|_| not_an_id())?;
        if !is_full {
            return Err(not_an_id());
        }
        let (id, data) = self.commit(id)?;
        let tree = gix::objs::CommitRefIter::from_bytes(&data, id.kind())
            .tree_id()
            .map_err(|_| damaged(id))?;
        let mut snapshot = Snapshot {
            commit: id.to_string(),
            tree: tree.to_string(),
            entries: BTreeMap::new(),
            folders: BTreeSet::new(),
        };
        self.walk(&mut snapshot, tree)?;
        Ok(snapshot)
    }

    /// Adds all paths of a tree.
    fn walk(&self, snapshot: &mut Snapshot, tree: ObjectId) -> Result<(), RepositoryError> {
        let (mut seen, mut bytes) = (0_usize, 0_usize);
        let mut trees = BTreeMap::<ObjectId, Vec<u8>>::new();
        let mut open = vec![(String::new(), tree, 0_usize)];
        while let Some((folder, id, depth)) = open.pop() {
            if !trees.contains_key(&id) {
                if trees.len() >= REMEMBERED {
                    trees.clear();
                }
                trees.insert(id, self.object(id, Kind::Tree, MAX_OBJECT)?);
            }
            let data = trees.get(&id).map(Vec::as_slice).unwrap_or_default();
            for entry in TreeRefIter::from_bytes(data, id.kind()) {
                let entry = entry.map_err(|_| damaged(id))?;
                seen = seen.saturating_add(1);
                if seen > MAX_ENTRIES || depth > MAX_DEPTH {
                    return Err(RepositoryError::TooMuch(format!(
                        "more than {MAX_ENTRIES} entries, or folders deeper than {MAX_DEPTH}"
                    )));
                }
                let Ok(name) = std::str::from_utf8(entry.filename) else {
                    continue;
                };
                if matches!(name, "" | "." | "..") || name.contains('/') {
                    return Err(damaged(id));
                }
                let length = folder.len().saturating_add(name.len());
                if length > MAX_PATH {
                    continue;
                }
                bytes = bytes.saturating_add(length);
                if bytes > MAX_PATHS {
                    return Err(RepositoryError::TooMuch(format!(
                        "paths of more than {MAX_PATHS} bytes"
                    )));
                }
                let path = if folder.is_empty() {
                    name.to_owned()
                } else {
                    format!("{folder}/{name}")
                };
                let entry_type = match entry.mode.kind() {
                    EntryKind::Tree => {
                        if !snapshot.folders.insert(path.clone()) {
                            return Err(damaged(id));
                        }
                        open.push((path, entry.oid.to_owned(), depth.saturating_add(1)));
                        continue;
                    }
                    EntryKind::Blob => EntryType::File { executable: false },
                    EntryKind::BlobExecutable => EntryType::File { executable: true },
                    EntryKind::Link => EntryType::Link,
                    EntryKind::Commit => EntryType::Submodule,
                };
                let entry = Entry {
                    entry_type,
                    id: entry.oid.to_owned(),
                };
                if snapshot.entries.insert(path, entry).is_some() {
                    return Err(damaged(id));
                }
            }
        }
        Ok(())
    }

    /// The commit of this id, through annotated tags.
    fn commit(&self, mut id: ObjectId) -> Result<(ObjectId, Vec<u8>), RepositoryError> {
        let asked = id;
        for _ in 0..MAX_TAGS {
            let kind = self.kind(id)?.ok_or_else(|| RepositoryError::NoCommit {
                commit: asked.to_string(),
                shallow: self.git.is_shallow().unwrap_or(false),
            })?;
            match kind {
                Kind::Commit => return Ok((id, self.object(id, Kind::Commit, MAX_OBJECT)?)),
                Kind::Tag => {
                    let data = self.object(id, Kind::Tag, MAX_OBJECT)?;
                    let target = gix::objs::TagRefIter::from_bytes(&data, id.kind()).target_id();
                    id = target.map_err(|_| damaged(id))?;
                }
                Kind::Tree | Kind::Blob => break,
            }
        }
        Err(RepositoryError::NotACommit {
            commit: asked.to_string(),
            found: self
                .kind(id)?
                .map_or_else(String::new, |kind| format!("a {kind}")),
        })
    }

    fn kind(&self, id: ObjectId) -> Result<Option<Kind>, RepositoryError> {
        let header = self.git.try_find_header(id);
        let header = header.map_err(|error| unreadable(id, &error.to_string()))?;
        Ok(header.map(|header| header.kind()))
    }

    /// The size of a file's object, by the repository's word.
    pub fn size(&self, id: ObjectId) -> Result<u64, RepositoryError> {
        match self.git.try_find_header(id) {
            Ok(Some(header)) => Ok(header.size()),
            Ok(None) => Err(RepositoryError::NoObject(id.to_string())),
            Err(error) => Err(unreadable(id, &error.to_string())),
        }
    }

    /// The bytes of a file's object.
    pub fn blob(&self, id: ObjectId, most: u64) -> Result<Vec<u8>, RepositoryError> {
        self.object(id, Kind::Blob, most)
    }

    /// An object's bytes, hashed again.
    fn object(&self, id: ObjectId, kind: Kind, most: u64) -> Result<Vec<u8>, RepositoryError> {
        // The empty tree is known without being stored.
        if id != ObjectId::empty_tree(id.kind()) && self.size(id)? > most {
            return Err(RepositoryError::TooMuch(format!(
                "an object of more than {most} bytes, {id}"
            )));
        }
        let object = self.git.find_object(id);
        let object = object.map_err(|error| unreadable(id, &error.to_string()))?;
        if object.kind != kind {
            let text = format!("is a {} and not a {kind}", object.kind);
            return Err(RepositoryError::Damaged(id.to_string(), text));
        }
        let data = object.detach().data;
        match gix::objs::compute_hash(id.kind(), kind, &data) {
            Ok(found) if found == id => Ok(data),
            Ok(found) => Err(RepositoryError::Damaged(
                id.to_string(),
                format!("has the hash {found}"),
            )),
            Err(error) => Err(unreadable(id, &error.to_string())),
        }
    }
}

/// Nothing of the user, the system or the environment, and of the repository's configuration only its format.
pub(super) fn options(allocation: u64) -> gix::open::Options {
    gix::open::Options::isolated()
        .with(gix::sec::Trust::Reduced)
        .config_overrides([
            "core.useReplaceRefs=false".to_owned(),
            format!("gitoxide.objects.allocLimit={allocation}"),
        ])
}

fn damaged(id: ObjectId) -> RepositoryError {
    RepositoryError::Damaged(id.to_string(), "is not what git writes".into())
}

fn unreadable(id: ObjectId, reason: &str) -> RepositoryError {
    RepositoryError::Damaged(
        id.to_string(),
        format!("cannot be read: {}", one_line(reason)),
    )
}

/// What a library says, on one line and not too long.
pub(super) fn one_line(text: &str) -> String {
    let text: String = text.chars().take(300).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A folder named by `file://`, or typed as it is.
pub(super) fn folder(typed: &str) -> PathBuf {
    PathBuf::from(typed.strip_prefix("file://").unwrap_or(typed))
}
