//! A gemspec's words taken apart into statements, each with all that stands within its brackets and blocks.
use super::{Known, lexer::Token};

/// The statements, each with all that stands within its brackets and blocks.
pub(super) fn split(tokens: &[Token]) -> Known<Vec<&[Token]>> {
    let mut statements = Vec::new();
    let mut begin = 0;
    let mut open: Vec<&str> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let last = tokens.get(begin..at).and_then(<[Token]>::last);
        if token.opens() {
            open.push("bracket");
        } else if token.closes() {
            close(&mut open, "bracket")?;
        } else if token.is_name("end") && !is_called(last) {
            close(&mut open, "block")?;
        } else if token.name().is_some_and(|name| opens(name, last)) {
            open.push("block");
        } else if *token == Token::Line
            && open.is_empty()
            && !goes_on(last, tokens.get(at..).unwrap_or_default())
        {
            statements.extend(trimmed(tokens.get(begin..at)));
            begin = at.saturating_add(1);
        }
    }
    if !open.is_empty() {
        return Err("a bracket or block that does not end".into());
    }
    statements.extend(trimmed(tokens.get(begin..)));
    Ok(statements)
}

fn trimmed(statement: Option<&[Token]>) -> Option<&[Token]> {
    let mut statement = statement?;
    while let [Token::Line, rest @ ..] = statement {
        statement = rest;
    }
    (!statement.is_empty()).then_some(statement)
}

fn close(open: &mut Vec<&str>, what: &str) -> Known<()> {
    match open.pop() {
        Some(found) if found == what => Ok(()),
        Some(_) | None => Err("brackets and blocks that do not match".into()),
    }
}

fn is_called(last: Option<&Token>) -> bool {
    last.is_some_and(|last| last.is(".") || last.is("&."))
}

/// Whether a keyword begins something that ends with `end`; behind a value, `if` does not.
fn opens(name: &str, last: Option<&Token>) -> bool {
    if is_called(last) {
        return false;
    }
    match name {
        "do" | "begin" | "case" | "def" | "class" | "module" => true,
        "if" | "unless" | "while" | "until" | "for" => match last {
            None | Some(Token::Line) => true,
            Some(Token::Mark(mark)) => !matches!(*mark, ")" | "]" | "}"),
            Some(Token::Name(name)) => {
                matches!(name.as_str(), "do" | "then" | "else" | "begin")
            }
            Some(_) => false,
        },
        _ => false,
    }
}

/// Whether a statement goes on in the next line.
fn goes_on(last: Option<&Token>, rest: &[Token]) -> bool {
    let next = rest.iter().find(|token| **token != Token::Line);
    if next.is_some_and(|next| next.is(".") || next.is("&.")) {
        return last.is_some();
    }
    match last {
        Some(Token::Mark(mark)) => !matches!(*mark, ")" | "]" | "}" | "|" | "?"),
        _ => false,
    }
}

/// The beginning of a statement, to be recognised by.
pub(super) fn words(statement: &[Token]) -> String {
    let mut words = String::new();
    for token in statement.iter().take(6) {
        let word = match token {
            Token::Name(name) | Token::Value(name) => name.as_str(),
            Token::Mark(mark) => mark,
            Token::Line => break,
            Token::Text(_)
            | Token::Mixed
            | Token::Words(_)
            | Token::Shell(_)
            | Token::Regex(_)
            | Token::Symbol => "…",
        };
        let tight = matches!(word, "." | "," | ")" | "::" | "[" | "]" | "(")
            || words.ends_with(['.', ':', '(', '[']);
        if !words.is_empty() && !tight {
            words.push(' ');
        }
        words.push_str(word);
    }
    words.chars().take(80).collect()
}
