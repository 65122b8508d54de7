//! Build attestations: what a verified certificate says of the run that signed a gem, field by field beside what was expected.
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest, name::GemName, platform::Platform, stream::EventRef, text::Text,
    time::Timestamp, version::GemVersion,
};

/// A field of the certificate that was compared; the names are stable. Numbers are the extensions of a Fulcio
/// certificate, `1.3.6.1.4.1.57264.1.N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// Which attempt of the run (21): not later than the token's.
    Attempt,
    /// The workflow file that was triggered, with its ref (18): the token's `workflow_ref`.
    BuildConfig,
    /// The commit that file was read from (19).
    BuildConfigCommit,
    /// The commit that was built (13).
    Commit,
    /// The deployment environment (23), where the policy names one.
    Environment,
    /// Whose tokens the certificate authority took (8): the provider's issuer.
    Issuer,
    /// GitLab: the job (21), only where one job signs and pushes.
    Job,
    /// The immutable id of the repository's owner (17).
    OwnerId,
    /// The git ref (14).
    Ref,
    /// The source repository's address (12).
    Repository,
    /// The immutable id of the repository (15).
    RepositoryId,
    /// The run (21), without its attempt.
    Run,
    /// Whose machine ran it (11).
    Runner,
    /// The workflow file that defines the job, with its ref (9, and the name that the certificate was issued to): the
    /// token's `job_workflow_ref`, and the workflow that the publisher names.
    Signer,
    /// The commit that file was read from (10).
    SignerCommit,
    /// What started the run (20).
    Trigger,
    /// Whether the repository was public (22).
    Visibility,
}

/// One field, as the certificate has it and as the pushing key's token, or the publisher, has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// What the certificate says.
    pub certificate: Text,
    /// What was expected.
    pub expected: Text,
    /// Which field.
    pub field: Field,
}

/// The entry of a transparency log that a bundle proves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    /// The entry's index in that log.
    pub index: Text,
    /// The log: the id of its key in hexadecimal, or the origin of its checkpoint.
    pub log: Text,
}

/// Data of `release.attested`: a bundle was verified and held against the run that bought the pushing key. It comes with
/// `release.pushed`, or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// Who built the file, by the word of a provenance, held against the certificate: at GitHub the workflow file that
    /// defines the job, at GitLab a runner of the project. Absent for a signature over the file itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub builder: Option<Text>,
    /// SHA-256 of the bundle's bytes as they were uploaded.
    pub bundle: Digest,
    /// SHA-256 of the signing certificate.
    pub certificate: Digest,
    /// Every field that was compared, in the order of their names, each once.
    pub compared: Vec<Compared>,
    /// SHA-256 of the file that it attests.
    pub digest: Digest,
    /// Its entry in a transparency log; absent where the trust root demands none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub entry: Option<LogEntry>,
    /// The gem's name as it is spelled.
    pub name: GemName,
    /// The version as it was released.
    pub number: GemVersion,
    /// The platform, `ruby` for plain gems.
    pub platform: Platform,
    /// The predicate's type of an in-toto statement; absent for a signature over the file itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub predicate: Option<Text>,
    /// Everybody can read the transparency log that it stands in, as its trust root has it.
    pub public: bool,
    /// The trust root that verified it, in the version of that moment.
    pub root: EventRef,
    /// The certificate proves that it was shown to a certificate transparency log.
    pub sct: bool,
    /// When it was signed, as the transparency log or the timestamp authority vouches.
    pub signed: Timestamp,
    /// A timestamp authority vouches for that time.
    pub timestamp: bool,
}
