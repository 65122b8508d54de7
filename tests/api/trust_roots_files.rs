//! Files of trust roots that were lost come back, and nothing is decided by it.
use std::{fs, path::PathBuf};

use bytes::Bytes;
use events::{digest::Digest, text::Slug};
use gemledger::app::{
    exchange::GITHUB_ISSUER,
    recovery::{backup::backup, restore::restore},
    trust_roots::{NewTrustRoot, Refreshed},
};

use super::{
    app::TestApp,
    trust_roots::{record, root, trusted_root},
    trust_roots_refresh::{next, recorded, refresh, root_of},
};
use crate::support::tuf::{NEVER, Tuf};

fn own() -> Slug {
    Slug::parse("own").unwrap()
}

fn blob(app: &TestApp, bytes: &[u8]) -> PathBuf {
    let hex = Digest::of(bytes).hex();
    app.app.folder.blobs().join(&hex[..2]).join(&hex[2..])
}

async fn live(app: &TestApp) -> u64 {
    let roots = app.app.trust_roots_for(GITHUB_ISSUER).await.unwrap();
    roots[0].reference.revision
}

#[tokio::test]
async fn a_file_that_was_lost_or_damaged_is_put_back_by_the_same_bytes_and_nothing_is_recorded() {
    let app = TestApp::public().await;
    let (first, second) = (Bytes::from(trusted_root()), Bytes::from(next(1)));
    record(&app, root("own", first.clone())).await.unwrap();
    record(&app, root("own", second.clone())).await.unwrap();
    let before = app.traces().await;
    for (json, versions, newest) in [(&first, [0], false), (&second, [1], true)] {
        let path = blob(&app, json);
        for damage in [true, false] {
            if damage {
                fs::write(&path, b"{}").unwrap();
            } else {
                fs::remove_file(&path).unwrap();
            }
            let given = app
                .app
                .restore_trust_root(&own(), json, None)
                .await
                .unwrap();
            assert!(given.restored);
            assert_eq!(given.versions, versions);
            assert_eq!(given.newest, newest);
            assert_eq!(fs::read(&path).unwrap(), json.as_ref());
            // An earlier version that is back is not the live one again.
            assert_eq!(live(&app).await, 1);
            app.left_nothing(before).await;
        }
        let given = app
            .app
            .restore_trust_root(&own(), json, None)
            .await
            .unwrap();
        assert!(!given.restored);
    }
    // What the log does not name is not kept.
    let strange = Bytes::from(next(2));
    let own = own();
    let given = app.app.restore_trust_root(&own, &strange, Some(&strange));
    let given = given.await.unwrap();
    assert!(given.versions.is_empty() && !given.restored && !given.newest);
    app.left_nothing(before).await;
    app.finish().await;
}

#[tokio::test]
async fn root_metadata_that_was_lost_is_put_back_and_the_repository_is_asked_again() {
    let mut tuf = Tuf::start(30, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    let bootstrap = Bytes::from(tuf.bootstrap());
    let served = "/api/v1/trust_roots/own/0/root.json";
    assert_eq!(app.get(served).await.is(200).text().as_bytes(), bootstrap);
    app.get("/api/v1/trust_roots/own/1/root.json").await.is(404);
    fs::remove_file(blob(&app, &bootstrap)).unwrap();
    app.get(served).await.is(404);
    tuf.publish(next(1).as_bytes(), NEVER);
    let Refreshed::Kept { why, .. } = refresh(&app).await else {
        panic!("it was asked")
    };
    assert!(why.contains("--tuf-root"), "{why}");
    let (own, json) = (own(), Bytes::from(trusted_root()));
    let given = app.app.restore_trust_root(&own, &json, Some(&bootstrap));
    let given = given.await.unwrap();
    assert!(given.bootstrap_restored && !given.restored);
    assert!(matches!(refresh(&app).await, Refreshed::Changed(_)));
    app.finish().await;
}

#[tokio::test]
async fn a_file_that_was_lost_comes_back_from_its_repository_too() {
    let tuf = Tuf::start(32, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    let before = app.traces().await;
    fs::remove_file(blob(&app, trusted_root().as_bytes())).unwrap();
    assert_eq!(refresh(&app).await, Refreshed::Unchanged);
    app.left_nothing(before).await;
    assert_eq!(live(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_version_that_is_recorded_again_mends_the_files_it_names() {
    let mut tuf = Tuf::start(33, trusted_root().as_bytes());
    let app = recorded(&tuf).await;
    let (first, second, bootstrap) = (trusted_root(), next(1), tuf.bootstrap());
    let damage = |files: &[&[u8]]| {
        for bytes in files {
            fs::write(blob(&app, bytes), b"{}").unwrap();
        }
    };
    let mended = |bytes: &[u8]| fs::read(blob(&app, bytes)).unwrap() == bytes;
    let again = NewTrustRoot {
        public: true,
        ..root_of(&tuf, "own")
    };
    damage(&[first.as_bytes(), &bootstrap]);
    record(&app, again).await.unwrap();
    assert!(mended(first.as_bytes()) && mended(&bootstrap));
    // So does one that a refresh brings back.
    for json in [&second, &first, &second] {
        if app
            .app
            .blobs
            .has(&Digest::of(json.as_bytes()))
            .await
            .unwrap()
        {
            damage(&[json.as_bytes()]);
        }
        tuf.publish(json.as_bytes(), NEVER);
        assert!(matches!(refresh(&app).await, Refreshed::Changed(_)));
        assert!(mended(json.as_bytes()));
    }
    app.finish().await;
}

#[tokio::test]
async fn a_disk_that_is_full_is_not_called_a_bad_trust_root() {
    let app = TestApp::public().await;
    let hex = Digest::of(trusted_root().as_bytes()).hex();
    fs::write(app.app.folder.blobs().join(&hex[..2]), b"").unwrap();
    let error = record(&app, root("own", trusted_root())).await.unwrap_err();
    assert!(
        matches!(error, gemledger::app::CommandError::Blob(_)),
        "{error}"
    );
    app.finish().await;
}

#[tokio::test]
async fn a_restored_backup_remembers_how_far_a_repository_cannot_go_back() {
    let mut tuf = Tuf::start(31, trusted_root().as_bytes());
    let app = TestApp::public().await;
    let new = NewTrustRoot {
        json: next(1).into(),
        ..root_of(&tuf, "own")
    };
    record(&app, new).await.unwrap();
    let old = tuf.get("/timestamp.json");
    tuf.publish(next(1).as_bytes(), NEVER);
    assert_eq!(refresh(&app).await, Refreshed::Unchanged);
    let to = app.folder.path().join("backup");
    let now = app.clock.now();
    for _ in 0..2 {
        let taken = backup(&app.app.folder, &to, true, now, |_, _| {}).await;
        assert_eq!(taken.unwrap().missing, Vec::<String>::new());
    }
    let data = app.folder.path().join("restored");
    let folder = gemledger::config::Folder::new(&data, None, None);
    restore(&to, &folder, |_, _| {}).await.unwrap();
    // What the repository signed for the file before is valid to this day; whoever has forgotten the newer one takes it.
    let repository = |folder: PathBuf| {
        let mut files = super::app::files(&folder);
        files.sort();
        let relative = |path: &PathBuf| path.strip_prefix(&folder).unwrap().to_owned();
        let files = files.iter();
        files
            .map(|path| (relative(path), fs::read(path).unwrap()))
            .collect::<Vec<_>>()
    };
    let kept = repository(app.app.folder.tuf());
    assert!(
        kept.iter()
            .any(|(path, _)| path.ends_with("timestamp.json"))
    );
    assert_eq!(repository(folder.tuf()), kept);
    tuf.put("/timestamp.json", old);
    let Refreshed::Kept { why, .. } = refresh(&app).await else {
        panic!("it went back")
    };
    assert!(why.contains("rollback"), "{why}");
    app.finish().await;
}
