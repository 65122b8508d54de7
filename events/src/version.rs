//! A gem's version, ordered exactly as `Gem::Version` orders it.
//!
//! The grammar is Ruby's without `-` (which Ruby would rewrite to `.pre.`, so that the file and the index would say different things):
//! `[0-9]+(\.[0-9A-Za-z]+)*`. Ruby cuts the text into runs of digits and runs of letters, whatever stands between them, so `1.a2`
//! and `1.a.2` are one version; zeros that end the numeric front or the rest mean nothing, so `1.0` and `1` are one version too.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt::{self, Write};

use crate::name::MAX_BYTES;

/// A version in its author's spelling.
///
/// `Eq` is the spelling's; `Ord` is Ruby's order with the spelling as tie-break, so that both agree.
///
/// ```
/// use events::version::GemVersion;
/// let version = |text| GemVersion::parse(text).unwrap();
/// assert!(version("1.10") > version("1.9"));
/// assert!(version("1.0.rc1") < version("1.0"));
/// assert_eq!(version("1.0.0").canonical(), version("1").canonical());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GemVersion(String);

/// Why a text is not a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// The text is empty.
    #[error("a version must not be empty")]
    Empty,
    /// The text is longer than [`MAX_BYTES`].
    #[error("a version has at most {MAX_BYTES} bytes")]
    TooLong,
    /// The text has a `-`.
    #[error("a version has no `-`; write a pre-release as `1.0.0.rc1`")]
    Dash,
    /// Anything else outside the grammar.
    #[error(
        "a version is numbers and words between dots and starts with a number, like `1.2.0.rc1`"
    )]
    Grammar,
}

/// A run of digits or of letters. Numbers stay text: Ruby's integers have no bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment<'a> {
    /// Digits without leading zeros; empty is zero.
    Number(&'a str),
    Word(&'a str),
}

impl GemVersion {
    /// Parses a version; the spelling is kept.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        check(text)?;
        Ok(Self(text.to_string()))
    }

    /// Version `0`, the least that is not a pre-release.
    pub fn zero() -> Self {
        Self(String::from("0"))
    }

    /// The version as its author spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `Gem::Version#prerelease?`: it has a letter.
    pub fn is_prerelease(&self) -> bool {
        self.0.bytes().any(|byte| byte.is_ascii_alphabetic())
    }

    /// `Gem::Version#canonical_segments` joined by dots: the same text for every spelling of one version (`0` where Ruby has no segments left).
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        for segment in canonical_segments(&self.0) {
            if !text.is_empty() {
                text.push('.');
            }
            match segment {
                Segment::Number("") => text.push('0'),
                Segment::Number(run) | Segment::Word(run) => text.push_str(run),
            }
        }
        if text.is_empty() {
            text.push('0');
        }
        text
    }

    /// `Gem::Version#<=>`: equal for every spelling of one version.
    pub fn semantic_cmp(&self, other: &Self) -> Ordering {
        let left = canonical_segments(&self.0);
        let right = canonical_segments(&other.0);
        for place in 0..left.len().max(right.len()) {
            // Ruby pads the shorter side with zeros.
            let [left, right] =
                [&left, &right].map(|side| side.get(place).copied().unwrap_or(ZERO));
            let order = left.cmp_with(right);
            if order != Ordering::Equal {
                return order;
            }
        }
        Ordering::Equal
    }

    /// A text whose byte order is [`Self::semantic_cmp`], for databases; equal for every spelling of one version.
    ///
    /// Since the shorter side is padded with zeros for ever, the end of a version counts as more than any word that follows zeros and as less
    /// than any number that does. So each run of zeros is written together with what ends it: a word (`1`, fewer zeros first), the end (`2`)
    /// or a number (`3`, more zeros first).
    pub fn sort_key(&self) -> String {
        let mut key = String::new();
        let mut zeros: u32 = 0;
        for segment in canonical_segments(&self.0) {
            // Writing into a String cannot fail.
            let _ = match segment {
                Segment::Number("") => {
                    zeros = zeros.saturating_add(1);
                    continue;
                }
                Segment::Word(run) => write!(key, "1{zeros:03}{run}."),
                Segment::Number(run) => write!(
                    key,
                    "3{:03}{:03}{run}",
                    999_u32.saturating_sub(zeros),
                    run.len()
                ),
            };
            zeros = 0;
        }
        key.push('2');
        key
    }
}

const ZERO: Segment<'static> = Segment::Number("");

impl Segment<'_> {
    fn cmp_with(self, other: Segment<'_>) -> Ordering {
        match (self, other) {
            (Segment::Number(l), Segment::Number(r)) => {
                l.len().cmp(&r.len()).then_with(|| l.cmp(r))
            }
            (Segment::Word(l), Segment::Word(r)) => l.cmp(r),
            (Segment::Word(_), Segment::Number(_)) => Ordering::Less,
            (Segment::Number(_), Segment::Word(_)) => Ordering::Greater,
        }
    }
}

fn segments(text: &str) -> Vec<Segment<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let same = |c: char| {
            if digits {
                c.is_ascii_digit()
            } else {
                c.is_ascii_alphabetic()
            }
        };
        let end = rest.find(|c| !same(c)).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end.max(first.len_utf8()));
        if digits {
            found.push(Segment::Number(run.trim_start_matches('0')));
        } else if first.is_ascii_alphabetic() {
            found.push(Segment::Word(run));
        }
        rest = tail;
    }
    found
}

/// Cuts at the first word and drops the zeros that end either part.
fn canonical_segments(text: &str) -> Vec<Segment<'_>> {
    let mut numbers = segments(text);
    let first_word = numbers
        .iter()
        .position(|segment| matches!(segment, Segment::Word(_)));
    let mut rest = numbers.split_off(first_word.unwrap_or(numbers.len()));
    for part in [&mut numbers, &mut rest] {
        while part.last() == Some(&ZERO) {
            part.pop();
        }
    }
    numbers.append(&mut rest);
    numbers
}

fn check(text: &str) -> Result<(), VersionError> {
    if text.is_empty() {
        return Err(VersionError::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(VersionError::TooLong);
    }
    if text.contains('-') {
        return Err(VersionError::Dash);
    }
    for (place, part) in text.split('.').enumerate() {
        let allowed = |byte: u8| {
            if place == 0 {
                byte.is_ascii_digit()
            } else {
                byte.is_ascii_alphanumeric()
            }
        };
        if part.is_empty() || !part.bytes().all(allowed) {
            return Err(VersionError::Grammar);
        }
    }
    Ok(())
}

impl Ord for GemVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.semantic_cmp(other).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for GemVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

crate::spelled::kept_as_text!(GemVersion: VersionError);

impl TryFrom<String> for GemVersion {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        check(&text)?;
        Ok(Self(text))
    }
}

impl From<GemVersion> for String {
    fn from(version: GemVersion) -> Self {
        version.0
    }
}

impl fmt::Display for GemVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(text: &str) -> GemVersion {
        GemVersion::parse(text).unwrap()
    }

    #[test]
    fn texts_outside_the_grammar_are_refused() {
        for (text, why) in [
            ("", VersionError::Empty),
            ("1-1", VersionError::Dash),
            ("a", VersionError::Grammar),
            ("1a", VersionError::Grammar),
            ("1.", VersionError::Grammar),
            (".1", VersionError::Grammar),
            ("1..2", VersionError::Grammar),
            (" 1", VersionError::Grammar),
            ("1\n", VersionError::Grammar),
            ("1.\u{661}", VersionError::Grammar),
        ] {
            assert_eq!(GemVersion::parse(text), Err(why), "{text:?}");
        }
        assert_eq!(
            GemVersion::parse(&"1".repeat(256)),
            Err(VersionError::TooLong)
        );
        assert!(GemVersion::parse(&"1".repeat(255)).is_ok());
    }

    #[test]
    fn versions_are_ordered_as_ruby_orders_them() {
        let ordered = [
            "0.a",
            "0",
            "0.0.1",
            "0.9",
            "1.a.0.b",
            "1.a",
            "1.a.0.1",
            "1.b1",
            "1.rc1",
            "1.rc2",
            "1.rc10",
            "1",
            "1.1",
            "1.9",
            "1.10",
            "2.0.A",
            "2.0.a",
            "2.0.0.1",
            "10",
            "99999999999999999999998",
            "99999999999999999999999",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(
                version(pair[0]).semantic_cmp(&version(pair[1])),
                Ordering::Less,
                "{pair:?}"
            );
            assert!(
                version(pair[0]).sort_key() < version(pair[1]).sort_key(),
                "{pair:?}"
            );
        }
    }

    #[test]
    fn spellings_of_one_version_share_their_canonical_text() {
        for (left, right) in [
            ("1", "1.0"),
            ("1.0.0", "1"),
            ("1.0.a", "1.a"),
            ("1.a2", "1.a.2"),
            ("1.01", "1.1"),
            ("0", "0.0"),
            ("1.a.0", "1.a"),
        ] {
            assert_eq!(version(left).canonical(), version(right).canonical());
            assert_eq!(version(left).sort_key(), version(right).sort_key());
            assert_eq!(version(left).semantic_cmp(&version(right)), Ordering::Equal);
            assert_ne!(version(left).cmp(&version(right)), Ordering::Equal);
        }
        assert_eq!(version("1.0.2.rc1").canonical(), "1.0.2.rc.1");
        assert_eq!(version("0").canonical(), "0");
    }

    #[test]
    fn a_letter_makes_a_prerelease() {
        assert!(version("1.0.b1").is_prerelease());
        assert!(!version("1.0.1").is_prerelease());
    }

    proptest! {
        #[test]
        fn sort_keys_and_canonical_texts_agree_with_the_order(
            left in "[0-2](\\.(0|0|1|10|a|b|a0|0b|A)){0,5}",
            right in "[0-2](\\.(0|0|1|10|a|b|a0|0b|A)){0,5}",
        ) {
            let (left, right) = (version(&left), version(&right));
            let order = left.semantic_cmp(&right);
            prop_assert_eq!(left.sort_key().cmp(&right.sort_key()), order);
            prop_assert_eq!(left.canonical() == right.canonical(), order == Ordering::Equal);
            prop_assert_eq!(right.semantic_cmp(&left), order.reverse());
        }
    }
}
