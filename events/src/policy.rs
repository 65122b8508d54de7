//! A gem's policy: whose it is, and which workflows may release it.
use serde::{Deserialize, Serialize};

use crate::{
    id::{Owner, PublisherId},
    name::GemName,
    text::{Slug, Text},
    time::Timestamp,
};

/// A trusted publisher: the workflow that may release a gem without a stored secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// Any branch may release, not only tags and protected refs.
    pub any_ref: bool,
    /// The deployment environment the job must run in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub environment: Option<Text>,
    /// The owner's immutable id; absent until it is pinned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner_id: Option<Text>,
    /// Whose tokens speak for it.
    pub provider: Slug,
    /// `OWNER/NAME`.
    pub repository: Text,
    /// The repository's immutable id; absent until it is pinned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub repository_id: Option<Text>,
    /// GitHub: a file in `.github/workflows`. GitLab: the path of the pipeline's file. Generic: the mapped claim.
    pub workflow: Text,
    /// `OWNER/NAME` of a reusable workflow's repository, where the releasing job is defined in another one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub workflow_repository: Option<Text>,
}

/// Data of `gem.registered`: the gem exists here, under this spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GemRegistered {
    /// The name as its owner spells it.
    pub name: GemName,
}

/// Data of `owner.added`: whoever released the gem first, for whom its name was reserved, or whom an owner added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerAdded {
    /// When it takes effect, if it loosens the policy and loosening has a delay; else at once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effective: Option<Timestamp>,
    /// The new owner.
    pub owner: Owner,
}

/// Data of `owner.removed`: the account no longer owns the gem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnerRemoved {
    /// When it takes effect, if it loosens the policy and loosening has a delay; else at once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effective: Option<Timestamp>,
    /// The owner who goes.
    pub owner: Owner,
}

/// Data of `publisher.added`: this workflow may release the gem. The event's revision is the publisher's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublisherAdded {
    /// When it takes effect, if it loosens the policy and loosening has a delay; else at once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effective: Option<Timestamp>,
    /// The pending publisher that became this one with the gem's first push.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pending: Option<PublisherId>,
    /// The publisher.
    pub publisher: Publisher,
}

/// Data of `publisher.pinned`: the ids of the repository that first pushed as this publisher, which decide from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublisherPinned {
    /// The owner's immutable id, where the provider states one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner_id: Option<Text>,
    /// Which publisher.
    pub publisher: PublisherId,
    /// The repository's immutable id.
    pub repository_id: Text,
}

/// Data of `publisher.removed`: keys minted for it no longer push this gem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublisherRemoved {
    /// Which publisher.
    pub publisher: PublisherId,
}

/// Data of `pending_publisher.added`: a workflow that may make the first release of a name that is still free. The
/// event's revision is its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingAdded {
    /// Until when the name is reserved.
    pub expires: Timestamp,
    /// The name as it will be spelled.
    pub name: GemName,
    /// Whose the gem will be.
    pub owner: Owner,
    /// The publisher.
    pub publisher: Publisher,
}

/// Data of `pending_publisher.removed`: the name is no longer reserved by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PendingRemoved {
    /// Which one.
    pub publisher: PublisherId,
}
