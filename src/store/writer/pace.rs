//! The time that a batch bears, and when the clock is not believed.
use std::time::Duration;

use events::time::Timestamp;

use super::AppendError;
use crate::world::Clock;

/// How far the wall clock may stray from the steady clock between two batches, and how far behind the last event.
const STRAY: Duration = Duration::from_mins(1);

/// Both clocks as they were when they were believed last.
pub(super) struct Pace {
    clock: Clock,
    wall: Timestamp,
    steady: Duration,
}

impl Pace {
    /// Takes the clock as it is now for right: whoever starts the server has looked at it.
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            wall: clock.now(),
            steady: clock.elapsed(),
            clock,
        }
    }

    /// The time of a batch after an event of time `last`: the wall clock's, never less than that.
    pub(super) fn stamp(&mut self, last: Timestamp) -> Result<Timestamp, AppendError> {
        let (wall, steady) = (self.clock.now(), self.clock.elapsed());
        let passed = steady.saturating_sub(self.steady).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let expected = Timestamp::from_millis(self.wall.millis().saturating_add(passed));
        if apart(wall, expected) > STRAY {
            return Err(AppendError::Unavailable(format!(
                "the clock jumped from {expected} to {wall}; set it right, or restart to accept it"
            )));
        }
        if wall < last && apart(wall, last) > STRAY {
            return Err(AppendError::Unavailable(format!(
                "the clock says {wall} and the last event was at {last}; set the clock right"
            )));
        }
        (self.wall, self.steady) = (wall, steady);
        Ok(wall.max(last))
    }
}

fn apart(one: Timestamp, other: Timestamp) -> Duration {
    Duration::from_millis(one.millis().abs_diff(other.millis()))
}
