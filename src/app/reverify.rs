//! Stored attestations, verified again: with the version of the trust root that the log names, which must still hold, and
//! with its newest version, which may have stopped to vouch for them since.
//!
//! The log is read in pages and bundles by the handful, so memory does not grow with their number.
use std::{collections::BTreeMap, sync::Arc};

use events::{
    Body, Recorded, attestation::Attested, digest::Digest, platform::FullName, stream::EventRef,
    text::Text, time::Timestamp, trust_root,
};
use futures::{StreamExt as _, stream::FuturesOrdered};

use self::bundle::Evidence;
use super::trust_roots::{TrustRoot, TrustRootError, Verifiers};
use crate::{
    blobs::{BlobError, Blobs},
    store::{StoreError, reader::Reader, streams::GEMS},
    views,
};

mod bundle;

/// Bundles in flight for each core: one is read while another is verified.
const IN_FLIGHT: usize = 2;

/// What kind of thing a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The stored evidence is not what the log says, or does not prove it.
    Damaged,
    /// It held when it was recorded, and the newest version of its trust root does not vouch for it: an authority or a log
    /// was distrusted, or more evidence is asked for.
    NoLongerVouched,
    /// It holds as it did, and the operator took back the trust that it stood on: its trust root was retired, or vouches
    /// for its issuer no longer. The log does not say why, so this is neither a fault of the bundle nor nothing.
    Withdrawn,
    /// It, or its trust root, is not here.
    CouldNotTell,
}

/// Something about a stored bundle that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The log index of `release.attested`.
    pub index: u64,
    /// The release's file name without `.gem`.
    pub release: String,
    /// The bundle.
    pub bundle: Digest,
    /// What kind of thing it is.
    pub kind: Kind,
    /// One sentence.
    pub what: String,
}

/// An event, and what it takes to verify its bundle.
struct Stored {
    index: u64,
    attested: Box<Attested>,
}

fn attested(recorded: Recorded) -> Option<Stored> {
    if let Body::ReleaseAttested(attested) = recorded.event.body {
        Some(Stored {
            index: recorded.index,
            attested: Box::new(attested),
        })
    } else {
        None
    }
}

/// Verifies every stored bundle again, and says how many there are. Findings are told as they are found, in the order of
/// the gems' names.
pub async fn reverify(
    reader: &Reader,
    blobs: &Blobs,
    now: Timestamp,
    mut tell: impl FnMut(Finding),
    mut progress: impl FnMut(u64, u64),
) -> Result<u64, StoreError> {
    let all = views::attestations::count(reader).await?;
    let mut roots = Roots::read(reader).await?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (mut working, mut done) = (FuturesOrdered::new(), 0_u64);
    let mut pages = reader.all_of(GEMS, attested);
    loop {
        let page = pages.recv().await.transpose()?.unwrap_or_default();
        let ended = page.is_empty();
        for stored in page.into_iter().flatten() {
            let roots = roots.of(blobs, &stored.attested.root).await?;
            working.push_back(again(blobs.clone(), stored, roots, now));
            if working.len() >= cores * IN_FLIGHT {
                took(working.next().await, &mut done, &mut tell)?;
                progress(done, all);
            }
        }
        if ended {
            break;
        }
    }
    while let Some(found) = working.next().await {
        took(Some(found), &mut done, &mut tell)?;
        progress(done, all);
    }
    Ok(done)
}

fn took(
    found: Option<Result<Vec<Finding>, StoreError>>,
    done: &mut u64,
    tell: &mut impl FnMut(Finding),
) -> Result<(), StoreError> {
    if let Some(found) = found {
        *done += 1;
        found?.into_iter().for_each(tell);
    }
    Ok(())
}

/// The trust roots of a ledger, in every version, and verifiers of those that were needed.
struct Roots {
    versions: BTreeMap<EventRef, trust_root::Recorded>,
    newest: BTreeMap<String, Arc<Today>>,
    verifiers: Verifiers,
}

/// What a bundle is verified with: the version that its release names, the newest one where that is another, and for whom
/// the root vouches today.
struct Pair {
    named: Result<Arc<TrustRoot>, String>,
    newest: Option<Result<Arc<TrustRoot>, String>>,
    today: Option<Arc<Today>>,
}

/// What a trust root is today.
struct Today {
    revision: u64,
    retired: bool,
    issuers: Vec<Text>,
}

impl Roots {
    async fn read(reader: &Reader) -> Result<Self, StoreError> {
        let mut roots = Self {
            versions: BTreeMap::new(),
            newest: BTreeMap::new(),
            verifiers: Verifiers::default(),
        };
        for root in views::trust_roots::newest(reader).await? {
            let today = Today {
                revision: root.revision,
                retired: root.retired,
                issuers: root.recorded.issuers,
            };
            roots.newest.insert(root.slug.to_string(), Arc::new(today));
            for recorded in views::trust_roots::history(reader, &root.slug).await? {
                let reference = EventRef {
                    revision: recorded.event.revision,
                    stream: recorded.event.stream.clone(),
                };
                if let Body::TrustRootRecorded(version) = recorded.event.body {
                    roots.versions.insert(reference, version);
                }
            }
        }
        Ok(roots)
    }

    async fn of(&mut self, blobs: &Blobs, named: &EventRef) -> Result<Pair, StoreError> {
        let today = self.newest.get(named.stream.rest()).cloned();
        let newest = match &today {
            Some(today) if today.revision != named.revision => {
                let reference = EventRef {
                    revision: today.revision,
                    stream: named.stream.clone(),
                };
                Some(self.version(blobs, &reference).await?)
            }
            Some(_) | None => None,
        };
        Ok(Pair {
            named: self.version(blobs, named).await?,
            newest,
            today,
        })
    }

    async fn version(
        &self,
        blobs: &Blobs,
        reference: &EventRef,
    ) -> Result<Result<Arc<TrustRoot>, String>, StoreError> {
        let Some(recorded) = self.versions.get(reference) else {
            let text = format!("{} has no version {}", reference.stream, reference.revision);
            return Ok(Err(text));
        };
        match self.verifiers.of(blobs, recorded).await {
            Ok(root) => Ok(Ok(Arc::new(TrustRoot {
                reference: reference.clone(),
                requires: recorded.requires,
                public: recorded.public,
                repository: recorded.repository.as_ref().map(|from| from.url.clone()),
                root,
            }))),
            Err(TrustRootError::Store(error)) => Err(error),
            Err(error) => Ok(Err(error.to_string())),
        }
    }
}

/// Reads a bundle and verifies it, on a thread of its own.
async fn again(
    blobs: Blobs,
    stored: Stored,
    roots: Pair,
    now: Timestamp,
) -> Result<Vec<Finding>, StoreError> {
    let Stored { index, attested } = stored;
    let name = FullName::compose(&attested.name, &attested.number, &attested.platform);
    let release = name.map_or_else(|_| attested.name.to_string(), |name| name.to_string());
    let bundle = attested.bundle;
    let finding = |(kind, what): (Kind, String)| Finding {
        index,
        release: release.clone(),
        bundle,
        kind,
        what,
    };
    let bytes = match blobs.get(&bundle).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let text = "its bundle is not here".to_owned();
            return Ok(vec![finding((Kind::CouldNotTell, text))]);
        }
        Err(error @ BlobError::Damaged(_)) => {
            return Ok(vec![finding((Kind::Damaged, error.to_string()))]);
        }
        // One file that cannot be read is no reason to leave the others.
        Err(error) => return Ok(vec![finding((Kind::CouldNotTell, error.to_string()))]),
    };
    let file = format!("{release}.gem");
    let found = tokio::task::spawn_blocking(move || {
        let evidence = Evidence {
            attested: &attested,
            bytes: &bytes,
            file: &file,
            now,
        };
        evidence.findings(&roots)
    });
    let found = found
        .await
        .map_err(|error| StoreError::Database(error.to_string()))?;
    Ok(found.into_iter().map(finding).collect())
}
