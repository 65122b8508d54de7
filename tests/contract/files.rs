//! The database file: what is not ours is left alone, a full disk loses nothing, and the write-ahead log stays short.
use std::{fs, path::Path};

use gemledger::store::{
    Backend, StoreError,
    sqlite::{self, SqliteLog},
    writer::AppendError,
};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::support::{
    history::{exchanged, key_issued, pushed},
    store::{Kind as _, OnSqlite, Place},
};

async fn execute(path: &Path, sql: &str) {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_schema_is_refused_and_left_as_it_was() {
    let place = Place::<OnSqlite>::new();
    place.open().await.stop().await;
    execute(&place.log.0, "PRAGMA user_version = 99").await;
    let before = fs::read(&place.log.0).unwrap();
    let error = SqliteLog::open(&place.log.0).await.err().unwrap().to_string();
    assert_eq!(
        error,
        "the database failed: the database has schema 99 and this gemledger knows 1: use the newer gemledger that wrote it"
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
        assert!(error.to_string().contains("is not a gemledger database"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    fs::write(&path, b"no database at all, and longer than the header of one, which has a hundred bytes: %%%%%%%").unwrap();
    let error = SqliteLog::open(&path).await.err().unwrap();
    assert!(error.to_string().contains("file is not a database"), "{error}");
}

/// The same log with a bound on its pages, as a disk that is nearly full.
async fn bounded(place: &Place<OnSqlite>, more: i64) -> Bounded {
    let mut log = place.log.connect().await;
    log.begin().await.unwrap();
    log.rollback().await.unwrap();
    Bounded { log, path: place.log.0.clone(), more }
}

struct Bounded {
    log: SqliteLog,
    path: std::path::PathBuf,
    more: i64,
}

/// A disk is full when the file system says so: this one is a file system of its own, of half a megabyte.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(self.0.path()).status();
    }
}
