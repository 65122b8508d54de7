//! Conditions about a path: what stands in the block of a `select` or `reject`, read once and asked of each path.
use std::{collections::BTreeSet, rc::Rc};

use super::{
    Known,
    budget::Budget,
    evaluate::{List, Value, evaluate},
    lexer::Token,
    pattern::Pattern,
    statements::{Scope, Sources},
};

/// A condition.
pub(super) enum Test {
    Always(bool),
    Not(Box<Self>),
    Any(Vec<Self>),
    All(Vec<Self>),
    Matches(Pattern),
    Is(Rc<str>),
    Starts(List),
    Ends(List),
    Has(List),
    OneOf(BTreeSet<Rc<str>>),
}

impl Test {
    /// Reads the body of a block with this parameter. All sides are understood, whatever the first of them says.
    pub(super) fn read(
        body: &[Token],
        parameter: &str,
        scope: &Scope,
        sources: &Sources<'_>,
    ) -> Known<Self> {
        Reader {
            parameter,
            scope,
            sources,
        }
        .any(body)
    }

    /// Whether the condition holds for this path.
    pub(super) fn holds(&self, path: &str, budget: &Budget) -> Known<bool> {
        budget.spend(1)?;
        let listed = |list: &List, is: &dyn Fn(&str) -> bool| {
            budget.bytes(list.len())?;
            Ok(list.iter().any(|one| is(one)))
        };
        match self {
            Self::Always(answer) => Ok(*answer),
            Self::Not(test) => Ok(!test.holds(path, budget)?),
            Self::Any(tests) => some(tests, true, path, budget),
            Self::All(tests) => Ok(!some(tests, false, path, budget)?),
            Self::Matches(pattern) => {
                let mut steps = 0;
                let found = pattern.is_in(path, &mut steps);
                budget.spend(steps)?;
                Ok(found)
            }
            Self::Is(text) => Ok(**text == *path),
            Self::Starts(list) => listed(list, &|one| path.starts_with(one)),
            Self::Ends(list) => listed(list, &|one| path.ends_with(one)),
            Self::Has(list) => listed(list, &|one| path.contains(one)),
            Self::OneOf(set) => Ok(set.contains(path)),
        }
    }
}

/// Whether one of them answers so.
fn some(tests: &[Test], wanted: bool, path: &str, budget: &Budget) -> Known<bool> {
    for test in tests {
        if test.holds(path, budget)? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

struct Reader<'a> {
    parameter: &'a str,
    scope: &'a Scope,
    sources: &'a Sources<'a>,
}

/// The parts between this operator, where it stands in no bracket.
fn parts<'t>(tokens: &'t [Token], mark: &str) -> Vec<&'t [Token]> {
    let mut depth = 0_usize;
    tokens
        .split(|token| {
            if token.opens() {
                depth = depth.saturating_add(1);
            } else if token.closes() {
                depth = depth.saturating_sub(1);
            }
            depth == 0 && token.is(mark)
        })
        .collect()
}

impl Reader<'_> {
    fn any(&self, tokens: &[Token]) -> Known<Test> {
        let sides: Known<Vec<Test>> = parts(tokens, "||")
            .into_iter()
            .map(|side| self.all(side))
            .collect();
        Ok(Test::Any(sides?))
    }

    fn all(&self, tokens: &[Token]) -> Known<Test> {
        let sides: Known<Vec<Test>> = parts(tokens, "&&")
            .into_iter()
            .map(|side| self.one(side))
            .collect();
        Ok(Test::All(sides?))
    }

    fn one(&self, tokens: &[Token]) -> Known<Test> {
        let _level = self.sources.budget.deeper()?;
        self.sources.budget.bytes(tokens.len())?;
        let tokens: Vec<Token> = tokens
            .iter()
            .filter(|token| **token != Token::Line)
            .cloned()
            .collect();
        let is_path = |token: &Token| token.is_name(self.parameter);
        match tokens.as_slice() {
            [not, rest @ ..] if not.is("!") => Ok(Test::Not(Box::new(self.one(rest)?))),
            [open, inside @ .., close] if open.is("(") && close.is(")") && is_one(inside) => {
                self.any(inside)
            }
            [name, Token::Mark("=~"), Token::Regex(text)]
            | [Token::Regex(text), Token::Mark("=~"), name]
                if is_path(name) =>
            {
                self.matches(text)
            }
            [name, Token::Mark("!~"), Token::Regex(text)] if is_path(name) => {
                Ok(Test::Not(Box::new(self.matches(text)?)))
            }
            // `gem build NAME.gemspec` leaves the gemspec out here, builds by its full path pack it: neither is a difference.
            [name, Token::Mark("=="), own] if is_path(name) && own.is_name("__FILE__") => {
                Ok(Test::Is(self.sources.gemspec.into()))
            }
            [name, Token::Mark("=="), value @ ..] if is_path(name) => {
                Ok(Test::Is(self.text(value)?))
            }
            [name, Token::Mark("!="), value @ ..] if is_path(name) => {
                Ok(Test::Not(Box::new(Test::Is(self.text(value)?))))
            }
            other => self.call(other),
        }
    }

    /// A call: of `File`, of the path, or of something with the path.
    fn call(&self, tokens: &[Token]) -> Known<Test> {
        let is_path = |token: &Token| token.is_name(self.parameter);
        match tokens {
            // File.directory?(f), File.file?(f): a path of a tree is a file.
            [file, dot, Token::Name(method), open, name, close]
                if file.is_name("File")
                    && dot.is(".")
                    && open.is("(")
                    && close.is(")")
                    && is_path(name) =>
            {
                match method.as_str() {
                    "directory?" => Ok(Test::Always(false)),
                    "file?" | "exist?" => Ok(Test::Always(true)),
                    other => Err(format!("`File.{other}` is not understood")),
                }
            }
            // File.expand_path(f) == __FILE__
            [file, dot, expand, open, name, close, equal, own]
                if file.is_name("File")
                    && dot.is(".")
                    && expand.is_name("expand_path")
                    && open.is("(")
                    && is_path(name)
                    && close.is(")")
                    && equal.is("==")
                    && own.is_name("__FILE__") =>
            {
                Ok(Test::Is(self.sources.gemspec.into()))
            }
            [name, dot, Token::Name(method), open, inside @ .., close]
                if is_path(name) && dot.is(".") && open.is("(") && close.is(")") =>
            {
                self.asked(method, inside)
            }
            [
                pattern @ Token::Regex(_),
                dot,
                Token::Name(method),
                open,
                name,
                close,
            ] if dot.is(".") && open.is("(") && close.is(")") && is_path(name) => {
                self.asked(method, std::slice::from_ref(pattern))
            }
            [list @ .., dot, include, open, name, close]
                if dot.is(".")
                    && include.is_name("include?")
                    && open.is("(")
                    && close.is(")")
                    && is_path(name) =>
            {
                match evaluate(list, self.scope, self.sources)? {
                    Value::List(list) => {
                        self.sources.budget.list(list.len())?;
                        Ok(Test::OneOf(list.iter().cloned().collect()))
                    }
                    Value::Text(_) | Value::Printed(_) | Value::Here => {
                        Err("an `include?` that is not understood".into())
                    }
                }
            }
            _ => Err("a condition that is not understood".into()),
        }
    }

    /// `f.start_with?(…)` and the like.
    fn asked(&self, method: &str, inside: &[Token]) -> Known<Test> {
        if let ("match" | "match?", [Token::Regex(text)]) = (method, inside) {
            return self.matches(text);
        }
        let mut listed = vec![Token::Mark("[")];
        listed.extend_from_slice(inside);
        listed.push(Token::Mark("]"));
        let all = evaluate(&listed, self.scope, self.sources)?.strings()?;
        match method {
            "start_with?" => Ok(Test::Starts(all)),
            "end_with?" => Ok(Test::Ends(all)),
            "include?" => Ok(Test::Has(all)),
            other => Err(format!("`.{other}` is not understood")),
        }
    }

    fn matches(&self, text: &str) -> Known<Test> {
        self.sources.pattern(text).map(Test::Matches)
    }

    fn text(&self, tokens: &[Token]) -> Known<Rc<str>> {
        match evaluate(tokens, self.scope, self.sources)? {
            Value::Text(text) => Ok(text),
            Value::List(_) | Value::Printed(_) | Value::Here => {
                Err("a comparison that is not understood".into())
            }
        }
    }
}

/// Whether the first bracket is closed by the last.
fn is_one(inside: &[Token]) -> bool {
    let mut depth = 0_i32;
    inside.iter().all(|token| {
        if token.opens() {
            depth = depth.saturating_add(1);
        } else if token.closes() {
            depth = depth.saturating_sub(1);
        }
        depth >= 0
    })
}
