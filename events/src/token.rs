//! Identity tokens: each is spent once, and what its provider stated is recorded with the key it bought.
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::{
    claims::Workflow,
    digest::Digest,
    id::{ApiKeyId, PublisherId},
    name::FoldedName,
    stream::EventRef,
    text::Text,
    time::Timestamp,
};

/// A publisher that the token's claims matched, and the policy as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The gem.
    pub gem: FoldedName,
    /// The last event of `policy/<gem>` when this was decided.
    pub policy: EventRef,
    /// Which of its publishers, or pending publishers.
    pub publisher: PublisherId,
}

/// Most matches that one exchange records; a workflow that releases more gems gets a key all the same.
pub const MAX_MATCHES: usize = 50;

/// Data of `evidence.opened`: somebody was shown the sealed token. Who, the actor says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceOpened {
    /// The gem by whose owner it was asked for; absent for the operator.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gem: Option<FoldedName>,
}

/// Data of `token.exchanged`: this identity token is spent and bought a key of minutes. The raw token is in `sealed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchanged {
    /// The key that it bought.
    pub api_key: ApiKeyId,
    /// `aud` of the token.
    pub audience: Text,
    /// `iat` of the token.
    pub issued_at: Timestamp,
    /// When the provider's keys were last fetched before this decision.
    pub keys_fetched: Timestamp,
    /// The publishers it matched, at least one and at most 50, in the order of the gems' names.
    pub matches: Vec<Match>,
    /// Thumbprint of the provider's key that signed the token.
    pub provider_key: Digest,
    /// What the provider stated about the job.
    pub workflow: Workflow,
}
