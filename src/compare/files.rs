//! File by file: what the gem has, held against what the commit has.
use std::collections::{BTreeMap, BTreeSet};

use gix::ObjectId;

use super::{
    MAX_FILE,
    glob::Glob,
    lines,
    report::{Class, Difference},
    repository::{Entry, EntryType, Repository, RepositoryError, Snapshot, blob_id},
};
use crate::rubygems::files::File;

/// The largest Git LFS pointer, in bytes; the specification bounds it so.
const MAX_POINTER: usize = 1024;

/// Files of a gem, taken one after another.
pub(super) struct Compared<'a> {
    repository: &'a Repository,
    snapshot: &'a Snapshot,
    base: &'a str,
    generated: &'a [Glob],
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
        generated: &'a [Glob],
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
            generated,
            by_id,
            seen: BTreeSet::new(),
            same: 0,
            differences: Vec::new(),
        }
    }

    /// Compares one file.
    pub(super) fn take(&mut self, file: &File) {
        let tree_path = within(self.base, &file.path);
        let class = match self.snapshot.entries.get(&tree_path) {
            Some(entry) => self.held(file, *entry),
            None => Some(self.only_in_gem(file, &tree_path)),
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
                self.differences.push(Difference {
                    path: path.clone(),
                    class: Class::LeftOut,
                });
            }
        }
    }

    /// How many files are the same, and all that are not.
    pub(super) fn finish(self) -> (u64, Vec<Difference>) {
        (self.same, self.differences)
    }

    /// What is different at a path that both have; `None` if nothing is.
    fn held(&self, file: &File, entry: Entry) -> Option<Class> {
        self.compare(file, entry)
            .unwrap_or_else(|error| Some(not_compared(error.to_string())))
    }

    fn compare(&self, file: &File, entry: Entry) -> Result<Option<Class>, RepositoryError> {
        let executable = match (entry.entry_type, &file.link) {
            (EntryType::File { executable }, None) => executable,
            (EntryType::Link, Some(target)) => {
                let found = self.repository.blob(entry.id, MAX_FILE)?;
                let same = found == target.as_bytes();
                return Ok((!same).then(|| changed(vec!["content"], file, None, None)));
            }
            (EntryType::File { .. }, Some(_)) | (EntryType::Link, None) => {
                return Ok(Some(changed(vec!["kind"], file, None, None)));
            }
            (EntryType::Submodule, _) => {
                return Ok(Some(not_compared("it is a submodule in the commit".into())));
            }
        };
        let size = self.repository.size(entry.id)?;
        let Some(bytes) = file.bytes.as_deref().filter(|_| size <= MAX_FILE) else {
            return self.large(file, entry, size);
        };
        let found = self.repository.blob(entry.id, MAX_FILE)?;
        let mut what = Vec::new();
        if bytes != found {
            if executable == file.executable && lines::only_endings_differ(bytes, &found) {
                return Ok(Some(Class::LineEndings));
            }
            if executable == file.executable && pointer(&found) == Some((file.sha256, file.size)) {
                return Ok(Some(Class::Lfs));
            }
            what.push("content");
        }
        if executable != file.executable {
            what.push("executable");
        }
        let first = lines::first_difference(bytes, &found).filter(|_| bytes != found);
        Ok((!what.is_empty()).then(|| changed(what, file, Some(size), first)))
    }

    /// One of both is too large to be compared byte by byte.
    fn large(
        &self,
        file: &File,
        entry: Entry,
        size: u64,
    ) -> Result<Option<Class>, RepositoryError> {
        if size < u64::try_from(MAX_POINTER).unwrap_or(0) {
            let found = self.repository.blob(entry.id, MAX_FILE)?;
            if pointer(&found) == Some((file.sha256, file.size)) {
                return Ok(Some(Class::Lfs));
            }
        }
        Ok(Some(if size == file.size {
            not_compared(format!("it has more than {MAX_FILE} bytes"))
        } else {
            changed(vec!["content"], file, Some(size), None)
        }))
    }

    fn only_in_gem(&self, file: &File, tree_path: &str) -> Class {
        if let Some(submodule) = self.snapshot.submodule_of(tree_path) {
            return not_compared(format!(
                "it lies in the submodule {submodule}, which is another repository"
            ));
        }
        let same = file.bytes.as_deref().filter(|_| file.link.is_none());
        let same = same.and_then(|bytes| self.by_id.get(&blob_id(bytes)?));
        let same = same.map(Vec::as_slice).unwrap_or_default();
        if let Some(moved) = same.iter().find(|path| name(path) == name(&file.path)) {
            return Class::Moved {
                tree_path: (*moved).to_owned(),
            };
        }
        if let Some(pattern) = self.generated.iter().find(|glob| glob.matches(&file.path)) {
            return Class::Generated {
                pattern: pattern.as_str().to_owned(),
            };
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
