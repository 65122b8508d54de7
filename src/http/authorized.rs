//! Who is asking: an API key in the `Authorization` header, as `gem`, `bundle` and scripts send it.
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderMap, HeaderValue, VARY};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use events::{api_key::Scope, time::Timestamp};

use super::problem::Problem;
use crate::{
    app::{App, secret::Secret},
    views::api_keys::{self, ApiKeyRow},
};

/// A key that was shown and is known here.
pub struct Credential(pub ApiKeyRow);

/// The key in a header: `KEY`, `Bearer KEY`, or Basic with the key as user or as password.
fn secret(headers: &HeaderMap) -> Option<Secret> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let Some((scheme, rest)) = value.split_once(' ') else {
        return Secret::parse(value);
    };
    if scheme.eq_ignore_ascii_case("bearer") {
        return Secret::parse(rest.trim());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = zeroize::Zeroizing::new(STANDARD.decode(rest.trim()).ok()?);
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Secret::parse(password).or_else(|| Secret::parse(user))
}

impl Credential {
    /// The key that this request shows. That it is known says nothing yet about what it may do.
    ///
    /// Keys are found by their digest, so nothing about a key can be learnt from how long a wrong one takes.
    pub async fn of(app: &App, headers: &HeaderMap) -> Result<Self, Problem> {
        let unknown = || {
            Problem::unauthorized(
                "key_unknown",
                "This registry knows no such API key; send one in the Authorization header.",
            )
        };
        let secret = secret(headers).ok_or_else(unknown)?;
        let row = api_keys::by_digest(&app.reader, &secret.digest()).await?;
        row.map(Self).ok_or_else(unknown)
    }

    /// Turns away a key that is dead or has not this scope. A first word: what changes the ledger is decided by the
    /// rules, on the state of that instant.
    pub fn may(&self, scope: Scope, now: Timestamp) -> Result<(), Problem> {
        if !self.0.is_live(now) {
            return Err(Problem::unauthorized(
                "key_dead",
                "This API key has expired or was revoked, or its account was disabled.",
            ));
        }
        if !self.0.has(scope) {
            let text = format!(
                "This API key cannot perform the specified action on this gem.\nIt lacks the scope `{}`.",
                scope.as_str()
            );
            return Err(Problem::new(
                actix_web::http::StatusCode::FORBIDDEN,
                "scope_missing",
                text,
            ));
        }
        Ok(())
    }
}

/// What every answer of a private ledger carries, whatever its handler said.
pub fn private_headers(headers: &mut HeaderMap) {
    let keeps_nothing = headers
        .get(CACHE_CONTROL)
        .is_some_and(|value| value == "no-store");
    if !keeps_nothing {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
    headers.append(VARY, HeaderValue::from_static("Authorization"));
}
