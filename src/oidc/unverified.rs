//! An identity token before its signature is checked: bounded, well-formed, and readable only as far as finding its keys.
//!
//! The compact serialisation of RFC 7515: `BASE64URL(header) "." BASE64URL(claims) "." BASE64URL(signature)`.
use core::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::json;

/// Longest token, in bytes. GitHub's are near 2 KiB; GitLab's grow with the groups of its user.
pub const MAX_TOKEN: usize = 16 * 1024;

/// Longest header part as it is sent, in bytes.
pub const MAX_HEADER: usize = 2 * 1024;

/// Longest key id, in bytes.
const MAX_KID: usize = 255;

/// Header members that would let a token bring its own key or change how it is read.
const FORBIDDEN: [&str; 7] = ["crit", "jku", "jwk", "x5u", "x5c", "b64", "zip"];

/// A token that is well-formed and proves nothing.
///
/// Only its issuer and key id can be read: the issuer for the one purpose of finding the provider registered with it.
pub struct UnverifiedToken {
    pub(super) algorithm: String,
    pub(super) claims: Map<String, Value>,
    issuer: String,
    kid: Option<String>,
    pub(super) signature: Vec<u8>,
    pub(super) signing_input: String,
}

/// Why a string is not an identity token; never shows any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedToken {
    /// More than [`MAX_TOKEN`] bytes, or a header of more than [`MAX_HEADER`].
    #[error("the identity token is too long: at most 16 KiB, of which the header at most 2 KiB")]
    TooLong,
    /// Not three parts with dots between them.
    #[error(
        "the identity token is not three base64url parts with dots between them; send the token itself, not a file or a header line"
    )]
    NotThreeParts,
    /// A part is not base64url without padding.
    #[error("the {0} of the identity token is not base64url without padding")]
    NotBase64(&'static str),
    /// A part is not a JSON object, or repeats a name.
    #[error("the {0} of the identity token is not a JSON object in which every name occurs once")]
    NotJson(&'static str),
    /// The header carries a member that no identity token needs.
    #[error("the header of the identity token carries `{0}`, which is never accepted")]
    ForbiddenHeader(&'static str),
    /// `alg`, `kid` or `typ` is missing or of the wrong kind.
    #[error("the header of the identity token has no acceptable `{0}`")]
    BadHeader(&'static str),
    /// No `iss`, or not a string.
    #[error("the identity token names no issuer (`iss`)")]
    NoIssuer,
}

impl MalformedToken {
    /// The stable code of this refusal.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLong => "token_too_long",
            Self::NotThreeParts | Self::NotBase64(_) | Self::NotJson(_) => "token_malformed",
            Self::ForbiddenHeader(_) => "token_header_forbidden",
            Self::BadHeader(_) => "token_header_invalid",
            Self::NoIssuer => "token_without_issuer",
        }
    }
}

impl UnverifiedToken {
    /// Takes a compact JWS apart. Surrounding white space is the caller's business: it is refused here.
    pub fn parse(token: &str) -> Result<Self, MalformedToken> {
        if token.len() > MAX_TOKEN {
            return Err(MalformedToken::TooLong);
        }
        let (signing_input, signature) = token
            .rsplit_once('.')
            .ok_or(MalformedToken::NotThreeParts)?;
        let (header, claims) = signing_input
            .split_once('.')
            .filter(|(_, claims)| !claims.contains('.'))
            .ok_or(MalformedToken::NotThreeParts)?;
        if header.len() > MAX_HEADER {
            return Err(MalformedToken::TooLong);
        }
        let signature = decode(signature, "signature")?;
        let header = object(header, "header")?;
        let claims = object(claims, "payload")?;
        let (algorithm, kid) = read_header(&header)?;
        match claims.get("iss") {
            Some(Value::String(issuer)) if !issuer.is_empty() => Ok(Self {
                algorithm,
                issuer: issuer.clone(),
                kid,
                signature,
                signing_input: signing_input.to_owned(),
                claims,
            }),
            _ => Err(MalformedToken::NoIssuer),
        }
    }

    /// Who is said to have issued it. Use it to find a registered provider and for nothing else.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The key that is said to have signed it.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }
}

impl fmt::Debug for UnverifiedToken {
    // A token is a secret until it expires: neither its claims nor its signature are ever printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedToken").finish_non_exhaustive()
    }
}

fn decode(part: &str, name: &'static str) -> Result<Vec<u8>, MalformedToken> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| MalformedToken::NotBase64(name))
}

fn object(part: &str, name: &'static str) -> Result<Map<String, Value>, MalformedToken> {
    json::object(&decode(part, name)?).map_err(|_| MalformedToken::NotJson(name))
}

/// The algorithm and key id; everything else in a header is either refused or of no consequence.
fn read_header(header: &Map<String, Value>) -> Result<(String, Option<String>), MalformedToken> {
    if let Some(name) = FORBIDDEN.iter().find(|name| header.contains_key(**name)) {
        return Err(MalformedToken::ForbiddenHeader(name));
    }
    // `at+jwt` and others are tokens for another purpose, whatever their claims say.
    match header.get("typ") {
        None => {}
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("JWT") => {}
        Some(_) => return Err(MalformedToken::BadHeader("typ")),
    }
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) if (1..=MAX_KID).contains(&kid.len()) => Some(kid.clone()),
        Some(_) => return Err(MalformedToken::BadHeader("kid")),
    };
    match header.get("alg") {
        Some(Value::String(algorithm)) => Ok((algorithm.clone(), kid)),
        _ => Err(MalformedToken::BadHeader("alg")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(header: &str, claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    fn refused(header: &str, claims: &str) -> MalformedToken {
        UnverifiedToken::parse(&token(header, claims)).unwrap_err()
    }

    const CLAIMS: &str = r#"{"iss":"https://issuer.example"}"#;

    #[test]
    fn issuer_and_key_id_are_read() {
        let text = token(
            r#"{"alg":"RS256","kid":"k1","typ":"JWT","x5t":"abc"}"#,
            CLAIMS,
        );
        let token = UnverifiedToken::parse(&text).unwrap();
        assert_eq!(
            (token.issuer(), token.kid()),
            ("https://issuer.example", Some("k1"))
        );
        assert_eq!(format!("{token:?}"), "UnverifiedToken { .. }");
    }

    #[test]
    fn a_header_that_brings_its_own_key_or_extensions_is_refused() {
        for name in ["crit", "jku", "jwk", "x5u", "x5c", "b64", "zip"] {
            let header = format!(r#"{{"alg":"RS256","{name}":null}}"#);
            assert_eq!(
                refused(&header, CLAIMS),
                MalformedToken::ForbiddenHeader(name)
            );
        }
    }

    #[test]
    fn a_header_member_of_the_wrong_kind_is_refused() {
        for (header, name) in [
            (r"{}", "alg"),
            (r#"{"alg":null}"#, "alg"),
            (r#"{"alg":["RS256"]}"#, "alg"),
            (r#"{"alg":"RS256","kid":1}"#, "kid"),
            (r#"{"alg":"RS256","kid":""}"#, "kid"),
            (r#"{"alg":"RS256","typ":"at+jwt"}"#, "typ"),
            (r#"{"alg":"RS256","typ":1}"#, "typ"),
        ] {
            assert_eq!(
                refused(header, CLAIMS),
                MalformedToken::BadHeader(name),
                "{header}"
            );
        }
    }

    #[test]
    fn duplicate_names_are_refused_in_header_and_claims() {
        assert_eq!(
            refused(r#"{"alg":"RS256","alg":"none"}"#, CLAIMS),
            MalformedToken::NotJson("header")
        );
        let twice = r#"{"iss":"https://issuer.example","aud":"a","aud":"b"}"#;
        assert_eq!(
            refused(r#"{"alg":"RS256"}"#, twice),
            MalformedToken::NotJson("payload")
        );
    }

    #[test]
    fn a_token_without_an_issuer_is_refused() {
        for claims in ["{}", r#"{"iss":null}"#, r#"{"iss":["a"]}"#, r#"{"iss":""}"#] {
            assert_eq!(
                refused(r#"{"alg":"RS256"}"#, claims),
                MalformedToken::NoIssuer
            );
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let long = "a".repeat(MAX_TOKEN + 1);
        assert_eq!(
            UnverifiedToken::parse(&long).unwrap_err(),
            MalformedToken::TooLong
        );
        let header = format!(r#"{{"alg":"RS256","x":"{}"}}"#, "a".repeat(MAX_HEADER));
        assert_eq!(refused(&header, CLAIMS), MalformedToken::TooLong);
    }

    #[test]
    fn other_numbers_of_parts_and_other_alphabets_are_refused() {
        for text in ["", ".", "..", "a.b", "a.b.c.d", "a.b.c.d.e"] {
            assert!(UnverifiedToken::parse(text).is_err(), "{text}");
        }
        let good = token(r#"{"alg":"RS256"}"#, CLAIMS);
        for text in [
            format!(" {good}"),
            format!("{good}\n"),
            format!("{good}="),
            good.replace('.', ".+"),
        ] {
            assert!(UnverifiedToken::parse(&text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_string_makes_the_parser_panic(text in "\\PC*") {
            let _ = UnverifiedToken::parse(&text);
        }

        #[test]
        fn no_header_or_claims_make_the_parser_panic(header in ".{0,80}", claims in ".{0,80}") {
            let _ = UnverifiedToken::parse(&token(&header, &claims));
        }
    }
}
