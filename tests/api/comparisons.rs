//! Comparisons over HTTP and on the page: attached by an owner, served as they are, shown as somebody's word.
use events::{
    api_key::Scope,
    digest::Digest,
    id::{AccountId, Owner},
    name::GemName,
    platform::Platform,
    version::GemVersion,
};
use gemledger::{
    app::quarantine::Named,
    compare::{
        Asked, Repository, StatedBy, compare,
        statement::{MAX_STATEMENT, write},
    },
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    answer::{Answer, answer},
    app::{TestApp, job, publisher},
    given::GITHUB,
};
use crate::{
    compare::{gem, tree},
    support::git::Git,
};
use events::claims::ProviderKind;

mod program;

const PATH: &str = "/api/v1/gems/hello/versions/1.0/comparisons";

/// `hello` 1.0 of alice, released by a job at the commit of a repository at hand.
pub(super) struct Released {
    pub(super) app: TestApp,
    git: Git,
    commit: String,
    pub(super) alice: AccountId,
    pub(super) key: String,
}

impl Released {
    pub(super) async fn new() -> Self {
        Self::on(TestApp::public().await).await
    }

    async fn on(app: TestApp) -> Self {
        let mut git = Git::bare();
        let commit = git.commit(&tree());
        app.provider("github", ProviderKind::Github, &GITHUB).await;
        let alice = app.account("alice").await;
        app.trust("hello", publisher("acme/hello"), Owner::Account(alice))
            .await;
        let mut job = job("acme/hello");
        job.commit.clone_from(&commit);
        let pushing = app.exchange(&app.token(&GITHUB, &job)).await.key();
        app.push(&pushing, gem().bytes()).await.is(200);
        let key = app.api_key(alice, &[Scope::PushRubygem, Scope::Read]).await;
        Self {
            app,
            git,
            commit,
            alice,
            key,
        }
    }

    /// The statement of somebody who compared.
    pub(super) fn statement(&self, by: &str) -> Value {
        let repository = Repository::open(self.git.path()).unwrap();
        let asked = Asked {
            commit: self.commit.clone(),
            stated_by: StatedBy::Ledger,
            recorded: Some("acme/hello".into()),
            path: None,
            generated: Vec::new(),
            built_for_platform: false,
            files_only: false,
        };
        let comparison = compare(&gem().bytes(), &repository, &asked).unwrap();
        serde_json::from_slice(&write(&comparison, by).unwrap()).unwrap()
    }

    pub(super) async fn post(&self, key: &str, statement: impl Into<Vec<u8>>) -> Answer {
        let request = self.app.request(Method::POST, PATH);
        answer(request.header("authorization", key).body(statement.into())).await
    }
}

#[actix_web::test]
async fn an_owner_attaches_a_statement_that_is_served_as_it_was_given() {
    let released = Released::new().await;
    let statement = released.statement("Ann").to_string();
    let told = released
        .post(&released.key, statement.clone())
        .await
        .is(201)
        .json();
    let digest = Digest::of(statement.as_bytes());
    assert_eq!(told["statement"], digest.to_string());
    let app = &released.app;
    let served = app.get(&format!("{PATH}/{}", digest.hex())).await.is(200);
    assert_eq!(served.body, statement.as_bytes());
    assert_eq!(served.header("content-type"), Some("application/json"));
    app.pass(60);

    let listed = app.get(PATH).await.is(200).json();
    let one = &listed["comparisons"][0];
    assert_eq!(one["log_index"], told["log_index"]);
    assert_eq!(one["actor"], format!("account:{}", released.alice));
    assert_eq!(one["compared_by"], "Ann");
    assert_eq!(one["verdict"], "same");
    assert_eq!(one["commit"], released.commit.as_str());
    assert_eq!((&one["same"], &one["extra"]), (&json!(5), &json!(0)));
    assert_eq!((&one["left_out"], &one["metadata"]), (&json!(0), &json!(0)));
    let record = app
        .get("/api/v1/gems/hello/versions/1.0/provenance")
        .await
        .is(200);
    assert_eq!(record.json()["comparisons"], listed["comparisons"]);

    let page = app.get("/gems/hello/versions/1.0").await.is(200);
    for said in [
        "who names <bdi>Ann</bdi> as whoever compared: nothing unexplained",
        "5 files the same, 0 explained, 0 changed, 0 only in the gem, 0 left out, 0 fields",
        "which the release's record names",
        "does not say that the gem is safe",
        &format!("{PATH}/{}", digest.hex()),
    ] {
        assert!(page.text().contains(said), "{said}\n{}", page.text());
    }
    released.app.finish().await;
}

#[actix_web::test]
async fn of_many_comparisons_the_newest_are_shown_and_all_are_counted() {
    let released = Released::new().await;
    let (app, mut statement) = (&released.app, released.statement("Ann"));
    for number in 0..33 {
        statement["predicate"]["comparedBy"] = json!(format!("Ann {number}"));
        let release = Named {
            gem: GemName::parse("hello").unwrap().folded(),
            number: GemVersion::parse("1.0").unwrap(),
            platform: Platform::ruby(),
        };
        let bytes = statement.to_string().into();
        let attached = app.app.attach_comparison(app.app.console(), release, bytes);
        attached.await.unwrap();
    }
    app.pass(60);
    let listed = app.get(PATH).await.is(200).json();
    let names = |shown: &Value| {
        let shown = shown.as_array().unwrap();
        let name = |at: usize| shown[at]["compared_by"].clone();
        (shown.len(), name(0), name(shown.len() - 1))
    };
    let newest = (32, json!("Ann 1"), json!("Ann 32"));
    assert_eq!(names(&listed["comparisons"]), newest);
    assert_eq!(listed["total"], 33);
    let record = app.get("/api/v1/gems/hello/versions/1.0/provenance").await;
    let record = record.is(200).json();
    assert_eq!(names(&record["comparisons"]), newest);
    assert_eq!(record["comparisons_total"], 33);
    let page = app.get("/gems/hello/versions/1.0").await.is(200);
    let text = page.text();
    assert!(text.contains("There are 33; these are the newest 32."));
    assert!(!text.contains("<bdi>Ann 0</bdi>"));
    released.app.finish().await;
}

#[actix_web::test]
async fn the_page_tells_no_number_that_is_not_known_and_counts_what_rests_on_a_word() {
    let released = Released::new().await;
    let mut statement = released.statement("Ann");
    let said = &mut statement["predicate"];
    said["filesOnly"] = json!(true);
    said["leftOutKnown"] = json!(false);
    said["metadataCompared"] = json!([]);
    said["generated"] = json!(["**/*"]);
    (said["counts"]["same"], said["counts"]["generated"]) = (json!(1), json!(4));
    let posted = released.post(&released.key, statement.to_string()).await;
    posted.is(201);
    released.app.pass(60);
    let page = released.app.get("/gems/hello/versions/1.0").await.is(200);
    for said in [
        "nothing unexplained among the files",
        "4 explained, 4 of them by their word alone",
        "what was left out was not looked at, metadata not compared",
    ] {
        assert!(page.text().contains(said), "{said}\n{}", page.text());
    }
    assert!(!page.text().contains("0 left out"));
    let listed = released.app.get(PATH).await.is(200).json();
    let one = &listed["comparisons"][0];
    assert_eq!(
        (&one["left_out"], &one["metadata"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&one["files_only"], &one["by_word"]),
        (&json!(true), &json!(4))
    );
    released.app.finish().await;
}

#[actix_web::test]
async fn whoever_may_not_attach_leaves_nothing() {
    let released = Released::new().await;
    let app = &released.app;
    let statement = released.statement("Ann").to_string();
    let bob = app.push_key("bob").await;
    let reader = app.api_key(released.alice, &[Scope::Read]).await;
    let narrow = app
        .narrow_key(released.alice, &[Scope::PushRubygem], Some("other"), None)
        .await;
    let job = app
        .exchange(&app.token(&GITHUB, &job("acme/hello")))
        .await
        .key();
    let before = app.traces().await;
    released
        .post(&bob, statement.clone())
        .await
        .refuses(403, "not_owner", "own");
    released
        .post(&reader, statement.clone())
        .await
        .refuses(403, "scope_missing", "push_rubygem");
    released
        .post(&narrow, statement.clone())
        .await
        .refuses(403, "forbidden", "this gem");
    released
        .post(&job, statement.clone())
        .await
        .refuses(403, "forbidden", "person");
    released.post("gemledger_00", statement).await.is(401);
    app.left_nothing(before).await;
    released.app.finish().await;
}

#[actix_web::test]
async fn a_statement_of_something_else_or_that_contradicts_itself_leaves_nothing() {
    let released = Released::new().await;
    let good = released.statement("Ann");
    let before = released.app.traces().await;
    let other = "ab".repeat(32);
    let mut nothing = good["predicate"]["counts"].clone();
    (nothing["files"], nothing["same"]) = (json!(0), json!(0));
    for (pointer, value, status, code) in [
        (
            "/_type",
            json!("https://in-toto.io/Statement/v0.1"),
            422,
            "malformed",
        ),
        (
            "/predicateType",
            json!("https://slsa.dev/provenance/v1"),
            422,
            "malformed",
        ),
        ("/subject", json!([]), 422, "malformed"),
        (
            "/subject",
            json!([good["subject"][0], good["subject"][0]]),
            422,
            "malformed",
        ),
        ("/subject/0/name", json!("other-1.0.gem"), 422, "malformed"),
        ("/subject/0/digest/sha256", json!("xyz"), 422, "malformed"),
        (
            "/subject/0/digest/sha256",
            json!(other),
            422,
            "comparison_mismatch",
        ),
        ("/predicate/name", json!("other"), 422, "malformed"),
        ("/predicate/number", json!("2.0"), 422, "malformed"),
        ("/predicate/platform", json!("java"), 422, "malformed"),
        (
            "/predicate/commit/id",
            json!("ab".repeat(20)),
            422,
            "comparison_mismatch",
        ),
        (
            "/predicate/commit/id",
            json!("main"),
            422,
            "comparison_mismatch",
        ),
        (
            "/predicate/commit/statedBy",
            json!("caller"),
            422,
            "comparison_mismatch",
        ),
        (
            "/predicate/repository/recorded",
            json!("rubygems/hello"),
            422,
            "comparison_mismatch",
        ),
        (
            "/predicate/repository/recorded",
            Value::Null,
            422,
            "comparison_mismatch",
        ),
        ("/predicate/counts", nothing, 422, "malformed"),
        ("/predicate/metadataCompared", json!([]), 422, "malformed"),
        (
            "/predicate/metadataCompared",
            json!(["name", "version"]),
            422,
            "malformed",
        ),
        ("/predicate/leftOutKnown", json!(false), 422, "malformed"),
        ("/predicate/filesOnly", json!(true), 422, "malformed"),
        ("/predicate/counts/built", json!(1), 422, "malformed"),
        ("/predicate/verdict", json!("different"), 422, "malformed"),
        ("/predicate/verdict", json!("safe"), 422, "malformed"),
        ("/predicate/counts/same", json!(6), 422, "malformed"),
        ("/predicate/counts/same", json!(-1), 422, "malformed"),
        ("/predicate/counts/extra", json!(u64::MAX), 422, "malformed"),
        ("/predicate/comparedBy", json!(""), 422, "malformed"),
        (
            "/predicate/comparedBy",
            json!("a\u{1b}[31m"),
            422,
            "malformed",
        ),
        (
            "/predicate/comparedBy",
            json!("\u{202e}nnA"),
            422,
            "malformed",
        ),
        (
            "/predicate/comparedBy",
            json!("x".repeat(300)),
            422,
            "malformed",
        ),
    ] {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        let refused = released.post(&released.key, changed.to_string()).await;
        refused.refuses(status, code, "");
    }
    for bad in ["", "{}", "[]", "x"] {
        released
            .post(&released.key, bad)
            .await
            .refuses(422, "malformed", "");
    }
    let twice = good
        .to_string()
        .replacen('{', "{\"predicateType\":\"x\",", 1);
    released
        .post(&released.key, twice)
        .await
        .refuses(422, "malformed", "");
    let mut long = good.clone();
    long["more"] = json!("x".repeat(MAX_STATEMENT));
    released
        .post(&released.key, long.to_string())
        .await
        .refuses(422, "malformed", "bytes");
    let huge = vec![b' '; 100_000];
    released.post(&released.key, huge).await.is(413);
    released.app.left_nothing(before).await;

    let unknown = format!("{PATH}/{other}");
    for path in [
        unknown.as_str(),
        "/api/v1/gems/hello/versions/1.0/comparisons/x",
    ] {
        released.app.get(path).await.is(404);
    }
    // A file of the store that is no comparison of this release is not served here.
    let gem_file = format!("{PATH}/{}", Digest::of(&gem().bytes()).hex());
    released.app.get(&gem_file).await.is(404);
    released
        .app
        .get("/api/v1/gems/hello/versions/2.0/comparisons")
        .await
        .is(404);
    released.app.finish().await;
}

#[actix_web::test]
async fn the_same_statement_is_attached_once_and_a_private_ledger_shows_it_to_readers_alone() {
    let released = Released::on(TestApp::private().await).await;
    let statement = released.statement("Ann").to_string();
    released
        .post(&released.key, statement.clone())
        .await
        .is(201);
    released
        .post(&released.key, statement)
        .await
        .refuses(409, "already_exists", "");
    released.app.get(PATH).await.is(401);
    let asked = released.app.request(Method::GET, PATH);
    answer(asked.header("authorization", &released.key))
        .await
        .is(200);
    released.app.finish().await;
}
