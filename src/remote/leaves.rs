//! Verified leaves, page by page and in order: bundles are fetched, hashed and read ahead of whoever looks at them.
//!
//! Each leaf's hash must be the one in its tile, and each tile is traced up to the signed root ([`super::tree`]), so a
//! page is what the ledger signed or it is not given. A page is at most one bundle; as many are in flight as
//! [`super::Settings::ahead`] says, however long the log is.
use std::ops::Range;

use futures::stream::{self, Stream, StreamExt as _};
use tlog::{EntriesPath, Hash, Resource, TILE_WIDTH, leaf_hash, parse_bundle};

use super::{Lie, RemoteError, Tree, codes, source::Name, tree::Hashes};

/// Consecutive leaves, as whoever asked reads them.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The log index of the first.
    pub first: u64,
    /// What was made of each.
    pub read: Vec<T>,
}

impl Tree {
    /// The leaves of a range of log indexes, cut to the tree, as `read` makes them of log index and bytes.
    ///
    /// `read` runs on threads of its own, many at once; the pages come in order. The stream ends with the first error.
    pub fn pages<T, F>(
        &self,
        range: Range<u64>,
        read: F,
    ) -> impl Stream<Item = Result<Page<T>, RemoteError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: Fn(u64, &[u8]) -> T + Clone + Send + Sync + 'static,
    {
        let width = u64::from(TILE_WIDTH);
        let range = range.start..range.end.min(self.size());
        let bundles = range.start / width..range.end.div_ceil(width);
        let ahead = self.checked.source.ahead();
        let tree = self.clone();
        let mut failed = false;
        stream::iter(bundles)
            .map(move |bundle| {
                let (tree, range, read) = (tree.clone(), range.clone(), read.clone());
                async move { tree.page(bundle, range, read).await }
            })
            .buffered(ahead)
            .take_while(move |page| {
                let goes_on = !failed;
                failed = page.is_err();
                core::future::ready(goes_on)
            })
    }

    /// One leaf.
    pub async fn leaf(&self, index: u64) -> Result<Vec<u8>, RemoteError> {
        let size = self.size();
        let beyond = RemoteError::Beyond { index, size };
        if index >= size {
            return Err(beyond);
        }
        let page = self
            .page(
                index / u64::from(TILE_WIDTH),
                index..index + 1,
                |_, leaf: &[u8]| leaf.to_vec(),
            )
            .await?;
        page.read.into_iter().next().ok_or(beyond)
    }

    async fn page<T, F>(
        &self,
        bundle: u64,
        range: Range<u64>,
        read: F,
    ) -> Result<Page<T>, RemoteError>
    where
        T: Send + 'static,
        F: Fn(u64, &[u8]) -> T + Send + Sync + 'static,
    {
        let tile = self.tile(0, bundle).await?;
        let width = self.path(0, bundle)?.width();
        let path = EntriesPath::new(bundle, width).map_err(|_| RemoteError::Beyond {
            index: bundle,
            size: self.size(),
        })?;
        let first = bundle * u64::from(TILE_WIDTH);
        let check = move |bytes: &[u8]| check(bytes, path, first, &tile, &range, &read);
        let name = Name::Tile(Resource::Entries(path));
        self.checked.get(name, codes::ENTRIES_MISSING, check).await
    }
}

/// Holds every entry of a bundle against its tile, and reads those of the range. Also how many bytes the tile vouches for.
fn check<T>(
    bytes: &[u8],
    path: EntriesPath,
    first: u64,
    tile: &Hashes,
    range: &Range<u64>,
    read: &impl Fn(u64, &[u8]) -> T,
) -> Result<(Page<T>, usize), Lie> {
    let malformed =
        |reason: String| Lie::new(codes::ENTRIES_MALFORMED, format!("{path}: {reason}"));
    let entries = parse_bundle(bytes).map_err(|error| malformed(error.to_string()))?;
    let (hashes, _) = tile.as_chunks::<{ Hash::LEN }>();
    if entries.len() < hashes.len() {
        return Err(malformed(format!(
            "it has {} entries, and the signed tree has {} there",
            entries.len(),
            hashes.len()
        )));
    }
    let mut page = Page {
        first: range.start.max(first),
        read: Vec::with_capacity(hashes.len()),
    };
    let mut vouched = 0;
    for ((index, entry), expected) in (first..).zip(&entries).zip(hashes) {
        let found = leaf_hash(entry);
        if found.as_bytes() != expected {
            let expected = Hash::from_bytes(*expected);
            return Err(Lie {
                code: codes::LEAF_WRONG,
                index: Some(index),
                message: format!("leaf {index} hashes to {found}, the signed tree has {expected}"),
            });
        }
        vouched += 2 + entry.len();
        if range.contains(&index) {
            page.read.push(read(index, entry));
        }
    }
    Ok((page, vouched))
}
