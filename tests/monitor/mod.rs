//! The monitor: lies that it catches, rules that it applies, and how it tells.
mod follow;
mod ledger;
mod lies;
mod program;
mod providers;
mod rules;
mod settings;
mod state;
mod told;

use std::{path::Path, sync::Arc};

use gemledger::{
    monitor::{Finding, Look, Monitor, MonitorError, Options, Settings, times::Bounds},
    oidc::Fetch,
    remote::{Ledger, Source, TileFolder},
    world::Clock,
};
use tlog::{CosignerKey, VerifierKey};

use crate::{remote::settings, support::published::Published};

/// How a test monitors.
#[derive(Default)]
struct Watch {
    state: Option<std::path::PathBuf>,
    keep: Option<std::path::PathBuf>,
    key: Option<VerifierKey>,
    witnesses: Vec<CosignerKey>,
    settings: Settings,
    history: bool,
    max_age: Option<u64>,
    clock: Option<Clock>,
    fetch: Option<Arc<dyn Fetch>>,
}

impl Watch {
    fn with_state(folder: &Path) -> Self {
        Self {
            state: Some(folder.join("state.json")),
            ..Self::default()
        }
    }

    async fn monitor(&self, place: &str) -> Result<Monitor, MonitorError> {
        let source = Source::parse(place, None, settings())?;
        let mut ledger = Ledger::open(source, self.key.clone()).await?;
        if let Some(folder) = &self.keep {
            ledger = ledger.keeping(TileFolder::new(folder));
        }
        let clock = || Clock::manual(ledger::start().plus_seconds(3600));
        Monitor::new(
            ledger,
            Options {
                settings: self.settings.clone(),
                bounds: Bounds {
                    skew_seconds: 120,
                    max_age_seconds: self.max_age,
                },
                witnesses: self.witnesses.clone(),
                state: self.state.clone(),
                history: self.history,
                clock: self.clock.clone().unwrap_or_else(clock),
                fetch: self.fetch.clone(),
            },
        )
    }

    /// One look by a program that starts now, tells, and ends.
    async fn look(&self, place: &str) -> Result<Look, MonitorError> {
        let mut monitor = self.monitor(place).await?;
        let look = monitor.look(|_, _| {}).await?;
        monitor.told(&look)?;
        Ok(look)
    }

    async fn look_at(&self, log: &Published) -> Look {
        self.look(&log.clone().serve().url()).await.unwrap()
    }
}

/// What is broken, by rule and first log index.
fn broken(look: &Look) -> Vec<(&'static str, Option<u64>)> {
    let broken = |finding: &&Finding| finding.sort == gemledger::monitor::Sort::Broken;
    let place = |finding: &Finding| (finding.rule, finding.indexes.first().copied());
    look.findings.iter().filter(broken).map(place).collect()
}

/// The rules that found something.
fn rules_of(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule).collect()
}
