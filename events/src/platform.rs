//! The platform a gem file is built for, and the full name that identifies the file.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use crate::name::{GemName, MAX_BYTES};
use crate::version::GemVersion;

/// The longest full name: `file/` before it must fit a string of the log, and `.gemspec.rz` after it a file name.
pub const MAX_FULL_NAME_BYTES: usize = 240;

/// `ruby`, or the text of a `Gem::Platform` such as `x86_64-linux`.
///
/// ```
/// use events::platform::Platform;
/// assert!(Platform::parse("ruby").unwrap().is_ruby());
/// assert!(Platform::parse("x86_64/linux").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform(String);

/// `name-version`, and `-platform` unless that is `ruby`: the name of a gem's file without `.gem`.
///
/// It cannot be cut apart again (`foo-1` 2 and `foo` 1-2 would be one), which is why two releases must never share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FullName(String);

/// Why a text is not a platform, or a full name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    /// The text is empty.
    #[error("a platform must not be empty; a gem that runs everywhere says `ruby`")]
    Empty,
    /// The text is longer than [`MAX_BYTES`].
    #[error("a platform has at most {MAX_BYTES} bytes")]
    TooLong,
    /// A character outside `[A-Za-z0-9._-]`, or no letter or digit at an end.
    #[error(
        "a platform has only letters, digits, `.`, `_` and `-`, and starts and ends with a letter or digit"
    )]
    Grammar,
    /// Name, version and platform together are longer than [`MAX_FULL_NAME_BYTES`].
    #[error("name, version and platform together have at most {MAX_FULL_NAME_BYTES} bytes")]
    FullNameTooLong,
}

impl Platform {
    /// Parses a platform.
    pub fn parse(text: &str) -> Result<Self, PlatformError> {
        if text.is_empty() {
            return Err(PlatformError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(PlatformError::TooLong);
        }
        if !well_formed(text) {
            return Err(PlatformError::Grammar);
        }
        Ok(Self(text.to_string()))
    }

    /// The platform of a gem that runs everywhere.
    pub fn ruby() -> Self {
        Self(String::from("ruby"))
    }

    /// The platform's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the gem runs everywhere.
    pub fn is_ruby(&self) -> bool {
        self.0 == "ruby"
    }
}

impl FullName {
    /// Parses a full name; the spelling is kept.
    pub fn parse(text: &str) -> Result<Self, PlatformError> {
        Self::check(text).map(|()| Self(text.to_string()))
    }

    fn check(text: &str) -> Result<(), PlatformError> {
        if text.len() > MAX_FULL_NAME_BYTES {
            return Err(PlatformError::FullNameTooLong);
        }
        if !well_formed(text) {
            return Err(PlatformError::Grammar);
        }
        Ok(())
    }

    /// Whether the text is a full name in lower case.
    pub(crate) fn is_folded(text: &str) -> bool {
        Self::check(text).is_ok() && !text.bytes().any(|byte| byte.is_ascii_uppercase())
    }

    /// Composes the full name of a release's file.
    pub fn compose(
        name: &GemName,
        version: &GemVersion,
        platform: &Platform,
    ) -> Result<Self, PlatformError> {
        let full = if platform.is_ruby() {
            format!("{name}-{version}")
        } else {
            format!("{name}-{version}-{platform}")
        };
        Self::try_from(full)
    }

    /// The full name as its author spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The full name in lower case: two files must not differ by case alone.
    #[must_use]
    pub fn folded(&self) -> Self {
        Self(self.0.to_ascii_lowercase())
    }
}

fn well_formed(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let edge = |c: char| c.is_ascii_alphanumeric();
    text.bytes().all(allowed) && text.starts_with(edge) && text.ends_with(edge)
}

crate::spelled::kept_as_text!(Platform: PlatformError, FullName: PlatformError);

impl TryFrom<String> for Platform {
    type Error = PlatformError;

    fn try_from(text: String) -> Result<Self, PlatformError> {
        Self::parse(&text)
    }
}

impl TryFrom<String> for FullName {
    type Error = PlatformError;

    fn try_from(text: String) -> Result<Self, PlatformError> {
        Self::check(&text).map(|()| Self(text))
    }
}

impl From<Platform> for String {
    fn from(platform: Platform) -> Self {
        platform.0
    }
}

impl From<FullName> for String {
    fn from(name: FullName) -> Self {
        name.0
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for FullName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(name: &str, version: &str, platform: &str) -> Result<String, PlatformError> {
        let name = GemName::parse(name).unwrap();
        let version = GemVersion::parse(version).unwrap();
        FullName::compose(&name, &version, &Platform::parse(platform).unwrap()).map(String::from)
    }

    #[test]
    fn platforms_of_well_known_gems_are_platforms() {
        for text in [
            "ruby",
            "java",
            "x86_64-linux",
            "x86_64-linux-musl",
            "arm64-darwin",
            "universal-darwin-20",
            "x64-mingw-ucrt",
            "x86-mswin32-60",
        ] {
            assert!(Platform::parse(text).is_ok(), "{text}");
        }
        for text in ["", "a b", "a/b", "-linux", "linux-", "..", "x\n"] {
            assert!(Platform::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_platform_ruby_is_not_in_the_full_name() {
        assert_eq!(full("rake", "13.2.1", "ruby").unwrap(), "rake-13.2.1");
        assert_eq!(
            full("nokogiri", "1.18.0", "x86_64-linux-gnu").unwrap(),
            "nokogiri-1.18.0-x86_64-linux-gnu"
        );
    }

    #[test]
    fn full_names_fold_to_one() {
        let name = FullName::try_from(String::from("Rake-1.0.A")).unwrap();
        assert_eq!(name.folded().as_str(), "rake-1.0.a");
    }

    #[test]
    fn a_full_name_too_long_for_a_file_is_refused() {
        let name = "a".repeat(250);
        assert_eq!(
            full(&name, "1.0", "ruby"),
            Err(PlatformError::FullNameTooLong)
        );
    }
}
