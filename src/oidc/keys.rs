//! The keys of one provider as its key set (JWKS, RFC 7517) published them at one time.
//!
//! Of the document: a JSON object without duplicate names, at most 256 KiB and 100 keys, no usable `kid` twice; else it
//! is refused whole and the older set stays. Of a key: what cannot be used is left out (see [`Key`]). An empty set is
//! a set: a provider that withdraws all its keys means it.
use core::fmt;
use std::collections::BTreeMap;

use events::{
    provider::{Algorithm, ObservedKey},
    time::Timestamp,
};
use serde_json::Value;

use super::{json, jwk::Key};

/// Longest key set, in bytes.
pub const MAX_DOCUMENT: usize = 256 * 1024;

/// Most keys in a set.
pub const MAX_KEYS: usize = 100;

/// A provider's usable keys, by the names that tokens call them by.
pub struct KeySet {
    fetched_at: Timestamp,
    named: BTreeMap<String, Key>,
    /// The key of a provider with a single key and no name for it.
    unnamed: Option<Key>,
}

/// Why a document is not a key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// More than [`MAX_DOCUMENT`] bytes.
    #[error("the key set is longer than 256 KiB")]
    TooLong,
    /// Not a JSON object with an array of objects called `keys`, or a name occurs twice.
    #[error("the key set is not a JSON object with an array of keys, every name once")]
    NotKeys,
    /// More than [`MAX_KEYS`] keys.
    #[error("the key set has more than 100 keys")]
    TooMany,
    /// Two usable keys have the same `kid`: a token could mean either.
    #[error("the key set has two keys called `{0}`")]
    DuplicateKid(events::text::Text),
}

impl KeySet {
    /// Reads a key set, keeping the keys that can verify tokens signed with one of these algorithms.
    ///
    /// A key without `kid` is kept only when it is the only usable one: then there is nothing to choose.
    pub fn parse(
        document: &[u8],
        allowed: &[Algorithm],
        fetched_at: Timestamp,
    ) -> Result<Self, KeySetError> {
        if document.len() > MAX_DOCUMENT {
            return Err(KeySetError::TooLong);
        }
        let members = json::object(document).map_err(|_| KeySetError::NotKeys)?;
        let Some(Value::Array(list)) = members.get("keys") else {
            return Err(KeySetError::NotKeys);
        };
        if list.len() > MAX_KEYS {
            return Err(KeySetError::TooMany);
        }
        let mut set = Self {
            fetched_at,
            named: BTreeMap::new(),
            unnamed: None,
        };
        let mut without_name = Vec::new();
        for value in list {
            let members = value.as_object().ok_or(KeySetError::NotKeys)?;
            let Some(key) = Key::read(members, allowed) else {
                continue;
            };
            if !members.contains_key("kid") {
                without_name.push(key);
            } else if let Some(twin) = set.named.insert(key.kid().as_str().to_owned(), key) {
                return Err(KeySetError::DuplicateKid(twin.kid().clone()));
            }
        }
        if set.named.is_empty() && without_name.len() == 1 {
            set.unnamed = without_name.pop();
        }
        Ok(set)
    }

    /// The key a token names, or the one key of a provider that names none.
    pub fn find(&self, kid: Option<&str>) -> Option<&Key> {
        match kid {
            Some(kid) => self.named.get(kid),
            None => self.unnamed.as_ref(),
        }
    }

    /// Every key in it, as the log records keys, to compare with those recorded already.
    pub fn observed(&self) -> Vec<ObservedKey> {
        self.named
            .values()
            .chain(&self.unnamed)
            .map(Key::observed)
            .collect()
    }

    /// When it was asked for.
    pub fn fetched_at(&self) -> Timestamp {
        self.fetched_at
    }

    /// How many seconds ago it was asked for; none if the clock has gone back since.
    pub fn age_seconds(&self, now: Timestamp) -> u64 {
        now.millis().saturating_sub(self.fetched_at.millis()) / 1000
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("fetched_at", &self.fetched_at)
            .field("kids", &self.named.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::given::{ISSUER, issuer, now};
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    const ALL: [Algorithm; 4] = [
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::EdDSA,
    ];

    fn parse(document: &Value) -> Result<KeySet, KeySetError> {
        KeySet::parse(document.to_string().as_bytes(), &ALL, now())
    }

    fn usable(jwk: &Value) -> bool {
        parse(&json!({ "keys": [jwk] })).unwrap().observed().len() == 1
    }

    fn rsa() -> Value {
        ISSUER.jwks()["keys"][0].clone()
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    fn without(mut jwk: Value, name: &str) -> Value {
        jwk.as_object_mut().unwrap().remove(name);
        jwk
    }

    fn number(bytes: &[u8]) -> Value {
        json!(URL_SAFE_NO_PAD.encode(bytes))
    }

    #[test]
    fn keys_for_other_purposes_types_and_algorithms_are_left_out() {
        assert!(usable(&rsa()));
        assert!(usable(&without(without(rsa(), "use"), "alg")));
        assert!(usable(&with(rsa(), "key_ops", json!(["verify"]))));
        for (name, value) in [
            ("use", json!("enc")),
            ("use", json!(null)),
            ("key_ops", json!(["encrypt"])),
            ("key_ops", json!("verify")),
            ("alg", json!("RS512")),
            ("alg", json!("HS256")),
            ("alg", json!(1)),
            ("alg", json!("ES256")),
            ("kty", json!("oct")),
            ("kty", json!("AKP")),
            ("kid", json!(7)),
            ("kid", json!("")),
            ("kid", json!("sha256:00")),
            ("kid", json!("a\u{202E}b")),
            ("d", json!("AQAB")),
        ] {
            assert!(!usable(&with(rsa(), name, value.clone())), "{name} {value}");
        }
    }

    #[test]
    fn a_set_keeps_only_what_its_provider_signs_with() {
        let document = json!({ "keys": [rsa()] }).to_string();
        let other = KeySet::parse(document.as_bytes(), &[Algorithm::ES256], now()).unwrap();
        assert!(other.observed().is_empty());
    }

    #[test]
    fn unsound_rsa_keys_are_left_out() {
        let sound = |bytes: usize| [&[0x80], vec![0_u8; bytes - 2].as_slice(), &[1]].concat();
        for bytes in [256, 1024] {
            assert!(usable(&with(rsa(), "n", number(&sound(bytes)))), "{bytes}");
        }
        let mut odd_size = sound(256);
        odd_size[0] = 0x40;
        let mut even = sound(256);
        even[255] = 2;
        for bad in [
            sound(128),
            sound(255),
            sound(1025),
            odd_size,
            even,
            [&[0], sound(256).as_slice()].concat(),
            vec![],
        ] {
            assert!(
                !usable(&with(rsa(), "n", number(&bad))),
                "{} bytes",
                bad.len()
            );
        }
        for bad in [
            &[1][..],
            &[3],
            &[1, 0, 0],
            &[0, 1, 0, 1],
            &[1, 0, 0, 0, 0, 1, 1],
            &[],
        ] {
            assert!(!usable(&with(rsa(), "e", number(bad))), "{bad:?}");
        }
        for bad in ["AQAB=", "AQ AB", "AQA+", "AQAC="] {
            assert!(!usable(&with(rsa(), "e", json!(bad))), "{bad}");
        }
    }

    #[test]
    fn points_that_are_not_on_their_curve_are_left_out() {
        let elliptic = issuer(Algorithm::ES256).jwks()["keys"][0].clone();
        assert!(usable(&elliptic));
        assert!(!usable(&with(elliptic.clone(), "x", number(&[1; 32]))));
        assert!(!usable(&with(elliptic.clone(), "y", number(&[0; 31]))));
        assert!(!usable(&with(elliptic, "crv", json!("P-384"))));
        let edwards = issuer(Algorithm::EdDSA).jwks()["keys"][0].clone();
        assert!(usable(&edwards));
        assert!(!usable(&with(edwards.clone(), "x", number(&[0; 31]))));
        assert!(!usable(&with(edwards, "crv", json!("X25519"))));
    }

    #[test]
    fn a_document_that_leaves_anything_open_is_refused_whole() {
        for (document, error) in [
            (json!([]), KeySetError::NotKeys),
            (json!({}), KeySetError::NotKeys),
            (json!({"keys": {}}), KeySetError::NotKeys),
            (json!({"keys": [1]}), KeySetError::NotKeys),
            (json!({"keys": vec![json!({}); 101]}), KeySetError::TooMany),
            (
                json!({"keys": [], "x": "y".repeat(MAX_DOCUMENT)}),
                KeySetError::TooLong,
            ),
        ] {
            assert_eq!(parse(&document).unwrap_err(), error);
        }
        let twice = json!({"keys": [rsa(), rsa()]});
        assert!(matches!(parse(&twice), Err(KeySetError::DuplicateKid(_))));
        let repeated = r#"{"keys":[{"kty":"RSA","kty":"EC"}]}"#;
        assert_eq!(
            KeySet::parse(repeated.as_bytes(), &ALL, now()).unwrap_err(),
            KeySetError::NotKeys
        );
        assert!(parse(&json!({"keys": []})).unwrap().observed().is_empty());
    }

    #[test]
    fn a_nameless_key_counts_only_when_it_is_alone() {
        let nameless = without(rsa(), "kid");
        let alone = parse(&json!({"keys": [nameless]})).unwrap();
        assert!(alone.find(None).is_some());
        assert!(alone.find(Some("stand-in-1")).is_none());
        let beside = parse(&json!({"keys": [nameless, rsa()]})).unwrap();
        assert!(beside.find(None).is_none());
        assert!(beside.find(Some("stand-in-1")).is_some());
        assert!(
            parse(&json!({"keys": [nameless, nameless]}))
                .unwrap()
                .find(None)
                .is_none()
        );
    }
}
