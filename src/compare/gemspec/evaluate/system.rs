//! What a gemspec asks of the system: folders, files, commands and constants, answered from the commit alone.
use std::rc::Rc;

use super::{
    super::{
        Known,
        lexer::{Token, lex},
        statements::Scope,
    },
    Arguments, Parser, Value,
    blocks::last_of,
};

impl Parser<'_> {
    /// `Dir.glob`, `Dir.chdir`, `File.read` and the like.
    pub(super) fn system(&mut self, class: &str, method: &str) -> Known<Value> {
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
    pub(super) fn here(&mut self, open: &str, close: &str) -> Known<()> {
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
    pub(super) fn path(&mut self, method: &str) -> Known<Value> {
        self.expect("(")?;
        let mut parts = Vec::new();
        loop {
            self.lines();
            if self.takes(")") {
                break;
            }
            if self.peek().is_some_and(|token| token.is_name("__FILE__")) {
                self.at = self.at.saturating_add(1);
                parts.push(Value::Text(format!("\0{}", self.sources.gemspec).into()));
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
            |value: Option<&Value>| matches!(value, Some(Value::Text(text)) if **text == *own);
        let first = parts.first();
        match (method, parts.as_slice()) {
            ("expand_path", [one]) if is_own(Some(one)) => Ok(one.clone()),
            ("dirname", [one]) if is_own(Some(one)) => Ok(Value::Here),
            ("basename", [one]) if is_own(Some(one)) => {
                Ok(Value::Text(self.sources.gemspec.into()))
            }
            ("expand_path", [Value::Here]) => Ok(Value::Here),
            ("basename", [Value::Text(text)]) => {
                Ok(Value::Text(text.rsplit('/').next().unwrap_or(text).into()))
            }
            ("expand_path", [Value::Text(text), from]) => {
                expanded(text, from, is_own(Some(from))).map_or_else(unknown, Ok)
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
                let path = rest?.join("/");
                self.sources.budget.bytes(path.len())?;
                Ok(Value::Text(path.into()))
            }
            ("read", [Value::Text(path), ..]) if !is_own(first) => {
                let path = path.strip_prefix("./").unwrap_or(path);
                let text = self.sources.text(path)?;
                text.map(|text| Value::Text(text.into()))
                    .ok_or_else(|| format!("{path} is not in the commit, or no short text"))
            }
            _ => unknown(),
        }
    }

    /// `IO.popen(%w[git ls-files -z], …)`, with a block, or read at once.
    pub(super) fn popen(&mut self) -> Known<Value> {
        let asked = self.call_arguments()?;
        let printed = self.command(&asked.texts)?;
        if self.begins_block() {
            let (parameter, body) = self.block()?;
            self.sources.budget.list(self.scope.variables.len())?;
            self.sources.budget.list(self.scope.required.len())?;
            let mut scope = Scope {
                variables: self.scope.variables.clone(),
                required: self.scope.required.clone(),
            };
            scope.variables.insert(parameter.to_owned(), Ok(printed));
            return last_of(body, &scope, self.sources);
        }
        Ok(printed)
    }

    pub(super) fn glob(&self, asked: &Arguments) -> Known<Value> {
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
        let mut found: Vec<Rc<str>> = Vec::new();
        for pattern in &asked.texts {
            let glob = self.sources.glob(pattern, dots)?;
            for path in self.sources.files.iter() {
                let mut steps = 1;
                if glob.matches_in(path, &mut steps) {
                    self.sources.budget.list(1)?;
                    found.push(path.clone());
                }
                self.sources.budget.spend(steps)?;
            }
        }
        Ok(Value::List(found.into()))
    }

    /// A constant of a file that was required, or of the only version file there is.
    pub(super) fn constant(&self, name: &str) -> Known<Value> {
        let mut places: Vec<&str> = self.scope.required.iter().map(String::as_str).collect();
        self.sources.budget.list(places.len())?;
        if places.is_empty() {
            self.sources.budget.list(self.sources.files.len())?;
            let versions = self
                .sources
                .files
                .iter()
                .filter(|path| path.starts_with("lib/") && path.ends_with("/version.rb"));
            places.extend(versions.map(|path| &**path));
        }
        let mut found = Vec::new();
        for place in places {
            let Some(text) = self.sources.text(place)? else {
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
}

/// A path seen from the gemspec's folder, or from the file itself, where `..` is its folder.
fn expanded(text: &str, from: &Value, is_own: bool) -> Option<Value> {
    let text = text.trim_end_matches('/');
    let inside = match from {
        _ if is_own => text.strip_prefix("..")?,
        Value::Here => text,
        Value::Text(_) | Value::List(_) | Value::Printed(_) => return None,
    };
    match inside.trim_start_matches('/') {
        "" | "." => Some(Value::Here),
        // Above the gem's folder are other files of the commit.
        inside if !inside.trim_start_matches("../").contains("..") => {
            Some(Value::Text(inside.into()))
        }
        _ => None,
    }
}
