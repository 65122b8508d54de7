//! Expressions: literals, lists of files, and what is done with them.
use super::{
    Known,
    condition::holds,
    lexer::{Token, lex},
    statements::{Scope, Sources, split},
};
use crate::compare::glob::Glob;

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

    /// `Dir.glob`, `Dir.chdir`, `File.read` and the like.
    fn system(&mut self, class: &str, method: &str) -> Known<Value> {
        match (class, method) {
            ("Dir", "glob") => {
                let asked = self.call_arguments()?;
                self.glob(&asked)
            }
            ("Dir", "chdir") => {
                self.here("(", ")")?;
                self.block_value()
            }
            ("File", "expand_path" | "dirname" | "join" | "basename" | "read") | ("IO", "read") => {
                self.path(method)
            }
            ("IO", "popen") => self.popen(),
            _ => Err(format!("`{class}.{method}` is not understood")),
        }
    }

    /// What must be the gemspec's own folder, in brackets.
    fn here(&mut self, open: &str, close: &str) -> Known<()> {
        self.expect(open)?;
        let value = self.expression()?;
        self.expect(close)?;
        match value {
            Value::Here => Ok(()),
            Value::Text(_) | Value::List(_) | Value::Printed(_) => {
                Err("another folder than the gemspec's own".into())
            }
        }
    }

    /// Paths that are made of `__FILE__`, `__dir__` and literals.
    fn path(&mut self, method: &str) -> Known<Value> {
        self.expect("(")?;
        let mut parts = Vec::new();
        loop {
            self.lines();
            if self.takes(")") {
                break;
            }
            if self.peek().is_some_and(|token| token.is_name("__FILE__")) {
                self.at = self.at.saturating_add(1);
                parts.push(Value::Text(format!("\0{}", self.sources.gemspec)));
            } else {
                parts.push(self.expression()?);
            }
            if !self.takes(",") {
                self.expect(")")?;
                break;
            }
        }
        let unknown = || {
            Err(format!(
                "`File.{method}` of something that is not understood"
            ))
        };
        let own = format!("\0{}", self.sources.gemspec);
        let is_own =
            |value: Option<&Value>| matches!(value, Some(Value::Text(text)) if *text == own);
        let first = parts.first();
        match (method, parts.as_slice()) {
            ("expand_path", [one]) if is_own(Some(one)) => Ok(one.clone()),
            ("dirname", [one]) if is_own(Some(one)) => Ok(Value::Here),
            ("basename", [one]) if is_own(Some(one)) => {
                Ok(Value::Text(self.sources.gemspec.into()))
            }
            ("expand_path", [Value::Here]) => Ok(Value::Here),
            ("basename", [Value::Text(text)]) => Ok(Value::Text(
                text.rsplit('/').next().unwrap_or(text).to_owned(),
            )),
            ("expand_path", [Value::Text(text), from]) => {
                // Seen from the file itself, `..` is its folder.
                let inside = match (text.trim_end_matches('/'), from) {
                    (text, from) if is_own(Some(from)) => text.strip_prefix(".."),
                    (text, Value::Here) => Some(text),
                    _ => None,
                };
                match inside.map(|inside| inside.trim_start_matches('/')) {
                    Some("" | ".") => Ok(Value::Here),
                    Some(inside) if !inside.contains("..") => Ok(Value::Text(inside.to_owned())),
                    Some(_) | None => unknown(),
                }
            }
            ("join", [Value::Here, rest @ ..]) => {
                let rest: Known<Vec<String>> = rest
                    .iter()
                    .map(|part| match part {
                        Value::Text(text) => Ok(text.trim_matches('/').to_owned()),
                        Value::List(_) | Value::Printed(_) | Value::Here => {
                            Err("a path that is not understood".to_owned())
                        }
                    })
                    .collect();
                Ok(Value::Text(rest?.join("/")))
            }
            ("read", [Value::Text(path), ..]) if !is_own(first) => {
                let path = path.strip_prefix("./").unwrap_or(path);
                let read = (self.sources.read)(path);
                read.map(Value::Text)
                    .ok_or_else(|| format!("{path} is not in the commit, or no short text"))
            }
            _ => unknown(),
        }
    }

    /// `IO.popen(%w[git ls-files -z], …)`, with a block, or read at once.
    fn popen(&mut self) -> Known<Value> {
        let asked = self.call_arguments()?;
        let command: Vec<&str> = asked.texts.iter().map(String::as_str).collect();
        let command = match command.as_slice() {
            [one] => one.split_whitespace().collect(),
            _ => command,
        };
        let printed = self.shell(command)?;
        if self.begins_block() {
            let (parameter, body) = self.block()?;
            let mut scope = Scope {
                variables: self.scope.variables.clone(),
                required: self.scope.required.clone(),
            };
            scope.variables.insert(parameter.to_owned(), Ok(printed));
            return last_of(body, &scope, self.sources);
        }
        Ok(printed)
    }

    /// A command; only `git ls-files` is known.
    fn shell(&self, mut words: Vec<&str>) -> Known<Value> {
        words.retain(|word| !matches!(*word, "2>/dev/null" | "2>" | "/dev/null"));
        let ["git", "ls-files", rest @ ..] = words.as_slice() else {
            return Err("a command that is not understood".into());
        };
        let mut folders = Vec::new();
        for word in rest {
            match *word {
                "-z" | "--" | "." => {}
                word if word.starts_with('-')
                    || word.contains(['\'', '"', '$', '\\', '!', '[']) =>
                {
                    return Err(format!("`git ls-files {word}`"));
                }
                word => folders.push(word.trim_end_matches('/')),
            }
        }
        let files =
            self.sources.files.iter().filter(|path| {
                folders.is_empty() || folders.iter().any(|folder| within(path, folder))
            });
        Ok(Value::Printed(files.cloned().collect()))
    }

    fn glob(&self, asked: &Arguments) -> Known<Value> {
        let dots = match asked
            .others
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .as_slice()
        {
            [] | ["base"] => false,
            ["FNM_DOTMATCH"] | ["FNM_DOTMATCH", "base"] => true,
            _ => return Err("a pattern with options that are not understood".into()),
        };
        let mut found: Vec<String> = Vec::new();
        for pattern in &asked.texts {
            let glob = Glob::parse(pattern, dots)
                .ok_or_else(|| format!("the pattern {pattern:?} is not understood"))?;
            let files = self.sources.files.iter();
            found.extend(files.filter(|path| glob.matches(path)).cloned());
            if found.len() > MAX_LIST {
                return Err("a list that is too long".into());
            }
        }
        Ok(Value::List(found))
    }

    /// A constant of a file that was required, or of the only version file there is.
    fn constant(&self, name: &str) -> Known<Value> {
        let mut places: Vec<&str> = self.scope.required.iter().map(String::as_str).collect();
        if places.is_empty() {
            let versions = self
                .sources
                .files
                .iter()
                .filter(|path| path.starts_with("lib/") && path.ends_with("/version.rb"));
            places.extend(versions.map(String::as_str));
        }
        let mut found = Vec::new();
        for place in places {
            let Some(text) = (self.sources.read)(place) else {
                continue;
            };
            let Ok(tokens) = lex(&text) else {
                return Err(format!("{place} is not understood"));
            };
            for (at, token) in tokens.iter().enumerate() {
                let after = |more: usize| tokens.get(at.saturating_add(more));
                if !token.is_name(name) || !after(1).is_some_and(|token| token.is("=")) {
                    continue;
                }
                let ends = match after(3) {
                    None | Some(Token::Line) => true,
                    Some(token) if token.is(".") => {
                        after(4).is_some_and(|token| token.is_name("freeze"))
                            && matches!(after(5), None | Some(Token::Line))
                    }
                    Some(_) => false,
                };
                match after(2) {
                    Some(Token::Text(text)) if ends => found.push(text.clone()),
                    _ => return Err(format!("{name} in {place} is not a literal")),
                }
            }
        }
        match found.as_slice() {
            [one] => Ok(Value::Text(one.clone())),
            _ => Err(format!("{name} was found {} times", found.len())),
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

    /// `select`, `reject`, `grep`, `map { |f| File.basename(f) }`.
    fn chosen(&mut self, method: &str, mut list: Vec<String>) -> Known<Value> {
        if matches!(method, "grep" | "grep_v") {
            self.expect("(")?;
            let Some(Token::Regex(text)) = self.take() else {
                return Err("`grep` of something that is not understood".into());
            };
            self.expect(")")?;
            let pattern = super::pattern::Pattern::parse(text)
                .ok_or_else(|| format!("the expression {text:?} is not understood"))?;
            list.retain(|path| pattern.is_in(path) == (method == "grep"));
            return if self.begins_block() {
                self.base_names(&list)
            } else {
                Ok(Value::List(list))
            };
        }
        if method == "map" {
            return self.base_names(&list);
        }
        let (parameter, body) = self.block()?;
        let keeps = method != "reject";
        let mut kept = Vec::new();
        for path in list {
            if holds(body, parameter, &path, self.scope, self.sources)? == keeps {
                kept.push(path);
            }
        }
        Ok(Value::List(kept))
    }

    /// `{ |f| File.basename(f) }`, the only thing that is made of a path.
    fn base_names(&mut self, list: &[String]) -> Known<Value> {
        let base_name = |path: &String| path.rsplit('/').next().unwrap_or(path).to_owned();
        match self.block()? {
            (parameter, [file, dot, method, open, name, close])
                if file.is_name("File")
                    && dot.is(".")
                    && method.is_name("basename")
                    && open.is("(")
                    && name.is_name(parameter)
                    && close.is(")") =>
            {
                Ok(Value::List(list.iter().map(base_name).collect()))
            }
            _ => Err("a block that is not understood".into()),
        }
    }

    fn begins_block(&self) -> bool {
        self.peek()
            .is_some_and(|token| token.is("{") || token.is_name("do"))
    }

    /// `{ |f| … }` or `do |f| … end`: the parameter, empty if there is none, and what is inside.
    fn block(&mut self) -> Known<(&'a str, &'a [Token])> {
        if !self.begins_block() {
            return Err("a call without a block".into());
        }
        let begin = self.at;
        let rest = self.tokens.get(begin..).unwrap_or_default();
        let mut depth = 0_usize;
        let mut end = None;
        for (at, token) in rest.iter().enumerate() {
            let opens = matches!(token, Token::Mark("(" | "[" | "{"))
                || ["do", "begin", "case", "if", "unless"]
                    .iter()
                    .any(|word| token.is_name(word));
            let closes = matches!(token, Token::Mark(")" | "]" | "}")) || token.is_name("end");
            if opens {
                depth = depth.saturating_add(1);
            } else if closes {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    end = Some(at);
                    break;
                }
            }
        }
        let end = end.ok_or("a block that does not end")?;
        self.at = begin.saturating_add(end).saturating_add(1);
        let inside = rest.get(1..end).unwrap_or_default();
        let (parameter, body) = match inside {
            [bar, Token::Name(name), close, body @ ..] if bar.is("|") && close.is("|") => {
                (name.as_str(), body)
            }
            body => ("", body),
        };
        Ok((parameter, trim(body)))
    }

    fn block_value(&mut self) -> Known<Value> {
        let (parameter, body) = self.block()?;
        if parameter.is_empty() {
            last_of(body, self.scope, self.sources)
        } else {
            Err("a block with a parameter".into())
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

/// The value of a block of one statement.
fn last_of(body: &[Token], scope: &Scope, sources: &Sources<'_>) -> Known<Value> {
    match split(body)?.as_slice() {
        [one] => evaluate(one, scope, sources),
        _ => Err("a block of several statements".into()),
    }
}

fn trim(mut tokens: &[Token]) -> &[Token] {
    while let [Token::Line, rest @ ..] = tokens {
        tokens = rest;
    }
    while let [rest @ .., Token::Line] = tokens {
        tokens = rest;
    }
    tokens
}

fn within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn bounded(list: Vec<String>) -> Known<Value> {
    if list.len() > MAX_LIST {
        Err("a list that is too long".into())
    } else {
        Ok(Value::List(list))
    }
}
