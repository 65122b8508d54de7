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
        name.as_ref()
            .map_or(Ok(None), |name| claims.optional(name.as_str()))
    };
    Ok(Workflow {
        commit: optional(&mapping.commit)?,
        environment: optional(&mapping.environment)?,
        job_repository_id: None,
        job_workflow_commit: None,
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
        workflow_commit: None,
        workflow_ref: Some(claims.required(mapping.workflow.as_str())?),
    })
}

#[cfg(test)]
mod tests {
    use crate::oidc::given::{AUDIENCE, URL, now, provider, signed};
    use events::{
        claims::ProviderKind,
        provider::{Algorithm, ClaimName, Mapping, Registered},
    };
    use serde_json::{Value, json};

    fn buildkite() -> Registered {
        let name = |text: &str| ClaimName::parse(text).unwrap();
        let mut provider = provider(ProviderKind::Generic, &[Algorithm::RS256]);
        provider.mapping = Some(Mapping {
            commit: Some(name("build_commit")),
            environment: None,
            owner_id: Some(name("organization_id")),
            git_ref: Some(name("build_branch")),
            repository: name("pipeline_slug"),
            repository_id: name("https://ci.example/pipeline-id"),
            run_id: Some(name("build_number")),
            workflow: name("step_key"),
        });
        provider
    }

    fn claims() -> Value {
        json!({
            "iss": URL, "aud": AUDIENCE, "iat": now().seconds(), "exp": now().seconds() + 300,
            "build_commit": "5a0f1d3", "build_branch": "main", "build_number": 7,
            "organization_id": "o-1", "pipeline_slug": "rake", "https://ci.example/pipeline-id": 99, "step_key": "release",
        })
    }

    #[test]
    fn mapped_claims_fill_their_fields_and_others_stay_empty() {
        let workflow = signed(&claims(), &buildkite()).unwrap().workflow;
        assert_eq!(
            serde_json::to_value(workflow).unwrap(),
            json!({
                "commit": "5a0f1d3", "owner_id": "o-1", "ref": "main", "repository": "rake",
                "repository_id": "99", "run_id": "7", "workflow_ref": "release",
            })
        );
    }

    #[test]
    fn the_three_claims_that_name_the_job_are_needed() {
        for name in [
            "pipeline_slug",
            "https://ci.example/pipeline-id",
            "step_key",
        ] {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            let error = signed(&claims, &buildkite()).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the identity token has no `{name}` claim")
            );
        }
    }

    #[test]
    fn a_generic_provider_without_a_mapping_verifies_nothing() {
        let bare = provider(ProviderKind::Generic, &[Algorithm::RS256]);
        assert_eq!(
            signed(&claims(), &bare).unwrap_err().code(),
            "provider_without_mapping"
        );
    }
}
