//! Looking again and again: how long to wait, and what was told already.
use std::{collections::BTreeSet, time::Duration};

use super::{Finding, look::Look};

/// Longest pause after failures.
const LONGEST: Duration = Duration::from_mins(15);

/// The pauses between looks: even, and doubled with each failure in a row.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    interval: Duration,
    failures: u32,
}

impl Pace {
    /// A look each interval.
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            failures: 0,
        }
    }

    /// The pause after a look that went well or did not.
    pub fn after(&mut self, went_well: bool) -> Duration {
        if went_well {
            self.failures = 0;
            return self.interval;
        }
        self.failures = self.failures.saturating_add(1);
        let doubled = self.interval.saturating_mul(1 << self.failures.min(16));
        doubled.min(LONGEST).max(self.interval)
    }
}

/// What the look before told, so that what stays as it is is told once.
#[derive(Debug, Default)]
pub struct Standing {
    told: BTreeSet<(&'static str, Option<u64>, Option<String>)>,
}

impl Standing {
    /// Takes out of a look what the look before told as well.
    pub fn fresh(&mut self, look: &mut Look) {
        let key = |finding: &Finding| {
            // What is about the ledger as a whole is told apart by what was expected, which does not count seconds.
            let apart = finding.indexes.is_empty().then(|| finding.message.clone());
            (finding.rule, finding.indexes.first().copied(), apart)
        };
        let now: BTreeSet<_> = look.findings.iter().map(key).collect();
        look.findings
            .retain(|finding| !self.told.contains(&key(finding)));
        self.told = now;
    }
}
