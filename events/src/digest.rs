//! SHA-256 digests as events write them: `sha256:` and 64 lower-case hexadecimal digits.
use alloc::{borrow::Cow, format, string::String};
use core::fmt;
use sha2::{Digest as _, Sha256};

use crate::{
    spelled::{Room, Spelled, by_spelling},
    text::TextError,
};

/// What stands before the digits.
const PREFIX: &str = "sha256:";

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of two byte strings, one after the other.
    pub fn of_parts(first: &[u8], second: &[u8]) -> Self {
        Self(
            Sha256::new()
                .chain_update(first)
                .chain_update(second)
                .finalize()
                .into(),
        )
    }

    /// A digest that was computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 lower-case hexadecimal digits, without the prefix.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }

    /// Reads 64 lower-case hexadecimal digits, without the prefix.
    pub fn from_hex(text: &str) -> Result<Self, TextError> {
        let mut bytes = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let fits = pairs.len() == bytes.len() && rest.is_empty();
        let mut digits = bytes.iter_mut().zip(pairs);
        let read = fits
            && digits.all(|(byte, pair)| {
                byte_of(*pair).is_some_and(|read| {
                    *byte = read;
                    true
                })
            });
        if read {
            Ok(Self(bytes))
        } else {
            Err(TextError::Grammar("64 lower-case hexadecimal digits"))
        }
    }

    /// Reads the form that events write, `sha256:<hex>`.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        text.strip_prefix(PREFIX)
            .ok_or(TextError::Grammar("a digest (sha256:<hex>)"))
            .and_then(Self::from_hex)
    }
}

/// Lower-case hexadecimal digits of any bytes.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(digit(byte >> 4)));
        text.push(char::from(digit(byte & 15)));
    }
    text
}

/// The bytes of lower-case hexadecimal digits; `None` for anything else.
pub fn unhex(text: &str) -> Option<alloc::vec::Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().copied().map(byte_of).collect()
}

/// The hexadecimal digit of a number below 16.
fn digit(nibble: u8) -> u8 {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0')
}

fn byte_of([high, low]: [u8; 2]) -> Option<u8> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    Some(nibble(high)? << 4 | nibble(low)?)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Spelled for Digest {
    type Error = TextError;

    fn spelled<'a>(&'a self, room: &'a mut Room) -> Cow<'a, str> {
        let (prefix, digits) = room.split_at_mut(PREFIX.len());
        prefix.copy_from_slice(PREFIX.as_bytes());
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(&self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        Cow::Borrowed(core::str::from_utf8(room).unwrap_or_default())
    }

    fn read(text: &str) -> Result<Self, TextError> {
        Self::parse(text)
    }
}

by_spelling!(Digest);

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        format!("{digest}")
    }
}

impl TryFrom<String> for Digest {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_what_it_writes_and_nothing_else() {
        let digest = Digest::of(b"");
        assert_eq!(
            String::from(digest),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(Digest::parse(&String::from(digest)), Ok(digest));
        for bad in [
            "sha256:E3",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "sha256:",
        ] {
            assert!(Digest::parse(bad).is_err(), "{bad}");
        }
        let upper = String::from(digest)
            .to_uppercase()
            .replace("SHA256", "sha256");
        assert!(Digest::parse(&upper).is_err());
    }
}
