//! Many gems released within minutes: what a worm looks like from outside.
use std::collections::{BTreeMap, VecDeque};

use events::{Recorded, time::Timestamp};

use super::Numbers;
use crate::monitor::{Finding, catalogue};

/// The releases of the last minutes.
#[derive(Debug, Default)]
pub struct Burst {
    recent: VecDeque<(Timestamp, u64, String)>,
    /// How many of those are of each gem.
    gems: BTreeMap<String, u64>,
    told: bool,
}

impl Burst {
    /// `release_burst`: told once, and again only after there were fewer.
    pub fn released(&mut self, recorded: &Recorded, numbers: &Numbers) -> Option<Finding> {
        let (time, gem) = (recorded.event.time, recorded.event.stream.rest());
        self.forget(time.minus_seconds(numbers.burst_minutes.saturating_mul(60)));
        self.recent
            .push_back((time, recorded.index, gem.to_owned()));
        *self.gems.entry(gem.to_owned()).or_insert(0) += 1;
        let many = self.gems.len();
        if u64::try_from(many).unwrap_or(u64::MAX) < numbers.burst_gems {
            self.told = false;
            return None;
        }
        if core::mem::replace(&mut self.told, true) {
            return None;
        }
        let minutes = numbers.burst_minutes;
        let first = self.recent.front().map_or(0, |(_, index, _)| *index);
        let text = format!("{many} gems were released within {minutes} minutes");
        Some(
            Finding::new(&catalogue::RELEASE_BURST, text)
                .at(recorded)
                .since(first)
                .not(format!("fewer than {}", numbers.burst_gems), many),
        )
    }

    fn forget(&mut self, before: Timestamp) {
        while let Some((time, _, gem)) = self.recent.front() {
            if *time >= before {
                break;
            }
            if let Some(count) = self.gems.get_mut(gem) {
                *count -= 1;
                if *count == 0 {
                    self.gems.remove(gem);
                }
            }
            self.recent.pop_front();
        }
    }
}
