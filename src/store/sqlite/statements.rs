//! The statements on the log's own tables.
use std::collections::BTreeMap;

use events::{stream::StreamName, time::Timestamp};
use projections::{Cell, index::Info, tables};
use sqlx::{
    AssertSqlSafe, Row as _, SqliteConnection,
    query::Query,
    sqlite::{Sqlite, SqliteArguments},
};
use tlog::{Hash, TileRow};

use super::{Head, StoreError, database};
use crate::store::{
    StoredEvent, VaultRow,
    sink::{Statement, chunked, sizes},
};

type Prepared = Query<'static, Sqlite, SqliteArguments>;

/// Binds cells in their order.
pub(in crate::store) fn prepared(statement: Statement) -> Prepared {
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

/// `(?, ?), (?, ?)` for so many rows of so many columns. Parameters without a name are found without a search.
pub(in crate::store) fn anonymous(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}

pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(in crate::store) fn natural(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

pub(in crate::store) async fn execute(
    connection: &mut SqliteConnection,
    query: Prepared,
) -> Result<u64, StoreError> {
    let done = query.execute(connection).await.map_err(database)?;
    Ok(done.rows_affected())
}

/// Reads the head row.
pub(in crate::store) async fn read_head(
    connection: &mut SqliteConnection,
) -> Result<Head, StoreError> {
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

/// Moves the head, if it is where the batch thinks it is.
pub(super) async fn move_head(
    connection: &mut SqliteConnection,
    before: &Head,
    after: &Head,
) -> Result<(), StoreError> {
    let sql = "UPDATE head SET size = ?, root = ?, time = ? WHERE id = 1 AND size = ? AND root = ?";
    let query = sqlx::query(sql)
        .bind(integer(after.size))
        .bind(after.root.as_bytes().to_vec())
        .bind(integer(after.time.millis()))
        .bind(integer(before.size))
        .bind(before.root.as_bytes().to_vec());
    match execute(connection, query).await? {
        1 => Ok(()),
        _ => Err(StoreError::Moved),
    }
}

/// If a row does not fit, nothing of the transaction is kept; see the triggers.
pub(super) async fn insert_events(
    connection: &mut SqliteConnection,
    first: u64,
    events: Vec<StoredEvent>,
) -> Result<(), StoreError> {
    let (sizes, mut index) = (sizes(events.len()), integer(first));
    let mut events = events.into_iter();
    for size in sizes {
        let values = anonymous(size, 4);
        let sql = format!(
            "INSERT OR ROLLBACK INTO event (log_index, stream, revision, leaf) VALUES {values}"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for event in events.by_ref().take(size) {
            query = query
                .bind(index)
                .bind(String::from(event.stream))
                .bind(integer(event.revision))
                .bind(event.leaf);
            index += 1;
        }
        execute(connection, query).await?;
    }
    Ok(())
}

pub(super) async fn put_tiles(
    connection: &mut SqliteConnection,
    tiles: Vec<TileRow>,
) -> Result<(), StoreError> {
    for tile in tiles {
        let sql = "INSERT INTO tile (level, tile_index, hashes) VALUES (?, ?, ?)
                   ON CONFLICT (level, tile_index) DO UPDATE SET hashes = excluded.hashes";
        let query = sqlx::query(sql)
            .bind(i64::from(tile.level))
            .bind(integer(tile.index))
            .bind(tile.hashes);
        execute(connection, query).await?;
    }
    Ok(())
}

pub(super) async fn insert_vault(
    connection: &mut SqliteConnection,
    rows: Vec<VaultRow>,
) -> Result<(), StoreError> {
    let sizes = sizes(rows.len());
    let mut rows = rows.into_iter();
    for size in sizes {
        let values = anonymous(size, 5);
        let sql = format!(
            "INSERT OR ROLLBACK INTO vault (log_index, commitment, subject, sealed, unique_hash) VALUES {values}"
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in rows.by_ref().take(size) {
            query = query
                .bind(integer(row.log_index))
                .bind(row.commitment)
                .bind(String::from(row.subject))
                .bind(row.sealed)
                .bind(row.unique);
        }
        execute(connection, query).await?;
    }
    Ok(())
}

pub(super) async fn read_streams(
    connection: &mut SqliteConnection,
    names: &[StreamName],
) -> Result<BTreeMap<StreamName, Vec<Vec<u8>>>, StoreError> {
    let mut found = BTreeMap::<StreamName, Vec<Vec<u8>>>::new();
    for names in chunked(names) {
        let sql = format!(
            "SELECT stream, leaf FROM event WHERE stream IN {} ORDER BY stream, revision",
            anonymous(1, names.len())
        );
        let query = names
            .iter()
            .fold(sqlx::query(AssertSqlSafe(sql)), |query, name| {
                query.bind(name.as_str().to_owned())
            });
        for row in query.fetch_all(&mut *connection).await.map_err(database)? {
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

/// A gem's `/info`, withheld lines included.
pub(in crate::store) async fn read_info(
    connection: &mut SqliteConnection,
    gem: &str,
) -> Result<Option<Info>, StoreError> {
    let sql = format!("SELECT body, withheld FROM {} WHERE gem = $1", tables::INFO);
    let query = sqlx::query(AssertSqlSafe(sql)).bind(gem.to_owned());
    let row = query.fetch_optional(connection).await.map_err(database)?;
    row.map(|row| {
        Ok(Info {
            body: row.try_get(0).map_err(database)?,
            withheld: row.try_get(1).map_err(database)?,
        })
    })
    .transpose()
}

/// A stored tile.
pub(in crate::store) async fn read_tile(
    connection: &mut SqliteConnection,
    level: u8,
    index: u64,
) -> Result<Option<Vec<u8>>, StoreError> {
    let query = sqlx::query_scalar("SELECT hashes FROM tile WHERE level = ? AND tile_index = ?")
        .bind(i64::from(level))
        .bind(integer(index));
    query.fetch_optional(connection).await.map_err(database)
}

/// The leaves of a range of the log, as one row: a row for each leaf would cost more than the leaf.
///
/// A canonical leaf has no raw control character, so newlines part them. A page that is damaged may come apart at other
/// places; its hashes do not give the root then.
pub(in crate::store) async fn read_leaves(
    connection: &mut SqliteConnection,
    from: u64,
    to: u64,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let page = read_page(connection, from, to).await?;
    Ok(split_page(&page).map(<[u8]>::to_vec).collect())
}

/// The leaves at these places of the log, as one row for the same reason: each after its log index and a colon.
pub(in crate::store) async fn read_leaves_at(
    connection: &mut SqliteConnection,
    indexes: &[u64],
) -> Result<BTreeMap<u64, Vec<u8>>, StoreError> {
    let sql = format!(
        "SELECT group_concat(log_index || ':' || leaf, x'0a') FROM event WHERE log_index IN {}",
        anonymous(1, indexes.len())
    );
    let query = indexes
        .iter()
        .fold(sqlx::query_scalar(AssertSqlSafe(sql)), |query, index| {
            query.bind(integer(*index))
        });
    let page: Option<Vec<u8>> = query.fetch_one(connection).await.map_err(database)?;
    let page = page.unwrap_or_default();
    let read = |line: &[u8]| {
        let (index, leaf) = line.split_at_checked(line.iter().position(|byte| *byte == b':')?)?;
        let index = str::from_utf8(index).ok()?.parse().ok()?;
        Some((index, leaf.get(1..)?.to_vec()))
    };
    Ok(page.split(|byte| *byte == b'\n').filter_map(read).collect())
}

/// The leaves of a range of the log with a newline after each.
pub(in crate::store) async fn read_page(
    connection: &mut SqliteConnection,
    from: u64,
    to: u64,
) -> Result<Vec<u8>, StoreError> {
    let sql = "SELECT group_concat(leaf, x'0a') FROM
               (SELECT leaf FROM event WHERE log_index >= ? AND log_index < ? ORDER BY log_index)";
    let query = sqlx::query_scalar(sql)
        .bind(integer(from))
        .bind(integer(to));
    let page: Option<Vec<u8>> = query.fetch_one(connection).await.map_err(database)?;
    let mut page = page.unwrap_or_default();
    if !page.is_empty() {
        page.push(b'\n');
    }
    Ok(page)
}

/// The leaves of a page.
pub(in crate::store) fn split_page(page: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut from = 0;
    memchr::memchr_iter(b'\n', page).filter_map(move |end| {
        let leaf = page.get(from..end);
        from = end + 1;
        leaf
    })
}
