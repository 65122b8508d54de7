//! Bytes that were checked: from a kept copy where it has them, else from the source, and then into the copy.
//!
//! Reading files and checking them are one piece of work on a thread of its own, so that many can go on at once.
use std::sync::Arc;

use super::{
    Lie, RemoteError, TileFolder,
    source::{Name, Source, blocking},
};

/// Where checked bytes come from, and where they are kept.
#[derive(Clone)]
pub(super) struct Checked {
    pub(super) source: Source,
    pub(super) kept: Option<TileFolder>,
}

impl Checked {
    /// What the check makes of the bytes under this name. The check also says how many of the bytes it vouches for;
    /// those are kept.
    ///
    /// Bytes of the copy that fail the check are fetched again: a copy may be damaged, and that is no lie of the ledger.
    pub(super) async fn get<T, C>(
        &self,
        name: Name,
        missing: &'static str,
        check: C,
    ) -> Result<T, RemoteError>
    where
        T: Send + 'static,
        C: Fn(&[u8]) -> Result<(T, usize), Lie> + Send + Sync + 'static,
    {
        let check = Arc::new(check);
        if let Some(kept) = self.kept.clone() {
            let check = check.clone();
            let found = blocking(move || {
                let bytes = kept.get(&name).ok().flatten()?;
                check(&bytes).ok().map(|(read, _)| read)
            });
            if let Some(read) = found.await? {
                return Ok(read);
            }
        }
        let fetched = match &self.source {
            // Read and checked in one go.
            Source::Folder(_) => None,
            Source::Http(_) => Some(self.source.get_or_full(name).await?),
        };
        let (source, kept) = (self.source.clone(), self.kept.clone());
        blocking(move || {
            let bytes = match (fetched, &source) {
                (Some(bytes), _) => bytes,
                (None, Source::Folder(folder)) => match (folder.get(&name)?, name.full()) {
                    (None, Some(full)) => folder.get(&full)?,
                    (bytes, _) => bytes,
                },
                (None, Source::Http(_)) => None,
            };
            let bytes = bytes.ok_or_else(|| {
                Lie::new(
                    missing,
                    format!("{source} does not serve {name}, which the signed tree has"),
                )
            })?;
            let (read, vouched) = check(&bytes)?;
            if let (Some(kept), Some(bytes)) = (kept, bytes.get(..vouched)) {
                kept.put(&name, bytes)?;
            }
            Ok(read)
        })
        .await?
    }
}
