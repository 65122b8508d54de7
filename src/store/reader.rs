//! Reading the log: heads, leaves, streams and tiles, page by page, never under one long transaction.
use std::{collections::BTreeMap, path::Path};

use events::{Event, Recorded, stream::StreamName};
use sqlx::{Row as _, sqlite::SqlitePool};
use tlog::{Hash, TileMap, TilePath};

use super::{Head, StoreError, sqlite};

/// Leaves read at once by whoever reads a lot: some 256 kB, which the allocator keeps at hand. Four times as many cost
/// three times as much each, for pages of memory that are asked of the system and given back.
pub const PAGE: u64 = 256;

/// A reader of the log, shared by all its clones.
#[derive(Clone)]
pub struct Reader {
    pool: SqlitePool,
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn failed(error: sqlx::Error) -> StoreError {
    StoreError::Database(error.to_string())
}

impl Reader {
    /// Reads the log in this file.
    pub async fn open(path: &Path, connections: u32) -> Result<Self, StoreError> {
        Ok(Self {
            pool: sqlite::readers(path, connections).await?,
        })
    }

    /// The connections, for the views.
    pub fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// The head as it is committed; it may not be signed yet.
    pub async fn head(&self) -> Result<Head, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        sqlite::read_head(&mut connection).await
    }

    /// The leaves of a range of the log; short where the log ends.
    pub async fn leaves(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        sqlite::read_leaves(&mut connection, from, to).await
    }

    /// The same leaves in one piece, with a newline after each.
    pub(super) async fn page(&self, from: u64, to: u64) -> Result<Vec<u8>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        sqlite::read_page(&mut connection, from, to).await
    }

    /// The events of a range of the log.
    pub async fn events(&self, from: u64, to: u64) -> Result<Vec<Recorded>, StoreError> {
        let leaves = self.leaves(from, to).await?;
        let read = |(index, leaf): (u64, &Vec<u8>)| {
            Ok(Recorded {
                index,
                event: Event::read(leaf)?,
            })
        };
        (from..).zip(&leaves).map(read).collect()
    }

    /// One leaf.
    pub async fn leaf(&self, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let query = sqlx::query_scalar("SELECT leaf FROM event WHERE log_index = $1");
        let query = query.bind(sqlite::integer(index));
        query.fetch_optional(&self.pool).await.map_err(failed)
    }

    /// The leaves at these places of the log, in one question; what is not there is left out.
    pub(super) async fn leaves_at(
        &self,
        indexes: &[u64],
    ) -> Result<BTreeMap<u64, Vec<u8>>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        sqlite::read_leaves_at(&mut connection, indexes).await
    }

    /// The events of one stream, in order, at most `limit` from `revision` on.
    pub async fn stream(
        &self,
        stream: &StreamName,
        revision: u64,
        limit: u32,
    ) -> Result<Vec<Recorded>, StoreError> {
        let sql = "SELECT log_index, leaf FROM event WHERE stream = $1 AND revision >= $2 ORDER BY revision LIMIT $3";
        let query = sqlx::query(sql)
            .bind(stream.as_str().to_owned())
            .bind(sqlite::integer(revision))
            .bind(i64::from(limit));
        let rows = query.fetch_all(&self.pool).await.map_err(failed)?;
        let read = |row: sqlx::sqlite::SqliteRow| {
            let leaf: &[u8] = row.try_get(1).map_err(failed)?;
            let index = sqlite::natural(row.try_get(0).map_err(failed)?);
            Ok(Recorded {
                index,
                event: Event::read(leaf)?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// The log index and leaf of one event of a stream.
    pub async fn event(
        &self,
        stream: &StreamName,
        revision: u64,
    ) -> Result<Option<Recorded>, StoreError> {
        Ok(self
            .stream(stream, revision, 1)
            .await?
            .pop()
            .filter(|recorded| recorded.event.revision == revision))
    }

    /// These tiles, as wide as they are stored. What is missing is left out.
    pub async fn tiles(&self, paths: &[TilePath]) -> Result<TileMap, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        let mut map = TileMap::new();
        for path in paths {
            if let Some(hashes) =
                sqlite::read_tile(&mut connection, path.level(), path.index()).await?
            {
                map.insert(path.level(), path.index(), hashes);
            }
        }
        Ok(map)
    }

    /// One tile, exactly as wide as asked for; `None` if it is not that wide.
    pub async fn tile(&self, path: TilePath) -> Result<Option<Vec<u8>>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        let row = sqlite::read_tile(&mut connection, path.level(), path.index()).await?;
        Ok(row.and_then(|hashes| {
            hashes
                .get(..usize::from(path.width()) * 32)
                .map(<[u8]>::to_vec)
        }))
    }

    /// The root of the tree of the first `size` events.
    pub async fn root_at(&self, size: u64) -> Result<Hash, StoreError> {
        let tiles = self.tiles(&tlog::tiles_for_root(size)).await?;
        tlog::root_of_tiles(size, &tiles).map_err(|error| StoreError::Corrupt(error.to_string()))
    }

    /// The proof that the log of `old` events is the beginning of the one of `new`.
    pub async fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, StoreError> {
        let corrupt = |error: tlog::ProofError| StoreError::Corrupt(error.to_string());
        let paths = tlog::tiles_for_consistency(old, new).map_err(corrupt)?;
        let tiles = self.tiles(&paths).await?;
        tlog::consistency_proof(old, new, &tiles).map_err(corrupt)
    }
}
