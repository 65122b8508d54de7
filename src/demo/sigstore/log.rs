//! The transparency logs: Rekor v1 (promise, proof, checkpoint, all ECDSA) and Rekor v2 (proof and checkpoint, Ed25519).
//!
//! Entries are what Rekor would write. Unlike Rekor, the log does not check a signature before it takes it: it is there to
//! be verified, and to be given what does not verify.
use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use events::{
    digest::{Digest, hex},
    time::Timestamp,
};
use rcgen::{KeyPair, PKCS_ED25519, PublicKeyData};
use serde_json::{Value, json};
use tlog::Hash;

use super::{
    authority::{key, sign},
    tree::{Proof, Tree},
};

/// Where Rekor v1 stands in its checkpoints and in the trusted root.
pub(super) const V1_NAME: &str = "rekor.gemledger.localhost";

/// The same of Rekor v2.
pub(super) const V2_NAME: &str = "log2026.rekor.gemledger.localhost";

/// How much larger an index in the whole of Rekor v1 is than in the tree, as with a log that began a new tree.
const V1_EARLIER: usize = 1000;

/// Rekor v1.
pub(super) struct RekorV1 {
    key: KeyPair,
    tree: Tree,
}

impl RekorV1 {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            key: key()?,
            tree: Tree::new(),
        })
    }

    pub(super) fn public_key(&self) -> Vec<u8> {
        self.key.subject_public_key_info()
    }

    /// SHA-256 of the public key.
    pub(super) fn id(&self) -> Digest {
        Digest::of(&self.public_key())
    }

    /// Appends an entry of this kind, and answers as a bundle holds it.
    pub(super) fn append(&self, kind: &str, body: &[u8], at: Timestamp) -> io::Result<Value> {
        let proof = self.tree.append(body);
        let (seconds, index) = (at.seconds(), proof.index + V1_EARLIER);
        let id = self.id();
        let encoded = STANDARD.encode(body);
        let promised = format!(
            r#"{{"body":"{encoded}","integratedTime":{seconds},"logID":"{}","logIndex":{index}}}"#,
            id.hex()
        );
        let promise = sign(&self.key, promised.as_bytes())?;
        let origin = format!("{V1_NAME} - 1193050959916656506");
        let note = note(&origin, V1_NAME, &proof, id.as_bytes(), |text| {
            sign(&self.key, text)
        })?;
        Ok(json!({
            "logIndex": index.to_string(),
            "logId": { "keyId": STANDARD.encode(id.as_bytes()) },
            "kindVersion": { "kind": kind, "version": "0.0.1" },
            "integratedTime": seconds.to_string(),
            "inclusionPromise": { "signedEntryTimestamp": STANDARD.encode(promise) },
            "inclusionProof": proved(&proof, &note),
            "canonicalizedBody": encoded,
        }))
    }
}

/// Rekor v2.
pub(super) struct RekorV2 {
    key: KeyPair,
    tree: Tree,
}

impl RekorV2 {
    pub(super) fn new() -> io::Result<Self> {
        let key = KeyPair::generate_for(&PKCS_ED25519).map_err(io::Error::other)?;
        let tree = Tree::new();
        Ok(Self { key, tree })
    }

    pub(super) fn public_key(&self) -> Vec<u8> {
        self.key.subject_public_key_info()
    }

    /// The key's id in a signed note (c2sp.org/signed-note): name, line feed, algorithm, key.
    pub(super) fn id(&self) -> Digest {
        let named = [V2_NAME.as_bytes(), b"\n\x01", self.key.der_bytes()];
        Digest::of(&named.concat())
    }

    /// Appends an entry, and answers as a bundle holds it.
    pub(super) fn append(&self, body: &[u8]) -> io::Result<Value> {
        let proof = self.tree.append(body);
        let id = self.id();
        let note = note(V2_NAME, V2_NAME, &proof, id.as_bytes(), |text| {
            sign(&self.key, text)
        })?;
        Ok(json!({
            "logIndex": proof.index.to_string(),
            "logId": { "keyId": STANDARD.encode(id.as_bytes()) },
            "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
            "inclusionProof": proved(&proof, &note),
            "canonicalizedBody": STANDARD.encode(body),
        }))
    }
}

/// The body of an entry for a signature over a file, as Rekor v1 writes it.
pub(super) fn hashedrekord(digest: &Digest, signature: &[u8], certificate: &[u8]) -> Vec<u8> {
    format!(
        r#"{{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{{"data":{{"hash":{{"algorithm":"sha256","value":"{}"}}}},"signature":{{"content":"{}","publicKey":{{"content":"{}"}}}}}}}}"#,
        digest.hex(),
        STANDARD.encode(signature),
        STANDARD.encode(pem(certificate)),
    )
    .into_bytes()
}

/// The body of an entry for an envelope, as Rekor v1 writes it.
pub(super) fn dsse(
    envelope: &str,
    payload: &[u8],
    signature: &[u8],
    certificate: &[u8],
) -> Vec<u8> {
    format!(
        r#"{{"apiVersion":"0.0.1","kind":"dsse","spec":{{"envelopeHash":{{"algorithm":"sha256","value":"{}"}},"payloadHash":{{"algorithm":"sha256","value":"{}"}},"signatures":[{{"signature":"{}","verifier":"{}"}}]}}}}"#,
        Digest::of(envelope.as_bytes()).hex(),
        Digest::of(payload).hex(),
        STANDARD.encode(signature),
        STANDARD.encode(pem(certificate)),
    )
    .into_bytes()
}

/// The body of an entry of Rekor v2, for a file's digest or that of what an envelope's signature is over.
pub(super) fn hashedrekord_v2(digest: &Digest, signature: &[u8], certificate: &[u8]) -> Vec<u8> {
    format!(
        r#"{{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{{"hashedRekordV002":{{"data":{{"algorithm":"SHA2_256","digest":"{}"}},"signature":{{"content":"{}","verifier":{{"keyDetails":"PKIX_ECDSA_P256_SHA_256","x509Certificate":{{"rawBytes":"{}"}}}}}}}}}}}}"#,
        STANDARD.encode(digest.as_bytes()),
        STANDARD.encode(signature),
        STANDARD.encode(certificate),
    )
    .into_bytes()
}

/// A certificate as text, in lines of 64.
pub(super) fn pem(certificate: &[u8]) -> String {
    let encoded = STANDARD.encode(certificate);
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for (place, c) in encoded.chars().enumerate() {
        if place > 0 && place % 64 == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text.push_str("\n-----END CERTIFICATE-----\n");
    text
}

/// A signed note over a tree head. The line's name is the log's, the key's hint the first bytes of its id.
fn note(
    origin: &str,
    name: &str,
    proof: &Proof,
    id: &[u8; 32],
    sign: impl FnOnce(&[u8]) -> io::Result<Vec<u8>>,
) -> io::Result<String> {
    let text = format!("{origin}\n{}\n{}\n", proof.size, base64_of(&proof.root));
    let (hint, _) = id.split_at(4);
    let signature = [hint, &sign(text.as_bytes())?].concat();
    Ok(format!("{text}\n— {name} {}\n", STANDARD.encode(signature)))
}

fn proved(proof: &Proof, note: &str) -> Value {
    json!({
        "logIndex": proof.index.to_string(),
        "rootHash": base64_of(&proof.root),
        "treeSize": proof.size.to_string(),
        "hashes": proof.hashes.iter().map(base64_of).collect::<Vec<_>>(),
        "checkpoint": { "envelope": note },
    })
}

fn base64_of(hash: &Hash) -> String {
    hash.to_base64()
}

/// The answer of Rekor v1 over HTTP, which writes the same in other words.
pub(super) fn v1_answer(entry: &Value) -> Value {
    let text = |path: &str| {
        entry
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let number = |path: &str| text(path).parse::<u64>().unwrap_or_default();
    let hexed = |encoded: &str| hex(&STANDARD.decode(encoded).unwrap_or_default());
    let hashes = entry
        .pointer("/inclusionProof/hashes")
        .and_then(Value::as_array);
    let hashes: Vec<String> = hashes
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(hexed)
        .collect();
    let body = text("/canonicalizedBody");
    let uuid = tlog::leaf_hash(&STANDARD.decode(body).unwrap_or_default()).to_hex();
    json!({ uuid: {
        "body": body,
        "integratedTime": number("/integratedTime"),
        "logID": hexed(text("/logId/keyId")),
        "logIndex": number("/logIndex"),
        "verification": {
            "inclusionProof": {
                "checkpoint": text("/inclusionProof/checkpoint/envelope"),
                "hashes": hashes,
                "logIndex": number("/inclusionProof/logIndex"),
                "rootHash": hexed(text("/inclusionProof/rootHash")),
                "treeSize": number("/inclusionProof/treeSize"),
            },
            "signedEntryTimestamp": text("/inclusionPromise/signedEntryTimestamp"),
        },
    }})
}
