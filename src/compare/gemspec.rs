//! A gemspec read without running it: the part of Ruby that most gemspecs are written in, and nothing else.
//!
//! Read are, inside one `Gem::Specification.new do |s|`: literals, local variables, `Dir[…]` and `Dir.glob`, the forms of
//! `git ls-files` that Bundler has written over the years, a version constant of a file that is required, a file that is
//! read, and `select`, `reject` and `map` with conditions about paths. Whatever a statement may have changed that is not
//! understood is *not known* from there on; a statement that could have changed anything makes everything so.
//!
//! What is read tells which files are left out and whether the metadata agrees. It never explains a file of the gem.
use std::{collections::BTreeSet, rc::Rc};

use super::repository::{EntryType, Repository, Snapshot};
use crate::rubygems::{
    dependency::Kind,
    requirement::{Constraint, Requirement},
};

mod budget;
mod condition;
mod evaluate;
mod lexer;
mod pattern;
mod split;
mod statements;
#[cfg(test)]
mod tests;
mod touch;

use budget::Budget;
use evaluate::List;
use statements::{Read, Sources};

/// The largest gemspec, or file that one reads, in bytes.
const MAX_SOURCE: u64 = 256 << 10;

/// What is known, or why it is not.
pub type Known<T> = Result<T, String>;

/// A field of the metadata that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, as RubyGems has it.
    pub name: &'static str,
    /// Whether it decides what is loaded, run or installed: without it nothing can be told.
    pub decides: bool,
}

/// The fields that are compared, in the order of their names.
pub const FIELDS: [Field; 13] = [
    says("authors"),
    decides("bindir"),
    decides("dependencies"),
    says("development_dependencies"),
    decides("executables"),
    decides("extensions"),
    says("homepage"),
    says("licenses"),
    decides("name"),
    decides("platform"),
    decides("require_paths"),
    decides("required_ruby_version"),
    decides("version"),
];

const fn says(name: &'static str) -> Field {
    Field {
        name,
        decides: false,
    }
}

const fn decides(name: &'static str) -> Field {
    Field {
        name,
        decides: true,
    }
}

/// What a gemspec says, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gemspec {
    /// The files it lists, below the gem's folder.
    pub files: Known<BTreeSet<String>>,
    /// What it says in each of [`FIELDS`], with RubyGems' defaults.
    pub fields: Vec<(Field, Known<Vec<String>>)>,
}

impl Gemspec {
    /// One of which nothing is known.
    pub fn unread(why: &str) -> Self {
        Self {
            files: Err(why.to_owned()),
            fields: FIELDS
                .iter()
                .map(|field| (*field, Err(why.to_owned())))
                .collect(),
        }
    }

    /// A field.
    pub fn field(&self, name: &str) -> Option<&Known<Vec<String>>> {
        self.fields
            .iter()
            .find(|(field, _)| field.name == name)
            .map(|(_, known)| known)
    }
}

/// Reads the gemspec at this path of the commit, for the gem in the folder `base`.
pub(super) fn read(
    repository: &Repository,
    snapshot: &Snapshot,
    base: &str,
    path: &str,
) -> Gemspec {
    let prefix = if base.is_empty() {
        String::new()
    } else {
        format!("{base}/")
    };
    let source = |path: &str| {
        let entry = snapshot.entries.get(&above(base, path)?)?;
        let is_file = matches!(entry.entry_type, EntryType::File { .. });
        let bytes = is_file.then(|| repository.blob(entry.id, MAX_SOURCE).ok())??;
        String::from_utf8(bytes).ok()
    };
    let files = snapshot.entries.iter().filter_map(|(path, entry)| {
        let inside = path.strip_prefix(&prefix)?;
        (entry.entry_type != EntryType::Submodule).then(|| Rc::from(inside))
    });
    let file = path.strip_prefix(&prefix).unwrap_or(path);
    let Some(text) = source(file) else {
        return Gemspec::unread("the gemspec is no text file of at most 256 KiB");
    };
    let sources = Sources {
        gemspec: file,
        files: files.collect(),
        read: &source,
        budget: Budget::default(),
    };
    match statements::run(&text, &sources) {
        Ok(read) => told(&read),
        Err(why) => Gemspec::unread(&why),
    }
}

/// A path seen from the gem's folder, with any `..` at its beginning, as one of the commit.
fn above(base: &str, path: &str) -> Option<String> {
    let (mut base, mut path) = (base, path);
    while let Some(rest) = path.strip_prefix("../") {
        if base.is_empty() {
            return None;
        }
        base = base.rsplit_once('/').map_or("", |(above, _)| above);
        path = rest;
    }
    Some(if base.is_empty() {
        path.to_owned()
    } else {
        format!("{base}/{path}")
    })
}

fn told(read: &Read) -> Gemspec {
    let list = |name: &str| read.list(name).map(Option::unwrap_or_default);
    let or = |name: &str, default: &str| -> Known<Vec<String>> {
        let set = read.list(name)?;
        Ok(set.map_or_else(|| vec![default.to_owned()], |list| strings(&list)))
    };
    let set = |name: &str| -> Known<Vec<String>> {
        let list = read.list(name)?.ok_or("it is not assigned")?;
        Ok(strings(&list))
    };
    let sorted = |name: &str| list(name).map(|list| ordered(&list));
    let needed = |kind| read.dependencies(kind);
    let fields = FIELDS.map(|field| {
        let known = match field.name {
            "bindir" => or(field.name, "bin"),
            "dependencies" => needed(Kind::Runtime),
            "development_dependencies" => needed(Kind::Development),
            "executables" | "extensions" | "licenses" => sorted(field.name),
            "platform" => or(field.name, "ruby").and_then(platform),
            "require_paths" => or(field.name, "lib"),
            "required_ruby_version" => list(field.name).and_then(|list| requirement(&list)),
            "version" => set(field.name).map(|list| list.iter().map(|v| version(v)).collect()),
            name => set(name),
        };
        (field, known)
    });
    Gemspec {
        files: packed(read),
        fields: fields.into(),
    }
}

/// What RubyGems packs: the files, and what other fields add to them.
fn packed(read: &Read) -> Known<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for name in ["files", "test_files", "extra_rdoc_files", "extensions"] {
        let list = read.list(name)?.unwrap_or_default();
        all.extend(list.iter().map(ToString::to_string));
    }
    let folder = read.list("bindir")?.unwrap_or_default();
    let folder = folder.first().map_or("bin", |folder| folder);
    let commands = read.list("executables")?.unwrap_or_default();
    all.extend(commands.iter().map(|name| format!("{folder}/{name}")));
    Ok(all)
}

fn strings(list: &List) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// A list whose order says nothing.
fn ordered(list: &List) -> Vec<String> {
    let sorted: BTreeSet<&str> = list.iter().map(|text| &**text).collect();
    sorted.into_iter().map(str::to_owned).collect()
}

/// A platform that RubyGems keeps as it is written; others it takes apart and writes anew.
fn platform(said: Vec<String>) -> Known<Vec<String>> {
    match said.as_slice() {
        [one] if matches!(one.as_str(), "ruby" | "java") || one.contains('-') => Ok(said),
        _ => Err("a platform that is not understood".into()),
    }
}

/// A version as RubyGems keeps it.
fn version(text: &str) -> String {
    text.trim().replace('-', ".pre.")
}

fn requirement(constraints: &[Rc<str>]) -> Known<Vec<String>> {
    let read = constraints_of(constraints).ok_or("a requirement that is not understood")?;
    Ok(vec![read.index_text()])
}

fn constraints_of(constraints: &[Rc<str>]) -> Option<Requirement> {
    let constraints: Option<Vec<Constraint>> = constraints
        .iter()
        .map(|text| Constraint::parse(text).ok())
        .collect();
    match constraints?.as_slice() {
        [] => Some(Requirement::default()),
        some => Requirement::new(some.to_vec()).ok(),
    }
}

/// One dependency, as both sides are written to be compared.
fn dependency(name: &str, constraints: &[Rc<str>]) -> Option<String> {
    let requirement = constraints_of(constraints)?;
    Some(format!("{name} ({})", requirement.index_text()))
}
