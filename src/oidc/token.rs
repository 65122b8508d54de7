//! Verification of an identity token: a pure function of the token, its provider, the provider's keys and the time.
//!
//! The signature is checked before any claim is looked at. Then: issuer, audience, time, the claims that the operator
//! requires, and at last the provider's dialect. `sub` is never read: its form is the workflow author's to choose.
use events::{
    claims::{ProviderKind, Workflow},
    digest::Digest,
    provider::{Algorithm, Registered},
    text::Text,
    time::Timestamp,
};
use serde_json::{Map, Value};

use super::{
    audience, claims::Claims, error::TokenError, generic, github, gitlab, jwk::Key, keys::KeySet,
    unverified::UnverifiedToken,
};

/// The time rules of identity tokens, as the edition of the rulebook in force sets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// How far two clocks may disagree, in seconds; the one leeway of every window.
    pub leeway_seconds: u64,
    /// The longest `exp` − `iat`.
    pub token_lifetime_max_seconds: u64,
}

/// What a token proved: the job that asks, and with which key and until when its provider said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    /// The audience, which is this registry.
    pub audience: Text,
    /// `exp`.
    pub expires_at: Timestamp,
    /// What makes the token one of its kind: SHA-256 of `jti`, or of the signing input of a token without one.
    pub id: Digest,
    /// `iat`.
    pub issued_at: Timestamp,
    /// RFC 7638 thumbprint of the key that signed it.
    pub key_thumbprint: Digest,
    /// The name of that key.
    pub kid: Text,
    /// The job, as its provider describes it.
    pub workflow: Workflow,
}

/// Checks a token against its provider's registration and newest keys at this time.
pub fn verify(
    token: &UnverifiedToken,
    provider: &Registered,
    keys: &KeySet,
    now: Timestamp,
    windows: &Windows,
) -> Result<VerifiedToken, TokenError> {
    let key = check_signature(token, provider, keys)?;
    let claims = &token.claims;
    if token.issuer() != provider.issuer.as_str() {
        return Err(TokenError::WrongIssuer {
            came: Text::claim(token.issuer()),
        });
    }
    check_audience(claims.get("aud"), provider)?;
    let (issued_at, expires_at) = check_times(claims, now, windows)?;
    check_required(claims, provider)?;
    let claims = Claims::of(claims);
    let workflow = match provider.kind {
        ProviderKind::Generic => generic::workflow(
            &claims,
            provider.mapping.as_ref().ok_or(TokenError::NoMapping)?,
        ),
        ProviderKind::Github => github::workflow(&claims),
        ProviderKind::Gitlab => gitlab::workflow(&claims),
    }?;
    Ok(VerifiedToken {
        audience: provider.audience.clone(),
        expires_at,
        id: identity(token)?,
        issued_at,
        key_thumbprint: key.thumbprint(),
        kid: key.kid().clone(),
        workflow,
    })
}

/// The key that made the signature. The token chooses among what the provider declared and publishes, no further.
fn check_signature<'keys>(
    token: &UnverifiedToken,
    provider: &Registered,
    keys: &'keys KeySet,
) -> Result<&'keys Key, TokenError> {
    let algorithm = algorithm(&token.algorithm)
        .filter(|algorithm| provider.algorithms.contains(algorithm))
        .ok_or_else(|| TokenError::AlgorithmNotAllowed {
            came: Text::claim(&token.algorithm),
            allowed: provider.algorithms.clone(),
        })?;
    let key = keys.find(token.kid()).ok_or_else(|| match token.kid() {
        Some(kid) => TokenError::UnknownKey {
            kid: Text::claim(kid),
        },
        None => TokenError::NoKeyNamed,
    })?;
    match key.verifies(algorithm, token.signing_input.as_bytes(), &token.signature) {
        Some(true) => Ok(key),
        Some(false) => Err(TokenError::BadSignature),
        None => Err(TokenError::KeyDoesNotFit {
            algorithm,
            kid: key.kid().clone(),
        }),
    }
}

/// The names of RFC 7518 and RFC 8037 that can be accepted at all: nothing symmetric, never `none`.
pub(super) fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "RS256" => Some(Algorithm::RS256),
        "PS256" => Some(Algorithm::PS256),
        "ES256" => Some(Algorithm::ES256),
        "EdDSA" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

fn check_audience(claim: Option<&Value>, provider: &Registered) -> Result<(), TokenError> {
    let expected = &provider.audience;
    let kind = provider.kind;
    let several = |count| TokenError::SeveralAudiences {
        count,
        expected: expected.clone(),
        kind,
    };
    let came = match claim {
        None | Some(Value::Null) => return Err(TokenError::missing("aud")),
        Some(Value::String(one)) => one,
        Some(Value::Array(list)) => match list.as_slice() {
            [Value::String(one)] => one,
            [_] => return Err(TokenError::invalid("aud", "a string")),
            more => return Err(several(more.len())),
        },
        Some(_) => return Err(TokenError::invalid("aud", "a string")),
    };
    if came == expected.as_str() {
        return Ok(());
    }
    let (expected, came_text) = (expected.clone(), Text::claim(came));
    Err(match audience::other_registry(came) {
        Some(made_for) => TokenError::AudienceElsewhere {
            came: came_text,
            expected,
            kind,
            made_for,
        },
        None => TokenError::WrongAudience {
            came: came_text,
            expected,
            kind,
        },
    })
}

/// `iat` and `exp`, after every window has been checked with the one leeway.
fn check_times(
    claims: &Map<String, Value>,
    now: Timestamp,
    windows: &Windows,
) -> Result<(Timestamp, Timestamp), TokenError> {
    let required = |name| seconds(claims, name)?.ok_or_else(|| TokenError::missing(name));
    let (issued, expires) = (required("iat")?, required("exp")?);
    let not_before = seconds(claims, "nbf")?;
    let lifetime = i128::from(expires) - i128::from(issued);
    if !(1..=i128::from(windows.token_lifetime_max_seconds)).contains(&lifetime) {
        return Err(TokenError::LifetimeTooLong {
            came: lifetime,
            max: windows.token_lifetime_max_seconds,
        });
    }
    let latest_start = now.plus_seconds(windows.leeway_seconds);
    for (claim, from) in [("iat", Some(issued)), ("nbf", not_before)] {
        let from = Timestamp::from_seconds(from.unwrap_or(0));
        if from > latest_start {
            return Err(TokenError::NotYetValid { claim, from, now });
        }
    }
    let expired_at = Timestamp::from_seconds(expires);
    if expired_at.plus_seconds(windows.leeway_seconds) <= now {
        return Err(TokenError::Expired { expired_at, now });
    }
    Ok((Timestamp::from_seconds(issued), expired_at))
}

/// A `NumericDate` that is a whole number; RFC 7519 would allow fractions, no provider sends them.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<u64>, TokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_u64() {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(TokenError::invalid(name, "a whole number of seconds")),
        },
    }
}

fn check_required(claims: &Map<String, Value>, provider: &Registered) -> Result<(), TokenError> {
    let differs = provider.required.iter().find(|(name, expected)| {
        let came = match claims.get(name.as_str()) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Bool(flag)) => Some(flag.to_string()),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => None,
        };
        came.as_deref() != Some(expected.as_str())
    });
    match differs {
        None => Ok(()),
        Some((name, _)) => Err(TokenError::RequiredClaim {
            claim: Text::claim(name.as_str()),
        }),
    }
}

/// The digest that a token is used up by.
fn identity(token: &UnverifiedToken) -> Result<Digest, TokenError> {
    match token.claims.get("jti") {
        None => Ok(Digest::of(token.signing_input.as_bytes())),
        // An empty `jti` would make all tokens of the provider one token.
        Some(Value::String(jti)) if !jti.is_empty() => Ok(Digest::of(jti.as_bytes())),
        Some(_) => Err(TokenError::invalid("jti", "a string that is not empty")),
    }
}
