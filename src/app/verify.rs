//! Verification of a gem against its receipt: pure, and offline.
use events::{Body, Event, digest::Digest, gem::Pushed, time::Timestamp};
use tlog::{Checkpoint, Receipt, VerifierKey};

/// What a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The release, as the log has it.
    pub release: Pushed,
    /// Where in the log.
    pub index: u64,
    /// When it was recorded.
    pub time: Timestamp,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
}

/// What this receipt proves about this file, or in words why it proves nothing.
pub fn verify(gem: &[u8], receipt: &[u8], key: &VerifierKey) -> Result<Proven, String> {
    let receipt = Receipt::parse(receipt).map_err(|error| format!("the receipt: {error}"))?;
    let checkpoint = receipt
        .verify(receipt.extra(), key)
        .map_err(|error| format!("the receipt: {error}"))?;
    let event = Event::read(receipt.extra())
        .map_err(|error| format!("the event in the receipt: {error}"))?;
    let name = event.body.event_type().name;
    let Body::ReleasePushed(release) = event.body else {
        return Err(format!("the receipt is of {name}, not of a release"));
    };
    let digest = Digest::of(gem);
    if release.digest != digest {
        return Err(format!(
            "the file has {digest} and the log says {}",
            release.digest
        ));
    }
    Ok(Proven {
        release,
        index: receipt.index(),
        time: event.time,
        checkpoint,
    })
}
