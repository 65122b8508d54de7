//! What a gem's metadata says, field by field, held against what the gemspec of the commit says.
use std::collections::BTreeSet;

use super::{
    gemspec::{Field, Gemspec},
    report::{FieldDifference, UnknownField},
};
use crate::rubygems::{Specification, dependency::Kind};

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) compared: Vec<&'static str>,
    pub(super) unknown: Vec<UnknownField>,
    pub(super) differences: Vec<FieldDifference>,
}

/// Compares every field of which the gemspec's side is known. What building for a platform changes is explained where
/// whoever compares says that the gem was built for one.
pub(super) fn compare(gemspec: &Gemspec, spec: &Specification, is_built: bool) -> Fields {
    let mut fields = Fields::default();
    for (field, known) in &gemspec.fields {
        let said = match known {
            Ok(said) => said,
            Err(why) => {
                fields.unknown.push(UnknownField {
                    field: field.name,
                    decides: field.decides,
                    why: why.clone(),
                });
                continue;
            }
        };
        let gem = of_gem(*field, spec);
        fields.compared.push(field.name);
        if *said != gem {
            fields.differences.push(FieldDifference {
                field: field.name,
                built: is_built && building_changes(field.name, said, &gem),
                gemspec: said.join(", "),
                gem: gem.join(", "),
            });
        }
    }
    fields
}

/// A field of the gem, written as the gemspec's side is.
fn of_gem(field: Field, spec: &Specification) -> Vec<String> {
    let sorted = |list: &[String]| {
        let sorted: BTreeSet<&String> = list.iter().collect();
        sorted.into_iter().cloned().collect()
    };
    let needed = |kind| {
        let all: Vec<String> = spec
            .dependencies_of(kind)
            .map(|needed| format!("{} ({})", needed.name, needed.requirement.index_text()))
            .collect();
        sorted(&all)
    };
    match field.name {
        "authors" => spec.authors.clone(),
        "bindir" => vec![spec.bindir.clone()],
        "dependencies" => needed(Kind::Runtime),
        "development_dependencies" => needed(Kind::Development),
        "executables" => sorted(&spec.executables),
        "extensions" => sorted(&spec.extensions),
        "homepage" => spec.homepage.iter().cloned().collect(),
        "licenses" => sorted(&spec.licenses),
        "name" => vec![spec.name.to_string()],
        "platform" => vec![spec.platform.to_string()],
        "require_paths" => spec.require_paths.clone(),
        "required_ruby_version" => vec![spec.required_ruby_version.index_text()],
        "version" => vec![spec.version.to_string()],
        _ => Vec::new(),
    }
}

/// What `rake-compiler` and its like do to the specification of a gem that brings its libraries along: nothing is built
/// when it is installed, what that needed is dropped, and it runs on one platform and on the Rubies it was built for.
fn building_changes(field: &str, gemspec: &[String], gem: &[String]) -> bool {
    match field {
        "extensions" => gem.is_empty(),
        "dependencies" => gem.iter().all(|needed| gemspec.contains(needed)),
        "platform" => gemspec == ["ruby"],
        "required_ruby_version" => true,
        _ => false,
    }
}
