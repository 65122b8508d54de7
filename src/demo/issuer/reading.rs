//! Reading a token that the stand-in issuer itself signed, as whoever trusts it would.
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, KeyPair as _, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use events::{provider::Algorithm, time::Timestamp};
use serde_json::Value;

use super::{Secret, SigningKey};

/// The claims, if this key signed them, for this audience, and they are valid now.
pub(super) fn read(
    key: &SigningKey,
    algorithm: Algorithm,
    token: &str,
    audience: &str,
    now: Timestamp,
) -> Option<Value> {
    let (input, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !holds(key, algorithm, input.as_bytes(), &signature) {
        return None;
    }
    let (_, payload) = input.split_once('.')?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let time = |name: &str| claims.get(name).and_then(Value::as_u64);
    let begun = time("nbf").is_none_or(|start| start <= now.seconds());
    let valid = begun && now.seconds() < time("exp")?;
    let ours = claims.get("aud").and_then(Value::as_str) == Some(audience);
    (valid && ours).then_some(claims)
}

fn holds(key: &SigningKey, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
    let (scheme, public): (&'static dyn VerificationAlgorithm, &[u8]) = match &key.secret {
        Secret::Ed25519(pair) => (&ED25519, pair.public_key().as_ref()),
        Secret::P256(pair) => (&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref()),
        Secret::Rsa(pair) if algorithm == Algorithm::PS256 => {
            (&RSA_PSS_2048_8192_SHA256, pair.public_key().as_ref())
        }
        Secret::Rsa(pair) => (&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref()),
    };
    UnparsedPublicKey::new(scheme, public)
        .verify(input, signature)
        .is_ok()
}
