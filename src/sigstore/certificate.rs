//! The verified certificate in values of our own.
use events::{digest::Digest, time::Timestamp};
use sigstore_types::Bundle;
use sigstore_verify::{SubjectAltName, VerificationResult};

use super::{
    error::VerifyError,
    verified::{Certificate, Identity},
};

/// The claims of the certificate that was verified.
pub(super) fn read(
    bundle: &Bundle,
    result: &VerificationResult,
) -> Result<Certificate, VerifyError> {
    let missing = || VerifyError::Certificate("there is none".into());
    let der = bundle.signing_certificate().ok_or_else(missing)?;
    let parsed = result.certificate().ok_or_else(missing)?;
    let claims = parsed.ci_claims.clone();
    Ok(Certificate {
        build_config_digest: claims.build_config_digest,
        build_config_uri: claims.build_config_uri,
        build_signer_digest: claims.build_signer_digest,
        build_signer_uri: claims.build_signer_uri,
        build_trigger: claims.build_trigger,
        digest: Digest::of(der.as_bytes()),
        environment: claims.deployment_environment,
        identity: parsed.identity.as_ref().map(identity).transpose()?,
        issuer: parsed.issuer.clone().ok_or_else(missing)?,
        not_after: moment(parsed.not_after.as_millisecond())?,
        not_before: moment(parsed.not_before.as_millisecond())?,
        run_invocation_uri: claims.run_invocation_uri,
        runner_environment: claims.runner_environment,
        source_repository_digest: claims.source_repository_digest,
        source_repository_id: claims.source_repository_identifier,
        source_repository_owner_id: claims.source_repository_owner_identifier,
        source_repository_owner_uri: claims.source_repository_owner_uri,
        source_repository_ref: claims.source_repository_ref,
        source_repository_uri: claims.source_repository_uri,
        token_subject: claims.token_subject,
        visibility: claims.source_repository_visibility_at_signing,
    })
}

/// A moment as the crate counts it, in milliseconds since the epoch.
pub(super) fn moment(millis: i64) -> Result<Timestamp, VerifyError> {
    u64::try_from(millis)
        .map(Timestamp::from_millis)
        .map_err(|_| VerifyError::Time("it is before the year 1970".into()))
}

fn identity(name: &SubjectAltName) -> Result<Identity, VerifyError> {
    match name {
        SubjectAltName::Email(name) => Ok(Identity::Email(name.clone())),
        SubjectAltName::Uri(name) => Ok(Identity::Uri(name.clone())),
        _ => Err(VerifyError::Unsupported("its kind of identity".into())),
    }
}
