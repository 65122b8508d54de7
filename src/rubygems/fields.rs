//! Taking typed values out of a YAML mapping, each named in its error as a gem's author would name it.

use super::scalar::{Plain, read_plain};
use super::specification::SpecError;
use super::yaml::{Node, Value};

/// The entries of one mapping; whatever is not taken is unknown.
pub(super) struct Fields {
    path: String,
    entries: Vec<(String, Node)>,
}

/// A value and its name.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) node: Node,
}

impl Fields {
    /// Takes a value per known key, in the order of `keys`; an unknown key is refused because some Ruby may give it a meaning.
    pub(super) fn take<const N: usize>(
        mut self,
        keys: [&'static str; N],
    ) -> Result<[Option<Field>; N], SpecError> {
        let taken = keys.map(|key| {
            let place = self.entries.iter().position(|(found, _)| found == key)?;
            let (key, node) = self.entries.swap_remove(place);
            Some(Field {
                name: format!("{}{key}", self.path),
                node,
            })
        });
        match self.entries.into_iter().next() {
            Some((key, _)) => Err(SpecError::UnknownField {
                field: format!("{}{}", self.path, shorten(&key)),
            }),
            None => Ok(taken),
        }
    }
}

impl Field {
    /// A mapping with one of these tags.
    pub(super) fn object(self, tags: &[&str], expected: &'static str) -> Result<Fields, SpecError> {
        match (self.node.value, self.node.tag) {
            (Value::Mapping(entries), Some(tag)) if tags.contains(&tag.as_str()) => {
                let path = if self.name.is_empty() {
                    String::new()
                } else {
                    format!("{}.", self.name)
                };
                Ok(Fields { path, entries })
            }
            _ => Err(SpecError::Shape {
                field: self.name,
                expected,
            }),
        }
    }

    /// The entries of a mapping without tag.
    pub(super) fn mapping(self) -> Result<Vec<(String, Field)>, SpecError> {
        match (self.node.value, self.node.tag) {
            (Value::Mapping(entries), None) => Ok(entries
                .into_iter()
                .map(|(key, node)| {
                    (
                        key.clone(),
                        Field {
                            name: format!("{}.{}", self.name, shorten(&key)),
                            node,
                        },
                    )
                })
                .collect()),
            _ => Err(SpecError::Shape {
                field: self.name,
                expected: "a mapping",
            }),
        }
    }

    /// A list without tag.
    pub(super) fn list(self, most: usize) -> Result<Vec<Field>, SpecError> {
        match (self.node.value, self.node.tag) {
            (Value::Sequence(items), None) if items.len() > most => Err(SpecError::TooMany {
                field: self.name,
                most,
            }),
            (Value::Sequence(items), None) => Ok(items
                .into_iter()
                .enumerate()
                .map(|(place, node)| Field {
                    name: format!("{}[{place}]", self.name),
                    node,
                })
                .collect()),
            _ => Err(SpecError::Shape {
                field: self.name,
                expected: "a list",
            }),
        }
    }

    /// A string.
    pub(super) fn text(self) -> Result<String, SpecError> {
        match (self.node.value, self.node.tag.as_deref()) {
            (Value::Quoted(text), None) => Ok(text),
            // Ruby 1.9 wrote `! '…'` for what needs quotes; Psych reads it as if it had none.
            (Value::Plain(text), None) | (Value::Quoted(text), Some("!")) => {
                match read_plain(&text) {
                    Plain::Text(_) => Ok(text),
                    Plain::Null
                    | Plain::Boolean(_)
                    | Plain::Integer(_)
                    | Plain::Symbol(_)
                    | Plain::Ambiguous => Err(SpecError::NotText {
                        field: self.name,
                        found: shorten(&text),
                    }),
                }
            }
            (_, Some("!binary" | "tag:yaml.org,2002:binary")) => {
                Err(SpecError::Binary { field: self.name })
            }
            _ => Err(SpecError::Shape {
                field: self.name,
                expected: "a string",
            }),
        }
    }

    /// A scalar without quotes or tag.
    pub(super) fn plain(&self) -> Option<Plain<'_>> {
        match (&self.node.value, &self.node.tag) {
            (Value::Plain(text), None) => Some(read_plain(text)),
            _ => None,
        }
    }

    /// The characters of a scalar without quotes or tag.
    pub(super) fn plain_text(&self) -> Option<&str> {
        match (&self.node.value, &self.node.tag) {
            (Value::Plain(text), None) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        self.plain() == Some(Plain::Null)
    }

    /// Nothing, true or false: attributes that `RubyGems` sets and never reads.
    pub(super) fn ignorable(self) -> Result<(), SpecError> {
        match self.plain() {
            Some(Plain::Null | Plain::Boolean(_)) => Ok(()),
            _ => Err(SpecError::Shape {
                field: self.name,
                expected: "true, false or nothing",
            }),
        }
    }
}

/// An absent or null field is as good as none.
pub(super) fn present(field: Option<Field>) -> Option<Field> {
    field.filter(|field| !field.is_null())
}

pub(super) fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}
