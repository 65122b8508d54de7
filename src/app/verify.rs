//! Verification of receipts, and of gems against theirs: pure, and offline.
use base64::{Engine as _, engine::general_purpose::STANDARD};
use events::{Body, Event, digest::Digest, gem::Pushed, time::Timestamp};
use serde_json::Value;
use tlog::{Checkpoint, Note, Receipt, VerifierKey};

use super::statements::PAYLOAD_TYPE;

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

/// What the registry states of this release, in the envelope that it serves, or in words why this is not it.
///
/// The log has the digest of the one statement of a release. So whoever proves the release has no need of the statement's
/// signature, and sees a second statement that the same key signed.
pub fn stated(release: &Pushed, envelope: &[u8]) -> Result<Value, String> {
    let wrong = |what: &str| format!("the statement: {what}");
    let envelope: Value =
        serde_json::from_slice(envelope).map_err(|_| wrong("it is not in an envelope of JSON"))?;
    if envelope.get("payloadType").and_then(Value::as_str) != Some(PAYLOAD_TYPE) {
        return Err(wrong("its envelope holds something else"));
    }
    let payload = envelope.get("payload").and_then(Value::as_str);
    let payload = payload.and_then(|payload| STANDARD.decode(payload).ok());
    let payload = payload.ok_or_else(|| wrong("its payload is not in base64"))?;
    let digest = Digest::of(&payload);
    match release.statement {
        None => return Err(wrong("the log names none for this release")),
        Some(said) if said != digest => {
            return Err(wrong(&format!("it has {digest} and the log says {said}")));
        }
        Some(_) => (),
    }
    let said: Value = serde_json::from_slice(&payload).map_err(|_| wrong("it is not JSON"))?;
    let subject = said.pointer("/subject/0/digest/sha256");
    if subject.and_then(Value::as_str) != Some(release.digest.hex().as_str()) {
        return Err(wrong("it is about another file"));
    }
    Ok(said)
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
