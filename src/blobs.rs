//! Files by digest: gems and metadata documents, on a local disk now and in any object store later.
//!
//! A file is on disk, synced, before the event that names it. If we crash in between, a file that nothing names is left,
//! which harms nobody and is found again by the next push of the same bytes.
use std::{path::Path, sync::Arc};

use bytes::Bytes;
use events::digest::Digest;
use object_store::{
    ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, local::LocalFileSystem,
    path::Path as Key,
};

/// Why a file cannot be kept or given.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The store failed.
    #[error("the file store failed: {0}")]
    Store(#[from] object_store::Error),
    /// The folder cannot be made.
    #[error("the file store cannot be opened: {0}")]
    Open(#[from] std::io::Error),
    /// What is stored under a digest has another one.
    #[error("the file with digest {0} is damaged")]
    Damaged(Digest),
}

/// The store of files.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
}

fn key(digest: &Digest) -> Key {
    let hex = digest.hex();
    let (folder, rest) = hex.split_at(2);
    Key::from_iter([folder, rest])
}

impl Blobs {
    /// Files below a folder of this machine.
    pub fn local(folder: &Path) -> Result<Self, BlobError> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            store: Arc::new(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true)),
        })
    }

    /// Keeps these bytes; they are durable when this returns. Keeping them twice is keeping them once.
    pub async fn put(&self, digest: &Digest, bytes: Bytes) -> Result<(), BlobError> {
        match self
            .store
            .put_opts(
                &key(digest),
                bytes.into(),
                PutOptions::from(PutMode::Create),
            )
            .await
        {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts these bytes where a file is missing or damaged, and says whether one was.
    pub async fn mend(&self, digest: &Digest, bytes: Bytes) -> Result<bool, BlobError> {
        match self.get(digest).await {
            Ok(Some(_)) => return Ok(false),
            Ok(None) | Err(BlobError::Damaged(_)) => {}
            Err(error) => return Err(error),
        }
        let whole = PutOptions::from(PutMode::Overwrite);
        self.store
            .put_opts(&key(digest), bytes.into(), whole)
            .await?;
        Ok(true)
    }

    /// Whether there is a file with this digest. It is not read.
    pub async fn has(&self, digest: &Digest) -> Result<bool, BlobError> {
        match self.store.head(&key(digest)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The bytes with this digest, checked; `None` if they are not (or no longer) here.
    pub async fn get(&self, digest: &Digest) -> Result<Option<Bytes>, BlobError> {
        let bytes = match self.store.get(&key(digest)).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if Digest::of(&bytes) == *digest {
            Ok(Some(bytes))
        } else {
            Err(BlobError::Damaged(*digest))
        }
    }
}
