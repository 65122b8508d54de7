//! The log in memory: the model that the databases must equal, and the store of tests that need no disk.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use events::stream::StreamName;
use projections::{Cell, index::Info, memory::Memory, tables::INFO};
use tokio::sync::{Mutex as WriteLock, OwnedMutexGuard};

use super::{Backend, Batch, Head, StoreError, VaultRow};

/// What is committed.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The head.
    pub head: Option<Head>,
    /// Leaves by log index.
    pub leaves: Vec<Vec<u8>>,
    /// Log indexes by stream.
    pub streams: BTreeMap<StreamName, Vec<usize>>,
    /// Tiles by level and index.
    pub tiles: BTreeMap<(u8, u64), Vec<u8>>,
    /// The rows.
    pub rows: Memory,
    /// Sealed values by commitment.
    pub vault: BTreeMap<String, VaultRow>,
}

/// A log in memory, shared by all its clones.
#[derive(Debug)]
pub struct MemoryLog {
    committed: Arc<Mutex<Contents>>,
    writing: Arc<WriteLock<()>>,
    open: Option<(Contents, OwnedMutexGuard<()>)>,
}

impl Clone for MemoryLog {
    /// Another connection to the same log; an open transaction stays where it is.
    fn clone(&self) -> Self {
        Self {
            committed: Arc::clone(&self.committed),
            writing: Arc::clone(&self.writing),
            open: None,
        }
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        let contents = Contents {
            head: None,
            leaves: Vec::new(),
            streams: BTreeMap::new(),
            tiles: BTreeMap::new(),
            rows: Memory::default(),
            vault: BTreeMap::new(),
        };
        Self {
            committed: Arc::new(Mutex::new(contents)),
            writing: Arc::default(),
            open: None,
        }
    }
}

impl MemoryLog {
    /// What is committed now.
    pub fn contents(&self) -> Contents {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.committed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&mut self) -> Result<&mut Contents, StoreError> {
        let open = self.open.as_mut().map(|(contents, _)| contents);
        open.ok_or_else(|| StoreError::Database("no transaction is open".into()))
    }
}

impl Backend for MemoryLog {
    async fn begin(&mut self) -> Result<(), StoreError> {
        if self.open.is_some() {
            return Err(StoreError::Database("a transaction is open".into()));
        }
        let alone = Arc::clone(&self.writing).lock_owned().await;
        let contents = self.lock().clone();
        self.open = Some((contents, alone));
        Ok(())
    }

    async fn head(&mut self) -> Result<Head, StoreError> {
        Ok(self.open()?.head.unwrap_or_else(Head::empty))
    }

    async fn streams(
        &mut self,
        names: &[StreamName],
    ) -> Result<BTreeMap<StreamName, Vec<Vec<u8>>>, StoreError> {
        let contents = self.open()?;
        let leaves = |indexes: &Vec<usize>| {
            indexes
                .iter()
                .filter_map(|at| contents.leaves.get(*at).cloned())
                .collect()
        };
        Ok(names
            .iter()
            .filter_map(|name| Some((name.clone(), leaves(contents.streams.get(name)?))))
            .collect())
    }

    async fn info(&mut self, gem: &str) -> Result<Option<Info>, StoreError> {
        let rows = self.open()?.rows.tables.get(INFO);
        let row = rows.and_then(|rows| rows.get(&vec![Cell::from(gem)]));
        let text = |column| match row?.get(column) {
            Some(Cell::Text(text)) => Some(text.clone()),
            Some(Cell::Null | Cell::Integer(_)) | None => None,
        };
        let info = text("body").zip(text("withheld"));
        Ok(info.map(|(body, withheld)| Info { body, withheld }))
    }

    async fn taken(&mut self, unique: &str) -> Result<bool, StoreError> {
        let mut rows = self.open()?.vault.values();
        Ok(rows.any(|row| row.unique.as_deref() == Some(unique)))
    }

    async fn tile(&mut self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.open()?.tiles.get(&(level, index)).cloned())
    }

    async fn write(&mut self, batch: Batch) -> Result<(), StoreError> {
        let contents = self.open()?;
        if contents.head.unwrap_or_else(Head::empty) != batch.before {
            return Err(StoreError::Moved);
        }
        for row in batch.vault {
            let taken = |other: &VaultRow| row.unique.is_some() && other.unique == row.unique;
            if contents.vault.values().any(taken) {
                return Err(StoreError::Database(
                    "a value that is stored already".into(),
                ));
            }
            contents.vault.insert(row.commitment.clone(), row);
        }
        for event in batch.events {
            let indexes = contents.streams.entry(event.stream.clone()).or_default();
            if u64::try_from(indexes.len()).ok() != Some(event.revision) {
                return Err(StoreError::Database(format!(
                    "revision {} of {} is not the next",
                    event.revision, event.stream
                )));
            }
            indexes.push(contents.leaves.len());
            contents.leaves.push(event.leaf);
        }
        for tile in batch.tiles {
            contents.tiles.insert((tile.level, tile.index), tile.hashes);
        }
        for write in batch.rows {
            contents.rows.write(write);
        }
        contents.head = Some(batch.after);
        Ok(())
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        let open = self.open.take();
        let (contents, _alone) =
            open.ok_or_else(|| StoreError::Database("no transaction is open".into()))?;
        *self.lock() = contents;
        Ok(())
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        self.open = None;
        Ok(())
    }

    async fn leaves(&mut self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let contents = self.lock();
        let place = |index| usize::try_from(index).unwrap_or(usize::MAX);
        let end = place(to).min(contents.leaves.len());
        let leaves = contents.leaves.get(place(from)..end);
        Ok(leaves.map(<[_]>::to_vec).unwrap_or_default())
    }
}
