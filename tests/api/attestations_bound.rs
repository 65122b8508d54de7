//! A bundle that verifies and is not of the run that pushes: denied with the field, what was expected, and what came.
use events::{claims::ProviderKind, id::Owner, policy::Publisher};
use gemledger::demo::{
    issuer::{GithubJob, GitlabJob},
    sigstore::{Claims, Content},
};
use serde_json::{Value, json};

use super::{
    app::{AUDIENCE, TestApp, job, publisher, text},
    attested::{LOGGED, SIGSTORE, certified, signed, start, trusting},
    given::{good, issuer},
};

/// Every extension that is compared, and the name of its field.
const FIELDS: [(u64, &str); 14] = [
    (9, "signer"),
    (10, "signer_commit"),
    (11, "runner"),
    (12, "repository"),
    (13, "commit"),
    (14, "ref"),
    (15, "repository_id"),
    (17, "owner_id"),
    (18, "build_config"),
    (19, "build_config_commit"),
    (20, "trigger"),
    (21, "run"),
    (22, "visibility"),
    (8, "issuer"),
];

/// The answer to a push with a bundle of these claims by a job that is as it should be; nothing is left of it.
async fn refused(claims: &Claims, code: &str) -> Value {
    let app = trusting().await;
    let gem = good("rake", "1.0.0");
    let key = app.key_of(&job("acme/rake")).await;
    let before = app.traces().await;
    let answer = app.attest(&key, &gem, &[signed(&gem, claims)]).await;
    let told = answer.refuses(422, code, "").json();
    app.left_nothing(before).await;
    // The key is not burnt: the right bundle comes with it.
    let right = signed(&gem, &certified(&job("acme/rake")));
    app.attest(&key, &gem, &[right]).await.is(200);
    app.finish().await;
    told
}

#[actix_web::test]
async fn each_single_claim_that_differs_is_refused_by_its_name() {
    let claims = certified(&job("acme/rake"));
    for (number, field) in FIELDS {
        let said = claims.get(number).unwrap().to_owned();
        let other = format!("{said}x");
        // The verifier itself asks for the issuer.
        let code = match field {
            "issuer" => "attestation_issuer_differs".to_owned(),
            field => format!("attestation_{field}_mismatch"),
        };
        let told = refused(&claims.clone().with(number, Some(&other)), &code).await;
        if field != "issuer" {
            assert_eq!(told["found"], other, "{field}");
            let expected = told["expected"].as_str().unwrap();
            assert!(said.starts_with(expected), "{field}: {expected}");
        }
    }
}

#[actix_web::test]
async fn each_single_claim_that_is_missing_is_refused_by_its_name() {
    for (number, field) in FIELDS {
        let without = certified(&job("acme/rake")).with(number, None);
        if field == "issuer" {
            continue; // Certificates without it do not verify.
        }
        let told = refused(&without, "attestation_claim_missing").await;
        assert_eq!(
            (&told["expected"], &told["found"]),
            (&json!(field), &json!("(absent from the certificate)"))
        );
    }
}

#[actix_web::test]
async fn a_certificate_for_another_name_is_refused() {
    let other = "https://github.com/mallory/rake/.github/workflows/release.yml@refs/tags/v1.0.0";
    let claims = certified(&job("acme/rake")).identified_as(other);
    let told = refused(&claims, "attestation_signer_mismatch").await;
    assert_eq!(told["found"], other);
}

#[actix_web::test]
async fn forks_other_commits_runs_and_later_attempts_are_refused() {
    let job = || job("acme/rake");
    let fork = GithubJob {
        repository: "mallory/rake".into(),
        repository_id: 666,
        owner_id: 667,
        ..job()
    };
    let told = refused(&certified(&fork), "attestation_repository_mismatch").await;
    assert_eq!(told["expected"], "https://github.com/acme/rake");
    assert_eq!(told["found"], "https://github.com/mallory/rake");
    let recreated = GithubJob {
        repository_id: 7,
        ..job()
    };
    let told = refused(&certified(&recreated), "attestation_repository_id_mismatch").await;
    assert_eq!(
        (&told["expected"], &told["found"]),
        (&json!("1420893"), &json!("7"))
    );
    let changed_hands = GithubJob {
        owner_id: 8,
        ..job()
    };
    refused(&certified(&changed_hands), "attestation_owner_id_mismatch").await;
    let commit = GithubJob {
        commit: "0000000000000000000000000000000000000000".into(),
        ..job()
    };
    refused(&certified(&commit), "attestation_commit_mismatch").await;
    let branch = GithubJob {
        git_ref: "refs/heads/main".into(),
        ..job()
    };
    refused(&certified(&branch), "attestation_ref_mismatch").await;
    let run = GithubJob { run_id: 1, ..job() };
    let told = refused(&certified(&run), "attestation_run_mismatch").await;
    assert!(
        told["message"]
            .as_str()
            .unwrap()
            .contains("not of the same run")
    );
    let attempt = GithubJob {
        run_attempt: 2,
        ..job()
    };
    let told = refused(&certified(&attempt), "attestation_attempt_mismatch").await;
    assert_eq!(
        (&told["expected"], &told["found"]),
        (&json!("1"), &json!("2"))
    );
    let reusable = GithubJob {
        job_workflow_ref: Some("mallory/ci/.github/workflows/release.yml@refs/heads/main".into()),
        ..job()
    };
    refused(&certified(&reusable), "attestation_signer_mismatch").await;
    let asked = GithubJob {
        event: "pull_request_target".into(),
        ..job()
    };
    refused(&certified(&asked), "attestation_trigger_mismatch").await;
}

#[actix_web::test]
async fn a_denial_of_a_released_gem_is_recorded_once_and_nothing_else_is() {
    let app = trusting().await;
    let key = app.key_of(&job("acme/rake")).await;
    let gem = good("rake", "1.0.0");
    app.attest(&key, &gem, &[signed(&gem, &certified(&job("acme/rake")))])
        .await
        .is(200);
    let (gem, other) = (
        good("rake", "1.1.0"),
        GithubJob {
            run_id: 1,
            ..job("acme/rake")
        },
    );
    let key = app.key_of(&job("acme/rake")).await;
    let before = app.traces().await;
    let bundle = signed(&gem, &certified(&other));
    for _ in 0..3 {
        app.attest(&key, &gem, std::slice::from_ref(&bundle))
            .await
            .refuses(422, "attestation_run_mismatch", "same run");
    }
    let told = app.left_one("push.denied", before).await;
    assert_eq!(told["code"], "attestation_run_mismatch");
    assert_eq!(told["found"], "https://github.com/acme/rake/actions/runs/1");
    app.finish().await;
}

/// A ledger where this GitLab project may release `rake`, and a key of its job.
pub(super) async fn gitlab(job: &GitlabJob) -> (TestApp, String) {
    const ISSUER: &str = "https://gitlab.com";
    let app = trusting().await;
    let gitlab = issuer(ISSUER);
    app.provider("gitlab", ProviderKind::Gitlab, &gitlab).await;
    app.trusts_for("gitlabs", &SIGSTORE, LOGGED, ISSUER).await;
    let trusted = Publisher {
        owner_id: Some(text("72")),
        provider: events::text::Slug::parse("gitlab").unwrap(),
        repository_id: Some(text("20")),
        workflow: text(".gitlab-ci.yml"),
        ..publisher("acme/tools/rack")
    };
    app.trust("rack", trusted, Owner::Operator).await;
    let claims = gitlab.gitlab_claims(job, AUDIENCE, start(), &app.jti());
    let key = app.exchange(&gitlab.sign(&claims).unwrap()).await.key();
    (app, key)
}

pub(super) fn gitlab_bundle(gem: &[u8], job: &GitlabJob) -> String {
    let claims = issuer("https://gitlab.com").gitlab_claims(job, AUDIENCE, start(), "signed");
    let claims = Claims::gitlab(&claims, "https://gitlab.com");
    let at = start().plus_seconds(1);
    let bundle = SIGSTORE.attest(&claims, Content::File(gem), at).unwrap();
    String::from_utf8(bundle).unwrap()
}

#[actix_web::test]
async fn a_gitlab_job_that_signs_and_pushes_is_bound_and_another_job_is_not() {
    let job = GitlabJob::release("acme/tools/rack", "v1.0.0");
    let (app, key) = gitlab(&job).await;
    let gem = good("rack", "1.0.0");
    let other = GitlabJob {
        job_id: 301,
        ..job.clone()
    };
    let refused = app.attest(&key, &gem, &[gitlab_bundle(&gem, &other)]).await;
    let told = refused
        .refuses(422, "attestation_job_mismatch", "another job")
        .json();
    assert_eq!(
        told["expected"],
        "https://gitlab.com/acme/tools/rack/-/jobs/302"
    );
    assert_eq!(
        told["found"],
        "https://gitlab.com/acme/tools/rack/-/jobs/301"
    );
    app.attest(&key, &gem, &[gitlab_bundle(&gem, &job)])
        .await
        .is(200);
    let compared = app.last().await["data"]["compared"].clone();
    let fields: Vec<&str> = compared
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| pair["field"].as_str().unwrap())
        .collect();
    assert!(
        fields.contains(&"job") && !fields.contains(&"run"),
        "{fields:?}"
    );
    app.finish().await;
}
