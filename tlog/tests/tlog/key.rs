//! Keys and their texts.

use tlog::{CosignerKey, CosigningKey, KeyError, SigningKey, VerifierKey};

use crate::neighbours;

pub(crate) const SPEC_KEY: &str =
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
pub(crate) const GO_KEY: &str =
    "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
pub(crate) const GO_SECRET: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
pub(crate) const WITNESS_KEY: &str =
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";

#[test]
fn keys_of_others_read_back() {
    for text in [SPEC_KEY, GO_KEY] {
        assert_eq!(VerifierKey::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(
        CosignerKey::parse(WITNESS_KEY).unwrap().to_string(),
        WITNESS_KEY
    );
    let key = SigningKey::parse(GO_SECRET).unwrap();
    assert_eq!(key.to_text().as_str(), GO_SECRET);
    assert_eq!(key.verifier().to_string(), GO_KEY);
    assert_eq!(key.name(), "PeterNeumann");
}

#[test]
fn a_key_is_made_of_its_name_and_bytes() {
    let key = VerifierKey::parse(SPEC_KEY).unwrap();
    assert_eq!(key.id().to_string(), "530d903a");
    assert_eq!(
        VerifierKey::new("example.com/foo", key.public_key()),
        Ok(key.clone())
    );
    let renamed = VerifierKey::new("example.com/bar", key.public_key()).unwrap();
    assert_ne!(renamed.id(), key.id());
    let cosigner = CosignerKey::new("example.com/foo", key.public_key()).unwrap();
    assert_ne!(cosigner.id(), key.id());
}

#[test]
fn a_seed_gives_both_halves() {
    // RFC 8032 §7.1, test 1.
    let seed = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c,
        0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae,
        0x7f, 0x60,
    ];
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let hex = |key: &[u8; 32]| tlog::Hash::from_bytes(*key).to_hex();
    assert_eq!(
        hex(SigningKey::from_seed("log", &seed)
            .unwrap()
            .verifier()
            .public_key()),
        public
    );
    assert_eq!(
        hex(CosigningKey::from_seed("witness", &seed)
            .unwrap()
            .verifier()
            .public_key()),
        public
    );
}

#[test]
fn names_have_no_spaces_control_characters_or_plus() {
    for name in [
        "",
        " ",
        "a b",
        "a+b",
        "a\u{a0}b",
        "a\u{2028}b",
        "a\nb",
        "a\tb",
        "a\0b",
        "a\u{7f}b",
    ] {
        assert_eq!(
            SigningKey::from_seed(name, &[1; 32]).err(),
            Some(KeyError::Name),
            "{name:?}"
        );
        assert_eq!(
            CosigningKey::from_seed(name, &[1; 32]).err(),
            Some(KeyError::Name),
            "{name:?}"
        );
    }
    for name in ["a", "example.com/log/1", "oid/1.2.3", "é", "\u{2014}"] {
        let key = SigningKey::from_seed(name, &[1; 32]).unwrap();
        assert_eq!(
            VerifierKey::parse(&key.verifier().to_string()).as_ref(),
            Ok(key.verifier())
        );
        assert_eq!(
            SigningKey::parse(&key.to_text()).unwrap().verifier(),
            key.verifier()
        );
    }
}

#[test]
fn the_two_types_of_keys_do_not_stand_in_for_each_other() {
    assert_eq!(CosignerKey::parse(SPEC_KEY), Err(KeyError::Type));
    assert_eq!(VerifierKey::parse(WITNESS_KEY), Err(KeyError::Type));
}

#[test]
fn a_malformed_key_is_refused_for_what_is_wrong() {
    for (text, error) in [
        ("", KeyError::Form),
        ("example.com/foo", KeyError::Form),
        ("example.com/foo+530d903a", KeyError::Form),
        ("example.com/foo+530d903a+", KeyError::Form),
        ("example.com/foo+530d903a+!", KeyError::Form),
        (
            "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            KeyError::Id,
        ),
        (
            "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            KeyError::Id,
        ),
        (
            "example.com/foo+0530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            KeyError::Id,
        ),
        (
            "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            KeyError::Id,
        ),
        (
            "example com+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            KeyError::Name,
        ),
        (
            "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            KeyError::Name,
        ),
        (
            "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
            KeyError::Type,
        ),
        ("example.com/foo+530d903a+AQ==", KeyError::PublicKey),
        (
            "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2kAA==",
            KeyError::PublicKey,
        ),
    ] {
        assert_eq!(VerifierKey::parse(text), Err(error), "{text}");
    }
    assert_eq!(SigningKey::parse(GO_KEY).err(), Some(KeyError::Form));
    assert_eq!(
        SigningKey::parse("PRIVATE+KEY+PeterNeumann+c74f20a3+AQ==").err(),
        Some(KeyError::Form)
    );
}

#[test]
fn a_key_that_anybody_can_sign_for_is_refused() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(VerifierKey::new("a", &neutral), Err(KeyError::PublicKey));
    assert_eq!(CosignerKey::new("a", &[0; 32]), Err(KeyError::PublicKey));
    // Not a point of the curve at all.
    let mut nowhere = [0; 32];
    nowhere[0] = 2;
    assert_eq!(VerifierKey::new("a", &nowhere), Err(KeyError::PublicKey));
}

#[test]
fn no_neighbour_of_a_key_text_is_a_key() {
    for near in neighbours(SPEC_KEY) {
        assert!(VerifierKey::parse(&near).is_err(), "{near}");
    }
    for near in neighbours(GO_SECRET) {
        assert!(SigningKey::parse(&near).is_err(), "{near}");
    }
}
