//! Lines that are taken out of `/info/<name>` and put back in their old place.
//!
//! A line's place is how many lines of the gem, withheld ones included, come before it. Lines are only ever appended, so
//! a place never changes, and two gems with the same events have the same bytes whatever was withheld in between.
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use super::{INFO_HEAD, Info};

/// The withheld lines with their places, in ascending order.
fn lines(withheld: &str) -> Vec<(usize, &str)> {
    let read = |line: &'_ str| -> Option<(usize, usize)> {
        let (place, _) = line.split_once(' ')?;
        Some((place.parse().ok()?, place.len() + 1))
    };
    withheld
        .lines()
        .filter_map(|line| {
            let (place, start) = read(line)?;
            Some((place, line.get(start..)?))
        })
        .collect()
}

/// Whether a line is that of this release, `VERSION[-PLATFORM]`.
fn is_of(line: &str, release: &str) -> bool {
    line.strip_prefix(release)
        .is_some_and(|rest| rest.starts_with(' '))
}

fn write(info: &mut Info, served: &[&str], withheld: &[(usize, &str)]) {
    let mut body = String::from(INFO_HEAD);
    for line in served {
        body.push_str(line);
        body.push('\n');
    }
    let mut kept = String::new();
    for (place, line) in withheld {
        kept.push_str(&place.to_string());
        kept.push(' ');
        kept.push_str(line);
        kept.push('\n');
    }
    (info.body, info.withheld) = (body, kept);
}

/// Takes the release's line out; says whether there was one.
pub(super) fn take(info: &mut Info, release: &str) -> bool {
    let before = info.clone();
    let body = before.body.strip_prefix(INFO_HEAD).unwrap_or_default();
    let mut served: Vec<&str> = body.lines().collect();
    let mut withheld = lines(&before.withheld);
    let Some(at) = served.iter().position(|line| is_of(line, release)) else {
        return false;
    };
    let line = served.remove(at);
    let mut place = at;
    for (taken, _) in &withheld {
        if *taken <= place {
            place += 1;
        }
    }
    let next = withheld
        .iter()
        .position(|(taken, _)| *taken > place)
        .unwrap_or(withheld.len());
    withheld.insert(next, (place, line));
    write(info, &served, &withheld);
    true
}

/// Puts the release's line back where it was; says whether it was withheld.
pub(super) fn give_back(info: &mut Info, release: &str) -> bool {
    let before = info.clone();
    let body = before.body.strip_prefix(INFO_HEAD).unwrap_or_default();
    let mut served: Vec<&str> = body.lines().collect();
    let mut withheld = lines(&before.withheld);
    let Some(at) = withheld.iter().position(|(_, line)| is_of(line, release)) else {
        return false;
    };
    let (place, line) = withheld.remove(at);
    // What is withheld still and came before it does not stand in the body.
    let served_before = place.saturating_sub(at);
    served.insert(served_before.min(served.len()), line);
    write(info, &served, &withheld);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(numbers: &[&str]) -> Info {
        let mut info = Info::default();
        for number in numbers {
            for part in [number, " |checksum:", number, "\n"] {
                info.body.push_str(part);
            }
        }
        info
    }

    #[test]
    fn lines_come_back_to_their_places_in_whatever_order() {
        let whole = info(&["1", "2", "2-java", "3", "4"]);
        let gone = ["2", "4", "1", "2-java"];
        for back in [
            ["1", "2", "2-java", "4"],
            ["4", "2-java", "2", "1"],
            ["2", "1", "4", "2-java"],
        ] {
            let mut now = whole.clone();
            for release in gone {
                assert!(take(&mut now, release), "{release}");
                assert!(!take(&mut now, release), "{release} is gone already");
            }
            assert_eq!(now.body, info(&["3"]).body);
            for release in back {
                assert!(give_back(&mut now, release), "{release}");
                assert!(!give_back(&mut now, release), "{release} is back already");
            }
            assert_eq!(now, whole);
        }
    }

    #[test]
    fn what_is_released_meanwhile_comes_after_what_comes_back() {
        let mut now = info(&["1", "2"]);
        assert!(take(&mut now, "2"));
        now.body.push_str("3 |checksum:3\n");
        assert!(take(&mut now, "3") && give_back(&mut now, "2") && give_back(&mut now, "3"));
        assert_eq!(now, info(&["1", "2", "3"]));
    }

    #[test]
    fn a_version_is_not_taken_for_one_that_starts_like_it() {
        let mut now = info(&["1.0.1", "1.0-java"]);
        assert!(!take(&mut now, "1.0") && !give_back(&mut now, "1.0"));
        assert_eq!(now, info(&["1.0.1", "1.0-java"]));
    }
}
