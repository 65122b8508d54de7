//! The secret of an API key: made once, shown once, and otherwise known by its digest alone.
//!
//! `gemledger_` ‖ 48 hexadecimal digits (192 random bits) ‖ 8 hexadecimal digits of checksum: the first four bytes of the
//! SHA-256 of everything before. The fixed prefix lets secret scanners find a leaked key, the checksum lets them be sure
//! without asking. Lower case only, because `rake release` folds the keys that it passes on.
use events::digest::{Digest, hex, unhex};
use zeroize::Zeroizing;

use crate::world;

/// What every key starts with.
pub const PREFIX: &str = "gemledger_";
const RANDOM_DIGITS: usize = 48;
const CHECK_DIGITS: usize = 8;

/// A key in the clear. It has no `Debug`, so it cannot slip into a log.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A fresh key.
    pub fn fresh() -> Self {
        let body = format!("{PREFIX}{}", hex(&world::random::<{ RANDOM_DIGITS / 2 }>()));
        let check = check(&body);
        Self(Zeroizing::new(body + &check))
    }

    /// Reads a key that somebody shows; `None` if it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        if digits.len() != RANDOM_DIGITS + CHECK_DIGITS || unhex(digits).is_none() {
            return None;
        }
        let (body, found) = text.split_at_checked(text.len() - CHECK_DIGITS)?;
        (check(body) == found).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// What the log holds of it.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// The key in the clear, for the one who asked for it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

fn check(body: &str) -> String {
    Digest::of(body.as_bytes())
        .hex()
        .chars()
        .take(CHECK_DIGITS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_a_mistyped_one_does_not() {
        let secret = Secret::fresh();
        let text = secret.reveal().to_owned();
        assert_eq!(Secret::parse(&text).unwrap().digest(), secret.digest());
        let last = if text.ends_with('0') { "1" } else { "0" };
        let mistyped = format!("{}{last}", &text[..text.len() - 1]);
        for bad in [
            mistyped.as_str(),
            &text.to_uppercase(),
            "",
            "rubygems_00",
            &text[1..],
        ] {
            assert!(Secret::parse(bad).is_none(), "{bad}");
        }
    }
}
