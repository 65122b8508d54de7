//! Replay: the read tables again, from the log alone. Start-up, time travel and checking are the same reading.
use std::{collections::BTreeMap, path::Path};

use events::{Recorded, digest::Digest};
use futures::TryStreamExt as _;
use projections::{
    Write,
    index::{self, Info},
    rows, tables,
    tables::Projection,
};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Row as _, SqliteConnection,
    TypeInfo as _, ValueRef as _,
    sqlite::{SqliteConnectOptions, SqliteRow, SqliteSynchronous},
};

use super::{
    StoreError,
    reader::{PAGE, Reader},
    sink, sqlite,
    sqlite::{SqliteLog, execute, prepared},
};

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
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
        let mut folds = Folds::default();
        loop {
            execute(connection, sqlx::query("BEGIN IMMEDIATE")).await?;
            let (position, size) = match slice(connection, projection, &mut folds).await {
                Ok(place) => place,
                Err(error) => {
                    execute(connection, sqlx::query("ROLLBACK")).await?;
                    return Err(error);
                }
            };
            execute(connection, sqlx::query("COMMIT")).await?;
            progress(position, size);
            if position == size {
                break;
            }
        }
    }
    Ok(())
}

/// The same within a transaction that is open, for projections that a process of another version left behind: it writes
/// the tables it knows and no others. It is the few events that came since [`catch_up`] was done.
pub(super) async fn catch_up_within(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT count(*) FROM projection, head WHERE position = size AND name IN ({})",
        names()
    );
    let at_head: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    if usize::try_from(at_head) == Ok(tables::ALL.len()) {
        return Ok(());
    }
    for projection in tables::ALL {
        let mut folds = Folds::default();
        loop {
            let (position, size) = slice(connection, projection, &mut folds).await?;
            if position == size {
                break;
            }
        }
    }
    Ok(())
}

/// Says that every projection of this version is at the new head, because its rows were written with the events.
pub(super) async fn moved_with(
    connection: &mut SqliteConnection,
    size: u64,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE projection SET position = ? WHERE name IN ({})",
        names()
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(sqlite::integer(size));
    execute(connection, query).await.map(|_| ())
}

fn names() -> String {
    tables::ALL
        .map(|projection| format!("'{}'", projection.name))
        .join(", ")
}

/// The states of a projection's folds between two slices.
#[derive(Default)]
struct Folds {
    position: u64,
    infos: BTreeMap<String, Info>,
}

/// One slice of one projection; answers where it stands now, and where the log ends.
async fn slice(
    connection: &mut SqliteConnection,
    projection: Projection,
    folds: &mut Folds,
) -> Result<(u64, u64), StoreError> {
    let head = sqlite::read_head(connection).await?;
    let from = position(connection, projection).await?;
    if from > head.size {
        let text = format!("the rows of {} are beyond the head", projection.name);
        return Err(StoreError::Corrupt(text));
    }
    let to = head.size.min(from.saturating_add(PAGE));
    if folds.position != from {
        // Another process did the slice before this one: what it wrote is in the rows.
        folds.infos.clear();
    }
    let mut events = Vec::new();
    for (index, leaf) in (from..).zip(sqlite::read_leaves(connection, from, to).await?) {
        let event = events::Event::read(&leaf)?;
        events.push(Recorded { index, event });
    }
    if u64::try_from(events.len()).ok() != Some(to - from) {
        let text = format!(
            "there are not {} leaves from log index {from} on",
            to - from
        );
        return Err(StoreError::Corrupt(text));
    }
    if projection.tables.contains(&tables::INFO) {
        load_infos(connection, &events, &mut folds.infos).await?;
    }
    apply(connection, &events, &[projection], &mut folds.infos).await?;
    let moved = sqlx::query("UPDATE projection SET position = $1 WHERE name = $2")
        .bind(sqlite::integer(to))
        .bind(projection.name);
    execute(connection, moved).await?;
    folds.position = to;
    Ok((to, head.size))
}

/// How far a projection has read the log. Its tables are made if they are not there.
async fn position(
    connection: &mut SqliteConnection,
    projection: Projection,
) -> Result<u64, StoreError> {
    let known: Option<i64> = sqlx::query_scalar("SELECT position FROM projection WHERE name = $1")
        .bind(projection.name)
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    if let Some(position) = known {
        return Ok(sqlite::natural(position));
    }
    let made = sqlx::raw_sql(projection.ddl).execute(&mut *connection);
    made.await.map_err(failed)?;
    let insert =
        sqlx::query("INSERT INTO projection (name, position) VALUES ($1, 0)").bind(projection.name);
    execute(connection, insert).await?;
    Ok(0)
}

/// After a restart in the middle, the folds go on from the rows that they wrote.
async fn load_infos(
    connection: &mut SqliteConnection,
    events: &[Recorded],
    infos: &mut BTreeMap<String, Info>,
) -> Result<(), StoreError> {
    for gem in events.iter().filter_map(index::key) {
        if !infos.contains_key(gem) {
            let info = sqlite::read_info(connection, gem).await?;
            infos.insert(gem.to_owned(), info.unwrap_or_default());
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
        execute(connection, prepared(statement)).await?;
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
}

impl Rebuilt {
    /// Empty tables in a new file, or in a temporary one that goes away with its connection.
    pub async fn create(path: Option<&Path>) -> Result<Self, StoreError> {
        // It can be made again at any time, so it need not survive a power cut.
        let options = SqliteConnectOptions::new()
            .filename(path.unwrap_or(Path::new("")))
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Off)
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(failed)?;
        for projection in tables::ALL {
            sqlx::raw_sql(projection.ddl)
                .execute(&mut connection)
                .await
                .map_err(failed)?;
        }
        Ok(Self { connection })
    }

    /// Takes the next events into account. What is folded is read from the rows again, so that no more is in memory
    /// than these events concern.
    pub async fn advance(&mut self, events: &[Recorded]) -> Result<(), StoreError> {
        let (connection, mut infos) = (&mut self.connection, BTreeMap::new());
        execute(connection, sqlx::query("BEGIN")).await?;
        load_infos(connection, events, &mut infos).await?;
        apply(connection, events, &tables::ALL, &mut infos).await?;
        execute(connection, sqlx::query("COMMIT")).await.map(|_| ())
    }

    /// The sum of a table.
    pub async fn sum(&mut self, table: &str) -> Result<Sum, StoreError> {
        sum(&mut self.connection, table).await
    }

    /// Closes the file.
    pub async fn close(self) -> Result<(), StoreError> {
        self.connection.close().await.map_err(failed)
    }
}

/// What a table holds, in whatever order: how many rows, and the sum of their SHA-256 digests. Two tables with the same
/// sum have the same rows, unless somebody chose the rows to that end; a million rows need not be in memory for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    rows: u64,
    digests: [u64; 4],
}

impl Sum {
    fn add(&mut self, row: &str) {
        self.rows += 1;
        let digest = Digest::of(row.as_bytes());
        let (parts, _) = digest.as_bytes().as_chunks::<8>();
        for (sum, part) in self.digests.iter_mut().zip(parts) {
            *sum = sum.wrapping_add(u64::from_be_bytes(*part));
        }
    }
}

/// The sum of a live table.
pub async fn live_sum(reader: &Reader, table: &str) -> Result<Sum, StoreError> {
    let mut connection = reader.pool().acquire().await.map_err(failed)?;
    sum(&mut connection, table).await
}

async fn sum(connection: &mut SqliteConnection, table: &str) -> Result<Sum, StoreError> {
    let mut rows =
        sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}"))).fetch(&mut *connection);
    let mut sum = Sum::default();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        sum.add(&line(&row));
    }
    Ok(sum)
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
