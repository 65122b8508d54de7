//! Conditions about a path: what stands in the block of a `select` or `reject`.
use super::{
    Known,
    evaluate::{Value, evaluate},
    lexer::Token,
    pattern::Pattern,
    statements::{Scope, Sources},
};

/// Whether the condition holds for this path.
pub(super) fn holds(
    body: &[Token],
    parameter: &str,
    path: &str,
    scope: &Scope,
    sources: &Sources<'_>,
) -> Known<bool> {
    let condition = Condition {
        parameter,
        path,
        scope,
        sources,
    };
    condition.any(body)
}

struct Condition<'a> {
    parameter: &'a str,
    path: &'a str,
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

impl Condition<'_> {
    /// All sides are understood, whatever the first of them says.
    fn any(&self, tokens: &[Token]) -> Known<bool> {
        let sides: Known<Vec<bool>> = parts(tokens, "||")
            .into_iter()
            .map(|side| self.all(side))
            .collect();
        Ok(sides?.contains(&true))
    }

    fn all(&self, tokens: &[Token]) -> Known<bool> {
        let sides: Known<Vec<bool>> = parts(tokens, "&&")
            .into_iter()
            .map(|side| self.one(side))
            .collect();
        Ok(!sides?.contains(&false))
    }

    fn one(&self, tokens: &[Token]) -> Known<bool> {
        let tokens: Vec<&Token> = tokens
            .iter()
            .filter(|token| **token != Token::Line)
            .collect();
        let tokens: Vec<Token> = tokens.into_iter().cloned().collect();
        match tokens.as_slice() {
            [not, rest @ ..] if not.is("!") => Ok(!self.one(rest)?),
            [open, inside @ .., close] if open.is("(") && close.is(")") && is_one(inside) => {
                self.any(inside)
            }
            [name, Token::Mark("=~"), Token::Regex(text)] if name.is_name(self.parameter) => {
                self.matches(text)
            }
            [name, Token::Mark("!~"), Token::Regex(text)] if name.is_name(self.parameter) => {
                Ok(!self.matches(text)?)
            }
            [Token::Regex(text), Token::Mark("=~"), name] if name.is_name(self.parameter) => {
                self.matches(text)
            }
            [name, Token::Mark("=="), value @ ..] if name.is_name(self.parameter) => {
                Ok(self.text(value)? == self.path)
            }
            [name, Token::Mark("!="), value @ ..] if name.is_name(self.parameter) => {
                Ok(self.text(value)? != self.path)
            }
            other => self.call(other),
        }
    }

    /// A call: of `File`, of the path, or of something with the path.
    fn call(&self, tokens: &[Token]) -> Known<bool> {
        match tokens {
            // File.directory?(f), File.file?(f): a path of a tree is a file.
            [file, dot, Token::Name(method), open, name, close]
                if file.is_name("File")
                    && dot.is(".")
                    && open.is("(")
                    && close.is(")")
                    && name.is_name(self.parameter) =>
            {
                match method.as_str() {
                    "directory?" => Ok(false),
                    "file?" | "exist?" => Ok(true),
                    other => Err(format!("`File.{other}` is not understood")),
                }
            }
            // File.expand_path(f) == __FILE__
            [file, dot, expand, open, name, close, equal, own]
                if file.is_name("File")
                    && dot.is(".")
                    && expand.is_name("expand_path")
                    && open.is("(")
                    && name.is_name(self.parameter)
                    && close.is(")")
                    && equal.is("==")
                    && own.is_name("__FILE__") =>
            {
                Ok(self.path == self.sources.gemspec)
            }
            [name, dot, Token::Name(method), open, inside @ .., close]
                if name.is_name(self.parameter) && dot.is(".") && open.is("(") && close.is(")") =>
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
            ] if dot.is(".") && open.is("(") && close.is(")") && name.is_name(self.parameter) => {
                self.asked(method, std::slice::from_ref(pattern))
            }
            [list @ .., dot, include, open, name, close]
                if dot.is(".")
                    && include.is_name("include?")
                    && open.is("(")
                    && close.is(")")
                    && name.is_name(self.parameter) =>
            {
                match evaluate(list, self.scope, self.sources)? {
                    Value::List(list) => Ok(list.iter().any(|one| one == self.path)),
                    Value::Text(_) | Value::Printed(_) | Value::Here => {
                        Err("an `include?` that is not understood".into())
                    }
                }
            }
            _ => Err("a condition that is not understood".into()),
        }
    }

    /// `f.start_with?(…)` and the like.
    fn asked(&self, method: &str, inside: &[Token]) -> Known<bool> {
        if let ("match" | "match?", [Token::Regex(text)]) = (method, inside) {
            return self.matches(text);
        }
        let mut listed = vec![Token::Mark("[")];
        listed.extend_from_slice(inside);
        listed.push(Token::Mark("]"));
        let all = evaluate(&listed, self.scope, self.sources)?.strings()?;
        match method {
            "start_with?" => Ok(all.iter().any(|one| self.path.starts_with(one))),
            "end_with?" => Ok(all.iter().any(|one| self.path.ends_with(one))),
            "include?" => Ok(all.iter().any(|one| self.path.contains(one))),
            other => Err(format!("`.{other}` is not understood")),
        }
    }

    fn matches(&self, text: &str) -> Known<bool> {
        let pattern = Pattern::parse(text)
            .ok_or_else(|| format!("the expression {text:?} is not understood"))?;
        Ok(pattern.is_in(self.path))
    }

    fn text(&self, tokens: &[Token]) -> Known<String> {
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
