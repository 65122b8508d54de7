//! Refreshing trust roots from their TUF repositories. Whatever goes wrong, the last good version stays and pushes go on.
use std::{path::PathBuf, time::Duration};

use deciders::Code;
use events::{digest::Digest, id::Via, text::Slug};

use super::{NewTrustRoot, Repository};
use crate::{
    app::{App, CommandError},
    oidc::address::Address,
    sigstore::{self, RefreshError},
    views::{self, trust_roots::Newest},
};

/// How long after its start a server first looks for newer trust roots.
const FIRST: Duration = Duration::from_mins(1);

/// What a refresh of one root led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The repository has what is recorded.
    Unchanged,
    /// There was a newer one, recorded at this log index.
    Changed(u64),
    /// It was given as a file, so there is nothing to ask.
    NoRepository,
    /// What the repository has cannot be taken; the last good version stays.
    Kept {
        /// Why.
        why: String,
        /// The repository's metadata has expired.
        expired: bool,
    },
}

/// A repository may be asked at this address: https, or plain http at a literal loopback address.
pub(super) fn check_address(url: &str) -> Result<(), CommandError> {
    let checked = Address::parse(url, true);
    checked
        .map(|_| ())
        .map_err(|error| CommandError::Malformed(format!("the repository's address {url} {error}")))
}

impl App {
    /// Looks for newer versions of the live trust roots, or of the one with this name, and records those that changed.
    pub async fn refresh_trust_roots(
        &self,
        only: Option<&Slug>,
        via: Via,
    ) -> Result<Vec<(Slug, Refreshed)>, CommandError> {
        let roots = views::trust_roots::newest(&self.reader).await?;
        let asked = |root: &&Newest| match only {
            Some(slug) => root.slug == *slug,
            None => !root.retired,
        };
        let mut outcomes = Vec::new();
        for root in roots.iter().filter(asked) {
            if root.retired {
                return Err(deciders::Denial::new(Code::TrustRootRetired).into());
            }
            outcomes.push((root.slug.clone(), self.refresh_trust_root(root, via).await?));
        }
        match only {
            Some(_) if outcomes.is_empty() => {
                Err(deciders::Denial::new(Code::TrustRootUnknown).into())
            }
            _ => Ok(outcomes),
        }
    }

    async fn refresh_trust_root(&self, root: &Newest, via: Via) -> Result<Refreshed, CommandError> {
        let recorded = &root.recorded;
        let (Some(url), Some(bootstrap)) = (&recorded.repository, &recorded.bootstrap) else {
            return Ok(Refreshed::NoRepository);
        };
        let kept = |why: String| Refreshed::Kept {
            why,
            expired: false,
        };
        let bytes = match self.blobs.get(bootstrap).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let text = "the root metadata that trust in its repository begins with is not here: \
                            record it again with --tuf-url and --tuf-root";
                return Ok(kept(text.into()));
            }
            Err(error) => return Ok(kept(error.to_string())),
        };
        check_address(url.as_str())?;
        let seen = self.seen(url.as_str(), bootstrap);
        let now = self.clock.now();
        let json = match sigstore::fetch(url.as_str(), &bytes, &seen, now).await {
            Ok(json) => json,
            Err(error) => {
                let expired = matches!(error, RefreshError::Expired { .. });
                let why = error.to_string();
                return Ok(Refreshed::Kept { why, expired });
            }
        };
        if Digest::of(&json) == recorded.digest {
            return Ok(Refreshed::Unchanged);
        }
        let new = NewTrustRoot {
            slug: root.slug.clone(),
            json: json.into(),
            issuers: recorded.issuers.iter().map(ToString::to_string).collect(),
            public: recorded.public,
            requires: recorded.requires,
            repository: Some(Repository {
                url: url.to_string(),
                bootstrap: bytes,
            }),
        };
        match self.record_trust_root(new, via).await {
            Ok(index) => Ok(Refreshed::Changed(index)),
            // A file that no bundle could be verified with.
            Err(CommandError::Malformed(why)) => Ok(kept(why)),
            // Somebody else was as quick.
            Err(CommandError::Denied(denial)) if denial.code == Code::AlreadyExists => {
                Ok(Refreshed::Unchanged)
            }
            Err(error) => Err(error),
        }
    }

    /// Where it is kept what was verified last of a repository: another address, or another beginning, is another one.
    fn seen(&self, url: &str, bootstrap: &Digest) -> PathBuf {
        let repository = Digest::of(format!("{url}\n{bootstrap}").as_bytes());
        self.folder.tuf().join(repository.hex())
    }

    /// Looks for newer trust roots from time to time. A failure is logged, and nothing else: pushes go on with the last
    /// good version.
    pub async fn keep_trust_roots(self, every: Duration) {
        let mut first = tokio::time::interval(FIRST);
        first.tick().await;
        first.tick().await;
        let mut tick = tokio::time::interval(every);
        loop {
            tick.tick().await;
            match self.refresh_trust_roots(None, Via::Server).await {
                Ok(outcomes) => outcomes.iter().for_each(tell),
                Err(error) => tracing::warn!(%error, "the trust roots could not be refreshed"),
            }
        }
    }
}

fn tell((root, refreshed): &(Slug, Refreshed)) {
    match refreshed {
        Refreshed::Unchanged | Refreshed::NoRepository => {}
        Refreshed::Changed(index) => {
            tracing::info!(%root, index, "a new version of a trust root was recorded");
        }
        Refreshed::Kept { why, .. } => {
            tracing::warn!(%root, %why, "the last good version of a trust root is kept");
        }
    }
}
