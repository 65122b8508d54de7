//! The log on SQLite: one file, write-ahead log, every commit on disk before it is answered.
use std::{collections::BTreeMap, path::Path};

use events::stream::StreamName;
use projections::index::Info;
use sqlx::SqliteConnection;

use super::{Backend, Batch, Head, StoreError, replay, sink};

mod copy;
mod file;
mod import;
mod statements;

pub use copy::{copy_into, settle};
pub(super) use file::scribe;
pub use file::{checkpoint, readers};
pub use import::Importer;
pub(crate) use statements::integer;
pub(super) use statements::{
    anonymous, execute, natural, prepared, read_head, read_info, read_leaves, read_leaves_at,
    read_page, read_tile, split_page,
};

/// The connection that writes.
pub struct SqliteLog {
    connection: SqliteConnection,
}

/// What SQLite says of a file that is not a database, or not a sound one: `SQLITE_CORRUPT` and `SQLITE_NOTADB`.
const DAMAGED: [i64; 2] = [11, 26];

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
pub(super) fn database(error: sqlx::Error) -> StoreError {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    let primary = code.and_then(|code| code.parse::<i64>().ok());
    match primary.map(|code| code & 0xff) {
        Some(code) if DAMAGED.contains(&code) => StoreError::Corrupt(error.to_string()),
        _ => StoreError::Database(error.to_string()),
    }
}

impl SqliteLog {
    /// Opens the log in this file, and makes its tables if the file is new.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = file::writer(path).await?;
        Ok(Self { connection })
    }

    /// The connection itself, for whoever catches up projections.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}

impl Backend for SqliteLog {
    async fn begin(&mut self) -> Result<(), StoreError> {
        execute(&mut self.connection, sqlx::query("BEGIN IMMEDIATE")).await?;
        replay::catch_up_within(&mut self.connection).await
    }

    async fn head(&mut self) -> Result<Head, StoreError> {
        read_head(&mut self.connection).await
    }

    async fn streams(
        &mut self,
        names: &[StreamName],
    ) -> Result<BTreeMap<StreamName, Vec<Vec<u8>>>, StoreError> {
        statements::read_streams(&mut self.connection, names).await
    }

    async fn info(&mut self, gem: &str) -> Result<Option<Info>, StoreError> {
        read_info(&mut self.connection, gem).await
    }

    async fn taken(&mut self, unique: &str) -> Result<bool, StoreError> {
        let query = sqlx::query_scalar("SELECT 1 FROM vault WHERE unique_hash = ?");
        let found: Option<i64> = query
            .bind(unique.to_owned())
            .fetch_optional(&mut self.connection)
            .await
            .map_err(database)?;
        Ok(found.is_some())
    }

    async fn tile(&mut self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        read_tile(&mut self.connection, level, index).await
    }

    async fn write(&mut self, batch: Batch) -> Result<(), StoreError> {
        let connection = &mut self.connection;
        statements::move_head(connection, &batch.before, &batch.after).await?;
        statements::insert_events(connection, batch.before.size, batch.events).await?;
        statements::put_tiles(connection, batch.tiles).await?;
        statements::insert_vault(connection, batch.vault).await?;
        for statement in sink::statements(&batch.rows) {
            execute(connection, prepared(statement)).await?;
        }
        replay::moved_with(connection, batch.after.size).await
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        match sqlx::query("COMMIT").execute(&mut self.connection).await {
            Ok(_) => Ok(()),
            // SQLITE_BUSY and SQLITE_FULL: the commit record could not be written, so nothing was kept. Anything else, a
            // failed sync above all, may have reached the disk or not.
            Err(sqlx::Error::Database(error))
                if matches!(error.code().as_deref(), Some("5" | "13")) =>
            {
                Err(StoreError::Database(error.to_string()))
            }
            Err(error) => Err(StoreError::InDoubt(error.to_string())),
        }
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        let query = sqlx::query("ROLLBACK");
        execute(&mut self.connection, query).await.map(|_| ())
    }

    async fn leaves(&mut self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        read_leaves(&mut self.connection, from, to).await
    }
}
