//! Tokens that must not verify, next to those that must.
use events::{
    claims::ProviderKind,
    digest::Digest,
    provider::{Algorithm, ClaimName},
    text::Text,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    KeySet, TokenError, UnverifiedToken,
    given::{
        AUDIENCE, ISSUER, WINDOWS, assembled, changed, github, issuer, judged, keys, now, provider,
        release, release_with, signed,
    },
    token::verify,
};
use crate::demo::issuer::StandInIssuer;

fn code(claims: &Value) -> &'static str {
    signed(claims, &github()).unwrap_err().code()
}

#[test]
fn a_release_job_is_described_as_its_provider_describes_it() {
    let token = signed(&release(), &github()).unwrap();
    assert_eq!(token.workflow.repository.as_str(), "acme/rake");
    assert_eq!(token.id, Digest::of(b"4ae1c0e7"));
    assert_eq!(token.issued_at, now());
    assert_eq!(token.expires_at, now().plus_seconds(300));
    assert_eq!(token.kid.as_str(), "stand-in-1");
    assert_eq!(token.audience.as_str(), AUDIENCE);
    assert_eq!(
        token.key_thumbprint,
        keys(&ISSUER, &[Algorithm::RS256]).observed()[0].thumbprint
    );
}

#[test]
fn each_algorithm_verifies_and_no_other_stands_in_for_it() {
    let all = [
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::EdDSA,
    ];
    for algorithm in all {
        let issuer = issuer(algorithm);
        let token = UnverifiedToken::parse(&issuer.sign(&release()).unwrap()).unwrap();
        let declared = provider(ProviderKind::Github, &[algorithm]);
        let set = keys(&issuer, &[algorithm]);
        assert!(
            verify(&token, &declared, &set, now(), &WINDOWS).is_ok(),
            "{algorithm:?}"
        );
        for other in all.into_iter().filter(|other| *other != algorithm) {
            let declared = provider(ProviderKind::Github, &[other]);
            let error = verify(&token, &declared, &set, now(), &WINDOWS).unwrap_err();
            assert_eq!(
                error.code(),
                "token_algorithm_not_allowed",
                "{algorithm:?} as {other:?}"
            );
        }
    }
}

#[test]
fn an_unsigned_token_is_refused_however_it_spells_none() {
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let token = assembled(&json!({"alg": name, "kid": "stand-in-1"}), &release(), b"");
        assert_eq!(
            judged(&token, &github()).unwrap_err().code(),
            "token_algorithm_not_allowed"
        );
    }
}

#[test]
fn an_hmac_keyed_with_the_public_key_is_refused() {
    use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
    let header = json!({"alg": "HS256", "kid": "stand-in-1"});
    let unsigned = assembled(&header, &release(), b"");
    let input = unsigned.strip_suffix('.').unwrap();
    let secret = ISSUER.jwks()["keys"][0]["n"].as_str().unwrap().to_owned();
    let tag = sign(&Key::new(HMAC_SHA256, secret.as_bytes()), input.as_bytes());
    let token = assembled(&header, &release(), tag.as_ref());
    assert_eq!(
        judged(&token, &github()).unwrap_err().code(),
        "token_algorithm_not_allowed"
    );
    // Not even when the header claims the right algorithm.
    let token = assembled(
        &json!({"alg": "RS256", "kid": "stand-in-1"}),
        &release(),
        tag.as_ref(),
    );
    assert_eq!(judged(&token, &github()), Err(TokenError::BadSignature));
}

#[test]
fn a_key_of_another_issuer_is_refused_even_under_the_same_name() {
    let impostor = issuer(Algorithm::RS256);
    let token = impostor.sign(&release()).unwrap();
    assert_eq!(judged(&token, &github()), Err(TokenError::BadSignature));
}

#[test]
fn an_algorithm_that_does_not_fit_the_key_is_refused() {
    let both = provider(
        ProviderKind::Github,
        &[Algorithm::RS256, Algorithm::PS256, Algorithm::ES256],
    );
    let elliptic = issuer(Algorithm::ES256);
    let header = json!({"alg": "ES256", "kid": ISSUER.kid(), "typ": "JWT"});
    let token = elliptic
        .sign_text(&header.to_string(), &release().to_string())
        .unwrap();
    assert_eq!(
        judged(&token, &both).unwrap_err().code(),
        "token_key_does_not_fit"
    );
    // The key itself says RS256: a PSS signature of the same key is another matter.
    let header = json!({"alg": "PS256", "kid": ISSUER.kid()});
    let token = ISSUER
        .sign_text(&header.to_string(), &release().to_string())
        .unwrap();
    assert_eq!(
        judged(&token, &both).unwrap_err().code(),
        "token_key_does_not_fit"
    );
}

#[test]
fn a_key_that_the_provider_does_not_publish_is_refused() {
    for (header, expected) in [
        (json!({"alg": "RS256", "kid": "gone"}), "token_key_unknown"),
        (
            json!({"alg": "RS256", "kid": "\u{1b}[31m"}),
            "token_key_unknown",
        ),
        (json!({"alg": "RS256"}), "token_key_not_named"),
    ] {
        let token = ISSUER
            .sign_text(&header.to_string(), &release().to_string())
            .unwrap();
        let error = judged(&token, &github()).unwrap_err();
        assert_eq!(error.code(), expected);
        assert!(!error.to_string().contains('\u{1b}'));
    }
}

#[test]
fn a_provider_with_one_nameless_key_needs_no_name() {
    let mut jwks = ISSUER.jwks();
    jwks["keys"][0].as_object_mut().unwrap().remove("kid");
    let set = KeySet::parse(jwks.to_string().as_bytes(), &[Algorithm::RS256], now()).unwrap();
    let token = ISSUER
        .sign_text(r#"{"alg":"RS256"}"#, &release().to_string())
        .unwrap();
    let token = UnverifiedToken::parse(&token).unwrap();
    let verified = verify(&token, &github(), &set, now(), &WINDOWS).unwrap();
    assert_eq!(verified.kid.as_str(), verified.key_thumbprint.to_string());
}

#[test]
fn the_issuer_must_be_the_providers_exactly() {
    for other in [
        "https://issuer.example/",
        "https://ISSUER.example",
        "http://issuer.example",
    ] {
        assert_eq!(
            code(&release_with(json!({"iss": other}))),
            "token_issuer_mismatch",
            "{other}"
        );
    }
}

#[test]
fn times_are_checked_with_one_leeway() {
    let now = now().seconds();
    let good = [
        json!({"iat": now + 30, "exp": now + 330}),
        json!({"iat": now - 300, "exp": now - 29}),
        json!({"iat": now - 1800, "exp": now + 1800}),
        json!({"nbf": now + 30}),
        json!({"nbf": null}),
    ];
    for changes in good {
        assert!(
            signed(&release_with(changes.clone()), &github()).is_ok(),
            "{changes}"
        );
    }
    let bad = [
        (
            json!({"iat": now + 31, "exp": now + 331}),
            "token_not_yet_valid",
        ),
        (json!({"nbf": now + 31}), "token_not_yet_valid"),
        (json!({"iat": now - 330, "exp": now - 30}), "token_expired"),
        (
            json!({"iat": now, "exp": now + 3601}),
            "token_lifetime_too_long",
        ),
        (
            json!({"iat": now, "exp": u64::MAX}),
            "token_lifetime_too_long",
        ),
        (json!({"iat": 0, "exp": now + 1}), "token_lifetime_too_long"),
        (json!({"iat": now, "exp": now}), "token_lifetime_too_long"),
        (
            json!({"iat": u64::MAX, "exp": 1}),
            "token_lifetime_too_long",
        ),
        (
            json!({"iat": u64::MAX - 1, "exp": u64::MAX}),
            "token_not_yet_valid",
        ),
    ];
    for (changes, expected) in bad {
        assert_eq!(code(&release_with(changes.clone())), expected, "{changes}");
    }
}

#[test]
fn times_are_whole_numbers_and_needed() {
    for name in ["iat", "exp"] {
        assert_eq!(
            code(&release_with(json!({name: null}))),
            "token_claim_missing"
        );
    }
    for name in ["iat", "exp", "nbf"] {
        for value in [
            json!("1795401000"),
            json!(1_795_401_000.5),
            json!(-1),
            json!([1]),
            json!(true),
            json!(1e30),
        ] {
            assert_eq!(
                code(&release_with(json!({name: value}))),
                "token_claim_invalid",
                "{name} {value}"
            );
        }
    }
    // An explicit null is not an absent claim.
    let text = release()
        .to_string()
        .replacen("\"nbf\":", "\"nbf\":null,\"x\":", 1);
    let token = ISSUER
        .sign_text(r#"{"alg":"RS256","kid":"stand-in-1"}"#, &text)
        .unwrap();
    assert_eq!(
        judged(&token, &github()).unwrap_err().code(),
        "token_claim_invalid"
    );
}

#[test]
fn a_token_without_jti_is_told_apart_by_what_was_signed() {
    let text = ISSUER.sign(&release_with(json!({"jti": null}))).unwrap();
    let (input, _) = text.rsplit_once('.').unwrap();
    assert_eq!(
        judged(&text, &github()).unwrap().id,
        Digest::of(input.as_bytes())
    );
    for bad in [json!(""), json!(7), json!(["a"])] {
        assert_eq!(
            code(&release_with(json!({"jti": bad}))),
            "token_claim_invalid"
        );
    }
}

#[test]
fn whatever_sub_holds_is_ignored() {
    let plain = signed(&release(), &github()).unwrap();
    for sub in [
        json!(null),
        json!(1),
        json!({"x": []}),
        json!("repo:evil/evil"),
        json!("x".repeat(4000)),
        json!("\u{0}"),
    ] {
        let claims = release_with(json!({"sub": sub}));
        assert_eq!(signed(&claims, &github()), Ok(plain.clone()));
    }
}

#[test]
fn claims_that_the_operator_requires_must_be_equal() {
    let mut demanding = github();
    let name = |text: &str| ClaimName::parse(text).unwrap();
    demanding
        .required
        .insert(name("enterprise"), Text::parse("acme-corp").unwrap());
    demanding
        .required
        .insert(name("enterprise_id"), Text::parse("42").unwrap());
    let good = json!({"enterprise": "acme-corp", "enterprise_id": 42});
    assert!(signed(&release_with(good.clone()), &demanding).is_ok());
    for bad in [
        json!({"enterprise": null}),
        json!({"enterprise": "Acme-Corp"}),
        json!({"enterprise_id": [42]}),
        json!({"enterprise_id": {"42": 42}}),
    ] {
        let claims = changed(release_with(good.clone()), bad);
        assert_eq!(
            signed(&claims, &demanding).unwrap_err().code(),
            "token_required_claim_mismatch"
        );
    }
}

#[test]
fn no_error_shows_the_token() {
    let text = ISSUER
        .sign(&release_with(json!({"aud": "elsewhere"})))
        .unwrap();
    let error = judged(&text, &github()).unwrap_err();
    let shown = format!(
        "{error} {error:?} {:?}",
        UnverifiedToken::parse(&text).unwrap()
    );
    assert!(text.split('.').all(|part| !shown.contains(part)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_token_with_a_flipped_bit_verifies(place in any::<prop::sample::Index>(), bit in 0..8_u8) {
        static TOKEN: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| ISSUER.sign(&release()).unwrap());
        let mut bytes = TOKEN.clone().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(text) = String::from_utf8(bytes) && let Ok(token) = UnverifiedToken::parse(&text) {
            let set = keys(&ISSUER, &[Algorithm::RS256]);
            prop_assert!(verify(&token, &github(), &set, now(), &WINDOWS).is_err());
        }
    }

    #[test]
    fn no_decoded_bit_of_any_part_can_be_flipped(part in 0..3_usize, place in any::<prop::sample::Index>(), bit in 0..8_u8) {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        static TOKEN: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| ISSUER.sign(&release()).unwrap());
        let mut parts: Vec<Vec<u8>> = TOKEN.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        let place = place.index(parts[part].len());
        parts[part][place] ^= 1 << bit;
        let text = parts.iter().map(|part| URL_SAFE_NO_PAD.encode(part)).collect::<Vec<_>>().join(".");
        if let Ok(token) = UnverifiedToken::parse(&text) {
            let set = keys(&ISSUER, &[Algorithm::RS256]);
            prop_assert!(verify(&token, &github(), &set, now(), &WINDOWS).is_err());
        }
    }

    #[test]
    fn no_signed_claims_make_the_reader_panic(name in "aud|exp|iat|nbf|jti|ref|ref_protected|repository", text in "\\PC{0,300}", number in any::<i64>()) {
        let elliptic: &StandInIssuer = &QUICK;
        let set = keys(elliptic, &[Algorithm::ES256]);
        let declared = provider(ProviderKind::Github, &[Algorithm::ES256]);
        for value in [json!(text), json!(number), json!([text]), json!({text.clone(): number})] {
            let token = elliptic.sign(&release_with(json!({name.as_str(): value}))).unwrap();
            let _ = verify(&UnverifiedToken::parse(&token).unwrap(), &declared, &set, now(), &WINDOWS);
        }
    }
}

static QUICK: std::sync::LazyLock<StandInIssuer> =
    std::sync::LazyLock::new(|| issuer(Algorithm::ES256));
