//! What this ledger says of a gem, all of it, in one answer that can be checked without this server: the gem's state or
//! that there is none, the proof that the map has that, and the map's root with its receipt.
//!
//! The answer is of the last recorded root, whole, whatever has happened since. `docs/formats/map.md` describes it.
use events::{digest::Digest, name::FoldedName};
use projections::state;
use serde::{Deserialize, Serialize};

use super::{
    App,
    map::{Stage, state_at},
};
use crate::{store::StoreError, views};

mod check;

pub use check::{LookupError, MAX_ANSWER, Verified, check};

/// The format of answers that is written and read.
pub const FORMAT: u32 = 1;

/// An answer, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// 1.
    pub format: u32,
    /// The name that was asked for, in lower case.
    pub gem: FoldedName,
    /// The proof of the state, or of its absence, under the map's root, in base64.
    pub proof: String,
    /// The receipt of the map's root, with the event in it.
    pub receipt: String,
    /// The state document as a text, whose bytes the map commits to; `null` where there is no such gem.
    pub state: Option<String>,
}

/// Why there is no answer now.
#[derive(Debug, thiserror::Error)]
pub enum LookupFailure {
    /// This server keeps no map.
    #[error("this registry keeps no map of all gems")]
    Off,
    /// The map is not ready: it is being made, or has no root yet.
    #[error("the map of all gems is not ready; try again in a minute")]
    NotReady,
    /// The log leads to another map than the one that was recorded.
    #[error(
        "the map of all gems differs from the one in the log, and the operator has to look at it"
    )]
    Differs,
    /// The log could not be read, or what is read is not what the map commits to.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the map of the last recorded root says of a gem.
pub async fn answer(app: &App, gem: FoldedName) -> Result<Answer, LookupFailure> {
    let snapshot = match app.map.stage() {
        Stage::Rooted(snapshot) => snapshot,
        Stage::Rebuilding | Stage::Unrooted => return Err(LookupFailure::NotReady),
        Stage::Off => return Err(LookupFailure::Off),
        Stage::Differs(_) => return Err(LookupFailure::Differs),
    };
    let corrupt = |error: &dyn std::fmt::Display| {
        StoreError::Corrupt(format!("the state of the gem {gem}: {error}"))
    };
    let state = state_at(&app.reader, &gem, snapshot.rooted.through).await?;
    let document = state.map(|state| state.document()).transpose();
    let document = document.map_err(|error| corrupt(&error))?;
    let key = state::key(&gem);
    let digest = document
        .as_ref()
        .map(|document| *Digest::of(document).as_bytes());
    if snapshot.map.get(&key) != digest.as_ref() {
        return Err(corrupt(&"it is not the one that the map has").into());
    }
    let text = document.map(String::from_utf8).transpose();
    // The root was answered for by the writer, which anchors before it answers.
    let receipt = views::provenance::receipt(app, snapshot.index).await?;
    let receipt = receipt.ok_or(LookupFailure::NotReady)?;
    Ok(Answer {
        format: FORMAT,
        proof: snapshot.map.prove(&key).to_base64(),
        receipt,
        state: text.map_err(|error| corrupt(&error))?,
        gem,
    })
}
