//! The day a gem was built, which is all that `RubyGems` keeps of the time in a gemspec.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A day of the Gregorian calendar between 1970 and 2999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// The text is no day, or a day in another form than Ruby writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a date is a day after 1970, like `2026-01-31 00:00:00.000000000 Z`")]
pub struct DateError;

impl Date {
    /// Parses `2026-01-31`, alone or with a time and an offset after it, which Ruby drops.
    ///
    /// A time without offset is refused: Ruby takes it for local time, so that the day depends on where it is read.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let (day, time) = text.split_at_checked(10).ok_or(DateError)?;
        let date = Self::parse_day(day)?;
        if time.is_empty() || is_time(time) {
            Ok(date)
        } else {
            Err(DateError)
        }
    }

    fn parse_day(text: &str) -> Result<Self, DateError> {
        let mut parts = text.split('-');
        let mut number = |width: usize| {
            let part = parts.next().filter(|part| {
                part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit())
            });
            part.and_then(|part| part.parse::<u16>().ok())
                .ok_or(DateError)
        };
        let (year, month, day) = (number(4)?, number(2)?, number(2)?);
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let last = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return Err(DateError),
        };
        // Ruby would count the 30th of February on into March.
        if !(1970..=2999).contains(&year) || day == 0 || day > last {
            return Err(DateError);
        }
        let small = |number: u16| u8::try_from(number).map_err(|_| DateError);
        Ok(Self {
            year,
            month: small(month)?,
            day: small(day)?,
        })
    }

    /// The year.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, from 1.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub fn day(self) -> u8 {
        self.day
    }
}

/// ` 00:00:00`, a fraction if any, then ` Z` or an offset.
fn is_time(text: &str) -> bool {
    let Some((clock, zone)) = text.strip_prefix(' ').and_then(|rest| rest.split_once(' ')) else {
        return false;
    };
    let (clock, fraction) = clock
        .split_once('.')
        .map_or((clock, "0"), |(clock, fraction)| (clock, fraction));
    let offset = zone
        .strip_prefix(['+', '-'])
        .is_some_and(|offset| fields(offset, &[14, 59]));
    let fraction = !fraction.is_empty()
        && fraction.len() <= 9
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    fields(clock, &[23, 59, 59]) && fraction && (zone == "Z" || offset)
}

/// Two-digit numbers between colons, none above its limit.
fn fields(text: &str, limits: &[u8]) -> bool {
    let within = |(part, limit): (&str, &u8)| {
        part.len() == 2
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<u8>().is_ok_and(|number| number <= *limit)
    };
    text.split(':').count() == limits.len() && text.split(':').zip(limits).all(within)
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl TryFrom<String> for Date {
    type Error = DateError;

    fn try_from(text: String) -> Result<Self, DateError> {
        Self::parse_day(&text)
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_rubygems_wrote_over_the_years_are_days() {
        for text in [
            "2023-02-01 00:00:00.000000000 Z",
            "2009-08-20 00:00:00 -04:00",
            "2012-02-29",
            "1980-01-02 00:00:00.000000000 +09:00",
        ] {
            assert_eq!(Date::parse(text).unwrap().to_string(), text[..10]);
        }
    }

    #[test]
    fn days_that_do_not_exist_and_times_without_offset_are_refused() {
        for text in [
            "",
            "2023",
            "2023-02-30",
            "2023-13-01",
            "2023-00-01",
            "2023-01-00",
            "1969-12-31",
            "3000-01-01",
            "2023-1-1",
            "2023-01-01 10:00:00",
            "2023-01-01T10:00:00Z",
            "2023-01-01 24:00:00 Z",
            "2023-01-01 10:00 Z",
            "2023-01-01 10:00:00 +1:00",
            "2023-01-01 10:00:00. Z",
            "2023-01-0é",
        ] {
            assert_eq!(Date::parse(text), Err(DateError), "{text}");
        }
    }
}
