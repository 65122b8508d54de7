//! The kinds of logs that the contract runs on, and all that one of them holds.
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use events::stream::StreamName;
use gemledger::store::{
    Backend, Head, StoredEvent, VaultRow, memory::MemoryLog, reader::Reader, replay,
    sqlite::SqliteLog,
};
use projections::{Cell, memory::Memory, tables};
use sqlx::{
    AssertSqlSafe, Column as _, Row as _, TypeInfo as _, ValueRef as _,
    sqlite::{SqliteColumn, SqliteRow},
};

/// A kind of log. The contract runs on every kind; each test gets one of its own.
pub(crate) trait Kind: Clone + Send + Sync + 'static {
    type Log: Backend;
    /// A log that does not exist yet, in this folder.
    fn within(folder: &Path) -> Self;
    /// A connection to it, as another process would have one.
    async fn connect(&self) -> Self::Log;
    /// All that it holds.
    async fn stored(&self) -> Stored;
}

/// All that a log holds.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) head: Head,
    pub(crate) events: Vec<StoredEvent>,
    pub(crate) tiles: BTreeMap<(u8, u64), Vec<u8>>,
    pub(crate) rows: Rows,
    pub(crate) vault: Vec<VaultRow>,
}

/// Rows by table, each as its columns that have a value; in the order of their text.
pub(crate) type Rows = BTreeMap<&'static str, Vec<BTreeMap<String, Cell>>>;

#[derive(Clone)]
pub(crate) struct InMemory(MemoryLog);

impl Kind for InMemory {
    type Log = MemoryLog;

    fn within(_: &Path) -> Self {
        Self(MemoryLog::default())
    }

    async fn connect(&self) -> MemoryLog {
        self.0.clone()
    }

    async fn stored(&self) -> Stored {
        let contents = self.0.contents();
        let mut events: Vec<Option<StoredEvent>> = vec![None; contents.leaves.len()];
        for (stream, indexes) in &contents.streams {
            for (at, revision) in indexes.iter().zip(0..) {
                events[*at] = Some(StoredEvent {
                    stream: stream.clone(),
                    revision,
                    leaf: contents.leaves[*at].clone(),
                });
            }
        }
        Stored {
            head: contents.head.unwrap_or_else(Head::empty),
            events: events.into_iter().map(Option::unwrap).collect(),
            tiles: contents.tiles,
            rows: rows_in_memory(&contents.rows),
            vault: contents.vault.into_values().collect(),
        }
    }
}

#[derive(Clone)]
pub(crate) struct OnSqlite(pub(crate) PathBuf);

impl Kind for OnSqlite {
    type Log = SqliteLog;

    fn within(folder: &Path) -> Self {
        Self(folder.join("log.db"))
    }

    async fn connect(&self) -> SqliteLog {
        let mut log = SqliteLog::open(&self.0).await.unwrap();
        replay::catch_up(&mut log, |_, _| {}).await.unwrap();
        log
    }

    async fn stored(&self) -> Stored {
        let reader = Reader::open(&self.0, 1).await.unwrap();
        let pool = reader.pool();
        let all = |sql: &'static str| sqlx::query(sql).fetch_all(pool);
        let found = all("SELECT log_index, stream, revision, leaf FROM event ORDER BY log_index");
        let mut events = Vec::new();
        for (row, index) in found.await.unwrap().iter().zip(0_i64..) {
            assert_eq!(row.get::<i64, _>(0), index, "log indexes are dense");
            events.push(StoredEvent {
                stream: StreamName::parse(row.get(1)).unwrap(),
                revision: u64::try_from(row.get::<i64, _>(2)).unwrap(),
                leaf: row.get(3),
            });
        }
        let found = all("SELECT level, tile_index, hashes FROM tile").await;
        let tile = |row: SqliteRow| {
            let place = (row.get::<u8, _>(0), row.get::<i64, _>(1));
            ((place.0, u64::try_from(place.1).unwrap()), row.get(2))
        };
        let tiles = found.unwrap().into_iter().map(tile).collect();
        let found =
            all("SELECT commitment, subject, sealed, unique_hash, log_index FROM vault").await;
        let sealed = |row: SqliteRow| VaultRow {
            commitment: row.get(0),
            subject: StreamName::parse(row.get(1)).unwrap(),
            sealed: row.get(2),
            unique: row.get(3),
            log_index: u64::try_from(row.get::<i64, _>(4)).unwrap(),
            fresh_key: None,
        };
        let vault = found.unwrap().into_iter().map(sealed).collect();
        let head = reader.head().await.unwrap();
        let behind: i64 =
            sqlx::query_scalar("SELECT count(*) FROM projection WHERE position != $1")
                .bind(i64::try_from(head.size).unwrap())
                .fetch_one(pool)
                .await
                .unwrap();
        assert_eq!(behind, 0, "every projection is at the head");
        let stored = Stored {
            head,
            events,
            tiles,
            rows: rows_on_sqlite(&reader).await,
            vault,
        };
        reader.pool().close().await;
        stored
    }
}

pub(crate) fn rows_in_memory(memory: &Memory) -> Rows {
    let known = |(table, rows): (&&'static str, &BTreeMap<_, projections::memory::Row>)| {
        let rows = rows.values().map(|row| {
            let cells = row.iter().filter(|(_, cell)| **cell != Cell::Null);
            cells
                .map(|(column, cell)| ((*column).to_owned(), cell.clone()))
                .collect()
        });
        (*table, sorted(rows.collect()))
    };
    let mut all: Rows = empty();
    all.extend(memory.tables.iter().map(known));
    all
}

pub(crate) async fn rows_on_sqlite(reader: &Reader) -> Rows {
    let mut all = empty();
    for (table, rows) in &mut all {
        let found = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")))
            .fetch_all(reader.pool())
            .await
            .unwrap();
        *rows = sorted(found.iter().map(cells).collect());
    }
    all
}

fn cells(row: &SqliteRow) -> BTreeMap<String, Cell> {
    let cell = |(at, column): (usize, &SqliteColumn)| {
        let value = row.try_get_raw(at).unwrap();
        let cell = match (value.is_null(), value.type_info().name()) {
            (true, _) => return None,
            (false, "TEXT") => Cell::Text(row.get(at)),
            (false, _) => Cell::Integer(row.get(at)),
        };
        Some((column.name().to_owned(), cell))
    };
    row.columns().iter().enumerate().filter_map(cell).collect()
}

fn empty() -> Rows {
    let all = tables::ALL.iter().flat_map(|projection| projection.tables);
    all.map(|table| (*table, Vec::new())).collect()
}

fn sorted(mut rows: Vec<BTreeMap<String, Cell>>) -> Vec<BTreeMap<String, Cell>> {
    rows.sort_unstable();
    rows
}
