//! The anchor: what was signed is never signed otherwise, whatever database is put under it.
use std::{fs, os::unix::fs::FileExt as _};

use gemledger::store::{
    anchor::{Anchor, AnchorError},
    writer::Fatal,
};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};
use tlog::{Checkpoint, EMPTY_ROOT, Hash, SigningKey, leaf_hash};

use super::on_every_kind;
use crate::support::{
    history::exchanged,
    store::{InMemory, Kind, OnSqlite, Place, key},
};

on_every_kind! {
    a_database_behind_its_anchor_is_refused_by_name,
    another_tree_of_the_anchored_size_is_refused,
    a_log_without_its_anchor_file_is_not_opened,
    an_anchor_that_was_never_raised_is_raised_after_reading_the_whole_log,
    a_crash_between_commit_and_anchor_is_made_good_at_the_next_start,
}

fn checkpoint(size: u64, root: Hash) -> (Checkpoint, String) {
    let checkpoint = Checkpoint::new("gems.example.org/log/1", size, root).unwrap();
    let note = checkpoint.sign(&key()).unwrap();
    (checkpoint, note)
}

fn root(size: u64) -> Hash {
    match size {
        0 => EMPTY_ROOT,
        _ => leaf_hash(&size.to_be_bytes()),
    }
}

fn raise(anchor: &Anchor, size: u64) {
    let (checkpoint, note) = checkpoint(size, root(size));
    assert!(anchor.raise(&checkpoint, &note).unwrap().is_none());
}

fn size(anchor: &Anchor) -> u64 {
    anchor.read().unwrap().unwrap().checkpoint.size()
}

async fn a_database_behind_its_anchor_is_refused_by_name<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    running
        .append(vec![exchanged(1), exchanged(2)])
        .await
        .unwrap();
    running.stop().await;
    raise(&place.anchor(), 5);
    let error = place.core(place.log.connect().await).await.err().unwrap();
    assert!(matches!(
        error,
        Fatal::BehindAnchor {
            found: 2,
            anchored: 5
        }
    ));
    assert!(
        error
            .to_string()
            .contains("an older copy was restored. Put the newer database back")
    );
    assert_eq!(size(&place.anchor()), 5);
}

async fn another_tree_of_the_anchored_size_is_refused<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    running.append(vec![exchanged(1)]).await.unwrap();
    running.append(vec![exchanged(2)]).await.unwrap();
    running.stop().await;
    let anchored = fs::read(place.path("anchor")).unwrap();
    // A log that was opened over the same anchor while the real one was away.
    let other = Place::<K>::new();
    for events in [1, 2, 3] {
        let running = other.open().await;
        running.append(vec![exchanged(10 + events)]).await.unwrap();
        running.stop().await;
        fs::write(place.path("anchor"), &anchored).unwrap();
        let path = place.path("anchor");
        let anchor = Anchor::new(&path, key().verifier().clone());
        let subjects = other.subjects().await;
        let log = other.log.connect().await;
        let key = std::sync::Arc::new(key());
        let clock = other.clock.clone();
        let core = gemledger::store::writer::Core::open(log, anchor, key, subjects, clock).await;
        match (events, core.err().unwrap()) {
            (1, Fatal::BehindAnchor { .. }) | (2 | 3, Fatal::Anchor(AnchorError::Forked)) => {}
            (events, error) => panic!("{events}: {error}"),
        }
        assert_eq!(fs::read(path).unwrap(), anchored);
    }
}

async fn a_log_without_its_anchor_file_is_not_opened<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    running.append(vec![exchanged(1)]).await.unwrap();
    fs::remove_file(place.path("anchor")).unwrap();
    assert!(
        running.append(vec![exchanged(2)]).await.is_err(),
        "nothing is served beyond it"
    );
    assert_eq!(running.writer.served().head.size, 1);
    assert!(matches!(
        running.stop().await,
        Some(Fatal::Anchor(AnchorError::Io { .. }))
    ));
    let error = place
        .core(place.log.connect().await)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("anchor cannot be used: No such file"),
        "{error}"
    );
}

async fn an_anchor_that_was_never_raised_is_raised_after_reading_the_whole_log<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    running
        .append((0..700).map(exchanged).collect())
        .await
        .unwrap();
    running.stop().await;
    fs::remove_file(place.path("anchor")).unwrap();
    place.anchor().create().unwrap();
    place.open().await;
    assert_eq!(size(&place.anchor()), 700);
    place.audit().await;
}

async fn a_crash_between_commit_and_anchor_is_made_good_at_the_next_start<K: Kind>() {
    let place = Place::<K>::new();
    let running = place.open().await;
    let mut earlier = Vec::new();
    for n in 0..5 {
        earlier.push(fs::read(place.path("anchor")).unwrap());
        running
            .append((0..100).map(|m| exchanged(100 * n + m)).collect())
            .await
            .unwrap();
    }
    running.stop().await;
    for before in earlier {
        fs::write(place.path("anchor"), before).unwrap();
        place.open().await.stop().await;
        assert_eq!(size(&place.anchor()), 500);
        place.audit().await;
    }
}

fn fresh() -> (tempfile::TempDir, Anchor) {
    let folder = tempfile::tempdir().unwrap();
    let anchor = Anchor::new(&folder.path().join("anchor"), key().verifier().clone());
    anchor.create().unwrap();
    (folder, anchor)
}

/// What a write that was cut short leaves of a slot.
fn tear(folder: &tempfile::TempDir, slot: u64, kept: usize) {
    let path = folder.path().join("anchor");
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(
        &vec![0xff; 4096 - kept],
        slot * 4096 + u64::try_from(kept).unwrap(),
    )
    .unwrap();
}

#[test]
fn an_anchor_is_made_once_and_starts_empty() {
    let (_folder, anchor) = fresh();
    assert!(anchor.read().unwrap().is_none());
    assert!(matches!(anchor.create(), Err(AnchorError::Io { .. })));
}

#[test]
fn an_anchor_only_rises() {
    let (_folder, anchor) = fresh();
    for number in [0, 1, 7, 8, 100] {
        raise(&anchor, number);
        assert_eq!(size(&anchor), number);
        raise(&anchor, number);
    }
    let (smaller, note) = checkpoint(9, root(9));
    let newer = anchor.raise(&smaller, &note).unwrap();
    assert_eq!(
        newer.unwrap().checkpoint.size(),
        100,
        "the larger one comes back"
    );
    let (other, note) = checkpoint(100, root(99));
    assert!(matches!(
        anchor.raise(&other, &note),
        Err(AnchorError::Forked)
    ));
    assert_eq!(size(&anchor), 100);
}

#[test]
fn a_write_that_was_cut_short_leaves_the_checkpoint_before() {
    for kept in [0, 3, 4, 30, 36, 40, 100, 200] {
        let (folder, anchor) = fresh();
        raise(&anchor, 1);
        tear(&folder, 0, kept);
        assert!(
            anchor.read().unwrap().is_none(),
            "nothing was anchored before the first"
        );
        raise(&anchor, 1);
        raise(&anchor, 2);
        // The third write goes to the slot of the first.
        tear(&folder, 0, kept);
        assert_eq!(size(&anchor), 2);
        let again = Anchor::new(&folder.path().join("anchor"), key().verifier().clone());
        assert_eq!(size(&again), 2);
        raise(&again, 3);
        tear(&folder, 1, kept);
        assert_eq!(size(&anchor), 3);
        tear(&folder, 0, kept);
        assert!(matches!(anchor.read(), Err(AnchorError::Damaged(_))));
        let (next, note) = checkpoint(4, root(4));
        assert!(matches!(
            anchor.raise(&next, &note),
            Err(AnchorError::Damaged(_))
        ));
    }
}

#[test]
fn the_anchor_of_another_key_is_not_taken_for_an_empty_one() {
    let (folder, anchor) = fresh();
    raise(&anchor, 1);
    let other = SigningKey::from_seed("gems.example.org/log/1", &[8; 32]).unwrap();
    let stranger = Anchor::new(&folder.path().join("anchor"), other.verifier().clone());
    assert!(matches!(stranger.read(), Err(AnchorError::Damaged(_))));
    let own = Checkpoint::new("gems.example.org/log/1", 2, root(2)).unwrap();
    let note = own.sign(&other).unwrap();
    assert!(matches!(
        stranger.raise(&own, &note),
        Err(AnchorError::Damaged(_))
    ));
    assert_eq!(size(&anchor), 1, "it was not overwritten");
}

#[test]
fn processes_that_raise_at_once_leave_the_largest() {
    let (folder, _anchor) = fresh();
    let path = folder.path().join("anchor");
    let raiser = |first: u64| {
        let path = path.clone();
        std::thread::spawn(move || {
            let anchor = Anchor::new(&path, key().verifier().clone());
            for number in (first..120).step_by(3) {
                let (checkpoint, note) = checkpoint(number, root(number));
                let newer = anchor.raise(&checkpoint, &note).unwrap();
                assert!(newer.is_none_or(|newer| newer.checkpoint.size() > number));
                assert!(size(&anchor) >= number);
            }
        })
    };
    for thread in [1, 2, 3].map(raiser) {
        thread.join().unwrap();
    }
    assert_eq!(size(&Anchor::new(&path, key().verifier().clone())), 119);
}

/// Two copies of one database run side by side, over one anchor: the first that is overtaken must not serve its own tree.
#[tokio::test]
async fn a_copy_of_the_database_that_runs_beside_it_is_found_out() {
    let place = Place::<OnSqlite>::new();
    let running = place.open().await;
    running.append(vec![exchanged(1)]).await.unwrap();
    running.stop().await;
    let url = format!("sqlite://{}", place.log.0.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let copy = format!("VACUUM INTO '{}'", place.path("copy.db").display());
    sqlx::query(AssertSqlSafe(copy))
        .execute(&mut connection)
        .await
        .unwrap();
    let copy = place.with(OnSqlite(place.path("copy.db")));
    let (one, other) = (place.open().await, copy.open().await);
    one.append(vec![exchanged(2), exchanged(3)]).await.unwrap();
    assert!(other.append(vec![exchanged(4)]).await.is_err());
    assert_eq!(other.writer.served().head.size, 1, "its fork is not served");
    assert!(matches!(
        other.stop().await,
        Some(Fatal::BehindAnchor {
            found: 2,
            anchored: 3
        })
    ));
    one.append(vec![exchanged(5)]).await.unwrap();
    place.audit().await;
}

#[tokio::test]
async fn memory_and_disk_sign_the_same_checkpoint_for_the_same_events() {
    let (memory, sqlite) = (Place::<InMemory>::new(), Place::<OnSqlite>::new());
    let (one, other) = (memory.open().await, sqlite.open().await);
    assert_eq!(one.writer.served().note, other.writer.served().note);
}
