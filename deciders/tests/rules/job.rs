//! A CI job with its identity token, as its provider would describe it.
use deciders::exchange::Facts;
use events::{claims::Workflow, digest::Digest, text::Text};

use crate::{
    fixtures::{observed_key, slug, text},
    history::History,
};

/// A job whose token is fresh and in order unless a test says otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) provider: &'static str,
    pub(crate) kid: &'static str,
    pub(crate) audience: &'static str,
    pub(crate) jti: u64,
    /// Seconds from now back to `iat`.
    pub(crate) age: u64,
    /// Seconds from `iat` to `exp`.
    pub(crate) lifetime: u64,
    /// Seconds since the provider's keys were fetched.
    pub(crate) keys_age: u64,
    pub(crate) workflow: Workflow,
}

#[expect(clippy::unnecessary_wraps, reason = "most claims are optional")]
fn some(value: &str) -> Option<Text> {
    Some(text(value))
}

/// `ruby/rake`, on a tag, from `release.yml`.
pub(crate) fn job(jti: u64) -> Job {
    Job {
        provider: "github",
        kid: "k1",
        audience: "gems.example.com",
        jti,
        age: 5,
        lifetime: 300,
        keys_age: 60,
        workflow: Workflow {
            commit: some("8f1e3c5b7d9a0b2c4d6e8f1e3c5b7d9a0b2c4d6e"),
            environment: None,
            job_repository_id: None,
            job_workflow_commit: some("8f1e3c5b7d9a0b2c4d6e8f1e3c5b7d9a0b2c4d6e"),
            job_workflow_ref: some("ruby/rake/.github/workflows/release.yml@refs/tags/v1"),
            owner_id: some("210"),
            git_ref: some("refs/tags/v1"),
            ref_protected: Some(false),
            ref_type: some("tag"),
            repository: text("ruby/rake"),
            repository_id: text("42"),
            run_attempt: some("1"),
            run_id: some("9001"),
            runner: some("github-hosted"),
            trigger: some("push"),
            visibility: some("public"),
            workflow_commit: some("8f1e3c5b7d9a0b2c4d6e8f1e3c5b7d9a0b2c4d6e"),
            workflow_ref: some("ruby/rake/.github/workflows/release.yml@refs/tags/v1"),
        },
    }
}

/// `group/sub/rake` at GitLab, on a tag.
pub(crate) fn gitlab_job(jti: u64) -> Job {
    let mut job = job(jti);
    job.provider = "gitlab";
    job.kid = "g1";
    job.workflow = Workflow {
        job_repository_id: some("42"),
        job_workflow_commit: None,
        job_workflow_ref: None,
        owner_id: some("77"),
        repository: text("group/sub/rake"),
        runner: some("gitlab-hosted"),
        workflow_ref: some("gitlab.example.com/group/sub/rake//.gitlab-ci.yml@refs/tags/v1"),
        ..job.workflow
    };
    job
}

/// A job of the generic provider.
pub(crate) fn generic_job(jti: u64) -> Job {
    let mut job = job(jti);
    job.provider = "ci";
    job.kid = "c1";
    job.workflow = Workflow {
        commit: None,
        environment: some("release"),
        job_repository_id: None,
        job_workflow_commit: None,
        job_workflow_ref: None,
        owner_id: None,
        git_ref: None,
        ref_protected: None,
        ref_type: None,
        repository: text("Tools/rake"),
        repository_id: text("p-42"),
        run_attempt: None,
        run_id: None,
        runner: None,
        trigger: None,
        visibility: None,
        workflow_commit: None,
        workflow_ref: some("release"),
    };
    job
}

impl Job {
    /// The job with something else about it.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Workflow)) -> Self {
        change(&mut self.workflow);
        self
    }

    /// With another workflow file of the same repository.
    pub(crate) fn file(self, file: &str) -> Self {
        let path = format!("ruby/rake/.github/workflows/{file}@refs/tags/v1");
        self.with(|workflow| {
            workflow.job_workflow_ref = some(&path);
            workflow.workflow_ref = some(&path);
        })
    }

    /// On a branch that nobody protects.
    pub(crate) fn branch(self, branch: &str) -> Self {
        let git_ref = format!("refs/heads/{branch}");
        let path = format!("ruby/rake/.github/workflows/release.yml@{git_ref}");
        self.with(|workflow| {
            workflow.git_ref = some(&git_ref);
            workflow.ref_type = some("branch");
            workflow.job_workflow_ref = some(&path);
            workflow.workflow_ref = some(&path);
        })
    }

    pub(crate) fn facts(&self, history: &mut History) -> Facts {
        let issued_at = history.now.minus_seconds(self.age);
        let api_key = history.fresh_key();
        Facts {
            provider: slug(self.provider),
            token: Digest::of(self.jti.to_string().as_bytes()),
            audience: text(self.audience),
            issued_at,
            expires_at: issued_at.plus_seconds(self.lifetime),
            provider_key: observed_key(self.kid).thumbprint,
            keys_fetched: history.now.minus_seconds(self.keys_age),
            workflow: self.workflow.clone(),
            api_key,
            key_digest: Digest::of(api_key.to_string().as_bytes()),
        }
    }
}
