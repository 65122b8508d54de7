//! The YAML that Ruby writes, and no other: one document as a tree.
//!
//! The events come from a YAML 1.2 parser, Ruby's from libyaml, which speaks 1.1. What the two could read differently is refused before or while the
//! tree is built: directives, anchors, aliases, duplicate and merge keys, flow collections with anything in them, tabs and the other characters
//! that Ruby always escapes. What is left is what `Psych.dump`, and Syck before it, write.

use std::collections::BTreeSet;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::scalar::{Plain, read_plain};
use super::yaml_source::{self, MAX_LINES};

/// The deepest nesting; a gemspec needs seven.
const MAX_DEPTH: usize = 16;
/// The most scalars and collections; a gem of 100,000 files needs about as many.
const MAX_NODES: usize = 250_000;
/// Why a text is not YAML that every Ruby reads alike.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum YamlError {
    /// Not UTF-8.
    #[error("the YAML is not UTF-8")]
    Encoding,
    /// The parser's own complaint.
    #[error("the YAML has a syntax error at line {line}: {message}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A character that Ruby escapes when it writes YAML.
    #[error(
        "the YAML has the raw character {character:?} at line {line}; Ruby writes it as an escape"
    )]
    Character {
        /// Counted from 1.
        line: usize,
        /// The character.
        character: char,
    },
    /// Something YAML allows and Ruby never writes into a gemspec.
    #[error(
        "the YAML has {what} at line {line}, which RubyGems never writes; build the gem with `gem build`"
    )]
    Unusual {
        /// Counted from 1.
        line: usize,
        /// What was found.
        what: &'static str,
    },
    /// A key that stands twice in one mapping.
    #[error("the YAML has the key `{key}` twice at line {line}")]
    DuplicateKey {
        /// Counted from 1.
        line: usize,
        /// The key.
        key: String,
    },
    /// Too deep or too much.
    #[error(
        "the YAML is nested deeper than {MAX_DEPTH} or has more than {MAX_NODES} values or {MAX_LINES} lines"
    )]
    TooBig,
}

/// A value with its tag and the line where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) tag: Option<String>,
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A scalar without quotes.
    Plain(String),
    /// A scalar in quotes or as a block: always a string.
    Quoted(String),
    Sequence(Vec<Node>),
    Mapping(Vec<(String, Node)>),
}

/// Parses one document.
pub(super) fn parse(text: &str) -> Result<Node, YamlError> {
    yaml_source::check(text)?;
    let mut tree = Tree {
        lines: text.lines().collect(),
        open: Vec::new(),
        root: None,
        nodes: 0,
        documents: 0,
        must_close: false,
    };
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| YamlError::Syntax {
            line: error.marker().line(),
            message: error.info().to_owned(),
        })?;
        tree.accept(event, span)?;
    }
    tree.root.ok_or(YamlError::Unusual {
        line: 1,
        what: "no document",
    })
}

struct Tree<'a> {
    lines: Vec<&'a str>,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    /// The collection just opened is in flow style, so it must close at once.
    must_close: bool,
}

/// A collection whose end is not reached yet.
struct Open {
    node: Node,
    keys: BTreeSet<String>,
    key: Option<String>,
}

impl Tree<'_> {
    fn accept(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        let line = span.start.line();
        let unusual = |what| Err(YamlError::Unusual { line, what });
        let closes = matches!(event, Event::SequenceEnd | Event::MappingEnd);
        if std::mem::take(&mut self.must_close) && !closes {
            return unusual("a `[…]` or `{…}` that is not empty");
        }
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 {
                    unusual("a second document")
                } else {
                    Ok(())
                }
            }
            Event::Alias(_) => unusual("an alias"),
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                unusual("an anchor")
            }
            Event::Scalar(text, style, _, tag) => {
                self.scalar(text.into_owned(), style, tag.as_deref(), span)
            }
            Event::SequenceStart(_, tag) => {
                self.start(Value::Sequence(Vec::new()), tag.as_deref(), span)
            }
            Event::MappingStart(_, tag) => {
                self.start(Value::Mapping(Vec::new()), tag.as_deref(), span)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(ended) => self.put(ended.node),
                None => unusual("an end without a start"),
            },
        }
    }

    fn scalar(
        &mut self,
        text: String,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), YamlError> {
        self.count(span)?;
        let line = span.start.line();
        let node = Node {
            tag: tag.map(tag_text),
            line,
            value: if style == ScalarStyle::Plain {
                Value::Plain(text)
            } else {
                Value::Quoted(text)
            },
        };
        let Some(open) = self.open.last_mut() else {
            return self.put(node);
        };
        if open.key.is_some() || !matches!(open.node.value, Value::Mapping(_)) {
            return self.put(node);
        }
        let unusual = |what| Err(YamlError::Unusual { line, what });
        let key = match node {
            Node {
                tag: None,
                value: Value::Quoted(key),
                ..
            } if span.end.line() == line => key,
            Node {
                tag: None,
                value: Value::Plain(key),
                ..
            } if matches!(read_plain(&key), Plain::Text(_)) => key,
            Node { .. } => return unusual("a key that is not a plain word"),
        };
        if key == "<<" {
            return unusual("a merge key");
        }
        if !open.keys.insert(key.clone()) {
            return Err(YamlError::DuplicateKey { line, key });
        }
        open.key = Some(key);
        Ok(())
    }

    fn start(&mut self, value: Value, tag: Option<&Tag>, span: Span) -> Result<(), YamlError> {
        self.count(span)?;
        let line = span.start.line();
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlError::TooBig);
        }
        if self
            .open
            .last()
            .is_some_and(|open| open.key.is_none() && matches!(open.node.value, Value::Mapping(_)))
        {
            return Err(YamlError::Unusual {
                line,
                what: "a key that is not a plain word",
            });
        }
        // The span reaches from the tag, if any, to the bracket of a flow collection or to where a block begins.
        let bracket = span.end.col().checked_sub(1).filter(|_| !span.is_empty());
        let source = self.lines.get(span.end.line().saturating_sub(1));
        let opener = source
            .zip(bracket)
            .and_then(|(source, place)| source.chars().nth(place));
        self.must_close = matches!(opener, Some('[' | '{'));
        let node = Node {
            tag: tag.map(tag_text),
            line,
            value,
        };
        self.open.push(Open {
            node,
            keys: BTreeSet::new(),
            key: None,
        });
        Ok(())
    }

    fn put(&mut self, node: Node) -> Result<(), YamlError> {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Value::Sequence(items), None) => items.push(node),
            (Value::Mapping(entries), Some(key)) => entries.push((key, node)),
            _ => {
                return Err(YamlError::Unusual {
                    line: node.line,
                    what: "a value without a key",
                });
            }
        }
        Ok(())
    }

    fn count(&mut self, span: Span) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES || span.start.line() == 0 {
            Err(YamlError::TooBig)
        } else {
            Ok(())
        }
    }
}

fn tag_text(tag: &Tag) -> String {
    format!("{}{}", tag.handle, tag.suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unusual(text: &str) -> bool {
        matches!(parse(text), Err(YamlError::Unusual { .. }))
    }

    #[test]
    fn the_shapes_that_ruby_writes_are_read() {
        let node = parse(
            "--- !x\na: b\nc:\n- - \"d\"\n  - !y\n    e: |-\n      f\n      g\nh: []\ni: {}\n",
        )
        .unwrap();
        assert_eq!(node.tag.as_deref(), Some("!x"));
        let Value::Mapping(entries) = node.value else {
            panic!()
        };
        let keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["a", "c", "h", "i"]);
        assert_eq!(entries[0].1.value, Value::Plain("b".to_owned()));
        assert_eq!(entries[2].1.value, Value::Sequence(Vec::new()));
        assert_eq!(entries[3].1.value, Value::Mapping(Vec::new()));
    }

    #[test]
    fn anchors_aliases_and_merges_are_refused() {
        assert!(unusual("a: &b c\n"));
        assert!(unusual("a: &b c\nd: *b\n"));
        assert!(unusual("<<:\n  a: b\n"));
    }

    #[test]
    fn flow_collections_with_anything_in_them_are_refused() {
        for text in [
            "a: [b]\n",
            "a: {b: c}\n",
            "- [[]]\n",
            "a: {? b}\n",
            "a: !t [b]\n",
            "a: !t\n  {b: c}\n",
        ] {
            assert!(unusual(text), "{text}");
        }
        for text in [
            "a:\n- []\n- {}\n",
            "a: !t []\n",
            "- !t\n  - []\n",
            "- !t\n  a: {}\n  b: c\n",
        ] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn keys_are_plain_words_and_stand_once() {
        assert!(matches!(
            parse("a: 1\na: 2\n"),
            Err(YamlError::DuplicateKey { line: 2, .. })
        ));
        assert!(matches!(
            parse("a: 1\n\"a\": 2\n"),
            Err(YamlError::DuplicateKey { .. })
        ));
        for text in [
            "yes: a\n",
            "1: a\n",
            "? - a\n: b\n",
            "? |-\n  a\n  b\n: c\n",
            "!x a: b\n",
        ] {
            assert!(unusual(text), "{text}");
        }
    }

    #[test]
    fn a_second_document_and_a_directive_are_refused() {
        assert!(unusual("--- a\n--- b\n"));
        assert!(unusual("%YAML 1.1\n--- a\n"));
        assert!(parse("").is_err());
    }

    #[test]
    fn depth_and_count_are_bounded() {
        assert_eq!(
            parse(&format!("{}a\n", "- ".repeat(17))),
            Err(YamlError::TooBig)
        );
        assert_eq!(parse(&"- a\n".repeat(MAX_NODES)), Err(YamlError::TooBig));
        assert_eq!(parse(&"\n".repeat(MAX_LINES)), Err(YamlError::TooBig));
    }
}
