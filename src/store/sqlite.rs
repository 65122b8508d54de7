//! The log on SQLite: one file, write-ahead log, every commit on disk before it is answered.
use std::{collections::BTreeMap, path::Path, time::Duration};

use events::{stream::StreamName, time::Timestamp};
use projections::{Cell, tables};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, SqliteConnection,
    query::Query,
    sqlite::{
        Sqlite, SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool,
        SqlitePoolOptions, SqliteSynchronous,
    },
};
use tlog::Hash;

use super::{
    Backend, Batch, Head, StoreError,
    sink::{self, Statement, chunked, placeholders},
};

/// The log's tables, in the order they came to be. The database's `user_version` says how many it has.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/sqlite/0001_log.sql")];
/// Marks the file as ours (`PRAGMA application_id`), so that no other database is taken for a ledger.
const APPLICATION_ID: i64 = 0x67_65_6d_6c;

/// The connection that writes.
pub struct SqliteLog {
    connection: SqliteConnection,
}

fn database(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(error)
            if error.is_unique_violation() && error.message().contains("vault.unique_hash") =>
        {
            StoreError::Duplicate
        }
        error => StoreError::Database(error.to_string()),
    }
}

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

impl SqliteLog {
    /// Opens the log in this file, and makes its tables if the file is new.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = options(path)
            .create_if_missing(true)
            .connect()
            .await
            .map_err(database)?;
        migrate(&mut connection).await?;
        Ok(Self { connection })
    }

    /// The connection itself, for whoever catches up projections.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

/// Connections that read, each on a snapshot of its own.
pub async fn readers(path: &Path, connections: u32) -> Result<SqlitePool, StoreError> {
    let options = options(path).read_only(true);
    SqlitePoolOptions::new()
        .max_connections(connections)
        .connect_with(options)
        .await
        .map_err(database)
}

/// Moves what the write-ahead log holds into the database file, as far as readers allow. Called from a task, so that no
/// commit pays for it.
pub async fn checkpoint(path: &Path) -> Result<(), StoreError> {
    let mut connection = options(path).connect().await.map_err(database)?;
    sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
        .execute(&mut connection)
        .await
        .map_err(database)?;
    connection.close().await.map_err(database)
}

async fn pragma(connection: &mut SqliteConnection, sql: &'static str) -> Result<i64, StoreError> {
    sqlx::query_scalar(sql)
        .fetch_one(connection)
        .await
        .map_err(database)
}

async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *connection)
        .await
        .map_err(database)?;
    let application = pragma(connection, "PRAGMA application_id").await?;
    let version =
        usize::try_from(pragma(connection, "PRAGMA user_version").await?).unwrap_or(usize::MAX);
    if (version > 0 && application != APPLICATION_ID) || (version == 0 && application != 0) {
        return Err(StoreError::Corrupt(
            "the file is not a gemledger database".into(),
        ));
    }
    let Some(missing) = MIGRATIONS.get(version..) else {
        return Err(StoreError::Database(format!(
            "the database has schema {version} and this gemledger knows {}: use the newer gemledger that wrote it",
            MIGRATIONS.len()
        )));
    };
    for sql in missing {
        sqlx::raw_sql(*sql)
            .execute(&mut *connection)
            .await
            .map_err(database)?;
    }
    if !missing.is_empty() {
        let sql = format!(
            "PRAGMA user_version = {}; PRAGMA application_id = {APPLICATION_ID}",
            MIGRATIONS.len()
        );
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .map_err(database)?;
    }
    sqlx::query("COMMIT")
        .execute(connection)
        .await
        .map_err(database)?;
    Ok(())
}

type Prepared = Query<'static, Sqlite, SqliteArguments>;

/// Binds cells in their order.
pub(super) fn prepared(statement: Statement) -> Prepared {
    let mut query = sqlx::query(AssertSqlSafe(statement.sql));
    for cell in statement.arguments {
        query = match cell {
            Cell::Null => query.bind(None::<String>),
            Cell::Integer(value) => query.bind(value),
            Cell::Text(text) => query.bind(text),
        };
    }
    query
}

pub(super) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn natural(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// Reads the head row.
pub(super) async fn read_head(connection: &mut SqliteConnection) -> Result<Head, StoreError> {
    let row = sqlx::query("SELECT size, root, time FROM head WHERE id = 1")
        .fetch_one(connection)
        .await
        .map_err(database)?;
    let root: &[u8] = row.try_get(1).map_err(database)?;
    let root =
        Hash::from_slice(root).ok_or_else(|| StoreError::Corrupt("the root of the head".into()))?;
    let (size, time): (i64, i64) = (
        row.try_get(0).map_err(database)?,
        row.try_get(2).map_err(database)?,
    );
    Ok(Head {
        size: natural(size),
        root,
        time: Timestamp::from_millis(natural(time)),
    })
}

impl Backend for SqliteLog {
    async fn begin(&mut self) -> Result<(), StoreError> {
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut self.connection)
            .await
            .map_err(database)?;
        Ok(())
    }

    async fn head(&mut self) -> Result<Head, StoreError> {
        read_head(&mut self.connection).await
    }

    async fn streams(
        &mut self,
        names: &[StreamName],
    ) -> Result<BTreeMap<StreamName, Vec<Vec<u8>>>, StoreError> {
        let mut found = BTreeMap::<StreamName, Vec<Vec<u8>>>::new();
        for names in chunked(names) {
            let list: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
            let sql = format!(
                "SELECT stream, leaf FROM event WHERE stream IN ({}) ORDER BY stream, revision",
                list.join(", ")
            );
            let query = names
                .iter()
                .fold(sqlx::query(AssertSqlSafe(sql)), |query, name| {
                    query.bind(name.as_str().to_owned())
                });
            for row in query
                .fetch_all(&mut self.connection)
                .await
                .map_err(database)?
            {
                let name: &str = row.try_get(0).map_err(database)?;
                let leaf: Vec<u8> = row.try_get(1).map_err(database)?;
                let known = names.iter().find(|known| known.as_str() == name);
                if let Some(name) = known {
                    found.entry(name.clone()).or_default().push(leaf);
                }
            }
        }
        Ok(found)
    }

    async fn info(&mut self, gem: &str) -> Result<Option<String>, StoreError> {
        let sql = format!("SELECT body FROM {} WHERE gem = $1", tables::INFO);
        let row = sqlx::query_scalar(AssertSqlSafe(sql)).bind(gem.to_owned());
        row.fetch_optional(&mut self.connection)
            .await
            .map_err(database)
    }

    async fn tile(&mut self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        read_tile(&mut self.connection, level, index).await
    }

    async fn write(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let connection = &mut self.connection;
        let head = sqlx::query("UPDATE head SET size = $1, root = $2, time = $3 WHERE id = 1 AND size = $4 AND root = $5")
            .bind(integer(batch.after.size))
            .bind(batch.after.root.as_bytes().to_vec())
            .bind(integer(batch.after.time.millis()))
            .bind(integer(batch.before.size))
            .bind(batch.before.root.as_bytes().to_vec());
        if head
            .execute(&mut *connection)
            .await
            .map_err(database)?
            .rows_affected()
            != 1
        {
            return Err(StoreError::Moved);
        }
        insert_events(connection, batch).await?;
        for tile in &batch.tiles {
            let sql = "INSERT INTO tile (level, tile_index, hashes) VALUES ($1, $2, $3)
                       ON CONFLICT (level, tile_index) DO UPDATE SET hashes = excluded.hashes";
            let query = sqlx::query(sql)
                .bind(i64::from(tile.level))
                .bind(integer(tile.index))
                .bind(tile.hashes.clone());
            query.execute(&mut *connection).await.map_err(database)?;
        }
        insert_vault(connection, batch).await?;
        for statement in sink::statements(&batch.rows) {
            prepared(statement)
                .execute(&mut *connection)
                .await
                .map_err(database)?;
        }
        let position =
            sqlx::query("UPDATE projection SET position = $1").bind(integer(batch.after.size));
        position.execute(connection).await.map_err(database)?;
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        match sqlx::query("COMMIT").execute(&mut self.connection).await {
            Ok(_) => Ok(()),
            // SQLite answers a commit that it could not take with an error and leaves the transaction open: a full disk
            // or a busy database kept nothing. Anything else is in doubt.
            Err(sqlx::Error::Database(error))
                if matches!(error.code().as_deref(), Some("5" | "13" | "3338")) =>
            {
                Err(StoreError::Database(error.to_string()))
            }
            Err(error) => Err(StoreError::InDoubt(error.to_string())),
        }
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        sqlx::query("ROLLBACK")
            .execute(&mut self.connection)
            .await
            .map_err(database)?;
        Ok(())
    }

    async fn leaves(&mut self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        read_leaves(&mut self.connection, from, to).await
    }
}

async fn insert_events(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    let mut index = integer(batch.before.size);
    for events in chunked(&batch.events) {
        let sql = format!(
            "INSERT INTO event (log_index, stream, revision, leaf) VALUES {}",
            placeholders(events.len(), 4)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for event in events {
            let stream = event.stream.as_str().to_owned();
            query = query
                .bind(index)
                .bind(stream)
                .bind(integer(event.revision))
                .bind(event.leaf.clone());
            index += 1;
        }
        query.execute(&mut *connection).await.map_err(database)?;
    }
    Ok(())
}

async fn insert_vault(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    for rows in chunked(&batch.vault) {
        let values = placeholders(rows.len(), 4);
        let sql =
            format!("INSERT INTO vault (commitment, subject, sealed, unique_hash) VALUES {values}");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in rows {
            let subject = row.subject.as_str().to_owned();
            query = query
                .bind(row.commitment.clone())
                .bind(subject)
                .bind(row.sealed.clone())
                .bind(row.unique.clone());
        }
        query.execute(&mut *connection).await.map_err(database)?;
    }
    Ok(())
}

/// A stored tile.
pub(super) async fn read_tile(
    connection: &mut SqliteConnection,
    level: u8,
    index: u64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let query = sqlx::query_scalar("SELECT hashes FROM tile WHERE level = $1 AND tile_index = $2");
    query
        .bind(i64::from(level))
        .bind(integer(index))
        .fetch_optional(connection)
        .await
        .map_err(database)
}

/// The leaves of a range of the log.
pub(super) async fn read_leaves(
    connection: &mut SqliteConnection,
    from: u64,
    to: u64,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let sql = "SELECT leaf FROM event WHERE log_index >= $1 AND log_index < $2 ORDER BY log_index";
    let query = sqlx::query_scalar(sql)
        .bind(integer(from))
        .bind(integer(to));
    query.fetch_all(connection).await.map_err(database)
}
