//! GitLab CI: the claims of a job's ID token, gitlab.com or self-managed.
//!
//! Documented at <https://docs.gitlab.com/ci/secrets/id_token_authentication/>. Ids and `ref_protected` are strings.
//! In a merge request pipeline of a fork, `project_…` name the fork and `job_project_…` (GitLab 18.4 and later) the
//! project that the pipeline runs in: both are kept apart, for the decision to compare.
use events::{claims::Workflow, text::Text};

use super::{claims::Claims, error::TokenError};

/// The job that the claims describe.
pub(super) fn workflow(claims: &Claims<'_>) -> Result<Workflow, TokenError> {
    // Null unless the pipeline is defined in the project itself: then nothing says which file would have to be trusted.
    let definition = claims.optional("ci_config_ref_uri")?.ok_or(TokenError::PipelineElsewhere)?;
    let ref_type = claims.required("ref_type")?;
    let name = claims.required("ref")?;
    let git_ref = match ref_type.as_str() {
        "branch" => Text::claim(&format!("refs/heads/{name}")),
        "tag" => Text::claim(&format!("refs/tags/{name}")),
        _ => return Err(TokenError::invalid("ref_type", "`branch` or `tag`")),
    };
    Ok(Workflow {
        commit: Some(claims.required("sha")?),
        environment: claims.optional("environment")?,
        job_repository_id: claims.optional("job_project_id")?,
        job_workflow_ref: None,
        owner_id: Some(claims.required("namespace_id")?),
        git_ref: Some(git_ref),
        ref_protected: claims.flag("ref_protected")?,
        ref_type: Some(ref_type),
        repository: claims.required("project_path")?,
        repository_id: claims.required("project_id")?,
        run_attempt: Some(claims.required("job_id")?),
        run_id: Some(claims.required("pipeline_id")?),
        runner: Some(claims.required("runner_environment")?),
        trigger: Some(claims.required("pipeline_source")?),
        visibility: claims.optional("project_visibility")?,
        workflow_ref: Some(definition),
    })
}
