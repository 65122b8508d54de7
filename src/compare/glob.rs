//! Patterns of paths, as Ruby's `Dir.glob` has them: `**/`, `*`, `?`, `[a-z]`, `{a,b}`.
//!
//! A pattern is matched against the paths of a tree, never against a disk. All of it takes time in proportion to pattern
//! and path, whatever they are.
use std::collections::BTreeSet;

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 1024;
/// The most patterns that braces may stand for.
const MAX_BRACES: usize = 256;

/// What one place costs beside one character, in steps.
const PLACE: u64 = 16;

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
    /// Whether `*` also matches names that begin with a dot.
    dots: bool,
    /// One for each way to read the braces.
    ways: Vec<Vec<Segment>>,
}

/// Between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// `**`: any number of folders.
    Any,
    /// A name.
    Name(Vec<Piece>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    One(char),
    /// `?`
    Some,
    /// `*`
    Star,
    /// `[a-z]`, or not of these.
    Class(Vec<(char, char)>, bool),
}

impl Glob {
    /// Reads a pattern; `None` for one that is too long, or leads out of the folder.
    pub fn parse(text: &str, dots: bool) -> Option<Self> {
        if text.is_empty() || text.len() > MAX_PATTERN || text.starts_with('/') {
            return None;
        }
        let mut ways = Vec::new();
        for way in braces(text)? {
            ways.push(segments(&way)?);
        }
        Some(Self {
            text: text.to_owned(),
            dots,
            ways,
        })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches this path.
    pub fn matches(&self, path: &str) -> bool {
        self.matches_in(path, &mut 0)
    }

    /// The same, and how many steps it took.
    pub(super) fn matches_in(&self, path: &str, steps: &mut u64) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        self.ways.iter().any(|way| self.walk(way, &parts, steps))
    }

    /// What reading this pattern may take: each brace may double it.
    pub(super) fn cost(text: &str) -> usize {
        let braces = text.matches('{').count().saturating_add(1);
        text.len().saturating_mul(braces).saturating_mul(braces)
    }

    /// All places of the pattern that the path can have led to so far, part by part.
    fn walk(&self, way: &[Segment], parts: &[&str], steps: &mut u64) -> bool {
        let mut places = BTreeSet::from([0]);
        skip_any(way, &mut places);
        for (at, part) in parts.iter().enumerate() {
            let is_last = at.saturating_add(1) == parts.len();
            let mut next = BTreeSet::new();
            for place in places {
                *steps = steps.saturating_add(PLACE);
                match way.get(place) {
                    Some(Segment::Any) if !is_last && (self.dots || !part.starts_with('.')) => {
                        next.insert(place);
                    }
                    Some(Segment::Name(pieces)) if self.name(pieces, part, steps) => {
                        next.insert(place.saturating_add(1));
                    }
                    Some(_) | None => {}
                }
            }
            places = next;
            if !is_last {
                skip_any(way, &mut places);
            }
        }
        places.contains(&way.len())
    }

    fn name(&self, pieces: &[Piece], name: &str, steps: &mut u64) -> bool {
        let hidden = name.starts_with('.') && !matches!(pieces.first(), Some(Piece::One('.')));
        if hidden && !self.dots {
            return false;
        }
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut piece) = (0, 0);
        let mut star = None;
        loop {
            *steps = steps.saturating_add(1);
            match (pieces.get(piece), name.get(at)) {
                (None, None) => return true,
                (Some(Piece::Star), _) => {
                    star = Some((piece, at));
                    piece = piece.saturating_add(1);
                    continue;
                }
                (Some(found), Some(c)) if found.takes(*c) => {
                    (at, piece) = (at.saturating_add(1), piece.saturating_add(1));
                    continue;
                }
                (Some(_) | None, _) => {}
            }
            // The last star takes one more.
            let Some((from, taken)) = star.filter(|(_, taken)| *taken < name.len()) else {
                return false;
            };
            star = Some((from, taken.saturating_add(1)));
            (piece, at) = (from.saturating_add(1), taken.saturating_add(1));
        }
    }
}

/// `**` may stand for no folder at all.
fn skip_any(way: &[Segment], places: &mut BTreeSet<usize>) {
    let mut open: Vec<usize> = places.iter().copied().collect();
    while let Some(place) = open.pop() {
        let next = place.saturating_add(1);
        if way.get(place) == Some(&Segment::Any) && places.insert(next) {
            open.push(next);
        }
    }
}

impl Piece {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::One(one) => *one == c,
            Self::Some => true,
            Self::Star => false,
            Self::Class(ranges, not) => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *not
            }
        }
    }
}

/// The pattern without braces, once for each way to read them.
fn braces(text: &str) -> Option<Vec<String>> {
    let mut open = vec![text.to_owned()];
    let mut done = Vec::new();
    while let Some(text) = open.pop() {
        let Some((before, rest)) = text.split_once('{') else {
            done.push(text);
            continue;
        };
        let mut depth = 0_usize;
        let mut choices = vec![String::new()];
        let mut after = None;
        for (at, c) in rest.char_indices() {
            match c {
                '}' if depth == 0 => {
                    after = rest.get(at.saturating_add(1)..);
                    break;
                }
                ',' if depth == 0 => {
                    choices.push(String::new());
                    continue;
                }
                '{' => depth = depth.saturating_add(1),
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            choices.last_mut()?.push(c);
        }
        let after = after?;
        if open.len().saturating_add(done.len()) > MAX_BRACES {
            return None;
        }
        open.extend(
            choices
                .iter()
                .map(|choice| format!("{before}{choice}{after}")),
        );
    }
    (done.len() <= MAX_BRACES).then_some(done)
}

fn segments(text: &str) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    for part in text.split('/') {
        match part {
            "" | ".." => return None,
            "." => {}
            "**" => segments.push(Segment::Any),
            name => segments.push(Segment::Name(pieces(name)?)),
        }
    }
    // At the end of a pattern `**` is a `*`.
    if segments.last() == Some(&Segment::Any) {
        segments.pop();
        segments.push(Segment::Name(vec![Piece::Star]));
    }
    Some(segments)
}

fn pieces(name: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = name.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' if pieces.last() == Some(&Piece::Star) => {}
            '*' => pieces.push(Piece::Star),
            '?' => pieces.push(Piece::Some),
            '\\' => pieces.push(Piece::One(rest.next()?)),
            '[' => {
                let inside: String = rest.by_ref().take_while(|c| *c != ']').collect();
                let (not, inside) = match inside.strip_prefix(['^', '!']) {
                    Some(inside) => (true, inside),
                    None => (false, inside.as_str()),
                };
                pieces.push(Piece::Class(ranges(inside)?, not));
            }
            c => pieces.push(Piece::One(c)),
        }
    }
    Some(pieces)
}

/// `a-z0-9_`, as pairs.
pub(super) fn ranges(inside: &str) -> Option<Vec<(char, char)>> {
    let mut ranges = Vec::new();
    let mut rest = inside.chars().peekable();
    while let Some(from) = rest.next() {
        if rest.peek() == Some(&'-') {
            rest.next();
            match rest.next() {
                Some(to) => ranges.push((from, to)),
                None => ranges.extend([(from, from), ('-', '-')]),
            }
        } else {
            ranges.push((from, from));
        }
    }
    (!ranges.is_empty()).then_some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, path: &str) -> bool {
        Glob::parse(pattern, false).unwrap().matches(path)
    }

    #[test]
    fn patterns_match_as_ruby_matches_them() {
        for (pattern, path, expected) in [
            ("lib/**/*.rb", "lib/a.rb", true),
            ("lib/**/*.rb", "lib/a/b/c.rb", true),
            ("lib/**/*.rb", "lib/a/b/c.rbx", false),
            ("lib/**/*.rb", "spec/a.rb", false),
            ("lib/**/*", "lib/a/b", true),
            ("lib/**", "lib/a", true),
            ("lib/**", "lib/a/b", false),
            ("**/*", "a", true),
            ("**/*", ".github/a", false),
            ("**/*", "a/.hidden", false),
            ("*", ".hidden", false),
            (".*", ".hidden", true),
            ("{lib,exe}/**/*", "exe/a", true),
            ("{lib,exe}/**/*", "bin/a", false),
            ("*.{md,txt}{,.gz}", "README.md.gz", true),
            ("README*", "README.md", true),
            ("./lib/*.rb", "lib/a.rb", true),
            ("[A-Z]*", "README", true),
            ("[^A-Z]*", "README", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("lib/?.rb", "lib/a.rb", true),
            ("lib/?.rb", "lib/ab.rb", false),
            ("lib/**/x/**/y", "lib/x/x/a/y", true),
            ("a/**/**/b", "a/b", true),
        ] {
            assert_eq!(found(pattern, path), expected, "{pattern} {path}");
        }
        assert!(Glob::parse("**/*", true).unwrap().matches(".a/.b"));
    }

    #[test]
    fn patterns_that_lead_elsewhere_or_explode_are_none() {
        for bad in ["", "/etc/*", "../*", "a/../b", "a//b", "{a", "[", "a\\"] {
            assert!(Glob::parse(bad, false).is_none(), "{bad}");
        }
        assert!(Glob::parse(&"{a,b}".repeat(20), false).is_none());
        assert!(Glob::parse(&"x".repeat(2000), false).is_none());
        let stars = Glob::parse(&"*a".repeat(200), false).unwrap();
        assert!(!stars.matches(&"a".repeat(5000).replace("aaaa", "ab")));
        let folders = Glob::parse(&format!("{}c", "**/a/".repeat(100)), false).unwrap();
        assert!(!folders.matches(&"a/".repeat(60)));
    }
}
