//! Short strings that may stand in the log for ever: bounded, printable, and never confusing to read.
use alloc::{
    format,
    string::{String, ToString},
};
use core::fmt;

use crate::{digest::Digest, spelled::kept_as_text};

/// Longest string of the vocabulary, in bytes.
pub const MAX_TEXT: usize = 255;

/// A string of 1 to 255 bytes without control or bidirectional formatting characters.
///
/// Everything that comes from outside and enters an event passes through this type or a narrower one, because
/// what is in the log can never be taken out again and is read on terminals and pages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(String);

/// Why a string is not a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_TEXT`] bytes.
    #[error("is longer than 255 bytes")]
    TooLong,
    /// A control, line separator or bidirectional formatting character.
    #[error("contains the character U+{0:04X}, which is not allowed in the log")]
    Forbidden(u32),
    /// The string does not follow the grammar named.
    #[error("is not {0}")]
    Grammar(&'static str),
}

impl Text {
    /// Takes the string if it keeps the bounds of this type.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        check(text)?;
        Ok(Self(text.to_string()))
    }

    /// A claim as the log records it: itself when it keeps the bounds, else `sha256:` and the digest of its bytes.
    ///
    /// A configured value never starts with `sha256:` (see [`Text::configured`]), so a digest matches no policy.
    pub fn claim(value: &str) -> Self {
        match Self::parse(value) {
            Ok(text) => text,
            Err(_) => Self(format!("{}", Digest::of(value.as_bytes()))),
        }
    }

    /// A value that somebody configured: a text that cannot be mistaken for the digest of an unprintable claim.
    pub fn configured(value: &str) -> Result<Self, TextError> {
        if value.starts_with("sha256:") {
            return Err(TextError::Grammar(
                "a value that can be matched (it starts with sha256:)",
            ));
        }
        Self::parse(value)
    }

    /// The string itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

kept_as_text!(Text: TextError, Slug: TextError);

fn check(text: &str) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if text.len() > MAX_TEXT {
        return Err(TextError::TooLong);
    }
    // Nearly every text is plain ASCII; looking at all bytes without stopping lets the compiler look at many at once.
    let plain = text
        .bytes()
        .fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte));
    if plain {
        return Ok(());
    }
    match text.chars().find(|c| is_forbidden(*c)) {
        Some(c) => Err(TextError::Forbidden(u32::from(c))),
        None => Ok(()),
    }
}

/// Control characters, line and paragraph separators, bidirectional controls, zero-width and other invisible formatting.
pub fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

impl TryFrom<String> for Text {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        check(&text)?;
        Ok(Self(text))
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

/// A short name that an operator gives to a provider: `[a-z0-9-]`, 1 to 32 bytes, no hyphen at either end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slug(String);

impl Slug {
    /// Takes the string if it is a slug.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        Self::check(text).map(|()| Self(text.to_string()))
    }

    /// Whether the string is a slug.
    pub(crate) fn check(text: &str) -> Result<(), TextError> {
        let grammar = text.len() <= 32
            && !text.starts_with('-')
            && !text.ends_with('-')
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        match (text.is_empty(), grammar) {
            (true, _) => Err(TextError::Empty),
            (_, true) => Ok(()),
            _ => Err(TextError::Grammar(
                "a slug (1 to 32 of a-z, 0-9 and inner hyphens)",
            )),
        }
    }

    /// The slug itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Slug {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_never_enter_the_log() {
        for bad in [
            "a\u{1b}[31m",
            "a\nb",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{200B}b",
            "a\u{0}",
        ] {
            assert!(
                matches!(Text::parse(bad), Err(TextError::Forbidden(_))),
                "{bad:?}"
            );
        }
        assert_eq!(
            Text::parse("häuser/räume").unwrap().as_str(),
            "häuser/räume"
        );
    }

    #[test]
    fn a_claim_that_does_not_fit_is_recorded_as_its_digest() {
        assert_eq!(Text::claim("main").as_str(), "main");
        let long = "x".repeat(256);
        assert_eq!(
            Text::claim(&long).as_str(),
            format!("{}", Digest::of(long.as_bytes()))
        );
        assert!(Text::configured(Text::claim(&long).as_str()).is_err());
    }

    #[test]
    fn slugs_are_plain() {
        assert!(Slug::parse("github").is_ok());
        for bad in ["", "-a", "a-", "A", "a/b", "a_b", &"a".repeat(33)] {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
    }
}
