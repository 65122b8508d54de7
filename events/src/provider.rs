//! Identity providers: whose word about a job this ledger takes, and the public keys it was given with.
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

use crate::{
    claims::ProviderKind,
    digest::Digest,
    text::{Slug, Text, TextError},
    time::Timestamp,
};

/// Signature algorithms a provider may declare. Nothing symmetric, and never `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

/// Data of `provider.registered`: an issuer whose tokens may be exchanged here, and how its claims are read.
///
/// Registering the same slug again changes the settings; its issuer never changes (see `issuer.taken`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registered {
    /// Algorithms its tokens may be signed with; the token itself has no say.
    pub algorithms: Vec<Algorithm>,
    /// The one audience its tokens must name.
    pub audience: Text,
    /// When these settings take effect, if they loosen what gems' policies demand and loosening has a delay; until then
    /// those before hold.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effective: Option<Timestamp>,
    /// `iss`, exactly.
    pub issuer: Text,
    /// Where its keys are fetched, fixed when it is registered.
    pub jwks_uri: Text,
    /// Which dialect its claims speak.
    pub kind: ProviderKind,
    /// Plain http to a literal loopback address was allowed: a test or demonstration provider.
    pub loopback: bool,
    /// For a generic provider: which claim of its tokens fills which field.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mapping: Option<Mapping>,
    /// Tokens of private repositories are accepted even though this log is public.
    pub private_repositories: bool,
    /// Claims that every token must carry with exactly this value, by the claim's name.
    #[serde(with = "required")]
    pub required: BTreeMap<ClaimName, Text>,
}

/// Claim names are foreign and so cannot be keys of an object: the claims are written as a list, in the order of their names.
mod required {
    use super::{BTreeMap, ClaimName, Deserialize, Serialize, Text, Vec};
    use serde::{Deserializer, Serializer, de::Error as _};

    #[derive(Serialize)]
    struct Written<'a> {
        claim: &'a ClaimName,
        value: &'a Text,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Read {
        claim: ClaimName,
        value: Text,
    }

    pub(super) fn serialize<S: Serializer>(
        claims: &BTreeMap<ClaimName, Text>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(claims.iter().map(|(claim, value)| Written { claim, value }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<ClaimName, Text>, D::Error> {
        let list = Vec::<Read>::deserialize(deserializer)?;
        let rises = list.is_sorted_by(|a, b| a.claim < b.claim);
        if !rises {
            return Err(D::Error::custom(
                "required claims are repeated or out of order",
            ));
        }
        Ok(list
            .into_iter()
            .map(|read| (read.claim, read.value))
            .collect())
    }
}

/// For a generic provider: the claim names behind the fields of a [`Workflow`](crate::claims::Workflow).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The claim with the commit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub commit: Option<ClaimName>,
    /// The claim with the deployment environment.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment: Option<ClaimName>,
    /// The claim with the owner's immutable id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner_id: Option<ClaimName>,
    /// The claim with the git ref.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none", default)]
    pub git_ref: Option<ClaimName>,
    /// The claim with the project's path; compared exactly.
    pub repository: ClaimName,
    /// The claim with the project's immutable id; compared exactly.
    pub repository_id: ClaimName,
    /// The claim with the run's id.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run_id: Option<ClaimName>,
    /// The claim that names the pipeline definition; compared exactly with the publisher's workflow.
    pub workflow: ClaimName,
}

/// The name of a claim: `[A-Za-z0-9_./:-]`, 1 to 255 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClaimName(String);

impl ClaimName {
    /// Takes the string if it may name a claim.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_./:-".contains(&b);
        match text.len() {
            0 => Err(TextError::Empty),
            1..=255 if text.bytes().all(plain) => Ok(Self(text.into())),
            _ => Err(TextError::Grammar(
                "a claim's name (letters, digits and _ . / : -)",
            )),
        }
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

crate::spelled::kept_as_text!(ClaimName: TextError, KeyPart: TextError);

impl TryFrom<String> for ClaimName {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl From<ClaimName> for String {
    fn from(name: ClaimName) -> Self {
        name.0
    }
}

/// A number or point of a public key in base64url without padding, at most 1,366 characters (an RSA key of 8192 bits).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPart(String);

impl KeyPart {
    /// Takes the string if it is base64url without padding and within bounds.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        match text.len() {
            0 => Err(TextError::Empty),
            1..=1366 if text.bytes().all(base64url) => Ok(Self(text.into())),
            _ => Err(TextError::Grammar(
                "a key part (base64url without padding, at most 1366 characters)",
            )),
        }
    }

    /// The base64url text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyPart {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl From<KeyPart> for String {
    fn from(part: KeyPart) -> Self {
        part.0
    }
}

/// A public key as RFC 7517 writes it, reduced to the members that RFC 7638 hashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicJwk {
    /// Curve of an `EC` or `OKP` key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub crv: Option<KeyPart>,
    /// RSA exponent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub e: Option<KeyPart>,
    /// `RSA`, `EC` or `OKP`.
    pub kty: KeyPart,
    /// RSA modulus.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub n: Option<KeyPart>,
    /// First coordinate of an `EC` key, or the `OKP` key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub x: Option<KeyPart>,
    /// Second coordinate of an `EC` key.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub y: Option<KeyPart>,
}

impl PublicJwk {
    /// The thumbprint of RFC 7638: SHA-256 over the members in lexical order, which is their canonical JSON here.
    pub fn thumbprint(&self) -> Digest {
        // The members are plain base64url strings, declared in order: the canonical writer cannot fail on them.
        Digest::of(&crate::canonical::to_bytes(self).unwrap_or_default())
    }
}

/// One public key that a provider published, seen for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservedKey {
    /// The key.
    pub jwk: PublicJwk,
    /// The name that tokens call it by.
    pub kid: Text,
    /// RFC 7638 thumbprint: the key's identity here.
    pub thumbprint: Digest,
}

/// Data of `provider.keys_observed`: public keys that were not known before, each recorded once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysObserved {
    /// The new keys.
    pub keys: Vec<ObservedKey>,
}

/// Data of `provider.key_distrusted`: tokens signed by this key are refused, and keys minted with it are dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyDistrusted {
    /// The name the operator gave.
    pub kid: Text,
    /// The key that bore it.
    pub thumbprint: Digest,
}

/// Data of `provider.disabled`: none of its tokens is exchanged and nothing minted with them is accepted any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disabled {}

/// Data of `issuer.taken`: this issuer belongs to that provider for good, so that no token has two readings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerTaken {
    /// The issuer, `iss` exactly.
    pub issuer: Text,
    /// Whose it is.
    pub provider: Slug,
}
