//! Whether a release still comes with an attestation, once one did. An attestation follows its release in the same
//! request, so what the release lacks is known with the event after it.
use events::{Body, Recorded, gem::Pushed, id::RequestId};

use super::gems::Gem;
use crate::monitor::{Finding, catalogue};

/// A release whose attestation has not come yet, and what is to be said if it does not.
#[derive(Debug, Default)]
pub struct Attested {
    awaited: Option<(RequestId, Finding)>,
}

impl Attested {
    /// A release of a gem that had been attested before.
    pub fn released(&mut self, recorded: &Recorded, before: &Gem, pushed: &Pushed) {
        let Some(last) = before.attested else {
            return;
        };
        // That it has no source is said already.
        if pushed.source.is_none() && before.last.is_some() {
            return;
        }
        let gem = recorded.event.stream.rest();
        let text = format!(
            "{gem} {} came without an attestation, earlier releases had one",
            pushed.number
        );
        let finding = Finding::new(&catalogue::PROVENANCE_LOST, text)
            .at(recorded)
            .since(last)
            .of_gem(gem)
            .not("an attestation of its run", "none");
        self.awaited = Some((recorded.event.request, finding));
    }

    /// The event after the release: its attestation, or the proof that there is none.
    pub fn follows(&mut self, recorded: &Recorded) -> Option<Finding> {
        let (request, finding) = self.awaited.take()?;
        let attested = matches!(recorded.event.body, Body::ReleaseAttested(_));
        (!attested || recorded.event.request != request).then_some(finding)
    }

    /// The end of a tree, which splits no request.
    pub fn settle(&mut self) -> Option<Finding> {
        self.awaited.take().map(|(_, finding)| finding)
    }
}
