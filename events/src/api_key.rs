//! API keys: issued to accounts for long, minted in an exchange for minutes; the log holds their digests only.
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::{digest::Digest, id::AccountId, name::FoldedName, stream::EventRef, time::Timestamp};

/// What a key may do, named as rubygems.org names it, and `read` for private ledgers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Add owners to a gem.
    AddOwner,
    /// Set a gem's rules; cancel and override changes that wait.
    ConfigurePolicy,
    /// Manage a gem's trusted publishers.
    ConfigureTrustedPublishers,
    /// List one's gems.
    IndexRubygems,
    /// Push a gem.
    PushRubygem,
    /// Read a private ledger.
    Read,
    /// Remove owners of a gem.
    RemoveOwner,
    /// Yank a release.
    YankRubygem,
}

impl Scope {
    /// Every scope, in the order of their names.
    pub const ALL: [Self; 8] = [
        Self::AddOwner,
        Self::ConfigurePolicy,
        Self::ConfigureTrustedPublishers,
        Self::IndexRubygems,
        Self::PushRubygem,
        Self::Read,
        Self::RemoveOwner,
        Self::YankRubygem,
    ];

    /// The name that events, answers and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AddOwner => "add_owner",
            Self::ConfigurePolicy => "configure_policy",
            Self::ConfigureTrustedPublishers => "configure_trusted_publishers",
            Self::IndexRubygems => "index_rubygems",
            Self::PushRubygem => "push_rubygem",
            Self::Read => "read",
            Self::RemoveOwner => "remove_owner",
            Self::YankRubygem => "yank_rubygem",
        }
    }
}

/// On whose word a key acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// An account.
    Account(AccountId),
    /// A CI job, by the exchange that minted the key.
    Exchange(EventRef),
}

/// Data of `api_key.issued`: a key that may act for its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// SHA-256 of the whole key. The key carries at least 192 random bits, so the digest tells nothing.
    pub digest: Digest,
    /// From this moment on it is dead.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires: Option<Timestamp>,
    /// The only gem it may touch.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gem: Option<FoldedName>,
    /// On whose word it acts.
    pub holder: Holder,
    /// What it may do, in ascending order, each once.
    pub scopes: Vec<Scope>,
}

/// Why a key was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// By whoever held it.
    Holder,
    /// By the operator.
    Operator,
}

/// Data of `api_key.revoked`: the key is dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// Why.
    pub reason: Reason,
}
