//! A stopwatch: the time that passed, and the processor time that this process spent meanwhile.
//!
//! On a machine that others use too, rates fall with their load; processor time for each piece of work hardly does.
use std::{fs, time::Duration};

use gemledger::world::Clock;

/// The kernel counts in hundredths of a second (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// A stopwatch that runs.
pub(crate) struct Watch {
    clock: Clock,
    start: Duration,
    spent: Duration,
}

/// What a stopwatch said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    /// Pieces of work a second.
    pub(crate) rate: f64,
    /// Processor time for each of them, in microseconds.
    pub(crate) micros: f64,
}

impl Watch {
    /// Starts.
    pub(crate) fn start() -> Self {
        let clock = Clock::system();
        Self {
            start: clock.elapsed(),
            clock,
            spent: spent(),
        }
    }

    /// The time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.elapsed().saturating_sub(self.start)
    }

    /// Stops after so many pieces of work.
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "counts of a bench are far below 2^53"
    )]
    pub(crate) fn stop(&self, count: usize) -> Took {
        let (elapsed, spent) = (self.elapsed(), spent().saturating_sub(self.spent));
        let count = count.max(1) as f64;
        Took {
            rate: count / elapsed.as_secs_f64().max(1e-9),
            micros: spent.as_secs_f64() * 1e6 / count,
        }
    }
}

impl Took {
    /// The better of two: the higher rate and the lower cost, each from the round that others disturbed least.
    pub(crate) fn best(rounds: impl IntoIterator<Item = Self>) -> Self {
        let better = |a: Self, b: Self| Self {
            rate: a.rate.max(b.rate),
            micros: a.micros.min(b.micros),
        };
        rounds.into_iter().reduce(better).unwrap_or_default()
    }

    /// The same in units that are so many pieces each.
    pub(crate) fn by(self, pieces: f64) -> Self {
        Self {
            rate: self.rate / pieces,
            micros: self.micros * pieces,
        }
    }
}

/// Processor time of this process so far, with all its threads.
fn spent() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may hold anything and ends with the last parenthesis: state is field 3, utime 14, stime 15.
    let fields = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace();
    let ticks: u32 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u32>().ok())
        .sum();
    TICK * ticks
}
