//! Regular expressions as gemspecs use them on paths: alternatives, groups, anchors, classes, `*`, `+`, `?`.
//!
//! Matched by following all ways at once, so no expression takes longer than its length times the path's. A path has no
//! line's end in it, so `^` is `\A` and `$` is `\z`.
use super::super::glob::ranges;

/// The longest expression, in bytes.
const MAX_PATTERN: usize = 2048;
/// The most groups within one another.
const MAX_DEPTH: usize = 16;

/// An expression: a list of steps, the first one first.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Vec<Step>);

#[derive(Clone, Debug)]
enum Step {
    One(char),
    Any,
    Class(Vec<(char, char)>, bool),
    Start,
    End,
    /// Go on here or there.
    Fork(usize, usize),
    Jump(usize),
    Found,
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    steps: Vec<Step>,
}

impl Pattern {
    /// What reading this expression may take: each repetition moves what was read before it.
    pub(super) fn cost(text: &str) -> usize {
        text.len().saturating_mul(text.len()) / 8
    }

    /// Reads an expression; `None` if it has something that is not understood.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_PATTERN {
            return None;
        }
        let mut reader = Reader {
            rest: text.chars().peekable(),
            steps: Vec::new(),
        };
        reader.choices(0)?;
        if reader.rest.peek().is_some() {
            return None;
        }
        reader.steps.push(Step::Found);
        Some(Self(reader.steps))
    }

    /// Whether it matches somewhere in the path, and how many steps that took.
    pub(super) fn is_in(&self, path: &str, steps: &mut u64) -> bool {
        let mut places = Places {
            open: Vec::new(),
            seen: vec![0; self.0.len()],
            round: 0,
        };
        let length = u64::try_from(self.0.len()).unwrap_or(u64::MAX);
        *steps = steps.saturating_add(length / 8);
        let mut before: Vec<usize> = Vec::new();
        let mut rest = path.chars();
        let mut at_start = true;
        loop {
            let next = rest.next();
            // A match may begin anywhere.
            let settled = self.settle(&mut places, before, at_start, next.is_none());
            *steps = steps.saturating_add(u64::try_from(settled.len()).unwrap_or(u64::MAX));
            if settled
                .iter()
                .any(|place| matches!(self.0.get(*place), Some(Step::Found)))
            {
                return true;
            }
            let Some(c) = next else { return false };
            let takes = |place: &usize| match self.0.get(*place) {
                Some(Step::One(one)) => *one == c,
                Some(Step::Any) => true,
                Some(Step::Class(ranges, not)) => {
                    ranges.iter().any(|(from, to)| (*from..=*to).contains(&c)) != *not
                }
                _ => false,
            };
            before = settled
                .iter()
                .filter(|place| takes(place))
                .map(|place| place.saturating_add(1))
                .collect();
            at_start = false;
        }
    }

    /// Follows what takes no character, from the places that were reached and from the beginning.
    fn settle(
        &self,
        places: &mut Places,
        before: Vec<usize>,
        at_start: bool,
        at_end: bool,
    ) -> Vec<usize> {
        places.round = places.round.saturating_add(1);
        places.open = before;
        places.open.push(0);
        let mut settled = Vec::new();
        while let Some(place) = places.open.pop() {
            match places.seen.get_mut(place) {
                Some(round) if *round != places.round => *round = places.round,
                Some(_) | None => continue,
            }
            settled.push(place);
            let next = place.saturating_add(1);
            match self.0.get(place) {
                Some(Step::Fork(one, other)) => places.open.extend([*one, *other]),
                Some(Step::Jump(to)) => places.open.push(*to),
                Some(Step::Start) if at_start => places.open.push(next),
                Some(Step::End) if at_end => places.open.push(next),
                _ => {}
            }
        }
        settled
    }
}

/// Where a match can have led to.
struct Places {
    open: Vec<usize>,
    /// The last round in which each step was reached.
    seen: Vec<usize>,
    round: usize,
}

impl Reader<'_> {
    /// `a|b|c`, up to a closing bracket or the end.
    fn choices(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut ends: Vec<usize> = Vec::new();
        let mut begin = self.steps.len();
        self.sequence(depth)?;
        while self.rest.next_if_eq(&'|').is_some() {
            // In front of what was read: a fork to it and to what comes.
            self.shift(begin, 1);
            ends.push(self.steps.len());
            self.steps.push(Step::Jump(0));
            let fork = Step::Fork(begin.saturating_add(1), self.steps.len());
            *self.steps.get_mut(begin)? = fork;
            begin = self.steps.len();
            self.sequence(depth)?;
        }
        let after = self.steps.len();
        for end in ends {
            *self.steps.get_mut(end)? = Step::Jump(after);
        }
        Some(())
    }

    /// Makes room for one step here; the steps from here on move, with all places they name.
    fn shift(&mut self, from: usize, by: usize) {
        for step in self.steps.iter_mut().skip(from) {
            let moved = |place: &mut usize| {
                if *place >= from {
                    *place = place.saturating_add(by);
                }
            };
            match step {
                Step::Fork(one, other) => {
                    moved(one);
                    moved(other);
                }
                Step::Jump(to) => moved(to),
                Step::One(_)
                | Step::Any
                | Step::Class(..)
                | Step::Start
                | Step::End
                | Step::Found => {}
            }
        }
        self.steps.insert(from, Step::Found);
    }

    fn sequence(&mut self, depth: usize) -> Option<()> {
        while let Some(c) = self.rest.next_if(|c| !matches!(c, '|' | ')')) {
            let begin = self.steps.len();
            match c {
                '(' => {
                    if self.rest.next_if_eq(&'?').is_some() {
                        self.rest.next_if_eq(&':')?;
                    }
                    self.choices(depth.saturating_add(1))?;
                    self.rest.next_if_eq(&')')?;
                }
                '[' => {
                    let step = self.class()?;
                    self.steps.push(step);
                }
                '^' => self.steps.push(Step::Start),
                '$' => self.steps.push(Step::End),
                '.' => self.steps.push(Step::Any),
                '\\' => {
                    let step = match self.rest.next()? {
                        'A' => Step::Start,
                        'z' | 'Z' => Step::End,
                        'd' => Step::Class(vec![('0', '9')], false),
                        'w' => {
                            Step::Class(vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')], false)
                        }
                        c if c.is_ascii_punctuation() => Step::One(c),
                        _ => return None,
                    };
                    self.steps.push(step);
                }
                '*' | '+' | '?' | '{' | '}' | ']' => return None,
                c => self.steps.push(Step::One(c)),
            }
            self.repeated(begin)?;
        }
        Some(())
    }

    /// `*`, `+` or `?` after what was just read.
    fn repeated(&mut self, begin: usize) -> Option<()> {
        match self.rest.next_if(|c| matches!(c, '*' | '+' | '?')) {
            Some('+') => {
                let next = self.steps.len().saturating_add(1);
                self.steps.push(Step::Fork(begin, next));
            }
            Some(c) => {
                self.shift(begin, 1);
                if c == '*' {
                    self.steps.push(Step::Jump(begin));
                }
                let fork = Step::Fork(begin.saturating_add(1), self.steps.len());
                *self.steps.get_mut(begin)? = fork;
            }
            None => {}
        }
        // Lazy, possessive or twice repeated: not here.
        match self.rest.peek() {
            Some('*' | '+' | '?' | '{') => None,
            Some(_) | None => Some(()),
        }
    }

    fn class(&mut self) -> Option<Step> {
        let mut inside = String::new();
        loop {
            match self.rest.next()? {
                ']' => break,
                '\\' | '[' | '&' => return None,
                c => inside.push(c),
            }
        }
        let (not, inside) = match inside.strip_prefix('^') {
            Some(inside) => (true, inside),
            None => (false, inside.as_str()),
        };
        Some(Step::Class(ranges(inside)?, not))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_match_as_ruby_matches_them() {
        for (pattern, path, expected) in [
            ("^(test|spec|features)/", "spec/a_spec.rb", true),
            ("^(test|spec|features)/", "features/a", true),
            ("^(test|spec|features)/", "lib/spec/a", false),
            ("^(test|spec|features)/", "testing", false),
            ("\\A(?:(?:bin|test)/|\\.(?:git|travis))", ".gitignore", true),
            ("\\A(?:(?:bin|test)/|\\.(?:git|travis))", "bin/a", true),
            ("\\A(?:(?:bin|test)/|\\.(?:git|travis))", "lib/bin/a", false),
            ("^exe/", "exe/a", true),
            ("\\.gem$", "a.gem", true),
            ("\\.gem$", "a.gemspec", false),
            ("a.*b", "xaxxbx", true),
            ("^a?b+c*$", "bb", true),
            ("^a?b+c*$", "abcc", true),
            ("^a?b+c*$", "ac", false),
            ("^(a|b)*c$", "ababc", true),
            ("^(a|b|)x", "x", true),
            ("[0-9]+", "a1", true),
            ("^[^.]+$", "a.b", false),
            ("", "anything", true),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.is_in(path, &mut 0), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn what_is_not_understood_is_none_and_nothing_takes_for_ever() {
        for bad in [
            "(",
            ")",
            "a{2}",
            "(?=a)",
            "\\b",
            "a**",
            "[[:alpha:]]",
            "*",
            "a*?",
        ] {
            assert!(Pattern::parse(bad).is_none(), "{bad}");
        }
        let evil = Pattern::parse("^(((a*)*)*)*$").unwrap();
        assert!(!evil.is_in(&format!("{}b", "a".repeat(10_000)), &mut 0));
        assert!(Pattern::parse(&"(".repeat(100)).is_none());
    }
}
