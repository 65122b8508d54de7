//! Times and durations as they are typed.
use events::time::Timestamp;

use crate::views::feed;

/// `90d`, `12h`, `30m`, `45s`, in seconds.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a duration like 90d, 12h or 30m");
    let unit = match text.chars().last() {
        Some('d') => 86_400,
        Some('h') => 3_600,
        Some('m') => 60,
        Some('s') => 1,
        _ => return Err(wrong()),
    };
    let number: u64 = text
        .get(..text.len() - 1)
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(wrong)?;
    number
        .checked_mul(unit)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(wrong)
}

/// A duration, or `0` for none.
pub(super) fn delay(text: &str) -> Result<u64, String> {
    if text == "0" { Ok(0) } else { seconds(text) }
}

/// `2026-11-23`, `2026-11-23T02:30:00Z` or with milliseconds, UTC.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    feed::moment(text)
        .ok_or_else(|| format!("{text:?} is not a time like 2026-11-23 or 2026-11-23T02:30:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_moments_are_read_as_people_write_them() {
        assert_eq!(seconds("90d"), Ok(7_776_000));
        assert_eq!((delay("0"), delay("72h")), (Ok(0), Ok(259_200)));
        for bad in ["", "d", "1w", "-1d", "0d", "99999999999999999d"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        assert_eq!(moment("1970-01-02").unwrap().seconds(), 86_400);
        assert_eq!(moment("1970-01-01T00:00:01Z").unwrap().seconds(), 1);
        assert!(moment("yesterday").is_err());
    }
}
