//! Every single bit of what is signed, turned over: nothing is accepted, but in the parts of a timestamp that nobody
//! signs, where nothing changes. Of the second log's entries it is one bit of each byte.
use std::{collections::BTreeSet, thread};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use gemledger::{
    demo::sigstore::{Content, How, slsa, statement},
    sigstore::{Artifact, Requires, Root, SLSA_PROVENANCE_V1, Uploaded, Verified, verify},
};
use serde_json::Value;

use super::{FILE, Given, ISSUER, now, parsed, signed_at};

/// The object identifier 1.2.840.10045.4.3.2.
const ECDSA_WITH_SHA256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

/// Which bits are turned over.
type Which = fn(usize) -> bool;

/// A bundle around one value that is in it, perhaps more than once, as base64.
struct Around {
    parts: Vec<String>,
    value: Vec<u8>,
}

impl Around {
    fn new(bundle: &Value, path: &str) -> Self {
        let encoded = bundle.pointer(path).unwrap().as_str().unwrap();
        let text = bundle.to_string();
        Self {
            parts: text.split(encoded).map(str::to_owned).collect(),
            value: STANDARD.decode(encoded).unwrap(),
        }
    }

    fn with(&self, value: &[u8]) -> Vec<u8> {
        self.parts.join(&STANDARD.encode(value)).into_bytes()
    }

    /// The places of the bits that may be turned over, and what is verified then. On two threads.
    fn flips(&self, root: &Root, artifact: &Artifact<'_>, which: Which) -> Vec<(usize, Verified)> {
        let try_one = |bit: usize| {
            let mut value = self.value.clone();
            value[bit / 8] ^= 1 << (bit % 8);
            let bundle = self.with(&value);
            let upload = Uploaded::read(&bundle).unwrap();
            let verified = verify(root, &upload, artifact, ISSUER, now()).ok()?;
            Some((bit, verified))
        };
        let bits = self.value.len() * 8;
        thread::scope(|scope| {
            let halves = [0, 1].map(|half| {
                let try_one = &try_one;
                scope.spawn(move || {
                    (half..bits)
                        .step_by(2)
                        .filter(|bit| which(*bit))
                        .filter_map(try_one)
                        .collect::<Vec<_>>()
                })
            });
            halves
                .into_iter()
                .flat_map(|half| half.join().unwrap())
                .collect()
        })
    }
}

#[test]
fn no_bit_of_certificate_log_entry_or_signature_can_be_turned_over() {
    let given = Given::new();
    let root = given.root(Requires::LOGGED);
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    // The second log's entries are refused at the very end, after timestamp, chain and certificate timestamp: there, one
    // bit of each byte is turned over, another one from byte to byte.
    let every: Which = |_| true;
    let one_of_each_byte: Which = |bit| (bit / 8) % 8 == bit % 8;
    let hows = [How::logged(signed_at()), How::logged_v2(signed_at())];
    for (how, which) in hows.into_iter().zip([every, one_of_each_byte]) {
        let bundle = parsed(&given.sigstore.sign(&signer, given.content(), how).unwrap());
        for path in [
            "/verificationMaterial/certificate/rawBytes",
            "/verificationMaterial/tlogEntries/0/canonicalizedBody",
            "/messageSignature/signature",
        ] {
            let around = Around::new(&bundle, path);
            assert!(
                given.verify(&around.with(&around.value)).is_ok(),
                "{path} is put back as it was"
            );
            let accepted = around.flips(&root, &given.artifact(), which);
            assert!(accepted.is_empty(), "{path}: {accepted:?}");
        }
    }
}

/// Of a statement in an envelope, whose payload every verifier reads, one bit of each byte.
#[test]
fn no_bit_of_a_statement_its_signature_or_its_log_entry_can_be_turned_over() {
    let given = Given::new();
    let root = given.root(Requires::LOGGED);
    let text = statement(
        FILE,
        &given.digest(),
        SLSA_PROVENANCE_V1,
        &slsa(&given.claims),
    );
    let one_of_each_byte: Which = |bit| (bit / 8) % 8 == bit % 8;
    for how in [How::logged(signed_at()), How::logged_v2(signed_at())] {
        let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
        let bundle = given.sigstore.sign(&signer, Content::Statement(&text), how);
        let bundle = parsed(&bundle.unwrap());
        for path in [
            "/verificationMaterial/certificate/rawBytes",
            "/verificationMaterial/tlogEntries/0/canonicalizedBody",
            "/dsseEnvelope/payload",
            "/dsseEnvelope/signatures/0/sig",
        ] {
            let around = Around::new(&bundle, path);
            assert!(
                given.verify(&around.with(&around.value)).is_ok(),
                "{path} is put back as it was"
            );
            let accepted = around.flips(&root, &given.artifact(), one_of_each_byte);
            assert!(accepted.is_empty(), "{path}: {accepted:?}");
        }
    }
}

#[test]
fn a_timestamp_has_bits_that_nobody_signs_and_they_change_nothing() {
    let given = Given::new();
    let root = given.root(Requires::LOGGED);
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    let how = How::logged_v2(signed_at());
    let bundle = parsed(&given.sigstore.sign(&signer, given.content(), how).unwrap());
    let path =
        "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";
    let around = Around::new(&bundle, path);
    let good = given.verify(&around.with(&around.value)).unwrap();
    let accepted = around.flips(&root, &given.artifact(), |_| true);
    let name_at = |name: &[u8]| {
        let mut windows = around.value.windows(name.len());
        let start = windows.rposition(|bytes| bytes == name).unwrap();
        start..start + name.len()
    };
    // What of the response (RFC 3161) and its signed data (RFC 5652) no signature covers.
    let mut unsigned = BTreeSet::new();
    unsigned.insert(8); // granted, or granted with modifications
    unsigned.insert(34); // version of the signed data
    unsigned.extend(41..50); // digest algorithms, each of which the signer names again
    unsigned.insert(67); // tag of the content
    unsigned.insert(169); // version of the signer
    unsigned.extend(name_at(&ECDSA_WITH_SHA256)); // the key says which
    let bytes: BTreeSet<usize> = accepted.iter().map(|(bit, _)| bit / 8).collect();
    assert_eq!(bytes, unsigned);
    for (_, verified) in &accepted {
        let same = Verified {
            bundle: good.bundle,
            ..verified.clone()
        };
        assert_eq!(same, good);
    }
}

/// Whatever stands in its JSON: it is refused, without a panic, or nothing that was verified has changed.
#[test]
fn other_characters_in_its_text_change_nothing_that_was_verified() {
    let given = Given::new();
    let root = given.root(Requires::LOGGED);
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    let how = How::logged_v2(signed_at());
    let bundle = given.sigstore.sign(&signer, given.content(), how).unwrap();
    let good = given.verify(&bundle).unwrap();
    for (round, at) in (0..bundle.len()).step_by(19).enumerate() {
        let mut other = bundle.clone();
        other[at] = b"\"{}[],:\\0-eA\n\xff"[round % 14];
        let Ok(upload) = Uploaded::read(&other) else {
            continue;
        };
        if let Ok(verified) = verify(&root, &upload, &given.artifact(), ISSUER, now()) {
            let same = Verified {
                bundle: good.bundle,
                ..verified
            };
            assert_eq!(same, good, "at {at}");
        }
    }
}
