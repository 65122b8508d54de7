//! Jobs of other forges: GitLab CI, and providers of the generic kind.
use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use events::{
    claims::ProviderKind,
    id::Owner,
    policy::Publisher,
    provider::{ClaimName, Mapping},
    text::{Slug, Text},
};
use gemledger::{
    app::providers::NewProvider,
    demo::issuer::{GitlabJob, StandInIssuer},
};
use serde_json::{Value, json};

use super::{
    app::{AUDIENCE, TestApp, changed, publisher, text},
    given::{good, issuer},
};

static GITLAB: LazyLock<Arc<StandInIssuer>> =
    LazyLock::new(|| issuer("https://gitlab.example.com"));

async fn gitlab() -> TestApp {
    let app = TestApp::public().await;
    app.provider("gitlab", ProviderKind::Gitlab, &GITLAB).await;
    let rake = Publisher {
        owner_id: Some(text("72")),
        provider: Slug::parse("gitlab").unwrap(),
        repository_id: Some(text("20")),
        workflow: text(".gitlab-ci.yml"),
        ..publisher("acme/tools/rake")
    };
    app.trust("rake", rake, Owner::Operator).await;
    app
}

fn token(app: &TestApp, job: &GitlabJob, changes: Value) -> String {
    let claims = GITLAB.gitlab_claims(job, AUDIENCE, app.clock.now(), &app.jti());
    GITLAB.sign(&changed(claims, changes)).unwrap()
}

fn release() -> GitlabJob {
    GitlabJob::release("acme/tools/rake", "v1.0.0")
}

#[tokio::test]
async fn a_gitlab_job_gets_a_key_and_pushes() {
    let app = gitlab().await;
    let key = app
        .exchange(&token(&app, &release(), json!({})))
        .await
        .key();
    app.push(&key, good("rake", "1.0.0"))
        .await
        .says(200, "Successfully registered gem: rake (1.0.0)");
    let source = app.last().await["data"]["source"]["workflow"].clone();
    assert_eq!(source["repository"], "acme/tools/rake");
    assert_eq!(source["ref"], "refs/tags/v1.0.0");
    app.finish().await;
}

#[tokio::test]
async fn a_merge_request_pipeline_does_not_release() {
    let app = gitlab().await;
    let before = app.traces().await;
    let merge = GitlabJob {
        source: "merge_request_event".into(),
        ..release()
    };
    app.exchange(&token(&app, &merge, json!({}))).await.refuses(
        403,
        "trigger_not_allowed",
        "merge_request_event",
    );
    assert_eq!(
        app.left_one("exchange.denied", before).await["found"],
        "merge_request_event"
    );
    let before = app.traces().await;
    for source in [
        "pipeline",
        "trigger",
        "external_pull_request_event",
        "parent_pipeline",
        "chat",
    ] {
        let job = GitlabJob {
            source: source.into(),
            ..release()
        };
        app.exchange(&token(&app, &job, json!({}))).await.refuses(
            403,
            "trigger_not_allowed",
            source,
        );
    }
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_pipeline_that_is_defined_elsewhere_does_not_release() {
    let app = gitlab().await;
    let before = app.traces().await;
    let mut claims = GITLAB.gitlab_claims(&release(), AUDIENCE, app.clock.now(), &app.jti());
    claims["ci_config_ref_uri"] = Value::Null;
    let told = app.exchange(&GITLAB.sign(&claims).unwrap()).await.refuses(
        401,
        "token_pipeline_elsewhere",
        "ci_config_ref_uri",
    );
    assert!(
        told.json()["hint"]
            .as_str()
            .unwrap()
            .contains("file of the project itself")
    );
    app.left_nothing(before).await;
    let foreign = json!({"ci_config_ref_uri": "gitlab.example.com/evil/rake//.gitlab-ci.yml@refs/tags/v1.0.0"});
    app.exchange(&token(&app, &release(), foreign))
        .await
        .refuses(403, "workflow_mismatch", "another project's");
    app.left_one("exchange.denied", before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_job_of_another_project_than_the_pipelines_does_not_release() {
    let app = gitlab().await;
    let before = app.traces().await;
    let fork = token(&app, &release(), json!({"job_project_id": "21"}));
    app.exchange(&fork)
        .await
        .refuses(403, "job_repository_mismatch", "another project");
    assert_eq!(app.left_one("exchange.denied", before).await["found"], "21");
    app.finish().await;
}

#[tokio::test]
async fn a_gitlab_audience_error_speaks_of_id_tokens() {
    let app = gitlab().await;
    let before = app.traces().await;
    let told = app
        .exchange(&token(
            &app,
            &release(),
            json!({"aud": "https://gitlab.com"}),
        ))
        .await;
    told.refuses(403, "token_audience_mismatch", "`aud: gems.example.com`");
    app.left_nothing(before).await;
    app.finish().await;
}

fn claim(name: &str) -> ClaimName {
    ClaimName::parse(name).unwrap()
}

/// A ledger with a provider of the generic kind, whose tokens must say `plan: paid`.
async fn generic() -> (TestApp, Arc<StandInIssuer>) {
    let app = TestApp::public().await;
    let ci = issuer("https://ci.example.com");
    let mapping = Mapping {
        commit: Some(claim("commit")),
        environment: None,
        owner_id: None,
        git_ref: None,
        repository: claim("pipeline"),
        repository_id: claim("pipeline_id"),
        run_id: Some(claim("build")),
        workflow: claim("step"),
    };
    let new = NewProvider {
        slug: Slug::parse("ci").unwrap(),
        kind: ProviderKind::Generic,
        issuer: ci.url().into(),
        audience: None,
        private_repositories: false,
        required: BTreeMap::from([(claim("plan"), Text::parse("paid").unwrap())]),
        mapping: Some(mapping),
        algorithms: None,
    };
    app.register(new, &ci).await;
    let rake = Publisher {
        any_ref: true,
        owner_id: None,
        provider: Slug::parse("ci").unwrap(),
        repository: text("rake"),
        repository_id: Some(text("p-99")),
        workflow: text("release"),
        ..publisher("rake")
    };
    app.trust("rake", rake, Owner::Operator).await;
    (app, ci)
}

#[tokio::test]
async fn a_generic_provider_is_compared_by_exact_equality() {
    let (app, ci) = generic().await;
    let sign = |changes: Value| {
        let now = app.clock.now().seconds();
        let claims = json!({
            "iss": ci.url(), "aud": AUDIENCE, "iat": now, "exp": now + 60, "jti": app.jti(), "plan": "paid",
            "pipeline": "rake", "pipeline_id": "p-99", "step": "release", "build": 7, "commit": "5a0f1d3",
        });
        ci.sign(&changed(claims, changes)).unwrap()
    };
    let key = app.exchange(&sign(json!({}))).await.key();
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let before = app.traces().await;
    app.exchange(&sign(json!({"plan": "free"}))).await.refuses(
        401,
        "token_required_claim_mismatch",
        "`plan`",
    );
    app.exchange(&sign(json!({"plan": null}))).await.refuses(
        401,
        "token_required_claim_mismatch",
        "`plan`",
    );
    app.exchange(&sign(json!({"pipeline_id": null})))
        .await
        .refuses(401, "token_claim_missing", "`pipeline_id`");
    app.exchange(&sign(json!({"pipeline": "Rake", "pipeline_id": "p-98"})))
        .await
        .refuses(403, "no_publisher", "");
    app.left_nothing(before).await;
    app.exchange(&sign(json!({"step": "Release"})))
        .await
        .refuses(403, "workflow_mismatch", "Release");
    app.left_one("exchange.denied", before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_token_without_jti_is_spent_by_what_was_signed() {
    let (app, ci) = generic().await;
    let now = app.clock.now().seconds();
    let claims = json!({
        "iss": ci.url(), "aud": AUDIENCE, "iat": now, "exp": now + 60, "plan": "paid",
        "pipeline": "rake", "pipeline_id": "p-99", "step": "release",
    });
    let token = ci.sign(&claims).unwrap();
    app.exchange(&token).await.is(201);
    let before = app.traces().await;
    app.exchange(&token)
        .await
        .refuses(403, "token_spent", "exchanged before");
    // ES256 signatures are not unique: another one of the same words is the same token.
    app.exchange(&ci.sign(&claims).unwrap())
        .await
        .refuses(403, "token_spent", "exchanged before");
    app.left_nothing(before).await;
    app.finish().await;
}
