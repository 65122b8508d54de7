//! A private ledger: nothing is read without a key, everything with one.
use std::fs;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;

use super::ruby::{Edition, Gem, Ruby};
use crate::support::{
    http::{Answer, request},
    program::{Ledger, Server},
};

/// A private ledger with one gem, and a key that may read.
fn private() -> (Ledger, Server, String) {
    let ledger = Ledger::new();
    let server = ledger.serve_with(&["--visibility", "private"]);
    let ruby = Ruby::new(Edition::Installed).with_key(&ledger.key("alice", "push_rubygem"));
    ruby.release(
        &ledger.url(),
        &Gem {
            code: "puts 'secret'\n",
            ..Gem::new("hidden", "1.0.0")
        },
    );
    let key = ledger.key("reader", "read");
    (ledger, server, key)
}

fn ask(url: &str, authorization: Option<&str>) -> Answer {
    let headers: Vec<_> = authorization
        .map(|value| ("authorization", value))
        .into_iter()
        .collect();
    request(Method::GET, url, &headers, &[])
}

/// Everything that can be read.
const PATHS: [&str; 17] = [
    "/",
    "/names",
    "/versions",
    "/info/hidden",
    "/specs.4.8.gz",
    "/latest_specs.4.8.gz",
    "/prerelease_specs.4.8.gz",
    "/quick/Marshal.4.8/hidden-1.0.0.gemspec.rz",
    "/gems/hidden-1.0.0.gem",
    "/gems/hidden-1.0.0.gem.tlog-proof",
    "/log/checkpoint",
    "/log/vkey",
    "/log/tile/0/000.p/9",
    "/log/tile/entries/000.p/9",
    "/gems/hidden",
    "/gems/hidden/versions/1.0.0",
    "/api/v1/gems/hidden/versions/1.0.0/provenance",
];

#[test]
fn nothing_of_a_private_ledger_is_read_without_a_key_that_may_read() {
    let (ledger, _server, key) = private();
    let pusher = ledger.key("pusher", "push_rubygem");
    for path in PATHS {
        let url = format!("{}{path}", ledger.url());
        let stranger = ask(&url, None);
        assert_eq!(stranger.status, 401, "{path}");
        assert!(
            stranger
                .header("www-authenticate")
                .starts_with("Basic realm="),
            "{path}"
        );
        assert!(
            !stranger.text().contains("hidden"),
            "{path}: {}",
            stranger.text()
        );
        assert_eq!(ask(&url, Some("rubygems_0000")).status, 401, "{path}");
        assert_eq!(ask(&url, Some(&pusher)).status, 403, "{path}");
        let reader = ask(&url, Some(&key));
        assert_eq!(reader.status, 200, "{path}: {}", reader.text());
        assert_eq!(reader.header("cache-control"), "private", "{path}");
        let vary: Vec<_> = reader
            .headers
            .get_all("vary")
            .iter()
            .map(|value| value.to_str().unwrap().to_lowercase())
            .collect();
        assert!(
            vary.iter().any(|value| value.contains("authorization")),
            "{path}: {vary:?}"
        );
    }
    // That it is alive is no secret, what it holds is.
    assert_eq!(ask(&format!("{}/healthz", ledger.url()), None).status, 200);
    // Whether something exists is a secret too.
    assert_eq!(
        ask(&format!("{}/info/nowhere", ledger.url()), None).status,
        401
    );
}

#[test]
fn a_key_is_taken_in_each_way_that_clients_send_it() {
    let (ledger, _server, key) = private();
    let url = format!("{}/names", ledger.url());
    let basic = |user: &str, password: &str| {
        format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
    };
    let ways = [
        key.clone(),
        format!("Bearer {key}"),
        basic(&key, ""),
        basic("anyone", &key),
        basic(&key, "x-oauth-basic"),
    ];
    for way in &ways {
        assert_eq!(ask(&url, Some(way)).status, 200, "{way}");
    }
    let revoked = ledger.json(&[
        "api-key",
        "issue",
        "--account",
        "reader",
        "--scopes",
        "read",
    ]);
    assert_eq!(ask(&url, revoked["key"].as_str()).status, 200);
    ledger
        .run(&["api-key", "revoke", revoked["id"].as_str().unwrap()])
        .ok();
    assert_eq!(ask(&url, revoked["key"].as_str()).status, 401);
}

#[test]
fn gem_and_bundle_install_from_a_private_ledger_with_a_key_and_only_with_one() {
    let (ledger, _server, key) = private();
    let url = ledger.url();
    let with_key = url.replace("http://", &format!("http://{key}@"));
    for edition in Edition::ALL {
        let stranger = Ruby::new(edition);
        let refused = stranger.gem(&["install", "hidden", "--clear-sources", "--source", &url]);
        refused.ends(2, "401");
        let reader = Ruby::new(edition);
        let install = [
            "install",
            "hidden",
            "--no-document",
            "--clear-sources",
            "--source",
            &with_key,
        ];
        reader
            .gem(&install)
            .ends(0, "Successfully installed hidden-1.0.0");
        reader.ruby("require 'hidden'").ends(0, "secret");

        let gemfile = format!("source '{url}'\ngem 'hidden'\n");
        let stranger = Ruby::new(edition);
        let project = stranger.project("app", &gemfile);
        stranger
            .bundle(&project, &["install"])
            .ends(17, "Authentication is required");
        stranger
            .bundle(
                &project,
                &["config", "set", "--global", &url, &format!("{key}:")],
            )
            .ok();
        stranger
            .bundle(&project, &["install"])
            .ends(0, "Bundle complete!");
        stranger
            .bundle(&project, &["exec", "ruby", "-e", "require 'hidden'"])
            .ends(0, "secret");
        let lock = fs::read_to_string(project.join("Gemfile.lock")).unwrap();
        assert!(!lock.contains(&key), "the key is in the lockfile:\n{lock}");
    }
}

#[test]
fn what_was_opened_as_private_is_not_served_as_public() {
    let ledger = Ledger::new();
    ledger.serve_with(&["--visibility", "private"]).stop().ok();
    ledger.serve_refused(
        &["--visibility", "public"],
        "this ledger was opened as Private",
    );
    // Without saying it again it stays what it is.
    let _server = ledger.serve();
    assert_eq!(ask(&format!("{}/names", ledger.url()), None).status, 401);
}
