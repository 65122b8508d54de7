//! How much the reading of one gemspec may take: a budget for all of it, however deep and wherever it is written.
//!
//! A gemspec is a stranger's. Each list that is made, each path that is looked at and each step of a match is paid for;
//! what is left when the budget is spent is *not known*.
use std::cell::Cell;

use super::Known;

/// The steps of one gemspec: enough for lists of some ten thousand files with conditions.
const STEPS: u64 = 20_000_000;
/// What a place in a list costs: it is held until the end.
const PLACE: u64 = 4;
/// The most expressions, conditions and blocks within one another.
const MAX_DEPTH: usize = 32;

/// What is left.
pub(super) struct Budget {
    steps: Cell<u64>,
    depth: Cell<usize>,
}

/// One level deeper, until it is dropped.
pub(super) struct Level<'a>(&'a Cell<usize>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            steps: Cell::new(STEPS),
            depth: Cell::new(0),
        }
    }
}

impl Budget {
    /// Pays for so many steps. Once it is spent, it stays so.
    pub(super) fn spend(&self, steps: u64) -> Known<()> {
        let left = self.steps.get().checked_sub(steps);
        self.steps.set(left.unwrap_or(0));
        left.map(|_| ())
            .ok_or_else(|| "reading the gemspec takes too much".into())
    }

    /// Pays for bytes.
    pub(super) fn bytes(&self, bytes: usize) -> Known<()> {
        self.spend(u64::try_from(bytes).unwrap_or(u64::MAX))
    }

    /// Pays for a list of so many texts, before it is made.
    pub(super) fn list(&self, length: usize) -> Known<()> {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.spend(length.saturating_mul(PLACE).saturating_add(1))
    }

    /// Goes one level deeper.
    pub(super) fn deeper(&self) -> Known<Level<'_>> {
        if self.depth.get() >= MAX_DEPTH {
            return Err("it is nested too deep".into());
        }
        self.spend(1)?;
        self.depth.set(self.depth.get().saturating_add(1));
        Ok(Level(&self.depth))
    }
}
