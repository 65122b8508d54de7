//! What a verified bundle says, of each kind there is.
use gemledger::{
    demo::sigstore::{CERTIFICATE_SECONDS, Content, How, slsa, statement},
    sigstore::{
        Checked, Content as Verified, Identity, LogName, Requires, SLSA_PROVENANCE_V1, TimeSource,
        VerifiedTime,
    },
};

use super::{FILE, FORGE, Given, ISSUER, signed_at};

#[test]
fn a_gem_that_a_job_signed_is_verified_with_every_claim_of_the_certificate() {
    let given = Given::new();
    let bundle = given
        .sigstore
        .attest(&given.claims, given.content(), signed_at())
        .unwrap();
    let verified = given.verify(&bundle).unwrap();
    let certificate = &verified.certificate;
    let workflow = format!("{FORGE}/octo-org/hola/.github/workflows/release.yml@refs/tags/v1.0.0");
    assert_eq!(certificate.identity, Some(Identity::Uri(workflow.clone())));
    assert_eq!(certificate.issuer, ISSUER);
    assert_eq!(certificate.not_before, signed_at());
    assert_eq!(
        certificate.not_after,
        signed_at().plus_seconds(CERTIFICATE_SECONDS)
    );
    let commit = "5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567";
    let run = format!("{FORGE}/octo-org/hola/actions/runs/9876543210/attempts/1");
    let said = [
        (&certificate.build_signer_uri, workflow.as_str()),
        (&certificate.build_signer_digest, commit),
        (&certificate.runner_environment, "github-hosted"),
        (
            &certificate.source_repository_uri,
            "https://github.com/octo-org/hola",
        ),
        (&certificate.source_repository_digest, commit),
        (&certificate.source_repository_ref, "refs/tags/v1.0.0"),
        (&certificate.source_repository_id, "1420893"),
        (
            &certificate.source_repository_owner_uri,
            "https://github.com/octo-org",
        ),
        (&certificate.source_repository_owner_id, "210414"),
        (&certificate.build_config_uri, workflow.as_str()),
        (&certificate.build_config_digest, commit),
        (&certificate.build_trigger, "push"),
        (&certificate.run_invocation_uri, run.as_str()),
        (&certificate.visibility, "public"),
        (&certificate.environment, "release"),
        (
            &certificate.token_subject,
            "repo:octo-org/hola:ref:refs/tags/v1.0.0",
        ),
    ];
    for (came, expected) in said {
        assert_eq!(came.as_deref(), Some(expected));
    }
    assert_eq!(verified.content, Verified::MessageSignature);
    assert_eq!(verified.bundle, events::digest::Digest::of(&bundle));
    let all = Checked {
        log: true,
        sct: true,
        timestamp: false,
    };
    assert_eq!(verified.checked, all);
    let logged = VerifiedTime {
        at: signed_at(),
        source: TimeSource::Log,
    };
    assert_eq!(verified.times, [logged]);
    assert_eq!(verified.signed_by(), Some(signed_at()));
    let entry = verified.log_entry.unwrap();
    assert_eq!(entry.index, "1005", "the index in the whole log");
    assert_eq!(entry.kind, "hashedrekord 0.0.1");
    assert!(matches!(entry.log, LogName::KeyId(id) if id.len() == 64));
}

#[test]
fn the_second_version_of_the_log_is_named_by_its_checkpoint_and_needs_a_timestamp() {
    let given = Given::new();
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    let sign = |how: How| given.sigstore.sign(&signer, given.content(), how).unwrap();
    let bundle = sign(How::logged_v2(signed_at().plus_seconds(5)));
    let verified = given.verify(&bundle).unwrap();
    let stamped = VerifiedTime {
        at: signed_at().plus_seconds(5),
        source: TimeSource::Timestamp,
    };
    assert_eq!(verified.times, [stamped]);
    assert!(verified.checked.log && verified.checked.timestamp);
    let entry = verified.log_entry.unwrap();
    assert_eq!(entry.index, "5");
    assert_eq!(entry.kind, "hashedrekord 0.0.2");
    let origin = "log2026.rekor.gemledger.localhost".to_owned();
    assert_eq!(entry.log, LogName::Origin(origin));

    let unstamped = How {
        timestamp: false,
        ..How::logged_v2(signed_at())
    };
    let error = given.verify(&sign(unstamped)).unwrap_err();
    assert_eq!(error.code(), "attestation_time_invalid", "{error}");
}

#[test]
fn a_statement_about_the_gem_is_verified_in_either_version_of_the_log() {
    let given = Given::new();
    let text = statement(
        FILE,
        &given.digest(),
        SLSA_PROVENANCE_V1,
        &slsa(&given.claims),
    );
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    for (how, kind) in [
        (How::logged(signed_at()), "dsse 0.0.1"),
        (How::logged_v2(signed_at()), "hashedrekord 0.0.2"),
    ] {
        let bundle = given
            .sigstore
            .sign(&signer, Content::Statement(&text), how)
            .unwrap();
        let verified = given.verify(&bundle).unwrap();
        assert_eq!(verified.predicate_type(), Some(SLSA_PROVENANCE_V1));
        assert_eq!(verified.log_entry.unwrap().kind, kind);
    }
}

#[test]
fn a_timestamp_alone_is_enough_only_where_the_operator_said_so() {
    let given = Given::new();
    let signer = given
        .sigstore
        .unlogged_signer(&given.claims, signed_at())
        .unwrap();
    let how = How::timestamped(signed_at());
    let bundle = given.sigstore.sign(&signer, given.content(), how).unwrap();
    let weaker = given.root(Requires::TIMESTAMPED);
    let verified = given.verify_under(&weaker, &bundle).unwrap();
    let stamped = Checked {
        log: false,
        sct: false,
        timestamp: true,
    };
    assert_eq!(verified.checked, stamped);
    assert_eq!(verified.log_entry, None);

    let error = given.verify(&bundle).unwrap_err();
    assert_eq!(error.code(), "attestation_evidence_missing");
    assert_eq!(
        error.to_string(),
        "the attestation has no transparency log entry, which its trust root requires"
    );
    // And a root that asks for the log alone, but not for the certificate's timestamp, still asks for the log.
    let logged = Requires {
        sct: false,
        ..Requires::LOGGED
    };
    let error = given
        .verify_under(&given.root(logged), &bundle)
        .unwrap_err();
    assert_eq!(error.code(), "attestation_evidence_missing");
}

#[test]
fn what_is_there_is_verified_also_where_the_root_does_not_require_it() {
    let given = Given::new();
    let other = Given::new();
    let weaker = given.root(Requires::TIMESTAMPED);
    let how = How {
        timestamp: true,
        ..How::logged(signed_at())
    };
    let signer = given.sigstore.signer(&given.claims, signed_at()).unwrap();
    let good = given.sigstore.sign(&signer, given.content(), how).unwrap();
    let verified = given.verify_under(&weaker, &good).unwrap();
    assert!(verified.checked.log && verified.checked.sct && verified.checked.timestamp);

    // The log entry of another log, beside a good timestamp.
    let mut mixed = super::parsed(&good);
    let foreign = other.sigstore.sign(&signer, given.content(), how).unwrap();
    mixed["verificationMaterial"]["tlogEntries"] =
        super::parsed(&foreign)["verificationMaterial"]["tlogEntries"].clone();
    let error = given
        .verify_under(&weaker, &super::bytes(&mixed))
        .unwrap_err();
    assert_eq!(error.code(), "attestation_log_entry_invalid", "{error}");

    // A certificate timestamp of another log, beside a good timestamp.
    let mut root = given.sigstore.trusted_root();
    root["ctlogs"] = other.sigstore.trusted_root()["ctlogs"].clone();
    let weaker = super::root(&root, Requires::TIMESTAMPED);
    let error = given.verify_under(&weaker, &good).unwrap_err();
    assert_eq!(error.code(), "attestation_sct_invalid", "{error}");
}
