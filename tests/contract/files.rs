//! The database file: what is not ours is left alone, a full disk loses nothing, and the write-ahead log stays short.
use std::{fs, path::Path, process::Command};

use gemledger::store::{
    StoreError,
    sqlite::{self, SqliteLog},
    writer::AppendError,
};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::support::{
    history::{exchanged, key_issued, pushed},
    store::{OnSqlite, Place},
};

async fn execute(path: &Path, sql: &str) {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_schema_is_refused_and_left_as_it_was() {
    let place = Place::<OnSqlite>::new();
    place.open().await.stop().await;
    execute(&place.log.0, "PRAGMA user_version = 99").await;
    let before = fs::read(&place.log.0).unwrap();
    let error = SqliteLog::open(&place.log.0)
        .await
        .err()
        .unwrap()
        .to_string();
    assert_eq!(
        error,
        "the database failed: the database has schema 99 and this gemledger knows 2: use the newer gemledger that wrote it"
    );
    assert_eq!(fs::read(&place.log.0).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_gemledger_database_is_refused_and_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let contents = [
        "CREATE TABLE theirs (a)",
        "PRAGMA application_id = 1",
        "PRAGMA user_version = 1; CREATE TABLE theirs (a)",
    ];
    for sql in contents {
        let _ = fs::remove_file(&path);
        execute(&path, sql).await;
        let before = fs::read(&path).unwrap();
        let error = SqliteLog::open(&path).await.err().unwrap();
        assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
        assert!(
            error.to_string().contains("is not a gemledger database"),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    fs::write(&path, b"no database at all, and longer than the header of one, which has a hundred bytes: %%%%%%%").unwrap();
    let error = SqliteLog::open(&path).await.err().unwrap();
    assert!(
        error.to_string().contains("file is not a database"),
        "{error}"
    );
}

/// A file system of its own, of two megabytes at first.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Only root may mount one.
    fn mount() -> Option<Self> {
        let disk = Self(tempfile::tempdir().unwrap());
        disk.run("mount", &["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .then_some(disk)
    }

    fn grow(&self) {
        assert!(self.run("mount", &["-o", "remount,size=16m"]));
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let mut command = Command::new(program);
        let output = command.args(arguments).arg(self.0.path()).output();
        output.is_ok_and(|output| output.status.success())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        self.run("umount", &[]);
    }
}

#[tokio::test]
async fn a_full_disk_refuses_appends_loses_nothing_and_is_forgotten_once_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let place = Place::<OnSqlite>::new();
    let path = disk.0.path().join("log.db");
    let place = place.with(OnSqlite(path));
    let running = place.open().await;
    let mut number = 0;
    let text = loop {
        let drafts = vec![
            exchanged(number),
            key_issued(number),
            pushed(0, number, "ruby"),
        ];
        match running.append(drafts).await {
            Ok(_) => number += 1,
            Err(AppendError::Unavailable(text)) => break text,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(text.contains("database or disk is full"), "{text}");
    assert!(number > 10);
    assert_eq!(place.audit().await.head.size, 3 * number);
    assert!(
        running
            .append((0..99).map(exchanged).collect())
            .await
            .is_err()
    );
    disk.grow();
    running
        .append(vec![pushed(0, number, "ruby")])
        .await
        .unwrap();
    place.audit().await;
    assert!(running.stop().await.is_none());
    let running = place.open().await;
    running
        .append(vec![pushed(0, number + 1, "ruby")])
        .await
        .unwrap();
    place.audit().await;
    running.stop().await;
    drop(place);
    drop(disk);
}

#[tokio::test]
async fn the_write_ahead_log_starts_over_where_a_task_moves_it() {
    let place = Place::<OnSqlite>::new();
    let running = place.open().await;
    let mut lengths = Vec::new();
    for round in 0..6 {
        running
            .append((0..100).map(|n| exchanged(100 * round + n)).collect())
            .await
            .unwrap();
        sqlite::checkpoint(&place.log.0).await.unwrap();
        lengths.push(fs::metadata(place.path("log.db-wal")).unwrap().len());
        place.audit().await;
    }
    assert!(
        lengths.iter().all(|length| *length < 2 * lengths[1]),
        "{lengths:?}"
    );
}
