//! The verifiable map in this server: a trie over all gems in memory, whose root goes into the log when it changes.
//!
//! The map is derived, like rows: it is made from the events of `gem/…` and `policy/…`, and made again at every start.
//! What it was at the last recorded root must come out again; if it does not, either the log or the code that reads it
//! changed its meaning, and no further root is recorded until somebody has looked.
//!
//! | room | what it does |
//! |---|---|
//! | [`mod@rebuild`] | the map as the first events of the log make it |
//! | [`follow`] | the task: what changed, the next root |
//! | [`audit`] | the same map folded by whoever reads the whole log, here or from outside |
//!
//! What if we crash here? A root that was not recorded is recorded at the next start; one that was is read there.
use std::sync::{Arc, PoisonError, RwLock};

use events::{event::DecodeError, map::Rooted, name::FoldedName, stream::StreamName};
use projections::state::GemState;
use tlog::Map;

use crate::store::{StoreError, reader::Reader};

pub mod audit;
mod follow;
mod rebuild;

pub use audit::MapAudit;
pub use follow::{Follower, KeepError};
pub use rebuild::{Rebuilt, rebuild};

/// Most events of one stream that are folded.
const LONGEST: u32 = 1_000_000;

/// The map as of a root that is in the log.
#[derive(Debug)]
pub struct Snapshot {
    /// Every gem.
    pub map: Arc<Map>,
    /// The log index of its root.
    pub index: u64,
    /// Its root.
    pub rooted: Rooted,
}

/// How far the map is.
#[derive(Clone, Debug, Default)]
pub enum Stage {
    /// Nobody keeps it: this process is no server.
    #[default]
    Off,
    /// It is being made from the log.
    Rebuilding,
    /// It is there, and no root is recorded yet.
    Unrooted,
    /// Its newest recorded root.
    Rooted(Arc<Snapshot>),
    /// The log leads to another map than the one whose root is recorded at this log index.
    Differs(u64),
}

/// The map as requests see it.
#[derive(Debug, Default)]
pub struct Live(RwLock<Stage>);

impl Live {
    /// How far it is.
    pub fn stage(&self) -> Stage {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Says how far it is.
    fn set(&self, stage: Stage) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = stage;
    }
}

impl Stage {
    /// One word for whoever watches the process.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Rebuilding => "rebuilding",
            Self::Unrooted => "unrooted",
            Self::Rooted(_) => "ok",
            Self::Differs(_) => "differs",
        }
    }
}

/// What the first `through` events of the log say of a gem; `None` if they say nothing.
pub async fn state_at(
    reader: &Reader,
    gem: &FoldedName,
    through: u64,
) -> Result<Option<GemState>, StoreError> {
    let (mut state, mut known) = (GemState::new(gem.clone()), false);
    for stream in [StreamName::policy(gem), StreamName::gem(gem)] {
        let events = reader.stream(&stream, 0, LONGEST).await?;
        for recorded in events.iter().filter(|recorded| recorded.index < through) {
            known |= state.evolve(&recorded.event);
        }
    }
    Ok(known.then_some(state))
}

/// The value of a gem's state. It cannot fail: what is in it was in a leaf.
fn value(state: &GemState) -> Result<[u8; 32], StoreError> {
    let malformed = |error: events::canonical::CanonicalError| error.to_string();
    let value = state.value().map_err(malformed);
    Ok(value.map_err(DecodeError::Malformed)?)
}
