//! The statements of a gemspec, one after another: what each sets, and what it may have changed.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Known, dependency,
    evaluate::{Value, evaluate},
    lexer::{Token, lex},
    texts,
};
use crate::rubygems::dependency::Kind;

/// What a gemspec can ask for.
pub(super) struct Sources<'a> {
    /// The gemspec's file name.
    pub(super) gemspec: &'a str,
    /// Every file of the commit below the gem's folder.
    pub(super) files: Vec<String>,
    /// The text of one of them.
    pub(super) read: &'a dyn Fn(&str) -> Option<String>,
}

/// What was set so far.
pub(super) struct Read {
    fields: BTreeMap<String, Known<Vec<String>>>,
    needed: [Known<BTreeSet<String>>; 2],
    /// Why nothing is known any more.
    lost: Option<String>,
}

/// The variables of a gemspec, and the files that it requires.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) variables: BTreeMap<String, Known<Value>>,
    pub(super) required: Vec<String>,
}

impl Read {
    /// A field as a list; `None` if it is never set.
    pub(super) fn list(&self, name: &str) -> Known<Option<Vec<String>>> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        self.fields.get(name).cloned().transpose()
    }

    /// The dependencies of a kind, as one text.
    pub(super) fn dependencies(&self, kind: Kind) -> Known<String> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        let [runtime, development] = &self.needed;
        let needed = match kind {
            Kind::Runtime => runtime,
            Kind::Development => development,
        };
        needed
            .as_ref()
            .map(|set| texts(&set.iter().cloned().collect::<Vec<_>>()))
            .map_err(Clone::clone)
    }
}

/// Reads a gemspec.
pub(super) fn run(text: &str, sources: &Sources<'_>) -> Known<Read> {
    let tokens = lex(text)?;
    let mut scope = Scope::default();
    let mut found = None;
    for statement in split(&tokens)? {
        match specification(statement)? {
            Some(block) if found.is_none() => found = Some(block_of(&block, &mut scope, sources)?),
            Some(_) => return Err("there is more than one specification in the file".into()),
            None if is_harmless(statement, &mut scope, sources) => {}
            None => return Err(format!("not understood: {}", words(statement))),
        }
    }
    found.ok_or_else(|| "there is no `Gem::Specification.new do |spec|` in it".into())
}

/// The body of `Gem::Specification.new do |s| … end`, with the variable's name.
struct Block<'a> {
    variable: &'a str,
    body: &'a [Token],
}

fn specification(statement: &[Token]) -> Known<Option<Block<'_>>> {
    let begins = ["Gem", "Specification", "new"];
    let names: Vec<&str> = statement.iter().take(5).filter_map(Token::name).collect();
    if names != begins {
        return Ok(None);
    }
    match statement.get(5..) {
        Some([open, bar, Token::Name(variable), close, body @ .., _end])
            if (open.is_name("do") || open.is("{")) && bar.is("|") && close.is("|") =>
        {
            Ok(Some(Block { variable, body }))
        }
        _ => Err("the specification is not given in a block with one parameter".into()),
    }
}

fn block_of(block: &Block<'_>, scope: &mut Scope, sources: &Sources<'_>) -> Known<Read> {
    let mut read = Read {
        fields: BTreeMap::new(),
        needed: [Ok(BTreeSet::new()), Ok(BTreeSet::new())],
        lost: None,
    };
    for statement in split(block.body)? {
        if !read.set(statement, block.variable, scope, sources)
            && !is_harmless(statement, scope, sources)
        {
            read.lose(statement, block.variable, scope);
        }
    }
    Ok(read)
}

impl Read {
    /// Carries out what sets a field; whether it was that.
    fn set(
        &mut self,
        statement: &[Token],
        variable: &str,
        scope: &mut Scope,
        sources: &Sources<'_>,
    ) -> bool {
        let [Token::Name(first), dot, Token::Name(field), rest @ ..] = statement else {
            return false;
        };
        if first != variable || !dot.is(".") {
            return false;
        }
        let kind = match field.as_str() {
            "add_dependency" | "add_runtime_dependency" => Some(0),
            "add_development_dependency" => Some(1),
            _ => None,
        };
        if let Some(slot) = kind.and_then(|kind| self.needed.get_mut(kind)) {
            match (needed(rest, scope, sources), &mut *slot) {
                (Ok(one), Ok(set)) => {
                    set.insert(one);
                }
                (Err(why), Ok(_)) => *slot = Err(why),
                (_, Err(_)) => {}
            }
            return true;
        }
        let [Token::Mark(operator), typed @ ..] = rest else {
            return false;
        };
        // `s.metadata["key"] = value` sets nothing that is looked at.
        if *operator == "[" && field == "metadata" {
            return touched(typed, variable).is_some();
        }
        let value = evaluate(typed, scope, sources);
        if *operator == "=" {
            // Read again as `s.name`, a text stays a text.
            let own = format!("{variable}.{field}");
            scope.variables.insert(own, value.clone());
        }
        let value = value.and_then(Value::strings);
        let known = match *operator {
            "=" => value,
            "+=" | "<<" | "|=" => self.field(field).and_then(|mut before| {
                before.extend(value?);
                Ok(before)
            }),
            "-=" => self.field(field).and_then(|mut before| {
                let without = value?;
                before.retain(|one| !without.contains(one));
                Ok(before)
            }),
            _ => return false,
        };
        // What is set may call the specification in a way that is not understood.
        if known.is_err() && !is_plain(typed, variable) {
            return false;
        }
        if *operator != "=" {
            let own = format!("{variable}.{field}");
            scope.variables.insert(own, known.clone().map(Value::List));
        }
        self.fields.insert(field.clone(), known);
        true
    }

    fn field(&self, name: &str) -> Known<Vec<String>> {
        self.fields
            .get(name)
            .cloned()
            .unwrap_or_else(|| Ok(Vec::new()))
    }

    /// A statement that is not understood: the fields that it names are not known from here on, and if it hands the
    /// specification on, or does not name it at all, nothing is.
    fn lose(&mut self, statement: &[Token], variable: &str, scope: &mut Scope) {
        let why = format!("not understood: {}", words(statement));
        let fields = touched(statement, variable);
        match fields {
            Some(fields) if !fields.is_empty() => {
                for field in fields {
                    match field {
                        "respond_to?" => {}
                        "add_dependency" | "add_runtime_dependency" => {
                            let [runtime, _] = &mut self.needed;
                            *runtime = Err(why.clone());
                        }
                        "add_development_dependency" => {
                            let [_, development] = &mut self.needed;
                            *development = Err(why.clone());
                        }
                        field => {
                            let own = format!("{variable}.{field}");
                            scope.variables.insert(own, Err(why.clone()));
                            self.fields.insert(field.to_owned(), Err(why.clone()));
                        }
                    }
                }
            }
            Some(_) | None => self.lost = Some(why.clone()),
        }
        for pair in statement.windows(2) {
            if let [
                Token::Name(name),
                Token::Mark("=" | "+=" | "<<" | "||=" | "-="),
            ] = pair
            {
                scope.variables.insert(name.clone(), Err(why.clone()));
            }
        }
    }
}

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

/// The fields that tokens name; `None` if the specification itself goes somewhere.
fn touched<'a>(tokens: &'a [Token], variable: &str) -> Option<Vec<&'a str>> {
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

/// Whether tokens only read the specification, if they name it at all.
fn is_plain(tokens: &[Token], variable: &str) -> bool {
    let reads = [
        "name",
        "version",
        "homepage",
        "files",
        "full_name",
        "summary",
        "description",
        "platform",
    ];
    touched(tokens, variable).is_some_and(|fields| fields.iter().all(|field| reads.contains(field)))
        && !tokens.iter().any(|token| token.is("=") || token.is("<<"))
}

/// `add_dependency "name", "~> 1.0"`, with or without brackets.
fn needed(rest: &[Token], scope: &Scope, sources: &Sources<'_>) -> Known<String> {
    let rest = match rest {
        [open, inside @ .., close] if open.is("(") && close.is(")") => inside,
        rest => rest,
    };
    let listed: Vec<Token> = [
        std::slice::from_ref(&Token::Mark("[")),
        rest,
        std::slice::from_ref(&Token::Mark("]")),
    ]
    .concat();
    let all = evaluate(&listed, scope, sources)?.strings()?;
    let (name, constraints) = all.split_first().ok_or("a dependency without a name")?;
    dependency(name, constraints).ok_or_else(|| format!("the dependency {name}"))
}

/// What changes nothing of the specification: a variable, something required, a message. Carries it out.
fn is_harmless(statement: &[Token], scope: &mut Scope, sources: &Sources<'_>) -> bool {
    match statement {
        [Token::Name(name), Token::Mark("="), value @ ..] if is_variable(name) => {
            let known = evaluate(value, scope, sources);
            scope.variables.insert(name.clone(), known);
            true
        }
        [Token::Name(name), rest @ ..]
            if matches!(name.as_str(), "require" | "require_relative") =>
        {
            if let Ok(Value::Text(path)) = evaluate(strip(rest), scope, sources) {
                let path = path.strip_prefix("./").unwrap_or(&path);
                let path = path.strip_suffix(".rb").unwrap_or(path);
                scope.required.push(format!("{path}.rb"));
                if name == "require" {
                    scope.required.push(format!("lib/{path}.rb"));
                }
            }
            true
        }
        [Token::Name(name), rest @ ..] if matches!(name.as_str(), "warn" | "puts" | "raise") => {
            !rest.iter().any(|token| {
                token.is("=") || token.is("<<") || INDIRECT.iter().any(|name| token.is_name(name))
            })
        }
        [Token::Value(name), rest @ ..] if matches!(name.as_str(), "$LOAD_PATH" | "$:") => {
            matches!(rest, [Token::Mark("." | "<<"), ..])
        }
        [] => true,
        _ => false,
    }
}

fn strip(tokens: &[Token]) -> &[Token] {
    match tokens {
        [open, inside @ .., close] if open.is("(") && close.is(")") => inside,
        tokens => tokens,
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_lowercase() || c == '_')
}

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
fn words(statement: &[Token]) -> String {
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
