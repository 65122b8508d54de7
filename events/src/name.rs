//! A gem's name as its author spells it, and the folded name under which streams and rows find it.

use alloc::string::{String, ToString};
use core::fmt;

/// The longest name, version or platform in bytes: what fits a string of the log.
pub const MAX_BYTES: usize = 255;

/// A gem's name in its author's spelling.
///
/// The rules are those of rubygems.org, so that a gem which moves here from there never needs another name.
///
/// ```
/// let name = events::name::GemName::parse("RedCloth").unwrap();
/// assert_eq!(name.folded().as_str(), "redcloth");
/// assert!(events::name::GemName::parse("-rf").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GemName(String);

/// A gem's name in lower case: two names that differ only by case are one name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FoldedName(String);

/// Why a text is not a gem's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a gem name must not be empty")]
    Empty,
    /// The text is longer than [`MAX_BYTES`].
    #[error("a gem name has at most {MAX_BYTES} bytes")]
    TooLong,
    /// A character outside `[A-Za-z0-9._-]`.
    #[error("a gem name has only letters, digits, `.`, `_` and `-`, not {0:?}")]
    Character(char),
    /// No letter at all: `123` would read as a version.
    #[error("a gem name has at least one letter")]
    NoLetter,
    /// `.`, `_` or `-` at the start or the end.
    #[error("a gem name neither starts nor ends with `.`, `_` or `-`")]
    Edge,
    /// An ending that the registry's own paths use.
    #[error("a gem name does not end with `.gem`, `.json`, `.html` or `.gemspec`")]
    Suffix,
    /// An upper-case letter in a folded name.
    #[error("a folded gem name has no upper-case letter")]
    Case,
}

impl GemName {
    /// Parses a name; the spelling is kept.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check(text)?;
        Ok(Self(text.to_string()))
    }

    /// The name as its author spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in lower case.
    pub fn folded(&self) -> FoldedName {
        FoldedName(self.0.to_ascii_lowercase())
    }
}

impl FoldedName {
    /// Parses a name that is already in lower case.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Self::check(text).map(|()| Self(text.to_string()))
    }

    /// Whether the text is a name in lower case.
    pub(crate) fn check(text: &str) -> Result<(), NameError> {
        check(text)?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(NameError::Case);
        }
        Ok(())
    }

    /// The name in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(text: &str) -> Result<(), NameError> {
    const EDGE: [char; 3] = ['.', '_', '-'];
    const SUFFIXES: [&str; 4] = [".gem", ".json", ".html", ".gemspec"];
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(NameError::TooLong);
    }
    let odd = |c: &char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-');
    if let Some(found) = text.chars().find(odd) {
        return Err(NameError::Character(found));
    }
    if !text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return Err(NameError::NoLetter);
    }
    if text.starts_with(EDGE) || text.ends_with(EDGE) {
        return Err(NameError::Edge);
    }
    // Folded, because `/info/foo.JSON` must not become a second way to say `/info/foo.json`.
    let ends_with = |suffix: &&str| {
        let at = text.len().checked_sub(suffix.len());
        at.and_then(|at| text.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    if SUFFIXES.iter().any(ends_with) {
        return Err(NameError::Suffix);
    }
    Ok(())
}

crate::spelled::kept_as_text!(GemName: NameError, FoldedName: NameError);

impl TryFrom<String> for GemName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        check(&text)?;
        Ok(Self(text))
    }
}

impl TryFrom<String> for FoldedName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<GemName> for String {
    fn from(name: GemName) -> Self {
        name.0
    }
}

impl From<FoldedName> for String {
    fn from(name: FoldedName) -> Self {
        name.0
    }
}

impl fmt::Display for GemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for FoldedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_well_known_gems_are_names() {
        for text in [
            "rails",
            "RedCloth",
            "net-ssh",
            "a",
            "rake.rb",
            "x_1",
            "2captcha",
            "concurrent-ruby-ext",
        ] {
            assert_eq!(
                GemName::parse(text).map(|name| name.to_string()),
                Ok(text.to_string())
            );
        }
    }

    #[test]
    fn what_rubygems_org_refuses_is_refused() {
        let long = "a".repeat(256);
        for (text, why) in [
            ("", NameError::Empty),
            (long.as_str(), NameError::TooLong),
            ("a b", NameError::Character(' ')),
            ("a/b", NameError::Character('/')),
            ("caf\u{e9}", NameError::Character('\u{e9}')),
            ("a\n", NameError::Character('\n')),
            ("123", NameError::NoLetter),
            ("1.2", NameError::NoLetter),
            ("-a", NameError::Edge),
            ("_a", NameError::Edge),
            (".a", NameError::Edge),
            ("a.", NameError::Edge),
            ("a-", NameError::Edge),
            ("a.gem", NameError::Suffix),
            ("a.JSON", NameError::Suffix),
            ("a.gemspec", NameError::Suffix),
        ] {
            assert_eq!(GemName::parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn names_that_differ_by_case_fold_to_one() {
        let folded = |text| GemName::parse(text).unwrap().folded();
        assert_eq!(folded("Rake"), folded("rAKE"));
        assert_eq!(FoldedName::parse("Rake"), Err(NameError::Case));
    }

    #[test]
    fn deserialising_is_as_strict_as_parsing() {
        assert!(serde_json::from_str::<GemName>("\"rake\"").is_ok());
        assert!(serde_json::from_str::<GemName>("\"-rake\"").is_err());
        assert!(serde_json::from_str::<FoldedName>("\"Rake\"").is_err());
    }
}
