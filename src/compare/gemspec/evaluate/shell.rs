//! `git ls-files`, the one command that is known: answered from the commit, as git and a shell would.
//!
//! Between backticks a shell expands `*` and `?` in the gemspec's folder first, a name at a time, and hands git what it
//! finds. Git's own patterns reach across slashes; they are used where no shell stands in between, or it finds nothing.
//! Whatever else a shell does something with is not understood.
use std::rc::Rc;

use super::{
    super::{Known, pattern::Pattern},
    List, Parser, Value,
};
use crate::compare::glob::Glob;

/// Where git gets its words from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Shell,
    List,
}

impl Parser<'_> {
    /// A command for a shell.
    pub(super) fn shell(&self, command: &str) -> Known<Value> {
        let command = command.trim();
        if command.contains('\n') {
            return Err("several commands".into());
        }
        let command = command.strip_suffix("2>/dev/null").unwrap_or(command);
        let command = command.strip_suffix("2> /dev/null").unwrap_or(command);
        let words: Vec<&str> = command.split_whitespace().collect();
        self.listed(&words, From::Shell)
    }

    /// A command as the list of its words, or as one text for a shell.
    pub(super) fn command(&self, words: &[Rc<str>]) -> Known<Value> {
        match words {
            [one] => self.shell(one),
            words => {
                let words: Vec<&str> = words.iter().map(|word| &**word).collect();
                self.listed(&words, From::List)
            }
        }
    }

    fn listed(&self, words: &[&str], from: From) -> Known<Value> {
        let ["git", "ls-files", rest @ ..] = words else {
            return Err("a command that is not understood".into());
        };
        let mut asked = Vec::new();
        let mut options = true;
        for word in rest {
            match *word {
                "--" if options => options = false,
                "-z" if options => {}
                word if word.starts_with('-') || !word.chars().all(is_plain) => {
                    return Err(format!("`git ls-files {word}`"));
                }
                word => asked.push(word.strip_prefix("./").unwrap_or(word)),
            }
        }
        let files = &self.sources.files;
        if asked.is_empty() || asked.iter().any(|word| matches!(*word, "" | ".")) {
            return Ok(Value::Printed(files.clone()));
        }
        let mut tests = Vec::new();
        for word in asked {
            if word.starts_with('/') || word.split('/').any(|part| part == "..") {
                return Err("files outside of the gem's folder".into());
            }
            tests.push(self.pathspec(word.trim_end_matches('/'), from)?);
        }
        let mut found = Vec::new();
        for path in files.iter() {
            self.sources.budget.list(1)?;
            for test in &tests {
                if self.is_listed(test, path)? {
                    found.push(path.clone());
                    break;
                }
            }
        }
        Ok(Value::Printed(List::from(found)))
    }

    fn pathspec(&self, word: &str, from: From) -> Known<Pathspec> {
        if !word.contains(['*', '?']) {
            return Ok(Pathspec::Within(word.to_owned()));
        }
        if from == From::Shell {
            let glob = self.sources.glob(word, false)?;
            let expanded = Pathspec::Expanded(glob, word.split('/').count());
            for path in self.sources.files.iter() {
                if self.is_listed(&expanded, path)? {
                    return Ok(expanded);
                }
            }
        }
        let mut expression = String::from("\\A");
        for c in word.chars() {
            match c {
                '*' => expression.push_str(".*"),
                '?' => expression.push('.'),
                c if c.is_ascii_alphanumeric() => expression.push(c),
                c => expression.extend(['\\', c]),
            }
        }
        expression.push_str("\\z");
        self.sources.pattern(&expression).map(Pathspec::Git)
    }

    fn is_listed(&self, test: &Pathspec, path: &str) -> Known<bool> {
        let mut steps = 1;
        let found = match test {
            Pathspec::Within(folder) => within(path, folder),
            Pathspec::Expanded(glob, parts) => {
                let end = path.match_indices('/').nth(parts.saturating_sub(1));
                let above = end.map_or(path, |(end, _)| path.get(..end).unwrap_or(path));
                glob.matches_in(above, &mut steps)
            }
            Pathspec::Git(pattern) => pattern.is_in(path, &mut steps),
        };
        self.sources.budget.spend(steps)?;
        Ok(found)
    }
}

/// What git was asked for.
enum Pathspec {
    /// A file, or all below a folder.
    Within(String),
    /// What a shell found, so many names deep: files, and folders with all that they have.
    Expanded(Glob, usize),
    /// Git's own pattern.
    Git(Pattern),
}

/// Whether neither a shell nor git does something with this character that is not known here.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '*' | '?' | '+' | '@' | ',')
}

fn within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
