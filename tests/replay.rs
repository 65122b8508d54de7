//! Replay and scanning: every way to read the log again gives what was written, in order, and notices what is missing.
use std::pin::pin;

use events::Recorded;
use futures::StreamExt as _;
use gemledger::store::{
    Backend as _, StoreError,
    reader::{PAGE, Reader},
    replay, scan,
    sqlite::SqliteLog,
};
use projections::tables;
use sqlx::{Connection as _, SqliteConnection};
use tlog::Frontier;

use crate::support::{
    history::{Step, exchanged, key_issued, pushed},
    store::{Kind as _, OnSqlite, Place, Running},
};

async fn filled(events: u64) -> (Place<OnSqlite>, Running<OnSqlite>) {
    let place = Place::<OnSqlite>::new();
    let running = place.open().await;
    let mut number = 0;
    while number < events {
        let drafts = (number..events.min(number + 400)).map(key_issued).collect();
        running.append(drafts).await.unwrap();
        number += 400;
    }
    (place, running)
}

async fn connect(place: &Place<OnSqlite>) -> SqliteConnection {
    let url = format!("sqlite://{}", place.log.0.display());
    SqliteConnection::connect(&url).await.unwrap()
}

#[tokio::test]
async fn a_scan_gives_every_event_once_in_order_with_its_hash_and_leaf() {
    let size = 2 * PAGE + 37;
    let (place, _running) = filled(size).await;
    let stored = place.log.stored().await;
    let reader = Reader::open(&place.log.0, 2).await.unwrap();
    for (from, to) in [
        (0, size),
        (1, size),
        (PAGE, PAGE + 1),
        (7, 7),
        (PAGE - 1, 2 * PAGE),
    ] {
        let (mut next, mut pages) = (from, pin!(scan::scan(&reader, from, to)));
        while let Some(page) = pages.next().await {
            for scanned in page.unwrap() {
                let leaf = &stored.events[usize::try_from(next).unwrap()].leaf;
                assert_eq!((scanned.index, scanned.leaf()), (next, leaf.as_slice()));
                assert_eq!(scanned.hash, tlog::leaf_hash(leaf));
                assert_eq!(scanned.recorded.unwrap().index, next);
                next += 1;
            }
        }
        assert_eq!(next, to);
    }
    let (mut tree, mut pages) = (Frontier::new(), pin!(scan::scan(&reader, 0, size)));
    while let Some(page) = pages.next().await {
        tree.extend(page.unwrap().iter().map(|scanned| scanned.hash));
    }
    assert_eq!(tree.root(), stored.head.root);
}

#[tokio::test]
async fn whoever_reads_ahead_leaves_connections_to_others() {
    let size = 12 * PAGE;
    let (place, _running) = filled(size).await;
    let reader = Reader::open(&place.log.0, 1).await.unwrap();
    let (mut read, mut pages) = (0, pin!(scan::scan(&reader, 0, size)));
    while let Some(page) = pages.next().await {
        read += page.unwrap().len();
        // As an audit does, between two pages.
        assert_eq!(reader.head().await.unwrap().size, size);
    }
    assert_eq!(u64::try_from(read).unwrap(), size);
}

#[tokio::test]
async fn a_scan_beyond_the_end_of_the_log_is_an_error() {
    let (place, _running) = filled(10).await;
    let reader = Reader::open(&place.log.0, 2).await.unwrap();
    let mut pages = pin!(scan::scan(&reader, 4, 11));
    let error = pages.next().await.unwrap().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the log is damaged: there are not 7 leaves from log index 4 on"
    );
}

/// Changes a stored leaf behind the database's back.
async fn damage(place: &Place<OnSqlite>, sql: &'static str) {
    let mut connection = connect(place).await;
    for sql in [
        "DROP TRIGGER event_is_never_updated",
        "DROP TRIGGER event_is_never_deleted",
        sql,
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn a_scan_goes_on_after_a_leaf_it_cannot_read_and_says_which() {
    let (place, running) = filled(10).await;
    running.stop().await;
    damage(
        &place,
        "UPDATE event SET leaf = CAST('{}' AS BLOB) WHERE log_index = 4",
    )
    .await;
    let reader = Reader::open(&place.log.0, 2).await.unwrap();
    let mut pages = pin!(scan::scan(&reader, 0, 10));
    let page = pages.next().await.unwrap().unwrap();
    let unread: Vec<u64> = page
        .iter()
        .filter(|scanned| scanned.recorded.is_err())
        .map(|scanned| scanned.index)
        .collect();
    assert_eq!((page.len(), unread), (10, vec![4]));
}

#[tokio::test]
async fn damage_is_found_wherever_it_is() {
    let damages = [
        "UPDATE event SET leaf = replace(leaf, '0', '1') WHERE log_index = 9",
        "DELETE FROM event WHERE log_index = 9",
        "DELETE FROM event WHERE log_index = 3",
        "UPDATE event SET leaf = CAST(leaf || x'0a' || leaf AS BLOB) WHERE log_index = 3",
    ];
    for sql in damages {
        let (place, running) = filled(10).await;
        let root = running.writer.served().head.root;
        running.stop().await;
        damage(&place, sql).await;
        let reader = Reader::open(&place.log.0, 2).await.unwrap();
        let (mut tree, mut damaged) = (Frontier::new(), false);
        let mut pages = pin!(scan::scan(&reader, 0, 10));
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => tree.extend(page.iter().map(|scanned| scanned.hash)),
                Err(StoreError::Corrupt(_)) => damaged = true,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(damaged || tree.root() != root, "{sql}");
    }
}

#[tokio::test]
async fn catching_up_goes_on_where_it_was_interrupted() {
    let (place, running) = filled(PAGE + 100).await;
    for n in 0..6 {
        running
            .append(vec![pushed(n % 2, n, "ruby")])
            .await
            .unwrap();
    }
    running.stop().await;
    let mut connection = connect(&place).await;
    for sql in [
        "UPDATE projection SET position = 0",
        "DELETE FROM gem_r1",
        "DELETE FROM release_r2",
        "DELETE FROM info_r2",
        "DELETE FROM version_line_r2",
        "DELETE FROM api_key_r1",
        // In the middle of the second slice of some projection, the disk is full.
        "CREATE TRIGGER stop BEFORE INSERT ON version_line_r2 BEGIN SELECT RAISE(ABORT, 'full'); END",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    let mut log = SqliteLog::open(&place.log.0).await.unwrap();
    let mut seen = Vec::new();
    let stopped = replay::catch_up(&mut log, |position, _| seen.push(position)).await;
    assert!(stopped.unwrap_err().to_string().contains("full"));
    assert!(seen.len() > 2);
    // The connection is usable: no transaction was left open.
    log.begin().await.unwrap_err();
    log.rollback().await.unwrap();
    drop(log);
    sqlx::query("DROP TRIGGER stop")
        .execute(&mut connection)
        .await
        .unwrap();
    let mut log = SqliteLog::open(&place.log.0).await.unwrap();
    replay::catch_up(&mut log, |_, _| {}).await.unwrap();
    place.audit().await;
}

#[tokio::test]
async fn two_processes_that_catch_up_at_once_do_each_slice_once() {
    let place = Place::<OnSqlite>::new();
    let running = place.open().await;
    for n in 0..40 {
        let drafts = (0..64).map(|m| {
            if m % 8 == 0 {
                pushed(0, 8 * n + m / 8, "ruby")
            } else {
                exchanged(64 * n + m)
            }
        });
        running.append(drafts.collect()).await.unwrap();
    }
    running.stop().await;
    let mut connection = connect(&place).await;
    for table in tables::ALL.iter().flat_map(|projection| projection.tables) {
        let sql = sqlx::AssertSqlSafe(format!("DROP TABLE {table}"));
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    sqlx::query("DELETE FROM projection")
        .execute(&mut connection)
        .await
        .unwrap();
    let again = || async {
        let mut log = SqliteLog::open(&place.log.0).await.unwrap();
        replay::catch_up(&mut log, |_, _| {}).await.unwrap();
    };
    tokio::join!(again(), again(), again());
    place.audit().await;
}

#[tokio::test]
async fn a_process_of_another_version_leaves_rows_behind_and_the_next_batch_brings_them_along() {
    let (place, running) = (Place::<OnSqlite>::new(), ());
    let () = running;
    let server = place.open().await;
    server.append(Step::Gem(0).drafts()).await.unwrap();
    // What the other version appended: leaves, and no rows of ours.
    let command = place.open().await;
    command
        .append(vec![pushed(0, 1, "ruby"), pushed(0, 2, "ruby")])
        .await
        .unwrap();
    command.stop().await;
    let mut connection = connect(&place).await;
    for sql in [
        "UPDATE gem_r1 SET releases = NULL, updated_at = NULL, latest_number = NULL, document = NULL",
        "DELETE FROM release_r2",
        "DELETE FROM info_r2",
        "DELETE FROM version_line_r2",
        "UPDATE projection SET position = 3 WHERE name IN ('gem_r1', 'release_r2', 'compact_index_r2')",
        "INSERT INTO projection VALUES ('theirs_r9', 1)",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    server.append(vec![pushed(0, 3, "ruby")]).await.unwrap();
    let theirs: i64 =
        sqlx::query_scalar("SELECT position FROM projection WHERE name = 'theirs_r9'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(
        theirs, 1,
        "their tables were not written, so their position stays"
    );
    sqlx::query("DELETE FROM projection WHERE name = 'theirs_r9'")
        .execute(&mut connection)
        .await
        .unwrap();
    place.audit().await;
}

#[tokio::test]
async fn a_reader_finds_leaves_streams_tiles_and_proofs() {
    let (place, running) = filled(300).await;
    running
        .append(vec![pushed(0, 1, "ruby"), pushed(0, 2, "ruby")])
        .await
        .unwrap();
    let reader = Reader::open(&place.log.0, 2).await.unwrap();
    let stored = place.audit().await;
    let events: Vec<Recorded> = reader.events(0, 400).await.unwrap();
    assert_eq!(events.len(), 302);
    assert_eq!(
        reader.leaf(301).await.unwrap().unwrap(),
        stored.events[301].leaf
    );
    assert!(reader.leaf(302).await.unwrap().is_none());
    let gem = events[300].event.stream.clone();
    assert_eq!(reader.stream(&gem, 1, 9).await.unwrap(), events[301..]);
    assert_eq!(
        reader.event(&gem, 0).await.unwrap().as_ref(),
        Some(&events[300])
    );
    assert!(reader.event(&gem, 2).await.unwrap().is_none());
    let tile = |width| tlog::TilePath::new(0, 1, width).unwrap();
    assert_eq!(reader.tile(tile(46)).await.unwrap().unwrap().len(), 46 * 32);
    assert!(reader.tile(tile(47)).await.unwrap().is_none());
    for size in [1, 2, 255, 256, 257, 302] {
        let hashes: Vec<_> = stored.events[..size]
            .iter()
            .map(|event| tlog::leaf_hash(&event.leaf))
            .collect();
        let (size, root) = (u64::try_from(size).unwrap(), tlog::root_of(&hashes));
        for (index, hash) in (0..).zip(&hashes) {
            let paths = tlog::tiles_for_inclusion(index, size).unwrap();
            let tiles = reader.tiles(&paths).await.unwrap();
            let proof = tlog::inclusion_proof(index, size, &tiles).unwrap();
            tlog::verify_inclusion(hash, index, size, &proof, &root).unwrap();
        }
    }
}
