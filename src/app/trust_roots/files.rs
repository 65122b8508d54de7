//! Files of trust roots that were lost: given again by the operator, they find their place, and nothing is decided.
use bytes::Bytes;
use events::{digest::Digest, text::Slug};

use crate::{
    app::{App, CommandError},
    views,
};

/// What the log knew of files that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The versions of the root that this `trusted_root.json` is of.
    pub versions: Vec<u64>,
    /// It is that of the newest version.
    pub newest: bool,
    /// This file was missing or damaged, and is there again.
    pub restored: bool,
    /// The root metadata that trust in its repository begins with was missing or damaged, and is there again.
    pub bootstrap_restored: bool,
}

impl App {
    /// Puts files back that versions of this root name, where they are missing or damaged. What the log does not name is
    /// not kept.
    pub async fn restore_trust_root(
        &self,
        slug: &Slug,
        json: &Bytes,
        bootstrap: Option<&Bytes>,
    ) -> Result<Given, CommandError> {
        let state = views::trust_roots::one(&self.reader, slug).await?;
        let mut given = Given::default();
        let digest = Digest::of(json);
        let versions = state.versions.iter();
        let same = versions.filter(|(_, version)| version.digest == digest);
        given.versions = same.map(|(revision, _)| *revision).collect();
        given.newest = state
            .newest()
            .is_some_and(|(_, newest)| newest.digest == digest);
        if !given.versions.is_empty() {
            given.restored = self.blobs.mend(&digest, json.clone()).await?;
        }
        if let Some(bootstrap) = bootstrap {
            let digest = Digest::of(bootstrap);
            let mut repositories = state.versions.values().flat_map(|root| &root.repository);
            if repositories.any(|repository| repository.bootstrap == digest) {
                given.bootstrap_restored = self.blobs.mend(&digest, bootstrap.clone()).await?;
            }
        }
        Ok(given)
    }
}
