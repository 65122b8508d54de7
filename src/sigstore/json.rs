//! JSON that a stranger signed, read so that no two readers can differ: each member of an object is there once, an object
//! is never a list, and no name can be taken for another.
use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::{error::shown, statement::StatementError};

/// A value. What is never compared is not kept.
pub(super) enum Json {
    List(Vec<Self>),
    Null,
    Object(BTreeMap<String, Self>),
    Other,
    Text(String),
}

impl Json {
    /// What stands at this path, whose members are separated by dots; `Null` where there is nothing.
    pub(super) fn at(&self, path: &str) -> &Self {
        path.split('.').fold(self, |value, name| match value {
            Self::Object(members) => members.get(name).unwrap_or(&Self::Null),
            Self::List(_) | Self::Null | Self::Other | Self::Text(_) => &Self::Null,
        })
    }

    /// The string at this path, if there is one. What is something else is refused: another reader may convert it.
    pub(super) fn text(&self, path: &str) -> Result<Option<&str>, StatementError> {
        match self.at(path) {
            Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::List(_) | Self::Object(_) | Self::Other => Err(StatementError::Malformed(
                format!("`{path}` is not a string"),
            )),
        }
    }

    /// The items at this path; none where there is nothing.
    pub(super) fn items(&self, path: &str) -> Result<&[Self], StatementError> {
        match self.at(path) {
            Self::Null => Ok(&[]),
            Self::List(items) => Ok(items),
            Self::Object(_) | Self::Other | Self::Text(_) => {
                Err(StatementError::Malformed(format!("`{path}` is not a list")))
            }
        }
    }

    /// The members at this path, each a string; none where there is nothing.
    pub(super) fn texts(&self, path: &str) -> Result<Vec<(&str, &str)>, StatementError> {
        let wrong = || StatementError::Malformed(format!("`{path}` is not an object of strings"));
        match self.at(path) {
            Self::Null => Ok(Vec::new()),
            Self::Object(members) => {
                let members = members.iter().map(|(name, value)| match value {
                    Self::Text(text) => Ok((name.as_str(), text.as_str())),
                    Self::List(_) | Self::Null | Self::Object(_) | Self::Other => Err(wrong()),
                });
                members.collect()
            }
            Self::List(_) | Self::Other | Self::Text(_) => Err(wrong()),
        }
    }

    /// No other members than these. What is not an object has none.
    pub(super) fn only(&self, names: &[&str]) -> Result<(), StatementError> {
        let Self::Object(members) = self else {
            return Ok(());
        };
        match members.keys().find(|name| !names.contains(&name.as_str())) {
            Some(name) => Err(StatementError::Malformed(format!(
                "`{}` is not a member there",
                shown(name)
            ))),
            None => Ok(()),
        }
    }

    /// No name on the way to these paths, through each item of a list, that another reader may take for one of theirs:
    /// Go's `encoding/json` reads on without regard to case, also of two letters beyond ASCII, and the last one wins;
    /// readers of protobuf's JSON take `resolved_dependencies` for `resolvedDependencies`.
    pub(super) fn unmistakable(&self, paths: &[&str]) -> Result<(), StatementError> {
        let members = match self {
            Self::Object(members) if !paths.is_empty() => members,
            Self::List(items) => return items.iter().try_for_each(|item| item.unmistakable(paths)),
            Self::Null | Self::Object(_) | Self::Other | Self::Text(_) => return Ok(()),
        };
        let names = || paths.iter().filter_map(|path| path.split('.').next());
        for (name, value) in members {
            let below: Vec<&str> = paths
                .iter()
                .filter_map(|path| path.strip_prefix(name.as_str())?.strip_prefix('.'))
                .collect();
            value.unmistakable(&below)?;
            let is_one = names().any(|known| known == name);
            let looks_like_one = || names().any(|known| folded(known) == folded(name));
            if !is_one && (!name.is_ascii() || looks_like_one()) {
                return Err(StatementError::Malformed(format!(
                    "`{}` can be taken for another name",
                    shown(name)
                )));
            }
        }
        Ok(())
    }
}

/// A name as a reader sees it that is not particular.
fn folded(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((name, value)) = members.next_entry::<String, Json>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("`{name}` is there twice")));
            }
            object.insert(name, value);
        }
        Ok(Json::Object(object))
    }
}
