//! The stand-in identity provider, serving beside a test.
use std::{io, sync::Arc};

use events::time::Timestamp;
pub(crate) use gemledger::demo::issuer::{GithubJob, GitlabJob, StandInIssuer};

/// A provider that serves for as long as the test's runtime lives.
pub(crate) fn running() -> io::Result<Arc<StandInIssuer>> {
    let (issuer, server) = StandInIssuer::start()?;
    tokio::spawn(server);
    Ok(issuer)
}

/// A GitHub token of this job for this audience.
pub(crate) fn github_token(
    issuer: &StandInIssuer,
    job: &GithubJob,
    audience: &str,
    now: Timestamp,
    jti: &str,
) -> io::Result<String> {
    issuer.sign(&issuer.github_claims(job, audience, now, jti))
}

/// A GitLab token of this job for this audience.
pub(crate) fn gitlab_token(
    issuer: &StandInIssuer,
    job: &GitlabJob,
    audience: &str,
    now: Timestamp,
    jti: &str,
) -> io::Result<String> {
    issuer.sign(&issuer.gitlab_claims(job, audience, now, jti))
}
