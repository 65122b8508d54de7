//! Statements that are signed, logged and verified, and do not say what they must: each is refused by a rule of its own.
use gemledger::{
    demo::sigstore::{Content, slsa},
    sigstore::{SLSA_PROVENANCE_V1, VerifyError},
};
use serde_json::{Value, json};

use super::{FILE, Given, signed_at};

/// What becomes of a statement that is good but for this change.
fn attested(given: &Given, change: impl FnOnce(&mut Value)) -> Result<(), VerifyError> {
    let mut statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": FILE, "digest": { "sha256": given.digest().hex() } }],
        "predicateType": SLSA_PROVENANCE_V1,
        "predicate": slsa(&given.claims),
    });
    change(&mut statement);
    signed(given, &statement.to_string())
}

fn signed(given: &Given, text: &str) -> Result<(), VerifyError> {
    let content = Content::Statement(text);
    let bundle = given
        .sigstore
        .attest(&given.claims, content, signed_at())
        .unwrap();
    given.verify(&bundle).map(|_| ())
}

fn code(given: &Given, change: impl FnOnce(&mut Value)) -> &'static str {
    attested(given, change).unwrap_err().code()
}

#[test]
fn the_statement_is_good_unless_it_is_changed() {
    let given = Given::new();
    attested(&given, |_| ()).unwrap();
}

#[test]
fn a_statement_whose_predicate_says_nothing_is_refused() {
    let given = Given::new();
    for nothing in [Value::Null, json!({})] {
        let empty = code(&given, |statement| statement["predicate"] = nothing);
        assert_eq!(empty, "statement_predicate_empty");
    }
    let absent = code(&given, |statement| {
        statement.as_object_mut().unwrap().remove("predicate");
    });
    assert_eq!(absent, "statement_predicate_empty");
}

#[test]
fn two_subjects_are_refused_also_where_one_of_them_is_the_gem() {
    let given = Given::new();
    let two = |statement: &mut Value| {
        let other = json!({ "name": "other-1.0.0.gem", "digest": { "sha256": "0".repeat(64) } });
        statement["subject"].as_array_mut().unwrap().push(other);
    };
    let error = attested(&given, two).unwrap_err();
    assert_eq!(error.code(), "statement_subjects");
    assert_eq!(error.to_string(), "the statement has 2 subjects, not one");
    assert!(attested(&given, |statement| statement["subject"] = json!([])).is_err());
}

#[test]
fn another_subject_is_refused_by_name_and_by_digest() {
    let given = Given::new();
    let name = code(&given, |statement| {
        statement["subject"][0]["name"] = json!("hola-1.0.1.gem");
    });
    assert_eq!(name, "statement_other_subject");
    let nameless = code(&given, |statement| {
        statement["subject"][0]
            .as_object_mut()
            .unwrap()
            .remove("name");
    });
    assert_eq!(nameless, "statement_other_subject");
    let digest = code(&given, |statement| {
        statement["subject"][0]["digest"]["sha256"] = json!("0".repeat(64));
    });
    assert_eq!(digest, "attestation_other_artifact");
}

#[test]
fn a_digest_that_nobody_checked_is_not_taken_along() {
    let given = Given::new();
    let beside = code(&given, |statement| {
        statement["subject"][0]["digest"]["sha1"] = json!("0".repeat(40));
    });
    assert_eq!(beside, "statement_other_subject");
    let other = attested(&given, |statement| {
        statement["subject"][0]["digest"] = json!({ "sha512": "0".repeat(128) });
    });
    assert!(other.is_err());
}

#[test]
fn another_type_of_statement_or_predicate_is_refused() {
    let given = Given::new();
    let older = code(&given, |statement| {
        statement["_type"] = json!("https://in-toto.io/Statement/v0.1");
    });
    assert_eq!(older, "statement_type_unknown");
    for kind in [
        "https://slsa.dev/provenance/v0.2",
        "https://slsa.dev/provenance/v1.1",
        "https://example.com/looks-good/v1",
        "",
    ] {
        let unknown = code(&given, |statement| statement["predicateType"] = json!(kind));
        assert_eq!(unknown, "statement_predicate_unknown", "{kind}");
    }
}

#[test]
fn a_payload_of_another_type_or_that_says_a_thing_twice_is_refused() {
    let given = Given::new();
    for text in ["not json", "[]", "{}"] {
        assert!(signed(&given, text).is_err(), "{text}");
    }
    let twice = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"{FILE}","digest":{{"sha256":"{}"}}}}],"predicateType":"https://example.com/evil","predicateType":"{SLSA_PROVENANCE_V1}"}}"#,
        given.digest().hex()
    );
    assert!(signed(&given, &twice).is_err());
}

/// Go reads `Subject` for `subject`, and the last one wins.
#[test]
fn a_statement_and_its_subject_have_no_member_beside_those_that_are_checked() {
    let given = Given::new();
    for name in ["_Type", "Subject", "PREDICATETYPE", "predicate_type", "x"] {
        let beside = code(&given, |statement| statement[name] = json!("x"));
        assert_eq!(beside, "statement_malformed", "{name}");
    }
    for name in ["Name", "DIGEST", "\u{17f}ubject", "uri", "annotations"] {
        let beside = code(&given, |statement| {
            statement["subject"][0][name] = json!("x");
        });
        assert_eq!(beside, "statement_malformed", "{name}");
    }
}
