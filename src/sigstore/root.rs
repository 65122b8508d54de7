//! Trust roots: whose certificates, logs and timestamps count, and which evidence a bundle must have.
use std::fmt;

use events::{digest::Digest, trust_root::Requires};
use sigstore_trust_root::{
    SIGSTORE_GITHUB_TRUSTED_ROOT, SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot,
};
use sigstore_verify::Verifier;

use super::error::told;

/// Bytes of a `trusted_root.json`. That of the public-good instance has 7,000.
pub const MAX_ROOT_BYTES: usize = 256 * 1024;

/// Authorities and logs of a root, of each kind.
const MAX_OF_A_KIND: usize = 32;

/// The `trusted_root.json` of the public-good instance, as it was when the verifying crate was released.
pub const PUBLIC_GOOD: &str = SIGSTORE_PRODUCTION_TRUSTED_ROOT;

/// The same of GitHub's own instance, which signs for private repositories: timestamps, no log.
pub const GITHUB: &str = SIGSTORE_GITHUB_TRUSTED_ROOT;

/// A trust root that is ready to verify. Made once and shared between threads.
pub struct Root {
    digest: Digest,
    requires: Requires,
    pub(super) verifier: Verifier,
}

impl Root {
    /// Reads a `trusted_root.json` of at most [`MAX_ROOT_BYTES`]. Each key and certificate in it must be one that can be
    /// used, and it must have what it requires.
    pub fn read(json: &[u8], requires: Requires) -> Result<Self, RootError> {
        if json.len() > MAX_ROOT_BYTES {
            return Err(RootError::TooLong { bytes: json.len() });
        }
        let text = str::from_utf8(json).map_err(|error| RootError::Malformed(told(&error)))?;
        let root =
            TrustedRoot::from_json(text).map_err(|error| RootError::Malformed(told(&error)))?;
        check(&root, requires)?;
        let verifier = Verifier::new(&root).map_err(|error| RootError::Unusable(told(&error)))?;
        let digest = Digest::of(json);
        Ok(Self {
            digest,
            requires,
            verifier,
        })
    }

    /// SHA-256 of the `trusted_root.json`.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What it requires of a bundle.
    pub fn requires(&self) -> Requires {
        self.requires
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root")
            .field("digest", &self.digest)
            .field("requires", &self.requires)
            .finish_non_exhaustive()
    }
}

fn check(root: &TrustedRoot, requires: Requires) -> Result<(), RootError> {
    if !requires.log && !requires.timestamp {
        return Err(RootError::NoTime);
    }
    let parts = [
        (
            "certificate authorities",
            root.certificate_authorities.len(),
            true,
        ),
        ("transparency logs", root.tlogs.len(), requires.log),
        (
            "certificate transparency logs",
            root.ctlogs.len(),
            requires.sct,
        ),
        (
            "timestamp authorities",
            root.timestamp_authorities.len(),
            requires.timestamp,
        ),
    ];
    for (what, found, needed) in parts {
        if found == 0 && needed {
            return Err(RootError::Lacks(what));
        }
        if found > MAX_OF_A_KIND {
            return Err(RootError::Crowded { what, found });
        }
    }
    Ok(())
}

/// Why a trust root cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    /// Too many bytes.
    #[error("the trust root has {bytes} bytes, more than {MAX_ROOT_BYTES}")]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// Not a `trusted_root.json`.
    #[error("this is not a Sigstore trust root (trusted_root.json): {0}")]
    Malformed(String),
    /// It requires what it has no authority for.
    #[error("the trust root names no {0}, but evidence of one is required")]
    Lacks(&'static str),
    /// Too many of something.
    #[error("the trust root names {found} {what}, more than {MAX_OF_A_KIND}")]
    Crowded {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
    },
    /// Neither a log nor a timestamp is required: nobody would vouch for the time of signing.
    #[error(
        "a trust root must require a transparency log or a timestamp: without either, a leaked key signs for ever"
    )]
    NoTime,
    /// A key or certificate in it is malformed, there twice, or of an unknown kind.
    #[error("the trust root cannot be used: {0}")]
    Unusable(String),
}

impl RootError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "trust_root_too_long",
            Self::Malformed(_) => "trust_root_malformed",
            Self::Lacks(_) => "trust_root_lacks",
            Self::Crowded { .. } => "trust_root_crowded",
            Self::NoTime => "trust_root_without_time",
            Self::Unusable(_) => "trust_root_unusable",
        }
    }
}
