//! The database file: how it is opened, made, recognised, and kept small.
use std::{path::Path, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
    },
};

use super::{StoreError, database, execute};

/// The log's tables, in the order they came to be. The database's `user_version` says how many it has.
const MIGRATIONS: [&str; 2] = [
    include_str!("../../../migrations/sqlite/0001_log.sql"),
    include_str!("../../../migrations/sqlite/0002_cosignature.sql"),
];
/// Marks the file as ours (`PRAGMA application_id`), so that no other database is taken for a ledger.
const APPLICATION_ID: i64 = 0x67_65_6d_6c;
/// Pages of write-ahead log, some 64 MB, beyond which a checkpoint makes writers wait so that the log starts over.
const LONG_LOG: i64 = 16_384;

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL may lose the last commits in a power cut, and a checkpoint beyond them would be signed already.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(10))
        .pragma("wal_autocheckpoint", "0")
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .statement_cache_capacity(256)
        .disable_statement_logging()
}

/// The connection that writes. The tables are made if the file is new.
pub(super) async fn writer(path: &Path) -> Result<SqliteConnection, StoreError> {
    if path.metadata().is_ok_and(|file| file.len() > 0) {
        // Before anything is set on it: a file of somebody else's is left as it was.
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        let mut connection = options.connect().await.map_err(database)?;
        missing(&mut connection).await?;
        connection.close().await.map_err(database)?;
    }
    // What undoes a single statement is kept in memory, not in a file that is made and deleted with each batch.
    let options = options(path)
        .pragma("temp_store", "MEMORY")
        .create_if_missing(true);
    let mut connection = options.connect().await.map_err(database)?;
    migrate(&mut connection).await?;
    Ok(connection)
}

/// Connections that read, each on a snapshot of its own.
pub async fn readers(path: &Path, connections: u32) -> Result<SqlitePool, StoreError> {
    let options = options(path).read_only(true);
    SqlitePoolOptions::new()
        .max_connections(connections)
        // A file does not hang up: a question before each question would only double the cost of reading.
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(database)
}

/// A connection that writes what may be lost: its commits are not synced, so that no event waits for them.
pub(in crate::store) async fn scribe(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = options(path).synchronous(SqliteSynchronous::Normal);
    options.connect().await.map_err(database)
}

/// Moves what the write-ahead log holds into the database file, as far as readers allow. Called from a task, so that no
/// commit pays for it.
///
/// Under constant load there is always a commit that was not moved yet, and the log would never start over. Once it is
/// long, writers wait for the short rest. The file keeps its length: writing over what is allocated costs a commit much
/// less than growing the file anew.
pub async fn checkpoint(path: &Path) -> Result<(), StoreError> {
    let mut connection = options(path).connect().await.map_err(database)?;
    let moved = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
        .fetch_one(&mut connection)
        .await;
    let pages: i64 = moved.and_then(|row| row.try_get(1)).map_err(database)?;
    if pages > LONG_LOG {
        let sql = "PRAGMA wal_checkpoint(RESTART)";
        let restarted = sqlx::query(sql).execute(&mut connection).await;
        restarted.map_err(database)?;
    }
    connection.close().await.map_err(database)
}

async fn pragma(connection: &mut SqliteConnection, sql: &'static str) -> Result<i64, StoreError> {
    let value = sqlx::query_scalar(sql).fetch_one(connection).await;
    value.map_err(database)
}

/// The migrations that this database has not seen.
async fn missing(connection: &mut SqliteConnection) -> Result<&'static [&'static str], StoreError> {
    let application = pragma(connection, "PRAGMA application_id").await?;
    let version = pragma(connection, "PRAGMA user_version").await?;
    let tables = pragma(connection, "SELECT count(*) FROM sqlite_schema").await?;
    let is_new = version == 0 && application == 0 && tables == 0;
    if !is_new && (version == 0 || application != APPLICATION_ID) {
        return Err(StoreError::Corrupt(
            "the file is not a gemledger database".into(),
        ));
    }
    let seen = usize::try_from(version).unwrap_or(usize::MAX);
    MIGRATIONS.get(seen..).ok_or_else(|| {
        StoreError::Database(format!(
            "the database has schema {version} and this gemledger knows {}: use the newer gemledger that wrote it",
            MIGRATIONS.len()
        ))
    })
}

/// If we crash here, the transaction is gone and the next start makes the tables.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    execute(connection, sqlx::query("BEGIN IMMEDIATE")).await?;
    let missing = missing(connection).await?;
    for sql in missing {
        let made = sqlx::raw_sql(*sql).execute(&mut *connection).await;
        made.map_err(database)?;
    }
    if !missing.is_empty() {
        let sql = format!(
            "PRAGMA user_version = {}; PRAGMA application_id = {APPLICATION_ID}",
            MIGRATIONS.len()
        );
        let marked = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection);
        marked.await.map_err(database)?;
    }
    execute(connection, sqlx::query("COMMIT")).await.map(|_| ())
}
