//! The keys that sign the registry's statements: Ed25519, each in a file of its own (PKCS #8, PEM) named by the key's
//! thumbprint, which only its owner may read.
//!
//! They lie beside the signing key of the log and are none of its keys. Old ones stay: they sign old statements again, and
//! a signature of Ed25519 is the same each time.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::{Engine as _, engine::general_purpose as encoding};
use events::{
    digest::Digest,
    provider::{KeyPart, PublicJwk},
};
use zeroize::Zeroizing;

use super::keys::{KeyFileError, read_secret, write_secret};
use crate::world;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// What stands before the 32 bytes of the seed, by RFC 8410.
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// What stands before the 32 bytes of the public key, by RFC 8410.
const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A key that signs statements.
pub struct StatementKey {
    pair: Ed25519KeyPair,
    jwk: PublicJwk,
}

impl StatementKey {
    /// Makes a key in this folder. It is on disk when this returns.
    pub fn create(folder: &Path) -> Result<Self, KeyFileError> {
        let seed = Zeroizing::new(world::random::<32>());
        let key = Self::from_seed(&*seed).ok_or_else(|| malformed(folder))?;
        let der = Zeroizing::new([PKCS8.as_slice(), seed.as_slice()].concat());
        let body = Zeroizing::new(encoding::STANDARD.encode(&*der));
        let text = Zeroizing::new(format!("{BEGIN}\n{}\n{END}\n", &*body));
        write_secret(&path(folder, &key.jwk.thumbprint()), text.as_bytes())?;
        Ok(key)
    }

    /// The key with this thumbprint; `None` if it is not in the folder.
    pub fn load(folder: &Path, thumbprint: &Digest) -> Result<Option<Self>, KeyFileError> {
        let path = path(folder, thumbprint);
        let text = match read_secret(&path) {
            Ok(text) => text,
            Err(KeyFileError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let key = parse(&text).filter(|key| key.jwk.thumbprint() == *thumbprint);
        key.map(Some).ok_or_else(|| malformed(&path))
    }

    /// The thumbprints of the keys in the folder, by the names of their files.
    pub fn all(folder: &Path) -> Result<Vec<Digest>, KeyFileError> {
        let failed = |error| KeyFileError::Io {
            path: folder.to_owned(),
            error,
        };
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            found.extend(name.to_str().and_then(thumbprint));
        }
        found.sort();
        Ok(found)
    }

    fn from_seed(seed: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let part = |text: &str| KeyPart::parse(text).ok();
        let x = encoding::URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let jwk = PublicJwk {
            crv: part("Ed25519"),
            e: None,
            kty: part("OKP")?,
            n: None,
            x: part(&x),
            y: None,
        };
        Some(Self { pair, jwk })
    }

    /// The public key, as the log introduces it.
    pub fn jwk(&self) -> &PublicJwk {
        &self.jwk
    }

    /// The signature of these bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

/// A public key of statements as PEM, for tools that read no JWK; `None` if it is not an Ed25519 key.
pub fn public_pem(jwk: &PublicJwk) -> Option<String> {
    let x = jwk.x.as_ref()?;
    let bytes = encoding::URL_SAFE_NO_PAD.decode(x.as_str()).ok()?;
    let der = [SPKI.as_slice(), &bytes].concat();
    let body = encoding::STANDARD.encode(der);
    (bytes.len() == 32)
        .then(|| format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"))
}

/// The name by which tools for DSSE know a key that they have as PEM: its OpenSSH fingerprint. Whoever finds another name
/// on an envelope takes it for a signature of somebody else.
pub fn key_id(jwk: &PublicJwk) -> Option<String> {
    const KIND: &[u8] = b"ssh-ed25519";
    let bytes = encoding::URL_SAFE_NO_PAD.decode(jwk.x.as_ref()?.as_str());
    let mut wire = Vec::new();
    for part in [KIND, &bytes.ok()?] {
        wire.extend_from_slice(&u32::try_from(part.len()).ok()?.to_be_bytes());
        wire.extend_from_slice(part);
    }
    let digest = encoding::STANDARD_NO_PAD.encode(Digest::of(&wire).as_bytes());
    Some(format!("SHA256:{digest}"))
}

/// The file of the key with this thumbprint.
pub fn path(folder: &Path, thumbprint: &Digest) -> PathBuf {
    folder.join(format!("statement-{}.pem", thumbprint.hex()))
}

fn thumbprint(file: &str) -> Option<Digest> {
    let hex = file.strip_prefix("statement-")?.strip_suffix(".pem")?;
    Digest::from_hex(hex).ok()
}

fn parse(text: &str) -> Option<StatementKey> {
    let body = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let der = Zeroizing::new(encoding::STANDARD.decode(body.trim()).ok()?);
    let seed = der.strip_prefix(PKCS8.as_slice())?;
    StatementKey::from_seed(seed)
}

fn malformed(path: &Path) -> KeyFileError {
    KeyFileError::Malformed(path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_has_the_fingerprint_that_openssh_computes() {
        // `ssh-keygen -l -f` of `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f`.
        let bytes: Vec<u8> = (0..32).collect();
        let part = |text: &str| KeyPart::parse(text).unwrap();
        let jwk = PublicJwk {
            crv: Some(part("Ed25519")),
            e: None,
            kty: part("OKP"),
            n: None,
            x: Some(part(&encoding::URL_SAFE_NO_PAD.encode(bytes))),
            y: None,
        };
        assert_eq!(
            key_id(&jwk).as_deref(),
            Some("SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA")
        );
    }

    #[test]
    fn a_key_is_found_again_by_its_thumbprint_and_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let key = StatementKey::create(folder.path()).unwrap();
        let thumbprint = key.jwk().thumbprint();
        assert_eq!(StatementKey::all(folder.path()).unwrap(), [thumbprint]);
        let again = StatementKey::load(folder.path(), &thumbprint)
            .unwrap()
            .unwrap();
        assert_eq!(again.jwk(), key.jwk());
        assert_eq!(again.sign(b"a statement"), key.sign(b"a statement"));
        let other = Digest::of(b"another");
        assert!(StatementKey::load(folder.path(), &other).unwrap().is_none());
        // Under another key's name it is no key.
        let file = path(folder.path(), &thumbprint);
        fs::copy(&file, path(folder.path(), &other)).unwrap();
        let refused = StatementKey::load(folder.path(), &other);
        assert!(matches!(refused, Err(KeyFileError::Malformed(_))));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = StatementKey::load(folder.path(), &thumbprint);
        assert!(matches!(refused, Err(KeyFileError::Exposed(_))));
    }
}
