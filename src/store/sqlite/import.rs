//! Leaves that are in the log already, somewhere else: put back as they are, byte for byte.
//!
//! Nothing is decided and nothing is signed here. The caller has verified each leaf against a signed checkpoint of this log. A
//! transaction is one call of [`Importer::append`]: if we crash between two, the database holds a true beginning of the log, and
//! the next import goes on from there.
use std::path::Path;

use events::Event;
use sqlx::SqliteConnection;
use tlog::{Hash, TileEdge, TileMap, TileRow, leaf_hash, tiles_for_root};

use super::{SqliteLog, execute, read_head, read_leaves, read_tile, statements};
use crate::store::{Head, StoreError, StoredEvent, replay};

/// Appends leaves to a database that nobody serves.
pub struct Importer {
    log: SqliteLog,
    head: Head,
    edge: TileEdge,
}

fn corrupt(reason: impl Into<String>) -> StoreError {
    StoreError::Corrupt(reason.into())
}

impl Importer {
    /// Opens the database. Its tiles must give the root of its head.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let mut log = SqliteLog::open(path).await?;
        replay::catch_up(&mut log, |_, _| {}).await?;
        let connection = log.connection();
        let head = read_head(connection).await?;
        let mut rows = TileMap::new();
        for tile in tiles_for_root(head.size) {
            if let Some(hashes) = read_tile(connection, tile.level(), tile.index()).await? {
                rows.insert(tile.level(), tile.index(), hashes);
            }
        }
        let row = |level, index| rows.get(level, index).map(<[u8]>::to_vec);
        let edge = TileEdge::load(head.size, row).map_err(|error| corrupt(error.to_string()))?;
        if edge.root() != head.root {
            return Err(corrupt("the tiles do not give the root of the head"));
        }
        Ok(Self { log, head, edge })
    }

    /// The end of the log as it is now.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Appends these leaves in one transaction, reads them back, and hashes them again.
    pub async fn append(&mut self, leaves: Vec<Vec<u8>>) -> Result<(), StoreError> {
        let hashes: Vec<Hash> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let mut edge = self.edge.clone();
        let tiles = edge.append(&hashes);
        let mut time = self.head.time;
        let mut events = Vec::with_capacity(leaves.len());
        for leaf in leaves {
            let event = Event::read(&leaf)?;
            if event.time < time {
                return Err(corrupt(format!(
                    "the event of {} comes after one of {time}",
                    event.time
                )));
            }
            time = event.time;
            events.push(StoredEvent {
                stream: event.stream,
                revision: event.revision,
                leaf,
            });
        }
        let after = Head {
            size: edge.size(),
            root: edge.root(),
            time,
        };
        let before = self.head;
        let connection = self.log.connection();
        execute(connection, sqlx::query("BEGIN IMMEDIATE")).await?;
        let written = write(connection, &before, &after, events, tiles).await;
        let end = if written.is_ok() {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        let ended = execute(connection, sqlx::query(end)).await;
        written?;
        ended?;
        let stored = read_leaves(connection, before.size, after.size).await?;
        let stored: Vec<Hash> = stored.iter().map(|leaf| leaf_hash(leaf)).collect();
        self.edge.append(&stored);
        if self.edge != edge {
            return Err(corrupt(format!(
                "what was written from log index {} on is not what is read",
                before.size
            )));
        }
        self.head = after;
        Ok(())
    }

    /// Brings the rows to the head, slice by slice.
    pub async fn finish(mut self, progress: impl FnMut(u64, u64)) -> Result<Head, StoreError> {
        replay::catch_up(&mut self.log, progress).await?;
        Ok(self.head)
    }
}

async fn write(
    connection: &mut SqliteConnection,
    before: &Head,
    after: &Head,
    events: Vec<StoredEvent>,
    tiles: Vec<TileRow>,
) -> Result<(), StoreError> {
    statements::move_head(connection, before, after).await?;
    statements::insert_events(connection, before.size, events).await?;
    statements::put_tiles(connection, tiles).await
}
