//! Who may attest, by whose trust root and with which evidence; and what an auditor finds where an attestation is missing.
use deciders::{Code, attestation::Facts, push::Verdict};
use events::{Body, policy::Publisher};

use crate::{
    attestations::{denied, given, push, same_run},
    bundle::{claims, logged, timestamped},
    fixtures::{publisher, slug, text},
    history::{History, audit, roots::public_good},
    job::{generic_job, job},
    push::account,
    release::release,
};

#[test]
fn a_provider_whose_certificates_name_no_run_cannot_attest() {
    let mut history = History::public();
    history
        .register("ci", crate::fixtures::generic(), &["c1"])
        .unwrap();
    let mut root = public_good(1);
    root.issuers = vec![text("https://ci.example.com")];
    history.record_root("public-good", root).unwrap();
    let at_ci = Publisher {
        owner_id: None,
        provider: slug("ci"),
        repository: text("Tools/rake"),
        repository_id: Some(text("p-42")),
        workflow: text("release"),
        ..publisher()
    };
    history.add("rake", at_ci).unwrap();
    let key = history.exchange(&generic_job(1)).unwrap();
    let bundle = logged(&history, claims(&job(1)));
    assert_eq!(
        denied(&mut history, key, bundle).code,
        Code::AttestationProvider
    );
}

#[test]
fn a_persons_key_cannot_bring_attestations() {
    let (mut history, _, bundle) = same_run();
    let key = account(&mut history, 1);
    let mut facts = release("thor", "1.0").facts(key);
    facts.attestations = vec![bundle];
    let denial = history.push_facts(&facts).unwrap_err();
    assert_eq!(denial.code, Code::AttestationNeedsPublisher);
}

#[test]
fn a_trust_root_vouches_in_its_newest_version_while_it_is_not_retired() {
    let (mut history, key, bundle) = same_run();
    history.record_root("public-good", public_good(2)).unwrap();
    assert_eq!(
        denied(&mut history, key, bundle).code,
        Code::AttestationRootUnknown
    );
    let (mut history, key, bundle) = same_run();
    history.retire_root("public-good").unwrap();
    assert_eq!(
        denied(&mut history, key, bundle).code,
        Code::AttestationRootUnknown
    );
    let (mut history, key) = given(publisher(), &job(1));
    let bundle = logged(&history, claims(&job(1)));
    let elsewhere = Facts {
        root: timestamped(&history, "nobodys", claims(&job(1))).root,
        ..bundle
    };
    assert_eq!(
        denied(&mut history, key, elsewhere).code,
        Code::AttestationRootUnknown
    );
}

#[test]
fn a_trust_root_vouches_for_its_issuers_alone() {
    let (mut history, key, _) = same_run();
    let mut others = public_good(2);
    others.issuers = vec![text("https://gitlab.example.com")];
    history.record_root("public-good", others).unwrap();
    let bundle = logged(&history, claims(&job(1)));
    assert_eq!(
        denied(&mut history, key, bundle).code,
        Code::AttestationRootIssuer
    );
}

#[test]
fn exactly_the_evidence_that_the_root_requires_is_counted() {
    let lacking: [fn(&mut Facts); 3] = [
        |bundle| bundle.entry = None,
        |bundle| bundle.sct = false,
        |bundle| bundle.timestamp = true,
    ];
    for change in lacking {
        let (mut history, key, mut bundle) = same_run();
        change(&mut bundle);
        assert_eq!(
            denied(&mut history, key, bundle).code,
            Code::AttestationEvidence
        );
    }
}

#[test]
fn a_bundle_is_neither_from_the_future_nor_there_twice() {
    let (mut history, key, mut bundle) = same_run();
    bundle.signed = history.now.plus_seconds(1);
    assert_eq!(
        denied(&mut history, key, bundle).code,
        Code::AttestationFuture
    );
    let (mut history, key, bundle) = same_run();
    let denial = push(&mut history, key, vec![bundle.clone(), bundle.clone()]).unwrap_err();
    assert_eq!(denial.code, Code::AttestationDuplicate);
    let other = Facts {
        bundle: bundle.certificate,
        ..bundle.clone()
    };
    let denial = push(&mut history, key, vec![bundle, other]).unwrap_err();
    assert_eq!(denial.code, Code::AttestationDuplicate);
}

#[test]
fn the_same_file_again_is_already_pushed_and_adds_no_attestation() {
    let (mut history, key, bundle) = same_run();
    push(&mut history, key, Vec::new()).unwrap();
    let before = history.log.len();
    let again = push(&mut history, key, vec![bundle]).unwrap();
    assert_eq!(again, Verdict::AlreadyPushed);
    assert_eq!(history.log.len(), before);
}

#[test]
fn an_attestation_without_its_release_is_noticed() {
    let (mut history, key, bundle) = same_run();
    push(&mut history, key, vec![bundle]).unwrap();
    let last = history.log.last().unwrap().event.clone();
    let draft = events::event::Draft::new(last.stream.clone(), last.body.clone());
    history.append(&last.actor, last.via, vec![draft]);
    let findings = audit(&history.log);
    assert!(
        findings
            .iter()
            .any(|finding| finding.message.contains("attests a release"))
    );
}

#[test]
fn a_release_without_the_attestation_that_came_with_it_is_another_release() {
    // Nothing in the log says that there was one: the signed checkpoints do. But a pair cannot be taken out.
    let (mut history, key, bundle) = same_run();
    push(&mut history, key, vec![bundle]).unwrap();
    for place in 0..15 {
        let mut log = history.log.clone();
        let last = log.last_mut().unwrap();
        if let Body::ReleaseAttested(attested) = &mut last.event.body {
            attested.compared.remove(place);
        }
        assert_ne!(audit(&log), [], "{place}");
    }
}
