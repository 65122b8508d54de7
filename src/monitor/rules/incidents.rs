//! What an operator does when something went wrong: releases withheld and given back, a log that goes on under a new key.
use events::{
    Recorded,
    gem::{Quarantined, Restored},
    log::Succeeded,
};

use crate::monitor::{Finding, catalogue};

/// `release_quarantined`: a release is withheld.
pub fn quarantined(recorded: &Recorded, withheld: &Quarantined) -> Finding {
    let Quarantined {
        digest: _,
        name,
        number,
        platform,
        reason,
    } = withheld;
    let text = format!("{name} {number} ({platform}) is withheld: {reason}");
    Finding::new(&catalogue::RELEASE_QUARANTINED, text)
        .at(recorded)
        .of_gem(recorded.event.stream.rest())
}

/// `release_restored`: a release that was withheld is served again.
pub fn restored(recorded: &Recorded, restored: &Restored) -> Finding {
    let text = format!(
        "{} {} ({}) is served again",
        restored.name, restored.number, restored.platform
    );
    Finding::new(&catalogue::RELEASE_RESTORED, text)
        .at(recorded)
        .of_gem(recorded.event.stream.rest())
}

/// `log_succeeded`: events may be lost, and another key signs from here on.
pub fn succeeded(recorded: &Recorded, succeeded: &Succeeded) -> Finding {
    let text = format!(
        "the log goes on under another key after {} events: {}",
        succeeded.size, succeeded.reason
    );
    Finding::new(&catalogue::LOG_SUCCEEDED, text)
        .at(recorded)
        .not(&succeeded.old_origin, &succeeded.origin)
}
