//! What a verified bundle says, in values of our own: the certificate's claims, and what vouched for them.
use events::{digest::Digest, time::Timestamp};

/// A bundle that held in every respect that its root requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// SHA-256 of the bundle's bytes as uploaded.
    pub bundle: Digest,
    /// Who signed, by the word of the certificate authority.
    pub certificate: Certificate,
    /// What was verified beyond certificate chain and signature, which always are.
    pub checked: Checked,
    /// What was signed.
    pub content: Content,
    /// Where the signature is logged. `None` only under a root that requires no log.
    pub log_entry: Option<LogEntry>,
    /// Every time that an authority of the root vouches for; at least one. The certificate was valid at each.
    pub times: Vec<VerifiedTime>,
}

impl Verified {
    /// The earliest verified time: the signature existed then.
    pub fn signed_by(&self) -> Option<Timestamp> {
        self.times.iter().map(|time| time.at).min()
    }

    /// The predicate's type, of a statement.
    pub fn predicate_type(&self) -> Option<&str> {
        match &self.content {
            Content::MessageSignature => None,
            Content::Statement { predicate_type, .. } => Some(predicate_type),
        }
    }

    /// Who built it, by a statement's own word, which was held against the certificate.
    pub fn builder(&self) -> Option<&str> {
        match &self.content {
            Content::MessageSignature => None,
            Content::Statement { builder, .. } => Some(builder),
        }
    }
}

/// What vouches for the signature besides the certificate authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// A transparency log: inclusion proof and signed checkpoint of each entry, and the promise where there is one.
    pub log: bool,
    /// The certificate's signed certificate timestamp: a certificate transparency log promised to log it.
    pub sct: bool,
    /// A timestamp authority (RFC 3161).
    pub timestamp: bool,
}

/// What a bundle's signature is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The gem's bytes themselves.
    MessageSignature,
    /// An in-toto statement whose one subject is the gem, in a DSSE envelope.
    Statement {
        /// One of [`PREDICATES`](super::PREDICATES).
        predicate_type: String,
        /// `runDetails.builder.id`: the certificate's signer at GitHub, a runner of the project at GitLab.
        builder: String,
    },
}

/// A moment that somebody vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedTime {
    /// The moment.
    pub at: Timestamp,
    /// Who vouches.
    pub source: TimeSource,
}

/// Who vouches for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// The transparency log, by its signed entry timestamp (Rekor v1).
    Log,
    /// A timestamp authority (RFC 3161).
    Timestamp,
}

/// Where a signature stands in a transparency log. Each field is authenticated by the log's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The log index, in decimal digits. That of the whole log where a promise signs it, else that of the inclusion proof.
    pub index: String,
    /// Kind and version of the entry, such as `hashedrekord 0.0.1`.
    pub kind: String,
    /// Which log.
    pub log: LogName,
}

/// The name of a log, as far as a signature covers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogName {
    /// SHA-256 of the log's public key, in lower-case hexadecimal digits: signed with Rekor v1's promise.
    KeyId(String),
    /// The origin line of the checkpoint. A bundle's key id is not signed with Rekor v2, and is ignored.
    Origin(String),
}

/// A signing certificate: its owner's identity, and Fulcio's extensions `1.3.6.1.4.1.57264.1.8` to `.24`.
///
/// Claims are `None` where the certificate authority set none. The deprecated `.1` to `.6` are not read where a newer
/// one says the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// `.19`: the commit of the workflow or pipeline that ran.
    pub build_config_digest: Option<String>,
    /// `.18`: the workflow or pipeline that ran, as `URI@ref`.
    pub build_config_uri: Option<String>,
    /// `.10`: the commit of the (perhaps reusable) workflow that signed.
    pub build_signer_digest: Option<String>,
    /// `.9`: the (perhaps reusable) workflow that signed, as `URI@ref`.
    pub build_signer_uri: Option<String>,
    /// `.20`: the event that started the run.
    pub build_trigger: Option<String>,
    /// SHA-256 of the certificate's DER.
    pub digest: Digest,
    /// `.23`: the deployment environment.
    pub environment: Option<String>,
    /// The subject alternative name.
    pub identity: Option<Identity>,
    /// `.8`: the issuer of the identity token; equal to the issuer that was asked for.
    pub issuer: String,
    /// The last moment at which it is valid.
    pub not_after: Timestamp,
    /// The first moment at which it is valid.
    pub not_before: Timestamp,
    /// `.21`: the run and attempt (GitHub) or the job (GitLab), as a URL.
    pub run_invocation_uri: Option<String>,
    /// `.11`: who owns the machine, such as `github-hosted`.
    pub runner_environment: Option<String>,
    /// `.13`: the commit.
    pub source_repository_digest: Option<String>,
    /// `.15`: the repository's immutable id.
    pub source_repository_id: Option<String>,
    /// `.17`: the owner's immutable id.
    pub source_repository_owner_id: Option<String>,
    /// `.16`: the owner, as a URL.
    pub source_repository_owner_uri: Option<String>,
    /// `.14`: the ref, in full.
    pub source_repository_ref: Option<String>,
    /// `.12`: the repository, as a URL.
    pub source_repository_uri: Option<String>,
    /// `.24`: `sub` of the identity token.
    pub token_subject: Option<String>,
    /// `.22`: the repository's visibility when the certificate was issued.
    pub visibility: Option<String>,
}

/// A subject alternative name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// An e-mail address: a person.
    Email(String),
    /// A URI: a workload.
    Uri(String),
}

impl Identity {
    /// The name, whatever its kind.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(name) | Self::Uri(name) => name,
        }
    }
}
