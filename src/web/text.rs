//! Foreign text on a page: shown as what it is, never as what it pretends to be.
//!
//! The templates escape markup. What is left are characters that hide or reorder others, links that run something, and
//! texts without end; here they become harmless.
use std::fmt::Write as _;

use events::{claims::Workflow, text::is_forbidden, time::Timestamp};

/// Longest line of foreign text, in characters.
const MOST_LINE: usize = 300;
/// Longest foreign text, in characters.
const MOST_TEXT: usize = 4000;

/// A line of foreign text: control and bidirectional characters are named instead of obeyed, and it ends.
pub fn line(text: &str) -> String {
    let folded: Vec<&str> = text.split_whitespace().collect();
    shortened(&visible(&folded.join(" ")), MOST_LINE)
}

/// Foreign text in paragraphs, parted where its author left an empty line.
pub fn paragraphs(text: &str) -> Vec<String> {
    let text = shortened(text, MOST_TEXT).replace("\r\n", "\n");
    let mut paragraphs = vec![String::new()];
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match paragraphs.last_mut() {
            Some(last) if !words.is_empty() => {
                if !last.is_empty() {
                    last.push(' ');
                }
                last.push_str(&visible(&words.join(" ")));
            }
            _ => paragraphs.push(String::new()),
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_forbidden(c) {
            // Writing into a String cannot fail.
            let _ = write!(shown, "\u{27E8}U+{:04X}\u{27E9}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}\u{2026}", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A sentence of ours as a page sets it: with the apostrophe that a typewriter lacks.
pub fn typeset(text: &str) -> String {
    text.replace('\'', "\u{2019}")
}

/// A message of ours as a sentence: a capital, and a full stop.
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    let text: String = first.into_iter().chain(letters).collect();
    typeset(&format!("{text}."))
}

/// The address, if it is one that a page may link: `https`, a host, and nothing that needs escaping anywhere.
pub fn https(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end)?;
    let host = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte);
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?#%[]".contains(&byte);
    let sound = authority.contains('.')
        && authority.bytes().all(host)
        && path.bytes().all(plain)
        && url.len() <= 2048;
    sound.then(|| url.to_owned())
}

/// A moment as people read it, and as machines do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// RFC 3339.
    pub iso: String,
    /// `23 November 2026, 02:30 UTC`
    pub words: String,
    /// `23 Nov 2026`
    pub day: String,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        let iso = time.to_seconds_text();
        let part = |from: usize, to: usize| iso.get(from..to).unwrap_or_default();
        let month = part(5, 7).parse::<usize>().unwrap_or_default();
        let month = MONTHS
            .get(month.saturating_sub(1))
            .copied()
            .unwrap_or_default();
        let (day, year) = (part(8, 10).trim_start_matches('0'), part(0, 4));
        let short = month.get(..3).unwrap_or(month);
        Self {
            words: format!("{day} {month} {year}, {} UTC", part(11, 16)),
            day: format!("{day} {short} {year}"),
            iso,
        }
    }
}

/// A number with its thousands apart: `12,288`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The first twelve digits of a commit; a name that is no commit stays whole.
pub fn short_commit(commit: &str) -> String {
    let hex = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    let short = commit.get(..12).filter(|_| hex);
    short.unwrap_or(commit).to_owned()
}

/// The workflow's file as people call it: `release.yml`, `ci/release.yml`; else all that the claim says.
pub fn workflow_name(workflow: &Workflow) -> Option<String> {
    let whole = workflow.workflow_ref.as_ref()?.as_str();
    let path = whole.split_once('@').map_or(whole, |(path, _)| path);
    let file = path
        .split_once("/.github/workflows/")
        .or_else(|| path.split_once("//"))
        .map_or(path, |(_, file)| file);
    Some(file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_reorders_is_named() {
        assert_eq!(
            line("safe\u{202E}fdp.exe\u{0}"),
            "safe⟨U+202E⟩fdp.exe⟨U+0000⟩"
        );
        assert_eq!(line("  two\n\twords "), "two words");
        assert_eq!(line("عربي"), "عربي");
    }

    #[test]
    fn a_text_without_end_ends() {
        assert_eq!(line(&"x".repeat(64_000)).chars().count(), MOST_LINE + 1);
        let long = paragraphs(&"ä".repeat(64_000));
        assert_eq!((long.len(), long[0].chars().count()), (1, MOST_TEXT + 1));
    }

    #[test]
    fn an_empty_line_parts_paragraphs() {
        assert_eq!(paragraphs("a\nb\r\n\r\n\n c \n"), ["a b", "c"]);
        assert!(paragraphs(" \n\n ").is_empty());
    }

    #[test]
    fn only_https_is_linked() {
        assert!(https("https://example.com/a?b=c&d#e").is_some());
        for bad in [
            "javascript:alert(1)",
            "http://example.com",
            "https://",
            "https://user@example.com",
            "https://example.com/\"onclick=",
            "https://example.com/<b>",
            "https://example.com/a b",
            "https://ex\u{202E}ample.com",
            " https://example.com",
            "HTTPS://example.com",
            "//example.com",
            "data:text/html,x",
        ] {
            assert_eq!(https(bad), None, "{bad}");
        }
    }

    #[test]
    fn moments_and_numbers_read_well() {
        let moment = Moment::from(Timestamp::from_seconds(1_795_402_502));
        assert_eq!(moment.words, "23 November 2026, 02:55 UTC");
        assert_eq!(moment.day, "23 Nov 2026");
        let spelled = [0, 999, 1000, 12_288, 1_000_000].map(grouped);
        assert_eq!(spelled, ["0", "999", "1,000", "12,288", "1,000,000"]);
    }
}
