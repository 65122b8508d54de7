//! One public key of a provider, checked and prepared once, so that verifying a token parses nothing.
//!
//! A key of RFC 7517 that cannot be used here (another type, size, purpose or algorithm) is not an error of its
//! document: it is as if it were not there, and a token signed with it names an unknown key.
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use events::{
    digest::Digest,
    provider::{Algorithm, KeyPart, ObservedKey, PublicJwk},
    text::Text,
};
use serde_json::{Map, Value};

use super::token::algorithm;

/// Private members of RSA, EC and OKP keys. Whoever publishes them has no signing key any more.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// A public key that tokens of its provider may be verified with.
pub struct Key {
    jwk: PublicJwk,
    kid: Text,
    thumbprint: Digest,
    /// Prepared for each algorithm that both the provider and the key itself allow; usually one.
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
}

impl Key {
    /// The key, if it can verify tokens signed with one of these algorithms. Without a `kid` it is called by its thumbprint.
    pub(super) fn read(members: &Map<String, Value>, allowed: &[Algorithm]) -> Option<Self> {
        if PRIVATE.iter().any(|name| members.contains_key(*name)) || !is_for_signatures(members) {
            return None;
        }
        let declared = match members.get("alg") {
            None => None,
            Some(Value::String(name)) => Some(algorithm(name)?),
            Some(_) => return None,
        };
        let usable = |name: &Algorithm| {
            allowed.contains(name) && declared.is_none_or(|declared| declared == *name)
        };
        let (jwk, verifiers) = match text(members, "kty")? {
            "RSA" => rsa(members, &usable)?,
            "EC" => p256(members, &usable)?,
            "OKP" => ed25519(members, &usable)?,
            _ => return None,
        };
        let thumbprint = jwk.thumbprint();
        let kid = match members.get("kid") {
            None => Text::claim(&thumbprint.to_string()),
            Some(Value::String(kid)) => Text::configured(kid).ok()?,
            Some(_) => return None,
        };
        (!verifiers.is_empty()).then_some(Self {
            jwk,
            kid,
            thumbprint,
            verifiers,
        })
    }

    /// Whether this is its signature; `None` if the key is not made for the algorithm.
    pub(super) fn verifies(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let (_, verifier) = self.verifiers.iter().find(|(name, _)| *name == algorithm)?;
        Some(verifier.verify_sig(message, signature).is_ok())
    }

    /// The name that tokens call it by.
    pub fn kid(&self) -> &Text {
        &self.kid
    }

    /// Its identity: the thumbprint of RFC 7638.
    pub fn thumbprint(&self) -> Digest {
        self.thumbprint
    }

    /// The key as the log records it.
    pub fn observed(&self) -> ObservedKey {
        ObservedKey {
            jwk: self.jwk.clone(),
            kid: self.kid.clone(),
            thumbprint: self.thumbprint,
        }
    }
}

/// `use` and `key_ops` either say nothing or allow verifying.
fn is_for_signatures(members: &Map<String, Value>) -> bool {
    let purpose = match members.get("use") {
        None => true,
        Some(value) => value.as_str() == Some("sig"),
    };
    let operations = match members.get("key_ops") {
        None => true,
        Some(Value::Array(list)) => list
            .iter()
            .any(|operation| operation.as_str() == Some("verify")),
        Some(_) => false,
    };
    purpose && operations
}

type Prepared = (PublicJwk, Vec<(Algorithm, ParsedPublicKey)>);

fn rsa(members: &Map<String, Value>, usable: &dyn Fn(&Algorithm) -> bool) -> Option<Prepared> {
    let (n, modulus) = part(members, "n")?;
    let (e, exponent) = part(members, "e")?;
    if !is_sound_modulus(&modulus) || !is_sound_exponent(&exponent) {
        return None;
    }
    let components = RsaPublicKeyComponents {
        n: &modulus,
        e: &exponent,
    };
    let schemes: [(Algorithm, &'static RsaParameters); 2] = [
        (Algorithm::RS256, &RSA_PKCS1_2048_8192_SHA256),
        (Algorithm::PS256, &RSA_PSS_2048_8192_SHA256),
    ];
    let mut verifiers = Vec::new();
    for (name, scheme) in schemes.into_iter().filter(|(name, _)| usable(name)) {
        verifiers.push((name, components.to_parsed_public_key(scheme).ok()?));
    }
    let jwk = PublicJwk {
        crv: None,
        e: Some(e),
        kty: KeyPart::parse("RSA").ok()?,
        n: Some(n),
        x: None,
        y: None,
    };
    Some((jwk, verifiers))
}

/// Odd, 2048 to 8192 bits, without leading zeros, so that one key has one thumbprint.
fn is_sound_modulus(modulus: &[u8]) -> bool {
    let (Some(first), Some(last)) = (modulus.first(), modulus.last()) else {
        return false;
    };
    let bits = u32::try_from(modulus.len()).map_or(u32::MAX, |bytes| bytes.saturating_mul(8));
    (2048..=8192).contains(&bits.saturating_sub(first.leading_zeros()))
        && *first != 0
        && last % 2 == 1
}

/// Odd and from 65537 to 2^33 − 1: small exponents have a history, larger ones are refused by the library.
fn is_sound_exponent(exponent: &[u8]) -> bool {
    if exponent.len() > 5 || exponent.first() == Some(&0) {
        return false;
    }
    let value = exponent
        .iter()
        .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    (65_537..1 << 33).contains(&value) && value % 2 == 1
}

fn p256(members: &Map<String, Value>, usable: &dyn Fn(&Algorithm) -> bool) -> Option<Prepared> {
    let (x, first) = part(members, "x")?;
    let (y, second) = part(members, "y")?;
    if text(members, "crv")? != "P-256" || first.len() != 32 || second.len() != 32 {
        return None;
    }
    let mut verifiers = Vec::new();
    if usable(&Algorithm::ES256) {
        let point = [&[4], first.as_slice(), second.as_slice()].concat();
        let verifier = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()?;
        verifiers.push((Algorithm::ES256, verifier));
    }
    let (kty, crv) = (KeyPart::parse("EC").ok()?, KeyPart::parse("P-256").ok()?);
    Some((
        PublicJwk {
            crv: Some(crv),
            e: None,
            kty,
            n: None,
            x: Some(x),
            y: Some(y),
        },
        verifiers,
    ))
}

fn ed25519(members: &Map<String, Value>, usable: &dyn Fn(&Algorithm) -> bool) -> Option<Prepared> {
    let (x, point) = part(members, "x")?;
    if text(members, "crv")? != "Ed25519" || point.len() != 32 {
        return None;
    }
    let mut verifiers = Vec::new();
    if usable(&Algorithm::EdDSA) {
        verifiers.push((
            Algorithm::EdDSA,
            ParsedPublicKey::new(&ED25519, point).ok()?,
        ));
    }
    let (kty, crv) = (KeyPart::parse("OKP").ok()?, KeyPart::parse("Ed25519").ok()?);
    Some((
        PublicJwk {
            crv: Some(crv),
            e: None,
            kty,
            n: None,
            x: Some(x),
            y: None,
        },
        verifiers,
    ))
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name)?.as_str()
}

/// A member in base64url, as text and as bytes. The decoder takes exactly one spelling of each value.
fn part(members: &Map<String, Value>, name: &str) -> Option<(KeyPart, Vec<u8>)> {
    let text = text(members, name)?;
    Some((
        KeyPart::parse(text).ok()?,
        URL_SAFE_NO_PAD.decode(text).ok()?,
    ))
}
