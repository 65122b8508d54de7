//! Any other provider: the claims that its registration maps to the fields of a workflow, compared exactly.
use events::{
    claims::Workflow,
    provider::{ClaimName, Mapping},
    text::Text,
};

use super::{claims::Claims, error::TokenError};

/// The job that the mapped claims describe; what is not mapped is absent.
pub(super) fn workflow(claims: &Claims<'_>, mapping: &Mapping) -> Result<Workflow, TokenError> {
    let optional = |name: &Option<ClaimName>| -> Result<Option<Text>, TokenError> {
        name.as_ref().map_or(Ok(None), |name| claims.optional(name.as_str()))
    };
    Ok(Workflow {
        commit: optional(&mapping.commit)?,
        environment: optional(&mapping.environment)?,
        job_repository_id: None,
        job_workflow_ref: None,
        owner_id: optional(&mapping.owner_id)?,
        git_ref: optional(&mapping.git_ref)?,
        ref_protected: None,
        ref_type: None,
        repository: claims.required(mapping.repository.as_str())?,
        repository_id: claims.required(mapping.repository_id.as_str())?,
        run_attempt: None,
        run_id: optional(&mapping.run_id)?,
        runner: None,
        trigger: None,
        visibility: None,
        workflow_ref: Some(claims.required(mapping.workflow.as_str())?),
    })
}
