//! A verified workflow identity as plain values: what a provider said of the job that asks, in one shape for all providers.
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// Which dialect of claims a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Any issuer whose claims are mapped by name and compared for equality.
    Generic,
    /// GitHub Actions, github.com or an enterprise server.
    Github,
    /// GitLab CI, gitlab.com or self-managed.
    Gitlab,
}

/// What the provider stated about one job. Fields that its tokens do not carry are absent.
///
/// Ids are strings because they are foreign. The provider's account names of people are left out on purpose: they are
/// personal data, and the sealed token keeps them where they can be erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// The commit that was checked out: GitHub `sha`, GitLab `sha`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub commit: Option<Text>,
    /// The deployment environment: `environment` of both.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment: Option<Text>,
    /// The project whose job definition runs, where that can differ from the repository: GitLab `job_project_id`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub job_repository_id: Option<Text>,
    /// The commit that file was read from, since a ref can move: GitHub `job_workflow_sha`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub job_workflow_commit: Option<Text>,
    /// The workflow file that defines this very job, with its ref: GitHub `job_workflow_ref`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub job_workflow_ref: Option<Text>,
    /// The immutable id of the repository's owner: GitHub `repository_owner_id`, GitLab `namespace_id`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner_id: Option<Text>,
    /// The git ref, in full: GitHub `ref`; GitLab `ref` with `refs/heads/` or `refs/tags/` put before it.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none", default)]
    pub git_ref: Option<Text>,
    /// Whether the forge protects that ref: `ref_protected` of both.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ref_protected: Option<bool>,
    /// `branch` or `tag`: `ref_type` of both.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ref_type: Option<Text>,
    /// `OWNER/NAME`: GitHub `repository`, GitLab `project_path`.
    pub repository: Text,
    /// The immutable id of the repository: GitHub `repository_id`, GitLab `project_id`.
    pub repository_id: Text,
    /// Which attempt of the run: GitHub `run_attempt`; GitLab `job_id`, since each retry is a new job.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run_attempt: Option<Text>,
    /// The run: GitHub `run_id`, GitLab `pipeline_id`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run_id: Option<Text>,
    /// Whose machine: `runner_environment` of both (`github-hosted`, `gitlab-hosted`, `self-hosted`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub runner: Option<Text>,
    /// What started the run: GitHub `event_name`, GitLab `pipeline_source`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trigger: Option<Text>,
    /// `public`, `private` or `internal`: GitHub `repository_visibility`, GitLab `project_visibility`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub visibility: Option<Text>,
    /// The commit that the triggered file was read from: GitHub `workflow_sha`, GitLab `ci_config_sha`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub workflow_commit: Option<Text>,
    /// The workflow file that was triggered, with its ref: GitHub `workflow_ref`, GitLab `ci_config_ref_uri`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub workflow_ref: Option<Text>,
}
