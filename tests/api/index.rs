//! What `bundle` and `gem install` read: the bytes, their headers, and parts of them.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use events::{
    claims::ProviderKind,
    digest::{Digest, hex},
};
use flate2::read::{GzDecoder, ZlibDecoder};
use gemledger::app::replay::replay;
use md5::Md5;
use reqwest::Method;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;

use super::{
    answer::{Answer, answer},
    app::TestApp,
    given::{for_platform, good, rake},
};

/// A ledger with three releases of two gems, a minute apart.
pub(super) async fn released() -> TestApp {
    let app = rake().await;
    let key = app.push_key("alice").await;
    for gem in [
        good("Tool", "1.0.0"),
        good("apex", "2.0.rc1"),
        for_platform("Tool", "1.0.0", "java"),
    ] {
        app.pass(60);
        app.push(&key, gem).await.is(200);
    }
    app
}

pub(super) async fn with(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = headers
        .iter()
        .fold(app.request(Method::GET, path), |request, (name, value)| {
            request.header(*name, *value)
        });
    answer(request).await
}

/// The headers that tell Bundler whether it has these bytes.
pub(super) fn describes(answer: &Answer, whole: &[u8]) {
    let sha256 = STANDARD.encode(Sha256::digest(whole));
    assert_eq!(
        answer.header("etag").unwrap(),
        format!("\"{}\"", hex(&Md5::digest(whole)))
    );
    assert_eq!(
        answer.header("digest").unwrap(),
        format!("sha-256={sha256}")
    );
    assert_eq!(
        answer.header("repr-digest").unwrap(),
        format!("sha-256=:{sha256}:")
    );
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
}

#[tokio::test]
async fn the_compact_index_says_what_was_released_and_when() {
    let app = released().await;
    let sums = [
        good("Tool", "1.0.0"),
        for_platform("Tool", "1.0.0", "java"),
        good("apex", "2.0.rc1"),
    ]
    .map(|gem| Digest::of(&gem).hex());
    assert_eq!(app.get("/names").await.is(200).text(), "---\nTool\napex\n");
    let first = format!(
        "---\n1.0.0 |checksum:{},created_at:2026-11-23T02:56:02Z\n",
        sums[0]
    );
    let second = format!(
        "1.0.0-java |checksum:{},created_at:2026-11-23T02:58:02Z\n",
        sums[1]
    );
    assert_eq!(
        app.get("/info/Tool").await.is(200).text(),
        format!("{first}{second}")
    );
    let apex = format!(
        "---\n2.0.rc1 |checksum:{},created_at:2026-11-23T02:57:02Z\n",
        sums[2]
    );
    assert_eq!(app.get("/info/apex").await.is(200).text(), apex);
    let md5 = |text: &str| hex(&Md5::digest(text));
    let versions = format!(
        "created_at: 2026-11-23T02:55:02Z\n---\nTool 1.0.0 {}\napex 2.0.rc1 {}\nTool 1.0.0-java {}\n",
        md5(&first),
        md5(&apex),
        md5(&format!("{first}{second}"))
    );
    assert_eq!(app.get("/versions").await.is(200).text(), versions);
    app.finish().await;
}

#[tokio::test]
async fn an_empty_index_is_an_index() {
    let app = rake().await;
    assert_eq!(app.get("/names").await.is(200).text(), "---\n\n");
    assert_eq!(
        app.get("/versions").await.is(200).text(),
        "created_at: 2026-11-23T02:55:02Z\n---\n"
    );
    // A pending name is no gem.
    app.get("/info/rake")
        .await
        .says(404, "This gem could not be found.");
    app.finish().await;
}

#[tokio::test]
async fn the_index_is_new_as_soon_as_a_push_is_answered() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    for round in 0..20 {
        let number = format!("1.0.{round}");
        app.push(&key, good("tool", &number)).await.is(200);
        for path in ["/info/tool", "/versions"] {
            assert!(
                app.get(path)
                    .await
                    .is(200)
                    .text()
                    .contains(&format!("{number} ")),
                "{path}"
            );
        }
        app.get(&format!("/gems/tool-{number}.gem")).await.is(200);
        app.get(&format!("/gems/tool-{number}.gem.tlog-proof"))
            .await
            .is(200);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_head_of_every_page_is_that_of_the_page() {
    let app = released().await;
    for path in [
        "/",
        "/names",
        "/versions",
        "/info/Tool",
        "/specs.4.8.gz",
        "/gems/Tool-1.0.0.gem",
        "/quick/Marshal.4.8/Tool-1.0.0.gemspec.rz",
        "/log/checkpoint",
        "/healthz",
        "/gems/Tool",
    ] {
        let page = app.get(path).await.is(200);
        let head = answer(app.request(Method::HEAD, path)).await.is(200);
        assert!(head.body.is_empty(), "{path}");
        for name in ["etag", "content-type", "cache-control", "content-length"] {
            assert_eq!(head.header(name), page.header(name), "{name} of {path}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_name_in_another_case_is_another_name() {
    let app = released().await;
    for path in [
        "/info/tool",
        "/info/TOOL",
        "/info/",
        "/info/Tool/",
        "/info/x%00",
        "/info/..%2Fnames",
        "/info/unheard-of",
        "/gems/tool-1.0.0.gem",
        "/gems/Tool-1.0.0.GEM",
        "/gems/..%2F..%2Fledger.db.gem",
        "/quick/Marshal.4.8/tool-1.0.0.gemspec.rz",
    ] {
        let (status, text) = app.line(&format!("GET {path}")).await;
        assert_eq!(status, 404, "{path}: {text}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_index_is_the_same_bytes_after_a_restart_and_after_a_replay() {
    let app = released().await;
    let again = app.reopened().await;
    let reader = &again.reader;
    assert_eq!(
        app.get("/versions").await.body,
        again.index.versions(reader).await.unwrap().body
    );
    assert_eq!(
        app.get("/names").await.body,
        again.index.names(reader).await.unwrap().body
    );
    assert_eq!(
        app.get("/info/Tool").await.body,
        again
            .index
            .info(reader, "Tool")
            .await
            .unwrap()
            .unwrap()
            .body
    );
    let replayed = replay(reader, None, None, true, |_, _| {}).await.unwrap();
    assert_eq!(
        (replayed.root_matches, replayed.different),
        (Some(true), vec![])
    );
    app.finish().await;
}

#[tokio::test]
async fn the_old_indexes_and_gemspecs_are_there_for_old_clients() {
    let app = released().await;
    let unzip = |bytes: &[u8]| {
        let mut text = Vec::new();
        GzDecoder::new(bytes).read_to_end(&mut text).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    };
    for (path, holds, lacks) in [
        ("/specs.4.8.gz", "java", "apex"),
        ("/latest_specs.4.8.gz", "Tool", "apex"),
        ("/prerelease_specs.4.8.gz", "apex", "Tool"),
    ] {
        let answer = app.get(path).await.is(200);
        let text = unzip(&answer.body);
        assert!(
            text.starts_with("\u{4}\u{8}[") && text.contains(holds) && !text.contains(lacks),
            "{path}"
        );
        with(
            &app,
            path,
            &[("if-none-match", answer.header("etag").unwrap())],
        )
        .await
        .is(304);
    }
    let spec = app
        .get("/quick/Marshal.4.8/Tool-1.0.0-java.gemspec.rz")
        .await
        .is(200);
    let mut text = Vec::new();
    ZlibDecoder::new(&spec.body[..])
        .read_to_end(&mut text)
        .unwrap();
    assert!(String::from_utf8_lossy(&text).contains("Gem::Specification"));
    app.finish().await;
}

#[tokio::test]
async fn a_file_is_what_was_pushed_and_never_changes() {
    let app = released().await;
    let answer = app.get("/gems/Tool-1.0.0-java.gem").await.is(200);
    assert_eq!(answer.body, for_platform("Tool", "1.0.0", "java"));
    assert_eq!(
        answer.header("content-type"),
        Some("application/octet-stream")
    );
    assert_eq!(answer.header("cache-control"), Some("public, max-age=60"));
    app.finish().await;
}

#[tokio::test]
async fn below_a_path_everything_is_below_it_and_nothing_beside() {
    let setup = super::app::Setup {
        url: "https://gems.example.com/ruby",
        ..super::app::Setup::default()
    };
    let app = TestApp::with(setup).await;
    app.provider("github", ProviderKind::Github, &super::given::GITHUB)
        .await;
    app.publisher("rake", "acme/rake").await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.says(
        200,
        "https://gems.example.com/ruby/gems/rake/versions/1.0.0",
    );
    app.get("/info/rake").await.is(200);
    app.get("/log/tile/entries/000.p/1").await.is(200);
    for path in ["/info/rake", "/versions", "/rubyx/versions", "/"] {
        assert_eq!(app.line(&format!("GET {path}")).await.0, 404, "{path}");
    }
    app.finish().await;
}
