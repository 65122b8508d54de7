//! File by file: what the gem has, held against what the commit has.
use std::collections::{BTreeMap, BTreeSet};

use gix::ObjectId;

use super::{
    Asked, MAX_FILE, lines,
    report::{Class, Difference},
    repository::{Entry, EntryType, Repository, RepositoryError, Snapshot},
};
use crate::rubygems::{Specification, files::File};

/// The largest Git LFS pointer, in bytes; the specification bounds it so.
const MAX_POINTER: usize = 1024;

/// Files of a gem, taken one after another.
pub(super) struct Compared<'a> {
    repository: &'a Repository,
    snapshot: &'a Snapshot,
    base: &'a str,
    asked: &'a Asked,
    /// Folders with files that are loaded, run or compiled.
    code: BTreeSet<String>,
    by_id: BTreeMap<ObjectId, Vec<&'a str>>,
    seen: BTreeSet<String>,
    same: u64,
    differences: Vec<Difference>,
}

impl<'a> Compared<'a> {
    pub(super) fn new(
        repository: &'a Repository,
        snapshot: &'a Snapshot,
        base: &'a str,
        asked: &'a Asked,
        spec: &Specification,
    ) -> Self {
        let mut by_id = BTreeMap::<_, Vec<&str>>::new();
        for (path, entry) in &snapshot.entries {
            if matches!(entry.entry_type, EntryType::File { .. }) {
                by_id.entry(entry.id).or_default().push(path.as_str());
            }
        }
        Self {
            repository,
            snapshot,
            base,
            asked,
            code: code(spec),
            by_id,
            seen: BTreeSet::new(),
            same: 0,
            differences: Vec::new(),
        }
    }

    /// Compares one file. Its id is what git would call its bytes, if nobody made them to collide.
    pub(super) fn take(&mut self, file: &File, id: Option<ObjectId>) {
        let tree_path = within(self.base, &file.path);
        let class = match self.snapshot.entries.get(&tree_path) {
            Some(entry) => self.held(file, id, *entry),
            None => Some(self.only_in_gem(file, id, &tree_path)),
        };
        self.seen.insert(file.path.clone());
        match class {
            None => self.same = self.same.saturating_add(1),
            Some(class) => self.differences.push(Difference {
                path: file.path.clone(),
                class,
            }),
        }
    }

    /// Says which files the gem lacks of those that its gemspec lists.
    pub(super) fn left_out(&mut self, expected: &BTreeSet<String>) {
        for path in expected {
            let entry = self.snapshot.entries.get(&within(self.base, path));
            // A list of files may name a submodule's folder, which RubyGems does not pack.
            let is_file = entry.is_some_and(|entry| entry.entry_type != EntryType::Submodule);
            if is_file && !self.seen.contains(path) {
                let is_built = self.asked.built_for_platform && path.starts_with("ext/");
                self.differences.push(Difference {
                    path: path.clone(),
                    class: if is_built {
                        Class::Built { packed: false }
                    } else {
                        Class::LeftOut
                    },
                });
            }
        }
    }

    /// How many files are the same, and all that are not.
    pub(super) fn finish(self) -> (u64, Vec<Difference>) {
        (self.same, self.differences)
    }

    /// What is different at a path that both have; `None` if nothing is.
    fn held(&self, file: &File, id: Option<ObjectId>, entry: Entry) -> Option<Class> {
        self.compare(file, id, entry)
            .unwrap_or_else(|error| Some(not_compared(error.to_string())))
    }

    fn compare(
        &self,
        file: &File,
        id: Option<ObjectId>,
        entry: Entry,
    ) -> Result<Option<Class>, RepositoryError> {
        let Some(id) = id else {
            return Ok(Some(not_compared("its bytes are made to collide".into())));
        };
        let executable = match (entry.entry_type, &file.link) {
            (EntryType::File { executable }, None) => executable,
            (EntryType::Link, Some(_)) => {
                let same = id == entry.id;
                return Ok((!same).then(|| changed(vec!["content"], file, None, None)));
            }
            (EntryType::File { .. }, Some(_)) | (EntryType::Link, None) => {
                return Ok(Some(changed(vec!["kind"], file, None, None)));
            }
            (EntryType::Submodule, _) => {
                return Ok(Some(not_compared("it is a submodule in the commit".into())));
            }
        };
        let mut what = Vec::new();
        if executable != file.is_executable() {
            what.push("executable");
        }
        // Git knows no such bits: a program that runs as its owner is none of the repository's. The bits above them are the
        // kind of file, which RubyGems writes along.
        if file.mode & 0o7000 != 0 {
            what.push("mode");
        }
        if id == entry.id {
            return Ok((!what.is_empty()).then(|| changed(what, file, None, None)));
        }
        let size = self.repository.size(entry.id)?;
        let bytes = file.bytes.as_deref().filter(|_| size <= MAX_FILE);
        let small = size < u64::try_from(MAX_POINTER).unwrap_or(0);
        let found = if bytes.is_some() || small {
            Some(self.repository.blob(entry.id, MAX_FILE)?)
        } else {
            None
        };
        let found = found.as_deref();
        if what.is_empty() {
            if bytes
                .zip(found)
                .is_some_and(|(a, b)| lines::only_endings_differ(a, b))
            {
                return Ok(Some(Class::LineEndings));
            }
            if found.and_then(pointer) == Some((file.sha256, file.size)) {
                return Ok(Some(Class::Lfs));
            }
        }
        what.insert(0, "content");
        let first = bytes.zip(found);
        let first = first.and_then(|(a, b)| lines::first_difference(a, b));
        Ok(Some(changed(what, file, Some(size), first)))
    }

    fn only_in_gem(&self, file: &File, id: Option<ObjectId>, tree_path: &str) -> Class {
        if let Some(submodule) = self.snapshot.submodule_of(tree_path) {
            return not_compared(format!(
                "it lies in the submodule {submodule}, which is another repository"
            ));
        }
        let same = id.filter(|_| file.link.is_none());
        let same = same.and_then(|id| self.by_id.get(&id));
        let same = same.map(Vec::as_slice).unwrap_or_default();
        if let Some(moved) = same.iter().find(|path| name(path) == name(&file.path))
            && !self.is_code(file)
        {
            return Class::Moved {
                tree_path: (*moved).to_owned(),
            };
        }
        let mut patterns = self.asked.generated.iter();
        if let Some(pattern) = patterns.find(|glob| glob.matches(&file.path)) {
            return Class::Generated {
                pattern: pattern.as_str().to_owned(),
            };
        }
        let is_library = file.link.is_none()
            && file.path.starts_with("lib/")
            && LIBRARIES.contains(&ending(&file.path));
        if self.asked.built_for_platform && is_library {
            return Class::Built { packed: true };
        }
        Class::Extra {
            gem_size: file.size,
            // That some file is empty as well says nothing.
            same_as: same
                .first()
                .filter(|_| file.size > 0)
                .map(|path| (*path).to_owned()),
        }
    }

    /// Whether a file can be loaded, run or compiled where it lies: then it matters where it lies.
    fn is_code(&self, file: &File) -> bool {
        let ending = ending(&file.path);
        let above = file.path.match_indices('/');
        file.is_executable()
            || CODE.contains(&ending)
            || LIBRARIES.contains(&ending)
            || self.code.contains("")
            || above
                .filter_map(|(end, _)| file.path.get(..end))
                .any(|folder| self.code.contains(folder))
    }
}

/// Endings of files that programs read as code.
const CODE: [&str; 7] = ["c", "gemspec", "h", "rake", "rb", "ru", "sh"];
/// Endings of libraries.
const LIBRARIES: [&str; 5] = ["bundle", "dll", "dylib", "jar", "so"];

/// The folders that code lies in: by custom, and by what the gem says of itself.
fn code(spec: &Specification) -> BTreeSet<String> {
    let custom = ["bin", "exe", "ext", "lib"].map(str::to_owned);
    let extensions = spec
        .extensions
        .iter()
        .map(|path| match path.rsplit_once('/') {
            Some((folder, _)) => folder.to_owned(),
            None => String::new(),
        });
    let said = spec.require_paths.iter().chain([&spec.bindir]);
    let said = said.map(|folder| {
        let parts = folder.split('/').filter(|part| !matches!(*part, "" | "."));
        parts.collect::<Vec<_>>().join("/")
    });
    said.chain(extensions).chain(custom).collect()
}

fn ending(path: &str) -> &str {
    name(path).rsplit_once('.').map_or("", |(_, ending)| ending)
}

fn changed(
    what: Vec<&'static str>,
    file: &File,
    tree_size: Option<u64>,
    first_line: Option<u64>,
) -> Class {
    Class::Changed {
        what,
        gem_size: file.size,
        tree_size,
        first_line,
    }
}

fn not_compared(why: String) -> Class {
    Class::NotCompared { why }
}

fn within(base: &str, path: &str) -> String {
    if base.is_empty() {
        path.to_owned()
    } else {
        format!("{base}/{path}")
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a Git LFS pointer names: SHA-256 and size (git-lfs, docs/spec.md).
fn pointer(bytes: &[u8]) -> Option<([u8; 32], u64)> {
    if bytes.len() >= MAX_POINTER {
        return None;
    }
    let mut lines = std::str::from_utf8(bytes).ok()?.lines();
    if lines.next()? != "version https://git-lfs.github.com/spec/v1" {
        return None;
    }
    let mut oid = None;
    let mut size = None;
    for line in lines {
        match line.split_once(' ')? {
            ("oid", value) => oid = events::digest::unhex(value.strip_prefix("sha256:")?),
            ("size", value) => size = value.parse().ok(),
            _ => {}
        }
    }
    Some((oid?.try_into().ok()?, size?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_names_digest_and_size_or_nothing() {
        let text = format!(
            "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 12\n",
            "ab".repeat(32)
        );
        assert_eq!(pointer(text.as_bytes()), Some(([0xab; 32], 12)));
        assert_eq!(pointer(text.replace("v1", "v2").as_bytes()), None);
        assert_eq!(pointer(text.replace("size 12\n", "").as_bytes()), None);
        assert_eq!(pointer(text.replace("abab", "ab").as_bytes()), None);
        assert_eq!(pointer(&[b'x'; 2000]), None);
    }
}
