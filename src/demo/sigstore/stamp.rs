//! The timestamp authority (RFC 3161): a signed word that something existed at a time.
use std::io;

use events::{digest::Digest, time::Timestamp};
use rcgen::KeyPair;

use super::{
    authority::{key, sign, timestamp_certificate},
    der,
};

const SIGNED_DATA: [u64; 7] = [1, 2, 840, 113_549, 1, 7, 2];
const TIMESTAMP_INFO: [u64; 9] = [1, 2, 840, 113_549, 1, 9, 16, 1, 4];
const CONTENT_TYPE: [u64; 7] = [1, 2, 840, 113_549, 1, 9, 3];
const MESSAGE_DIGEST: [u64; 7] = [1, 2, 840, 113_549, 1, 9, 4];
const SIGNING_CERTIFICATE_V2: [u64; 9] = [1, 2, 840, 113_549, 1, 9, 16, 2, 47];
const SHA256: [u64; 9] = [2, 16, 840, 1, 101, 3, 4, 2, 1];
const ECDSA_WITH_SHA256: [u64; 7] = [1, 2, 840, 10_045, 4, 3, 2];
/// The policy of Sigstore's own timestamp authority.
const POLICY: [u64; 8] = [1, 3, 6, 1, 4, 1, 57_264, 2];

/// The tag of parts that have no name of their own.
const FIRST: u8 = 0xa0;

/// A request's wish for the certificate in the response.
const WITH_CERTIFICATE: &[u8] = &[0x01, 0x01, 0xff];

/// A timestamp authority with its own root.
pub(super) struct Stamps {
    certificates: [Vec<u8>; 2],
    key: KeyPair,
}

impl Stamps {
    pub(super) fn new(from: Timestamp) -> io::Result<Self> {
        let key = key()?;
        Ok(Self {
            certificates: timestamp_certificate(from, &key)?,
            key,
        })
    }

    /// Its certificate, then its root.
    pub(super) fn chain(&self) -> [&[u8]; 2] {
        let [leaf, root] = &self.certificates;
        [leaf, root]
    }

    /// A response that says that these bytes existed then.
    pub(super) fn stamp(&self, bytes: &[u8], at: Timestamp) -> io::Result<Vec<u8>> {
        let imprint = der::sequence(&[&sha256(), &der::octets(Digest::of(bytes).as_bytes())]);
        self.respond(&imprint, None, false, at)
    }

    /// The response to a request: `SEQUENCE { version, imprint, policy?, nonce?, certReq? }`.
    pub(super) fn answer(&self, request: &[u8], at: Timestamp) -> io::Result<Vec<u8>> {
        let parts = der::inside(request)?;
        let [_, imprint, options @ ..] = parts.as_slice() else {
            return Err(io::Error::other("a timestamp request has an imprint"));
        };
        let nonce = options
            .iter()
            .find(|part| part.first() == Some(&der::INTEGER));
        let certified = options.contains(&WITH_CERTIFICATE);
        self.respond(imprint, nonce.copied(), certified, at)
    }

    fn respond(
        &self,
        imprint: &[u8],
        nonce: Option<&[u8]>,
        certified: bool,
        at: Timestamp,
    ) -> io::Result<Vec<u8>> {
        let time = at.to_seconds_text().replace(['-', ':', 'T'], "");
        let info = der::sequence(&[
            &der::integer(1),
            &der::oid(&POLICY),
            imprint,
            &der::integer(at.millis()),
            &der::generalized_time(&time),
            nonce.unwrap_or_default(),
        ]);
        let signed = self.signed(&info, certified)?;
        let token = der::sequence(&[&der::oid(&SIGNED_DATA), &der::value(FIRST, &[&signed])]);
        let granted = der::sequence(&[&der::integer(0)]);
        Ok(der::sequence(&[&granted, &token]))
    }

    /// CMS `SignedData` over this content (RFC 5652, RFC 5816), with or without the certificate in it.
    fn signed(&self, info: &[u8], certified: bool) -> io::Result<Vec<u8>> {
        let [leaf, _] = self.chain();
        let certificate = Digest::of(leaf);
        let certificate = der::sequence(&[&der::octets(certificate.as_bytes())]);
        let certificate = der::sequence(&[&der::sequence(&[&certificate])]);
        let mut attributes = [
            attribute(&CONTENT_TYPE, &der::oid(&TIMESTAMP_INFO)),
            attribute(&MESSAGE_DIGEST, &der::octets(Digest::of(info).as_bytes())),
            attribute(&SIGNING_CERTIFICATE_V2, &certificate),
        ];
        attributes.sort();
        let attributes: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
        // What is signed is the set; in its place it has a tag without a name.
        let signature = sign(&self.key, &der::set(&attributes))?;
        let signer = der::sequence(&[
            &der::integer(1),
            &self.named()?,
            &sha256(),
            &der::value(FIRST, &attributes),
            &der::sequence(&[&der::oid(&ECDSA_WITH_SHA256)]),
            &der::octets(&signature),
        ]);
        let content = der::sequence(&[
            &der::oid(&TIMESTAMP_INFO),
            &der::value(FIRST, &[&der::octets(info)]),
        ]);
        let enclosed = if certified {
            der::value(FIRST, &[leaf])
        } else {
            Vec::new()
        };
        Ok(der::sequence(&[
            &der::integer(3),
            &der::set(&[&sha256()]),
            &content,
            &enclosed,
            &der::set(&[&signer]),
        ]))
    }

    /// Issuer and serial number of its certificate: `version, serial, algorithm, issuer` are first in its body.
    fn named(&self) -> io::Result<Vec<u8>> {
        let [leaf, _] = self.chain();
        let parts = der::inside(leaf)?;
        let body = der::inside(parts.first().copied().unwrap_or_default())?;
        let [_, serial, _, issuer, ..] = body.as_slice() else {
            return Err(io::Error::other("a certificate names its issuer"));
        };
        Ok(der::sequence(&[issuer, serial]))
    }
}

fn sha256() -> Vec<u8> {
    der::sequence(&[&der::oid(&SHA256)])
}

fn attribute(kind: &[u64], contents: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::oid(kind), &der::set(&[contents])])
}
