//! Realistic claim sets: all that GitHub Actions and GitLab CI put into the token of a job.
use events::time::Timestamp;
use serde_json::{Value, json};

/// How long a GitHub token is valid, in seconds.
const GITHUB_LIFETIME: u64 = 300;

/// How long a GitLab token is valid for a job with the default timeout, in seconds.
const GITLAB_LIFETIME: u64 = 3600;

/// A job of GitHub Actions, as far as its token speaks of it.
#[derive(Clone, Debug)]
pub struct GithubJob {
    /// `sha`.
    pub commit: String,
    /// `environment`.
    pub environment: Option<String>,
    /// `event_name`.
    pub event: String,
    /// `ref`, in full.
    pub git_ref: String,
    /// `job_workflow_ref`, where the job is defined by a reusable workflow.
    pub job_workflow_ref: Option<String>,
    /// `repository_owner_id`.
    pub owner_id: u64,
    /// `ref_protected`.
    pub ref_protected: bool,
    /// `repository`, `OWNER/NAME`.
    pub repository: String,
    /// `repository_id`.
    pub repository_id: u64,
    /// `run_attempt`.
    pub run_attempt: u64,
    /// `run_id`.
    pub run_id: u64,
    /// `runner_environment`.
    pub runner: String,
    /// `repository_visibility`.
    pub visibility: String,
    /// The workflow's file name in `.github/workflows`.
    pub workflow: String,
}

impl GithubJob {
    /// A public repository's workflow, run by pushing this tag.
    pub fn release(repository: &str, workflow: &str, tag: &str) -> Self {
        Self {
            commit: "5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567".into(),
            environment: None,
            event: "push".into(),
            git_ref: format!("refs/tags/{tag}"),
            job_workflow_ref: None,
            owner_id: 210_414,
            ref_protected: false,
            repository: repository.into(),
            repository_id: 1_420_893,
            run_attempt: 1,
            run_id: 9_876_543_210,
            runner: "github-hosted".into(),
            visibility: "public".into(),
            workflow: workflow.into(),
        }
    }

    /// Every claim of its token.
    pub(super) fn claims(
        &self,
        issuer: &str,
        audience: &str,
        issued_at: Timestamp,
        jti: &str,
    ) -> Value {
        let Self {
            repository,
            git_ref,
            workflow,
            commit,
            ..
        } = self;
        let (owner, _) = repository.split_once('/').unwrap_or((repository, ""));
        let workflow_ref = format!("{repository}/.github/workflows/{workflow}@{git_ref}");
        let mut claims = json!({
            "jti": jti, "iss": issuer, "aud": audience,
            "sub": format!("repo:{repository}:ref:{git_ref}"),
            "iat": issued_at.seconds(),
            // GitHub dates its tokens back, for those whose clock lags behind its own.
            "nbf": issued_at.seconds().saturating_sub(GITHUB_LIFETIME),
            "exp": issued_at.seconds() + GITHUB_LIFETIME,
            "ref": git_ref, "ref_type": ref_type(git_ref), "ref_protected": self.ref_protected.to_string(),
            "sha": commit, "head_ref": "", "base_ref": "",
            "repository": repository, "repository_id": self.repository_id.to_string(),
            "repository_owner": owner, "repository_owner_id": self.owner_id.to_string(),
            "repository_visibility": self.visibility,
            "actor": "octocat", "actor_id": "583231",
            "workflow": "Release", "workflow_ref": workflow_ref, "workflow_sha": commit,
            "job_workflow_ref": self.job_workflow_ref.as_ref().unwrap_or(&workflow_ref),
            "job_workflow_sha": commit,
            "event_name": self.event, "runner_environment": self.runner,
            "run_id": self.run_id.to_string(), "run_number": "7", "run_attempt": self.run_attempt.to_string(),
        });
        if let (Some(environment), Some(members)) = (&self.environment, claims.as_object_mut()) {
            members.insert("environment".into(), json!(environment));
        }
        claims
    }
}

/// A job of GitLab CI, as far as its token speaks of it.
#[derive(Clone, Debug)]
pub struct GitlabJob {
    /// `sha`.
    pub commit: String,
    /// `environment`.
    pub environment: Option<String>,
    /// The ref in full; `ref` is it without `refs/heads/` or `refs/tags/`.
    pub git_ref: String,
    /// `job_id`.
    pub job_id: u64,
    /// `namespace_id`.
    pub namespace_id: u64,
    /// The pipeline's file, in `ci_config_ref_uri`.
    pub pipeline: String,
    /// `pipeline_id`.
    pub pipeline_id: u64,
    /// `project_path`.
    pub project: String,
    /// `project_id`.
    pub project_id: u64,
    /// `ref_protected`.
    pub ref_protected: bool,
    /// `runner_environment`.
    pub runner: String,
    /// `pipeline_source`.
    pub source: String,
    /// `project_visibility`.
    pub visibility: String,
}

impl GitlabJob {
    /// A public project's pipeline, run by pushing this protected tag.
    pub fn release(project: &str, tag: &str) -> Self {
        Self {
            commit: "714a629c0b401fdce83e847fc9589983fc6f46bc".into(),
            environment: None,
            git_ref: format!("refs/tags/{tag}"),
            job_id: 302,
            namespace_id: 72,
            pipeline: ".gitlab-ci.yml".into(),
            pipeline_id: 574,
            project: project.into(),
            project_id: 20,
            ref_protected: true,
            runner: "gitlab-hosted".into(),
            source: "push".into(),
            visibility: "public".into(),
        }
    }

    /// Every claim of its token.
    pub(super) fn claims(
        &self,
        issuer: &str,
        audience: &str,
        issued_at: Timestamp,
        jti: &str,
    ) -> Value {
        let Self {
            project,
            git_ref,
            commit,
            ..
        } = self;
        let host = issuer.split_once("://").map_or("", |(_, host)| host);
        let name = git_ref.splitn(3, '/').last().unwrap_or_default();
        let (namespace, _) = project.rsplit_once('/').unwrap_or((project, ""));
        let mut claims = json!({
            "jti": jti, "iss": issuer, "aud": audience,
            "sub": format!("project_path:{project}:ref_type:{}:ref:{name}", ref_type(git_ref)),
            "iat": issued_at.seconds(), "nbf": issued_at.seconds().saturating_sub(5),
            "exp": issued_at.seconds() + GITLAB_LIFETIME,
            "namespace_id": self.namespace_id.to_string(), "namespace_path": namespace,
            "project_id": self.project_id.to_string(), "project_path": project,
            "project_visibility": self.visibility,
            "job_project_id": self.project_id.to_string(), "job_project_path": project,
            "job_namespace_id": self.namespace_id.to_string(), "job_namespace_path": namespace,
            "user_id": "1", "user_login": "sidney", "user_email": "sidney@example.com", "user_access_level": "maintainer",
            "pipeline_id": self.pipeline_id.to_string(), "pipeline_source": self.source,
            "job_id": self.job_id.to_string(),
            "ref": name, "ref_type": ref_type(git_ref), "ref_path": git_ref,
            "ref_protected": self.ref_protected.to_string(),
            "runner_id": 1, "runner_environment": self.runner,
            "sha": commit, "ci_config_sha": commit,
            "ci_config_ref_uri": format!("{host}/{project}//{}@{git_ref}", self.pipeline),
        });
        if let (Some(environment), Some(members)) = (&self.environment, claims.as_object_mut()) {
            members.insert("environment".into(), json!(environment));
            members.insert("environment_protected".into(), json!("false"));
            members.insert("deployment_tier".into(), json!("production"));
            members.insert("environment_action".into(), json!("start"));
        }
        claims
    }
}

fn ref_type(git_ref: &str) -> &'static str {
    if git_ref.starts_with("refs/tags/") {
        "tag"
    } else {
        "branch"
    }
}
