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
        job_workflow_commit: claims.optional("job_workflow_sha")?,
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
        workflow_commit: claims.optional("workflow_sha")?,
        workflow_ref: Some(claims.required("workflow_ref")?),
    })
}

#[cfg(test)]
mod tests {
    use crate::oidc::given::{github, release, release_with, signed};
    use serde_json::json;

    #[test]
    fn every_field_is_read_from_its_claim() {
        let workflow = signed(&release_with(json!({"environment": "rubygems"})), &github())
            .unwrap()
            .workflow;
        let read = serde_json::to_value(workflow).unwrap();
        assert_eq!(
            read,
            json!({
                "commit": "5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567",
                "environment": "rubygems",
                "job_workflow_commit": "5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567",
                "job_workflow_ref": "acme/rake/.github/workflows/release.yml@refs/tags/v13.2.1",
                "owner_id": "210414",
                "ref": "refs/tags/v13.2.1",
                "ref_protected": false,
                "ref_type": "tag",
                "repository": "acme/rake",
                "repository_id": "1420893",
                "run_attempt": "1",
                "run_id": "9876543210",
                "runner": "github-hosted",
                "trigger": "push",
                "visibility": "public",
                "workflow_commit": "5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567",
                "workflow_ref": "acme/rake/.github/workflows/release.yml@refs/tags/v13.2.1",
            })
        );
    }

    #[test]
    fn a_claim_that_is_needed_is_named_when_it_is_missing_or_empty() {
        for name in [
            "repository",
            "repository_id",
            "repository_owner_id",
            "workflow_ref",
            "job_workflow_ref",
            "event_name",
            "ref",
            "sha",
            "run_id",
            "run_attempt",
            "runner_environment",
        ] {
            for empty in [json!(null), json!("")] {
                let error = signed(&release_with(json!({name: empty})), &github()).unwrap_err();
                assert_eq!(
                    error.to_string(),
                    format!("the identity token has no `{name}` claim")
                );
                assert_eq!(error.code(), "token_claim_missing");
            }
            let error = signed(&release_with(json!({name: ["x"]})), &github()).unwrap_err();
            assert_eq!(error.code(), "token_claim_invalid");
        }
    }

    #[test]
    fn what_a_token_need_not_say_may_be_absent() {
        let bare = json!({"ref_protected": null, "ref_type": null, "repository_visibility": null});
        let workflow = signed(&release_with(bare), &github()).unwrap().workflow;
        assert_eq!(
            (
                workflow.ref_protected,
                workflow.ref_type,
                workflow.visibility
            ),
            (None, None, None)
        );
        assert!(
            signed(&release(), &github())
                .unwrap()
                .workflow
                .environment
                .is_none()
        );
    }

    #[test]
    fn only_true_and_false_say_whether_a_ref_is_protected() {
        for (value, read) in [
            (json!("true"), true),
            (json!("false"), false),
            (json!(true), true),
        ] {
            let workflow = signed(&release_with(json!({"ref_protected": value})), &github())
                .unwrap()
                .workflow;
            assert_eq!(workflow.ref_protected, Some(read));
        }
        for bad in ["TRUE", "1", "yes", ""] {
            assert!(signed(&release_with(json!({"ref_protected": bad})), &github()).is_err());
        }
    }

    #[test]
    fn a_value_that_may_not_enter_the_log_is_its_digest_there() {
        for value in [
            "x".repeat(300),
            "release\u{202E}lmy".into(),
            "a\u{0}".into(),
        ] {
            let workflow = signed(&release_with(json!({"environment": value})), &github())
                .unwrap()
                .workflow;
            assert!(
                workflow
                    .environment
                    .unwrap()
                    .as_str()
                    .starts_with("sha256:")
            );
        }
    }
}
