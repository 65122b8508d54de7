//! Provenance that two readers of JSON could take differently is not accepted from anybody.
use gemledger::{
    demo::sigstore::{Content, slsa, statement},
    sigstore::SLSA_PROVENANCE_V1,
};
use serde_json::json;

use super::{FILE, Given, predicates::attested, signed_at};

/// Readers differ in what they make of a list in place of an object, of a number in place of a string, and of a member
/// that is there twice.
#[test]
fn what_two_readers_could_take_differently_is_refused() {
    let given = Given::new();
    let mut number = slsa(&given.claims);
    number["buildDefinition"]["internalParameters"]["github"]["repository_id"] = json!(1);
    let mut listed = slsa(&given.claims);
    listed["buildDefinition"]["resolvedDependencies"] = json!({});
    let mut digest = slsa(&given.claims);
    digest["buildDefinition"]["resolvedDependencies"][0]["digest"] = json!({ "gitCommit": 1 });
    for wrong in [
        json!([{}, {}]),
        json!("x"),
        json!(1),
        number,
        listed,
        digest,
    ] {
        let error = attested(&given, &given.claims, &wrong).unwrap_err();
        assert_eq!(error.code(), "statement_malformed", "{wrong}");
    }
    let mut positions = slsa(&given.claims);
    positions["runDetails"]["builder"] = json!([given.claims.get(9)]);
    let error = attested(&given, &given.claims, &positions).unwrap_err();
    assert_eq!(error.code(), "statement_incomplete");
    let twice = statement(
        FILE,
        &given.digest(),
        SLSA_PROVENANCE_V1,
        &slsa(&given.claims),
    );
    let twice = twice.replacen(
        r#""builder":{"#,
        r#""builder":{"id":"https://example.com/evil"},"builder":{"#,
        1,
    );
    let bundle = given
        .sigstore
        .attest(&given.claims, Content::Statement(&twice), signed_at());
    let error = given.verify(&bundle.unwrap()).unwrap_err();
    assert_eq!(error.code(), "statement_malformed");
}

/// Each name on the way to what is compared, as readers take it that look away from case, from letters that fold to ASCII
/// and from underscores.
#[test]
fn a_name_that_can_be_taken_for_one_that_is_compared_is_refused() {
    let given = Given::new();
    let beside: [(&str, &[&str]); 9] = [
        ("", &["BuildDefinition", "rundetails", "build_definition"]),
        (
            "/buildDefinition",
            &[
                "ResolvedDependencies",
                "resolved_dependencies",
                "buildtype",
                "\u{e9}",
            ],
        ),
        (
            "/buildDefinition/externalParameters",
            &["Workflow", "SOURCE", "wor\u{212a}flow"],
        ),
        (
            "/buildDefinition/externalParameters/workflow",
            &["Ref", "REPOSITORY", "patH"],
        ),
        (
            "/buildDefinition/internalParameters/github",
            &["eventName", "Repository_Id", "runner_environment\u{17f}"],
        ),
        (
            "/buildDefinition/resolvedDependencies/0",
            &["URI", "dige\u{17f}t"],
        ),
        ("/runDetails", &["Builder", "metaData"]),
        ("/runDetails/builder", &["ID"]),
        ("/runDetails/metadata", &["InvocationId", "invocation_id"]),
    ];
    for (parent, names) in beside {
        for name in names {
            let mut predicate = slsa(&given.claims);
            predicate.pointer_mut(parent).unwrap()[name] = json!("x");
            let error = attested(&given, &given.claims, &predicate).unwrap_err();
            assert_eq!(error.code(), "statement_malformed", "{parent}/{name}");
        }
    }
    let mut both = slsa(&given.claims);
    both["runDetails"]["metadata"]["invocationID"] = json!(given.claims.get(21));
    attested(&given, &given.claims, &both).unwrap();
    both["runDetails"]["metadata"]["invocationID"] = json!("x");
    let error = attested(&given, &given.claims, &both).unwrap_err();
    assert_eq!(error.code(), "statement_differs");
    // Nothing is compared in there, or everything is.
    let mut beside = slsa(&given.claims);
    beside["buildDefinition"]["resolvedDependencies"][0]["digest"] =
        json!({ "GitCommit": given.claims.get(13) });
    beside["runDetails"]["byproducts"] = json!([{ "\u{e9}": 1, "Uri": "x" }]);
    attested(&given, &given.claims, &beside).unwrap();
}
