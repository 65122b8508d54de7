//! GitLab CI: the claims of a job's ID token, gitlab.com or self-managed.
//!
//! Documented at <https://docs.gitlab.com/ci/secrets/id_token_authentication/>. Ids and `ref_protected` are strings.
//! In a merge request pipeline of a fork, `project_…` name the fork and `job_project_…` (in newer versions) the
//! project that the pipeline runs in: both are kept apart, for the decision to compare.
use events::{claims::Workflow, text::Text};

use super::{claims::Claims, error::TokenError};

/// The job that the claims describe.
pub(super) fn workflow(claims: &Claims<'_>) -> Result<Workflow, TokenError> {
    // Null unless the pipeline is defined in the project itself: then nothing says which file would have to be trusted.
    let definition = claims
        .optional("ci_config_ref_uri")?
        .ok_or(TokenError::PipelineElsewhere)?;
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
        job_workflow_commit: None,
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
        workflow_commit: claims.optional("ci_config_sha")?,
        workflow_ref: Some(definition),
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        demo::issuer::GitlabJob,
        oidc::{
            TokenError,
            given::{AUDIENCE, ISSUER, changed, now, provider, signed},
        },
    };
    use events::{
        claims::{ProviderKind, Workflow},
        provider::Algorithm,
    };
    use serde_json::{Value, json};

    fn read(job: &GitlabJob, changes: Value) -> Result<Workflow, TokenError> {
        let claims = changed(ISSUER.gitlab_claims(job, AUDIENCE, now(), "j"), changes);
        signed(
            &claims,
            &provider(ProviderKind::Gitlab, &[Algorithm::RS256]),
        )
        .map(|token| token.workflow)
    }

    fn release() -> GitlabJob {
        GitlabJob::release("acme/tools/rake", "v1.0.0")
    }

    #[test]
    fn every_field_is_read_from_its_claim() {
        let job = GitlabJob {
            environment: Some("production".into()),
            ..release()
        };
        assert_eq!(
            serde_json::to_value(read(&job, json!({})).unwrap()).unwrap(),
            json!({
                "commit": "714a629c0b401fdce83e847fc9589983fc6f46bc",
                "environment": "production",
                "job_repository_id": "20",
                "owner_id": "72",
                "ref": "refs/tags/v1.0.0",
                "ref_protected": true,
                "ref_type": "tag",
                "repository": "acme/tools/rake",
                "repository_id": "20",
                "run_attempt": "302",
                "run_id": "574",
                "runner": "gitlab-hosted",
                "trigger": "push",
                "visibility": "public",
                "workflow_commit": "714a629c0b401fdce83e847fc9589983fc6f46bc",
                "workflow_ref": "issuer.example/acme/tools/rake//.gitlab-ci.yml@refs/tags/v1.0.0",
            })
        );
    }

    #[test]
    fn a_pipeline_defined_elsewhere_is_told_so() {
        let missing = read(&release(), json!({"ci_config_ref_uri": null})).unwrap_err();
        assert_eq!(missing, TokenError::PipelineElsewhere);
        // GitLab sends the claim with the value null, which the helper above cannot say.
        let claims = ISSUER
            .gitlab_claims(&release(), AUDIENCE, now(), "j")
            .to_string();
        let start = claims.find("\"ci_config_ref_uri\":\"").unwrap();
        let end = start + claims[start..].find("\",").unwrap() + 1;
        let claims = format!(
            "{}\"ci_config_ref_uri\":null{}",
            &claims[..start],
            &claims[end..]
        );
        let claims: Value = serde_json::from_str(&claims).unwrap();
        let error = signed(
            &claims,
            &provider(ProviderKind::Gitlab, &[Algorithm::RS256]),
        )
        .unwrap_err();
        assert_eq!(error.code(), "token_pipeline_elsewhere");
        assert!(error.hint().is_some());
    }

    #[test]
    fn refs_are_written_in_full_and_a_branch_cannot_pass_for_a_tag() {
        let branch = |name: &str| json!({"ref": name, "ref_type": "branch"});
        let full = |changes| {
            read(&release(), changes)
                .unwrap()
                .git_ref
                .unwrap()
                .as_str()
                .to_owned()
        };
        assert_eq!(full(branch("feature/x")), "refs/heads/feature/x");
        assert_eq!(full(branch("refs/tags/v1")), "refs/heads/refs/tags/v1");
        let error = read(&release(), json!({"ref_type": "merge_request"})).unwrap_err();
        assert_eq!(error.code(), "token_claim_invalid");
    }

    #[test]
    fn the_project_a_job_runs_in_is_kept_apart() {
        let fork = read(&release(), json!({"job_project_id": "21"})).unwrap();
        assert_eq!(
            (
                fork.repository_id.as_str(),
                fork.job_repository_id.unwrap().as_str()
            ),
            ("20", "21")
        );
        assert_eq!(
            read(&release(), json!({"job_project_id": null}))
                .unwrap()
                .job_repository_id,
            None
        );
    }

    #[test]
    fn ids_may_be_numbers() {
        let numbers = json!({"project_id": 20, "namespace_id": 72, "job_project_id": 20, "pipeline_id": 574, "job_id": 302});
        assert_eq!(read(&release(), numbers), read(&release(), json!({})));
    }
}
