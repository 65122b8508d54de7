//! Tokens that verify and are from the wrong job: what is told to whom, and what is recorded.
use events::{claims::ProviderKind, id::Owner, policy::Publisher};
use gemledger::demo::issuer::GithubJob;
use serde_json::{Value, json};

use super::{
    app::{TestApp, job, publisher, text},
    given::{GITHUB, good, rake},
};

/// The job is denied, and one denial is recorded with what was expected and found.
pub(super) async fn denied(
    app: &TestApp,
    job: &GithubJob,
    code: &str,
    expected: &str,
    found: &str,
) -> Value {
    let before = app.traces().await;
    let answer = app
        .exchange(&app.token(&GITHUB, job))
        .await
        .refuses(403, code, found);
    let record = app.left_one("exchange.denied", before).await;
    assert_eq!(
        (record["code"].as_str(), record["count"].as_u64()),
        (Some(code), Some(1))
    );
    assert_eq!(
        (record["expected"].as_str(), record["found"].as_str()),
        (Some(expected), Some(found))
    );
    assert_eq!(record["repository_id"], job.repository_id.to_string());
    answer.json()
}

/// As [`denied`], and the caller is told what was expected.
async fn told(app: &TestApp, job: &GithubJob, code: &str, expected: &str, found: &str) {
    let told = denied(app, job, code, expected, found).await;
    assert_eq!(
        (told["expected"].as_str(), told["found"].as_str()),
        (Some(expected), Some(found))
    );
    assert!(
        told["message"].as_str().unwrap().contains(expected),
        "{told}"
    );
}

#[tokio::test]
async fn a_renamed_workflow_is_told_about_the_workflow() {
    let app = rake().await;
    let renamed = GithubJob {
        workflow: "publish.yml".into(),
        ..job("acme/rake")
    };
    told(
        &app,
        &renamed,
        "workflow_mismatch",
        "release.yml",
        "publish.yml",
    )
    .await;
    app.job_key("acme/rake").await;
    app.finish().await;
}

#[tokio::test]
async fn whoever_does_not_prove_the_ids_is_not_told_what_was_expected() {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    let by_name = Publisher {
        repository_id: None,
        owner_id: None,
        ..publisher("acme/rake")
    };
    app.trust("rake", by_name, Owner::Operator).await;
    let before = app.traces().await;
    let renamed = GithubJob {
        workflow: "publish.yml".into(),
        ..job("acme/rake")
    };
    let told = app.exchange(&app.token(&GITHUB, &renamed)).await.refuses(
        403,
        "workflow_mismatch",
        "publish.yml",
    );
    assert!(!told.text().contains("release.yml"), "{}", told.text());
    assert!(told.json().get("expected").is_none());
    // Nor does it write: the name alone may be anybody's.
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_branch_does_not_pass_where_tags_are_asked_for_unless_it_is_protected_or_any_ref_may() {
    let app = rake().await;
    let branch = GithubJob {
        git_ref: "refs/heads/main".into(),
        ..job("acme/rake")
    };
    told(
        &app,
        &branch,
        "ref_not_allowed",
        "a tag, or a protected branch",
        "refs/heads/main",
    )
    .await;
    let protected = GithubJob {
        ref_protected: true,
        ..branch.clone()
    };
    app.exchange(&app.token(&GITHUB, &protected)).await.is(201);
    let any = Publisher {
        any_ref: true,
        ..publisher("acme/rake")
    };
    app.trust("rack", any, Owner::Operator).await;
    app.pass(2);
    app.exchange(&app.token(&GITHUB, &branch)).await.is(201);
    app.finish().await;
}

#[tokio::test]
async fn a_run_that_a_stranger_can_trigger_does_not_release() {
    let app = rake().await;
    let allowed = "push, release, workflow_dispatch, schedule";
    let mut first = true;
    for event in [
        "pull_request_target",
        "pull_request",
        "workflow_run",
        "issue_comment",
        "Push",
        "push ",
    ] {
        let job = GithubJob {
            event: event.into(),
            ..job("acme/rake")
        };
        if std::mem::take(&mut first) {
            told(&app, &job, "trigger_not_allowed", allowed, event).await;
        } else {
            let before = app.traces().await;
            app.exchange(&app.token(&GITHUB, &job)).await.refuses(
                403,
                "trigger_not_allowed",
                allowed,
            );
            app.left_nothing(before).await;
        }
    }
    for event in ["push", "release", "workflow_dispatch", "schedule"] {
        let job = GithubJob {
            event: event.into(),
            ..job("acme/rake")
        };
        app.exchange(&app.token(&GITHUB, &job)).await.is(201);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_environment_must_be_the_publishers() {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    let release = Publisher {
        environment: Some(text("release")),
        ..publisher("acme/rake")
    };
    app.trust("rake", release, Owner::Operator).await;
    told(
        &app,
        &job("acme/rake"),
        "environment_mismatch",
        "release",
        "(absent)",
    )
    .await;
    app.pass(3600);
    let staging = GithubJob {
        environment: Some("staging".into()),
        ..job("acme/rake")
    };
    told(&app, &staging, "environment_mismatch", "release", "staging").await;
    let release = GithubJob {
        environment: Some("Release".into()),
        ..job("acme/rake")
    };
    app.exchange(&app.token(&GITHUB, &release)).await.is(201);
    app.finish().await;
}

#[tokio::test]
async fn a_reusable_workflow_of_another_repository_releases_only_where_the_publisher_names_it() {
    let app = rake().await;
    let shared = "acme/workflows/.github/workflows/gem.yml@refs/heads/main";
    let reusing = GithubJob {
        job_workflow_ref: Some(shared.into()),
        ..job("acme/rake")
    };
    told(
        &app,
        &reusing,
        "workflow_repository_mismatch",
        "acme/rake",
        "acme/workflows",
    )
    .await;
    let named = Publisher {
        workflow: text("gem.yml"),
        workflow_repository: Some(text("acme/workflows")),
        ..publisher("acme/rake")
    };
    app.trust("rack", named, Owner::Operator).await;
    app.pass(2);
    app.exchange(&app.token(&GITHUB, &reusing)).await.is(201);
    let stolen = "evil/workflows/.github/workflows/gem.yml@refs/heads/main";
    let foreign = GithubJob {
        job_workflow_ref: Some(stolen.into()),
        ..job("acme/rake")
    };
    let before = app.traces().await;
    app.exchange(&app.token(&GITHUB, &foreign)).await.refuses(
        403,
        "workflow_repository_mismatch",
        "evil/workflows",
    );
    assert!(app.traces().await.events <= before.events + 1);
    app.finish().await;
}

#[tokio::test]
async fn a_workflow_file_of_another_ref_than_the_run_is_denied() {
    let app = rake().await;
    let elsewhere = "acme/rake/.github/workflows/release.yml@refs/heads/experiment";
    let job = GithubJob {
        job_workflow_ref: Some(elsewhere.into()),
        ..job("acme/rake")
    };
    told(
        &app,
        &job,
        "workflow_ref_mismatch",
        "refs/tags/v1.0.0",
        "refs/heads/experiment",
    )
    .await;
    app.finish().await;
}

#[tokio::test]
async fn a_private_repository_is_not_shown_to_the_public() {
    let app = rake().await;
    let before = app.traces().await;
    for visibility in ["private", "internal", "Public"] {
        let hidden = GithubJob {
            visibility: visibility.into(),
            ..job("acme/rake")
        };
        app.exchange(&app.token(&GITHUB, &hidden)).await.refuses(
            403,
            "private_repository",
            "ledger is public",
        );
    }
    let silent = app.token_with(
        &GITHUB,
        &job("acme/rake"),
        json!({"repository_visibility": null}),
    );
    app.exchange(&silent)
        .await
        .refuses(403, "private_repository", "(absent)");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_private_ledger_takes_private_repositories() {
    let app = TestApp::private().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    app.publisher("rake", "acme/rake").await;
    let hidden = GithubJob {
        visibility: "private".into(),
        ..job("acme/rake")
    };
    let key = app.exchange(&app.token(&GITHUB, &hidden)).await.key();
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_stranger_is_told_nothing_and_leaves_nothing() {
    let app = rake().await;
    let before = app.traces().await;
    for number in 0..20 {
        let stranger = GithubJob {
            repository_id: 7000 + number,
            owner_id: 9000,
            ..job("mallory/rake")
        };
        let told = app.exchange(&app.token(&GITHUB, &stranger)).await.refuses(
            403,
            "no_publisher",
            "no trusted publisher",
        );
        assert!(!told.text().contains("acme"), "{}", told.text());
    }
    app.left_nothing(before).await;
    app.finish().await;
}
