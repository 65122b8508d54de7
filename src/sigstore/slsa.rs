//! SLSA provenance v1 beside the certificate: a predicate is written by the workflow itself, the certificate is not.
//!
//! Where both speak of the same thing they must agree, or a page would show the one and the checks were made on the
//! other. What a predicate does not say is not missed. Repositories are compared as URLs without `git+`, `.git` and ref.
use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{error::shown, statement::StatementError, verified::Certificate};

/// <https://slsa.dev/spec/v1.0/provenance>, as far as it is compared.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Provenance<'a> {
    #[serde(borrow)]
    build_definition: Option<BuildDefinition<'a>>,
    #[serde(borrow)]
    run_details: Option<RunDetails<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BuildDefinition<'a> {
    #[serde(borrow)]
    external_parameters: Option<External<'a>>,
    #[serde(borrow)]
    internal_parameters: Option<Internal<'a>>,
    #[serde(borrow, default)]
    resolved_dependencies: Vec<Dependency<'a>>,
}

/// `workflow` by GitHub, `source` by GitLab.
#[derive(Deserialize)]
struct External<'a> {
    #[serde(borrow)]
    workflow: Option<Workflow<'a>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Workflow<'a> {
    #[serde(borrow, rename = "ref")]
    git_ref: Option<Cow<'a, str>>,
    #[serde(borrow)]
    repository: Option<Cow<'a, str>>,
    #[serde(borrow)]
    path: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Internal<'a> {
    #[serde(borrow)]
    github: Option<Github<'a>>,
}

#[derive(Deserialize)]
struct Github<'a> {
    #[serde(borrow)]
    event_name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    repository_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    repository_owner_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    runner_environment: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Dependency<'a> {
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
    #[serde(borrow)]
    digest: Option<Commit<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit<'a> {
    #[serde(borrow)]
    git_commit: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct RunDetails<'a> {
    #[serde(borrow)]
    metadata: Option<Metadata<'a>>,
}

/// GitLab spells the member with a capital D.
#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, rename = "invocationId", alias = "invocationID")]
    invocation_id: Option<Cow<'a, str>>,
}

/// Something that predicate and certificate may both say.
type Said<'p> = (&'static str, Option<&'p str>, Option<&'p str>);

/// Whether the predicate agrees with the certificate.
pub(super) fn check(predicate: &RawValue, certificate: &Certificate) -> Result<(), StatementError> {
    let provenance: Provenance<'_> = serde_json::from_str(predicate.get())
        .map_err(|error| StatementError::Malformed(shown(&error.to_string())))?;
    if let Some(definition) = &provenance.build_definition {
        check_definition(definition, certificate)?;
    }
    let run = provenance.run_details.and_then(|details| details.metadata);
    check_run(
        run.and_then(|metadata| metadata.invocation_id).as_deref(),
        certificate.run_invocation_uri.as_deref(),
    )
}

fn check_definition(
    definition: &BuildDefinition<'_>,
    certificate: &Certificate,
) -> Result<(), StatementError> {
    let repository = certificate.source_repository_uri.as_deref();
    let external = definition.external_parameters.as_ref();
    let workflow = external.and_then(|external| external.workflow.as_ref());
    let internal = definition.internal_parameters.as_ref();
    let github = internal.and_then(|internal| internal.github.as_ref());
    // The workflow that was started is the certificate's build config, as `URI of repository/path@ref`.
    let config = certificate.build_config_uri.as_deref();
    let path = config
        .and_then(|config| config.strip_prefix(repository?)?.strip_prefix('/'))
        .map(|path| path.rsplit_once('@').map_or(path, |(path, _)| path));
    let of_workflow =
        |part: for<'a> fn(&'a Workflow<'a>) -> Option<&'a str>| workflow.and_then(part);
    let of_github = |part: for<'a> fn(&'a Github<'a>) -> Option<&'a str>| github.and_then(part);
    let said: [Said<'_>; 8] = [
        (
            "externalParameters.workflow.repository",
            of_workflow(|workflow| workflow.repository.as_deref()).map(bare),
            repository.map(bare),
        ),
        (
            "externalParameters.source",
            external
                .and_then(|external| external.source.as_deref())
                .map(bare),
            repository.map(bare),
        ),
        (
            "externalParameters.workflow.ref",
            of_workflow(|workflow| workflow.git_ref.as_deref()),
            certificate.source_repository_ref.as_deref(),
        ),
        (
            "externalParameters.workflow.path",
            of_workflow(|workflow| workflow.path.as_deref()),
            path,
        ),
        (
            "internalParameters.github.event_name",
            of_github(|github| github.event_name.as_deref()),
            certificate.build_trigger.as_deref(),
        ),
        (
            "internalParameters.github.repository_id",
            of_github(|github| github.repository_id.as_deref()),
            certificate.source_repository_id.as_deref(),
        ),
        (
            "internalParameters.github.repository_owner_id",
            of_github(|github| github.repository_owner_id.as_deref()),
            certificate.source_repository_owner_id.as_deref(),
        ),
        (
            "internalParameters.github.runner_environment",
            of_github(|github| github.runner_environment.as_deref()),
            certificate.runner_environment.as_deref(),
        ),
    ];
    said.into_iter().try_for_each(agree)?;
    definition
        .resolved_dependencies
        .iter()
        .try_for_each(|dependency| check_dependency(dependency, certificate))
}

/// The dependency that is the source itself. Others are the builder's own affair.
fn check_dependency(
    dependency: &Dependency<'_>,
    certificate: &Certificate,
) -> Result<(), StatementError> {
    let uri = dependency.uri.as_deref().unwrap_or_default();
    let source = certificate.source_repository_uri.as_deref();
    if source.is_none_or(|source| bare(uri) != bare(source)) {
        return Ok(());
    }
    let digest = dependency.digest.as_ref();
    agree((
        "resolvedDependencies.digest.gitCommit",
        digest.and_then(|digest| digest.git_commit.as_deref()),
        certificate.source_repository_digest.as_deref(),
    ))?;
    agree((
        "resolvedDependencies.uri",
        git_ref(uri),
        certificate.source_repository_ref.as_deref(),
    ))
}

/// A run is named by its URL, or, by GitLab, with the number of the job at the end of it.
fn check_run(came: Option<&str>, run: Option<&str>) -> Result<(), StatementError> {
    let job = run
        .filter(|run| run.contains("/-/jobs/"))
        .and_then(|run| run.rsplit_once('/'));
    if came.is_some() && job.map(|(_, number)| number) == came {
        return Ok(());
    }
    agree(("runDetails.metadata.invocationId", came, run))
}

/// Both say the same, or one of them nothing. A predicate may not say what the certificate leaves open.
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

/// The repository's URL alone: without `git+`, `@ref`, `.git`, and a slash at the end.
fn bare(uri: &str) -> &str {
    let uri = uri.strip_prefix("git+").unwrap_or(uri);
    let uri = uri.split_once('@').map_or(uri, |(uri, _)| uri);
    let uri = uri.strip_suffix('/').unwrap_or(uri);
    uri.strip_suffix(".git").unwrap_or(uri)
}

/// What stands after the `@`.
fn git_ref(uri: &str) -> Option<&str> {
    uri.split_once('@').map(|(_, git_ref)| git_ref)
}
