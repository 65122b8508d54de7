//! What the log says of one gem, as one canonical document: its releases and its policy. The verifiable map commits to
//! it, so this format is permanent; `docs/formats/map.md` describes it.
//!
//! ```json
//! {"format":1,"gem":"rake","name":"Rake",
//!  "policy":{"owners":["operator"],"pending":[],"publishers":[{"id":2,"publisher":{…}}]},
//!  "releases":[{"digest":"sha256:…","number":"13.2.1","platform":"ruby","status":"released"}]}
//! ```
//!
//! The bytes are those of the canonical writer of `events`. Releases stand in the order of the log, owners and
//! publishers in that in which they were added. `name` is left out until the gem is registered. A publisher is written
//! as its event has it, with the ids that were pinned since.
use alloc::{string::ToString, vec::Vec};
use events::{
    Body, Event,
    canonical::{self, CanonicalError},
    digest::Digest,
    id::{ChangeId, Owner, PublisherId},
    name::{FoldedName, GemName},
    platform::Platform,
    policy::{PendingAdded, Publisher, PublisherPinned},
    stream::{StreamKind, StreamName},
    time::Timestamp,
    version::GemVersion,
};
use serde::{Deserialize, Serialize};

mod release;
mod waiting;

pub use release::{Release, Status};
pub use waiting::{Declared, Does, Ruled, Waiting};

/// The format that is written, and the one that version 1 of `map.rooted` is about.
pub const FORMAT: u32 = 1;

/// What the log says of a gem: the events of `gem/<gem>` and `policy/<gem>`, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GemState {
    /// 1.
    pub format: u32,
    /// The name in lower case, whose SHA-256 is the key in the map.
    pub gem: FoldedName,
    /// The name as it is spelled; absent until the gem is registered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<GemName>,
    /// Who may release it.
    pub policy: Policy,
    /// Every release that there is.
    pub releases: Vec<Release>,
}

/// Who may release a gem.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Declared changes of owners and rules that take effect at their time; left out while there are none.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub changes: Vec<Waiting>,
    /// Its owners.
    pub owners: Vec<Owner>,
    /// Publishers that wait for the first push, also those whose time is up.
    pub pending: Vec<Pending>,
    /// Its trusted publishers.
    pub publishers: Vec<Trusted>,
    /// The rules that were set, in the order of their names; left out while none was.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rules: Vec<Ruled>,
}

/// A trusted publisher with its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// When it takes effect, where that is later than it was added.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effective: Option<Timestamp>,
    /// The revision in `policy/<gem>` that added it.
    pub id: PublisherId,
    /// The publisher as it was configured, with the ids that were pinned since.
    pub publisher: Publisher,
}

/// A publisher that waits for a gem's first push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Until when the name is reserved.
    pub expires: Timestamp,
    /// The revision in `policy/<gem>` that added it.
    pub id: PublisherId,
    /// The name as it will be spelled.
    pub name: GemName,
    /// Whose the gem will be.
    pub owner: Owner,
    /// The publisher.
    pub publisher: Publisher,
}

/// What one event changes of a gem's state. It takes less room than the event, for whoever must wait before applying it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The gem was registered under this spelling.
    Named(GemName),
    /// It has, or will have, another owner or rule, or one fewer.
    Declared(Declared),
    /// A declared change never takes effect.
    Cancelled(ChangeId),
    /// A declared change takes effect at once.
    Overridden(ChangeId, Timestamp),
    /// It has this publisher, perhaps instead of one that waited.
    Trusts(Trusted, Option<PublisherId>),
    /// A publisher's ids were pinned.
    Pinned(PublisherPinned),
    /// A publisher waits for the first push.
    Waits(Pending),
    /// This publisher, trusted or waiting, is gone.
    Gone(PublisherId),
    /// It was released.
    Released(Release),
    /// This bundle came with this version and platform.
    Attested(GemVersion, Platform, Digest),
    /// What has become of this version and platform.
    Turned(GemVersion, Platform, Status),
}

/// The key of a gem in the map: SHA-256 of its name in lower case.
pub fn key(gem: &FoldedName) -> [u8; 32] {
    *Digest::of(gem.as_str().as_bytes()).as_bytes()
}

/// The gem whose state the events of this stream make, if they do.
pub fn gem_of(stream: &StreamName) -> Option<&str> {
    matches!(stream.kind(), StreamKind::Gem | StreamKind::Policy).then(|| stream.rest())
}

impl Change {
    /// What this event changes of the state of its stream's gem.
    pub fn of(event: &Event) -> Option<Self> {
        let id = PublisherId(event.revision);
        match &event.body {
            Body::GemRegistered(registered) => Some(Self::Named(registered.name.clone())),
            Body::OwnerAdded(_) | Body::OwnerRemoved(_) | Body::RuleChanged(_) => {
                Declared::of(event).map(Self::Declared)
            }
            Body::ChangeCancelled(cancelled) => Some(Self::Cancelled(cancelled.change)),
            Body::PolicyOverridden(overridden) => {
                Some(Self::Overridden(overridden.change, event.time))
            }
            Body::PublisherAdded(added) => {
                let publisher = added.publisher.clone();
                let effective = added.effective;
                let trusted = Trusted {
                    effective,
                    id,
                    publisher,
                };
                Some(Self::Trusts(trusted, added.pending))
            }
            Body::PublisherPinned(pinned) => Some(Self::Pinned(pinned.clone())),
            Body::PublisherRemoved(removed) => Some(Self::Gone(removed.publisher)),
            Body::PendingAdded(added) => Some(Self::Waits(pending(id, added))),
            Body::PendingRemoved(removed) => Some(Self::Gone(removed.publisher)),
            Body::ReleasePushed(pushed) => {
                let (number, platform) = (&pushed.number, &pushed.platform);
                let status = Status::Released;
                let release = Release::new(pushed.digest, number, platform, status);
                Some(Self::Released(release))
            }
            Body::ReleaseAttested(attested) => {
                let (number, platform) = (attested.number.clone(), attested.platform.clone());
                Some(Self::Attested(number, platform, attested.bundle))
            }
            Body::ReleaseQuarantined(withheld) => Some(Self::Turned(
                withheld.number.clone(),
                withheld.platform.clone(),
                Status::Quarantined,
            )),
            Body::ReleaseRestored(restored) => Some(Self::Turned(
                restored.number.clone(),
                restored.platform.clone(),
                Status::Released,
            )),
            Body::LogOpened(_)
            | Body::LogSucceeded(_)
            | Body::LogRulesChanged(_)
            | Body::SubjectErased(_)
            | Body::StatementKeyIntroduced(_)
            | Body::TrustRootRecorded(_)
            | Body::TrustRootRetired(_)
            | Body::OverrideProposed(_)
            | Body::EvidenceOpened(_)
            | Body::ReleaseCompared(_)
            | Body::ProviderRegistered(_)
            | Body::ProviderKeysObserved(_)
            | Body::ProviderKeyDistrusted(_)
            | Body::ProviderDisabled(_)
            | Body::IssuerTaken(_)
            | Body::AccountCreated(_)
            | Body::AccountDisabled(_)
            | Body::TokenExchanged(_)
            | Body::ExchangeDenied(_)
            | Body::PushDenied(_)
            | Body::ApiKeyIssued(_)
            | Body::ApiKeyRevoked(_)
            | Body::NameTaken(_)
            | Body::FileTaken(_)
            | Body::MapRooted(_) => None,
        }
    }
}

fn pending(id: PublisherId, added: &PendingAdded) -> Pending {
    Pending {
        expires: added.expires,
        id,
        name: added.name.clone(),
        owner: added.owner,
        publisher: added.publisher.clone(),
    }
}

/// Most lists have one member, and there may be many of them: they grow by an eighth and not twofold.
fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(1 + list.len() / 8);
    }
    list.push(item);
}

impl GemState {
    /// A gem of which the log says nothing yet.
    pub fn new(gem: FoldedName) -> Self {
        Self {
            format: FORMAT,
            gem,
            name: None,
            policy: Policy::default(),
            releases: Vec::new(),
        }
    }

    /// Takes the next event of one of the gem's two streams into account, and says whether it says anything of the gem.
    pub fn evolve(&mut self, event: &Event) -> bool {
        let change = Change::of(event);
        let says = change.is_some();
        if let Some(change) = change {
            self.apply(change);
        }
        says
    }

    /// Takes a change into account.
    pub fn apply(&mut self, change: Change) {
        let policy = &mut self.policy;
        match change {
            Change::Named(name) => self.name = Some(name),
            Change::Declared(declared) => policy.declare(declared),
            Change::Cancelled(change) => policy.cancel(change),
            Change::Overridden(change, at) => policy.overrule(change, at),
            Change::Trusts(trusted, waited) => {
                push(&mut policy.publishers, trusted);
                policy.pending.retain(|pending| Some(pending.id) != waited);
            }
            Change::Pinned(pinned) => {
                let mut publishers = policy.publishers.iter_mut();
                if let Some(trusted) = publishers.find(|trusted| trusted.id == pinned.publisher) {
                    trusted.publisher.repository_id = Some(pinned.repository_id);
                    trusted.publisher.owner_id = pinned.owner_id;
                }
            }
            Change::Waits(pending) => push(&mut policy.pending, pending),
            Change::Gone(id) => {
                policy.publishers.retain(|trusted| trusted.id != id);
                policy.pending.retain(|pending| pending.id != id);
            }
            Change::Released(release) => push(&mut self.releases, release),
            Change::Attested(number, platform, bundle) => {
                if let Some(release) = self.release(&number, &platform) {
                    release.attest(bundle);
                }
            }
            Change::Turned(number, platform, status) => {
                if let Some(release) = self.release(&number, &platform) {
                    release.turn(status);
                }
            }
        }
    }

    fn release(&mut self, number: &GemVersion, platform: &Platform) -> Option<&mut Release> {
        let mut releases = self.releases.iter_mut();
        releases.find(|release| release.is(number, platform))
    }

    /// The document: its canonical bytes.
    pub fn document(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical::to_bytes(self)
    }

    /// What the map holds under the gem's key: SHA-256 of the document.
    pub fn value(&self) -> Result<[u8; 32], CanonicalError> {
        Ok(*Digest::of(&self.document()?).as_bytes())
    }

    /// Reads a document; the reason in words if it is none, of another format, or not in canonical form.
    pub fn read(document: &[u8]) -> Result<Self, alloc::string::String> {
        let state: Self = serde_json::from_slice(document).map_err(|error| error.to_string())?;
        if state.format != FORMAT {
            return Err(alloc::format!("format {} is not known here", state.format));
        }
        match state.document() {
            Ok(bytes) if bytes == document => Ok(state),
            Ok(_) => Err("it is not in canonical form".to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}
