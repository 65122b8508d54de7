//! How denials are recorded: for a publisher's own repository, once an hour with a count, and for nobody else.
use events::{claims::ProviderKind, id::Owner, policy::Publisher};
use gemledger::demo::issuer::GithubJob;

use super::{
    app::{TestApp, job, publisher},
    given::{GITHUB, good, other, rake},
};

fn renamed() -> GithubJob {
    GithubJob {
        workflow: "publish.yml".into(),
        ..job("acme/rake")
    }
}

async fn is_denied(app: &TestApp, job: &GithubJob, code: &str) {
    app.exchange(&app.token(&GITHUB, job))
        .await
        .refuses(403, code, "");
}

#[tokio::test]
async fn a_denial_is_recorded_once_an_hour_with_how_often_it_came() {
    let app = rake().await;
    let before = app.traces().await;
    is_denied(&app, &renamed(), "workflow_mismatch").await;
    assert_eq!(app.left_one("exchange.denied", before).await["count"], 1);
    let before = app.traces().await;
    app.pass(1800);
    for _ in 0..5 {
        is_denied(&app, &renamed(), "workflow_mismatch").await;
    }
    app.pass(1799);
    is_denied(&app, &renamed(), "workflow_mismatch").await;
    app.left_nothing(before).await;
    app.pass(1);
    is_denied(&app, &renamed(), "workflow_mismatch").await;
    assert_eq!(app.left_one("exchange.denied", before).await["count"], 7);
    let before = app.traces().await;
    app.pass(3600);
    is_denied(&app, &renamed(), "workflow_mismatch").await;
    assert_eq!(app.left_one("exchange.denied", before).await["count"], 1);
    app.finish().await;
}

#[tokio::test]
async fn each_code_is_recorded_for_itself() {
    let app = rake().await;
    let branch = GithubJob {
        git_ref: "refs/heads/main".into(),
        ..job("acme/rake")
    };
    for (job, code) in [
        (renamed(), "workflow_mismatch"),
        (branch, "ref_not_allowed"),
    ] {
        let before = app.traces().await;
        is_denied(&app, &job, code).await;
        assert_eq!(app.left_one("exchange.denied", before).await["code"], code);
    }
    app.finish().await;
}

#[tokio::test]
async fn fifty_denials_at_once_make_one_record() {
    let app = rake().await;
    let before = app.traces().await;
    let tokens: Vec<_> = (0..50).map(|_| app.token(&GITHUB, &renamed())).collect();
    for answer in futures::future::join_all(tokens.iter().map(|token| app.exchange(token))).await {
        answer.refuses(403, "workflow_mismatch", "publish.yml");
    }
    app.left_one("exchange.denied", before).await;
    let before = app.traces().await;
    app.pass(3600);
    is_denied(&app, &renamed(), "workflow_mismatch").await;
    assert_eq!(app.left_one("exchange.denied", before).await["count"], 50);
    app.finish().await;
}

#[tokio::test]
async fn a_denied_token_is_not_spent() {
    let app = rake().await;
    let token = app.token(&GITHUB, &renamed());
    app.exchange(&token)
        .await
        .refuses(403, "workflow_mismatch", "publish.yml");
    let also = Publisher {
        workflow: super::app::text("publish.yml"),
        ..publisher("acme/rake")
    };
    app.trust("rake", also, Owner::Operator).await;
    app.exchange(&token).await.is(201);
    app.finish().await;
}

#[tokio::test]
async fn a_publisher_that_was_added_a_moment_ago_works_at_once_and_no_denial_is_recorded() {
    let app = TestApp::public().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    // What is known of the repository is kept for a second: here one publisher, with another workflow.
    app.publisher("rake", "acme/rake").await;
    app.job_key("acme/rake").await;
    let also = Publisher {
        workflow: super::app::text("publish.yml"),
        ..publisher("acme/rake")
    };
    app.trust("rack", also, Owner::Operator).await;
    let before = app.traces().await;
    app.exchange(&app.token(&GITHUB, &renamed())).await.is(201);
    assert_eq!(
        app.since(before.events).await,
        ["token.exchanged", "api_key.issued"]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_denied_push_is_recorded_once_an_hour_with_how_often_it_came() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let before = app.traces().await;
    app.push(&key, other("rake", "1.0.0"))
        .await
        .says(409, "(version_exists)");
    let record = app.left_one("push.denied", before).await;
    assert_eq!(
        (record["code"].as_str(), record["count"].as_u64()),
        (Some("version_exists"), Some(1))
    );
    let before = app.traces().await;
    for _ in 0..3 {
        app.push(&key, other("rake", "1.0.0"))
            .await
            .says(409, "(version_exists)");
    }
    app.left_nothing(before).await;
    app.pass(3600);
    let key = app.job_key("acme/rake").await;
    let before = app.traces().await;
    app.push(&key, other("rake", "1.0.0"))
        .await
        .says(409, "(version_exists)");
    assert_eq!(app.left_one("push.denied", before).await["count"], 4);
    app.finish().await;
}

#[tokio::test]
async fn what_people_are_denied_is_not_counted_among_a_publishers_denials() {
    let app = rake().await;
    let person = app.push_key("mallory").await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let before = app.traces().await;
    for _ in 0..5 {
        app.push(&person, other("rake", "1.0.0"))
            .await
            .says(409, "(version_exists)");
    }
    app.left_nothing(before).await;
    app.push(&key, other("rake", "1.0.0"))
        .await
        .says(409, "(version_exists)");
    assert_eq!(app.left_one("push.denied", before).await["count"], 1);
    app.finish().await;
}

#[tokio::test]
async fn pushes_of_strangers_never_grow_the_log() {
    let app = rake().await;
    let rake_key = app.job_key("acme/rake").await;
    app.push(&rake_key, good("rake", "1.0.0")).await.is(200);
    let theirs = Publisher {
        repository_id: Some(super::app::text("77")),
        owner_id: Some(super::app::text("88")),
        ..publisher("mallory/tool")
    };
    app.trust("tool", theirs, Owner::Operator).await;
    let job = GithubJob {
        repository_id: 77,
        owner_id: 88,
        ..job("mallory/tool")
    };
    let key = app.exchange(&app.token(&GITHUB, &job)).await.key();
    let person = app.push_key("mallory").await;
    let before = app.traces().await;
    for number in 0..5 {
        app.push(&key, good("rake", &format!("2.0.{number}")))
            .await
            .says(403, "(not_publisher)");
        app.push(&person, good("rake", &format!("2.0.{number}")))
            .await
            .says(403, "(not_owner)");
    }
    app.left_nothing(before).await;
    app.finish().await;
}
