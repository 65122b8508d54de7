//! Two texts: whether only their line endings differ, and the first line in which they do.

/// Whether both are text, and equal once every CR LF is an LF.
///
/// A lone CR is left as it is: Ruby does not take it for the end of a line, so what stands behind one in a comment must
/// not become a line of its own.
pub(super) fn only_endings_differ(a: &[u8], b: &[u8]) -> bool {
    is_text(a) && is_text(b) && Lf(a).eq(Lf(b))
}

/// The first line that differs, counted from 1; `None` for what is no text.
pub(super) fn first_difference(a: &[u8], b: &[u8]) -> Option<u64> {
    if !is_text(a) || !is_text(b) {
        return None;
    }
    let equal = a.iter().zip(b).take_while(|(a, b)| a == b);
    let newlines = equal.filter(|(byte, _)| **byte == b'\n').count();
    u64::try_from(newlines).ok()?.checked_add(1)
}

fn is_text(bytes: &[u8]) -> bool {
    memchr::memchr(0, bytes).is_none()
}

/// The bytes without the CR of each CR LF.
struct Lf<'a>(&'a [u8]);

impl Iterator for Lf<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if let [b'\r', b'\n', ..] = self.0 {
            self.0 = self.0.get(1..)?;
        }
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_endings_are_crlf_and_lf_in_text_and_nothing_else() {
        assert!(only_endings_differ(b"a\r\nb\n", b"a\nb\r\n"));
        assert!(!only_endings_differ(b"a\rb", b"a\nb"));
        assert!(!only_endings_differ(b"# a\rsystem", b"# a\nsystem"));
        assert!(!only_endings_differ(b"a\r\r\nb", b"a\nb"));
        assert!(!only_endings_differ(b"a\r\n\0", b"a\n\0"));
        assert!(!only_endings_differ(b"a\n", b"a"));
    }

    #[test]
    fn the_first_line_that_differs_is_told() {
        assert_eq!(first_difference(b"a\nb\nc", b"a\nB\nc"), Some(2));
        assert_eq!(first_difference(b"a\n", b"a\nb"), Some(2));
        assert_eq!(first_difference(b"", b"x"), Some(1));
        assert_eq!(first_difference(b"\0", b"x"), None);
    }
}
