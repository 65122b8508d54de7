//! Replay: the read tables again, from the log alone. Start-up, time travel and checking are the same reading.
use std::{collections::BTreeMap, path::Path};

use events::Recorded;
use projections::{
    Write,
    index::{self, Info},
    rows, tables,
    tables::Projection,
};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Row as _, SqliteConnection,
    TypeInfo as _, ValueRef as _,
    sqlite::{SqliteConnectOptions, SqliteRow},
};

use super::{
    StoreError,
    reader::{PAGE, Reader},
    sink, sqlite,
    sqlite::{SqliteLog, prepared},
};

fn failed(error: sqlx::Error) -> StoreError {
    StoreError::Database(error.to_string())
}

/// Makes the tables of projections that this database does not have, and fills the ones that lag behind the log.
///
/// A new revision of a projection is a new name, so it is simply one that is missing. Each slice is a transaction of its
/// own: if we crash here, the next start goes on where this one stopped.
pub async fn catch_up(
    log: &mut SqliteLog,
    mut progress: impl FnMut(u64, u64),
) -> Result<(), StoreError> {
    let connection = log.connection();
    for projection in tables::ALL {
        let known: Option<i64> =
            sqlx::query_scalar("SELECT position FROM projection WHERE name = $1")
                .bind(projection.name)
                .fetch_optional(&mut *connection)
                .await
                .map_err(failed)?;
        if known.is_none() {
            sqlx::query("BEGIN IMMEDIATE")
                .execute(&mut *connection)
                .await
                .map_err(failed)?;
            sqlx::raw_sql(projection.ddl)
                .execute(&mut *connection)
                .await
                .map_err(failed)?;
            let insert = sqlx::query("INSERT INTO projection (name, position) VALUES ($1, 0)")
                .bind(projection.name);
            insert.execute(&mut *connection).await.map_err(failed)?;
            sqlx::query("COMMIT")
                .execute(&mut *connection)
                .await
                .map_err(failed)?;
        }
        let mut infos = BTreeMap::new();
        while catch_up_slice(connection, projection, &mut infos, &mut progress).await? {}
    }
    Ok(())
}

/// One slice of one projection; false once it is at the head.
async fn catch_up_slice(
    connection: &mut SqliteConnection,
    projection: Projection,
    infos: &mut BTreeMap<String, Info>,
    progress: &mut impl FnMut(u64, u64),
) -> Result<bool, StoreError> {
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let head = sqlite::read_head(connection).await?;
    let position: i64 = sqlx::query_scalar("SELECT position FROM projection WHERE name = $1")
        .bind(projection.name)
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let from = sqlite::natural(position);
    let to = head.size.min(from + PAGE);
    let mut events = Vec::new();
    for (index, leaf) in (from..).zip(sqlite::read_leaves(connection, from, to).await?) {
        events.push(Recorded {
            index,
            event: events::Event::read(&leaf)?,
        });
    }
    load_infos(connection, projection, &events, infos).await?;
    apply(connection, &events, &[projection], infos).await?;
    let moved = sqlx::query("UPDATE projection SET position = $1 WHERE name = $2")
        .bind(sqlite::integer(to))
        .bind(projection.name);
    moved.execute(&mut *connection).await.map_err(failed)?;
    sqlx::query("COMMIT")
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    progress(to, head.size);
    Ok(to < head.size)
}

/// After a restart in the middle, the folds go on from the rows that they wrote.
async fn load_infos(
    connection: &mut SqliteConnection,
    projection: Projection,
    events: &[Recorded],
    infos: &mut BTreeMap<String, Info>,
) -> Result<(), StoreError> {
    if !projection.tables.contains(&tables::INFO) {
        return Ok(());
    }
    for gem in events.iter().filter_map(index::key) {
        if !infos.contains_key(gem) {
            let sql = format!("SELECT body FROM {} WHERE gem = $1", tables::INFO);
            let body: Option<String> = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(gem.to_owned())
                .fetch_optional(&mut *connection)
                .await
                .map_err(failed)?;
            infos.insert(
                gem.to_owned(),
                body.map_or_else(Info::default, |body| Info { body }),
            );
        }
    }
    Ok(())
}

/// Writes what these events mean into the tables of these projections.
async fn apply(
    connection: &mut SqliteConnection,
    events: &[Recorded],
    projections: &[Projection],
    infos: &mut BTreeMap<String, Info>,
) -> Result<(), StoreError> {
    let mut writes = Vec::new();
    let folds = projections
        .iter()
        .any(|projection| projection.tables.contains(&tables::INFO));
    for recorded in events {
        writes.extend(rows::project(recorded));
        if let Some(gem) = index::key(recorded).filter(|_| folds) {
            writes.extend(index::fold(
                infos.entry(gem.to_owned()).or_default(),
                recorded,
            ));
        }
    }
    writes.retain(|write| {
        projections
            .iter()
            .any(|projection| projection.tables.contains(&table(write)))
    });
    for statement in sink::statements(&writes) {
        prepared(statement)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

fn table(write: &Write) -> &'static str {
    match write {
        Write::Put { table, .. } | Write::Add { table, .. } | Write::Delete { table, .. } => table,
    }
}

/// Read tables that are built from a log into a database of their own.
pub struct Rebuilt {
    connection: SqliteConnection,
    infos: BTreeMap<String, Info>,
}

impl Rebuilt {
    /// Empty tables in a new file, or in memory.
    pub async fn create(path: Option<&Path>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().disable_statement_logging();
        let options = match path {
            Some(path) => options.filename(path).create_if_missing(true),
            None => options.in_memory(true),
        };
        let mut connection = options.connect().await.map_err(failed)?;
        for projection in tables::ALL {
            sqlx::raw_sql(projection.ddl)
                .execute(&mut connection)
                .await
                .map_err(failed)?;
        }
        Ok(Self {
            connection,
            infos: BTreeMap::new(),
        })
    }

    /// Takes the next events into account.
    pub async fn advance(&mut self, events: &[Recorded]) -> Result<(), StoreError> {
        sqlx::query("BEGIN")
            .execute(&mut self.connection)
            .await
            .map_err(failed)?;
        apply(&mut self.connection, events, &tables::ALL, &mut self.infos).await?;
        sqlx::query("COMMIT")
            .execute(&mut self.connection)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Every row of a table, in the order of its key, as text.
    pub async fn rows(&mut self, table: &str) -> Result<Vec<String>, StoreError> {
        dump(&mut self.connection, table).await
    }

    /// Closes the file.
    pub async fn close(self) -> Result<(), StoreError> {
        self.connection.close().await.map_err(failed)
    }
}

/// Every row of a live table, in the order of its key, as text.
pub async fn live_rows(reader: &Reader, table: &str) -> Result<Vec<String>, StoreError> {
    let mut connection = reader.pool().acquire().await.map_err(failed)?;
    dump(&mut connection, table).await
}

async fn dump(connection: &mut SqliteConnection, table: &str) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")))
        .fetch_all(connection)
        .await;
    let mut lines: Vec<String> = rows.map_err(failed)?.iter().map(line).collect();
    lines.sort_unstable();
    Ok(lines)
}

fn line(row: &SqliteRow) -> String {
    let cells = row.columns().iter().enumerate().map(|(at, column)| {
        let value = row.try_get_raw(at).ok();
        let text = match value.map(|value| (value.is_null(), value.type_info().name() == "TEXT")) {
            None | Some((true, _)) => "-".to_owned(),
            Some((false, true)) => row.try_get::<String, _>(at).unwrap_or_default(),
            Some((false, false)) => row.try_get::<i64, _>(at).unwrap_or_default().to_string(),
        };
        format!("{}={text:?}", column.name())
    });
    cells.collect::<Vec<_>>().join(" ")
}
