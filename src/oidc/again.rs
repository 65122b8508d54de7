//! A token checked again, long after it was exchanged: with the one key that was recorded then, under the settings and at
//! the time of then. What its provider publishes today plays no part.
use events::{
    provider::{ObservedKey, Registered},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use super::{
    error::TokenError,
    keys::KeySet,
    token::{VerifiedToken, Windows, verify},
    unverified::{MalformedToken, UnverifiedToken},
};

/// What a token says, and whether its provider said so.
pub struct Again {
    /// Every claim, verified or not.
    pub claims: Map<String, Value>,
    /// What it proves, or why it proves nothing.
    pub verified: Result<VerifiedToken, TokenError>,
}

/// Checks a token with this key of its provider, as it was checked at this time.
pub fn verify_again(
    token: &str,
    provider: &Registered,
    key: &ObservedKey,
    at: Timestamp,
    windows: &Windows,
) -> Result<Again, MalformedToken> {
    let token = UnverifiedToken::parse(token)?;
    let verified = match alone(provider, key, at) {
        Some(keys) => verify(&token, provider, &keys, at, windows),
        None => Err(TokenError::UnknownKey {
            kid: key.kid.clone(),
        }),
    };
    Ok(Again {
        claims: token.claims,
        verified,
    })
}

/// A key set of this key alone. A key that had no name when it was observed is called by its thumbprint in the log.
fn alone(provider: &Registered, key: &ObservedKey, at: Timestamp) -> Option<KeySet> {
    let mut jwk = serde_json::to_value(&key.jwk).ok()?;
    if key.kid.as_str() != key.thumbprint.to_string() {
        let members = jwk.as_object_mut()?;
        members.insert("kid".to_owned(), json!(key.kid));
    }
    let document = json!({ "keys": [jwk] }).to_string();
    KeySet::parse(document.as_bytes(), &provider.algorithms, at).ok()
}
