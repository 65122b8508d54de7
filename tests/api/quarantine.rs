//! Quarantine over HTTP: what disappears at once, what stays, and what comes back.
use events::{name::GemName, platform::Platform, text::Text, version::GemVersion};
use flate2::read::GzDecoder;
use gemledger::{
    app::quarantine::Named,
    http::{
        limits::{LimitSettings, Limits},
        serve::background,
    },
};
use reqwest::Method;
use std::{io::Read as _, sync::Arc};

use super::{
    app::TestApp,
    given::{good, rake},
    index::{released, with},
};

fn named(gem: &str, number: &str, platform: &str) -> Named {
    Named {
        gem: GemName::parse(gem).unwrap().folded(),
        number: GemVersion::parse(number).unwrap(),
        platform: Platform::parse(platform).unwrap(),
    }
}

async fn withhold(app: &TestApp, gem: &str, number: &str, platform: &str) -> u64 {
    let reason = Text::parse("pushed by a stolen workflow").unwrap();
    let release = named(gem, number, platform);
    app.app.quarantine(release, reason).await.unwrap()
}

async fn lift(app: &TestApp, gem: &str, number: &str, platform: &str) -> u64 {
    let release = named(gem, number, platform);
    app.app.restore(release, None).await.unwrap()
}

async fn specs(app: &TestApp, path: &str) -> String {
    let bytes = app.get(path).await.is(200).body;
    let mut plain = Vec::new();
    GzDecoder::new(&bytes[..]).read_to_end(&mut plain).unwrap();
    String::from_utf8_lossy(&plain).into_owned()
}

#[actix_web::test]
async fn file_gemspec_and_index_lines_disappear_at_once_and_come_back_as_the_same_bytes() {
    let app = released().await;
    let paths = [
        "/info/Tool",
        "/names",
        "/specs.4.8.gz",
        "/latest_specs.4.8.gz",
        "/prerelease_specs.4.8.gz",
        "/quick/Marshal.4.8/Tool-1.0.0.gemspec.rz",
        "/gems/Tool-1.0.0.gem",
        "/gems/Tool-1.0.0-java.gem",
    ];
    let mut before = Vec::new();
    for path in paths {
        before.push(app.get(path).await.is(200).body);
    }
    let versions = app.get("/versions").await.is(200).text().to_owned();

    app.pass(60);
    let index = withhold(&app, "tool", "1.0.0", "ruby").await;
    for path in [
        "/gems/Tool-1.0.0.gem",
        "/quick/Marshal.4.8/Tool-1.0.0.gemspec.rz",
    ] {
        let answer = app.get(path).await.is(403);
        let text = answer.text();
        assert!(
            text.contains("Tool-1.0.0 is quarantined since 2026-"),
            "{text}"
        );
        assert!(text.contains("pushed by a stolen workflow"), "{text}");
        assert!(text.contains(&format!("log index {index}")), "{text}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let info = app.get("/info/Tool").await.is(200);
    let lines: Vec<&str> = info.text().lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].starts_with("1.0.0-java "));
    let grown = app.get("/versions").await.is(200);
    let md5 = info.header("etag").unwrap().trim_matches('"').to_owned();
    assert_eq!(grown.text(), format!("{versions}Tool -1.0.0 {md5}\n"));
    let left = specs(&app, "/specs.4.8.gz").await;
    assert_eq!(left.matches("Tool").count(), 1, "{left:?}");
    // The other platform of the same version is another release.
    app.get("/gems/Tool-1.0.0-java.gem").await.is(200);
    assert_eq!(app.get("/names").await.is(200).text(), "---\nTool\napex\n");

    withhold(&app, "Tool", "1.0.0", "java").await;
    assert_eq!(app.get("/info/Tool").await.is(200).text(), "---\n");
    assert_eq!(app.get("/names").await.is(200).text(), "---\napex\n");
    assert!(!specs(&app, "/specs.4.8.gz").await.contains("Tool"));
    assert!(!specs(&app, "/latest_specs.4.8.gz").await.contains("Tool"));

    app.pass(60);
    lift(&app, "Tool", "1.0.0", "java").await;
    lift(&app, "Tool", "1.0.0", "ruby").await;
    for (path, bytes) in paths.iter().zip(&before) {
        assert_eq!(&app.get(path).await.is(200).body, bytes, "{path}");
    }
    let after = app.get("/versions").await.is(200).text().to_owned();
    assert!(after.starts_with(&versions), "/versions only ever grows");
    let md5 = app
        .get("/info/Tool")
        .await
        .header("etag")
        .unwrap()
        .trim_matches('"')
        .to_owned();
    assert!(after.ends_with(&format!("Tool 1.0.0 {md5}\n")), "{after}");
    app.finish().await;
}

#[actix_web::test]
async fn whoever_has_a_longer_copy_of_an_index_page_is_told_to_start_anew() {
    let app = released().await;
    let whole = app.get("/info/Tool").await.is(200);
    let etag = whole.header("etag").unwrap().to_owned();
    withhold(&app, "Tool", "1.0.0", "java").await;
    let range = format!("bytes={}-", whole.body.len() - 1);
    let asked = [("range", range.as_str()), ("if-none-match", etag.as_str())];
    with(&app, "/info/Tool", &asked).await.is(416);
    let file = app.get("/gems/Tool-1.0.0.gem").await.is(200);
    let known = [("if-none-match", file.header("etag").unwrap())];
    with(&app, "/gems/Tool-1.0.0.gem", &known).await.is(304);
    withhold(&app, "Tool", "1.0.0", "ruby").await;
    with(&app, "/gems/Tool-1.0.0.gem", &known).await.is(403);
    app.finish().await;
}

#[actix_web::test]
async fn the_version_stays_taken_and_the_very_same_push_brings_nothing_back() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    let gem = good("Tool", "1.0.0");
    app.push(&key, gem.clone()).await.is(200);
    withhold(&app, "tool", "1.0.0", "ruby").await;
    let before = app.traces().await;
    for file in [
        gem.clone(),
        super::given::for_platform("Tool", "1.0.0", "ruby"),
    ] {
        let refused = app.push(&key, file).await;
        refused
            .says(409, "quarantined")
            .says(409, "(release_quarantined)");
    }
    app.left_nothing(before).await;
    app.get("/gems/Tool-1.0.0.gem").await.is(403);
    lift(&app, "tool", "1.0.0", "ruby").await;
    app.push(&key, gem.clone())
        .await
        .says(200, "already pushed");
    assert_eq!(app.get("/gems/Tool-1.0.0.gem").await.is(200).body, gem);
    app.finish().await;
}

#[actix_web::test]
async fn record_receipt_and_pages_stay_and_say_what_happened() {
    let app = released().await;
    let record = "/api/v1/gems/Tool/versions/1.0.0/provenance";
    assert!(app.get(record).await.is(200).json()["quarantined"].is_null());
    let index = withhold(&app, "tool", "1.0.0", "ruby").await;
    let told = app.get(record).await.is(200).json();
    assert_eq!(told["quarantined"]["reason"], "pushed by a stolen workflow");
    assert_eq!(told["quarantined"]["log_index"], index);
    assert_eq!(told["statements"][0]["subject"], "quarantine");
    assert_eq!(told["statements"][0]["known"], "proven");
    assert_eq!(told["since"][0]["type"], "release.quarantined");
    app.get("/gems/Tool-1.0.0.gem.tlog-proof").await.is(200);
    for (path, said) in [
        (
            "/gems/Tool/versions/1.0.0",
            "<strong>Quarantined</strong> since",
        ),
        ("/gems/Tool/versions/1.0.0", "pushed by a stolen workflow"),
        ("/gems/Tool", "quarantined"),
    ] {
        app.get(path).await.says(200, said);
    }
    let platform = app
        .get("/api/v1/gems/Tool/versions/1.0.0-java/provenance")
        .await;
    let platform = platform.is(200).json();
    assert_eq!(platform["quarantined"], serde_json::Value::Null);
    assert_eq!(platform["since"], serde_json::json!([]));
    lift(&app, "tool", "1.0.0", "ruby").await;
    let told = app.get(record).await.is(200).json();
    assert!(told["quarantined"].is_null());
    assert_eq!(told["since"][1]["type"], "release.restored");
    let page = app.get("/gems/Tool/versions/1.0.0").await;
    page.says(200, "The quarantine was lifted");
    app.finish().await;
}

#[actix_web::test]
async fn a_reason_is_shown_as_text_and_nothing_else() {
    let app = released().await;
    let reason = Text::parse("<script>alert('it')</script>").unwrap();
    app.app
        .quarantine(named("tool", "1.0.0", "ruby"), reason)
        .await
        .unwrap();
    for path in ["/gems/Tool", "/gems/Tool/versions/1.0.0"] {
        let page = app.get(path).await.is(200);
        assert!(!page.text().contains("<script"), "{path}");
        assert!(
            page.text().contains("&#60;script"),
            "{path}: {}",
            page.text()
        );
    }
    let file = app.get("/gems/Tool-1.0.0.gem").await.is(403);
    assert!(
        file.header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    app.finish().await;
}

#[actix_web::test]
async fn a_private_ledger_tells_nobody_but_its_readers() {
    let app = TestApp::private().await;
    let account = app.account("alice").await;
    let scopes = [
        events::api_key::Scope::PushRubygem,
        events::api_key::Scope::Read,
    ];
    let key = app.api_key(account, &scopes).await;
    app.push(&key, good("Tool", "1.0.0")).await.is(200);
    withhold(&app, "tool", "1.0.0", "ruby").await;
    let stranger = app.get("/gems/Tool-1.0.0.gem").await.is(401);
    assert!(!stranger.text().contains("quarantined"));
    let request = app.request(Method::GET, "/gems/Tool-1.0.0.gem");
    let reader = super::answer::answer(request.header("authorization", &key)).await;
    reader.says(403, "is quarantined since");
    app.finish().await;
}

#[actix_web::test]
async fn what_another_process_withholds_leaves_the_index_however_busy_this_one_is() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    app.push(&key, good("Tool", "1.0.0")).await.is(200);
    let limits = Arc::new(Limits::new(LimitSettings::default()));
    let looking = tokio::task::spawn_local(background(app.app.clone(), limits));
    let other = app.reopened().await;
    // The page is kept from here on, and the first look is over.
    app.get("/info/Tool").await.says(200, "\n1.0.0 ");
    let reason = Text::parse("pushed by a stolen workflow").unwrap();
    other
        .quarantine(named("tool", "1.0.0", "ruby"), reason)
        .await
        .unwrap();
    // What this process writes itself must not hide what came just before it.
    app.push(&key, good("apex", "1.0.0")).await.is(200);
    while app.get("/info/Tool").await.text() != "---\n" {
        tokio::task::yield_now().await;
    }
    looking.abort();
    app.finish().await;
}
