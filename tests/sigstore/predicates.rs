//! SLSA provenance is written by the workflow itself: where it speaks of what the certificate says, it must say the same.
use events::provider::Algorithm;
use gemledger::{
    demo::issuer::{GitlabJob, StandInIssuer},
    demo::sigstore::{Claims, Content, slsa, statement},
    sigstore::{SLSA_PROVENANCE_V1, StatementError, VerifyError},
};
use serde_json::{Map, Value, json};

use super::{FILE, Given, signed_at};

pub(super) fn attested(
    given: &Given,
    claims: &Claims,
    predicate: &Value,
) -> Result<(), VerifyError> {
    let text = statement(FILE, &given.digest(), SLSA_PROVENANCE_V1, predicate);
    let bundle = given
        .sigstore
        .attest(claims, Content::Statement(&text), signed_at())
        .unwrap();
    given.verify(&bundle).map(|_| ())
}

/// Each place where GitHub's predicate says what the certificate says, with another value there.
#[test]
fn a_predicate_that_contradicts_the_certificate_is_refused_by_the_field() {
    let given = Given::new();
    for (path, other) in [
        (
            "/buildDefinition/externalParameters/workflow/repository",
            "https://github.com/octo-org/other",
        ),
        (
            "/buildDefinition/externalParameters/workflow/ref",
            "refs/heads/main",
        ),
        (
            "/buildDefinition/externalParameters/workflow/path",
            ".github/workflows/ci.yml",
        ),
        (
            "/buildDefinition/internalParameters/github/event_name",
            "workflow_dispatch",
        ),
        (
            "/buildDefinition/internalParameters/github/repository_id",
            "1",
        ),
        (
            "/buildDefinition/internalParameters/github/repository_owner_id",
            "1",
        ),
        (
            "/buildDefinition/internalParameters/github/runner_environment",
            "self-hosted",
        ),
        (
            "/buildDefinition/resolvedDependencies/0/digest/gitCommit",
            "0000000000000000000000000000000000000000",
        ),
        (
            "/buildDefinition/resolvedDependencies/0/uri",
            "git+https://github.com/octo-org/hola@refs/heads/main",
        ),
        (
            "/runDetails/metadata/invocationId",
            "https://github.com/octo-org/hola/actions/runs/1/attempts/1",
        ),
        (
            "/runDetails/builder/id",
            "https://github.com/octo-org/hola/.github/workflows/ci.yml@refs/tags/v1.0.0",
        ),
    ] {
        let mut predicate = slsa(&given.claims);
        *predicate.pointer_mut(path).unwrap() = json!(other);
        let error = attested(&given, &given.claims, &predicate).unwrap_err();
        let VerifyError::Statement(StatementError::Differs { field, came, .. }) = &error else {
            panic!("{path}: {error}")
        };
        assert!(
            path.replace('/', ".").replace(".0.", ".").contains(field),
            "{path}: {field}"
        );
        assert!(other.ends_with(came.as_str()), "{came}");
        assert_eq!(error.code(), "statement_differs");
    }
}

#[test]
fn a_provenance_says_how_it_was_built_from_what_and_by_whom() {
    let given = Given::new();
    let whole = slsa(&given.claims);
    attested(&given, &given.claims, &whole).unwrap();
    for (path, field) in [
        ("/buildDefinition", "buildDefinition.buildType"),
        ("/buildDefinition/buildType", "buildDefinition.buildType"),
        (
            "/buildDefinition/externalParameters",
            "buildDefinition.externalParameters.workflow.ref",
        ),
        (
            "/buildDefinition/externalParameters/workflow",
            "buildDefinition.externalParameters.workflow.ref",
        ),
        (
            "/buildDefinition/externalParameters/workflow/ref",
            "buildDefinition.externalParameters.workflow.ref",
        ),
        (
            "/buildDefinition/externalParameters/workflow/repository",
            "buildDefinition.externalParameters.workflow.repository",
        ),
        (
            "/buildDefinition/externalParameters/workflow/path",
            "buildDefinition.externalParameters.workflow.path",
        ),
        ("/runDetails", "runDetails.builder.id"),
        ("/runDetails/builder", "runDetails.builder.id"),
        ("/runDetails/builder/id", "runDetails.builder.id"),
    ] {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let change = |change: fn(&mut Map<String, Value>, &str)| {
            let mut predicate = whole.clone();
            let parent = predicate.pointer_mut(parent).unwrap();
            change(parent.as_object_mut().unwrap(), name);
            let error = attested(&given, &given.claims, &predicate).unwrap_err();
            assert_eq!(error.code(), "statement_incomplete", "{path}");
            let said = format!("the provenance does not say {field}");
            assert_eq!(error.to_string(), said);
        };
        change(|object, name| {
            object.remove(name);
        });
        change(|object, name| {
            object.insert(name.into(), Value::Null);
        });
    }
}

#[test]
fn what_a_certificate_leaves_out_is_not_believed() {
    let given = Given::new();
    let silent = given.claims.clone().with(20, None);
    let error = attested(&given, &silent, &slsa(&given.claims)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the provenance says buildDefinition.internalParameters.github.event_name `push`, the certificate `nothing`"
    );
}

#[test]
fn every_digest_of_the_source_is_the_commit_and_others_are_the_builders_own_affair() {
    let given = Given::new();
    let commit = given.claims.get(13).unwrap().to_owned();
    let with = |uri: &str, digest: Value| {
        let mut predicate = slsa(&given.claims);
        predicate["buildDefinition"]["resolvedDependencies"] = json!([
            { "uri": "git+https://github.com/actions/checkout@v5", "digest": { "gitCommit": "0" } },
            {},
            { "uri": uri, "digest": digest },
        ]);
        attested(&given, &given.claims, &predicate)
    };
    let source = "git+https://github.com/octo-org/hola";
    with(source, json!({ "sha1": commit, "gitCommit": commit })).unwrap();
    for digest in [
        json!({ "sha1": "0".repeat(40) }),
        json!({ "gitCommit": commit, "sha1": "0".repeat(40) }),
        json!({ "gitCommit": commit, "sha256": "0".repeat(64) }),
    ] {
        for uri in [source, "git+https://github.com/Octo-Org/hola.git"] {
            let error = with(uri, digest.clone()).unwrap_err();
            assert_eq!(error.code(), "statement_differs", "{digest}");
        }
    }
}

#[test]
fn a_ref_may_hold_an_at_sign() {
    let given = Given::new();
    let workflow = "https://github.com/octo-org/hola/.github/workflows/release.yml";
    let config = format!("{workflow}@refs/tags/hola@1.0.0");
    let claims = given.claims.clone();
    let claims = claims.with(14, Some("refs/tags/hola@1.0.0"));
    let claims = claims.with(18, Some(&config)).with(9, Some(&config));
    let predicate = slsa(&claims);
    let path = "/buildDefinition/externalParameters/workflow/path";
    assert_eq!(
        predicate.pointer(path).unwrap(),
        ".github/workflows/release.yml"
    );
    attested(&given, &claims, &predicate).unwrap();
}

#[test]
fn the_same_repository_in_another_spelling_is_the_same() {
    let given = Given::new();
    let mut predicate = slsa(&given.claims);
    predicate["buildDefinition"]["externalParameters"]["workflow"]["repository"] =
        json!("git+https://github.com/octo-org/hola.git");
    attested(&given, &given.claims, &predicate).unwrap();
}

#[test]
fn a_repository_has_no_ref_behind_it() {
    let given = Given::new();
    let mut predicate = slsa(&given.claims);
    predicate["buildDefinition"]["externalParameters"]["workflow"]["repository"] =
        json!("https://github.com/octo-org/hola@anything");
    let error = attested(&given, &given.claims, &predicate).unwrap_err();
    assert_eq!(error.code(), "statement_differs");
    let claims = at_gitlab();
    let mut predicate = of_gitlabs_runner(&claims);
    predicate["buildDefinition"]["externalParameters"]["source"] =
        json!("https://gitlab.com/octo/hola@anything");
    let error = attested(&given, &claims, &predicate).unwrap_err();
    assert_eq!(error.code(), "statement_differs");
}

/// What GitHub's `actions/attest-build-provenance` writes, to the last member.
#[test]
fn the_whole_predicate_of_githubs_action_is_accepted() {
    let given = Given::new();
    let predicate = json!({
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": { "workflow": {
                "ref": given.claims.get(14),
                "repository": "https://github.com/octo-org/hola",
                "path": ".github/workflows/release.yml",
            } },
            "internalParameters": { "github": {
                "event_name": "push",
                "repository_id": given.claims.get(15),
                "repository_owner_id": given.claims.get(17),
                "runner_environment": "github-hosted",
            } },
            "resolvedDependencies": [{
                "uri": format!("git+https://github.com/octo-org/hola@{}", given.claims.get(14).unwrap()),
                "digest": { "gitCommit": given.claims.get(13) },
            }],
        },
        "runDetails": {
            "builder": { "id": given.claims.get(9) },
            "metadata": { "invocationId": given.claims.get(21) },
        },
    });
    attested(&given, &given.claims, &predicate).unwrap();
    // The machine is not the builder, and neither is somebody else's workflow.
    for other in [
        "https://github.com/actions/runner/github-hosted",
        "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@refs/tags/v2.0.0",
    ] {
        let mut predicate = predicate.clone();
        predicate["runDetails"]["builder"]["id"] = json!(other);
        let error = attested(&given, &given.claims, &predicate).unwrap_err();
        assert_eq!(error.code(), "statement_differs");
    }
}

/// What GitLab's runner writes of a job whose artifact is the gem, to the last member.
fn of_gitlabs_runner(claims: &Claims) -> Value {
    let source = "https://gitlab.com/octo/hola";
    json!({
        "buildDefinition": {
            "buildType": "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/v18.3.0/PROVENANCE.md",
            "externalParameters": {
                "CI": "", "CI_COMMIT_SHA": "", "CI_PROJECT_URL": "",
                "entryPoint": "release",
                "source": source,
            },
            "internalParameters": {
                "architecture": "amd64",
                "executor": "docker+machine",
                "job": "302",
                "name": "blue-2.saas-linux-small-amd64.runners-manager.gitlab.com/default",
            },
            "resolvedDependencies": [{ "uri": source, "digest": { "sha256": claims.get(13) } }],
        },
        "runDetails": {
            "builder": {
                "id": format!("{source}/-/runners/12270831"),
                "version": { "gitlab-runner": "18.3.0" },
            },
            "metadata": {
                "invocationId": "302",
                "startedOn": "2026-11-23T02:41:00Z",
                "finishedOn": "2026-11-23T02:42:00Z",
            },
        },
    })
}

#[test]
fn the_whole_predicate_of_gitlabs_runner_is_accepted() {
    let given = Given::new();
    let claims = at_gitlab();
    let whole = of_gitlabs_runner(&claims);
    attested(&given, &claims, &whole).unwrap();
    for (path, other, code) in [
        (
            "/buildDefinition/externalParameters/source",
            json!("https://gitlab.com/octo/hello"),
            "statement_differs",
        ),
        (
            "/buildDefinition/externalParameters/source",
            Value::Null,
            "statement_incomplete",
        ),
        (
            "/buildDefinition/resolvedDependencies/0/digest/sha256",
            json!("0".repeat(40)),
            "statement_differs",
        ),
        (
            "/runDetails/builder/id",
            json!("https://gitlab.com/octo/hello/-/runners/12270831"),
            "statement_differs",
        ),
        (
            "/runDetails/builder/id",
            json!("https://gitlab.com/octo/hola/-/runners/mine"),
            "statement_differs",
        ),
        (
            "/runDetails/metadata/invocationId",
            json!("303"),
            "statement_differs",
        ),
    ] {
        let mut predicate = whole.clone();
        *predicate.pointer_mut(path).unwrap() = other;
        let error = attested(&given, &claims, &predicate).unwrap_err();
        assert_eq!(error.code(), code, "{path}");
    }
    // The older spelling of the runner.
    let mut older = whole;
    let metadata = &mut older["runDetails"]["metadata"];
    *metadata = json!({ "invocationID": "302" });
    attested(&given, &claims, &older).unwrap();
    // A number names no run of GitHub's, whose URLs end with the attempt.
    let mut number = slsa(&given.claims);
    number["runDetails"]["metadata"]["invocationId"] = json!("1");
    assert!(attested(&given, &given.claims, &number).is_err());
}

/// The certificate of a job of gitlab.com.
fn at_gitlab() -> Claims {
    let issuer = StandInIssuer::unserved(super::ISSUER, Algorithm::ES256).unwrap();
    let job = GitlabJob::release("octo/hola", "v1.0.0");
    let token = issuer.gitlab_claims(&job, "sigstore", signed_at(), "1");
    Claims::gitlab(&token, "https://gitlab.com")
}
