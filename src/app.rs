//! The composition root: one open ledger, and the use cases that stand on it.
use std::sync::Arc;

use events::log::Visibility;
use tlog::SigningKey;

use crate::{
    blobs::Blobs,
    config::{BaseUrl, Folder},
    oidc::{Fetch, KeyCache},
    store::{anchor::Anchor, reader::Reader, vault::SubjectKeys, writer::Writer},
    views,
    witness::Board,
    world::Clock,
};

pub mod accounts;
pub mod api_keys;
pub mod attestations;
pub mod audit;
pub mod comparisons;
pub mod erase;
pub mod evidence;
pub mod exchange;
pub mod lookup;
pub mod map;
mod opening;
pub mod policy;
pub mod providers;
pub mod publishers;
pub mod push;
pub mod quarantine;
pub mod recovery;
pub mod replay;
mod request;
pub mod reverify;
pub mod rulebook;
pub mod secret;
pub mod statements;
pub mod trust_roots;
pub mod verify;
pub mod witnessing;

use opening::set_aside;
pub use opening::{Open, OpenError, Opening, open};
pub use request::{CommandError, Request};
pub(crate) use request::{settled, unread};

/// One open ledger.
#[derive(Clone)]
pub struct App {
    /// The clock.
    pub clock: Clock,
    /// The one way in.
    pub writer: Writer,
    /// Reading the log and its rows.
    pub reader: Reader,
    /// The keys of sealed values.
    pub subjects: SubjectKeys,
    /// Files.
    pub blobs: Blobs,
    /// The newest keys of the identity providers.
    pub keys: Arc<KeyCache>,
    /// The HTTP client.
    pub fetch: Arc<dyn Fetch>,
    /// The key that signs checkpoints.
    pub key: Arc<SigningKey>,
    /// The last signed checkpoint.
    pub anchor: Anchor,
    /// How the registry is reached.
    pub url: BaseUrl,
    /// Who may read.
    pub visibility: Visibility,
    /// Where it lives.
    pub folder: Folder,
    /// What exchanges know of providers without asking the database each time.
    pub providers: Arc<providers::Known>,
    /// Verifiers of the trust roots that were used.
    pub verifiers: Arc<trust_roots::Verifiers>,
    /// The verifiable map.
    pub map: Arc<map::Live>,
    /// The compact index, ready to be served.
    pub index: Arc<views::cache::IndexCache>,
    /// What receipts are made of.
    pub receipts: Arc<views::receipts::Receipts>,
    /// The registry's statements that were signed.
    pub statements: Arc<statements::Signed>,
    /// Room for files that are being received and parsed, in mebibytes.
    pub uploads: Arc<tokio::sync::Semaphore>,
    /// Files that may be parsed at the same time.
    pub parses: Arc<tokio::sync::Semaphore>,
    /// Room for readers of the feed who wait; closed when the server ends.
    pub followers: Arc<tokio::sync::Semaphore>,
    /// How often denials came since they were recorded.
    pub denials: Arc<exchange::DenialCounts>,
    /// What witnesses cosigned.
    pub witnesses: Arc<Board>,
}
