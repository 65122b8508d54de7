//! Sigstore bundles: what was uploaded beside a gem, held against a trust root that the operator chose.
//!
//! The one path of a bundle: [`bundles`] splits the uploaded part into the exact bytes of each bundle and bounds them →
//! [`verify()`] checks one against a [`Root`] → [`Verified`], plain values that events and views can hold → [`distinct`].
//! Only [`fetch`] reaches for the network, for a trust root; and nothing of the crates that verify is visible outside of this room. Verifying
//! says that a certificate's holder signed these bytes; whether that holder may release the gem is decided elsewhere, from
//! [`Certificate`]. What is accepted is written down in `docs/formats/attestations.md`.
mod bundle;
mod certificate;
mod error;
mod json;
mod refresh;
pub mod root;
mod shape;
mod slsa;
mod statement;
mod verified;
mod verify;

pub use events::trust_root::Requires;

pub use self::{
    bundle::{MAX_BUNDLE_BYTES, MAX_BUNDLES, MAX_PART_BYTES, Uploaded, bundles},
    error::{BundleError, VerifyError},
    refresh::{Known, RefreshError, check_bootstrap, fetch},
    root::{MAX_ROOT_BYTES, Root, RootError},
    statement::{PREDICATES, SLSA_PROVENANCE_V1, StatementError},
    verified::{
        Certificate, Checked, Content, Identity, LogEntry, LogName, TimeSource, Verified,
        VerifiedTime,
    },
    verify::{Artifact, distinct, verify},
};
