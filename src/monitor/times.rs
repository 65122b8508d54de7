//! What time can be: leaves against the clock and against cosignatures, and how old the newest word may be.
//!
//! A ledger stamps its own time, so a reader can only bound it: not after the clock here, not after a witness's signature
//! over the leaf. That it never goes back is the auditor's to say.
use events::{Recorded, time::Timestamp};
use tlog::Cosignature;

use super::{Finding, catalogue};

/// The bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How far the clocks of ledger, witnesses and this reader may differ, in seconds.
    pub skew_seconds: u64,
    /// How old the newest word of the ledger may be, in seconds; any age if `None`.
    pub max_age_seconds: Option<u64>,
}

/// The times of the leaves that were read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    last: Option<(u64, Timestamp)>,
}

impl Times {
    /// Takes an event into account; a finding if it is from the future.
    pub fn take(
        &mut self,
        recorded: &Recorded,
        now: Timestamp,
        bounds: &Bounds,
    ) -> Option<Finding> {
        let time = recorded.event.time;
        self.last = Some((recorded.index, time));
        (time > now.plus_seconds(bounds.skew_seconds)).then(|| {
            Finding::new(
                &catalogue::TIME_IN_FUTURE,
                "the event is later than the clock here allows",
            )
            .at(recorded)
            .not(format!("at most {now}"), time)
        })
    }

    /// The newest checkpoint's cosignatures and age, once everything that it covers was read.
    pub fn checkpoint(
        &self,
        cosignatures: &[Cosignature],
        witnesses: usize,
        now: Timestamp,
        bounds: &Bounds,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        for cosignature in cosignatures {
            let name = cosignature.cosigner.name();
            let cosigned = Timestamp::from_seconds(cosignature.time);
            if cosigned > now.plus_seconds(bounds.skew_seconds) {
                let text =
                    format!("{name} cosigned the checkpoint later than the clock here allows");
                findings.push(
                    Finding::new(&catalogue::COSIGNATURE_IN_FUTURE, text)
                        .not(format!("at most {now}"), cosigned),
                );
            }
            if let Some((index, time)) = self.last
                && time > cosigned.plus_seconds(bounds.skew_seconds)
            {
                let text = format!("the leaf is later than the signature of {name} over it");
                findings.push(
                    Finding::new(&catalogue::TIME_AFTER_COSIGNATURE, text)
                        .at_index(index)
                        .not(format!("at most {cosigned}"), time),
                );
            }
        }
        let newest = cosignatures
            .iter()
            .map(|cosignature| Timestamp::from_seconds(cosignature.time))
            .max();
        // Where witnesses are asked for, theirs is the word that tells an idle ledger from a frozen one.
        let newest = if witnesses > 0 {
            newest.map(|time| (time, "cosignature"))
        } else {
            self.last.map(|(_, time)| (time, "event"))
        };
        if let (Some(max_age), Some((time, what))) = (bounds.max_age_seconds, newest)
            && time.plus_seconds(max_age) < now
        {
            let text = format!("the newest {what} is older than {max_age} seconds");
            findings.push(
                Finding::new(&catalogue::CHECKPOINT_STALE, text)
                    .not(format!("at least {}", now.minus_seconds(max_age)), time),
            );
        }
        findings
    }
}
