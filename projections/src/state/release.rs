//! A release in the state of its gem: few bytes in memory, canonical on paper.
use alloc::{boxed::Box, vec::Vec};
use events::{digest::Digest, platform::Platform, version::GemVersion};
use serde::{Deserialize, Serialize, Serializer};

/// A release: one file. Some 90 bytes in memory, because an auditor holds all of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Read")]
pub struct Release {
    attestations: Box<[Digest]>,
    digest: Digest,
    /// Number and platform, one after the other.
    label: Box<str>,
    number: u8,
    status: Status,
}

/// A release as it is read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(default)]
    attestations: Vec<Digest>,
    digest: Digest,
    number: GemVersion,
    platform: Platform,
    status: Status,
}

/// A release as it is written.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(skip_serializing_if = "<[Digest]>::is_empty")]
    attestations: &'a [Digest],
    digest: Digest,
    number: &'a str,
    platform: &'a str,
    status: Status,
}

/// What has become of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is in the index.
    Released,
    /// It is withheld: it is in no index, and its file is not served.
    Quarantined,
}

impl Release {
    pub(super) fn new(
        digest: Digest,
        number: &GemVersion,
        platform: &Platform,
        status: Status,
    ) -> Self {
        Self {
            attestations: Box::default(),
            digest,
            label: [number.as_str(), platform.as_str()].concat().into(),
            // A version has at most 255 bytes.
            number: u8::try_from(number.as_str().len()).unwrap_or(u8::MAX),
            status,
        }
    }

    /// SHA-256 of each bundle that came with it, in their order.
    pub fn attestations(&self) -> &[Digest] {
        &self.attestations
    }

    pub(super) fn attest(&mut self, bundle: Digest) {
        let mut bundles = Vec::from(core::mem::take(&mut self.attestations));
        bundles.push(bundle);
        self.attestations = bundles.into_boxed_slice();
    }

    /// SHA-256 of the file.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The version as it is spelled.
    pub fn number(&self) -> &str {
        self.label
            .get(..usize::from(self.number))
            .unwrap_or_default()
    }

    /// The platform.
    pub fn platform(&self) -> &str {
        self.label
            .get(usize::from(self.number)..)
            .unwrap_or_default()
    }

    /// Whether it is the release of this version and platform, as they are spelled.
    pub(super) fn is(&self, number: &GemVersion, platform: &Platform) -> bool {
        self.number() == number.as_str() && self.platform() == platform.as_str()
    }

    pub(super) fn turn(&mut self, status: Status) {
        self.status = status;
    }

    /// What has become of it.
    pub fn status(&self) -> Status {
        self.status
    }
}

impl From<Read> for Release {
    fn from(read: Read) -> Self {
        let release = Self::new(read.digest, &read.number, &read.platform, read.status);
        Self {
            attestations: read.attestations.into_boxed_slice(),
            ..release
        }
    }
}

impl Serialize for Release {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = Written {
            attestations: &self.attestations,
            digest: self.digest,
            number: self.number(),
            platform: self.platform(),
            status: self.status,
        };
        written.serialize(serializer)
    }
}
