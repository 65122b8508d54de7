//! A private ledger: whatever can be read is read with a key, however it is shown, and kept by nobody else.
use events::{api_key::Scope, claims::ProviderKind};
use reqwest::Method;

use super::{
    answer::answer,
    app::{EXCHANGE, PUSH, TestApp, job},
    given::{GITHUB, good},
};

/// What answers without a key, and how: each checks its caller itself or has nothing to tell.
const OPEN: [(&str, &str, u16); 7] = [
    ("GET", "/healthz", 200),
    ("HEAD", "/healthz", 200),
    ("GET", "/api/v1/api_key", 410),
    ("HEAD", "/api/v1/api_key", 410),
    ("POST", "/api/v1/api_key", 410),
    ("PUT", "/api/v1/api_key", 410),
    ("DELETE", "/api/v1/api_key", 410),
];

/// A private ledger with one release, and a key that may read it.
async fn ledger() -> (TestApp, String) {
    let app = TestApp::private().await;
    app.provider("github", ProviderKind::Github, &GITHUB).await;
    app.publisher("rake", "acme/rake").await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let alice = app.account("alice").await;
    let reader = app.api_key(alice, &[Scope::Read]).await;
    (app, reader)
}

/// Every path that the server's sources register, with something that exists in place of its parameters.
fn paths() -> Vec<String> {
    let sources = [
        include_str!("../../src/http.rs"),
        include_str!("../../src/http/api/policy.rs"),
        include_str!("../../src/web.rs"),
    ];
    let code = sources.iter().flat_map(|source| source.lines());
    let code = code.filter(|line| !line.trim_start().starts_with("//"));
    let literals: Vec<&str> = code
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .collect();
    let paths = literals
        .iter()
        .filter(|text| text.starts_with('/') && !text.starts_with("//"));
    let given = [
        ("{account}", "01938a3e-5c7b-7000-8000-000000000001"),
        ("{change}", "0"),
        (
            "{digest}",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            "{hex}",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        ("{gem}", "rake"),
        ("{rule}", "attestation_required"),
        ("{index}", "0"),
        ("{name}", "rake"),
        ("{id}", "0"),
        ("{number}", "1"),
        ("{version}", "1.0.0"),
        ("{path:.*}", "entries/000.p/1"),
        ("{file}.gem", "rake-1.0.0.gem"),
        ("{file}.gemspec", "rake-1.0.0.gemspec"),
        ("{file}", "x.css"),
    ];
    let filled = paths.map(|path| {
        given
            .iter()
            .fold((*path).to_owned(), |path, (name, value)| {
                path.replace(name, value)
            })
    });
    let mut filled: Vec<String> = filled.collect();
    assert!(filled.iter().all(|path| !path.contains('{')), "{filled:?}");
    filled.sort();
    filled.dedup();
    filled
}

#[tokio::test]
async fn every_route_demands_a_key_or_is_known_not_to() {
    let (app, _) = ledger().await;
    let before = app.traces().await;
    let mut asked = 0;
    for path in paths().iter().map(String::as_str).chain([
        "/nothing/here",
        "/info",
        "/log",
        "/gems/rake-1.0.0.gem.txt",
    ]) {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let (status, text) = app.line(&format!("{method} {path}")).await;
            let open = OPEN.iter().find(|(m, p, _)| (*m, *p) == (method, path));
            // These check their caller after the method; what they do not do they do for nobody.
            let itself = [PUSH, EXCHANGE, "/api/v1/api_key", "/healthz"].contains(&path);
            match open {
                Some((.., expected)) => assert_eq!(status, *expected, "{method} {path}: {text}"),
                None if itself => assert!(
                    [400, 401, 404, 405, 410].contains(&status),
                    "{method} {path}: {text}"
                ),
                None => {
                    assert_eq!(status, 401, "{method} {path}: {text}");
                    assert!(
                        text.contains("www-authenticate: Basic "),
                        "{method} {path}: {text}"
                    );
                }
            }
            assert!(
                !text.contains("rake-1.0.0") && !text.contains("acme"),
                "{method} {path}: {text}"
            );
            assert!(
                text.contains("vary: Authorization"),
                "{method} {path}: {text}"
            );
            let kept =
                text.contains("cache-control: no-store") || text.contains("cache-control: private");
            assert!(kept, "{method} {path}: {text}");
            asked += 1;
        }
    }
    assert!(asked > 150, "{asked}");
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn a_path_in_another_spelling_is_no_way_around() {
    let (app, _) = ledger().await;
    for path in [
        "//versions",
        "/healthz/../versions",
        "/healthz/%2e%2e/versions",
        "/%76ersions",
        "/versions?x=/healthz",
        "/api/v1/gems/../../../versions",
        "/./versions",
        "/healthz%2f..%2fversions",
        "/versions#/healthz",
        "http://gems.example.com/versions",
        "/api/v1/gems/",
        "/healthz/",
        "/healthz;/versions",
    ] {
        let (status, text) = app.line(&format!("GET {path}")).await;
        assert!(matches!(status, 401 | 400), "{path}: {text}");
        assert!(!text.contains("rake"), "{path}: {text}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_reader_shows_the_key_as_client_or_browser_does() {
    let (app, key) = ledger().await;
    let read = || app.request(Method::GET, "/info/rake");
    let forms = [
        read().header("authorization", &key),
        read().bearer_auth(&key),
        read().header("authorization", format!("bearer  {key}")),
        read().basic_auth(&key, None::<&str>),
        read().basic_auth(&key, Some("")),
        read().basic_auth(&key, Some("x-oauth-basic")),
        read().basic_auth("anybody", Some(&key)),
    ];
    for form in forms {
        let answer = answer(form).await.is(200);
        assert_eq!(answer.header("cache-control"), Some("private"));
        assert_eq!(answer.header("vary"), Some("Authorization"));
        assert!(answer.text().starts_with("---\n1.0.0 |checksum:"));
    }
    for bad in [
        read(),
        read().basic_auth("a", Some("b")),
        read().bearer_auth(key.to_uppercase()),
        read().header("authorization", ""),
        app.request(Method::GET, &format!("/info/rake?key={key}")),
    ] {
        let refused = answer(bad).await.says(401, "Access Denied.");
        assert_eq!(
            refused.header("www-authenticate"),
            Some("Basic realm=\"gemledger\", charset=\"UTF-8\"")
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_key_without_the_scope_or_the_life_to_read_reads_nothing() {
    let (app, reader) = ledger().await;
    let bob = app.account("bob").await;
    let minted = app
        .exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .key();
    let pusher = app
        .api_key(
            bob,
            &[Scope::PushRubygem, Scope::ConfigureTrustedPublishers],
        )
        .await;
    let short = app.narrow_key(bob, &[Scope::Read], None, Some(60)).await;
    let read = |path: &'static str, key: &str| {
        answer(app.request(Method::GET, path).header("authorization", key))
    };
    for path in ["/versions", "/", "/log/checkpoint", "/gems/rake-1.0.0.gem"] {
        read(path, &minted)
            .await
            .says(403, "lacks the scope `read`");
        read(path, &pusher)
            .await
            .says(403, "lacks the scope `read`");
        read(path, &short).await.is(200);
    }
    app.pass(60);
    read("/versions", &short).await.says(401, "Access Denied.");
    app.revoke(&reader).await.is(200);
    read("/versions", &reader).await.says(401, "Access Denied.");
    app.finish().await;
}

#[tokio::test]
async fn whoever_was_disabled_reads_nothing_more() {
    let app = TestApp::private().await;
    let alice = app.account("alice").await;
    let key = app.api_key(alice, &[Scope::Read]).await;
    let read = || {
        answer(
            app.request(Method::GET, "/versions")
                .header("authorization", &key),
        )
    };
    read().await.is(200);
    app.app.disable_account(alice).await.unwrap();
    read().await.says(401, "Access Denied.");
    app.finish().await;
}

#[tokio::test]
async fn a_stranger_does_not_learn_how_much_happens_here() {
    let (app, _) = ledger().await;
    assert_eq!(
        app.get("/healthz").await.is(200).text(),
        "{\"status\":\"ok\"}"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_job_needs_no_key_to_exchange_its_token_and_to_push() {
    let (app, _) = ledger().await;
    let key = app
        .exchange(&app.token(&GITHUB, &job("acme/rake")))
        .await
        .key();
    app.push(&key, good("rake", "1.0.1")).await.is(200);
    app.revoke(&key).await.is(200);
    app.finish().await;
}
