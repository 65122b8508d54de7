//! One look at the ledger: the checkpoint, the way from the last tree seen, every leaf that was not read yet, what the
//! providers show. Hashing and parsing run ahead on other threads, judging is done here, in order.
//!
//! What if we crash here? The last tree seen is on disk before the first leaf is read, and how far findings were told is
//! written when they were ([`Monitor::told`]): a finding may be told twice, and none is lost.
use std::{path::PathBuf, pin::pin, sync::Arc};

use events::{Event, time::Timestamp};
use futures::StreamExt as _;
use tlog::CosignerKey;

use super::{
    Finding, Settings, Sort, catalogue,
    judge::{Expected, Judge},
    providers,
    state::State,
    times::Bounds,
};
use crate::{
    oidc::Fetch,
    remote::{LastSeen, Ledger, Lie, RemoteError, SeenError, Signed, Tree},
    world::Clock,
};

/// Most findings that one look tells.
pub const MAX_FINDINGS: usize = 10_000;

/// How long what the providers showed is good enough, in seconds, while no new key is recorded.
const ASK_SECONDS: u64 = 15 * 60;

/// How a ledger is monitored.
pub struct Options {
    /// The rules file.
    pub settings: Settings,
    /// What time can be.
    pub bounds: Bounds,
    /// Who must have cosigned the checkpoint.
    pub witnesses: Vec<CosignerKey>,
    /// The state file. Without one, nothing was seen before, and everything is told.
    pub state: Option<PathBuf>,
    /// At the first look, also tell what was notable before it.
    pub history: bool,
    /// The clock that leaf times are held against.
    pub clock: Clock,
    /// Who asks the providers for their keys; nobody if `None`.
    pub fetch: Option<Arc<dyn Fetch>>,
}

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Leaves in the tree that is signed now, if a checkpoint could be read.
    pub size: Option<u64>,
    /// Leaves that were read and judged.
    pub read: u64,
    /// What was noticed.
    pub findings: Vec<Finding>,
    /// Whether everything could be judged, up to the last leaf.
    pub decided: bool,
    /// Whether everything was read, up to the last leaf.
    pub complete: bool,
}

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// The ledger could not be read, and that is no proof against it.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] SeenError),
}

/// Follows one ledger.
pub struct Monitor {
    ledger: Ledger,
    options: Options,
    state: Option<State>,
    judge: Judge,
    /// What was noticed in a look that could not be finished: told with the next one.
    untold: Vec<Finding>,
    /// When the providers were last asked, and how many keys were recorded then.
    asked: Option<(Timestamp, usize)>,
}

/// Findings, as many as can be told.
struct Found {
    findings: Vec<Finding>,
    more: u64,
    /// What is broken is told from this log index on, what is notable from the other.
    broken: u64,
    notable: u64,
}

impl Found {
    /// What the reader itself noticed is told at every look, for as long as it is so.
    fn always(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn push(&mut self, finding: Finding) {
        let from = match finding.sort {
            Sort::Broken | Sort::Undecided => self.broken,
            Sort::Notable => self.notable,
        };
        if finding.indexes.first().is_some_and(|index| *index < from) {
            return;
        }
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }

    fn into_look(mut self, size: Option<u64>, judge: &Judge, complete: bool) -> Look {
        if self.more > 0 {
            let text = format!("{} more findings were not told", self.more);
            self.findings
                .push(Finding::new(&catalogue::MORE_FINDINGS, text));
        }
        let undecided = |finding: &Finding| finding.sort == Sort::Undecided;
        Look {
            size,
            read: judge.next(),
            decided: complete && judge.undecided() == 0 && !self.findings.iter().any(undecided),
            findings: self.findings,
            complete,
        }
    }
}

impl Monitor {
    /// A monitor of this ledger. Reads the state file.
    pub fn new(ledger: Ledger, options: Options) -> Result<Self, MonitorError> {
        let state = match &options.state {
            Some(path) => State::read(path)?,
            None => None,
        };
        let expected = Expected {
            origin: ledger.key().name().to_owned(),
            vkey: ledger.key().to_string(),
        };
        let judge = Judge::new(expected, options.settings.clone(), options.bounds);
        Ok(Self {
            ledger,
            options,
            state,
            judge,
            untold: Vec::new(),
            asked: None,
        })
    }

    /// The ledger that is monitored.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Looks once. `progress` is told how many leaves were read, of how many.
    ///
    /// After an error the next look goes on where this one was, and tells what this one noticed.
    pub async fn look(&mut self, progress: impl FnMut(u64, u64)) -> Result<Look, MonitorError> {
        let mut found = Found {
            findings: core::mem::take(&mut self.untold),
            more: 0,
            broken: 0,
            notable: 0,
        };
        let ended = self.look_into(&mut found, progress).await;
        match ended {
            Ok((size, complete)) => Ok(found.into_look(size, &self.judge, complete)),
            Err(error) => {
                self.untold = found.findings;
                Err(error)
            }
        }
    }

    /// The size of the signed tree, and whether everything in it was read.
    async fn look_into(
        &mut self,
        found: &mut Found,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(Option<u64>, bool), MonitorError> {
        let now = self.options.clock.now();
        let tree = match self.tree().await {
            Ok(tree) => tree,
            Err(MonitorError::Remote(RemoteError::Lie(lie))) => {
                found.always(Finding::of_lie(&lie));
                return Ok((None, false));
            }
            Err(error) => return Err(error),
        };
        if let Some(state) = &self.state {
            (found.broken, found.notable) = (state.told, state.told.max(state.baseline));
        }
        let size = tree.size();
        match self.leaves(&tree, now, found, &mut progress).await {
            Ok(()) => {}
            Err(RemoteError::Lie(lie)) => {
                found.always(Finding::of_lie(&lie));
                return Ok((Some(size), false));
            }
            Err(error) => return Err(error.into()),
        }
        self.judge.settle(&mut |finding| found.push(finding));
        self.checkpoint(tree.signed(), now, found);
        self.providers(size, now, found).await;
        self.ledger.keep(tree.signed()).await?;
        Ok((Some(size), true))
    }

    /// The tree that is signed now, when it continues the last one seen; it is the last one seen from now on.
    async fn tree(&mut self) -> Result<Tree, MonitorError> {
        let signed = self.ledger.checkpoint(&self.options.witnesses).await?;
        let key = self.ledger.key();
        if let Some(state) = &self.state {
            // Before any tile is asked for: a ledger that went back need not serve what it signed.
            if let Err(lie) = state.seen.precedes(key, &signed) {
                return Err(self.evidence(lie, &signed));
            }
        }
        let tree = self.ledger.tree(&signed).await?;
        if let Some(state) = &self.state
            && let Err(error) = state.seen.check(key, &tree).await
        {
            return Err(if let RemoteError::Lie(lie) = error {
                self.evidence(lie, &signed)
            } else {
                error.into()
            });
        }
        self.remember(&signed)?;
        Ok(tree)
    }

    /// Keeps both notes, and says where, in the lie.
    fn evidence(&self, mut lie: Lie, signed: &Signed) -> MonitorError {
        if let (Some(state), Some(path)) = (&self.state, &self.options.state) {
            match state.seen.keep_evidence(path, signed) {
                Ok(kept) => {
                    lie.message = format!("{}; both notes are in {}", lie.message, kept.display());
                }
                Err(error) => return error.into(),
            }
        }
        RemoteError::Lie(lie).into()
    }

    fn remember(&mut self, signed: &Signed) -> Result<(), SeenError> {
        let seen = LastSeen::of(self.ledger.key(), signed);
        let state = if let Some(state) = self.state.take() {
            State { seen, ..state }
        } else {
            let all = self.options.history || self.options.state.is_none();
            State {
                baseline: if all { 0 } else { seen.size },
                seen,
                told: 0,
                providers: [].into(),
            }
        };
        if let Some(path) = &self.options.state {
            state.write(path)?;
        }
        self.state = Some(state);
        Ok(())
    }

    async fn leaves(
        &mut self,
        tree: &Tree,
        now: Timestamp,
        found: &mut Found,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), RemoteError> {
        let size = tree.size();
        let mut pages = pin!(tree.pages(self.judge.next()..size, |_, leaf| Event::read(leaf)));
        while let Some(page) = pages.next().await {
            for read in page?.read {
                self.judge
                    .take(read, now, &mut |finding| found.push(finding));
            }
            progress(self.judge.next(), size);
        }
        Ok(())
    }

    /// The newest checkpoint: who cosigned it, when, and how old it is.
    fn checkpoint(&self, signed: &Signed, now: Timestamp, found: &mut Found) {
        for witness in &self.options.witnesses {
            if !signed
                .cosignatures
                .iter()
                .any(|line| line.cosigner == *witness)
            {
                let text = format!("{} did not cosign the checkpoint", witness.name());
                found.push(Finding::new(&catalogue::COSIGNATURE_MISSING, text));
            }
        }
        let witnesses = self.options.witnesses.len();
        let times = self.judge.times();
        let bounds = &self.options.bounds;
        for finding in times.checkpoint(&signed.cosignatures, witnesses, now, bounds) {
            found.push(finding);
        }
    }

    async fn providers(&mut self, size: u64, now: Timestamp, found: &mut Found) {
        let (Some(fetch), Some(state)) = (&self.options.fetch, &mut self.state) else {
            return;
        };
        let loopback = self.ledger.source().is_local_server();
        let known = self.judge.providers();
        let keys = known.values().map(|known| known.keys.len()).sum();
        let settled = self
            .asked
            .is_some_and(|(at, before)| now < at.plus_seconds(ASK_SECONDS) && before == keys);
        if settled {
            return;
        }
        let shown = &mut state.providers;
        let (findings, all) = providers::compare(&**fetch, known, shown, loopback, size, now).await;
        // Which of them are new, the comparison knows: a provider that was not reachable is compared later.
        found.broken = 0;
        for finding in findings {
            found.push(finding);
        }
        self.asked = all.then_some((now, keys));
    }

    /// To be called when the findings of a look were told: they are not told again.
    pub fn told(&mut self, look: &Look) -> Result<(), MonitorError> {
        let Some(state) = &mut self.state else {
            return Ok(());
        };
        if look.complete {
            state.told = look.read;
        }
        if let Some(path) = &self.options.state {
            state.write(path)?;
        }
        Ok(())
    }
}
