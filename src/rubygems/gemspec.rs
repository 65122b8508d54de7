//! The YAML of `metadata.gz` as a [`Specification`].
//!
//! It is a mapping tagged `!ruby/object:Gem::Specification`, with `Gem::Version`, `Gem::Dependency` and `Gem::Requirement` inside in the shapes that
//! `RubyGems` has written since 1.3. Every key is known; those that no index and no page needs are checked for their shape and dropped.

use std::collections::BTreeMap;

use events::name::GemName;
use events::platform::{FullName, Platform};
use events::version::GemVersion;

use super::date::Date;
use super::dependency::{Dependency, Kind};
use super::fields::{Field, Fields, present};
use super::gem_platform::GemPlatform;
use super::requirement::{Constraint, Operator, Requirement};
use super::rules;
use super::scalar::Plain;
use super::specification::{SpecError, Specification};
use super::yaml;

/// The most entries in a list of files.
const MAX_FILES: usize = 100_000;
/// The most entries in any other list.
const MAX_ITEMS: usize = 1_000;

const VERSION: &[&str] = &["!ruby/object:Gem::Version"];
const REQUIREMENT: &[&str] = &[
    "!ruby/object:Gem::Requirement",
    "!ruby/object:Gem::Version::Requirement",
];

/// Reads the YAML of a gemspec; [`super::rules`] are still to be checked.
pub(super) fn read(text: &str) -> Result<Specification, SpecError> {
    let first = text.lines().next().unwrap_or_default();
    // Anything else, and `RubyGems` puts a second `--- ` before it.
    if first.trim_end_matches(' ') != "--- !ruby/object:Gem::Specification" {
        return Err(SpecError::NotASpecification);
    }
    let root = Field {
        name: String::new(),
        node: yaml::parse(text)?,
    };
    let tags = ["!ruby/object:Gem::Specification"];
    let fields = root.object(&tags, "a gemspec");
    read_fields(fields.map_err(|_| SpecError::NotASpecification)?)
}

fn read_fields(fields: Fields) -> Result<Specification, SpecError> {
    #[rustfmt::skip]
    let [name, version, platform, authors, email, date, summary, description, homepage, licenses, metadata, ruby, rubygems, dependencies,
        executables, extensions, built_by, format, cert_chain, signing_key, files, test_files, extra_rdoc_files, rdoc_options, require_paths,
        requirements, bindir, message, autorequire, default_executable, has_rdoc, rubyforge_project, original_platform] = fields.take([
        "name", "version", "platform", "authors", "email", "date", "summary", "description", "homepage", "licenses", "metadata",
        "required_ruby_version", "required_rubygems_version", "dependencies", "executables", "extensions", "rubygems_version",
        "specification_version", "cert_chain", "signing_key", "files", "test_files", "extra_rdoc_files", "rdoc_options", "require_paths",
        "requirements", "bindir", "post_install_message", "autorequire", "default_executable", "has_rdoc", "rubyforge_project",
        "original_platform",
    ])?;

    for unread in [
        signing_key,
        autorequire,
        default_executable,
        has_rdoc,
        rubyforge_project,
        original_platform,
    ] {
        read_unused(unread)?;
    }
    present(message).map(Field::text).transpose()?;
    let bindir = present(bindir).map(Field::text).transpose()?;
    for list in [rdoc_options, requirements] {
        texts(list, MAX_FILES)?;
    }
    let paths = texts(require_paths, MAX_ITEMS)?;
    let name = GemName::parse(&required(name, "name")?.text()?).map_err(SpecError::Name)?;
    let version = read_version(required(version, "version")?)?;
    let version = GemVersion::parse(&version).map_err(SpecError::Version)?;
    let platform = present(platform)
        .map(Field::text)
        .transpose()?
        .map_or_else(|| Ok(Platform::ruby()), |text| Platform::parse(&text))?;
    let full_name = FullName::compose(&name, &version, &platform)?;
    for list in [files, test_files, extra_rdoc_files] {
        rules::check_files(&texts(list, MAX_FILES)?, &full_name)?;
    }
    rules::check_require_paths(paths.as_slice())?;

    Ok(Specification {
        platform_parts: GemPlatform::read(&platform)?,
        name,
        version,
        platform,
        full_name,
        date: read_date(&required(date, "date")?)?,
        authors: texts(Some(required(authors, "authors")?), MAX_ITEMS)?,
        emails: one_or_more(email)?,
        summary: required(summary, "summary")?.text()?,
        description: present(description).map(Field::text).transpose()?,
        homepage: present(homepage).map(Field::text).transpose()?,
        licenses: texts(licenses, MAX_ITEMS)?,
        metadata: read_metadata(metadata)?,
        required_ruby_version: read_requirement(ruby, "required_ruby_version")?,
        required_rubygems_version: read_requirement(rubygems, "required_rubygems_version")?,
        dependencies: read_dependencies(dependencies)?,
        executables: texts(executables, MAX_ITEMS)?,
        extensions: texts(extensions, MAX_ITEMS)?,
        bindir: bindir.unwrap_or_else(|| "bin".to_owned()),
        require_paths: paths,
        rubygems_version: required(built_by, "rubygems_version")?.text()?,
        specification_version: read_format(&required(format, "specification_version")?)?,
        has_cert_chain: !texts(cert_chain, MAX_ITEMS)?.is_empty(),
    })
}

fn required(field: Option<Field>, name: &'static str) -> Result<Field, SpecError> {
    present(field).ok_or(SpecError::Missing { field: name })
}

fn read_unused(field: Option<Field>) -> Result<(), SpecError> {
    match field {
        None => Ok(()),
        Some(field) if matches!(field.plain(), Some(Plain::Null | Plain::Boolean(_))) => Ok(()),
        Some(field) => field.text().map(drop),
    }
}

fn texts(field: Option<Field>, most: usize) -> Result<Vec<String>, SpecError> {
    let Some(field) = present(field) else {
        return Ok(Vec::new());
    };
    field.list(most)?.into_iter().map(Field::text).collect()
}

/// A list of strings, or one string.
fn one_or_more(field: Option<Field>) -> Result<Vec<String>, SpecError> {
    let Some(field) = present(field) else {
        return Ok(Vec::new());
    };
    match field.node.value {
        yaml::Value::Sequence(_) => texts(Some(field), MAX_ITEMS),
        yaml::Value::Plain(_) | yaml::Value::Quoted(_) | yaml::Value::Mapping(_) => {
            Ok(vec![field.text()?])
        }
    }
}

fn read_version(field: Field) -> Result<String, SpecError> {
    let name = field.name.clone();
    let [version, prerelease, hash, segments] = field
        .object(VERSION, "a `Gem::Version`")?
        .take(["version", "prerelease", "hash", "segments"])?;
    // RubyGems 1.3.6 to 1.8 also wrote what it had cached.
    prerelease.map(Field::ignorable).transpose()?;
    let cached = segments.map_or_else(|| Ok(Vec::new()), |field| field.list(MAX_ITEMS))?;
    if cached
        .iter()
        .chain(&hash)
        .any(|field| field.plain_text().is_none_or(|text| text.len() > 24))
    {
        return Err(SpecError::Shape {
            field: name,
            expected: "a `Gem::Version`",
        });
    }
    version
        .ok_or(SpecError::Shape {
            field: name,
            expected: "a `Gem::Version`",
        })?
        .text()
}

fn read_requirement(field: Option<Field>, name: &str) -> Result<Requirement, SpecError> {
    let wrong = |reason| SpecError::Requirement {
        field: name.to_owned(),
        reason,
    };
    let Some(field) = present(field) else {
        return Ok(Requirement::default());
    };
    let [requirements, version, none] = field
        .object(REQUIREMENT, "a `Gem::Requirement`")?
        .take(["requirements", "version", "none"])?;
    version.map(Field::ignorable).transpose()?;
    none.map(Field::ignorable).transpose()?;
    let list = requirements.ok_or_else(|| SpecError::Shape {
        field: name.to_owned(),
        expected: "a `Gem::Requirement`",
    })?;
    let mut constraints = Vec::new();
    for pair in list.list(MAX_ITEMS)? {
        let shape = SpecError::Shape {
            field: pair.name.clone(),
            expected: "an operator and a version",
        };
        let Ok([operator, version]) = <[Field; 2]>::try_from(pair.list(2)?) else {
            return Err(shape);
        };
        let operator = Operator::parse(&operator.text()?).map_err(wrong)?;
        constraints.push(Constraint::new(operator, &read_version(version)?).map_err(wrong)?);
    }
    Requirement::new(constraints).map_err(wrong)
}

fn read_dependencies(field: Option<Field>) -> Result<Vec<Dependency>, SpecError> {
    let Some(field) = present(field) else {
        return Ok(Vec::new());
    };
    field
        .list(MAX_ITEMS)?
        .into_iter()
        .map(read_dependency)
        .collect()
}

fn read_dependency(field: Field) -> Result<Dependency, SpecError> {
    let path = field.name.clone();
    let fields = field.object(&["!ruby/object:Gem::Dependency"], "a `Gem::Dependency`")?;
    let [
        name,
        kind,
        requirement,
        old_requirement,
        older_requirement,
        prerelease,
        force,
    ] = fields.take([
        "name",
        "type",
        "requirement",
        "version_requirements",
        "version_requirement",
        "prerelease",
        "force_ruby_platform",
    ])?;
    for ignored in [older_requirement, prerelease, force].into_iter().flatten() {
        ignored.ignorable()?;
    }
    let shape = |expected| SpecError::Shape {
        field: path.clone(),
        expected,
    };
    let kind = match kind.as_ref().map(Field::plain) {
        None | Some(Some(Plain::Null | Plain::Symbol("runtime"))) => Kind::Runtime,
        Some(Some(Plain::Symbol("development"))) => Kind::Development,
        Some(_) => return Err(shape("a dependency of type `:runtime` or `:development`")),
    };
    let name = name
        .ok_or_else(|| shape("a dependency with a name"))?
        .text()?;
    let name = GemName::parse(&name).map_err(|reason| SpecError::DependencyName {
        field: path.clone(),
        reason,
    })?;
    let requirement = match (present(requirement), present(old_requirement)) {
        (Some(new), Some(old)) => {
            let new = read_requirement(Some(new), &path)?;
            if new != read_requirement(Some(old), &path)? {
                return Err(SpecError::TwoRequirements { field: path });
            }
            new
        }
        (Some(only), None) | (None, Some(only)) => read_requirement(Some(only), &path)?,
        (None, None) => return Err(shape("a dependency with a requirement")),
    };
    Ok(Dependency {
        name,
        kind,
        requirement,
    })
}

fn read_metadata(field: Option<Field>) -> Result<BTreeMap<String, String>, SpecError> {
    let Some(field) = present(field) else {
        return Ok(BTreeMap::new());
    };
    let name = field.name.clone();
    let entries = field.mapping()?;
    if entries.len() > MAX_ITEMS {
        return Err(SpecError::TooMany {
            field: name,
            most: MAX_ITEMS,
        });
    }
    entries
        .into_iter()
        .map(|(key, value)| Ok((key, value.text()?)))
        .collect()
}

fn read_date(field: &Field) -> Result<Date, SpecError> {
    // Plain, so that Ruby makes a time or a date of it in every version.
    Ok(Date::parse(field.plain_text().unwrap_or_default())?)
}

fn read_format(field: &Field) -> Result<u8, SpecError> {
    match field.plain() {
        Some(Plain::Integer(number @ 1..=4)) => u8::try_from(number).ok(),
        _ => None,
    }
    .ok_or(SpecError::Shape {
        field: "specification_version".to_owned(),
        expected: "a number from 1 to 4",
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{GEMSPEC, edited};
    use super::*;

    fn refused(from: &str, to: &str) -> SpecError {
        Specification::parse(&edited(from, to)).unwrap_err()
    }

    #[test]
    fn a_gemspec_is_read() {
        let spec = Specification::parse(GEMSPEC).unwrap();
        assert_eq!(spec.full_name.as_str(), "rake-1.0");
        assert_eq!(spec.authors, ["A"]);
        assert_eq!(spec.date.to_string(), "2024-01-02");
        let dependencies: Vec<String> = spec
            .dependencies
            .iter()
            .map(|d| format!("{} {}", d.name, d.requirement))
            .collect();
        assert_eq!(dependencies, ["b ~> 1.2, != 1.2.3", "a >= 0"]);
        assert_eq!(
            spec.metadata.get("homepage_uri").map(String::as_str),
            Some("https://example.com")
        );
    }

    #[test]
    fn words_that_ruby_takes_for_something_else_are_refused() {
        for word in ["1.0", "yes", "~", ":s", "2024-01-01", "1:30"] {
            let error = refused("summary: S", &format!("summary: {word}"));
            assert!(
                matches!(error, SpecError::NotText { .. } | SpecError::Missing { .. }),
                "{word}: {error}"
            );
        }
    }

    #[test]
    fn unknown_attributes_and_tags_are_refused() {
        assert!(matches!(
            refused("summary: S", "summary: S\nloaded_from: x"),
            SpecError::UnknownField { .. }
        ));
        assert!(matches!(
            refused("summary: S", "summary: !ruby/object:Object {}"),
            SpecError::Shape { .. }
        ));
        assert!(matches!(
            refused("summary: S", "summary: !binary YQ=="),
            SpecError::Binary { .. }
        ));
        assert_eq!(
            refused("--- !ruby/object:Gem::Specification", "---"),
            SpecError::NotASpecification
        );
    }

    #[test]
    fn what_must_be_there_is_missed() {
        for line in [
            "name: rake\n",
            "summary: S\n",
            "date: 2024-01-02 00:00:00.000000000 Z\n",
            "authors:\n- A\n",
        ] {
            assert!(
                matches!(refused(line, ""), SpecError::Missing { .. }),
                "{line}"
            );
        }
    }

    #[test]
    fn two_requirements_of_one_dependency_must_agree() {
        let error = refused(
            "  version_requirements: !ruby/object:Gem::Requirement\n    requirements:\n    - - \">=\"",
            "  version_requirements: !ruby/object:Gem::Requirement\n    requirements:\n    - - \">\"",
        );
        assert!(matches!(error, SpecError::TwoRequirements { .. }));
    }
}
