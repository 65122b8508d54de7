//! A private Sigstore in one process: certificate authority, certificate transparency log, transparency logs of both
//! versions, timestamp authority, and the trust root that names them.
//!
//! For `gemledger demo`, the tests and the benches. It makes its own keys and signs for whoever it is told to, so that
//! it proves nothing about anybody: a registry takes its word only where an operator added its trust root. What it makes
//! is what Fulcio, Rekor and a timestamp authority make, so that sigstore-python signs against it and verifies it. Times
//! come in as parameters, so that a test can have anything signed at any time.
mod authority;
mod claims;
mod der;
mod log;
mod provenance;
pub mod serve;
mod stamp;
mod tree;

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use events::{digest::Digest, time::Timestamp};
use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};

use self::{
    authority::Authority,
    log::{RekorV1, RekorV2, V1_NAME, V2_NAME},
    stamp::Stamps,
};

pub use self::{
    authority::CERTIFICATE_SECONDS,
    claims::Claims,
    provenance::{slsa, statement},
};

/// What a trusted root calls a key on the curve P-256.
const P256: &str = "PKIX_ECDSA_P256_SHA_256";

/// The type of an envelope's payload.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Authorities and logs of which this process holds the keys.
pub struct PrivateSigstore {
    authority: Authority,
    from: Timestamp,
    rekor_v1: RekorV1,
    rekor_v2: RekorV2,
    stamps: Stamps,
}

/// A key, and a certificate that says whose it is.
pub struct Signer {
    certificate: Vec<u8>,
    key: KeyPair,
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// A file's bytes, as gems are signed.
    File(&'a [u8]),
    /// An in-toto statement, in an envelope.
    Statement(&'a str),
}

/// A version of the transparency log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogVersion {
    /// Rekor v1, which promises and vouches for a time.
    V1,
    /// Rekor v2, which does not.
    V2,
}

/// When a signature is made, and who is told.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// The time that log and timestamp authority vouch for.
    pub at: Timestamp,
    /// The log it is written into, if any.
    pub log: Option<LogVersion>,
    /// Whether the timestamp authority stamps it.
    pub timestamp: bool,
}

impl How {
    /// As the public-good instance's clients do by default: Rekor v1.
    pub fn logged(at: Timestamp) -> Self {
        let log = Some(LogVersion::V1);
        Self {
            at,
            log,
            timestamp: false,
        }
    }

    /// Rekor v2, which needs a timestamp beside it.
    pub fn logged_v2(at: Timestamp) -> Self {
        let log = Some(LogVersion::V2);
        Self {
            at,
            log,
            timestamp: true,
        }
    }

    /// As GitHub does for private repositories: a timestamp alone.
    pub fn timestamped(at: Timestamp) -> Self {
        Self {
            at,
            log: None,
            timestamp: true,
        }
    }
}

impl PrivateSigstore {
    /// New keys, valid from this moment on.
    pub fn new(from: Timestamp) -> io::Result<Self> {
        Ok(Self {
            authority: Authority::new(from)?,
            from,
            rekor_v1: RekorV1::new()?,
            rekor_v2: RekorV2::new()?,
            stamps: Stamps::new(from)?,
        })
    }

    /// A new key with a certificate of these claims, valid for [`CERTIFICATE_SECONDS`] from `at`.
    pub fn signer(&self, claims: &Claims, at: Timestamp) -> io::Result<Signer> {
        self.certified(claims, at, true)
    }

    /// The same without a signed certificate timestamp, as GitHub's own instance issues them.
    pub fn unlogged_signer(&self, claims: &Claims, at: Timestamp) -> io::Result<Signer> {
        self.certified(claims, at, false)
    }

    fn certified(&self, claims: &Claims, at: Timestamp, with_sct: bool) -> io::Result<Signer> {
        let key = authority::key()?;
        let certificate = self.authority.certify(claims, &key, at, with_sct)?;
        Ok(Signer { certificate, key })
    }

    /// A certificate for somebody else's key.
    pub(super) fn certify(
        &self,
        claims: &Claims,
        public_key: &impl PublicKeyData,
        at: Timestamp,
    ) -> io::Result<Vec<u8>> {
        self.authority.certify(claims, public_key, at, true)
    }

    /// Signs as a job does: a certificate of this moment, Rekor v1. The bytes of a bundle v0.3.
    pub fn attest(
        &self,
        claims: &Claims,
        content: Content<'_>,
        at: Timestamp,
    ) -> io::Result<Vec<u8>> {
        self.sign(&self.signer(claims, at)?, content, How::logged(at))
    }

    /// Signs with this key, and has it logged and stamped. The bytes of a bundle v0.3.
    pub fn sign(&self, signer: &Signer, content: Content<'_>, how: How) -> io::Result<Vec<u8>> {
        let certificate = signer.certificate();
        let (digest, signature, part, value, v1) = match content {
            Content::File(bytes) => {
                let (digest, signature) = (Digest::of(bytes), signer.sign(bytes)?);
                let value = json!({
                    "messageDigest": { "algorithm": "SHA2_256", "digest": STANDARD.encode(digest.as_bytes()) },
                    "signature": STANDARD.encode(&signature),
                });
                let body = log::hashedrekord(&digest, &signature, certificate);
                let v1 = ("hashedrekord", body);
                (digest, signature, "messageSignature", value, v1)
            }
            Content::Statement(statement) => {
                let signed = encoded(IN_TOTO, statement);
                let signature = signer.sign(signed.as_bytes())?;
                let value = json!({
                    "payload": STANDARD.encode(statement),
                    "payloadType": IN_TOTO,
                    "signatures": [{ "sig": STANDARD.encode(&signature) }],
                });
                let envelope = value.to_string();
                let body = log::dsse(&envelope, statement.as_bytes(), &signature, certificate);
                let digest = Digest::of(signed.as_bytes());
                (digest, signature, "dsseEnvelope", value, ("dsse", body))
            }
        };
        let entry = match how.log {
            Some(LogVersion::V1) => Some(self.rekor_v1.append(v1.0, &v1.1, how.at)?),
            Some(LogVersion::V2) => {
                let body = log::hashedrekord_v2(&digest, &signature, certificate);
                Some(self.rekor_v2.append(&body)?)
            }
            None => None,
        };
        let mut stamps = Vec::new();
        if how.timestamp {
            let stamp = self.stamps.stamp(&signature, how.at)?;
            stamps.push(json!({ "signedTimestamp": STANDARD.encode(stamp) }));
        }
        let bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": { "rawBytes": STANDARD.encode(certificate) },
                "tlogEntries": entry.into_iter().collect::<Vec<_>>(),
                "timestampVerificationData": { "rfc3161Timestamps": stamps },
            },
            part: value,
        });
        Ok(bundle.to_string().into_bytes())
    }

    /// A timestamp response that says that these bytes existed then.
    pub fn stamp(&self, bytes: &[u8], at: Timestamp) -> io::Result<Vec<u8>> {
        self.stamps.stamp(bytes, at)
    }

    /// The `trusted_root.json` that names all of it, for verifiers.
    pub fn trusted_root(&self) -> Value {
        let since = json!({ "start": self.from.to_seconds_text() });
        let key = |bytes: &[u8], details: &str| json!({ "rawBytes": STANDARD.encode(bytes), "keyDetails": details, "validFor": since });
        let chain = |certificates: [&[u8]; 2]| {
            let listed =
                certificates.map(|certificate| json!({ "rawBytes": STANDARD.encode(certificate) }));
            json!({ "certificates": listed })
        };
        let log = |name: &str, key: Value, id: &Digest| {
            json!({
                "baseUrl": format!("http://{name}"), "hashAlgorithm": "SHA2_256", "publicKey": key,
                "logId": { "keyId": STANDARD.encode(id.as_bytes()) },
            })
        };
        let subject =
            |name: &str| json!({ "organization": "gemledger.localhost", "commonName": name });
        let transparency = self.authority.transparency_key();
        let (v1, v2) = (&self.rekor_v1, &self.rekor_v2);
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [
                log(V1_NAME, key(&v1.public_key(), P256), &v1.id()),
                log(V2_NAME, key(&v2.public_key(), "PKIX_ED25519"), &v2.id()),
            ],
            "certificateAuthorities": [{
                "subject": subject("gemledger private root"), "uri": "http://fulcio.gemledger.localhost",
                "certChain": chain(self.authority.chain()), "validFor": since,
            }],
            "ctlogs": [
                log("ctfe.gemledger.localhost", key(&transparency, P256), &Digest::of(&transparency)),
            ],
            "timestampAuthorities": [{
                "subject": subject("gemledger private timestamp root"), "uri": "http://tsa.gemledger.localhost",
                "certChain": chain(self.stamps.chain()), "validFor": since,
            }],
        })
    }

    /// A `ClientTrustConfig`, for clients that sign: the trusted root, and where the services are.
    pub fn trust_config(&self, url: &str, log: LogVersion, timestamp: bool) -> Value {
        let since = json!({ "start": self.from.to_seconds_text() });
        let service = |path: &str, version: u8| {
            json!([{
                "url": format!("{url}{path}"), "majorApiVersion": version, "validFor": since,
                "operator": "gemledger.localhost",
            }])
        };
        let version = match log {
            LogVersion::V1 => 1,
            LogVersion::V2 => 2,
        };
        let stamps = if timestamp {
            service(serve::TIMESTAMP_PATH, 1)
        } else {
            json!([])
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": service("", 1),
                "oidcUrls": service("", 1),
                "rekorTlogUrls": service("", version),
                "rekorTlogConfig": { "selector": "ANY" },
                "tsaUrls": stamps,
                "tsaConfig": { "selector": "ANY" },
            },
        })
    }
}

impl Signer {
    /// The certificate's DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// An ECDSA signature over this message.
    pub fn sign(&self, message: &[u8]) -> io::Result<Vec<u8>> {
        authority::sign(&self.key, message)
    }
}

/// What an envelope's signature is over: the pre-authentication encoding of DSSE.
pub(super) fn encoded(kind: &str, payload: &str) -> String {
    format!("DSSEv1 {} {kind} {} {payload}", kind.len(), payload.len())
}
