//! What words that are not understood may do to the specification: the fields that they name, or everything.
use super::lexer::Token;

/// Methods that reach any field by a name that is not written there.
const INDIRECT: [&str; 8] = [
    "send",
    "public_send",
    "__send__",
    "instance_eval",
    "instance_exec",
    "instance_variable_set",
    "tap",
    "method",
];

/// Methods that change what they are called on, besides those with a `!`.
const CHANGING: [&str; 15] = [
    "append",
    "clear",
    "concat",
    "delete",
    "delete_at",
    "delete_if",
    "fill",
    "insert",
    "keep_if",
    "pop",
    "prepend",
    "push",
    "replace",
    "shift",
    "unshift",
];

/// Fields that other fields are made of.
const READ: [&str; 11] = [
    "authors",
    "description",
    "executables",
    "files",
    "full_name",
    "homepage",
    "licenses",
    "name",
    "platform",
    "summary",
    "version",
];

/// The fields that tokens name; `None` if the specification itself goes somewhere.
pub(super) fn touched<'a>(tokens: &'a [Token], variable: &str) -> Option<Vec<&'a str>> {
    let mut fields = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if !token.is_name(variable) {
            continue;
        }
        let (dot, name) = (
            tokens.get(at.saturating_add(1))?,
            tokens.get(at.saturating_add(2))?,
        );
        let field = name.name().filter(|field| !INDIRECT.contains(field));
        fields.push(field.filter(|_| dot.is("."))?);
    }
    Some(fields)
}

/// Whether tokens change nothing: they read the specification, if they name it at all.
pub(super) fn only_reads(tokens: &[Token], variable: &str) -> bool {
    touched(tokens, variable).is_some_and(|fields| fields.iter().all(|field| READ.contains(field)))
        && !tokens.iter().any(changes)
}

fn changes(token: &Token) -> bool {
    match token {
        Token::Name(name) => {
            name.ends_with('!')
                || CHANGING.contains(&name.as_str())
                || INDIRECT.contains(&name.as_str())
        }
        Token::Mark(mark) => matches!(
            *mark,
            "=" | "<<" | "+=" | "-=" | "|=" | "*=" | "||=" | "&&=" | "**=" | "<<="
        ),
        Token::Text(_)
        | Token::Mixed
        | Token::Words(_)
        | Token::Shell(_)
        | Token::Regex(_)
        | Token::Symbol
        | Token::Value(_)
        | Token::Line => false,
    }
}
