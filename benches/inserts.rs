//! The ceiling of the database: the same leaves into the same table, in the same batches, each batch on disk before the
//! next begins, and nothing else: no decision, no tree, no rows, no signature.
use std::path::Path;

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::watch::{Took, Watch};

/// The log's own table and index, without its triggers.
const DDL: &str = "CREATE TABLE event (log_index INTEGER PRIMARY KEY, stream TEXT NOT NULL, revision INTEGER NOT NULL, leaf BLOB NOT NULL);
    CREATE UNIQUE INDEX event_stream ON event (stream, revision);";
/// Rows of one statement.
const ROWS: usize = 64;

/// An event as it is inserted.
#[derive(Clone)]
pub(crate) struct Row {
    /// Its stream.
    pub(crate) stream: String,
    /// Its place there.
    pub(crate) revision: i64,
    /// Its bytes.
    pub(crate) leaf: Vec<u8>,
}

/// Leaves a second, inserted into a new database in this folder batch by batch.
pub(crate) fn per_second(folder: &Path, batches: &[Vec<Row>]) -> anyhow::Result<Took> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let folder = tempfile::tempdir_in(folder)?;
    runtime.block_on(insert(&folder.path().join("bare.db"), batches))
}

async fn insert(path: &Path, batches: &[Vec<Row>]) -> anyhow::Result<Took> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "0")
        .statement_cache_capacity(256)
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    sqlx::raw_sql(DDL).execute(&mut connection).await?;
    let (copy, mut index) = (batches.to_vec(), 0);
    let watch = Watch::start();
    for batch in copy {
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut connection)
            .await?;
        index = insert_batch(&mut connection, batch, index).await?;
        sqlx::query("COMMIT").execute(&mut connection).await?;
    }
    Ok(watch.stop(batches.iter().map(Vec::len).sum()))
}

async fn insert_batch(
    connection: &mut SqliteConnection,
    batch: Vec<Row>,
    mut index: i64,
) -> anyhow::Result<i64> {
    let mut rows = batch.into_iter();
    loop {
        let some: Vec<Row> = rows.by_ref().take(ROWS).collect();
        if some.is_empty() {
            return Ok(index);
        }
        let values = vec!["(?, ?, ?, ?)"; some.len()].join(", ");
        let sql = format!("INSERT INTO event (log_index, stream, revision, leaf) VALUES {values}");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in some {
            query = query
                .bind(index)
                .bind(row.stream)
                .bind(row.revision)
                .bind(row.leaf);
            index += 1;
        }
        query.execute(&mut *connection).await?;
    }
}
