//! A gemspec read without running it: the part of Ruby that most gemspecs are written in, and nothing else.
//!
//! Read are, inside one `Gem::Specification.new do |s|`: literals, local variables, `Dir[…]` and `Dir.glob`, the forms of
//! `git ls-files` that Bundler has written over the years, a version constant of a file that is required, a file that is
//! read, and `select`, `reject` and `map` with conditions about paths. Whatever a statement may have changed that is not
//! understood is *not known* from there on; a statement that could have changed anything makes everything so.
//!
//! What is read tells which files are left out and whether the metadata agrees. It never explains a file of the gem.
use std::collections::BTreeSet;

use super::{
    report::FieldDifference,
    repository::{EntryType, Repository, Snapshot},
};
use crate::rubygems::{
    Specification,
    dependency::Kind,
    requirement::{Constraint, Requirement},
};

mod condition;
mod evaluate;
mod lexer;
mod pattern;
mod statements;
#[cfg(test)]
mod tests;

use statements::{Read, Sources};

/// The largest gemspec, or file that one reads, in bytes.
const MAX_SOURCE: u64 = 256 << 10;

/// What is known, or why it is not.
pub type Known<T> = Result<T, String>;

/// What a gemspec says, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gemspec {
    /// The files it lists, below the gem's folder.
    pub files: Known<BTreeSet<String>>,
    /// Its other fields as texts, in the order of their names: what the gem's metadata must say.
    pub fields: Vec<(&'static str, Known<String>)>,
}

/// The fields that are compared.
const FIELDS: [&str; 9] = [
    "authors",
    "dependencies",
    "development_dependencies",
    "executables",
    "extensions",
    "homepage",
    "licenses",
    "name",
    "version",
];

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
    pub fn field(&self, name: &str) -> Option<&Known<String>> {
        self.fields
            .iter()
            .find(|(field, _)| *field == name)
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
        let entry = snapshot.entries.get(&format!("{prefix}{path}"))?;
        let is_file = matches!(entry.entry_type, EntryType::File { .. });
        let bytes = is_file.then(|| repository.blob(entry.id, MAX_SOURCE).ok())??;
        String::from_utf8(bytes).ok()
    };
    let files = snapshot.entries.iter().filter_map(|(path, entry)| {
        let inside = path.strip_prefix(&prefix)?;
        (entry.entry_type != EntryType::Submodule).then(|| inside.to_owned())
    });
    let file = path.strip_prefix(&prefix).unwrap_or(path);
    let Some(text) = source(file) else {
        return Gemspec::unread("the gemspec is no text file of at most 256 KiB");
    };
    let sources = Sources {
        gemspec: file,
        files: files.collect(),
        read: &source,
    };
    match statements::run(&text, &sources) {
        Ok(read) => told(&read),
        Err(why) => Gemspec::unread(&why),
    }
}

fn told(read: &Read) -> Gemspec {
    let list = |names: &[&str]| -> Known<Vec<String>> {
        let mut all = Vec::new();
        for name in names {
            all.extend(read.list(name)?.unwrap_or_default());
        }
        Ok(all)
    };
    let needed = |names: &[&str]| -> Known<String> {
        let list = list(names)?;
        match list.as_slice() {
            [] => Err("it is not assigned".into()),
            all => Ok(all.join(", ")),
        }
    };
    let sorted = |names: &[&str]| list(names).map(|list| texts(&list));
    Gemspec {
        files: list(&["files"]).map(|list| list.into_iter().collect()),
        fields: vec![
            ("authors", needed(&["author", "authors"])),
            ("dependencies", read.dependencies(Kind::Runtime)),
            (
                "development_dependencies",
                read.dependencies(Kind::Development),
            ),
            ("executables", sorted(&["executables", "executable"])),
            ("extensions", list(&["extensions"]).map(|list| has(&list))),
            ("homepage", needed(&["homepage"])),
            ("licenses", sorted(&["license", "licenses"])),
            ("name", needed(&["name"])),
            ("version", needed(&["version"])),
        ],
    }
}

/// A list whose order says nothing.
fn texts(list: &[String]) -> String {
    let sorted: BTreeSet<&str> = list.iter().map(String::as_str).collect();
    sorted.into_iter().collect::<Vec<_>>().join(", ")
}

fn has(list: &[String]) -> String {
    if list.is_empty() { "none" } else { "some" }.to_owned()
}

/// One dependency, as both sides are written to be compared.
pub(super) fn dependency(name: &str, constraints: &[String]) -> Option<String> {
    let constraints: Option<Vec<Constraint>> = constraints
        .iter()
        .map(|text| Constraint::parse(text).ok())
        .collect();
    let requirement = match constraints?.as_slice() {
        [] => Requirement::default(),
        some => Requirement::new(some.to_vec()).ok()?,
    };
    Some(format!("{name} ({})", requirement.index_text()))
}

/// Where the gemspec and the gem's metadata differ, and which fields were compared at all.
pub(super) fn differences(
    gemspec: &Gemspec,
    spec: &Specification,
) -> (Vec<FieldDifference>, Vec<&'static str>) {
    let dependencies = |kind| {
        let all: Vec<String> = spec
            .dependencies_of(kind)
            .map(|needed| format!("{} ({})", needed.name, needed.requirement.index_text()))
            .collect();
        texts(&all)
    };
    let mut differences = Vec::new();
    let mut compared = Vec::new();
    for (field, known) in &gemspec.fields {
        let Ok(said) = known else { continue };
        let gem = match *field {
            "authors" => spec.authors.join(", "),
            "dependencies" => dependencies(Kind::Runtime),
            "development_dependencies" => dependencies(Kind::Development),
            "executables" => texts(&spec.executables),
            "extensions" => if spec.has_extensions { "some" } else { "none" }.to_owned(),
            "homepage" => spec.homepage.clone().unwrap_or_default(),
            "licenses" => texts(&spec.licenses),
            "name" => spec.name.to_string(),
            "version" => spec.version.to_string(),
            _ => continue,
        };
        compared.push(*field);
        if *said != gem {
            differences.push(FieldDifference {
                field,
                gemspec: said.clone(),
                gem,
            });
        }
    }
    (differences, compared)
}
