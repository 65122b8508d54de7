//! The compact index in memory: bodies with their checksums, made once and kept until their gem gains a release.
//!
//! What was read before a release must not be kept after it: each reader notes the epoch before it asks the database,
//! and what it found is kept only if nothing was forgotten since.
use std::{
    collections::BTreeMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use events::{
    Body,
    digest::hex,
    name::{FoldedName, GemName},
};
use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::index;
use crate::store::{StoreError, reader::Reader};

/// Most bytes of `/info` bodies that are kept.
const KEPT: usize = 64 << 20;

/// A body and what its headers say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The bytes.
    pub body: Bytes,
    /// The `ETag`: the MD5 of the body in quotes, which Bundler compares with its own copy.
    pub etag: String,
    /// SHA-256 of the body in base64.
    pub sha256: String,
}

impl Page {
    /// A page of these bytes.
    pub fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let etag = format!("\"{}\"", hex(&Md5::digest(&body)));
        let sha256 = STANDARD.encode(Sha256::digest(&body));
        Self { body, etag, sha256 }
    }
}

/// `/versions` so far.
#[derive(Default)]
struct Versions {
    page: Option<Arc<Page>>,
    /// The log index after its last line.
    next: u64,
    /// The epoch that it was read in.
    epoch: u64,
}

/// The index pages that are ready.
#[derive(Default)]
pub struct IndexCache {
    epoch: AtomicU64,
    infos: RwLock<Infos>,
    versions: tokio::sync::RwLock<Versions>,
    names: RwLock<Option<(u64, Arc<Page>)>>,
}

#[derive(Default)]
struct Infos {
    pages: BTreeMap<String, Arc<Page>>,
    bytes: usize,
}

impl IndexCache {
    /// Forgets what is known of a gem, because it has a new release.
    pub fn forget(&self, gem: &FoldedName) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        let mut infos = self.infos.write().unwrap_or_else(PoisonError::into_inner);
        let spellings: Vec<String> = infos
            .pages
            .keys()
            .filter(|name| name.eq_ignore_ascii_case(gem.as_str()))
            .cloned()
            .collect();
        for name in spellings {
            if let Some(page) = infos.pages.remove(&name) {
                infos.bytes = infos.bytes.saturating_sub(page.body.len());
            }
        }
    }

    /// Forgets everything, because another process wrote to the log.
    pub fn forget_all(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        *self.infos.write().unwrap_or_else(PoisonError::into_inner) = Infos::default();
    }

    /// `/info/<name>`.
    pub async fn info(&self, reader: &Reader, name: &str) -> Result<Option<Arc<Page>>, StoreError> {
        if let Some(page) = self
            .infos
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .pages
            .get(name)
        {
            return Ok(Some(page.clone()));
        }
        let Ok(parsed) = GemName::parse(name) else {
            return Ok(None);
        };
        let epoch = self.epoch.load(Ordering::SeqCst);
        let Some(body) = index::info(reader, &parsed).await? else {
            return Ok(None);
        };
        let page = Arc::new(Page::new(body));
        let mut infos = self.infos.write().unwrap_or_else(PoisonError::into_inner);
        if self.epoch.load(Ordering::SeqCst) == epoch {
            if infos.bytes > KEPT {
                *infos = Infos::default();
            }
            infos.bytes += page.body.len();
            infos.pages.insert(name.to_owned(), page.clone());
        }
        Ok(Some(page))
    }

    /// `/versions`: what was there, and the lines that came since.
    pub async fn versions(&self, reader: &Reader) -> Result<Arc<Page>, StoreError> {
        let epoch = self.epoch.load(Ordering::SeqCst);
        {
            let versions = self.versions.read().await;
            if let Some(page) = versions.page.as_ref().filter(|_| versions.epoch == epoch) {
                return Ok(page.clone());
            }
        }
        let mut versions = self.versions.write().await;
        let mut body = match &versions.page {
            Some(page) => page.body.to_vec(),
            None => head(reader).await?.into_bytes(),
        };
        let (lines, next) = index::version_lines(reader, versions.next).await?;
        body.extend_from_slice(lines.as_bytes());
        let page = Arc::new(Page::new(body));
        *versions = Versions {
            page: Some(page.clone()),
            next,
            epoch,
        };
        Ok(page)
    }

    /// `/names`.
    pub async fn names(&self, reader: &Reader) -> Result<Arc<Page>, StoreError> {
        let epoch = self.epoch.load(Ordering::SeqCst);
        if let Some((at, page)) = &*self.names.read().unwrap_or_else(PoisonError::into_inner)
            && *at == epoch
        {
            return Ok(page.clone());
        }
        let mut body = "---\n".to_owned();
        for name in index::names(reader).await? {
            body.push_str(&name);
            body.push('\n');
        }
        if body.len() == 4 {
            body.push('\n');
        }
        let page = Arc::new(Page::new(body));
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = Some((epoch, page.clone()));
        Ok(page)
    }
}

/// The first lines of `/versions`: dated by the first event, so that they are the same after every replay.
async fn head(reader: &Reader) -> Result<String, StoreError> {
    let opened = reader
        .events(0, 1)
        .await?
        .pop()
        .filter(|recorded| matches!(recorded.event.body, Body::LogOpened(_)));
    Ok(projections::index::versions_head(
        opened
            .map(|recorded| recorded.event.time)
            .unwrap_or_default(),
    ))
}
