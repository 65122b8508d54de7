//! JSON that a stranger signed, read so that no two readers can differ: each member of an object is there once, and an
//! object is never a list.
use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::statement::StatementError;

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
