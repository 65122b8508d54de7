//! The rules that `RubyGems` and rubygems.org hold a readable gemspec to.

use std::collections::BTreeSet;

use events::platform::FullName;

use super::specification::{SpecError, Specification};
use super::uri::is_web_address;

/// The most bytes in a text field, or in all strings of a list.
const MAX_TEXT_BYTES: usize = 64_000;
const MAX_LICENSE_CHARACTERS: usize = 64;
const MAX_METADATA_KEY: usize = 128;
const MAX_METADATA_VALUE: usize = 1024;
/// The most bytes in all names and requirements together, so that the index line fits a leaf of the log with the rest of its event.
const MAX_REQUIREMENT_BYTES: usize = 32_768;

pub(super) fn check(spec: &Specification) -> Result<(), SpecError> {
    check_texts(spec)?;
    check_placeholders(spec)?;
    check_metadata(spec)?;
    if let Some(homepage) = spec
        .homepage
        .as_deref()
        .filter(|homepage| !homepage.is_empty())
        && !is_web_address(homepage)
    {
        return Err(SpecError::Link {
            field: "homepage".to_owned(),
        });
    }
    let mut seen = BTreeSet::new();
    for dependency in &spec.dependencies {
        if !seen.insert((dependency.kind, &dependency.name)) {
            return Err(SpecError::DuplicateDependency {
                name: dependency.name.to_string(),
                kind: dependency.kind,
            });
        }
    }
    let requirements = [&spec.required_ruby_version, &spec.required_rubygems_version];
    let lengths = spec
        .dependencies
        .iter()
        .map(|dependency| (dependency.name.as_str().len(), &dependency.requirement));
    let lengths = lengths.chain(requirements.map(|requirement| (0, requirement)));
    let bytes: usize = lengths
        .map(|(name, requirement)| name.saturating_add(requirement.to_string().len()))
        .sum();
    if bytes > MAX_REQUIREMENT_BYTES {
        Err(SpecError::TooManyRequirements {
            most: MAX_REQUIREMENT_BYTES,
        })
    } else {
        Ok(())
    }
}

/// No file of a gem is the gem.
pub(super) fn check_files(files: &[String], full_name: &FullName) -> Result<(), SpecError> {
    let itself = format!("{full_name}.gem");
    if files.contains(&itself) {
        Err(SpecError::ContainsItself { file: itself })
    } else {
        Ok(())
    }
}

pub(super) fn check_require_paths(paths: &[String]) -> Result<(), SpecError> {
    if paths.is_empty() {
        Err(SpecError::Missing {
            field: "require_paths",
        })
    } else {
        Ok(())
    }
}

/// Lengths, and no control character but the line's end and the tab: what is kept is shown on pages and terminals.
fn check_texts(spec: &Specification) -> Result<(), SpecError> {
    if spec.authors.is_empty() {
        return Err(SpecError::Missing { field: "authors" });
    }
    check_text("summary", &spec.summary)?;
    check_text("rubygems_version", &spec.rubygems_version)?;
    for (field, text) in [
        ("description", &spec.description),
        ("homepage", &spec.homepage),
    ] {
        check_text(field, text.as_deref().unwrap_or_default())?;
    }
    for (field, list) in [
        ("authors", &spec.authors),
        ("email", &spec.emails),
        ("licenses", &spec.licenses),
        ("executables", &spec.executables),
    ] {
        for text in list {
            check_text(field, text)?;
        }
        if list.iter().map(String::len).sum::<usize>() > MAX_TEXT_BYTES {
            return Err(SpecError::TooLong {
                field: field.to_owned(),
                most: MAX_TEXT_BYTES,
            });
        }
    }
    if spec.rubygems_version.len() > MAX_LICENSE_CHARACTERS {
        return Err(SpecError::TooLong {
            field: "rubygems_version".to_owned(),
            most: MAX_LICENSE_CHARACTERS,
        });
    }
    if spec
        .licenses
        .iter()
        .any(|license| license.chars().count() > MAX_LICENSE_CHARACTERS)
    {
        return Err(SpecError::TooLong {
            field: "licenses".to_owned(),
            most: MAX_LICENSE_CHARACTERS,
        });
    }
    Ok(())
}

fn check_text(field: &str, text: &str) -> Result<(), SpecError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(SpecError::TooLong {
            field: field.to_owned(),
            most: MAX_TEXT_BYTES,
        });
    }
    match text
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        Some(character) => Err(SpecError::Control {
            field: field.to_owned(),
            character,
        }),
        None => Ok(()),
    }
}

fn check_placeholders(spec: &Specification) -> Result<(), SpecError> {
    let lazy = |text: &str| text.starts_with("FIXME") || text.starts_with("TODO");
    let texts = |list: &[String]| list.iter().any(|text| lazy(text));
    let found = [
        ("authors", texts(&spec.authors)),
        ("email", texts(&spec.emails)),
        ("description", spec.description.as_deref().is_some_and(lazy)),
        ("summary", lazy(&spec.summary)),
    ];
    match found.iter().find(|(_, lazy)| *lazy) {
        Some((field, _)) => Err(SpecError::Placeholder { field }),
        None => Ok(()),
    }
}

fn check_metadata(spec: &Specification) -> Result<(), SpecError> {
    for (key, value) in &spec.metadata {
        let field = format!("metadata.{}", super::fields::shorten(key));
        check_text(&field, key)?;
        check_text(&field, value)?;
        if key.chars().count() > MAX_METADATA_KEY {
            return Err(SpecError::TooLong {
                field,
                most: MAX_METADATA_KEY,
            });
        }
        if value.chars().count() > MAX_METADATA_VALUE {
            return Err(SpecError::TooLong {
                field,
                most: MAX_METADATA_VALUE,
            });
        }
        if key.ends_with("_uri") && !is_web_address(value) {
            return Err(SpecError::Link { field });
        }
    }
    let bytes: usize = spec
        .metadata
        .iter()
        .map(|(key, value)| key.len().saturating_add(value.len()))
        .sum();
    if bytes > MAX_TEXT_BYTES {
        return Err(SpecError::TooLong {
            field: "metadata".to_owned(),
            most: MAX_TEXT_BYTES,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::edited;
    use super::*;

    fn refused(from: &str, to: &str) -> SpecError {
        Specification::parse(&edited(from, to)).unwrap_err()
    }

    #[test]
    fn links_are_web_addresses() {
        let error = refused(
            "homepage_uri: https://example.com",
            "homepage_uri: javascript:alert(1)",
        );
        assert_eq!(
            error.to_string(),
            "the gemspec's `metadata.homepage_uri` is not an http or https address"
        );
        assert!(matches!(
            refused("homepage: https://example.com", "homepage: example"),
            SpecError::Link { .. }
        ));
    }

    #[test]
    fn texts_and_lists_have_bounds() {
        let long = "x".repeat(64_001);
        assert!(matches!(
            refused("summary: S", &format!("summary: {long}")),
            SpecError::TooLong { .. }
        ));
        let licence = format!("licenses:\n- {}", "x".repeat(65));
        assert!(matches!(
            refused("licenses: []", &licence),
            SpecError::TooLong { .. }
        ));
        let value = format!(
            "homepage_uri: https://example.com\n  k: {}",
            "x".repeat(1025)
        );
        assert!(matches!(
            refused("homepage_uri: https://example.com", &value),
            SpecError::TooLong { .. }
        ));
        let files = format!("files:\n{}", "- x\n".repeat(100_001));
        assert!(matches!(
            refused("files: []\n", &files),
            SpecError::TooMany { .. }
        ));
    }

    #[test]
    fn control_characters_and_placeholders_are_refused() {
        assert!(matches!(
            refused("summary: S", "summary: \"\\e[31m\""),
            SpecError::Control { .. }
        ));
        assert!(matches!(
            refused("summary: S", "summary: 'TODO: say what'"),
            SpecError::Placeholder { .. }
        ));
    }

    #[test]
    fn a_gem_does_not_list_itself_and_lists_each_dependency_once() {
        assert!(matches!(
            refused("files: []", "files:\n- rake-1.0.gem"),
            SpecError::ContainsItself { .. }
        ));
        assert!(matches!(
            refused("  name: b\n", "  name: a\n"),
            SpecError::DuplicateDependency { .. }
        ));
        assert!(matches!(
            refused("platform: ruby", "platform: i686-linux"),
            SpecError::PlatformSpelling(_)
        ));
    }
}
