//! Who built the file, by the word of a provenance: whoever the certificate says, or the push is denied.
use deciders::{Code, attestation::Facts};
use events::attestation::Field;

use crate::{
    attestations::{at_gitlab, attested, denied, given, push, same_run},
    bundle::{by_signer, claims, provenance, timestamped},
    history::audit,
    job::gitlab_job,
};

#[test]
fn a_provenance_names_its_builder_and_nothing_else_does() {
    let (mut history, key, bundle) = same_run();
    let signer = bundle.claims.of(Field::Signer).unwrap().clone();
    let signer = signer.as_str();
    let good = by_signer(bundle);
    push(&mut history, key, vec![good.clone()]).unwrap();
    assert_eq!(attested(&history)[0].builder, good.builder);
    let silent = Facts {
        builder: None,
        ..good.clone()
    };
    let by_a_signature = Facts {
        predicate: None,
        ..good.clone()
    };
    let elsewhere = provenance(good, "https://github.com/actions/runner/self-hosted");
    for (facts, expected) in [
        (silent, signer),
        (by_a_signature, "(absent)"),
        (elsewhere, signer),
    ] {
        let (mut history, key, _) = same_run();
        let denial = denied(&mut history, key, facts);
        assert_eq!(denial.code, Code::AttestationBuilder);
        assert_eq!(denial.expected.as_deref(), Some(expected));
    }
}

#[test]
fn at_gitlab_a_runner_of_the_repository_built() {
    let job = gitlab_job(1);
    let home = "https://gitlab.example.com";
    for (builder, good) in [
        ("group/sub/rake/-/runners/12270831", true),
        ("group/sub/rake/-/runners/", false),
        ("group/sub/rake/-/runners/1x", false),
        ("group/sub/rake/-/runners/1/2", false),
        ("group/other/-/runners/1", false),
        ("group/sub/rake//.gitlab-ci.yml@refs/tags/v1.0", false),
    ] {
        let (mut history, key) = given(at_gitlab(), &job);
        let bundle = timestamped(&history, "own", claims(&job));
        let bundle = provenance(bundle, &format!("{home}/{builder}"));
        if good {
            push(&mut history, key, vec![bundle]).unwrap();
            assert_eq!(audit(&history.log), []);
        } else {
            let denial = denied(&mut history, key, bundle);
            assert_eq!(denial.code, Code::AttestationBuilder, "{builder}");
        }
    }
}
