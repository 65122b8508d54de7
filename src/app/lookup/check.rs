//! Checking an answer about a gem: pure, offline, believing nothing but the log's key.
use events::{
    Body, Event, digest::Digest, map::Rooted, name::FoldedName, platform::Platform, time::Timestamp,
};
use projections::state::{self, GemState, Release};
use tlog::{Checkpoint, Hash, MapError, MapProof, Receipt, ReceiptError, VerifierKey, verify_map};

use super::{Answer, FORMAT};

/// Bytes in the longest answer that is read: some 100,000 releases.
pub const MAX_ANSWER: usize = 16 << 20;

/// What an answer proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What the log says of the gem: all of it, as of the root. `None`: it says nothing, there is no such gem.
    pub state: Option<GemState>,
    /// Where in the log the root is.
    pub index: u64,
    /// The root: its `through` says how many events of the log it is made of. Later ones are not in the answer.
    pub rooted: Rooted,
    /// When the root was recorded.
    pub time: Timestamp,
    /// The checkpoint that covers the root.
    pub checkpoint: Checkpoint,
}

/// Why an answer proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// It is longer than [`MAX_ANSWER`], or not the JSON of an answer.
    #[error("the answer is malformed: {0}")]
    Malformed(String),
    /// It has a format of a newer version.
    #[error("the answer has format {0}, and this gemledger knows format {FORMAT}")]
    Format(u32),
    /// It is about another gem.
    #[error("the answer is about {0}")]
    AnotherGem(FoldedName),
    /// The receipt does not hold.
    #[error("the receipt of the map's root: {0}")]
    Receipt(#[from] ReceiptError),
    /// The receipt is of an event that is no root, or of one that cannot be.
    #[error("the receipt is of no root of the map: {0}")]
    NoRoot(String),
    /// The root was recorded longer ago than is acceptable: what came after it may be hidden.
    #[error(
        "the map's root is of {recorded}, longer ago than the {max_age_seconds} seconds that were asked for"
    )]
    Stale {
        /// When it was recorded.
        recorded: Timestamp,
        /// The bound.
        max_age_seconds: u64,
    },
    /// The map does not have this state, or has one where none is shown.
    #[error("the map does not have what the answer shows: {0}")]
    Map(#[from] MapError),
    /// The map has it and it is no state of this gem.
    #[error("the state is malformed: {0}")]
    State(String),
}

/// Checks an answer about a gem with the log's key alone.
///
/// What it proves is what the log says of the gem up to the root's `through`, if the root is the one that the log leads
/// to; whoever folds the log ([`MapAudit`](super::super::map::MapAudit)) checks that. Later events are not in it: with
/// `max_age_seconds` the root must be recent. A registry in which nothing changes records no roots, so whoever asks for
/// a bound should be ready to be told that a quiet registry's root is old.
pub fn check(
    answer: &[u8],
    gem: &FoldedName,
    key: &VerifierKey,
    now: Timestamp,
    max_age_seconds: Option<u64>,
) -> Result<Verified, LookupError> {
    if answer.len() > MAX_ANSWER {
        let text = format!("more than {MAX_ANSWER} bytes");
        return Err(LookupError::Malformed(text));
    }
    let answer: Answer = serde_json::from_slice(answer)
        .map_err(|error| LookupError::Malformed(error.to_string()))?;
    if answer.format != FORMAT {
        return Err(LookupError::Format(answer.format));
    }
    if answer.gem != *gem {
        return Err(LookupError::AnotherGem(answer.gem));
    }
    let receipt = Receipt::parse(answer.receipt.as_bytes())?;
    let checkpoint = receipt.verify(receipt.extra(), key)?;
    let (rooted, time) = root(&receipt)?;
    match max_age_seconds {
        Some(max_age_seconds) if time.plus_seconds(max_age_seconds) < now => {
            let recorded = time;
            return Err(LookupError::Stale {
                recorded,
                max_age_seconds,
            });
        }
        _ => {}
    }
    let document = answer.state.as_deref().map(str::as_bytes);
    let value = document.map(|document| *Digest::of(document).as_bytes());
    let root = Hash::from_bytes(*rooted.root.as_bytes());
    let proof = MapProof::from_base64(&answer.proof)?;
    verify_map(&root, &state::key(gem), value.as_ref(), &proof)?;
    let state = document.map(GemState::read).transpose();
    let state = state.map_err(LookupError::State)?;
    if let Some(other) = state.as_ref().filter(|state| state.gem != *gem) {
        return Err(LookupError::State(format!("it is of {}", other.gem)));
    }
    Ok(Verified {
        state,
        index: receipt.index(),
        rooted,
        time,
        checkpoint,
    })
}

/// The root that a receipt is of. A root of the future is one that nobody can have folded.
fn root(receipt: &Receipt) -> Result<(Rooted, Timestamp), LookupError> {
    let no_root = |reason: String| LookupError::NoRoot(reason);
    let event = Event::read(receipt.extra()).map_err(|error| no_root(error.to_string()))?;
    let name = event.body.event_type().name;
    let Body::MapRooted(rooted) = event.body else {
        return Err(no_root(format!("it is of {name}")));
    };
    if !deciders::map::is_of_the_past(&rooted, receipt.index()) {
        return Err(no_root("it covers events after itself".into()));
    }
    Ok((rooted, event.time))
}

impl Verified {
    /// Every release of the gem, in the order of the log.
    pub fn releases(&self) -> &[Release] {
        self.state
            .as_ref()
            .map_or(&[], |state| state.releases.as_slice())
    }

    /// The releases that a compact index (`/info/<gem>`) does not show, or shows with another checksum: what somebody
    /// between the log and Bundler hides.
    pub fn hidden_from<'a>(&'a self, info: &str) -> Vec<&'a Release> {
        let shown = |release: &&Release| !info.lines().any(|line| shows(line, release));
        self.releases().iter().filter(shown).collect()
    }
}

/// Whether this line of the compact index is of this release: `NUMBER[-PLATFORM] …|…,checksum:<hex>,…`.
fn shows(line: &str, release: &Release) -> bool {
    let (number, platform) = (release.number(), release.platform());
    let label = if platform == Platform::ruby().as_str() {
        number.to_owned()
    } else {
        format!("{number}-{platform}")
    };
    let checksum = format!("checksum:{}", release.digest().hex());
    let rest = line.split_once(' ').filter(|(shown, _)| *shown == label);
    let facts = rest.and_then(|(_, rest)| rest.split_once('|'));
    facts.is_some_and(|(_, facts)| facts.split(',').any(|fact| fact == checksum))
}
