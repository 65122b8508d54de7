//! What one request did: the events that were appended with another one, or not at all.
use events::{Body, Recorded, attestation::Attested};

use crate::store::{StoreError, reader::Reader};

/// Most events that stand before or behind another one of the same request.
const GROUP: u64 = 64;

/// The events of the request that this release was pushed with, in the order of the log; they stand side by side.
pub async fn with(reader: &Reader, release: &Recorded) -> Result<Vec<Recorded>, StoreError> {
    let (index, request) = (release.index, release.event.request);
    let around = reader.events(index.saturating_sub(GROUP), index.saturating_add(GROUP));
    let mut events = around.await?;
    events.retain(|recorded| recorded.event.request == request);
    Ok(events)
}

/// Those that attest a build.
pub fn attested(events: &[Recorded]) -> impl Iterator<Item = (&Recorded, &Attested)> {
    events.iter().filter_map(|recorded| {
        if let Body::ReleaseAttested(attested) = &recorded.event.body {
            Some((recorded, attested))
        } else {
            None
        }
    })
}
