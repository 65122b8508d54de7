//! A build attestation is of the very run that bought the key, or the push is denied with the field that differs.
use deciders::{
    Code, Denial,
    attestation::{Claims, Facts},
    push::Verdict,
};
use events::{
    Body,
    attestation::{Attested, Field},
    id::ApiKeyId,
    policy::Publisher,
};
use proptest::prelude::*;

use crate::{
    bundle::{CLAIMS, by_signer, claims, logged, timestamped},
    fixtures::{gitlab, publisher, slug, text},
    history::{
        History, audit,
        roots::{public_good, timestamped as own_root},
    },
    job::{Job, gitlab_job, job},
    release::release,
};

/// A ledger with a trust root, whose `rake` has this publisher, and the key that this job bought.
pub(crate) fn given(publisher: Publisher, job: &Job) -> (History, ApiKeyId) {
    let mut history = History::public();
    history.register("gitlab", gitlab(), &["g1"]).unwrap();
    history.record_root("public-good", public_good(1)).unwrap();
    history.record_root("own", own_root()).unwrap();
    history.add("rake", publisher).unwrap();
    let key = history.exchange(job).unwrap();
    (history, key)
}

/// The publisher that [`gitlab_job`] is.
pub(crate) fn at_gitlab() -> Publisher {
    Publisher {
        owner_id: Some(text("77")),
        provider: slug("gitlab"),
        repository: text("group/sub/rake"),
        workflow: text(".gitlab-ci.yml"),
        ..publisher()
    }
}

/// The default job, its key, and a bundle of the same run.
pub(crate) fn same_run() -> (History, ApiKeyId, Facts) {
    let (history, key) = given(publisher(), &job(1));
    let bundle = logged(&history, claims(&job(1)));
    (history, key, bundle)
}

pub(crate) fn push(
    history: &mut History,
    key: ApiKeyId,
    bundles: Vec<Facts>,
) -> Result<Verdict, Denial> {
    let mut facts = release("rake", "1.0").facts(key);
    facts.attestations = bundles;
    history.push_facts(&facts)
}

/// The denial of a push with this bundle, which is at most recorded as such.
pub(crate) fn denied(history: &mut History, key: ApiKeyId, bundle: Facts) -> Denial {
    let before = history.log.len();
    let denial = push(history, key, vec![bundle]).unwrap_err();
    let left = history.types_since(before);
    assert!(left.iter().all(|name| *name == "push.denied"), "{left:?}");
    assert_eq!(audit(&history.log), []);
    denial
}

/// The denial of a push whose certificate says something else than that of the default job.
fn changed(change: impl FnOnce(&mut Claims)) -> Denial {
    let (mut history, key, mut bundle) = same_run();
    change(&mut bundle.claims);
    denied(&mut history, key, bundle)
}

pub(crate) fn attested(history: &History) -> Vec<&Attested> {
    let bodies = history.log.iter().map(|recorded| &recorded.event.body);
    let found = bodies.filter_map(|body| {
        if let Body::ReleaseAttested(attested) = body {
            Some(attested)
        } else {
            None
        }
    });
    found.collect()
}

fn pair(attested: &Attested, field: Field) -> (&str, &str) {
    let mut pairs = attested.compared.iter();
    let pair = pairs.find(|pair| pair.field == field).unwrap();
    (pair.certificate.as_str(), pair.expected.as_str())
}

#[test]
fn a_bundle_of_the_same_run_is_recorded_with_the_release_and_every_pair() {
    let (mut history, key, bundle) = same_run();
    let before = history.log.len();
    push(&mut history, key, vec![bundle.clone()]).unwrap();
    let types = history.types_since(before);
    assert_eq!(
        types.last_chunk(),
        Some(&["release.pushed", "release.attested"])
    );
    let recorded = attested(&history)[0];
    let fields: Vec<Field> = recorded.compared.iter().map(|pair| pair.field).collect();
    assert_eq!(
        fields,
        [
            Field::Attempt,
            Field::BuildConfig,
            Field::BuildConfigCommit,
            Field::Commit,
            Field::Issuer,
            Field::OwnerId,
            Field::Ref,
            Field::Repository,
            Field::RepositoryId,
            Field::Run,
            Field::Runner,
            Field::Signer,
            Field::SignerCommit,
            Field::Trigger,
            Field::Visibility,
        ]
    );
    let run = "https://github.com/ruby/rake/actions/runs/9001";
    assert_eq!(pair(recorded, Field::Run), (run, run));
    assert_eq!(pair(recorded, Field::Attempt), ("1", "1"));
    assert_eq!((recorded.bundle, recorded.sct), (bundle.bundle, true));
    assert_eq!(recorded.digest, release("rake", "1.0").facts(key).digest);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn several_bundles_are_recorded_in_their_order() {
    let (mut history, key, bundle) = same_run();
    let mut slsa = by_signer(logged(&history, claims(&job(1))));
    slsa.bundle = bundle.certificate;
    push(&mut history, key, vec![slsa.clone(), bundle.clone()]).unwrap();
    let order: Vec<_> = attested(&history)
        .iter()
        .map(|found| found.bundle)
        .collect();
    assert_eq!(order, [slsa.bundle, bundle.bundle]);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn every_claim_that_differs_is_denied_by_its_name() {
    for (name, claim) in CLAIMS {
        if name == "environment" {
            continue;
        }
        let denial = changed(|claims| {
            let said = claim.said(claims).unwrap();
            claim.say(claims, Some(text(&format!("{said}1"))));
        });
        // A run with another last digit is another attempt of the same run, and a later one.
        let name = if name == "run" { "attempt" } else { name };
        assert_eq!(denial.code.as_str(), format!("attestation_{name}_mismatch"));
        assert!(denial.tell && denial.expected.is_some() && denial.found.is_some());
        assert_ne!(denial.expected, denial.found);
    }
}

/// A field, and a token that does not state it.
type Unstated = (&'static str, fn(&mut events::claims::Workflow));

#[test]
fn a_claim_that_is_missing_on_either_side_is_denied_and_never_skipped() {
    for (name, claim) in CLAIMS {
        if name == "environment" {
            continue;
        }
        let denial = changed(|claims| claim.say(claims, None));
        assert_eq!(denial.code, Code::AttestationClaimMissing, "{name}");
        assert_eq!(denial.expected.as_deref(), Some(name));
        assert_eq!(
            denial.found.as_deref(),
            Some("(absent from the certificate)")
        );
    }
    let unstated: [Unstated; 2] = [
        ("build_config_commit", |workflow| {
            workflow.workflow_commit = None;
        }),
        ("signer_commit", |workflow| {
            workflow.job_workflow_commit = None;
        }),
    ];
    for (name, unstate) in unstated {
        let (mut history, key) = given(publisher(), &job(1).with(unstate));
        let bundle = logged(&history, claims(&job(1)));
        let denial = denied(&mut history, key, bundle);
        assert_eq!(denial.code, Code::AttestationClaimMissing, "{name}");
        assert_eq!(denial.expected.as_deref(), Some(name));
        assert_eq!(
            denial.found.as_deref(),
            Some("(absent from the identity token)")
        );
    }
}

#[test]
fn a_bundle_of_a_fork_another_commit_or_another_run_is_told_what_differs() {
    let of = |change: fn(&mut events::claims::Workflow)| {
        let (mut history, key, _) = same_run();
        let bundle = logged(&history, claims(&job(1).with(change)));
        let denial = denied(&mut history, key, bundle);
        (denial.code, denial.expected.unwrap(), denial.found.unwrap())
    };
    let fork = of(|workflow| {
        workflow.repository = text("mallory/rake");
        workflow.repository_id = text("666");
        workflow.owner_id = Some(text("667"));
    });
    let own = "https://github.com/ruby/rake".to_owned();
    assert_eq!(fork.0, Code::AttestationRepository);
    assert_eq!(
        (fork.1, fork.2),
        (own, "https://github.com/mallory/rake".into())
    );
    let recreated = of(|workflow| workflow.repository_id = text("43"));
    assert_eq!(
        recreated,
        (Code::AttestationRepositoryId, "42".into(), "43".into())
    );
    let commit =
        of(|workflow| workflow.commit = Some(text("0000000000000000000000000000000000000000")));
    assert_eq!(commit.0, Code::AttestationCommit);
    let run = of(|workflow| workflow.run_id = Some(text("9002")));
    assert_eq!(
        run,
        (
            Code::AttestationRun,
            "https://github.com/ruby/rake/actions/runs/9001".into(),
            "https://github.com/ruby/rake/actions/runs/9002".into()
        )
    );
    let branch = of(|workflow| workflow.git_ref = Some(text("refs/heads/main")));
    assert_eq!(branch.0, Code::AttestationRef);
}

#[test]
fn an_earlier_attempt_of_the_run_may_have_signed_and_a_later_one_not() {
    let attempt = |attempt: &'static str| {
        move |workflow: &mut events::claims::Workflow| workflow.run_attempt = Some(text(attempt))
    };
    let (mut history, key) = given(publisher(), &job(1).with(attempt("3")));
    let bundle = logged(&history, claims(&job(1).with(attempt("2"))));
    push(&mut history, key, vec![bundle]).unwrap();
    assert_eq!(pair(attested(&history)[0], Field::Attempt), ("2", "3"));
    assert_eq!(audit(&history.log), []);
    let (mut history, key) = given(publisher(), &job(1).with(attempt("9")));
    let bundle = logged(&history, claims(&job(1).with(attempt("10"))));
    let denial = denied(&mut history, key, bundle);
    assert_eq!(denial.code, Code::AttestationAttempt);
    assert_eq!(
        (denial.expected.as_deref(), denial.found.as_deref()),
        (Some("9"), Some("10"))
    );
}

#[test]
fn a_rule_may_demand_the_very_attempt() {
    let (mut history, key) = given(publisher(), &job(1));
    let registered = events::provider::Registered {
        ..crate::fixtures::github()
    };
    let job_2 = job(1).with(|workflow| workflow.run_attempt = Some(text("2")));
    let slug = slug("github");
    let judged = deciders::matching::Job {
        slug: &slug,
        provider: &registered,
        workflow: &job_2.workflow,
    };
    let bind = |said: &Claims, same| {
        deciders::attestation::bind(said, &judged, &publisher(), same).map(|pairs| pairs.len())
    };
    let denial = bind(&claims(&job(1)), true).unwrap_err();
    assert_eq!(denial.code, Code::AttestationAttempt);
    assert_eq!(bind(&claims(&job(1)), false), Ok(15));
    assert_eq!(bind(&claims(&job_2), true), Ok(15));
    let bundle = logged(&history, claims(&job(1)));
    push(&mut history, key, vec![bundle]).unwrap();
}

#[test]
fn the_forge_ignores_the_case_of_a_repository_and_of_nothing_else() {
    let (mut history, key, mut bundle) = same_run();
    for (name, claim) in CLAIMS {
        if ["repository", "run", "signer", "build_config"].contains(&name) {
            let said = claim.said(&bundle.claims).unwrap();
            let other = said.as_str().replace("ruby/rake", "Ruby/Rake");
            claim.say(&mut bundle.claims, Some(text(&other)));
        }
    }
    push(&mut history, key, vec![bundle]).unwrap();
    let repository = pair(attested(&history)[0], Field::Repository);
    assert_eq!(repository.0, "https://github.com/Ruby/Rake");
    assert_eq!(audit(&history.log), []);
    for (from, to) in [
        ("release.yml", "Release.yml"),
        ("refs/tags/v1", "refs/tags/V1"),
        ("github.com", "GitHub.com"),
        ("https://", "http://"),
        ("ruby/rake/", "ruby/rake//"),
    ] {
        let denial = changed(|claims| {
            let said = claims.of(Field::BuildConfig).unwrap();
            let said = text(&said.as_str().replace(from, to));
            claims.say(Field::BuildConfig, Some(said));
        });
        assert_eq!(denial.code, Code::AttestationBuildConfig, "{to}");
    }
}

#[test]
fn a_reusable_workflow_signs_only_where_the_publisher_names_it() {
    let reusable = "Shared/ci/.github/workflows/release.yml@refs/heads/main";
    let called = |job: Job| job.with(|workflow| workflow.job_workflow_ref = Some(text(reusable)));
    let named = Publisher {
        workflow_repository: Some(text("shared/ci")),
        ..publisher()
    };
    let (mut history, key) = given(named.clone(), &called(job(1)));
    let bundle = logged(&history, claims(&called(job(1))));
    push(&mut history, key, vec![bundle]).unwrap();
    let signer = format!("https://github.com/{reusable}");
    assert_eq!(
        pair(attested(&history)[0], Field::Signer),
        (signer.as_str(), signer.as_str())
    );
    assert_eq!(audit(&history.log), []);
    // The caller's own file signed, though the named one pushes; and the other way round.
    let (mut history, key) = given(named, &called(job(1)));
    let bundle = logged(&history, claims(&job(1)));
    assert_eq!(
        denied(&mut history, key, bundle).code,
        Code::AttestationSigner
    );
    let (mut history, key, _) = same_run();
    let bundle = logged(&history, claims(&called(job(1))));
    assert_eq!(
        denied(&mut history, key, bundle).code,
        Code::AttestationSigner
    );
}

#[test]
fn the_environment_counts_where_the_publisher_names_one() {
    let staged =
        |job: Job, name: &'static str| job.with(|workflow| workflow.environment = Some(text(name)));
    let named = Publisher {
        environment: Some(text("Release")),
        ..publisher()
    };
    let (mut history, key) = given(named.clone(), &staged(job(1), "release"));
    let bundle = logged(&history, claims(&staged(job(1), "RELEASE")));
    push(&mut history, key, vec![bundle]).unwrap();
    assert_eq!(
        pair(attested(&history)[0], Field::Environment),
        ("RELEASE", "Release")
    );
    assert_eq!(audit(&history.log), []);
    for (certificate, found) in [
        (staged(job(1), "staging"), "staging"),
        (job(1), "(absent from the certificate)"),
    ] {
        let (mut history, key) = given(named.clone(), &staged(job(1), "release"));
        let bundle = logged(&history, claims(&certificate));
        let denial = denied(&mut history, key, bundle);
        assert_eq!(denial.code, Code::AttestationEnvironment);
        assert_eq!(denial.found.as_deref(), Some(found));
    }
    // Without a name, jobs of one run may have different ones.
    let (mut history, key) = given(publisher(), &staged(job(1), "release"));
    let bundle = logged(&history, claims(&job(1)));
    push(&mut history, key, vec![bundle]).unwrap();
}

#[test]
fn at_gitlab_the_very_job_signs_and_pushes() {
    let job = gitlab_job(1);
    let (mut history, key) = given(at_gitlab(), &job);
    let bundle = timestamped(&history, "own", claims(&job));
    push(&mut history, key, vec![bundle]).unwrap();
    let recorded = attested(&history)[0];
    let address = "https://gitlab.example.com/group/sub/rake/-/jobs/1";
    assert_eq!(pair(recorded, Field::Job), (address, address));
    assert_eq!((recorded.entry.as_ref(), recorded.timestamp), (None, true));
    assert!(
        recorded
            .compared
            .iter()
            .all(|pair| pair.field != Field::Run)
    );
    assert_eq!(audit(&history.log), []);
    let other = gitlab_job(1).with(|workflow| workflow.run_attempt = Some(text("2")));
    let (mut history, key) = given(at_gitlab(), &job);
    let bundle = timestamped(&history, "own", claims(&other));
    assert_eq!(denied(&mut history, key, bundle).code, Code::AttestationJob);
}

proptest! {
    #[test]
    fn whatever_else_a_certificate_says_the_push_is_denied(
        place in 0..CLAIMS.len(), said in "[ -~]{1,80}|[a-z/]{1,20}@refs/tags/v1",
    ) {
        let (name, claim) = CLAIMS[place];
        let (mut history, key, mut bundle) = same_run();
        let before = claim.said(&bundle.claims);
        claim.say(&mut bundle.claims, Some(text(&said)));
        prop_assume!(name != "environment" && before != Some(text(&said)));
        let denial = denied(&mut history, key, bundle);
        prop_assert_eq!(denial.code.as_str(), format!("attestation_{name}_mismatch"));
    }
}
