//! GitHub Actions: the claims of a job's token, github.com or an enterprise server.
//!
//! Documented at <https://docs.github.com/en/actions/reference/security/oidc>. Names of people (`actor`) are left in
//! the token.
use events::claims::Workflow;

use super::{claims::Claims, error::TokenError};

/// The job that the claims describe.
pub(super) fn workflow(claims: &Claims<'_>) -> Result<Workflow, TokenError> {
    Ok(Workflow {
        commit: Some(claims.required("sha")?),
        environment: claims.optional("environment")?,
        job_repository_id: None,
        job_workflow_ref: Some(claims.required("job_workflow_ref")?),
        owner_id: Some(claims.required("repository_owner_id")?),
        git_ref: Some(claims.required("ref")?),
        ref_protected: claims.flag("ref_protected")?,
        ref_type: claims.optional("ref_type")?,
        repository: claims.required("repository")?,
        repository_id: claims.required("repository_id")?,
        run_attempt: Some(claims.required("run_attempt")?),
        run_id: Some(claims.required("run_id")?),
        runner: Some(claims.required("runner_environment")?),
        trigger: Some(claims.required("event_name")?),
        visibility: claims.optional("repository_visibility")?,
        workflow_ref: Some(claims.required("workflow_ref")?),
    })
}
