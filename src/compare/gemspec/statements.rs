//! The statements of a gemspec, one after another: what each sets, and what it may have changed.
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    Known,
    budget::Budget,
    dependency,
    evaluate::{List, Value, evaluate, joined, without},
    lexer::{Token, lex},
    pattern::Pattern,
    split::{split, words},
    touch::{only_reads, touched},
};
use crate::{compare::glob::Glob, rubygems::dependency::Kind};

/// What a gemspec can ask for, and what asking may take.
pub(super) struct Sources<'a> {
    /// The gemspec's file name.
    pub(super) gemspec: &'a str,
    /// Every file of the commit below the gem's folder.
    pub(super) files: List,
    /// The text of one of them.
    pub(super) read: &'a dyn Fn(&str) -> Option<String>,
    pub(super) budget: Budget,
}

impl Sources<'_> {
    /// The text of a file, if it is there.
    pub(super) fn text(&self, path: &str) -> Known<Option<String>> {
        self.budget.spend(1_000)?;
        let text = (self.read)(path);
        self.budget.bytes(text.as_ref().map_or(0, String::len))?;
        Ok(text)
    }

    pub(super) fn glob(&self, text: &str, dots: bool) -> Known<Glob> {
        self.budget.bytes(Glob::cost(text))?;
        Glob::parse(text, dots).ok_or_else(|| format!("the pattern {text:?} is not understood"))
    }

    pub(super) fn pattern(&self, text: &str) -> Known<Pattern> {
        self.budget.bytes(Pattern::cost(text))?;
        Pattern::parse(text).ok_or_else(|| format!("the expression {text:?} is not understood"))
    }
}

/// What was set so far.
pub(super) struct Read {
    fields: BTreeMap<String, Known<List>>,
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

/// Reads a gemspec.
pub(super) fn run(text: &str, sources: &Sources<'_>) -> Known<Read> {
    let tokens = lex(text)?;
    let mut scope = Scope::default();
    let mut found = None;
    for statement in split(&tokens)? {
        match specification(statement)? {
            Some(block) if found.is_none() => found = Some(block_of(&block, &mut scope, sources)?),
            Some(_) => return Err("there is more than one specification in the file".into()),
            None if is_harmless(statement, "", &mut scope, sources) => {}
            None => return Err(format!("not understood: {}", words(statement))),
        }
    }
    found.ok_or_else(|| "there is no `Gem::Specification.new do |spec|` in it".into())
}

/// `Gem::Specification.new name, version do |s| … end`
struct Block<'a> {
    /// Name and version, if they stand there.
    arguments: &'a [Token],
    variable: &'a str,
    body: &'a [Token],
}

fn specification(statement: &[Token]) -> Known<Option<Block<'_>>> {
    let begins = ["Gem", "Specification", "new"];
    let statement = match statement {
        [Token::Name(name), Token::Mark("="), rest @ ..] if is_variable(name) => rest,
        statement => statement,
    };
    let names: Vec<&str> = statement.iter().take(5).filter_map(Token::name).collect();
    if names != begins {
        return Ok(None);
    }
    let rest = statement.get(5..).unwrap_or_default();
    let opens = |token: &Token| token.is_name("do") || token.is("{");
    let begin = rest.iter().position(opens).unwrap_or(rest.len());
    match rest.split_at_checked(begin) {
        Some((arguments, [_, bar, Token::Name(variable), close, body @ .., _end]))
            if bar.is("|") && close.is("|") =>
        {
            Ok(Some(Block {
                arguments,
                variable,
                body,
            }))
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
    let arguments = split_arguments(block.arguments);
    for (field, argument) in ["name", "version"].into_iter().zip(arguments) {
        let value = evaluate(argument, scope, sources);
        let own = format!("{}.{field}", block.variable);
        scope.variables.insert(own, value.clone());
        let value = value.and_then(Value::strings);
        read.fields.insert(field.into(), value);
    }
    for statement in split(block.body)? {
        if !read.set(statement, block.variable, scope, sources)
            && !is_harmless(statement, block.variable, scope, sources)
        {
            read.lose(statement, block.variable, scope);
        }
    }
    Ok(read)
}

/// What stands between commas, with or without brackets around all of it.
fn split_arguments(tokens: &[Token]) -> Vec<&[Token]> {
    let inside = strip(tokens);
    if inside.is_empty() {
        return Vec::new();
    }
    inside.split(|token| token.is(",")).collect()
}

/// The name that RubyGems keeps a field under.
fn canonical(field: &str) -> &str {
    match field {
        "author" => "authors",
        "executable" => "executables",
        "license" => "licenses",
        "require_path" => "require_paths",
        field => field,
    }
}

/// What a list is before anything is added to it.
fn default(field: &str) -> List {
    match field {
        "require_paths" => ["lib".into()].into(),
        _ => [].into(),
    }
}

impl Read {
    /// A field as a list; `None` if it is never set.
    pub(super) fn list(&self, name: &str) -> Known<Option<List>> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        self.fields.get(name).cloned().transpose()
    }

    /// The dependencies of a kind, one text each, in their order.
    pub(super) fn dependencies(&self, kind: Kind) -> Known<Vec<String>> {
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
            .map(|set| set.iter().cloned().collect())
            .map_err(Clone::clone)
    }

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
                (Err(_), _) if !only_reads(rest, variable) => return false,
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
        if !matches!(*operator, "=" | "+=" | "<<" | "|=" | "-=") {
            return false;
        }
        // What is set may call the specification in a way that is not understood.
        if value.is_err() && !only_reads(typed, variable) {
            return false;
        }
        let field = canonical(field);
        // Read again as `s.name`, a text stays a text.
        let (known, again) = if *operator == "=" {
            (value.clone().and_then(Value::strings), value)
        } else {
            let known = value
                .and_then(Value::strings)
                .and_then(|value| self.changed(field, operator, &value, sources));
            (known.clone(), known.map(Value::List))
        };
        scope.variables.insert(format!("{variable}.{field}"), again);
        self.fields.insert(field.to_owned(), known);
        true
    }

    /// A field with a list added to it or taken from it.
    fn changed(
        &self,
        field: &str,
        operator: &str,
        value: &[Rc<str>],
        sources: &Sources<'_>,
    ) -> Known<List> {
        let known = self.fields.get(field).cloned();
        let before = known.unwrap_or_else(|| Ok(default(field)))?;
        if operator == "-=" {
            without(&before, value, sources)
        } else {
            joined(&before, value, sources)
        }
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
                            let field = canonical(field);
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

/// `add_dependency "name", "~> 1.0"`, with or without brackets.
fn needed(rest: &[Token], scope: &Scope, sources: &Sources<'_>) -> Known<String> {
    let listed: Vec<Token> = [
        std::slice::from_ref(&Token::Mark("[")),
        strip(rest),
        std::slice::from_ref(&Token::Mark("]")),
    ]
    .concat();
    let all = evaluate(&listed, scope, sources)?.strings()?;
    let (name, constraints) = all.split_first().ok_or("a dependency without a name")?;
    dependency(name, constraints).ok_or_else(|| format!("the dependency {name}"))
}

/// What changes nothing of the specification: a variable, something required, a message. Carries it out.
fn is_harmless(
    statement: &[Token],
    variable: &str,
    scope: &mut Scope,
    sources: &Sources<'_>,
) -> bool {
    match statement {
        [Token::Name(name), Token::Mark("="), value @ ..] if is_variable(name) => {
            let known = evaluate(value, scope, sources);
            let harmless = known.is_ok() || only_reads(value, variable);
            scope.variables.insert(name.clone(), known);
            harmless
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
            only_reads(rest, variable)
        }
        [Token::Value(name), Token::Mark("." | "<<"), rest @ ..]
            if matches!(name.as_str(), "$LOAD_PATH" | "$:") =>
        {
            touched(rest, variable).is_some_and(|fields| fields.is_empty())
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
