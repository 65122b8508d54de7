//! The published examples: RFC 7515 A.2 and A.3, RFC 8037 A.3 and A.4, RFC 7638 3.1; and another library's signatures.
use aws_lc_rs::{
    encoding::AsDer,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use events::{claims::ProviderKind, provider::Algorithm};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};

use super::{
    KeySet, UnverifiedToken,
    given::{WINDOWS, now, provider, release},
    jwk::Key,
    token::verify,
};

const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const RSA: &str = r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
const RSA_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

const EC: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const EC_SIGNATURE: &str =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

const ED: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const ED_INPUT: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const ED_SIGNATURE: &str =
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

const THUMBPRINT_N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

fn key(jwk: &str, algorithm: Algorithm) -> Key {
    let members: Value = serde_json::from_str(jwk).unwrap();
    Key::read(members.as_object().unwrap(), &[algorithm]).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

#[test]
fn the_signatures_of_the_rfcs_verify_and_their_neighbours_do_not() {
    let rs256 = format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}");
    let es256 = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}");
    for (jwk, algorithm, input, signature) in [
        (RSA, Algorithm::RS256, rs256.as_str(), RSA_SIGNATURE),
        (EC, Algorithm::ES256, es256.as_str(), EC_SIGNATURE),
        (ED, Algorithm::EdDSA, ED_INPUT, ED_SIGNATURE),
    ] {
        let (key, signature) = (key(jwk, algorithm), bytes(signature));
        assert_eq!(
            key.verifies(algorithm, input.as_bytes(), &signature),
            Some(true),
            "{algorithm:?}"
        );
        assert_eq!(
            key.verifies(algorithm, &input.as_bytes()[1..], &signature),
            Some(false)
        );
        assert_eq!(
            key.verifies(algorithm, input.as_bytes(), &signature[1..]),
            Some(false)
        );
        assert_eq!(key.verifies(algorithm, input.as_bytes(), b""), Some(false));
    }
}

#[test]
fn the_thumbprints_of_the_rfcs_are_ours() {
    let rsa = format!(
        r#"{{"kty":"RSA","n":"{THUMBPRINT_N}","e":"AQAB","alg":"RS256","kid":"2011-04-29"}}"#
    );
    let of = |key: Key| URL_SAFE_NO_PAD.encode(key.thumbprint().as_bytes());
    assert_eq!(
        of(key(&rsa, Algorithm::RS256)),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
    assert_eq!(
        of(key(ED, Algorithm::EdDSA)),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

/// `jsonwebtoken` signs; this room, which does not use it, must agree with it on every byte.
fn another_library_signs(
    name: jsonwebtoken::Algorithm,
    algorithm: Algorithm,
    secret: &EncodingKey,
    jwk: &Value,
) {
    let mut header = Header::new(name);
    header.kid = Some("k".into());
    let text = jsonwebtoken::encode(&header, &release(), secret).unwrap();
    let mut jwk = jwk.clone();
    jwk["kid"] = json!("k");
    let set = json!({"keys": [jwk]}).to_string();
    let set = KeySet::parse(set.as_bytes(), &[algorithm], now()).unwrap();
    let declared = provider(ProviderKind::Github, &[algorithm]);
    let token = UnverifiedToken::parse(&text).unwrap();
    assert!(
        verify(&token, &declared, &set, now(), &WINDOWS).is_ok(),
        "{algorithm:?}"
    );
}

#[test]
fn tokens_that_another_library_signed_verify() {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let n = text(
        pair.public_key()
            .modulus()
            .big_endian_without_leading_zero(),
    );
    let jwk = json!({"kty": "RSA", "n": n, "e": "AQAB"});
    let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    // PKCS #8 of an RSA-2048 key is 26 bytes of frame around the PKCS #1 key that the library takes.
    let secret = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);
    another_library_signs(
        jsonwebtoken::Algorithm::RS256,
        Algorithm::RS256,
        &secret,
        &jwk,
    );
    another_library_signs(
        jsonwebtoken::Algorithm::PS256,
        Algorithm::PS256,
        &secret,
        &jwk,
    );

    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let jwk =
        json!({"kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..])});
    let secret = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
    another_library_signs(
        jsonwebtoken::Algorithm::ES256,
        Algorithm::ES256,
        &secret,
        &jwk,
    );

    let pair = Ed25519KeyPair::generate().unwrap();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())});
    let secret = EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref());
    another_library_signs(
        jsonwebtoken::Algorithm::EdDSA,
        Algorithm::EdDSA,
        &secret,
        &jwk,
    );
}
