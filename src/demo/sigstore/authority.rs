//! The certificate authority and the certificate transparency log: a root, an intermediate, and certificates of ten
//! minutes that carry a signed certificate timestamp (RFC 6962).
use std::{io, time::Duration};

use events::{digest::Digest, time::Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
    SigningKey, date_time_ymd,
};

use super::{claims::Claims, der};

/// How long a signing certificate is valid, in seconds.
pub const CERTIFICATE_SECONDS: u64 = 600;

/// How long the authorities are valid, in seconds: twenty years.
const AUTHORITY_SECONDS: u64 = 20 * 365 * 86_400;

/// Fulcio's extensions.
const FULCIO: [u64; 9] = [1, 3, 6, 1, 4, 1, 57_264, 1, 0];

/// The list of embedded signed certificate timestamps.
const SCT_LIST: [u64; 10] = [1, 3, 6, 1, 4, 1, 11_129, 2, 4, 2];

/// Extended key usage.
const EXTENDED_KEY_USAGE: [u64; 4] = [2, 5, 29, 37];

/// The purpose of timestamps.
const TIME_STAMPING: [u64; 9] = [1, 3, 6, 1, 5, 5, 7, 3, 8];

/// A root with a certificate below it that may sign others.
pub(super) struct Authority {
    intermediate: CertifiedIssuer<'static, KeyPair>,
    root: Vec<u8>,
    transparency: KeyPair,
}

impl Authority {
    pub(super) fn new(from: Timestamp) -> io::Result<Self> {
        let root = root("gemledger private root", from)?;
        let mut params = authority_params("gemledger private intermediate", from);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let intermediate =
            CertifiedIssuer::signed_by(params, key()?, &root).map_err(io::Error::other)?;
        Ok(Self {
            intermediate,
            root: root.der().to_vec(),
            transparency: key()?,
        })
    }

    /// A certificate for this key: valid for [`CERTIFICATE_SECONDS`] from `at`, with or without a signed timestamp.
    pub(super) fn certify(
        &self,
        claims: &Claims,
        public_key: &impl PublicKeyData,
        at: Timestamp,
        with_sct: bool,
    ) -> io::Result<Vec<u8>> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        limit(&mut params, at, CERTIFICATE_SECONDS);
        let identity = claims.identity().try_into().map_err(io::Error::other)?;
        params.subject_alt_names = vec![SanType::URI(identity)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        params.use_authority_key_identifier_extension = true;
        params.custom_extensions = claims.extensions().map(extension).collect();
        let signed = |params: &CertificateParams| {
            let certificate = params
                .signed_by(public_key, &self.intermediate)
                .map_err(io::Error::other)?;
            io::Result::Ok(certificate.der().to_vec())
        };
        let precertificate = signed(&params)?;
        if !with_sct {
            return Ok(precertificate);
        }
        // The same certificate without the list is what the log signs: the list is the last extension, so that all else
        // keeps its place.
        let body = der::inside(&precertificate)?;
        let body = body.first().copied().unwrap_or_default();
        let list = der::octets(&self.promise(body, at)?);
        params
            .custom_extensions
            .push(CustomExtension::from_oid_content(&SCT_LIST, list));
        signed(&params)
    }

    /// A list of one signed certificate timestamp for this body of a certificate.
    fn promise(&self, body: &[u8], at: Timestamp) -> io::Result<Vec<u8>> {
        let log = Digest::of(&self.transparency.subject_public_key_info());
        let issuer = Digest::of(&self.intermediate_key().subject_public_key_info());
        let time = at.millis().to_be_bytes();
        let length = u32::try_from(body.len())
            .map_err(io::Error::other)?
            .to_be_bytes();
        // Version 1, a certificate timestamp, of a precertificate, without extensions.
        let signed = [
            &[0, 0][..],
            &time,
            &[0, 1],
            issuer.as_bytes(),
            length.get(1..).unwrap_or_default(),
            body,
            &[0, 0],
        ];
        let signature = sign(&self.transparency, &signed.concat())?;
        // Version 1, log, time, no extensions, ECDSA with SHA-256.
        let stamp = [
            &[0][..],
            log.as_bytes(),
            &time,
            &[0, 0],
            &[4, 3],
            &prefixed(&signature)?,
        ];
        prefixed(&prefixed(&stamp.concat())?)
    }

    fn intermediate_key(&self) -> &KeyPair {
        self.intermediate.key()
    }

    /// The chain below which certificates are trusted: the intermediate, then the root.
    pub(super) fn chain(&self) -> [&[u8]; 2] {
        [self.intermediate.der(), &self.root]
    }

    /// The public key of the certificate transparency log.
    pub(super) fn transparency_key(&self) -> Vec<u8> {
        self.transparency.subject_public_key_info()
    }
}

/// A timestamp authority's certificate: its own root, and a leaf whose one, critical, purpose is timestamps.
pub(super) fn timestamp_certificate(
    from: Timestamp,
    public_key: &KeyPair,
) -> io::Result<[Vec<u8>; 2]> {
    let root = root("gemledger private timestamp root", from)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = named("gemledger private timestamps");
    limit(&mut params, from, AUTHORITY_SECONDS);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let purpose = der::sequence(&[&der::oid(&TIME_STAMPING)]);
    let mut purpose = CustomExtension::from_oid_content(&EXTENDED_KEY_USAGE, purpose);
    purpose.set_criticality(true);
    params.custom_extensions = vec![purpose];
    let leaf = params
        .signed_by(public_key, &root)
        .map_err(io::Error::other)?;
    Ok([leaf.der().to_vec(), root.der().to_vec()])
}

/// A key on the curve P-256.
pub(super) fn key() -> io::Result<KeyPair> {
    KeyPair::generate().map_err(io::Error::other)
}

/// An ECDSA signature in DER, or an Ed25519 signature, as the key is.
pub(super) fn sign(key: &KeyPair, message: &[u8]) -> io::Result<Vec<u8>> {
    SigningKey::sign(key, message).map_err(io::Error::other)
}

fn root(name: &str, from: Timestamp) -> io::Result<CertifiedIssuer<'static, KeyPair>> {
    let params = authority_params(name, from);
    CertifiedIssuer::self_signed(params, key()?).map_err(io::Error::other)
}

fn authority_params(name: &str, from: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    limit(&mut params, from, AUTHORITY_SECONDS);
    params.use_authority_key_identifier_extension = true;
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::OrganizationName, "gemledger.localhost");
    names.push(DnType::CommonName, name);
    names
}

/// Numbers up to 6 are written bare, later ones as a DER string of UTF-8.
fn extension((number, value): (u64, &str)) -> CustomExtension {
    let [arc @ .., _] = FULCIO;
    let oid: Vec<u64> = arc.into_iter().chain([number]).collect();
    let content = if number <= 6 {
        value.as_bytes().to_vec()
    } else {
        der::utf8(value)
    };
    CustomExtension::from_oid_content(&oid, content)
}

fn prefixed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
    Ok([&length.to_be_bytes()[..], bytes].concat())
}

/// Valid from `from`, for so many seconds.
fn limit(params: &mut CertificateParams, from: Timestamp, seconds: u64) {
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + Duration::from_secs(from.seconds());
    params.not_after = params.not_before + Duration::from_secs(seconds);
}
