//! Reading verified claims: each value a bounded text, absent and empty alike, and named in the error when it is missing.
use events::text::Text;
use serde_json::{Map, Value};

use super::error::TokenError;

/// The claims of a token whose signature has been checked.
pub(super) struct Claims<'a>(&'a Map<String, Value>);

impl<'a> Claims<'a> {
    pub(super) fn of(claims: &'a Map<String, Value>) -> Self {
        Self(claims)
    }

    /// A string, or an integer written as one: ids arrive as either, depending on provider and version.
    pub(super) fn optional(&self, name: &str) -> Result<Option<Text>, TokenError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            // GitHub writes `""` where there is nothing to say.
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(Text::claim(text))),
            Some(Value::Number(number)) if number.is_u64() || number.is_i64() => {
                Ok(Some(Text::claim(&number.to_string())))
            }
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(TokenError::invalid(name, "a string"))
            }
        }
    }

    /// The same, where the job cannot be described without it.
    pub(super) fn required(&self, name: &str) -> Result<Text, TokenError> {
        self.optional(name)?
            .ok_or_else(|| TokenError::missing(name))
    }

    /// A truth value, which both forges write as the string `"true"` or `"false"`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, TokenError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(TokenError::invalid(name, "true or false"))
            }
        }
    }
}
