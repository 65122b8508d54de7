//! Verification of receipts, and of gems against theirs: pure, and offline.
use events::{Body, Event, digest::Digest, gem::Pushed, time::Timestamp};
use tlog::{Checkpoint, Note, Receipt, VerifierKey};

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

/// An event that a receipt proves to be in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The leaf itself.
    pub leaf: Vec<u8>,
    /// Its log index.
    pub index: u64,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
    /// The same as it was signed, perhaps with cosignatures.
    pub note: Note,
}

impl Logged {
    /// What the leaf says, or in words why this program cannot read it.
    pub fn event(&self) -> Result<Event, String> {
        Event::read(&self.leaf).map_err(|error| format!("the event in the receipt: {error}"))
    }
}

/// What this receipt proves, or in words why it proves nothing.
pub fn prove(receipt: &[u8], key: &VerifierKey) -> Result<Logged, String> {
    let receipt = Receipt::parse(receipt).map_err(|error| format!("the receipt: {error}"))?;
    let checkpoint = receipt
        .verify(receipt.extra(), key)
        .map_err(|error| format!("the receipt: {error}"))?;
    Ok(Logged {
        leaf: receipt.extra().to_vec(),
        index: receipt.index(),
        checkpoint,
        note: receipt.checkpoint().clone(),
    })
}

/// What this receipt proves about this file, or in words why it proves nothing.
pub fn verify(gem: &[u8], receipt: &[u8], key: &VerifierKey) -> Result<Proven, String> {
    let logged = prove(receipt, key)?;
    let event = logged.event()?;
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
        index: logged.index,
        time: event.time,
        checkpoint: logged.checkpoint,
    })
}
