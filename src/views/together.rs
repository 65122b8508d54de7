//! The bundles of a release: the events that were appended with it, right behind it, or not at all.
use events::{Body, Recorded, attestation::Attested};

use crate::store::{StoreError, reader::Reader};

/// No push brings more bundles than this.
const MOST: u64 = 8;

/// What attests this release, in the order of the log.
pub async fn with(reader: &Reader, release: &Recorded) -> Result<Vec<Recorded>, StoreError> {
    let first = release.index.saturating_add(1);
    let mut events = reader.events(first, first.saturating_add(MOST)).await?;
    let request = release.event.request;
    let attests = |recorded: &&Recorded| {
        recorded.event.request == request && matches!(recorded.event.body, Body::ReleaseAttested(_))
    };
    let count = events.iter().take_while(attests).count();
    events.truncate(count);
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
