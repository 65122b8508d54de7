//! How old versions are read: each retired version is lifted, when read, to the shape that is written now.
//!
//! Stored bytes never change. A type whose data changes gets the next version; the old struct moves here, with a
//! conversion, and implements [`Versioned::upcast`] for the new one.
use crate::{body::Versioned, event::DecodeError};

/// Reads `data` of version `found`, where `current` is the version written now.
pub(crate) fn read<T: Versioned>(
    name: &'static str,
    current: u32,
    found: u32,
    data: &str,
) -> Result<T, DecodeError> {
    if found == current {
        return parse(data);
    }
    T::upcast(found, data).unwrap_or(Err(DecodeError::UnknownVersion {
        name,
        found,
        current,
    }))
}

/// Reads one shape of data.
pub(crate) fn parse<T: for<'de> serde::Deserialize<'de>>(data: &str) -> Result<T, DecodeError> {
    serde_json::from_str(data)
        .map_err(|error| DecodeError::Malformed(alloc::format!("data: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    /// Version 1 wrote the path in one string; version 2 writes owner and name apart.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct MovedV1 {
        path: alloc::string::String,
    }

    #[derive(Deserialize, Debug, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Moved {
        name: alloc::string::String,
        owner: alloc::string::String,
    }

    impl Versioned for Moved {
        fn upcast(v: u32, data: &str) -> Option<Result<Self, DecodeError>> {
            (v == 1).then(|| {
                let old: MovedV1 = parse(data)?;
                let (owner, name) = old
                    .path
                    .split_once('/')
                    .ok_or_else(|| DecodeError::Malformed("path without a slash".into()))?;
                Ok(Self {
                    name: name.into(),
                    owner: owner.into(),
                })
            })
        }
    }

    #[test]
    fn a_retired_version_is_lifted_to_the_current_shape() {
        let lifted: Moved = read("repository.moved", 2, 1, r#"{"path":"ruby/rake"}"#).unwrap();
        let written: Moved = read(
            "repository.moved",
            2,
            2,
            r#"{"name":"rake","owner":"ruby"}"#,
        )
        .unwrap();
        assert_eq!(lifted, written);
    }

    #[test]
    fn a_version_from_the_future_is_not_guessed_at() {
        let error = read::<Moved>("repository.moved", 2, 3, "{}").unwrap_err();
        assert_eq!(
            error,
            DecodeError::UnknownVersion {
                name: "repository.moved",
                found: 3,
                current: 2
            }
        );
    }

    #[test]
    fn a_retired_version_does_not_pass_for_the_current_one() {
        assert!(read::<Moved>("repository.moved", 2, 2, r#"{"path":"ruby/rake"}"#).is_err());
    }
}
