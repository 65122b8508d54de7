//! Statements to sign: in-toto's about one gem, with SLSA provenance as GitHub's action writes it.
use events::digest::Digest;
use serde_json::{Value, json};

use super::claims::Claims;

/// An in-toto statement v1 about this file, as text.
pub fn statement(
    file_name: &str,
    digest: &Digest,
    predicate_type: &str,
    predicate: &Value,
) -> String {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": file_name, "digest": { "sha256": digest.hex() } }],
        "predicateType": predicate_type,
        "predicate": predicate,
    })
    .to_string()
}

/// The predicate `https://slsa.dev/provenance/v1` that GitHub's action writes for a job of these claims.
pub fn slsa(claims: &Claims) -> Value {
    let repository = claims.get(12).unwrap_or_default();
    let git_ref = claims.get(14).unwrap_or_default();
    let path = claims
        .get(18)
        .and_then(|workflow| workflow.strip_prefix(repository)?.strip_prefix('/'));
    let path = path
        .and_then(|path| path.split_once('@'))
        .map(|(path, _)| path);
    json!({
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {
                "workflow": { "ref": git_ref, "repository": repository, "path": path },
            },
            "internalParameters": {
                "github": {
                    "event_name": claims.get(20),
                    "repository_id": claims.get(15),
                    "repository_owner_id": claims.get(17),
                    "runner_environment": claims.get(11),
                },
            },
            "resolvedDependencies": [{
                "uri": format!("git+{repository}@{git_ref}"),
                "digest": { "gitCommit": claims.get(13) },
            }],
        },
        "runDetails": {
            "builder": { "id": claims.get(9) },
            "metadata": { "invocationId": claims.get(21) },
        },
    })
}
