//! The uploaded part: split into the exact bytes of each bundle, and bounded before anything is verified.
use events::digest::Digest;
use gemledger::{
    demo::sigstore::How,
    sigstore::{BundleError, MAX_BUNDLE_BYTES, MAX_PART_BYTES, Uploaded, bundles},
};
use serde_json::{Value, json};

use super::{Given, bytes, parsed, signed_at};

fn bundle() -> Value {
    let given = Given::new();
    let how = How {
        timestamp: true,
        ..How::logged(signed_at())
    };
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    parsed(&given.sigstore.sign(&signer, given.content(), how).unwrap())
}

/// The code of what is wrong with a part of this one bundle.
fn code(bundle: &Value) -> &'static str {
    refused(json!([bundle]).to_string().as_bytes()).code()
}

fn refused(part: &[u8]) -> BundleError {
    bundles(part).unwrap_err()
}

#[test]
fn the_exact_bytes_of_each_bundle_are_kept() {
    let one = serde_json::to_string_pretty(&bundle()).unwrap();
    let two = bundle().to_string();
    let part = format!(" [\n{one} ,\t{two}]\r\n");
    let uploads = bundles(part.as_bytes()).unwrap();
    let kept: Vec<&[u8]> = uploads.iter().map(Uploaded::bytes).collect();
    assert_eq!(kept, [one.as_bytes(), two.as_bytes()]);
    for upload in uploads {
        assert_eq!(upload.digest(), Digest::of(upload.bytes()));
        let again = Uploaded::read(upload.bytes()).unwrap();
        assert_eq!(again.digest(), upload.digest());
    }
    let spaced = format!(" {two}");
    assert_eq!(
        Uploaded::read(spaced.as_bytes()).unwrap_err().code(),
        "attestation_malformed",
        "bytes around it would not be stored"
    );
}

#[test]
fn what_is_not_an_array_of_one_to_four_bundles_is_refused() {
    let one = bundle().to_string();
    for part in ["", "{}", "null", "[", "\"[]\"", "[1,]", "[1] [2]", &one] {
        assert_eq!(
            refused(part.as_bytes()),
            BundleError::NotAnArray,
            "{part:.20}"
        );
    }
    assert_eq!(refused(b"\xff[]"), BundleError::NotAnArray);
    assert_eq!(refused(b"[]"), BundleError::Empty);
    let five = format!("[{}]", [one.as_str(); 5].join(","));
    let error = refused(five.as_bytes());
    assert_eq!(error, BundleError::TooMany { found: 5, max: 4 });
    assert_eq!(error.to_string(), "there are 5 attestations, more than 4");
    let twice = format!("[{one},{one}]");
    assert_eq!(
        refused(twice.as_bytes()),
        BundleError::Repeated { number: 2 }
    );
}

#[test]
fn a_bundle_of_300_kilobytes_is_refused_and_a_part_of_many_megabytes_is_not_read() {
    let large = |size: usize| {
        let mut bundle = bundle();
        bundle["mediaType"] = json!("x".repeat(size));
        json!([bundle]).to_string()
    };
    let error = refused(large(300_000).as_bytes());
    assert_eq!(error.code(), "attestation_too_large");
    assert!(error.to_string().ends_with("more than 262144"), "{error}");
    assert_eq!(
        refused(large(MAX_BUNDLE_BYTES / 2).as_bytes()).code(),
        "attestation_media_type_unknown"
    );
    let spaces = vec![b' '; MAX_PART_BYTES + 1];
    assert_eq!(refused(&spaces).code(), "attestations_too_long");
}

#[test]
fn only_version_0_3_is_taken_in_either_spelling() {
    let mut bundle = bundle();
    for spelling in [
        "application/vnd.dev.sigstore.bundle.v0.3+json",
        "application/vnd.dev.sigstore.bundle+json;version=0.3",
    ] {
        bundle["mediaType"] = json!(spelling);
        let given = bytes(&bundle);
        Uploaded::read(&given).unwrap();
    }
    for other in [
        "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "application/vnd.dev.sigstore.bundle.v0.4+json",
        "application/vnd.dev.sigstore.bundle.v0.3+json ",
        "",
    ] {
        bundle["mediaType"] = json!(other);
        assert_eq!(code(&bundle), "attestation_media_type_unknown", "{other}");
    }
    bundle["mediaType"] = Value::Null;
    assert_eq!(code(&bundle), "attestation_media_type_missing");
    bundle.as_object_mut().unwrap().remove("mediaType");
    assert_eq!(code(&bundle), "attestation_media_type_missing");
}

#[test]
fn lists_are_bounded() {
    let good = bundle();
    let list = |path: &str, count: usize| {
        let mut bundle = good.clone();
        let items = bundle.pointer_mut(path).unwrap().as_array_mut().unwrap();
        let item = items.first().cloned().unwrap_or(json!("AAAA"));
        *items = vec![item; count];
        bundle
    };
    let entries = "/verificationMaterial/tlogEntries";
    let stamps = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";
    let hashes = "/verificationMaterial/tlogEntries/0/inclusionProof/hashes";
    for (path, max) in [(entries, 2), (stamps, 2), (hashes, 63)] {
        let most = json!([list(path, max)]).to_string();
        bundles(most.as_bytes()).unwrap();
        let error = refused(json!([list(path, max + 1)]).to_string().as_bytes());
        assert_eq!(error.code(), "attestation_malformed");
        assert!(error.to_string().contains("more than"), "{error}");
    }
}

#[test]
fn a_member_that_is_unknown_there_twice_or_of_another_kind_is_refused() {
    let good = bundle();
    let mut unknown = good.clone();
    unknown["verificationMaterial"]["tlogEntries"][0]["note"] = json!("x");
    assert_eq!(code(&unknown), "attestation_malformed");
    let twice = good
        .to_string()
        .replacen(r#""keyId":"#, r#""keyId":"AAAA","keyId":"#, 1);
    let error = Uploaded::read(twice.as_bytes()).unwrap_err();
    assert!(
        error.to_string().contains("`keyId` is there twice"),
        "{error}"
    );
    for (path, other) in [
        ("/verificationMaterial/certificate", json!(["AAAA"])),
        ("/verificationMaterial/certificate", json!("AAAA")),
        ("/verificationMaterial/certificate/rawBytes", json!(1)),
        ("/verificationMaterial/tlogEntries", json!({})),
        ("/verificationMaterial/tlogEntries/0/logIndex", json!(-1)),
        ("/verificationMaterial/tlogEntries/0/logIndex", json!(1.5)),
        ("/verificationMaterial/tlogEntries/0/logIndex", json!("x")),
        ("/messageSignature", json!(null)),
    ] {
        let mut bundle = good.clone();
        *bundle.pointer_mut(path).unwrap() = other;
        assert_eq!(code(&bundle), "attestation_malformed", "{path}");
    }
    assert_eq!(refused(b"[1]").code(), "attestation_malformed");
    let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(refused(deep.as_bytes()).code(), "attestation_malformed");
}

#[test]
fn a_bundle_has_one_content_and_a_certificate() {
    let good = bundle();
    let envelope = json!({ "payload": "", "payloadType": "", "signatures": [] });
    let mut both = good.clone();
    both["dsseEnvelope"] = envelope;
    assert_eq!(code(&both), "attestation_malformed");
    let mut neither = good.clone();
    neither.as_object_mut().unwrap().remove("messageSignature");
    assert_eq!(code(&neither), "attestation_malformed");
    let certificate = good["verificationMaterial"]["certificate"].clone();
    for (name, material) in [
        ("publicKey", json!({ "hint": "x" })),
        (
            "x509CertificateChain",
            json!({ "certificates": [certificate] }),
        ),
    ] {
        let mut other = good.clone();
        let members = other["verificationMaterial"].as_object_mut().unwrap();
        members.remove("certificate");
        members.insert(name.into(), material);
        assert_eq!(code(&other), "attestation_malformed", "{name}");
    }
}

#[test]
fn what_comes_back_to_people_has_no_control_characters_and_an_end() {
    let mut bundle = bundle();
    bundle["mediaType"] = json!(format!("\u{1b}[2J\u{202e}{}", "x".repeat(4000)));
    let error = refused(json!([bundle]).to_string().as_bytes()).to_string();
    assert!(error.len() < 500 && !error.contains(['\u{1b}', '\u{202e}']));
}
