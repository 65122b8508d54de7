//! Why an uploaded bundle is refused: stable codes, and what is wrong.
use std::fmt::Write as _;

use events::time::Timestamp;

use super::statement::StatementError;

/// Characters of a foreign message that are repeated; what follows is left out.
const MAX_TOLD: usize = 255;

/// Why the `attestations` part of a push cannot be read. Nothing was verified yet. Bundles are numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// More bytes than so many bundles can have.
    #[error("the attestations have {bytes} bytes, more than {max}")]
    TooLong {
        /// How many came.
        bytes: usize,
        /// How many may come.
        max: usize,
    },
    /// Not a JSON array.
    #[error("the attestations are not a JSON array of Sigstore bundles")]
    NotAnArray,
    /// An array without elements.
    #[error("the attestations are an empty array")]
    Empty,
    /// An array of too many elements.
    #[error("there are {found} attestations, more than {max}")]
    TooMany {
        /// How many came.
        found: usize,
        /// How many may come.
        max: usize,
    },
    /// One is too large.
    #[error("attestation {number} has {bytes} bytes, more than {max}")]
    TooLarge {
        /// Which.
        number: usize,
        /// Its bytes.
        bytes: usize,
        /// How many it may have.
        max: usize,
    },
    /// The same bytes twice.
    #[error("attestation {number} is the same as one before")]
    Repeated {
        /// Which.
        number: usize,
    },
    /// No `mediaType`: older tools take such a bundle as v0.1, which proves less.
    #[error("attestation {number} does not say its version (`mediaType`)")]
    NoMediaType {
        /// Which.
        number: usize,
    },
    /// Another version than v0.3.
    #[error("attestation {number} is `{came}`, not a Sigstore bundle of version 0.3")]
    MediaType {
        /// Which.
        number: usize,
        /// What it says it is.
        came: String,
    },
    /// Not the form of a bundle v0.3: a member is missing, unknown, there twice, of another kind, or there are too many.
    #[error("attestation {number} does not have the form of a Sigstore bundle: {what}")]
    Malformed {
        /// Which.
        number: usize,
        /// What is wrong, and where.
        what: String,
    },
}

impl BundleError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "attestations_too_long",
            Self::NotAnArray => "attestations_not_an_array",
            Self::Empty => "attestations_empty",
            Self::TooMany { .. } => "attestations_too_many",
            Self::TooLarge { .. } => "attestation_too_large",
            Self::Repeated { .. } => "attestation_repeated",
            Self::NoMediaType { .. } => "attestation_media_type_missing",
            Self::MediaType { .. } => "attestation_media_type_unknown",
            Self::Malformed { .. } => "attestation_malformed",
        }
    }
}

/// Why a bundle of good form is not taken as proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A time it was signed at is later than now. The one error worth another try, after two seconds: a clock of this
    /// server that lags behind that of the log by less looks like this.
    #[error("the attestation was signed in the future: {what}")]
    Future {
        /// Which time, and what time it is here.
        what: String,
    },
    /// The certificate is for a token of another issuer.
    #[error(
        "the certificate was issued for an identity of `{came}`, not of `{expected}`, which the release was pushed with"
    )]
    Issuer {
        /// The issuer of the certificate's identity.
        came: String,
        /// The issuer asked for.
        expected: String,
    },
    /// The certificate does not lead to an authority of the root, or was not valid when it signed.
    #[error("the certificate does not hold: {0}")]
    Certificate(String),
    /// The signed certificate timestamp does not hold.
    #[error("the certificate's transparency timestamp (SCT) does not hold: {0}")]
    Sct(String),
    /// A log entry does not hold: its proof, its checkpoint, its promise, its time, or what it says was signed.
    #[error("the transparency log entry does not hold: {0}")]
    Log(String),
    /// A timestamp does not hold, or there is no time that anybody vouches for.
    #[error("the time of signing does not hold: {0}")]
    Time(String),
    /// The signature is not that of the certificate's key over the gem or the statement.
    #[error("the signature does not hold: {0}")]
    Signature(String),
    /// It is about another artifact.
    #[error("the attestation is for another artifact: {0}")]
    Artifact(String),
    /// The root requires what the bundle does not have.
    #[error("the attestation has no {0}, which its trust root requires")]
    Evidence(&'static str),
    /// Well formed, but of a kind that cannot be verified.
    #[error("the attestation cannot be verified: {0}")]
    Unsupported(String),
    /// The verified statement does not say what it must.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Two bundles of the same push say the same thing.
    #[error("two attestations of the same kind: {0}")]
    SameKind(String),
}

impl VerifyError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Future { .. } => "attestation_from_the_future",
            Self::Issuer { .. } => "attestation_issuer_differs",
            Self::Certificate(_) => "attestation_certificate_invalid",
            Self::Sct(_) => "attestation_sct_invalid",
            Self::Log(_) => "attestation_log_entry_invalid",
            Self::Time(_) => "attestation_time_invalid",
            Self::Signature(_) => "attestation_signature_invalid",
            Self::Artifact(_) => "attestation_other_artifact",
            Self::Evidence(_) => "attestation_evidence_missing",
            Self::Unsupported(_) => "attestation_unsupported",
            Self::Statement(error) => error.code(),
            Self::SameKind(_) => "attestation_same_kind",
        }
    }

    /// How far the verification came, so that of several roots the one that fits best is heard: a root that knows neither
    /// log nor authority has nothing to say of the rest. The times are verified first, then the certificate.
    pub fn reached(&self) -> u8 {
        match self {
            Self::Unsupported(_) | Self::Evidence(_) => 0,
            Self::Log(_) | Self::Time(_) => 1,
            Self::Certificate(_) => 2,
            Self::Sct(_) => 3,
            Self::Issuer { .. } | Self::Future { .. } => 4,
            Self::Signature(_) | Self::Artifact(_) => 5,
            Self::Statement(_) | Self::SameKind(_) => 6,
        }
    }

    /// A time that is later than now.
    pub(super) fn future(at: Timestamp, now: Timestamp) -> Self {
        Self::Future {
            what: format!("at {at}, and it is {now} here"),
        }
    }
}

/// A message of the verifying crates, which may repeat parts of the bundle: bounded, and without control characters.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            let _ = write!(text, ": {said}");
        }
        source = cause.source();
    }
    shown(&text)
}

/// Foreign text for people to read.
pub(super) fn shown(text: &str) -> String {
    let plain = |c: char| {
        if events::text::is_forbidden(c) {
            '\u{fffd}'
        } else {
            c
        }
    };
    let mut kept: String = text.chars().map(plain).take(MAX_TOLD).collect();
    if text.chars().nth(MAX_TOLD).is_some() {
        kept.push('…');
    }
    kept
}
