//! Expressions: literals, lists of files, and what is done with them.
use super::{
    Known,
    lexer::Token,
    statements::{Scope, Sources},
};

mod blocks;
mod system;

/// The most expressions within one another.
const MAX_DEPTH: usize = 32;
/// The most texts in a list.
const MAX_LIST: usize = 1_000_000;

/// What an expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
    /// What `git ls-files` prints, not yet taken apart.
    Printed(Vec<String>),
    /// The folder of the gemspec.
    Here,
}

impl Value {
    /// As a list, a text being a list of one.
    pub(super) fn strings(self) -> Known<Vec<String>> {
        match self {
            Self::Text(text) => Ok(vec![text]),
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
        depth: 0,
    };
    let value = parser.expression()?;
    parser.lines();
    match parser.peek() {
        None => Ok(value),
        Some(token) => not_understood(token),
    }
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
    depth: usize,
}

/// What stands between the brackets of a call.
#[derive(Default)]
struct Arguments {
    texts: Vec<String>,
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
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err("it is nested too deep".into());
        }
        let mut value = self.chain()?;
        loop {
            let add = self.takes("+") || self.takes("|");
            if !add && !self.takes("-") {
                break;
            }
            self.lines();
            let other = self.chain()?;
            value = match (value, other) {
                (Value::Text(a), Value::Text(b)) if add => Value::Text(a + &b),
                (Value::List(mut a), Value::List(b)) if add => {
                    a.extend(b);
                    bounded(a)?
                }
                (Value::List(mut a), Value::List(b)) => {
                    a.retain(|one| !b.contains(one));
                    Value::List(a)
                }
                _ => return Err("an operator between things of different kinds".into()),
            };
        }
        self.depth = self.depth.saturating_sub(1);
        Ok(value)
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
            Some(Token::Shell(command)) => self.shell(command.split_whitespace().collect()),
            Some(Token::Mark("(")) => {
                self.lines();
                let value = self.expression()?;
                self.expect(")")?;
                Ok(value)
            }
            Some(Token::Mark("[")) => {
                let inside = self.arguments("]")?;
                match inside.others.first() {
                    None => Ok(Value::List(inside.texts)),
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
        let mut last = name;
        while self.takes("::") {
            match self.take() {
                Some(Token::Name(name)) => last = name,
                _ => return Err("a constant that is not understood".into()),
            }
        }
        match (name, self.peek()) {
            ("Dir", Some(Token::Mark("["))) => {
                self.at = self.at.saturating_add(1);
                let asked = self.arguments("]")?;
                self.glob(&asked)
            }
            ("Dir" | "File" | "IO", Some(Token::Mark("."))) => {
                self.at = self.at.saturating_add(1);
                match self.take() {
                    Some(Token::Name(method)) => self.system(name, method),
                    _ => Err("a call that is not understood".into()),
                }
            }
            _ => self.constant(last),
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
                Ok(Value::Text(text.trim().to_owned()))
            }
            ("split" | "readlines" | "each_line" | "lines", Value::Printed(files)) => {
                // How git is told to end its lines is how they are taken apart.
                self.separator()?;
                Ok(Value::List(files))
            }
            ("split", Value::Text(text)) if self.peek().is_none_or(|token| !token.is("(")) => Ok(
                Value::List(text.split_whitespace().map(str::to_owned).collect()),
            ),
            ("select" | "filter" | "reject" | "grep" | "grep_v" | "map", Value::List(list)) => {
                self.chosen(method, list)
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
                    arguments.texts.extend(self.expression()?.strings()?);
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

fn bounded(list: Vec<String>) -> Known<Value> {
    if list.len() > MAX_LIST {
        Err("a list that is too long".into())
    } else {
        Ok(Value::List(list))
    }
}
