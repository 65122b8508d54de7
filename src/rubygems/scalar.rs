//! What Psych makes of a plain (unquoted) YAML scalar.
//!
//! Ruby's YAML is 1.1 with habits of its own: `1.0` is a float, `yes` is true, `:a` is a symbol, `1:30` is 90. Texts that some version of Psych
//! or another YAML parser reads as anything but a string are [`Plain::Ambiguous`], unless they have one of the few meanings a gemspec needs.

/// The reading of a plain scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain<'a> {
    Null,
    Boolean(bool),
    Integer(u32),
    Symbol(&'a str),
    Text(&'a str),
    /// A number, a time, an infinity, or near enough to one that readers may differ.
    Ambiguous,
}

pub(super) fn read_plain(text: &str) -> Plain<'_> {
    let folded = text.to_ascii_lowercase();
    match folded.as_str() {
        "" | "~" | "null" => return Plain::Null,
        "yes" | "true" | "on" => return Plain::Boolean(true),
        "no" | "false" | "off" => return Plain::Boolean(false),
        _ => {}
    }
    if text.contains('\n') {
        // Psych matches its keywords against each line of a short text, so that "no\n\nx" is false.
        return if text.chars().count() > 5 {
            Plain::Text(text)
        } else {
            Plain::Ambiguous
        };
    }
    if let Some(symbol) = text.strip_prefix(':') {
        let word = !symbol.is_empty() && symbol.bytes().all(|byte| byte.is_ascii_lowercase());
        return if word {
            Plain::Symbol(symbol)
        } else {
            Plain::Ambiguous
        };
    }
    if let Some(number) = small_integer(text) {
        return Plain::Integer(number);
    }
    if looks_numeric(&folded) || looks_like_a_time(text) {
        return Plain::Ambiguous;
    }
    Plain::Text(text)
}

fn small_integer(text: &str) -> Option<u32> {
    let digits =
        !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    (digits && canonical).then(|| text.parse().ok()).flatten()
}

/// Integers of every base, floats, base-60 numbers, infinities; `1.2.3` is none of them.
fn looks_numeric(folded: &str) -> bool {
    let body = folded.strip_prefix(['+', '-']).unwrap_or(folded);
    if matches!(body, ".inf" | ".nan") {
        return true;
    }
    for base in ["0x", "0b", "0o"] {
        if let Some(digits) = body.strip_prefix(base) {
            return digits
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'_' | b','));
        }
    }
    let number = |c: char| c.is_ascii_digit() || matches!(c, '_' | ',' | '.' | ':');
    let (front, exponent) = body
        .split_once('e')
        .map_or((body, None), |(front, exponent)| (front, Some(exponent)));
    if !front.chars().any(|c| c.is_ascii_digit()) || !front.chars().all(number) {
        return false;
    }
    if let Some(exponent) = exponent {
        let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        return power.chars().all(|c| c.is_ascii_digit() || c == '_');
    }
    front.contains(':') || front.matches('.').count() < 2
}

/// A date and whatever of a time may follow it; `2011-01-01-a-post.md` is neither.
fn looks_like_a_time(text: &str) -> bool {
    let body = text.strip_prefix('-').unwrap_or(text);
    let mut parts = body.splitn(3, '-');
    let digits = |part: Option<&str>, most: usize| {
        part.is_some_and(|part| {
            !part.is_empty() && part.len() <= most && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let dated = digits(parts.next(), 4)
        && digits(parts.next(), 2)
        && parts
            .next()
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let time = |c: char| {
        c.is_ascii_digit() || matches!(c, '-' | '+' | ':' | '.' | ' ' | 'T' | 't' | 'Z' | 'z')
    };
    dated && body.chars().all(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_paths_and_versions_are_texts() {
        for text in [
            "rails",
            "0.1.0",
            "1.2.3.4",
            "lib/a.rb",
            "-x",
            ".document",
            "2011-01-01-a-post.md",
            "3d",
            "y",
            "n",
            "1password",
            "=",
            "12-34",
            "é",
            "1.0.0.beta",
        ] {
            assert_eq!(read_plain(text), Plain::Text(text), "{text}");
        }
    }

    #[test]
    fn nothing_and_its_names_are_null() {
        for text in ["", "~", "null", "NULL", "Null"] {
            assert_eq!(read_plain(text), Plain::Null);
        }
    }

    #[test]
    fn the_norway_problem_is_seen() {
        assert_eq!(read_plain("no"), Plain::Boolean(false));
        assert_eq!(read_plain("Yes"), Plain::Boolean(true));
        assert_eq!(read_plain("no\nx"), Plain::Ambiguous);
        assert_eq!(read_plain("norway\nx"), Plain::Text("norway\nx"));
    }

    #[test]
    fn numbers_and_times_are_not_texts() {
        assert_eq!(read_plain("4"), Plain::Integer(4));
        for text in [
            "1.0",
            "08",
            "+1",
            "-1",
            "1_000",
            "1,000",
            "1:30",
            "1e3",
            "1.5e-3",
            "0x1f",
            "0b1",
            "0o7",
            ".inf",
            "-.INF",
            ".nan",
            "2023-01-01",
            "2023-1-1 10:00:00",
            "2023-01-01T10:00:00Z",
            "2023-01-01 10:00:00.000000000 Z",
            "1.",
            ".5",
            "12345678901",
            "190:20:30.15",
        ] {
            assert_eq!(read_plain(text), Plain::Ambiguous, "{text}");
        }
    }

    #[test]
    fn a_colon_makes_a_symbol() {
        assert_eq!(read_plain(":runtime"), Plain::Symbol("runtime"));
        assert_eq!(read_plain(":\"a b\""), Plain::Ambiguous);
    }
}
