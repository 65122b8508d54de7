//! `gemledger compare` with a ledger or a registry: it takes the commit from the record, and attaches what it found.
use std::time::Duration;

use serde_json::Value;

use super::Released;
use crate::support::program::{program, run};

#[actix_web::test]
async fn the_program_compares_what_a_ledger_or_a_registry_says_and_attaches_it_as_the_operator() {
    let released = Released::new().await;
    let repository = released.git.path().display().to_string();
    let data = released
        .app
        .folder
        .path()
        .join("ledger")
        .display()
        .to_string();
    let gemledger = |arguments: &[&str]| {
        let mut command = program();
        command.args(arguments).args(["--repo", &repository]);
        tokio::task::spawn_blocking(move || run(&command))
    };
    let local = ["--data", data.as_str(), "compare", "hello", "1.0"];
    let ran = gemledger(&local)
        .await
        .unwrap()
        .ends(0, "nothing in the gem is unexplained");
    assert!(
        ran.out.contains("named by the release's record"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("acme/hello, read from a local clone"),
        "{}",
        ran.out
    );
    let ran = gemledger(&[&local[..], &["--attach", "--by", "The operator"]].concat());
    ran.await.unwrap().ends(0, "attached to the release");
    let again = gemledger(&[&local[..], &["--attach", "--by", "The operator"]].concat());
    // That it cannot be attached again is no difference.
    again.await.unwrap().ends(2, "exists already");
    let other = "ab".repeat(20);
    let named = gemledger(&[&local[..], &["--commit", &other]].concat());
    named.await.unwrap().ends(2, "--commit is for releases");
    gemledger(&["--data", &data, "compare", "hello", "9"])
        .await
        .unwrap()
        .ends(2, "there is no");

    let statement = released.app.last().await["data"]["statement"].clone();
    let hex = statement
        .as_str()
        .unwrap()
        .strip_prefix("sha256:")
        .unwrap()
        .to_owned();
    let backup = released.app.folder.path().join("backup");
    let mut command = program();
    command.args(["--data", &data, "backup"]).arg(&backup);
    let ran = tokio::task::spawn_blocking(move || run(&command));
    ran.await.unwrap().ok();
    assert!(
        backup
            .join("blobs")
            .join(&hex[..2])
            .join(&hex[2..])
            .exists()
    );

    released.app.pass(60);
    let url = format!("http://{}", released.app.address);
    let state = released
        .app
        .folder
        .path()
        .join("seen.json")
        .display()
        .to_string();
    let remote = [
        "compare",
        "hello",
        "1.0",
        "--registry",
        &url,
        "--state",
        &state,
        "--json",
    ];
    let ran = gemledger(&remote).await.unwrap().ends(0, "");
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["commit"]["stated_by"], "ledger");
    assert_eq!(json["commit"]["id"], released.commit.as_str());
    assert_eq!(json["repository"]["recorded"], "acme/hello");
    let missing = [
        "compare",
        "hello",
        "9",
        "--registry",
        &url,
        "--state",
        &state,
    ];
    gemledger(&missing).await.unwrap().ends(2, "not_logged");
    released.app.clock.advance(Duration::from_secs(1));
    released.app.finish().await;
}

#[actix_web::test]
async fn an_owner_attaches_with_the_program_what_it_found() {
    let released = Released::new().await;
    released.app.pass(60);
    let repository = released.git.path().display().to_string();
    let url = format!("http://{}", released.app.address);
    let state = released.app.folder.path().join("seen.json");
    let attach = |key: Option<String>| {
        let mut command = program();
        command.args(["compare", "hello", "1.0", "--repo", &repository]);
        command.args(["--registry", &url, "--attach", "--by", "Ann", "--state"]);
        command.arg(&state).env_remove("GEMLEDGER_API_KEY");
        command.envs(key.map(|key| ("GEMLEDGER_API_KEY", key)));
        tokio::task::spawn_blocking(move || run(&command))
    };
    attach(None).await.unwrap().ends(2, "GEMLEDGER_API_KEY");
    let bob = released.app.push_key("bob").await;
    attach(Some(bob)).await.unwrap().ends(2, "(403)");
    let key = released.key.clone();
    attach(Some(key)).await.unwrap().ends(0, "log index");
    released.app.pass(60);
    let listed = released.app.get(super::PATH).await.is(200).json();
    assert_eq!(listed["comparisons"][0]["compared_by"], "Ann");
    released.app.finish().await;
}
