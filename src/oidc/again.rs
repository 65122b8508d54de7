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
    let verified = match alone(provider, key, token.kid(), at) {
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

/// A key set of this key alone, by whatever name the token calls it. The exchange names it by its thumbprint; the log has the
/// name that it was first published under, and a provider may publish a key under another one, or under none, later.
fn alone(
    provider: &Registered,
    key: &ObservedKey,
    kid: Option<&str>,
    at: Timestamp,
) -> Option<KeySet> {
    let mut jwk = serde_json::to_value(&key.jwk).ok()?;
    if let Some(kid) = kid {
        let members = jwk.as_object_mut()?;
        members.insert("kid".to_owned(), json!(kid));
    }
    let document = json!({ "keys": [jwk] }).to_string();
    KeySet::parse(document.as_bytes(), &provider.algorithms, at).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::given::{ISSUER, WINDOWS, github, issuer, keys, now, release, release_with};
    use events::provider::Algorithm;

    const RS256: [Algorithm; 1] = [Algorithm::RS256];

    fn key() -> ObservedKey {
        keys(&ISSUER, &RS256).observed().remove(0)
    }

    #[test]
    fn a_token_is_checked_with_the_recorded_key_at_the_time_of_then() {
        let token = ISSUER.sign(&release()).unwrap();
        let again = verify_again(&token, &github(), &key(), now(), &WINDOWS).unwrap();
        let verified = again.verified.unwrap();
        assert_eq!(verified.key_thumbprint, key().thumbprint);
        assert_eq!(again.claims["repository"], "acme/rake");
        let late = now().plus_seconds(7200);
        let again = verify_again(&token, &github(), &key(), late, &WINDOWS).unwrap();
        assert!(matches!(again.verified, Err(TokenError::Expired { .. })));
    }

    #[test]
    fn a_key_that_was_renamed_since_it_was_recorded_is_the_same_key() {
        let token = ISSUER.sign(&release()).unwrap();
        for kid in ["an-earlier-name", &key().thumbprint.to_string()] {
            let renamed = ObservedKey {
                kid: events::text::Text::parse(kid).unwrap(),
                ..key()
            };
            let again = verify_again(&token, &github(), &renamed, now(), &WINDOWS).unwrap();
            assert_eq!(again.verified.unwrap().key_thumbprint, key().thumbprint);
        }
    }

    #[test]
    fn another_key_or_another_claim_is_not_what_the_provider_signed() {
        let token = ISSUER.sign(&release()).unwrap();
        let other = issuer(Algorithm::RS256);
        let stranger = keys(&other, &RS256).observed().remove(0);
        let renamed = ObservedKey {
            kid: key().kid,
            ..stranger
        };
        let again = verify_again(&token, &github(), &renamed, now(), &WINDOWS).unwrap();
        assert!(matches!(again.verified, Err(TokenError::BadSignature)));
        // The claims are told all the same: whoever looks wants to see what was claimed.
        assert_eq!(again.claims["repository"], "acme/rake");
        let forged = ISSUER.sign(&release_with(json!({"repository": "evil/rake"})));
        let forged = forged.unwrap();
        let (_, signature) = token.rsplit_once('.').unwrap();
        let (input, _) = forged.rsplit_once('.').unwrap();
        let forged = format!("{input}.{signature}");
        let again = verify_again(&forged, &github(), &key(), now(), &WINDOWS).unwrap();
        assert!(matches!(again.verified, Err(TokenError::BadSignature)));
        assert!(verify_again("x", &github(), &key(), now(), &WINDOWS).is_err());
    }
}
