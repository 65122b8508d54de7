//! A backend that goes wrong at one step, before or after it took effect.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use events::stream::StreamName;
use gemledger::store::{Backend, Batch, Head, StoreError};
use projections::index::Info;

/// The steps of a transaction, and what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Begin,
    Head,
    Streams,
    Info,
    Taken,
    Tile,
    Write,
    Commit,
    Rollback,
    Leaves,
}

/// How a step goes wrong.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It fails and has no effect.
    Before(StoreError),
    /// It takes effect, and then fails all the same.
    After(StoreError),
    /// A bit of the first leaf flips on its way.
    Flips,
}

/// Which step goes wrong next; each does so once.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<Vec<(Step, Fault)>>>);

impl Faults {
    pub(crate) fn arm(&self, step: Step, fault: Fault) {
        self.0.lock().unwrap().push((step, fault));
    }

    /// Whether everything that was to go wrong did.
    pub(crate) fn spent(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }

    fn take(&self, step: Step) -> Option<Fault> {
        let mut armed = self.0.lock().unwrap();
        let at = armed.iter().position(|(armed, _)| *armed == step)?;
        Some(armed.remove(at).1)
    }
}

/// The backend.
pub(crate) struct Faulty<B> {
    pub(crate) inner: B,
    pub(crate) faults: Faults,
}

async fn around<T>(
    fault: Option<Fault>,
    step: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match fault {
        None | Some(Fault::Flips) => step.await,
        Some(Fault::Before(error)) => Err(error),
        Some(Fault::After(error)) => step.await.and(Err(error)),
    }
}

fn flip(leaf: &mut [u8]) {
    let middle = leaf.len() / 2;
    leaf[middle] ^= 1;
}

impl<B: Backend> Backend for Faulty<B> {
    async fn begin(&mut self) -> Result<(), StoreError> {
        around(self.faults.take(Step::Begin), self.inner.begin()).await
    }

    async fn head(&mut self) -> Result<Head, StoreError> {
        around(self.faults.take(Step::Head), self.inner.head()).await
    }

    async fn streams(
        &mut self,
        names: &[StreamName],
    ) -> Result<BTreeMap<StreamName, Vec<Vec<u8>>>, StoreError> {
        around(self.faults.take(Step::Streams), self.inner.streams(names)).await
    }

    async fn info(&mut self, gem: &str) -> Result<Option<Info>, StoreError> {
        around(self.faults.take(Step::Info), self.inner.info(gem)).await
    }

    async fn taken(&mut self, unique: &str) -> Result<bool, StoreError> {
        around(self.faults.take(Step::Taken), self.inner.taken(unique)).await
    }

    async fn tile(&mut self, level: u8, index: u64) -> Result<Option<Vec<u8>>, StoreError> {
        around(self.faults.take(Step::Tile), self.inner.tile(level, index)).await
    }

    async fn write(&mut self, mut batch: Batch) -> Result<(), StoreError> {
        let fault = self.faults.take(Step::Write);
        if matches!(fault, Some(Fault::Flips)) {
            flip(&mut batch.events[0].leaf);
        }
        around(fault, self.inner.write(batch)).await
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        around(self.faults.take(Step::Commit), self.inner.commit()).await
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        around(self.faults.take(Step::Rollback), self.inner.rollback()).await
    }

    async fn leaves(&mut self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let fault = self.faults.take(Step::Leaves);
        let flips = matches!(fault, Some(Fault::Flips));
        let mut leaves = around(fault, self.inner.leaves(from, to)).await?;
        if flips {
            flip(&mut leaves[0]);
        }
        Ok(leaves)
    }
}
