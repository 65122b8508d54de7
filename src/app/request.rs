//! A request of somebody: who asks, through which door, and what is made of the decision.
use deciders::{Code, Denial};
use events::{
    event::Draft,
    id::{Actor, RequestId, Via},
};

use super::App;
use crate::{
    blobs::BlobError,
    store::{
        StoreError,
        writer::{AppendError, Group, Outcome, Verdict},
    },
    world,
};

impl App {
    /// A fresh request of the operator's console.
    pub fn console(&self) -> Request {
        self.request(Actor::Operator, Via::Console)
    }

    /// A fresh request.
    pub fn request(&self, actor: Actor, via: Via) -> Request {
        Request {
            actor,
            via,
            id: RequestId::new(world::fresh_id(self.clock.now())),
            vault: Vec::new(),
        }
    }
}

/// Who asks, through which door, under which id; and the values that its events will seal.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who.
    pub actor: Actor,
    /// Through which door.
    pub via: Via,
    /// The id that its events share.
    pub id: RequestId,
    /// Sealed values.
    pub vault: Vec<crate::store::VaultRow>,
}

impl Request {
    /// The group that these drafts make.
    pub fn group(self, drafts: Vec<Draft>) -> Group {
        Group {
            drafts,
            vault: self.vault,
            actor: self.actor,
            via: self.via,
            request: self.id,
            not_after: None,
        }
    }

    /// A decision as the writer wants it: the drafts as a group, or the denial as the answer.
    pub fn verdict(self, decided: Result<Vec<Draft>, Denial>) -> Verdict<Result<(), Denial>> {
        match decided {
            Ok(drafts) => Verdict {
                group: Some(self.group(drafts)),
                answer: Ok(()),
            },
            Err(denial) => Verdict::answer(Err(denial)),
        }
    }
}

/// The answer when a closure finds a stream that its request did not read. It cannot happen while reads and closures are
/// written side by side; if it does, nothing is decided.
pub(crate) fn unread<T>() -> Result<T, Denial> {
    Err(Denial::new(Code::NotFound))
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The rules deny it.
    #[error("{0}")]
    Denied(Denial),
    /// It could not be recorded.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be kept or read.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// What was given is malformed.
    #[error("{0}")]
    Malformed(String),
}

impl From<Denial> for CommandError {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

/// A command's outcome with its denial turned into an error.
pub(crate) fn settled(outcome: Outcome<Result<(), Denial>>) -> Result<Outcome<()>, CommandError> {
    let Outcome { answer, appended } = outcome;
    answer?;
    Ok(Outcome {
        answer: (),
        appended,
    })
}
