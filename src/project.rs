//! What a project installs, held against a ledger from outside: every locked gem has its receipt, every receipt is under
//! one tree, and that tree continues the one that was seen last.
//!
//! | room | what it is for |
//! |---|---|
//! | [`select`] | which registry, which of the locked gems, and with which credential |
//! | [`gem`] | one locked gem and its receipt |
//! | [`attested`] | the attestations that came with it |
//! | [`listing`] | the registry's list of all versions of a gem |
//! | [`tree`] | every checkpoint that was shown, the last tree seen, witnesses and freshness |
//! | [`rules`] | what can be wrong, by stable names |
//! | [`report`] | what was found, as SARIF too |
use std::path::PathBuf;

use events::time::Timestamp;
use futures::stream::{self, StreamExt as _};
use tlog::{CosignerKey, VerifierKey};

use crate::{
    lockfile::Locked,
    remote::{HttpClient, Ledger, RemoteError, SeenError, Source, seen},
};

mod attested;
pub mod gem;
pub mod listing;
pub mod report;
pub mod rules;
pub mod select;
pub mod tree;

pub use self::{
    gem::{GemReport, Level},
    report::Report,
    rules::Flaw,
    tree::TreeReport,
};

/// Receipts that are asked for at the same time.
const TOGETHER: usize = 16;

/// What is asked of a registry and of the gems that come from it.
pub struct Asked {
    /// The key that was given.
    pub key: Option<VerifierKey>,
    /// How sure every gem's origin must be.
    pub require: Level,
    /// Witnesses whose cosignatures count.
    pub witnesses: Vec<CosignerKey>,
    /// How many of them must have cosigned.
    pub quorum: usize,
    /// The oldest that the newest shown may be, in seconds.
    pub max_age_seconds: Option<u64>,
    /// Where the last tree seen is remembered; `None` remembers nothing.
    pub state: Option<PathBuf>,
    /// The time.
    pub now: Timestamp,
}

/// Why the log's key is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It was given.
    Given,
    /// It was pinned by an earlier run.
    Pinned,
    /// It is the one that the registry showed just now.
    FirstUse,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The registry cannot be read.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The state file cannot be used.
    #[error(transparent)]
    Seen(#[from] SeenError),
}

/// Verifies these gems of a registry. `tick` is called after each.
///
/// What the registry shows and must not is in the report; an error is what could not be found out.
pub async fn verify(
    registry: &HttpClient,
    log: Source,
    gems: &[Locked],
    asked: &Asked,
    mut tick: impl FnMut(),
) -> Result<Report, VerifyError> {
    let seen: Option<seen::LastSeen> = match &asked.state {
        Some(path) => seen::read(path)?,
        None => None,
    };
    let pinned = seen.as_ref().map(|seen| VerifierKey::parse(&seen.vkey));
    let (key, trust) = match (&asked.key, pinned) {
        (Some(key), _) => (Some(key.clone()), Trust::Given),
        (None, Some(pinned)) => {
            let malformed = |reason: tlog::KeyError| SeenError::Malformed {
                path: asked.state.clone().unwrap_or_default(),
                reason: format!("its key: {reason}"),
            };
            (Some(pinned.map_err(malformed)?), Trust::Pinned)
        }
        (None, None) => (None, Trust::FirstUse),
    };
    let ledger = Ledger::open(log, key).await?;
    let mut checkpoints = tree::Checkpoints::default();
    let served = ledger.checkpoint(&asked.witnesses).await;
    let mut flaws = Vec::new();
    match served {
        Ok(signed) => checkpoints.add(signed),
        Err(RemoteError::Lie(lie)) => flaws.push(tree::lie(&lie)),
        Err(error) => return Err(error.into()),
    }
    let mut reports = Vec::with_capacity(gems.len());
    let mut answers = stream::iter(gems)
        .map(|locked| async move {
            let answer = gem::receipt(registry, locked, asked.require).await;
            (locked, answer)
        })
        .buffered(TOGETHER);
    while let Some((locked, answer)) = answers.next().await {
        let judged = gem::judge(locked, answer, ledger.key(), asked, &mut checkpoints);
        reports.push(judged);
        tick();
    }
    drop(answers);
    let key = ledger.key();
    listing::hold(registry, key, asked, &mut reports, &mut checkpoints).await;
    let mut tree = TreeReport::default();
    if flaws.is_empty() {
        tree = tree::hold(&ledger, &checkpoints, seen.as_ref(), asked, &mut flaws).await?;
    }
    for gem in &mut reports {
        gem.under(&tree, asked, flaws.is_empty());
    }
    Ok(Report {
        registry: registry.address().trim_end_matches('/').to_owned(),
        origin: ledger.key().name().to_owned(),
        vkey: ledger.key().to_string(),
        trust,
        tree,
        flaws,
        gems: reports,
    })
}
