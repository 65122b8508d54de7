//! Whoever tries to pass a bundle that proves something else: each attempt has its own test.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use events::digest::Digest;
use gemledger::{
    demo::sigstore::{CERTIFICATE_SECONDS, Content, How},
    sigstore::{Artifact, Requires, Uploaded, VerifyError, distinct, verify},
};
use serde_json::{Value, json};

use super::{FILE, Given, ISSUER, bytes, now, parsed, signed_at};

fn code(given: &Given, bundle: &[u8]) -> &'static str {
    given.verify(bundle).unwrap_err().code()
}

/// The reference attack: the key of a certificate of ten minutes leaks, and fifty minutes later its thief signs another
/// gem and writes the log's answer himself.
#[test]
fn an_invented_log_entry_with_a_leaked_expired_key_is_refused() {
    let given = Given::new();
    let leaked = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    let honest = given
        .sigstore
        .sign(&leaked, given.content(), How::logged(signed_at()))
        .unwrap();
    let evil = b"another gem";
    let mut forged = parsed(&honest);
    let signature = STANDARD.encode(leaked.sign(evil).unwrap());
    forged["messageSignature"] = json!({
        "messageDigest": { "algorithm": "SHA2_256", "digest": STANDARD.encode(Digest::of(evil).as_bytes()) },
        "signature": signature,
    });
    let entry = &mut forged["verificationMaterial"]["tlogEntries"][0];
    let body = entry["canonicalizedBody"].as_str().unwrap();
    let body = String::from_utf8(STANDARD.decode(body).unwrap()).unwrap();
    let mut body: Value = serde_json::from_str(&body).unwrap();
    body["spec"]["data"]["hash"]["value"] = json!(Digest::of(evil).hex());
    body["spec"]["signature"]["content"] = json!(signature);
    entry["canonicalizedBody"] = json!(STANDARD.encode(body.to_string()));
    let root = json!(STANDARD.encode([0; 32]));
    let checkpoint = format!(
        "rekor.gemledger.localhost - 1\n1\n{}\n\n— rekor.gemledger.localhost {}\n",
        STANDARD.encode([0; 32]),
        STANDARD.encode([7; 70])
    );
    entry["inclusionPromise"]["signedEntryTimestamp"] = json!(STANDARD.encode("not a signature"));
    entry["inclusionProof"] = json!({
        "logIndex": "0", "rootHash": root, "treeSize": "1", "hashes": [],
        "checkpoint": { "envelope": checkpoint },
    });
    let root = given.root(Requires::LOGGED);
    let artifact = Artifact {
        digest: Digest::of(evil),
        file_name: FILE,
    };
    let forged = bytes(&forged);
    let upload = Uploaded::read(&forged).unwrap();
    let error = verify(&root, &upload, &artifact, ISSUER, now()).unwrap_err();
    assert_eq!(error.code(), "attestation_log_entry_invalid", "{error}");
}

/// The same thief, with a log of his own that answers as the real one does.
#[test]
fn an_entry_of_a_log_that_the_root_does_not_name_is_refused() {
    let (given, thief) = (Given::new(), Given::new());
    let leaked = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    for how in [How::logged(signed_at()), How::logged_v2(signed_at())] {
        let bundle = thief.sigstore.sign(&leaked, given.content(), how).unwrap();
        let code = code(&given, &bundle);
        assert!(
            ["attestation_log_entry_invalid", "attestation_time_invalid"].contains(&code),
            "{code}"
        );
    }
}

/// The honest log and the honest timestamp authority, asked when the certificate had ended, or had not begun.
#[test]
fn a_signing_time_outside_of_the_certificate_is_refused() {
    let given = Given::new();
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    let after = signed_at().plus_seconds(CERTIFICATE_SECONDS + 1);
    for at in [after, signed_at().minus_seconds(1)] {
        for how in [How::logged(at), How::logged_v2(at)] {
            let bundle = given.sigstore.sign(&signer, given.content(), how).unwrap();
            assert_eq!(code(&given, &bundle), "attestation_certificate_invalid");
        }
    }
    let last = signed_at().plus_seconds(CERTIFICATE_SECONDS);
    let bundle = given
        .sigstore
        .sign(&signer, given.content(), How::logged(last))
        .unwrap();
    given.verify(&bundle).unwrap();
}

/// One good time does not outweigh a bad one.
#[test]
fn every_time_must_be_within_the_certificate() {
    let given = Given::new();
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    let sign = |how: How| parsed(&given.sigstore.sign(&signer, given.content(), how).unwrap());
    let late = signed_at().plus_seconds(CERTIFICATE_SECONDS + 60);
    let mut bundle = sign(How::logged(signed_at()));
    let signature = bundle["messageSignature"].clone();
    // A timestamp over the same signature: signatures differ each time, so it is stamped apart.
    let stamped = STANDARD
        .decode(signature["signature"].as_str().unwrap())
        .unwrap();
    let stamp = given.sigstore.stamp(&stamped, late).unwrap();
    bundle["verificationMaterial"]["timestampVerificationData"] =
        json!({ "rfc3161Timestamps": [{ "signedTimestamp": STANDARD.encode(stamp) }] });
    assert_eq!(
        code(&given, &bytes(&bundle)),
        "attestation_certificate_invalid"
    );
}

#[test]
fn a_timestamp_over_another_signature_is_refused() {
    let given = Given::new();
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    let how = How::logged_v2(signed_at());
    let mut bundles =
        [(); 2].map(|()| parsed(&given.sigstore.sign(&signer, given.content(), how).unwrap()));
    let other = bundles[1]["verificationMaterial"]["timestampVerificationData"].clone();
    bundles[0]["verificationMaterial"]["timestampVerificationData"] = other;
    assert_eq!(
        code(&given, &bytes(&bundles[0])),
        "attestation_time_invalid"
    );
}

#[test]
fn a_certificate_of_a_foreign_authority_is_refused() {
    let (given, foreign) = (Given::new(), Given::new());
    let signer = foreign.sigstore.signer(&given.claims, signed_at()).unwrap();
    let bundle = given
        .sigstore
        .sign(&signer, given.content(), How::logged(signed_at()))
        .unwrap();
    assert_eq!(code(&given, &bundle), "attestation_certificate_invalid");
}

#[test]
fn a_certificate_without_its_transparency_timestamp_is_refused() {
    let given = Given::new();
    let signer = given
        .sigstore
        .unlogged_signer(&given.claims, signed_at())
        .unwrap();
    let bundle = given
        .sigstore
        .sign(&signer, given.content(), How::logged(signed_at()))
        .unwrap();
    assert_eq!(code(&given, &bundle), "attestation_sct_invalid");
}

#[test]
fn a_bundle_for_another_file_is_refused() {
    let given = Given::new();
    let bundle = given
        .sigstore
        .attest(&given.claims, Content::File(b"another gem"), signed_at())
        .unwrap();
    assert_eq!(code(&given, &bundle), "attestation_other_artifact");
}

#[test]
fn a_certificate_for_a_token_of_another_issuer_is_refused_and_both_are_named() {
    let given = Given::new();
    let gitlab = "https://gitlab.com";
    let claims = given.claims.clone().with(8, Some(gitlab));
    let bundle = given
        .sigstore
        .attest(&claims, given.content(), signed_at())
        .unwrap();
    let expected = VerifyError::Issuer {
        came: gitlab.into(),
        expected: ISSUER.into(),
    };
    assert_eq!(given.verify(&bundle), Err(expected));
    // The old extension does not stand in for a newer one that says otherwise.
    let claims = given.claims.clone().with(8, None).with(1, Some(gitlab));
    let bundle = given
        .sigstore
        .attest(&claims, given.content(), signed_at())
        .unwrap();
    assert_eq!(code(&given, &bundle), "attestation_issuer_differs");
}

/// What a clock that lags behind the log's looks like, by the clock that is handed in.
#[test]
fn a_time_later_than_now_is_told_apart_for_a_second_try() {
    let given = Given::new();
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    let root = given.root(Requires::LOGGED);
    for how in [How::logged(signed_at()), How::logged_v2(signed_at())] {
        let bundle = given.sigstore.sign(&signer, given.content(), how).unwrap();
        let upload = Uploaded::read(&bundle).unwrap();
        let at = |now| verify(&root, &upload, &given.artifact(), ISSUER, now);
        let early = at(signed_at().minus_seconds(1)).unwrap_err();
        assert!(matches!(early, VerifyError::Future { .. }), "{early}");
        assert_eq!(early.code(), "attestation_from_the_future");
        at(signed_at()).unwrap();
    }
}

/// The same by the system's clock, which the verifying crate reads.
#[test]
fn a_time_later_than_the_systems_clock_is_told_apart_too() {
    let given = Given::new();
    let far = gemledger::world::Clock::system().now().plus_seconds(300);
    let bundle = given
        .sigstore
        .attest(&given.claims, given.content(), far)
        .unwrap();
    let root = given.root(Requires::LOGGED);
    let upload = Uploaded::read(&bundle).unwrap();
    let later = far.plus_seconds(60);
    let error = verify(&root, &upload, &given.artifact(), ISSUER, later).unwrap_err();
    assert!(matches!(error, VerifyError::Future { .. }), "{error}");
}

#[test]
fn two_bundles_of_a_push_that_say_the_same_are_refused() {
    let given = Given::new();
    let verified = [(); 2].map(|()| {
        let bundle = given
            .sigstore
            .attest(&given.claims, given.content(), signed_at())
            .unwrap();
        given.verify(&bundle).unwrap()
    });
    distinct(&verified[..1]).unwrap();
    let error = distinct(&verified).unwrap_err();
    assert_eq!(error, VerifyError::SameKind("message signature".into()));
}
