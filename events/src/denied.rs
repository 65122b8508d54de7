//! Denials worth keeping: somebody with a configured publisher's own repository was turned away.
use serde::{Deserialize, Serialize};

use crate::{
    id::{ApiKeyId, PublisherId},
    text::{Slug, Text},
};

/// Data of `exchange.denied`: a token verified, came from a publisher's repository (or from one that took its name,
/// and then ids are all that is written), and did not match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeDenied {
    /// The stable code of the denial.
    pub code: Text,
    /// How often this happened since the last record of the same publisher and code, this one included.
    pub count: u64,
    /// What the publisher asks for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected: Option<Text>,
    /// What came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub found: Option<Text>,
    /// Whose token.
    pub provider: Slug,
    /// Which publisher it came closest to.
    pub publisher: PublisherId,
    /// The repository's immutable id.
    pub repository_id: Text,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run_id: Option<Text>,
}

/// Data of `push.denied`: a key of a publisher's own repository tried to push what it may not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushDenied {
    /// The key.
    pub api_key: ApiKeyId,
    /// The stable code of the denial.
    pub code: Text,
    /// How often this happened since the last record of the same publisher and code, this one included.
    pub count: u64,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected: Option<Text>,
    /// What came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub found: Option<Text>,
    /// Which publisher the key belongs to.
    pub publisher: PublisherId,
}
