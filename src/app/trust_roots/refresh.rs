//! Refreshing trust roots from their TUF repositories. Whatever goes wrong, the last good version stays and pushes go on.
use std::{path::PathBuf, time::Duration};

use deciders::{Code, trust_root};
use events::{
    digest::Digest,
    id::Via,
    text::Slug,
    trust_root::{Recorded, Repository},
};

use crate::{
    app::{App, CommandError},
    oidc::{address::Address, fetch::client},
    sigstore::{self, RefreshError, Root},
    views::{self, trust_roots::Newest},
};

/// How long after its start a server first looks for newer trust roots.
pub const FIRST: Duration = Duration::from_mins(1);
/// How long a whole refresh of one root may take.
const PATIENCE: Duration = Duration::from_mins(2);

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

fn kept(why: &impl ToString) -> Refreshed {
    Refreshed::Kept {
        why: why.to_string(),
        expired: false,
    }
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
    /// What is wrong with one is no reason to leave the others.
    pub async fn refresh_trust_roots(
        &self,
        only: Option<&Slug>,
        via: Via,
    ) -> Result<Vec<(Slug, Refreshed)>, CommandError> {
        if let Some(slug) = only {
            return Ok(vec![(
                slug.clone(),
                self.refresh_trust_root(slug, via).await?,
            )]);
        }
        let mut outcomes = Vec::new();
        for Newest { slug, retired, .. } in views::trust_roots::newest(&self.reader).await? {
            if retired {
                continue;
            }
            match self.refresh_trust_root(&slug, via).await {
                Ok(refreshed) => outcomes.push((slug, refreshed)),
                // Retired since: those before it may have taken minutes.
                Err(CommandError::Denied(_)) => {}
                Err(error) => outcomes.push((slug, kept(&error))),
            }
        }
        Ok(outcomes)
    }

    async fn refresh_trust_root(&self, slug: &Slug, via: Via) -> Result<Refreshed, CommandError> {
        let state = views::trust_roots::one(&self.reader, slug).await?;
        let (revision, live) = state.live()?;
        let Some(repository) = &live.repository else {
            return Ok(Refreshed::NoRepository);
        };
        let refreshed = match self.ask(repository).await {
            Ok(json) => match self.take(slug, (revision, live), json, via).await {
                // What the operator decided meanwhile stands, and says nothing of the repository.
                Err(CommandError::Denied(denial)) => {
                    let text = format!("it changed while its repository was asked: {denial}");
                    return Ok(kept(&text));
                }
                taken => taken?,
            },
            Err(kept) => kept,
        };
        let state = views::trust_roots::one(&self.reader, slug).await?;
        let still = state.live().ok();
        if still.is_some_and(|(_, still)| still.repository.as_ref() == Some(repository)) {
            self.remember(slug, &refreshed);
        }
        Ok(refreshed)
    }

    /// What the repository has now.
    async fn ask(&self, repository: &Repository) -> Result<Vec<u8>, Refreshed> {
        let Repository { bootstrap, url } = repository;
        let bytes = match self.blobs.get(bootstrap).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let text = "the root metadata that trust in its repository begins with is not here: \
                            give it again with the newest file, --tuf-url and --tuf-root";
                return Err(kept(&text));
            }
            Err(error) => return Err(kept(&error)),
        };
        check_address(url.as_str()).map_err(|error| kept(&error))?;
        let client = client(PATIENCE).map_err(|error| kept(&error))?;
        let seen = self.seen(url.as_str(), bootstrap);
        let now = self.clock.now();
        let fetched = sigstore::fetch(client, url.as_str(), &bytes, (&seen, now)).await;
        fetched.map_err(|error| Refreshed::Kept {
            expired: matches!(error, RefreshError::Expired { .. }),
            why: error.to_string(),
        })
    }

    /// Records what the repository has, if it is another file than that of the version that it was asked for, and that
    /// version still is the live one.
    async fn take(
        &self,
        slug: &Slug,
        (revision, live): (u64, &Recorded),
        json: Vec<u8>,
        via: Via,
    ) -> Result<Refreshed, CommandError> {
        let digest = Digest::of(&json);
        if digest == live.digest {
            // Where the file was lost, here it is.
            self.blobs.mend(&digest, json.into()).await?;
            return Ok(Refreshed::Unchanged);
        }
        if let Err(error) = Root::read(&json, live.requires) {
            return Ok(kept(&error));
        }
        let size = u64::try_from(json.len()).unwrap_or(u64::MAX);
        self.blobs.mend(&digest, json.into()).await?;
        let recorded = self.change_trust_root(slug.clone(), via, move |ledger, root, slug| {
            trust_root::refresh(ledger, root, slug, revision, (digest, size))
        });
        match recorded.await {
            Ok(index) => Ok(Refreshed::Changed(index)),
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

    /// Looks for newer trust roots after a while, and then from time to time. A failure is logged, and nothing else: pushes go on with the last
    /// good version.
    pub async fn keep_trust_roots(self, first: Duration, every: Duration) {
        tokio::time::sleep(first).await;
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
