//! Whether a workflow is a publisher: each field in turn, and when it is not, how far it came.
//!
//! The checks run from the general to the particular. The publisher that came furthest explains a denial best: a job
//! of the right repository with the wrong file is told about the file, not that "no publisher was found".
use alloc::string::{String, ToString};
use events::{
    claims::{ProviderKind, Workflow},
    id::PublisherId,
    policy::Publisher,
    provider::Registered,
    text::{Slug, Text},
};

use crate::{Code, Denial};

mod among;

pub use among::{match_policy, matches};

/// A publisher that did not match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// How many checks it passed.
    pub passed: u8,
    /// The check it failed.
    pub denial: Denial,
    /// Which publisher, filled in by whoever asked.
    pub publisher: Option<PublisherId>,
}

/// The job that asks, with the provider that vouches for it.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The provider's slug.
    pub slug: &'a Slug,
    /// Its settings.
    pub provider: &'a Registered,
    /// What it stated.
    pub workflow: &'a Workflow,
}

/// Triggers of GitHub runs that may release. Everything a stranger can cause (`pull_request*`, `workflow_run`, comments,
/// issues) is left out, because such runs see secrets and identities of the base repository.
const GITHUB_TRIGGERS: [&str; 4] = ["push", "release", "workflow_dispatch", "schedule"];
/// Sources of GitLab pipelines that may release: no merge requests, no pipelines of other projects, no trigger tokens.
const GITLAB_TRIGGERS: [&str; 4] = ["push", "web", "schedule", "api"];

pub(crate) type Check = fn(&Job<'_>, &Publisher) -> Result<(), Denial>;

/// The checks in their order. The first two decide whether it is the publisher's own repository.
pub(crate) const CHECKS: [Check; 9] = [
    provider_and_repository,
    ids,
    job_repository,
    workflow_repository,
    workflow_file,
    workflow_ref,
    trigger,
    git_ref,
    environment,
];

/// How many checks stand before the ids are known to match.
const IDENTIFYING: usize = 2;

/// Holds the job against one publisher.
pub fn check(job: &Job<'_>, publisher: &Publisher) -> Result<(), Mismatch> {
    for (passed, check) in CHECKS.iter().enumerate() {
        if let Err(mut denial) = check(job, publisher) {
            denial.tell = passed >= IDENTIFYING && publisher.repository_id.is_some();
            let passed = u8::try_from(passed).unwrap_or(u8::MAX);
            return Err(Mismatch {
                passed,
                denial,
                publisher: None,
            });
        }
    }
    Ok(())
}

fn same_path(kind: ProviderKind, a: &str, b: &str) -> bool {
    match kind {
        // Both forges treat paths that differ in case as one; their tokens carry the spelling of the moment.
        ProviderKind::Github | ProviderKind::Gitlab => a.eq_ignore_ascii_case(b),
        ProviderKind::Generic => a == b,
    }
}

/// The name, or the pinned id: after a rename the id still says that it is the same repository.
fn provider_and_repository(job: &Job<'_>, publisher: &Publisher) -> Result<(), Denial> {
    let same_name = same_path(
        job.provider.kind,
        job.workflow.repository.as_str(),
        publisher.repository.as_str(),
    );
    let same_id = publisher.repository_id.as_ref() == Some(&job.workflow.repository_id);
    if publisher.provider == *job.slug && (same_name || same_id) {
        return Ok(());
    }
    Err(Denial::new(Code::RepositoryMismatch)
        .expected(publisher.repository.as_str())
        .found(job.workflow.repository.as_str()))
}

fn ids(job: &Job<'_>, publisher: &Publisher) -> Result<(), Denial> {
    let workflow = job.workflow;
    match &publisher.repository_id {
        Some(id) if *id != workflow.repository_id => {
            return Err(Denial::new(Code::RepositoryIdMismatch)
                .expected(id.as_str())
                .found(workflow.repository_id.as_str()));
        }
        _ => {}
    }
    match (&publisher.owner_id, &workflow.owner_id) {
        (None, _) => Ok(()),
        (Some(expected), Some(found)) if expected == found => Ok(()),
        (Some(expected), found) => Err(mismatch(
            Code::OwnerIdMismatch,
            expected.as_str(),
            found.as_ref(),
        )),
    }
}

fn mismatch(code: Code, expected: impl Into<String>, found: Option<&Text>) -> Denial {
    let denial = Denial::new(code).expected(expected);
    match found {
        Some(found) => denial.found(found.as_str()),
        None => denial.found("(absent)"),
    }
}

fn job_repository(job: &Job<'_>, _: &Publisher) -> Result<(), Denial> {
    match &job.workflow.job_repository_id {
        Some(id) if *id != job.workflow.repository_id => Err(mismatch(
            Code::JobRepositoryMismatch,
            job.workflow.repository_id.as_str(),
            Some(id),
        )),
        _ => Ok(()),
    }
}

/// `OWNER/NAME/.github/workflows/FILE@REF` in its parts. A ref may hold an `@`, a publisher's file never does.
fn split_github(text: &str) -> Option<(&str, &str, &str)> {
    let (owner, rest) = cut(text, b'/')?;
    let (name, rest) = cut(rest, b'/')?;
    let repository = text.get(..owner.len() + 1 + name.len())?;
    let (file, git_ref) = cut(rest.strip_prefix(".github/workflows/")?, b'@')?;
    Some((repository, file, git_ref))
}

/// What stands before and after the first of these bytes. On texts this short a plain walk is the quickest.
fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

/// `HOST/PROJECT//FILE@REF` of the job's own project, in its last parts.
fn split_gitlab<'a>(job: &Job<'_>, uri: &'a str) -> Option<(&'a str, &'a str)> {
    let (_, host) = job.provider.issuer.as_str().split_once("://")?;
    let rest = uri.strip_prefix(host.trim_end_matches('/'))?;
    let rest = rest.strip_prefix('/')?;
    let rest = rest.strip_prefix(job.workflow.repository.as_str())?;
    rest.strip_prefix("//")?.split_once('@')
}

fn required<'a>(claim: Option<&'a Text>, name: &str) -> Result<&'a str, Denial> {
    claim
        .map(Text::as_str)
        .ok_or_else(|| Denial::new(Code::ClaimMissing).expected(name))
}

/// Where the job is defined: in the repository itself, or in the one that the publisher names and no other.
fn workflow_repository(job: &Job<'_>, publisher: &Publisher) -> Result<(), Denial> {
    let workflow = job.workflow;
    if job.provider.kind != ProviderKind::Github {
        return Ok(());
    }
    let caller = required(workflow.workflow_ref.as_ref(), "workflow_ref")?;
    let defined = required(workflow.job_workflow_ref.as_ref(), "job_workflow_ref")?;
    let repository_of =
        |text| split_github(text).map_or("(unreadable)", |(repository, ..)| repository);
    let own = workflow.repository.as_str();
    if !same_path(ProviderKind::Github, repository_of(caller), own) {
        return Err(Denial::new(Code::WorkflowRepositoryMismatch)
            .expected(own)
            .found(repository_of(caller)));
    }
    let expected = publisher
        .workflow_repository
        .as_ref()
        .map_or(own, Text::as_str);
    if !same_path(ProviderKind::Github, repository_of(defined), expected) {
        return Err(Denial::new(Code::WorkflowRepositoryMismatch)
            .expected(expected)
            .found(repository_of(defined)));
    }
    Ok(())
}

/// The workflow file. Without a reusable workflow, the file that was triggered and the file that defines the job are one.
fn workflow_file(job: &Job<'_>, publisher: &Publisher) -> Result<(), Denial> {
    let (workflow, expected) = (job.workflow, publisher.workflow.as_str());
    match job.provider.kind {
        ProviderKind::Github => {
            let defined = required(workflow.job_workflow_ref.as_ref(), "job_workflow_ref")?;
            let caller = required(workflow.workflow_ref.as_ref(), "workflow_ref")?;
            let files = if publisher.workflow_repository.is_some() {
                [defined, defined]
            } else {
                [caller, defined]
            };
            for text in files {
                let file = split_github(text).map_or("(unreadable)", |(_, file, _)| file);
                if file != expected {
                    return Err(Denial::new(Code::WorkflowMismatch)
                        .expected(expected)
                        .found(file));
                }
            }
            Ok(())
        }
        ProviderKind::Gitlab => {
            let uri = required(workflow.workflow_ref.as_ref(), "ci_config_ref_uri")?;
            let file = split_gitlab(job, uri).map_or("(another project's)", |(file, _)| file);
            if file == expected {
                Ok(())
            } else {
                Err(Denial::new(Code::WorkflowMismatch)
                    .expected(expected)
                    .found(file))
            }
        }
        ProviderKind::Generic => match required(workflow.workflow_ref.as_ref(), "workflow")? {
            found if found == expected => Ok(()),
            found => Err(Denial::new(Code::WorkflowMismatch)
                .expected(expected)
                .found(found)),
        },
    }
}

/// A workflow file taken from another ref than the run's could be one that nobody reviewed.
fn workflow_ref(job: &Job<'_>, publisher: &Publisher) -> Result<(), Denial> {
    let workflow = job.workflow;
    let ref_of = |text| match job.provider.kind {
        ProviderKind::Github => split_github(text).map(|(.., git_ref)| git_ref),
        ProviderKind::Gitlab | ProviderKind::Generic => {
            split_gitlab(job, text).map(|(_, git_ref)| git_ref)
        }
    };
    if job.provider.kind == ProviderKind::Generic {
        return Ok(());
    }
    let git_ref = required(workflow.git_ref.as_ref(), "ref")?;
    let caller = required(workflow.workflow_ref.as_ref(), "workflow_ref")?;
    let own_job = workflow
        .job_workflow_ref
        .as_ref()
        .filter(|_| publisher.workflow_repository.is_none());
    for text in core::iter::once(caller).chain(own_job.map(Text::as_str)) {
        let found = ref_of(text).unwrap_or("(unreadable)");
        let at_commit = workflow.commit.as_ref().map(Text::as_str) == Some(found);
        if found != git_ref && !at_commit {
            return Err(Denial::new(Code::WorkflowRefMismatch)
                .expected(git_ref)
                .found(found));
        }
    }
    Ok(())
}

fn trigger(job: &Job<'_>, _: &Publisher) -> Result<(), Denial> {
    let allowed = match job.provider.kind {
        ProviderKind::Github => GITHUB_TRIGGERS,
        ProviderKind::Gitlab => GITLAB_TRIGGERS,
        ProviderKind::Generic => return Ok(()),
    };
    let found = required(job.workflow.trigger.as_ref(), "trigger")?;
    if allowed.contains(&found) {
        return Ok(());
    }
    Err(Denial::new(Code::TriggerNotAllowed)
        .expected(allowed.join(", "))
        .found(found))
}

fn git_ref(job: &Job<'_>, publisher: &Publisher) -> Result<(), Denial> {
    let workflow = job.workflow;
    let tag = workflow
        .ref_type
        .as_ref()
        .is_some_and(|kind| kind.as_str() == "tag");
    let generic = job.provider.kind == ProviderKind::Generic;
    if generic || publisher.any_ref || tag || workflow.ref_protected == Some(true) {
        return Ok(());
    }
    Err(mismatch(
        Code::RefNotAllowed,
        "a tag, or a protected branch".to_string(),
        workflow.git_ref.as_ref(),
    ))
}

fn environment(job: &Job<'_>, publisher: &Publisher) -> Result<(), Denial> {
    let Some(expected) = &publisher.environment else {
        return Ok(());
    };
    let found = job.workflow.environment.as_ref();
    let same = found.is_some_and(|found| match job.provider.kind {
        // To GitHub, environments that differ by case are one; the token has the spelling of the workflow's file.
        ProviderKind::Github => found.as_str().eq_ignore_ascii_case(expected.as_str()),
        ProviderKind::Gitlab | ProviderKind::Generic => found == expected,
    });
    if same {
        return Ok(());
    }
    Err(mismatch(
        Code::EnvironmentMismatch,
        expected.as_str(),
        found,
    ))
}
