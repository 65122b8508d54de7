//! What a gem's versions may be: each once, however it is spelled, and no two files under one name.
use futures::future::join_all;

use super::{
    app::TestApp,
    given::{for_platform, gemspec, good, of, other, rake},
};

async fn refused(app: &TestApp, key: &str, gem: Vec<u8>, status: u16, says: &str) {
    let before = app.traces().await;
    app.push(key, gem).await.says(status, says);
    app.left_nothing(before).await;
}

#[tokio::test]
async fn a_push_says_what_gem_users_know_and_where_it_is_recorded() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    let answer = app.push(&key, good("tool", "1.0.0")).await.is(200);
    let index = app.traces().await.events - 1;
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(
        answer.text(),
        format!(
            "Successfully registered gem: tool (1.0.0)\n\
             Recorded at log index {index}: https://gems.example.com/gems/tool/versions/1.0.0"
        )
    );
    let answer = app
        .push(&key, for_platform("tool", "1.0.0", "java"))
        .await
        .is(200);
    assert!(
        answer
            .text()
            .starts_with("Successfully registered gem: tool (1.0.0-java)\n")
    );
    app.finish().await;
}

#[tokio::test]
async fn a_version_with_other_content_is_a_conflict() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    let says = "Repushing of gem versions is not allowed.\nPlease bump the version number and push a new different release.\n\
                See also `gem yank` if you want to unpublish the bad release.\n";
    refused(&app, &key, other("tool", "1.0.0"), 409, says).await;
    app.finish().await;
}

#[tokio::test]
async fn the_same_file_again_is_fine_even_with_another_key() {
    let app = rake().await;
    let first = app.job_key("acme/rake").await;
    app.push(&first, good("rake", "1.0.0")).await.is(200);
    let before = app.traces().await;
    let second = app.job_key("acme/rake").await;
    let events = app.traces().await.events;
    for key in [&first, &second] {
        let answer = app.push(key, good("rake", "1.0.0")).await.is(200);
        assert_eq!(
            answer.text(),
            "Gem was already pushed: rake (1.0.0)\nSee https://gems.example.com/gems/rake/versions/1.0.0"
        );
    }
    assert_eq!(
        (app.traces().await.events, app.traces().await.files),
        (events, before.files)
    );
    app.finish().await;
}

#[tokio::test]
async fn the_same_file_again_mends_one_that_was_lost() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    let before = app.traces().await;
    std::fs::remove_dir_all(app.app.folder.blobs()).unwrap();
    std::fs::create_dir(app.app.folder.blobs()).unwrap();
    app.get("/gems/tool-1.0.0.gem")
        .await
        .says(404, "push the same file again");
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    app.left_nothing(before).await;
    assert_eq!(
        app.get("/gems/tool-1.0.0.gem").await.is(200).body,
        good("tool", "1.0.0")
    );
    app.finish().await;
}

#[tokio::test]
async fn the_same_file_again_mends_what_was_damaged_of_it() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    let before = app.traces().await;
    let files = super::app::files(&app.app.folder.blobs());
    let read = |file: &std::path::PathBuf| std::fs::read(file).unwrap();
    let whole: Vec<_> = files.iter().map(read).collect();
    assert_eq!(whole.len(), 2, "the gem and its document");
    for file in &files {
        std::fs::write(file, b"x").unwrap();
    }
    app.push(&key, good("tool", "1.0.0")).await.is(200);
    app.left_nothing(before).await;
    assert_eq!(files.iter().map(read).collect::<Vec<_>>(), whole);
    app.finish().await;
}

#[tokio::test]
async fn one_version_has_one_spelling() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    app.push(&key, good("tool", "1.0")).await.is(200);
    let says = "Canonical number has already been taken. Existing version: 1.0\n";
    for number in ["1.0.0", "1"] {
        refused(&app, &key, good("tool", number), 403, says).await;
    }
    app.push(&key, good("tool", "1.0.1")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_gem_keeps_the_case_it_was_registered_with() {
    let app = rake().await;
    let (alice, bob) = (app.push_key("alice").await, app.push_key("bob").await);
    app.push(&alice, good("Tool", "1.0.0")).await.is(200);
    for key in [&alice, &bob] {
        refused(
            &app,
            key,
            good("tool", "1.1.0"),
            409,
            "Unable to change case of gem name with indexed versions",
        )
        .await;
    }
    app.finish().await;
}

#[tokio::test]
async fn two_gems_never_share_a_file_name() {
    let app = rake().await;
    let (alice, bob) = (app.push_key("alice").await, app.push_key("bob").await);
    let darwin = for_platform("tool", "1", "universal-darwin-19");
    app.push(&alice, darwin).await.is(200);
    // Both would be `tool-1-universal-darwin-19.gem`, but for their case.
    for name in ["tool-1-universal-darwin", "Tool-1-Universal-Darwin"] {
        refused(
            &app,
            &bob,
            good(name, "19"),
            409,
            "another release has this file name",
        )
        .await;
    }
    app.push(&bob, good("tool-1-universal-darwin", "20"))
        .await
        .is(200);
    app.push(&alice, for_platform("tool", "1", "universal-darwin-20"))
        .await
        .says(409, "(file_taken)");
    app.finish().await;
}

#[tokio::test]
async fn a_jobs_key_releases_one_version_of_a_gem_for_all_its_platforms() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    for platform in ["ruby", "java", "x86_64-linux", "arm64-darwin"] {
        app.push(&key, for_platform("rake", "1.0.0", platform))
            .await
            .is(200);
    }
    let before = app.traces().await;
    app.push(&key, good("rake", "1.0.1"))
        .await
        .says(403, "(one_version_per_key)");
    app.left_one("push.denied", before).await;
    let next = app.job_key("acme/rake").await;
    app.push(&next, good("rake", "1.0.1")).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn of_a_hundred_who_push_one_version_at_once_one_wins_and_the_others_hear_the_rule() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    let before = app.traces().await;
    let gem = |number: usize| {
        of(&gemspec("tool", "1.0.0").replace("summary: A gem", &format!("summary: Gem {number}")))
    };
    let answers = join_all((0..100).map(|number| app.push(&key, gem(number)))).await;
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1);
    for answer in lost {
        answer.says(409, "(version_exists)");
    }
    let made = [
        "gem.registered",
        "owner.added",
        "name.taken",
        "file.taken",
        "release.pushed",
    ];
    assert_eq!(app.since(before.events).await, made);
    app.finish().await;
}

#[tokio::test]
async fn a_hundred_versions_that_are_pushed_at_once_are_all_released() {
    let app = rake().await;
    let key = app.push_key("alice").await;
    let push = |number| app.push(&key, good("tool", &format!("1.{number}.0")));
    for answer in join_all((0..100).map(push)).await {
        answer.says(200, "Successfully registered gem: tool");
    }
    let info = app.get("/info/tool").await.is(200);
    assert_eq!(info.text().lines().count(), 101);
    app.finish().await;
}

#[tokio::test]
async fn of_two_who_take_a_name_at_once_in_two_spellings_one_gets_it() {
    let app = rake().await;
    let (alice, bob) = (app.push_key("alice").await, app.push_key("bob").await);
    for round in 0..10 {
        let (one, two) = (format!("Tool{round}"), format!("tool{round}"));
        let answers = join_all([
            app.push(&alice, good(&one, "1")),
            app.push(&bob, good(&two, "1")),
        ])
        .await;
        let mut statuses = [answers[0].status, answers[1].status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }
    app.finish().await;
}
