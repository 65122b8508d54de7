//! SLSA provenance is written by the workflow itself: where it speaks of what the certificate says, it must say the same.
use events::provider::Algorithm;
use gemledger::{
    demo::issuer::{GitlabJob, StandInIssuer},
    demo::sigstore::{Claims, Content, slsa, statement},
    sigstore::{SLSA_PROVENANCE_V1, StatementError, VerifyError},
};
use serde_json::{Value, json};

use super::{FILE, Given, signed_at};

fn attested(given: &Given, claims: &Claims, predicate: &Value) -> Result<(), VerifyError> {
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
    ] {
        let mut predicate = slsa(&given.claims);
        *predicate.pointer_mut(path).unwrap() = json!(other);
        let error = attested(&given, &given.claims, &predicate).unwrap_err();
        let VerifyError::Statement(StatementError::Differs { field, came, .. }) = &error else {
            panic!("{path}: {error}")
        };
        assert!(
            path.replace('/', ".").replace(".0.", ".").ends_with(field),
            "{path}: {field}"
        );
        assert!(other.ends_with(came.as_str()), "{came}");
        assert_eq!(error.code(), "statement_differs");
    }
}

#[test]
fn what_a_predicate_leaves_out_is_not_missed_and_what_the_certificate_leaves_out_is_not_believed() {
    let given = Given::new();
    for predicate in [
        json!({}),
        json!({ "buildDefinition": {}, "runDetails": {} }),
        json!({ "buildDefinition": { "resolvedDependencies": [
            { "uri": "git+https://github.com/actions/checkout@v5", "digest": { "gitCommit": "0" } }, {},
        ] } }),
    ] {
        attested(&given, &given.claims, &predicate).unwrap();
    }
    let silent = given.claims.clone().with(20, None);
    let error = attested(&given, &silent, &slsa(&given.claims)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the provenance says internalParameters.github.event_name `push`, the certificate `nothing`"
    );
    for wrong in [json!([]), json!("x"), json!({ "buildDefinition": 1 })] {
        let error = attested(&given, &given.claims, &wrong).unwrap_err();
        assert_eq!(error.code(), "statement_malformed");
    }
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
fn a_gitlab_job_names_its_run_by_the_number_of_the_job() {
    let given = Given::new();
    let issuer = StandInIssuer::unserved(super::ISSUER, Algorithm::ES256).unwrap();
    let job = GitlabJob::release("octo/hola", "v1.0.0");
    let token = issuer.gitlab_claims(&job, "sigstore", signed_at(), "1");
    let claims = Claims::gitlab(&token, "https://gitlab.com");
    let predicate = |run: &str, source: &str| {
        json!({
            "buildDefinition": { "externalParameters": { "source": source } },
            "runDetails": { "metadata": { "invocationID": run } },
        })
    };
    let source = "https://gitlab.com/octo/hola";
    attested(&given, &claims, &predicate("302", source)).unwrap();
    assert!(attested(&given, &claims, &predicate("303", source)).is_err());
    assert!(
        attested(
            &given,
            &claims,
            &predicate("302", "https://gitlab.com/octo/hello")
        )
        .is_err()
    );
    // A number names no run of GitHub's, whose URLs end with the attempt.
    assert!(
        attested(
            &given,
            &given.claims,
            &predicate("1", "https://github.com/octo-org/hola")
        )
        .is_err()
    );
}
