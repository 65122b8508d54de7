//! A refresh takes its time: what happens meanwhile stands, what is wrong with one root leaves the others, and a repository
//! leads nowhere else.
use std::{fs, future::Future};

use events::{id::Via, text::Slug, trust_root::Requires};
use gemledger::{
    app::{
        exchange::GITHUB_ISSUER,
        trust_roots::{Asked, NewTrustRoot, Outcome, Refreshed},
    },
    views::trust_roots::{Newest, newest},
};

use super::{
    app::TestApp,
    trust_roots::{LOGGED, record, trusted_root},
    trust_roots_refresh::{is_kept, next, recorded, refresh, root_of},
};
use crate::support::tuf::{NEVER, PATIENCE, Tuf};

fn own() -> Slug {
    Slug::parse("own").unwrap()
}

async fn roots(app: &TestApp) -> Vec<Newest> {
    newest(&app.app.reader).await.unwrap()
}

/// Where the repository has this target.
fn target(json: &str) -> String {
    let hash = events::digest::Digest::of(json.as_bytes()).hex();
    format!("/targets/{hash}.trusted_root.json")
}

/// Refreshes while the operator does something, after the repository was asked for its newer file and before it answers.
async fn while_stalled(
    app: &TestApp,
    tuf: &mut Tuf,
    decision: impl Future<Output = u64>,
) -> (Refreshed, Vec<Newest>) {
    tuf.publish(next(1).as_bytes(), NEVER);
    tuf.hold(&target(&next(1)));
    let meanwhile = async {
        tuf.is_asked().await;
        let index = decision.await;
        let decided = roots(app).await;
        tuf.let_go();
        (index, decided)
    };
    let (refreshed, (index, decided)) = tokio::join!(refresh(app), meanwhile);
    assert_eq!(roots(app).await, decided);
    let size = app.app.reader.head().await.unwrap().size;
    assert_eq!(size, index + 1, "nothing was recorded after the decision");
    (refreshed, decided)
}

#[tokio::test]
async fn a_root_that_was_retired_while_its_repository_stalled_stays_retired() {
    let mut tuf = Tuf::start(20, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    let retire = async { app.app.retire_trust_root(own()).await.unwrap() };
    let (refreshed, decided) = while_stalled(&app, &mut tuf, retire).await;
    is_kept(&refreshed, "retired by the operator", false);
    assert!(decided[0].retired);
    assert_eq!(Asked::of(&app.app.folder, &own()), None);
    assert!(
        app.app
            .trust_roots_for(GITHUB_ISSUER)
            .await
            .unwrap()
            .is_empty()
    );
    app.finish().await;
}

#[tokio::test]
async fn a_root_that_was_tightened_while_its_repository_stalled_stays_tight() {
    let mut tuf = Tuf::start(21, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    let strict = NewTrustRoot {
        issuers: vec!["https://gitlab.com".to_owned()],
        requires: Requires {
            timestamp: true,
            ..LOGGED
        },
        ..root_of(&tuf, "own")
    };
    let tighten = async { record(&app, strict).await.unwrap() };
    let (refreshed, decided) = while_stalled(&app, &mut tuf, tighten).await;
    is_kept(&refreshed, "recorded meanwhile", false);
    assert!(decided[0].recorded.requires.timestamp);
    // The next one begins with what is there now, and keeps it.
    assert!(matches!(refresh(&app).await, Refreshed::Changed(_)));
    let after = roots(&app).await;
    assert!(after[0].recorded.requires.timestamp);
    assert_eq!(after[0].recorded.issuers, decided[0].recorded.issuers);
    assert_ne!(after[0].recorded.digest, decided[0].recorded.digest);
    app.finish().await;
}

#[tokio::test]
async fn an_older_file_does_not_replace_one_that_was_recorded_while_the_repository_stalled() {
    let mut tuf = Tuf::start(22, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    let newer = NewTrustRoot {
        json: next(2).into(),
        ..root_of(&tuf, "own")
    };
    let add = async { record(&app, newer).await.unwrap() };
    let (refreshed, _) = while_stalled(&app, &mut tuf, add).await;
    is_kept(&refreshed, "recorded meanwhile", false);
    app.finish().await;
}

#[tokio::test]
async fn two_who_find_the_same_file_record_it_once() {
    let mut tuf = Tuf::start(23, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    let same = NewTrustRoot {
        json: next(1).into(),
        ..root_of(&tuf, "own")
    };
    let add = async { record(&app, same).await.unwrap() };
    let (refreshed, _) = while_stalled(&app, &mut tuf, add).await;
    assert_eq!(refreshed, Refreshed::Unchanged);
    app.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_one_root_does_not_leave_the_others_old() {
    let (mut first, mut second) = (
        Tuf::start(24, trusted_root().as_bytes()),
        Tuf::start(25, trusted_root().as_bytes()),
    );
    let app = TestApp::public().await;
    record(&app, root_of(&first, "first")).await.unwrap();
    record(&app, root_of(&second, "second")).await.unwrap();
    first.publish(next(1).as_bytes(), NEVER);
    second.publish(next(2).as_bytes(), NEVER);
    // A disk that takes no more: the file cannot be kept, and that is no fault of the file.
    let hex = events::digest::Digest::of(next(1).as_bytes()).hex();
    let folder = app.app.folder.blobs().join(&hex[..2]);
    fs::write(&folder, b"").unwrap();
    let outcomes = app.app.refresh_trust_roots(None, Via::Server).await;
    let [(_, kept), (_, changed)] = outcomes.unwrap().try_into().unwrap();
    is_kept(&kept, "file store", false);
    assert!(matches!(changed, Refreshed::Changed(_)), "{changed:?}");
    fs::remove_file(&folder).unwrap();
    let outcomes = app.app.refresh_trust_roots(None, Via::Server).await;
    let [(_, changed), (_, same)] = outcomes.unwrap().try_into().unwrap();
    assert!(matches!(changed, Refreshed::Changed(_)), "{changed:?}");
    assert_eq!(same, Refreshed::Unchanged);
    app.finish().await;
}

#[tokio::test]
async fn a_server_looks_again_and_again_also_after_it_failed() {
    let mut tuf = Tuf::start(28, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    let short = std::time::Duration::from_millis(5);
    tuf.publish(next(1).as_bytes(), "2026-11-23T02:00:00Z");
    let looking = app.app.clone().keep_trust_roots(short, short);
    let meanwhile = async {
        let outcome = async || {
            tokio::time::sleep(short).await;
            Asked::of(&app.app.folder, &own()).map(|asked| asked.outcome)
        };
        while outcome().await != Some(Outcome::Expired) {}
        tuf.publish(next(1).as_bytes(), NEVER);
        while outcome().await != Some(Outcome::Confirmed) {}
    };
    tokio::select! {
        () = looking => panic!("it ended"),
        done = tokio::time::timeout(PATIENCE, meanwhile) => done.expect("it never looks again"),
    }
    assert_eq!(roots(&app).await[0].revision, 1);
    assert_eq!(app.last().await["via"], "server");
    app.finish().await;
}

#[tokio::test]
async fn a_repository_sends_nobody_elsewhere() {
    let (mut tuf, inside) = (
        Tuf::start(26, trusted_root().as_bytes()),
        Tuf::start(27, trusted_root().as_bytes()),
    );
    let app = recorded(&tuf).await;
    tuf.publish(next(1).as_bytes(), NEVER);
    // The newer root metadata that everybody asks for first, and that mostly is not there.
    tuf.redirect("/2.root.json", &format!("{}/latest/meta-data", inside.url));
    is_kept(&refresh(&app).await, "cannot be reached", false);
    assert_eq!(inside.asked(), Vec::<String>::new());
    tuf.redirect("/2.root.json", &format!("{}/nowhere", tuf.url));
    assert!(matches!(refresh(&app).await, Refreshed::Changed(_)));
    app.finish().await;
}
