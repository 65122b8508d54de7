//! One bundle against one root: every check that is there is made, and what the root requires must be there.
use std::collections::BTreeSet;

use events::{digest::Digest, time::Timestamp};
use sigstore_types::{Bundle, Sha256Hash, SignatureContent, TransparencyLogEntry};
use sigstore_verify::{
    CertificateError, Error, TransparencyLogError, VerificationPolicy, VerificationResult,
};

use super::{
    bundle::Uploaded,
    certificate,
    error::{VerifyError, shown, told},
    root::Root,
    statement,
    verified::{Checked, Content, LogEntry, LogName, TimeSource, Verified, VerifiedTime},
};

/// The DER of the object identifier of embedded signed certificate timestamps, 1.3.6.1.4.1.11129.2.4.2.
const SCT_LIST: &[u8] = &[
    0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x02,
];

/// The file that a bundle must be about.
#[derive(Clone, Copy, Debug)]
pub struct Artifact<'a> {
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Its name, `NAME-VERSION[-PLATFORM].gem`, which a statement's subject must have.
    pub file_name: &'a str,
}

/// Verifies a bundle: the certificate leads to an authority of the root and is for an identity of exactly this issuer;
/// it was valid at every verified time, of which there is at least one, none later than `now`; every log entry has an
/// inclusion proof under a signed checkpoint; every promise, timestamp and certificate timestamp that is there holds;
/// whatever the root requires is there; signature, log entry and statement are about exactly this file.
///
/// It takes about a millisecond and no network. The verifying crate reads the system's clock besides `now`.
/// [`VerifyError::Future`] alone is worth a second try.
pub fn verify(
    root: &Root,
    upload: &Uploaded<'_>,
    artifact: &Artifact<'_>,
    issuer: &str,
    now: Timestamp,
) -> Result<Verified, VerifyError> {
    let bundle =
        Bundle::from_json(upload.text()).map_err(|error| VerifyError::Unsupported(told(&error)))?;
    check_evidence(root, &bundle)?;
    let policy = policy(root, &bundle, issuer);
    let digest = Sha256Hash::new(*artifact.digest.as_bytes());
    let result = root
        .verifier
        .verify(digest, &bundle, &policy)
        .map_err(refused)?;
    let checked = checked(root, &bundle, &result)?;
    let times = times(&bundle, &result, now)?;
    let certificate = certificate::read(&bundle, &result)?;
    let content = match &bundle.content {
        SignatureContent::MessageSignature(_) => Content::MessageSignature,
        SignatureContent::DsseEnvelope(envelope) => {
            statement::check(envelope.payload.as_bytes(), artifact, &certificate)?
        }
        _ => return Err(VerifyError::Unsupported("its kind of content".into())),
    };
    let log_entry = bundle
        .verification_material
        .tlog_entries
        .first()
        .map(log_entry)
        .transpose()?;
    Ok(Verified {
        bundle: upload.digest(),
        certificate,
        checked,
        content,
        log_entry,
        times,
    })
}

/// Refuses a push whose bundles say the same thing twice: at most one message signature, and one statement of each
/// predicate type.
pub fn distinct<'a>(verified: impl IntoIterator<Item = &'a Verified>) -> Result<(), VerifyError> {
    let mut seen = BTreeSet::new();
    for bundle in verified {
        let kind = bundle.predicate_type().unwrap_or("message signature");
        if !seen.insert(kind) {
            return Err(VerifyError::SameKind(kind.to_owned()));
        }
    }
    Ok(())
}

/// Whether what the root requires is there at all, and each log entry has a proof.
fn check_evidence(root: &Root, bundle: &Bundle) -> Result<(), VerifyError> {
    let material = &bundle.verification_material;
    if root.requires().log && material.tlog_entries.is_empty() {
        return Err(VerifyError::Evidence("transparency log entry"));
    }
    if root.requires().timestamp && timestamps(bundle) == 0 {
        return Err(VerifyError::Evidence("timestamp"));
    }
    let unproven = |entry: &TransparencyLogEntry| {
        entry
            .inclusion_proof
            .as_ref()
            .is_none_or(|proof| proof.checkpoint.is_empty())
    };
    if material.tlog_entries.iter().any(unproven) {
        return Err(VerifyError::Log(
            "an entry has no inclusion proof with a checkpoint".into(),
        ));
    }
    Ok(())
}

/// A check is left out only where the root does not require it and the bundle has nothing to check.
fn policy(root: &Root, bundle: &Bundle, issuer: &str) -> VerificationPolicy {
    let requires = root.requires();
    let mut policy = VerificationPolicy::any_identity().require_issuer(issuer);
    if !requires.log && bundle.verification_material.tlog_entries.is_empty() {
        policy = policy.skip_tlog_unsafe();
    }
    if !requires.sct && !has_sct(bundle) {
        policy = policy.skip_sct();
    }
    policy
}

/// Whether the certificate may have an embedded certificate timestamp. Without the identifier's bytes it has none; with
/// them somewhere else, one is asked for in vain, which refuses the bundle.
fn has_sct(bundle: &Bundle) -> bool {
    bundle.signing_certificate().is_some_and(|certificate| {
        certificate
            .as_bytes()
            .windows(SCT_LIST.len())
            .any(|bytes| bytes == SCT_LIST)
    })
}

fn timestamps(bundle: &Bundle) -> usize {
    let data = &bundle.verification_material.timestamp_verification_data;
    data.rfc3161_timestamps.len()
}

/// Holds what was verified against what the root requires, so that a default of the crate cannot weaken it.
fn checked(
    root: &Root,
    bundle: &Bundle,
    result: &VerificationResult,
) -> Result<Checked, VerifyError> {
    let requires = root.requires();
    let entries = !bundle.verification_material.tlog_entries.is_empty();
    let checked = Checked {
        log: result.tlog_verified() && entries,
        sct: result.sct_verified(),
        timestamp: timestamps(bundle) > 0,
    };
    if !result.certificate_verified() || !result.identity_policy_checked() {
        return Err(VerifyError::Certificate("it was not checked".into()));
    }
    if (requires.log || entries) && !checked.log {
        return Err(VerifyError::Evidence("verified transparency log entry"));
    }
    if requires.sct && !checked.sct {
        return Err(VerifyError::Evidence("verified certificate timestamp"));
    }
    if requires.timestamp && !checked.timestamp {
        return Err(VerifyError::Evidence("verified timestamp"));
    }
    Ok(checked)
}

/// Timestamps come first, one for each in the bundle, then the times of the log.
fn times(
    bundle: &Bundle,
    result: &VerificationResult,
    now: Timestamp,
) -> Result<Vec<VerifiedTime>, VerifyError> {
    let stamped = timestamps(bundle);
    let mut times = Vec::new();
    for (place, time) in result.verified_timestamps().iter().enumerate() {
        let at = certificate::moment(time.as_millisecond())?;
        if at > now {
            return Err(VerifyError::future(at, now));
        }
        let source = if place < stamped {
            TimeSource::Timestamp
        } else {
            TimeSource::Log
        };
        times.push(VerifiedTime { at, source });
    }
    if times.is_empty() {
        return Err(VerifyError::Time("nobody vouches for it".into()));
    }
    Ok(times)
}

/// Index and log, as far as a signature covers them: the promise of Rekor v1 signs the key id and the index in the whole
/// log; without one, the proof's index and the origin of the signed checkpoint remain. With Rekor v2 the entry's own
/// index is what the proof was computed with.
fn log_entry(entry: &TransparencyLogEntry) -> Result<LogEntry, VerifyError> {
    let version = entry.kind_version;
    let kind = format!("{} {}", version.kind(), version.version());
    let rekor_v2 = version == sigstore_types::KindVersion::HashedRekordV002;
    if entry.inclusion_promise.is_some() && !rekor_v2 {
        return Ok(LogEntry {
            index: entry.log_index.get().to_string(),
            kind,
            log: LogName::KeyId(events::digest::hex(entry.log_id.key_id.as_bytes())),
        });
    }
    let missing = || VerifyError::Log("an entry has no checkpoint".into());
    let proof = entry.inclusion_proof.as_ref().ok_or_else(missing)?;
    let checkpoint = proof.checkpoint.checkpoint().ok_or_else(missing)?;
    let index = if rekor_v2 {
        entry.log_index
    } else {
        proof.log_index
    };
    Ok(LogEntry {
        index: index.get().to_string(),
        kind,
        log: LogName::Origin(shown(checkpoint.origin())),
    })
}

fn refused(error: Error) -> VerifyError {
    let text = told(&error);
    match error {
        // The crate has one variant for every wrong time of a log; its words tell the future apart.
        Error::TransparencyLog(TransparencyLogError::IntegratedTime(what))
            if what.contains("is in the future") =>
        {
            VerifyError::Future { what: shown(&what) }
        }
        Error::IssuerMismatch { expected, actual } => VerifyError::Issuer {
            came: shown(actual.as_deref().unwrap_or("nobody")),
            expected,
        },
        Error::Certificate(CertificateError::Sct(_)) => VerifyError::Sct(text),
        Error::Certificate(_) | Error::IdentityMismatch { .. } => VerifyError::Certificate(text),
        Error::TransparencyLog(_) => VerifyError::Log(text),
        Error::Timestamp(_) => VerifyError::Time(text),
        Error::SignatureInvalid(_) => VerifyError::Signature(text),
        Error::ArtifactMismatch(_) => VerifyError::Artifact(text),
        Error::UnsupportedArtifact(_)
        | Error::InvalidBundle(_)
        | Error::UnsupportedBundle(_)
        | Error::InvalidTrustRoot(_)
        | Error::Types(_)
        | Error::Crypto(_)
        | Error::Bundle(_)
        | Error::TrustRoot(_)
        | Error::TrustedCertificate(_)
        | Error::ArtifactRead(_)
        | _ => VerifyError::Unsupported(text),
    }
}
