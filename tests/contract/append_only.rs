//! The database itself holds the log append-only, also against whoever opens it with another program.
use std::process::Command;

use gemledger::store::sqlite::SqliteLog;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use crate::support::{
    history::{exchanged, pushed},
    store::{OnSqlite, Place},
};

/// Each would change the past, leave a gap, or put something where it does not belong. The log holds four events, the
/// last two of them of one stream.
const ATTEMPTS: [&str; 19] = [
    "UPDATE event SET leaf = x'7b7d' WHERE log_index = 1",
    "UPDATE event SET log_index = 9 WHERE log_index = 3",
    "UPDATE OR REPLACE event SET log_index = 0 WHERE log_index = 3",
    "UPDATE OR IGNORE event SET revision = 7",
    "UPDATE event SET leaf = leaf",
    "DELETE FROM event WHERE log_index = 3",
    "DELETE FROM event",
    "INSERT OR REPLACE INTO event VALUES (1, 'gem/rake', 2, x'7b7d')",
    "INSERT OR REPLACE INTO event SELECT log_index, stream, revision, x'7b7d' FROM event WHERE log_index = 1",
    "INSERT OR REPLACE INTO event VALUES (4, 'gem/rake', 0, x'7b7d')",
    "INSERT OR REPLACE INTO event VALUES (4, 'gem/rake', 1, x'7b7d')",
    "REPLACE INTO event SELECT 4, stream, revision, leaf FROM event WHERE log_index = 0",
    "INSERT INTO event VALUES (1, 'gem/rake', 2, x'7b7d') ON CONFLICT (log_index) DO UPDATE SET leaf = x'7b7d'",
    "INSERT INTO event VALUES (4, 'gem/rake', 1, x'7b7d') ON CONFLICT (stream, revision) DO UPDATE SET leaf = x'7b7d'",
    "INSERT INTO event VALUES (5, 'gem/rake', 2, x'7b7d')",
    "INSERT INTO event VALUES (-1, 'gem/rake', 2, x'7b7d')",
    "INSERT INTO event VALUES (4, 'gem/rake', 3, x'7b7d')",
    "INSERT INTO event VALUES (4, 'gem/rack', 1, x'7b7d')",
    "INSERT INTO event VALUES (NULL, 'gem/rake', 2, x'7b7d')",
];

async fn with_four_events() -> Place<OnSqlite> {
    let place = Place::<OnSqlite>::new();
    let running = place.open().await;
    running
        .append(vec![exchanged(0), exchanged(1)])
        .await
        .unwrap();
    running
        .append(vec![pushed(0, 1, "ruby"), pushed(0, 2, "ruby")])
        .await
        .unwrap();
    running.stop().await;
    place
}

#[tokio::test]
async fn the_past_cannot_be_changed_through_a_connection_of_ours() {
    let place = with_four_events().await;
    let url = format!("sqlite://{}", place.log.0.display());
    for recursive in ["OFF", "ON"] {
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        let pragma = AssertSqlSafe(format!("PRAGMA recursive_triggers = {recursive}"));
        sqlx::query(pragma).execute(&mut connection).await.unwrap();
        for sql in ATTEMPTS {
            let refused = sqlx::query(sql).execute(&mut connection).await;
            let error = refused.expect_err(sql).to_string();
            assert!(error.contains("the log is append-only"), "{sql}: {error}");
        }
        connection.close().await.unwrap();
        place.audit().await;
    }
}

#[tokio::test]
async fn the_past_cannot_be_changed_with_the_sqlite3_shell() {
    let place = with_four_events().await;
    for pragmas in [
        "",
        "PRAGMA recursive_triggers = ON;",
        "PRAGMA recursive_triggers = OFF; PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;",
        "PRAGMA defer_foreign_keys = ON; PRAGMA synchronous = OFF;",
    ] {
        for sql in ATTEMPTS {
            let shell = Command::new("sqlite3")
                .args(["-cmd", ".timeout 10000"])
                .arg(&place.log.0)
                .arg(format!("{pragmas} {sql};"))
                .output()
                .expect("the sqlite3 shell is installed (apt-get install sqlite3)");
            let error = String::from_utf8_lossy(&shell.stderr);
            assert!(
                error.contains("the log is append-only"),
                "{pragmas} {sql}: {error}"
            );
            assert!(!shell.status.success());
        }
        place.audit().await;
    }
}

#[tokio::test]
async fn what_somebody_appended_by_hand_is_not_signed() {
    let place = with_four_events().await;
    let url = format!("sqlite://{}", place.log.0.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let sql = "INSERT INTO event VALUES (4, 'gem/rake', 2, x'7b7d')";
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    let error = place
        .core(crate::support::store::Kind::connect(&place.log).await)
        .await;
    let error = error.err().unwrap().to_string();
    assert_eq!(
        error,
        "the log is damaged: there are leaves beyond the head"
    );
    assert_eq!(place.anchor().read().unwrap().unwrap().checkpoint.size(), 4);
}

#[tokio::test]
async fn a_head_or_tile_that_was_changed_by_hand_is_not_signed() {
    let changes = [
        "UPDATE head SET size = 3",
        "UPDATE head SET size = 5",
        "UPDATE head SET root = zeroblob(32)",
        "DELETE FROM head",
        "UPDATE tile SET hashes = zeroblob(128)",
        "UPDATE tile SET hashes = substr(hashes, 1, 96)",
        "DELETE FROM tile",
    ];
    for sql in changes {
        let place = with_four_events().await;
        let url = format!("sqlite://{}", place.log.0.display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let log = SqliteLog::open(&place.log.0).await.unwrap();
        assert!(place.core(log).await.is_err(), "{sql}");
        let anchored = place.anchor().read().unwrap().unwrap();
        assert_eq!(anchored.checkpoint.size(), 4, "{sql}");
    }
}
