//! Trust roots: what is read, and what is refused before it can verify anything.
use gemledger::{
    demo::sigstore::PrivateSigstore,
    sigstore::{
        Requires, Root,
        root::{GITHUB, MAX_ROOT_BYTES, PUBLIC_GOOD},
    },
};
use serde_json::{Value, json};

use super::signed_at;

fn code(root: &Value, requires: Requires) -> &'static str {
    Root::read(root.to_string().as_bytes(), requires)
        .unwrap_err()
        .code()
}

fn private() -> Value {
    PrivateSigstore::new(signed_at()).unwrap().trusted_root()
}

#[test]
fn the_roots_that_came_with_the_verifier_are_read() {
    let public = Root::read(PUBLIC_GOOD.as_bytes(), Requires::LOGGED).unwrap();
    let github = Root::read(GITHUB.as_bytes(), Requires::TIMESTAMPED).unwrap();
    assert_ne!(public.digest(), github.digest());
    assert_eq!(public.requires(), Requires::LOGGED);
    let shared = |_: &(dyn Send + Sync)| ();
    shared(&public);
}

#[test]
fn a_root_has_what_it_requires() {
    for (part, requires) in [
        ("certificateAuthorities", Requires::LOGGED),
        ("tlogs", Requires::LOGGED),
        ("ctlogs", Requires::LOGGED),
        ("timestampAuthorities", Requires::TIMESTAMPED),
    ] {
        let mut root = private();
        root[part] = json!([]);
        assert_eq!(code(&root, requires), "trust_root_lacks", "{part}");
    }
    let nothing = Requires {
        log: false,
        sct: true,
        timestamp: false,
    };
    assert_eq!(code(&private(), nothing), "trust_root_without_time");
}

#[test]
fn what_is_not_a_root_or_has_a_part_that_cannot_be_used_is_refused() {
    for text in ["", "[]", "{}", "null", "{\"mediaType\":\"x\"}"] {
        let error = Root::read(text.as_bytes(), Requires::LOGGED).unwrap_err();
        assert!(
            ["trust_root_malformed", "trust_root_lacks"].contains(&error.code()),
            "{text}: {error}"
        );
    }
    let long = vec![b' '; MAX_ROOT_BYTES + 1];
    let error = Root::read(&long, Requires::LOGGED).unwrap_err();
    assert_eq!(error.code(), "trust_root_too_long");
    assert!(Root::read(b"\xff", Requires::LOGGED).is_err());

    let mut twice = private();
    let log = twice["tlogs"][0].clone();
    twice["tlogs"].as_array_mut().unwrap().push(log.clone());
    assert_eq!(code(&twice, Requires::LOGGED), "trust_root_unusable");
    let mut crowded = private();
    crowded["tlogs"] = json!(vec![log; 33]);
    assert_eq!(code(&crowded, Requires::LOGGED), "trust_root_crowded");
    let mut broken = private();
    broken["tlogs"][0]["publicKey"]["rawBytes"] = json!("AAAA");
    assert_eq!(code(&broken, Requires::LOGGED), "trust_root_unusable");
    let mut broken = private();
    broken["certificateAuthorities"][0]["certChain"]["certificates"][0]["rawBytes"] = json!("AAAA");
    assert_eq!(code(&broken, Requires::LOGGED), "trust_root_unusable");
}
