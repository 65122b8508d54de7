//! The words of a gemspec. What cannot be told apart with certainty ends the reading.
use std::rc::Rc;

use super::Known;

mod literals;

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An identifier, a constant or a keyword, with its `?` or `!`.
    Name(String),
    /// A string without anything to be evaluated in it.
    Text(Rc<str>),
    /// A string that has something to be evaluated, or a heredoc.
    Mixed,
    /// `%w[a b]`
    Words(Rc<[Rc<str>]>),
    /// A command in backticks.
    Shell(Rc<str>),
    /// A regular expression without flags.
    Regex(String),
    /// `:name`
    Symbol,
    /// A number, a global variable, anything else that stands for a value.
    Value(String),
    /// An operator or a bracket.
    Mark(&'static str),
    /// The end of a line.
    Line,
}

impl Token {
    pub(super) fn is(&self, mark: &str) -> bool {
        matches!(self, Self::Mark(found) if *found == mark)
    }

    /// The name, if it is one.
    pub(super) fn name(&self) -> Option<&str> {
        if let Self::Name(name) = self {
            Some(name)
        } else {
            None
        }
    }

    pub(super) fn opens(&self) -> bool {
        matches!(self, Self::Mark("(" | "[" | "{"))
    }

    pub(super) fn closes(&self) -> bool {
        matches!(self, Self::Mark(")" | "]" | "}"))
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        matches!(self, Self::Name(found) if found == name)
    }
}

/// The longest first.
const MARKS: [&str; 44] = [
    "===", "<=>", "**=", "||=", "&&=", "<<=", "...", "**", "<<", ">>", "<=", ">=", "==", "=~",
    "!~", "!=", "&&", "||", "+=", "-=", "|=", "*=", "&.", "::", "=>", "->", "..", "+", "-", "*",
    "/", "%", "=", "<", ">", "!", "&", "|", "?", ":", ",", ".", "(", ")",
];
const BRACKETS: [&str; 4] = ["[", "]", "{", "}"];

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    /// Heredocs that begin on the next line.
    heredocs: Vec<String>,
}

/// Takes a source apart.
pub(super) fn lex(text: &str) -> Known<Vec<Token>> {
    let mut lexer = Lexer {
        text,
        at: 0,
        tokens: Vec::new(),
        heredocs: Vec::new(),
    };
    while lexer.next()? {}
    Ok(lexer.tokens)
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.skip(end);
        rest.get(..end).unwrap_or_default()
    }

    fn wrong<T>(&self, what: &str) -> Known<T> {
        let before = self.text.get(..self.at).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        Err(format!("line {line}: {what}"))
    }

    /// Whether what came last is a value, so that a `/` or `%` after it is an operator.
    fn after_value(&self) -> bool {
        match self.tokens.last() {
            Some(Token::Mark(mark)) => matches!(*mark, ")" | "]" | "}"),
            Some(Token::Name(name)) => !matches!(
                name.as_str(),
                "if" | "unless" | "and" | "or" | "not" | "return" | "when" | "do" | "then"
            ),
            Some(Token::Line) | None => false,
            Some(_) => true,
        }
    }

    /// After a method's name with a space before and none behind, `/` and `%` begin an argument.
    fn is_argument(&self, length: usize) -> bool {
        let spaced = self
            .text
            .get(..self.at)
            .is_some_and(|text| text.ends_with([' ', '\t']));
        let next = self
            .rest()
            .get(length..)
            .and_then(|rest| rest.chars().next());
        matches!(self.tokens.last(), Some(Token::Name(_)))
            && spaced
            && next.is_some_and(|c| !c.is_whitespace() && c != '=')
    }

    fn next(&mut self) -> Known<bool> {
        let at_start = self.at == 0 || matches!(self.tokens.last(), Some(Token::Line));
        if at_start && self.rest().starts_with("=begin") {
            let Some(end) = self.rest().find("\n=end") else {
                return self.wrong("a comment that does not end");
            };
            self.skip(end.saturating_add(5));
            self.take_while(|c| c != '\n');
        }
        self.take_while(|c| matches!(c, ' ' | '\t' | '\r'));
        let Some(c) = self.peek() else {
            return Ok(false);
        };
        match c {
            '#' => {
                self.take_while(|c| c != '\n');
            }
            '\n' => self.line()?,
            ';' => {
                self.skip(1);
                self.ends_line();
            }
            '\\' if self.rest().starts_with("\\\n") => self.skip(2),
            '\'' => self.quoted('\'', '\'', false)?,
            '"' => self.quoted('"', '"', true)?,
            '`' => {
                self.quoted('`', '`', true)?;
                self.retold(Token::Shell);
            }
            '/' if !self.after_value() || self.is_argument(1) => {
                self.skip(1);
                self.regex('/', '/')?;
            }
            '%' if !self.after_value() || self.is_argument(1) => self.percent()?,
            '<' if self.heredoc() => {}
            ':' if self.symbol()? => {}
            '$' => {
                let rest: String = self.rest().chars().take(2).collect();
                self.skip(rest.len());
                let more = if rest.ends_with(is_word) {
                    self.take_while(is_word)
                } else {
                    ""
                };
                self.tokens.push(Token::Value(format!("{rest}{more}")));
            }
            '@' => {
                let text = self.take_while(|c| is_word(c) || c == '@');
                self.tokens.push(Token::Value(text.to_owned()));
            }
            c if c.is_ascii_digit() => {
                let text = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
                self.tokens.push(Token::Value(text.to_owned()));
            }
            c if is_word(c) => return Ok(self.name()),
            _ => self.mark()?,
        }
        Ok(true)
    }

    /// Empty lines say nothing: one end of a line stands for all that follow.
    fn ends_line(&mut self) {
        if self.tokens.last() != Some(&Token::Line) {
            self.tokens.push(Token::Line);
        }
    }

    fn line(&mut self) -> Known<()> {
        self.skip(1);
        self.ends_line();
        for end in std::mem::take(&mut self.heredocs) {
            loop {
                if self.rest().is_empty() {
                    return self.wrong("a heredoc that does not end");
                }
                let line = self.take_while(|c| c != '\n');
                self.skip(1);
                if line.trim() == end {
                    break;
                }
            }
        }
        Ok(())
    }

    fn name(&mut self) -> bool {
        let mut name = self.take_while(is_word).to_owned();
        if name == "__END__" {
            return false;
        }
        // `f.match?(…)`, but not `a ?b : c`, nor `a!= b`.
        let rest = self.rest();
        let mark =
            rest.starts_with(['?', '!']) && !rest.starts_with("!=") && !rest.starts_with("?:");
        if mark && !rest.get(1..).is_some_and(|rest| rest.starts_with('=')) {
            name.extend(self.peek());
            self.skip(1);
        }
        self.tokens.push(Token::Name(name));
        true
    }

    fn mark(&mut self) -> Known<()> {
        let rest = self.rest();
        let found = MARKS
            .iter()
            .chain(&BRACKETS)
            .find(|mark| rest.starts_with(**mark));
        let Some(found) = found else {
            return self.wrong("a character that is not understood");
        };
        self.skip(found.len());
        self.tokens.push(Token::Mark(found));
        Ok(())
    }

    /// A symbol; `::` and the colon of a keyword are none.
    fn symbol(&mut self) -> Known<bool> {
        let after = self.rest().get(1..).unwrap_or_default();
        let begins = after.starts_with(|c: char| is_word(c) && !c.is_ascii_digit());
        let is_key = self
            .text
            .get(..self.at)
            .is_some_and(|before| before.ends_with(is_word));
        if after.starts_with('"') && !is_key {
            self.skip(1);
            self.quoted('"', '"', true)?;
            self.tokens.pop();
        } else if begins && !is_key {
            self.skip(1);
            self.take_while(|c| is_word(c) || matches!(c, '?' | '!'));
        } else {
            return Ok(false);
        }
        self.tokens.push(Token::Symbol);
        Ok(true)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
