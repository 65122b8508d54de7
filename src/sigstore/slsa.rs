//! SLSA provenance v1 beside the certificate: a predicate is written by the workflow itself, the certificate is not.
//!
//! It has to say how the gem was built, from what and by whom, and where both speak of the same thing they must agree, or
//! a page would show the one and the checks were made on the other. Repositories are compared as URLs without `git+` and
//! `.git`. <https://slsa.dev/spec/v1.0/provenance>
use super::{error::shown, json::Json, statement::StatementError, verified::Certificate};

const BUILDER: &str = "runDetails.builder.id";
const COMMIT: &str = "buildDefinition.resolvedDependencies.digest";
const DEPENDENCIES: &str = "buildDefinition.resolvedDependencies";
const EVENT: &str = "buildDefinition.internalParameters.github.event_name";
const OWNER_ID: &str = "buildDefinition.internalParameters.github.repository_owner_id";
const PATH: &str = "buildDefinition.externalParameters.workflow.path";
const REF: &str = "buildDefinition.externalParameters.workflow.ref";
const REPOSITORY: &str = "buildDefinition.externalParameters.workflow.repository";
const REPOSITORY_ID: &str = "buildDefinition.internalParameters.github.repository_id";
const RUN: &str = "runDetails.metadata.invocationId";
/// GitLab once spelled it with a capital D.
const RUN_ONCE: &str = "runDetails.metadata.invocationID";
const RUNNER: &str = "buildDefinition.internalParameters.github.runner_environment";
/// What GitLab says in place of a workflow: its jobs are of one file.
const SOURCE: &str = "buildDefinition.externalParameters.source";
const SOURCE_REF: &str = "buildDefinition.resolvedDependencies.uri";
const TYPE: &str = "buildDefinition.buildType";

/// Whatever is compared. Nothing beside it may be taken for it.
const COMPARED: [&str; 14] = [
    BUILDER,
    COMMIT,
    EVENT,
    OWNER_ID,
    PATH,
    REF,
    REPOSITORY,
    REPOSITORY_ID,
    RUN,
    RUN_ONCE,
    RUNNER,
    SOURCE,
    SOURCE_REF,
    TYPE,
];

/// What a provenance of GitHub has to say, and one of GitLab.
const GITHUB: [&str; 5] = [TYPE, REF, REPOSITORY, PATH, BUILDER];
const GITLAB: [&str; 3] = [TYPE, SOURCE, BUILDER];

/// What stands before the number of a job at GitLab.
const JOBS: &str = "/-/jobs/";

/// Something that predicate and certificate may both say.
type Said<'p> = (&'static str, Option<&'p str>, Option<&'p str>);

/// The builder, if the predicate says what a provenance must, and nothing else than the certificate.
pub(super) fn check(predicate: &Json, certificate: &Certificate) -> Result<String, StatementError> {
    match predicate {
        Json::Null => return Err(StatementError::NoPredicate),
        Json::Object(members) if members.is_empty() => return Err(StatementError::NoPredicate),
        Json::Object(_) => (),
        Json::List(_) | Json::Other | Json::Text(_) => {
            let what = "the predicate is not an object".to_owned();
            return Err(StatementError::Malformed(what));
        }
    }
    predicate.unmistakable(&COMPARED)?;
    let needed = job(certificate).map_or(GITHUB.as_slice(), |_| GITLAB.as_slice());
    for path in needed {
        said(predicate, path)?;
    }
    check_definition(predicate, certificate)?;
    for dependency in predicate.items(DEPENDENCIES)? {
        check_dependency(dependency, certificate)?;
    }
    check_run(predicate, certificate)?;
    check_builder(said(predicate, BUILDER)?, certificate)
}

fn said<'p>(predicate: &'p Json, path: &'static str) -> Result<&'p str, StatementError> {
    let came = predicate.text(path)?.filter(|came| !came.is_empty());
    came.ok_or(StatementError::Unsaid(path))
}

fn check_definition(predicate: &Json, certificate: &Certificate) -> Result<(), StatementError> {
    let repository = certificate.source_repository_uri.as_deref();
    // The workflow that was started is the certificate's build config, as `URI of repository/path@ref`. The ref may hold
    // another `@`; GitHub's own action cuts at the first one too.
    let config = certificate.build_config_uri.as_deref();
    let path = config
        .and_then(|config| config.strip_prefix(repository?)?.strip_prefix('/'))
        .map(|path| path.split_once('@').map_or(path, |(path, _)| path));
    for field in [REPOSITORY, SOURCE] {
        let came = predicate.text(field)?;
        agree((field, came.map(bare), repository.map(bare)))?;
    }
    for (field, expected) in [
        (REF, certificate.source_repository_ref.as_deref()),
        (PATH, path),
        (EVENT, certificate.build_trigger.as_deref()),
        (REPOSITORY_ID, certificate.source_repository_id.as_deref()),
        (OWNER_ID, certificate.source_repository_owner_id.as_deref()),
        (RUNNER, certificate.runner_environment.as_deref()),
    ] {
        agree((field, predicate.text(field)?, expected))?;
    }
    Ok(())
}

/// The dependency that is the source itself. Others are the builder's own affair. Each of its digests is the commit, by
/// whatever name: GitHub calls it `gitCommit`, GitLab `sha256`.
fn check_dependency(dependency: &Json, certificate: &Certificate) -> Result<(), StatementError> {
    let uri = dependency.text("uri")?.unwrap_or_default();
    let (repository, git_ref) = match uri.split_once('@') {
        Some((repository, git_ref)) => (repository, Some(git_ref)),
        None => (uri, None),
    };
    let source = certificate.source_repository_uri.as_deref();
    if source.is_none_or(|source| !bare(repository).eq_ignore_ascii_case(bare(source))) {
        return Ok(());
    }
    let commit = certificate.source_repository_digest.as_deref();
    for (_, digest) in dependency.texts("digest")? {
        agree((COMMIT, Some(digest), commit))?;
    }
    let expected = certificate.source_repository_ref.as_deref();
    agree((SOURCE_REF, git_ref, expected))
}

/// A run is named by its URL, or, by GitLab, with the number of the job at the end of it.
fn check_run(predicate: &Json, certificate: &Certificate) -> Result<(), StatementError> {
    let run = certificate.run_invocation_uri.as_deref();
    let number = job(certificate)
        .and_then(|job| job.rsplit_once('/'))
        .map(|(_, number)| number);
    for path in [RUN, RUN_ONCE] {
        let came = predicate.text(path)?;
        if came.is_none() || came != number {
            agree((RUN, came, run))?;
        }
    }
    Ok(())
}

/// At GitHub the workflow file that defines the job, which is who signed; at GitLab a runner of the project.
fn check_builder(builder: &str, certificate: &Certificate) -> Result<String, StatementError> {
    let signer = certificate.build_signer_uri.as_deref();
    if job(certificate).is_none() {
        agree((BUILDER, Some(builder), signer))?;
        return Ok(builder.to_owned());
    }
    let repository = certificate.source_repository_uri.as_deref();
    let runners = format!("{}/-/runners/", repository.unwrap_or_default());
    let runner = builder.strip_prefix(&runners).unwrap_or_default();
    if runner.is_empty() || !runner.bytes().all(|byte| byte.is_ascii_digit()) {
        let expected = format!("{runners}ID");
        agree((BUILDER, Some(builder), Some(&expected)))?;
    }
    Ok(builder.to_owned())
}

/// The job, where the certificate is of GitLab.
fn job(certificate: &Certificate) -> Option<&str> {
    let run = certificate.run_invocation_uri.as_deref();
    run.filter(|run| run.contains(JOBS))
}

/// Both say the same, or the predicate nothing. It may not say what the certificate leaves open.
fn agree((field, came, expected): Said<'_>) -> Result<(), StatementError> {
    match came {
        Some(came) if expected != Some(came) => Err(StatementError::Differs {
            field,
            came: shown(came),
            expected: expected.map_or_else(|| "nothing".to_owned(), shown),
        }),
        Some(_) | None => Ok(()),
    }
}

/// The repository's URL alone: without `git+`, `.git`, and a slash at the end.
fn bare(uri: &str) -> &str {
    let uri = uri.strip_prefix("git+").unwrap_or(uri);
    let uri = uri.strip_suffix('/').unwrap_or(uri);
    uri.strip_suffix(".git").unwrap_or(uri)
}
