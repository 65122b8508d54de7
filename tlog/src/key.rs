//! Keys and their texts (c2sp.org/signed-note, "Signatures" and "Verifier keys").
//!
//! ```text
//! key id        first 4 bytes of SHA-256(name || 0x0A || type || public key)
//! verifier key  <name>+<key id, 8 hex digits>+<base64(type || public key)>
//! signing key   PRIVATE+KEY+<name>+<key id, 8 hex digits>+<base64(type || seed)>
//! type          0x01 Ed25519 over a text; 0x04 Ed25519 cosignature of a checkpoint, with a time
//! ```
//!
//! A name is not empty and has no spaces, control characters or plus. A key of type 0x01 and one of type 0x04 make
//! different statements, so they are different types here too, and one cannot be used for the other.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use ed25519_dalek::{Signature, Signer};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::text::{from_base64, to_base64};

const ED25519: u8 = 0x01;
const COSIGNATURE: u8 = 0x04;

/// Why a key, or its text, was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// The name is empty, or has a space, a control character or a plus.
    #[error("a key name is not empty and has no spaces, control characters or plus")]
    Name,
    /// The text is not of the form `name+id+base64`, or not in its canonical spelling.
    #[error("the key is not of the form name+id+base64")]
    Form,
    /// The key is of another type than the one that is read here.
    #[error("the key is of another type")]
    Type,
    /// The key has the wrong length, is not a point of the curve, or is one that anybody can sign for.
    #[error("the public key is not a usable Ed25519 key")]
    PublicKey,
    /// The id in the text is not the id of the key in the text.
    #[error("the key id does not match the key")]
    Id,
}

/// The short name of a key: no more than a hint which key to try.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId([u8; 4]);

impl KeyId {
    /// An id as it stands before a signature.
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes.
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    fn of(name: &str, kind: u8, public_key: &[u8; 32]) -> Self {
        let hash = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', kind])
            .chain_update(public_key)
            .finalize();
        let [a, b, c, d, ..]: [u8; 32] = hash.into();
        Self([a, b, c, d])
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What both kinds of verifier keys are made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PublicKey {
    name: String,
    id: KeyId,
    key: ed25519_dalek::VerifyingKey,
}

impl PublicKey {
    fn new(name: &str, kind: u8, bytes: &[u8; 32]) -> Result<Self, KeyError> {
        check_name(name)?;
        let key =
            ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::PublicKey)?;
        if key.is_weak() {
            return Err(KeyError::PublicKey);
        }
        Ok(Self {
            name: name.to_string(),
            id: KeyId::of(name, kind, bytes),
            key,
        })
    }

    fn parse(text: &str, kind: u8) -> Result<Self, KeyError> {
        let (name, id, bytes) = parse_parts(text, kind, KeyError::PublicKey)?;
        let key = Self::new(name, kind, &bytes)?;
        if key.id.to_string() == id {
            Ok(key)
        } else {
            Err(KeyError::Id)
        }
    }

    fn format(&self, kind: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}+{}+{}",
            self.name,
            self.id,
            typed(kind, self.key.as_bytes()).as_str()
        )
    }

    fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key
            .verify_strict(message, &Signature::from_bytes(signature))
            .is_ok()
    }
}

/// A key of type 0x01: it verifies notes, and with them checkpoints.
///
/// ```
/// let text = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
/// let key = tlog::VerifierKey::parse(text)?;
/// assert_eq!((key.name(), key.to_string().as_str()), ("example.com/foo", text));
/// # Ok::<(), tlog::KeyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey(PublicKey);

impl VerifierKey {
    /// The key of this name, from the 32 bytes of an Ed25519 public key (RFC 8032).
    pub fn new(name: &str, public_key: &[u8; 32]) -> Result<Self, KeyError> {
        PublicKey::new(name, ED25519, public_key).map(Self)
    }

    /// Reads `name+id+base64`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        PublicKey::parse(text, ED25519).map(Self)
    }

    /// The name that stands in its signature lines.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The id that stands before its signatures.
    pub const fn id(&self) -> KeyId {
        self.0.id
    }

    /// The 32 bytes of the Ed25519 public key.
    pub fn public_key(&self) -> &[u8; 32] {
        self.0.key.as_bytes()
    }

    pub(crate) fn verify(&self, text: &str, signature: &[u8]) -> bool {
        signature
            .try_into()
            .is_ok_and(|signature| self.0.verify(text.as_bytes(), signature))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format(ED25519, f)
    }
}

/// A key of type 0x04: it verifies cosignatures, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CosignerKey(PublicKey);

impl CosignerKey {
    /// The key of this name, from the 32 bytes of an Ed25519 public key (RFC 8032).
    pub fn new(name: &str, public_key: &[u8; 32]) -> Result<Self, KeyError> {
        PublicKey::new(name, COSIGNATURE, public_key).map(Self)
    }

    /// Reads `name+id+base64`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        PublicKey::parse(text, COSIGNATURE).map(Self)
    }

    /// The name that stands in its signature lines.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The id that stands before its signatures.
    pub const fn id(&self) -> KeyId {
        self.0.id
    }

    /// The 32 bytes of the Ed25519 public key.
    pub fn public_key(&self) -> &[u8; 32] {
        self.0.key.as_bytes()
    }

    pub(crate) fn verify(&self, message: &str, signature: &[u8; 64]) -> bool {
        self.0.verify(message.as_bytes(), signature)
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.format(COSIGNATURE, f)
    }
}

/// The private half of a [`VerifierKey`]. It cannot be printed by accident, and is wiped when dropped.
pub struct SigningKey {
    verifier: VerifierKey,
    key: ed25519_dalek::SigningKey,
}

impl SigningKey {
    /// The key of this name, from the 32 random bytes of an Ed25519 private key (RFC 8032).
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        Ok(Self {
            verifier: VerifierKey::new(name, key.verifying_key().as_bytes())?,
            key,
        })
    }

    /// Reads `PRIVATE+KEY+name+id+base64`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.strip_prefix("PRIVATE+KEY+").ok_or(KeyError::Form)?;
        let (name, id, seed) = parse_parts(text, ED25519, KeyError::Form)?;
        let key = Self::from_seed(name, &seed)?;
        if key.verifier.id().to_string() == id {
            Ok(key)
        } else {
            Err(KeyError::Id)
        }
    }

    /// The text that [`SigningKey::parse`] reads. It is the secret itself; it is wiped when dropped.
    pub fn to_text(&self) -> Zeroizing<String> {
        let secret = typed(ED25519, self.key.as_bytes());
        Zeroizing::new(format!(
            "PRIVATE+KEY+{}+{}+{}",
            self.name(),
            self.verifier.id(),
            secret.as_str()
        ))
    }

    /// The name that will stand in its signature lines.
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// The public half.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(crate) fn sign(&self, text: &str) -> [u8; 64] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

/// The private half of a [`CosignerKey`]. It cannot be printed by accident, and is wiped when dropped.
pub struct CosigningKey {
    verifier: CosignerKey,
    key: ed25519_dalek::SigningKey,
}

impl CosigningKey {
    /// The key of this name, from the 32 random bytes of an Ed25519 private key (RFC 8032).
    ///
    /// A cosignature does not say its cosigner's name, so two names must not share a seed.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        Ok(Self {
            verifier: CosignerKey::new(name, key.verifying_key().as_bytes())?,
            key,
        })
    }

    /// The name that will stand in its signature lines.
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// The public half.
    pub const fn verifier(&self) -> &CosignerKey {
        &self.verifier
    }

    pub(crate) fn sign(&self, message: &str) -> [u8; 64] {
        self.key.sign(message.as_bytes()).to_bytes()
    }
}

/// Checks the grammar of key names.
pub(crate) fn check_name(name: &str) -> Result<(), KeyError> {
    let refused = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.contains(refused) {
        Err(KeyError::Name)
    } else {
        Ok(())
    }
}

/// Name, id and the 32 bytes behind the type. What is wrong with other lengths is for the caller to say.
fn parse_parts(
    text: &str,
    kind: u8,
    length: KeyError,
) -> Result<(&str, &str, Zeroizing<[u8; 32]>), KeyError> {
    let (name, rest) = text.split_once('+').ok_or(KeyError::Form)?;
    let (id, key) = rest.split_once('+').ok_or(KeyError::Form)?;
    let key = Zeroizing::new(from_base64(key).ok_or(KeyError::Form)?);
    match key.split_first() {
        None => Err(KeyError::Form),
        Some((found, _)) if *found != kind => Err(KeyError::Type),
        Some((_, bytes)) => Ok((
            name,
            id,
            Zeroizing::new(bytes.try_into().map_err(|_| length)?),
        )),
    }
}

fn typed(kind: u8, bytes: &[u8; 32]) -> Zeroizing<String> {
    let mut typed = Zeroizing::new(Vec::with_capacity(33));
    typed.push(kind);
    typed.extend_from_slice(bytes);
    Zeroizing::new(to_base64(&typed))
}
