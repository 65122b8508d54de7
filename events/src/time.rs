//! Moments as events write them: UTC, milliseconds, `2026-11-23T02:30:00.123Z` (RFC 3339 with exactly three decimals).
use alloc::{borrow::Cow, string::String};
use core::fmt;

use crate::{
    spelled::{Room, Spelled, by_spelling},
    text::TextError,
};

/// The last millisecond of the year 9999; nothing later can be written with four digits.
const LAST: u64 = 253_402_300_799_999;

/// Milliseconds since 1970-01-01T00:00:00Z, not after the year 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment so many milliseconds after the epoch; later than the year 9999 becomes its last millisecond.
    pub fn from_millis(millis: u64) -> Self {
        Self(millis.min(LAST))
    }

    /// The moment so many seconds after the epoch.
    pub fn from_seconds(seconds: u64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// So many seconds later.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        Self::from_millis(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// So many seconds earlier, not before the epoch.
    #[must_use]
    pub fn minus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds.saturating_mul(1000)))
    }

    /// Without the milliseconds: `2026-11-23T02:30:00Z`, as the compact index and the exchange write it.
    pub fn to_seconds_text(self) -> String {
        let mut room = [0; 71];
        let text = self.spelled(&mut room);
        let seconds = text.get(..19).unwrap_or_default();
        [seconds, "Z"].concat()
    }

    /// The day alone: `2026-11-23`.
    pub fn to_date_text(self) -> String {
        let mut room = [0; 71];
        let text = self.spelled(&mut room);
        text.get(..10).unwrap_or_default().into()
    }

    /// Reads exactly the form that events write.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        read(text)
            .filter(|time| time.spelled(&mut [0; 71]) == text)
            .ok_or(TextError::Grammar(
                "a UTC time with milliseconds, like 2026-11-23T02:30:00.123Z",
            ))
    }
}

/// Year, month and day of a day number since the epoch (Howard Hinnant's `civil_from_days`, for days from 1970 on).
fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    (yoe + era * 400 + u64::from(month <= 2), month, day)
}

/// The inverse of [`civil`].
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let y = year.checked_sub(u64::from(month <= 2))?;
    let (era, yoe) = (y / 400, y % 400);
    let mp = if month > 2 { month - 3 } else { month + 9 };
    let doy = (153 * mp + 2) / 5 + day.checked_sub(1)?;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    (era * 146_097 + doe).checked_sub(719_468)
}

fn read(text: &str) -> Option<Timestamp> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second, milli) = (
        number(11, 13)?,
        number(14, 16)?,
        number(17, 19)?,
        number(20, 23)?,
    );
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days(year, month, day)? * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Timestamp(seconds * 1000 + milli))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelled(&mut [0; 71]))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Spelled for Timestamp {
    type Error = TextError;

    fn spelled<'a>(&'a self, room: &'a mut Room) -> Cow<'a, str> {
        let seconds = self.seconds();
        let ((year, month, day), of_day) = (civil(seconds / 86_400), seconds % 86_400);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let parts = [
            (year, 4, b'-'),
            (month, 2, b'-'),
            (day, 2, b'T'),
            (hour, 2, b':'),
            (minute, 2, b':'),
            (second, 2, b'.'),
            (self.0 % 1000, 3, b'Z'),
        ];
        let mut rest = &mut room[..];
        for (mut value, width, after) in parts {
            let Some((part, behind)) = rest.split_at_mut_checked(width + 1) else {
                break;
            };
            for (at, place) in part.iter_mut().rev().enumerate() {
                *place = if at == 0 {
                    after
                } else {
                    let digit = u8::try_from(value % 10).unwrap_or(0);
                    value /= 10;
                    b'0' + digit
                };
            }
            rest = behind;
        }
        let text = room.get(..24).unwrap_or_default();
        Cow::Borrowed(core::str::from_utf8(text).unwrap_or_default())
    }

    fn read(text: &str) -> Result<Self, TextError> {
        Self::parse(text)
    }
}

by_spelling!(Timestamp);

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.spelled(&mut [0; 71]).into_owned()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments_are_written_as_the_calendar_says() {
        assert_eq!(
            String::from(Timestamp::from_millis(0)),
            "1970-01-01T00:00:00.000Z"
        );
        assert_eq!(
            String::from(Timestamp::from_millis(1_795_402_502_123)),
            "2026-11-23T02:55:02.123Z"
        );
        assert_eq!(
            String::from(Timestamp::from_seconds(951_782_400)),
            "2000-02-29T00:00:00.000Z"
        );
        assert_eq!(
            String::from(Timestamp::from_millis(u64::MAX)),
            "9999-12-31T23:59:59.999Z"
        );
    }

    #[test]
    fn other_spellings_of_a_moment_are_refused() {
        for bad in [
            "2026-11-23T02:30:00Z",
            "2026-11-23 02:30:00.123Z",
            "2026-02-30T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "",
        ] {
            assert!(Timestamp::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_reads_back(millis in 0..=LAST) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse(&String::from(time)), Ok(time));
        }
    }
}
