//! Trust roots: chosen by the operator, recorded in versions, and read when a bundle is to be verified.
//!
//! The file is durable before the event that names it, so that everybody can verify again what a version verified. If we
//! crash between the two, a file that nothing names is left, and the same command goes on.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use deciders::{
    Denial, Ledger,
    trust_root::{self, TrustRoot as State},
};
use events::{
    digest::Digest,
    event::Draft,
    id::Via,
    stream::{EventRef, StreamName},
    text::{Slug, Text, TextError},
    trust_root::{self as event, Recorded, Requires},
};

use super::{App, CommandError, exchange::GITHUB_ISSUER, settled, unread};
use crate::{
    blobs::{BlobError, Blobs},
    sigstore::{self, Root},
    store::{StoreError, states::Read, writer::Verdict},
    views,
};

mod files;
mod outcome;
mod refresh;

pub use crate::sigstore::Known;
pub use files::Given;
pub use outcome::{Asked, Outcome};
pub use refresh::{FIRST, Refreshed};

/// Verifiers that are kept; a ledger has a handful of roots.
const KEPT: usize = 64;
/// Whose jobs the public-good instance issues certificates for, of those that this registry knows.
const PUBLIC_GOOD_ISSUERS: [&str; 2] = [GITHUB_ISSUER, "https://gitlab.com"];
/// Whose jobs GitHub's own instance issues certificates for.
const GITHUB_ISSUERS: [&str; 1] = [GITHUB_ISSUER];
/// Longest `trusted_root.json`, in bytes.
pub const MAX_FILE: usize = sigstore::MAX_ROOT_BYTES;
/// Longest root metadata of a TUF repository, in bytes.
pub const MAX_BOOTSTRAP: usize = 512_000;

/// A trust root that bundles of some issuer's jobs are verified with now.
#[derive(Clone, Debug)]
pub struct TrustRoot {
    /// The version, as releases refer to it.
    pub reference: EventRef,
    /// The evidence that a bundle must bring.
    pub requires: Requires,
    /// Its log is read by everybody.
    pub public: bool,
    /// The address of the TUF repository that it is refreshed from.
    pub repository: Option<Text>,
    /// The verifier.
    pub root: Arc<Root>,
}

/// Verifiers, made once for each file and what it requires.
#[derive(Default)]
pub struct Verifiers(Mutex<Made>);

type Made = BTreeMap<(Digest, Requires), Arc<Root>>;

/// Why a recorded trust root cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustRootError {
    /// Its file is not here.
    #[error("the file of a trust root is not here: {0}")]
    Missing(Digest),
    /// Its file cannot be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The verifier does not take it.
    #[error(transparent)]
    Root(#[from] sigstore::RootError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Verifiers {
    /// The verifier of one version of a root.
    pub async fn of(
        &self,
        blobs: &Blobs,
        recorded: &Recorded,
    ) -> Result<Arc<Root>, TrustRootError> {
        let key = (recorded.digest, recorded.requires);
        let known = |roots: &Made| roots.get(&key).cloned();
        if let Some(root) = known(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(root);
        }
        let json = blobs.get(&recorded.digest).await?;
        let json = json.ok_or(TrustRootError::Missing(recorded.digest))?;
        let root = Arc::new(Root::read(&json, recorded.requires)?);
        let mut roots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if roots.len() >= KEPT {
            roots.clear();
        }
        roots.insert(key, root.clone());
        Ok(root)
    }
}

/// What the operator types to record a trust root.
#[derive(Clone, Debug)]
pub struct NewTrustRoot {
    /// Its name here.
    pub slug: Slug,
    /// The `trusted_root.json`, kept as it is.
    pub json: Bytes,
    /// Issuers whose jobs it vouches for.
    pub issuers: Vec<String>,
    /// Whether its log is read by everybody.
    pub public: bool,
    /// The evidence that a bundle must bring.
    pub requires: Requires,
    /// The TUF repository that it is refreshed from.
    pub repository: Option<Repository>,
}

/// A TUF repository, and where trust in it begins.
#[derive(Clone, Debug)]
pub struct Repository {
    /// Its address.
    pub url: String,
    /// Its root metadata.
    pub bootstrap: Bytes,
}

impl NewTrustRoot {
    /// The trust root of an instance whose settings come with this program: its file, repository and issuers, and what
    /// its bundles have.
    pub fn known(slug: Slug, known: Known) -> Self {
        let (public, issuers, requires) = match known {
            Known::PublicGood => (true, PUBLIC_GOOD_ISSUERS.as_slice(), Requires::LOGGED),
            Known::Github => (false, GITHUB_ISSUERS.as_slice(), Requires::TIMESTAMPED),
        };
        Self {
            slug,
            json: known.trusted_root().into(),
            issuers: issuers.iter().map(|issuer| (*issuer).to_owned()).collect(),
            public,
            requires,
            repository: Some(Repository {
                url: known.repository().to_owned(),
                bootstrap: Bytes::from_static(known.bootstrap()),
            }),
        }
    }

    /// What is recorded of it, once the file is known to be one that bundles can be verified with.
    fn recorded(&self) -> Result<Recorded, CommandError> {
        Root::read(&self.json, self.requires)
            .map_err(|error| CommandError::Malformed(error.to_string()))?;
        let text = |what: &str, text: &str| {
            let malformed = |error: TextError| CommandError::Malformed(format!("{what} {error}"));
            Text::configured(text).map_err(malformed)
        };
        let issuers = self.issuers.iter().map(|issuer| text("the issuer", issuer));
        let repository = self.repository.as_ref();
        if let Some(from) = repository {
            refresh::check_address(&from.url)?;
            sigstore::check_bootstrap(&from.url, &from.bootstrap)
                .map_err(|error| CommandError::Malformed(error.to_string()))?;
        }
        let repository = repository.map(|from| {
            Ok::<_, CommandError>(event::Repository {
                bootstrap: Digest::of(&from.bootstrap),
                url: text("the repository's address", &from.url)?,
            })
        });
        Ok(Recorded {
            digest: Digest::of(&self.json),
            issuers: issuers.collect::<Result<_, _>>()?,
            public: self.public,
            repository: repository.transpose()?,
            requires: self.requires,
            size: u64::try_from(self.json.len()).unwrap_or(u64::MAX),
        })
    }
}

impl App {
    /// The newest live version of every root that vouches for this issuer's jobs, in the order of their names. All are
    /// the operator's choice; a bundle never chooses.
    ///
    /// Rows of this instant. What is decided with a root is decided on its state, so a root that is retired meanwhile is
    /// noticed there.
    pub async fn trust_roots_for(&self, issuer: &str) -> Result<Vec<TrustRoot>, TrustRootError> {
        let mut roots = Vec::new();
        for newest in views::trust_roots::newest(&self.reader).await? {
            let vouches = newest.recorded.issuers.iter();
            if newest.retired || !vouches.into_iter().any(|known| known.as_str() == issuer) {
                continue;
            }
            let reference = EventRef {
                revision: newest.revision,
                stream: StreamName::trust_root(&newest.slug),
            };
            roots.push(TrustRoot {
                reference,
                requires: newest.recorded.requires,
                public: newest.recorded.public,
                repository: newest
                    .recorded
                    .repository
                    .as_ref()
                    .map(|from| from.url.clone()),
                root: self.verifiers.of(&self.blobs, &newest.recorded).await?,
            });
        }
        Ok(roots)
    }

    /// Records a trust root, or a new version of it. Nothing is kept of a file that no bundle can be verified with, nor of
    /// what the rules deny.
    pub async fn record_trust_root(
        &self,
        new: NewTrustRoot,
        via: Via,
    ) -> Result<u64, CommandError> {
        let recorded = new.recorded()?;
        let slug = new.slug.clone();
        let ledger: Ledger = views::state(&self.reader, &StreamName::log()).await?;
        let state: State = views::trust_roots::one(&self.reader, &slug).await?;
        trust_root::record(&ledger, &state, &slug, recorded.clone())?;
        self.blobs.mend(&recorded.digest, new.json).await?;
        if let Some(Repository { bootstrap, .. }) = new.repository {
            let digest = Digest::of(&bootstrap);
            self.blobs.mend(&digest, bootstrap).await?;
        }
        let named = slug.clone();
        let change = self.change_trust_root(slug, via, move |ledger, state, slug| {
            trust_root::record(ledger, state, slug, recorded)
        });
        let index = change.await?;
        // Nobody confirmed this version yet.
        self.forget(&named);
        Ok(index)
    }

    /// Retires a trust root.
    pub async fn retire_trust_root(&self, slug: Slug) -> Result<u64, CommandError> {
        let named = slug.clone();
        let change = self.change_trust_root(slug, Via::Console, trust_root::retire);
        let index = change.await?;
        self.forget(&named);
        Ok(index)
    }

    pub(super) async fn change_trust_root<F>(
        &self,
        slug: Slug,
        via: Via,
        change: F,
    ) -> Result<u64, CommandError>
    where
        F: FnOnce(&Ledger, &State, &Slug) -> Result<Vec<Draft>, Denial> + Send + 'static,
    {
        let (log, stream) = (StreamName::log(), StreamName::trust_root(&slug));
        let reads = vec![
            Read::of::<Ledger>(log.clone()),
            Read::of::<State>(stream.clone()),
        ];
        let request = self.request(events::id::Actor::Operator, via);
        let outcome = self
            .writer
            .append(reads, move |desk| {
                match (desk.state::<Ledger>(&log), desk.state::<State>(&stream)) {
                    (Some(ledger), Some(state)) => request.verdict(change(ledger, state, &slug)),
                    _ => Verdict::answer(unread()),
                }
            })
            .await?;
        Ok(settled(outcome)?.indexes().start)
    }
}
