//! Expressions: literals, lists of files, and what is done with them.
use std::{collections::BTreeSet, rc::Rc};

use super::{
    Known,
    lexer::Token,
    statements::{Scope, Sources},
};

mod blocks;
mod shell;
mod system;

/// The longest reason, in characters.
const MAX_WHY: usize = 200;

/// A list of texts. Whoever reads it shares it.
pub(super) type List = Rc<[Rc<str>]>;

/// What an expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A text.
    Text(Rc<str>),
    /// A list of texts.
    List(List),
    /// What `git ls-files` prints, not yet taken apart.
    Printed(List),
    /// The folder of the gemspec.
    Here,
}

impl Value {
    /// As a list, a text being a list of one.
    pub(super) fn strings(self) -> Known<List> {
        match self {
            Self::Text(text) => Ok([text].into()),
            Self::List(list) => Ok(list),
            Self::Printed(_) => Err("what git prints is not taken apart".into()),
            Self::Here => Err("the folder itself".into()),
        }
    }
}

/// Evaluates all of these tokens.
pub(super) fn evaluate(tokens: &[Token], scope: &Scope, sources: &Sources<'_>) -> Known<Value> {
    let mut parser = Parser {
        tokens,
        at: 0,
        scope,
        sources,
    };
    let value = parser.expression().and_then(|value| {
        parser.lines();
        match parser.peek() {
            None => Ok(value),
            Some(token) => not_understood(token),
        }
    });
    value.map_err(|why| why.chars().take(MAX_WHY).collect())
}

/// One list after the other.
pub(super) fn joined(a: &[Rc<str>], b: &[Rc<str>], sources: &Sources<'_>) -> Known<List> {
    sources.budget.list(a.len().saturating_add(b.len()))?;
    Ok(a.iter().chain(b).cloned().collect())
}

/// What the first list has and the second has not.
pub(super) fn without(a: &[Rc<str>], b: &[Rc<str>], sources: &Sources<'_>) -> Known<List> {
    // Each of both is looked up among the other, text by text.
    let lookups = a.len().saturating_add(b.len()).saturating_mul(4);
    sources.budget.list(lookups)?;
    let gone: BTreeSet<&Rc<str>> = b.iter().collect();
    Ok(a.iter()
        .filter(|one| !gone.contains(one))
        .cloned()
        .collect())
}

fn not_understood<T>(token: &Token) -> Known<T> {
    Err(match token {
        Token::Name(name) | Token::Value(name) => format!("`{name}` is not understood"),
        Token::Mark(mark) => format!("`{mark}` is not understood"),
        Token::Mixed => "a string with something to be evaluated in it".into(),
        Token::Text(_)
        | Token::Words(_)
        | Token::Shell(_)
        | Token::Regex(_)
        | Token::Symbol
        | Token::Line => "a literal that is not understood here".into(),
    })
}

pub(super) struct Parser<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) at: usize,
    pub(super) scope: &'a Scope,
    pub(super) sources: &'a Sources<'a>,
}

/// What stands between the brackets of a call.
#[derive(Default)]
struct Arguments {
    texts: Vec<Rc<str>>,
    /// Names of keywords and constants.
    others: Vec<String>,
}

impl<'a> Parser<'a> {
    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn take(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at)?;
        self.at = self.at.saturating_add(1);
        Some(token)
    }

    pub(super) fn takes(&mut self, mark: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is(mark));
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    fn lines(&mut self) {
        while self.peek() == Some(&Token::Line) {
            self.at = self.at.saturating_add(1);
        }
    }

    fn expect(&mut self, mark: &str) -> Known<()> {
        self.lines();
        if self.takes(mark) {
            Ok(())
        } else {
            Err(format!("there is no `{mark}` where one is expected"))
        }
    }

    /// `a + b - c`
    pub(super) fn expression(&mut self) -> Known<Value> {
        let _level = self.sources.budget.deeper()?;
        let mut value = self.chain()?;
        loop {
            let add = self.takes("+") || self.takes("|");
            if !add && !self.takes("-") {
                return Ok(value);
            }
            self.lines();
            let other = self.chain()?;
            value = match (value, other) {
                (Value::Text(a), Value::Text(b)) if add => {
                    self.sources.budget.bytes(a.len().saturating_add(b.len()))?;
                    Value::Text([&*a, &*b].concat().into())
                }
                (Value::List(a), Value::List(b)) if add => {
                    Value::List(joined(&a, &b, self.sources)?)
                }
                (Value::List(a), Value::List(b)) => Value::List(without(&a, &b, self.sources)?),
                _ => return Err("an operator between things of different kinds".into()),
            };
        }
    }

    /// A value and the methods called on it.
    fn chain(&mut self) -> Known<Value> {
        let mut value = self.primary()?;
        loop {
            let before = self.at;
            self.lines();
            if !self.takes(".") && !self.takes("&.") {
                self.at = before;
                return Ok(value);
            }
            let Some(Token::Name(method)) = self.take() else {
                return Err("a call that is not understood".into());
            };
            value = self.call(value, method)?;
        }
    }

    fn primary(&mut self) -> Known<Value> {
        match self.take() {
            Some(Token::Text(text)) => Ok(Value::Text(text.clone())),
            Some(Token::Words(words)) => Ok(Value::List(words.clone())),
            Some(Token::Shell(command)) => self.shell(command),
            Some(Token::Mark("(")) => {
                self.lines();
                let value = self.expression()?;
                self.expect(")")?;
                Ok(value)
            }
            Some(Token::Mark("[")) => {
                let inside = self.arguments("]")?;
                match inside.others.first() {
                    None => Ok(Value::List(inside.texts.into())),
                    Some(other) => Err(format!("`{other}` in a list")),
                }
            }
            Some(Token::Name(name)) => self.named(name),
            Some(token) => not_understood(token),
            None => Err("there is nothing".into()),
        }
    }

    fn named(&mut self, name: &str) -> Known<Value> {
        if matches!(name, "__dir__") {
            return Ok(Value::Here);
        }
        if let Some(known) = self.scope.variables.get(name) {
            return known.clone();
        }
        let (dot, field) = (self.peek(), self.tokens.get(self.at.saturating_add(1)));
        if let (Some(Token::Mark(".")), Some(Token::Name(field))) = (dot, field)
            && let Some(known) = self.scope.variables.get(&format!("{name}.{field}"))
        {
            self.at = self.at.saturating_add(2);
            return known.clone();
        }
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Err(format!("`{name}` is not understood"));
        }
        let mut path = vec![name];
        while self.takes("::") {
            match self.take() {
                Some(Token::Name(name)) => path.push(name),
                _ => return Err("a constant that is not understood".into()),
            }
        }
        match (path.as_slice(), self.peek()) {
            (["Gem", "Platform", "RUBY"], _) => Ok(Value::Text("ruby".into())),
            (["Gem", "Requirement" | "Version"], Some(Token::Mark("."))) => self.made(),
            (["Dir"], Some(Token::Mark("["))) => {
                self.at = self.at.saturating_add(1);
                let asked = self.arguments("]")?;
                self.glob(&asked)
            }
            (["Dir" | "File" | "IO"], Some(Token::Mark("."))) => {
                self.at = self.at.saturating_add(1);
                match self.take() {
                    Some(Token::Name(method)) => self.system(name, method),
                    _ => Err("a call that is not understood".into()),
                }
            }
            _ => self.constant(path.last().copied().unwrap_or(name)),
        }
    }

    /// `Gem::Requirement.new(…)`, which stands for what it is made of.
    fn made(&mut self) -> Known<Value> {
        let is_new = self.takes(".") && self.take().is_some_and(|token| token.is_name("new"));
        let made = self.call_arguments()?;
        if is_new && made.others.is_empty() {
            Ok(Value::List(made.texts.into()))
        } else {
            Err("a call that is not understood".into())
        }
    }

    fn call(&mut self, value: Value, method: &str) -> Known<Value> {
        match (method, value) {
            (
                "freeze" | "dup" | "to_a" | "sort" | "uniq" | "flatten" | "compact" | "to_s"
                | "read",
                value,
            ) => {
                self.no_arguments()?;
                Ok(value)
            }
            ("strip" | "chomp", Value::Text(text)) => {
                self.no_arguments()?;
                self.sources.budget.bytes(text.len())?;
                Ok(Value::Text(text.trim().into()))
            }
            ("split" | "readlines" | "each_line" | "lines", Value::Printed(files)) => {
                // How git is told to end its lines is how they are taken apart.
                self.separator()?;
                Ok(Value::List(files))
            }
            ("split", Value::Text(text)) if self.peek().is_none_or(|token| !token.is("(")) => {
                self.sources.budget.list(text.len())?;
                Ok(Value::List(text.split_whitespace().map(Rc::from).collect()))
            }
            ("select" | "filter" | "reject" | "grep" | "grep_v" | "map", Value::List(list)) => {
                self.chosen(method, &list)
            }
            (method, _) => Err(format!("`.{method}` is not understood")),
        }
    }

    fn no_arguments(&mut self) -> Known<()> {
        if self.takes("(") {
            self.expect(")")?;
        }
        Ok(())
    }

    /// `("\x0")`, `($/)`, `("\n")`, `("\x0", chomp: true)`, or none.
    fn separator(&mut self) -> Known<()> {
        if !self.takes("(") {
            if let Some(Token::Text(_)) = self.peek() {
                self.at = self.at.saturating_add(1);
            }
            return Ok(());
        }
        loop {
            match self.take() {
                Some(Token::Mark(")")) => return Ok(()),
                Some(
                    Token::Text(_) | Token::Value(_) | Token::Name(_) | Token::Mark("," | ":"),
                ) => {}
                Some(token) => return not_understood(token),
                None => return Err("a call that does not end".into()),
            }
        }
    }

    fn call_arguments(&mut self) -> Known<Arguments> {
        if self.takes("(") {
            self.arguments(")")
        } else {
            Err("a call without brackets".into())
        }
    }

    /// Texts and lists between commas, up to a closing bracket; lists are flattened.
    fn arguments(&mut self, close: &'static str) -> Known<Arguments> {
        let mut arguments = Arguments::default();
        loop {
            self.lines();
            if self.takes(close) {
                return Ok(arguments);
            }
            match (self.peek(), self.tokens.get(self.at.saturating_add(1))) {
                (Some(Token::Name(key)), Some(Token::Mark(":"))) => {
                    self.at = self.at.saturating_add(2);
                    self.option(key)?;
                    arguments.others.push(key.clone());
                }
                (Some(Token::Name(file)), Some(Token::Mark("::"))) if file == "File" => {
                    self.at = self.at.saturating_add(2);
                    match self.take() {
                        Some(Token::Name(flag)) => arguments.others.push(flag.clone()),
                        _ => return Err("a flag that is not understood".into()),
                    }
                }
                _ => {
                    self.takes("*");
                    let more = self.expression()?.strings()?;
                    self.sources.budget.list(more.len())?;
                    arguments.texts.extend(more.iter().cloned());
                }
            }
            self.lines();
            if !self.takes(",") {
                self.expect(close)?;
                return Ok(arguments);
            }
        }
    }

    /// The value of a keyword: the gemspec's own folder where it is a folder, and constants.
    fn option(&mut self, key: &str) -> Known<()> {
        match key {
            "base" | "chdir" => match self.expression()? {
                Value::Here => Ok(()),
                Value::Text(_) | Value::List(_) | Value::Printed(_) => {
                    Err("another folder than the gemspec's own".into())
                }
            },
            "chomp" | "err" => {
                while matches!(self.peek(), Some(Token::Name(_) | Token::Mark("::"))) {
                    self.at = self.at.saturating_add(1);
                }
                Ok(())
            }
            key => Err(format!("`{key}:` is not understood")),
        }
    }
}
