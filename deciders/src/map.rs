//! The verifiable map: each root covers more of the log than the one before, and nothing that is not there yet.
//!
//! Whether a root is right is not decided here: it follows from the log, and whoever folds the log can tell.
use alloc::{vec, vec::Vec};
use events::{Body, Event, State, event::Draft, map::Rooted, stream::StreamName, time::Timestamp};

use crate::{Code, Denial};

/// State of the streams `map/<day>`: the newest root in one of them, or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// How many events the newest root covers; `None` before the first.
    pub through: Option<u64>,
}

/// Records a root. `before` are the streams that may hold the newest one: that of its day, and today's.
pub fn root(before: &[&Roots], rooted: Rooted, now: Timestamp) -> Result<Vec<Draft>, Denial> {
    let newest = before.iter().filter_map(|roots| roots.through).max();
    if newest.is_some_and(|newest| rooted.through <= newest) {
        return Err(Code::AlreadyExists.into());
    }
    Ok(vec![Draft::new(
        StreamName::map(now),
        Body::MapRooted(rooted),
    )])
}

/// Whether a root at this log index covers only what was there before it.
pub fn is_of_the_past(rooted: &Rooted, index: u64) -> bool {
    rooted.through <= index
}

impl State for Roots {
    fn evolve(&mut self, event: &Event) {
        if let Body::MapRooted(rooted) = &event.body {
            self.through = Some(rooted.through);
        }
    }
}
