//! Blocks of a gemspec, and the lists that are chosen with them.
use std::rc::Rc;

use super::{
    super::{
        Known,
        condition::Test,
        lexer::Token,
        split::split,
        statements::{Scope, Sources},
    },
    Parser, Value, evaluate,
};

impl<'a> Parser<'a> {
    /// `select`, `reject`, `grep`, `map { |f| File.basename(f) }`.
    pub(super) fn chosen(&mut self, method: &str, list: &[Rc<str>]) -> Known<Value> {
        if method == "map" {
            return self.base_names(list);
        }
        let (test, wanted) = if matches!(method, "grep" | "grep_v") {
            self.expect("(")?;
            let Some(Token::Regex(text)) = self.take() else {
                return Err("`grep` of something that is not understood".into());
            };
            self.expect(")")?;
            (Test::Matches(self.sources.pattern(text)?), method == "grep")
        } else {
            let (parameter, body) = self.block()?;
            let test = Test::read(body, parameter, self.scope, self.sources)?;
            (test, method != "reject")
        };
        let mut kept = Vec::new();
        for path in list {
            self.sources.budget.list(1)?;
            if test.holds(path, &self.sources.budget)? == wanted {
                kept.push(path.clone());
            }
        }
        if method.starts_with("grep") && self.begins_block() {
            return self.base_names(&kept);
        }
        Ok(Value::List(kept.into()))
    }

    /// `{ |f| File.basename(f) }`, the only thing that is made of a path.
    pub(super) fn base_names(&mut self, list: &[Rc<str>]) -> Known<Value> {
        let bytes = list.iter().map(|path| path.len()).sum();
        self.sources.budget.bytes(bytes)?;
        self.sources.budget.list(list.len())?;
        let base_name = |path: &Rc<str>| Rc::from(path.rsplit('/').next().unwrap_or(path));
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

    pub(super) fn begins_block(&self) -> bool {
        self.peek()
            .is_some_and(|token| token.is("{") || token.is_name("do"))
    }

    /// `{ |f| … }` or `do |f| … end`: the parameter, empty if there is none, and what is inside.
    pub(super) fn block(&mut self) -> Known<(&'a str, &'a [Token])> {
        if !self.begins_block() {
            return Err("a call without a block".into());
        }
        let begin = self.at;
        let rest = self.tokens.get(begin..).unwrap_or_default();
        self.sources.budget.bytes(rest.len())?;
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

    pub(super) fn block_value(&mut self) -> Known<Value> {
        let (parameter, body) = self.block()?;
        if parameter.is_empty() {
            last_of(body, self.scope, self.sources)
        } else {
            Err("a block with a parameter".into())
        }
    }
}

/// The value of a block of one statement.
pub(super) fn last_of(body: &[Token], scope: &Scope, sources: &Sources<'_>) -> Known<Value> {
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
