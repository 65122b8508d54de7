//! Identifiers that this ledger gives out, and who acts: opaque, supplied from outside, one type per kind.
use alloc::{
    borrow::Cow,
    format,
    string::{String, ToString},
};
use core::fmt;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    spelled::{Room, Spelled, by_spelling},
    text::{Slug, Text, TextError},
};

macro_rules! uuid_kind {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that was made elsewhere (version 7: it sorts by time).
            pub fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Reads the hyphenated lower-case form and no other.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                // Other spellings of it would be other bytes for the same id.
                match Uuid::try_parse(text).map(Self) {
                    Ok(id) if id.spelled(&mut [0; 71]) == text => Ok(id),
                    _ => Err(TextError::Grammar($what)),
                }
            }

            /// The UUID itself.
            pub fn uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl Spelled for $name {
            type Error = TextError;

            fn spelled<'a>(&'a self, room: &'a mut Room) -> Cow<'a, str> {
                Cow::Borrowed(self.0.as_hyphenated().encode_lower(room))
            }

            fn read(text: &str) -> Result<Self, TextError> {
                Self::parse(text)
            }
        }

        by_spelling!($name);

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(text: String) -> Result<Self, TextError> {
                Self::parse(&text)
            }
        }
    };
}

uuid_kind! {
    /// An account: opaque, so that the log names nobody.
    AccountId, "an account id (a UUID)"
}
uuid_kind! {
    /// An API key; the key's secret is somewhere else and never here.
    ApiKeyId, "an api key id (a UUID)"
}
uuid_kind! {
    /// One command. All events of a command carry its id and stand side by side in the log.
    RequestId, "a request id (a UUID)"
}

/// A trusted publisher within its gem: the revision of the event that added it to `policy/<gem>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublisherId(pub u64);

impl fmt::Display for PublisherId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A change of a gem's policy: the revision of the event that declared it in `policy/<gem>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangeId(pub u64);

impl fmt::Display for ChangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A proposal to let a change take effect at once: the revision of `override.proposed` in `policy/<gem>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProposalId(pub u64);

/// Who did it, by an opaque id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// Whoever runs this ledger.
    Operator,
    /// An account: `account:<id>`.
    Account(AccountId),
    /// A CI workflow, by provider and the repository's immutable id: `workflow:<provider>/<repository id>`.
    Workflow(Slug, Text),
}

impl Actor {
    /// Reads the form that events write.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        const WHAT: TextError =
            TextError::Grammar("an actor (operator, account:<id> or workflow:<provider>/<id>)");
        if text == "operator" {
            return Ok(Self::Operator);
        }
        if let Some(id) = text.strip_prefix("account:") {
            return AccountId::parse(id).map(Self::Account);
        }
        let (provider, id) = text
            .strip_prefix("workflow:")
            .and_then(|rest| rest.split_once('/'))
            .ok_or(WHAT)?;
        Ok(Self::Workflow(Slug::parse(provider)?, Text::parse(id)?))
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Workflow(provider, id) => write!(f, "workflow:{provider}/{id}"),
        }
    }
}

impl Spelled for Actor {
    type Error = TextError;

    fn spelled<'a>(&'a self, _: &'a mut Room) -> Cow<'a, str> {
        match self {
            Self::Operator => Cow::Borrowed("operator"),
            Self::Account(_) | Self::Workflow(..) => Cow::Owned(self.to_string()),
        }
    }

    fn read(text: &str) -> Result<Self, TextError> {
        Self::parse(text)
    }
}

by_spelling!(Actor, Owner);

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        format!("{actor}")
    }
}

impl TryFrom<String> for Actor {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

/// The door a command came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// The operator's command line, on the data folder itself.
    Console,
    /// The HTTP interface.
    Http,
    /// The server on its own account, such as recording a provider's new keys.
    Server,
}

/// Who a gem, or a reserved name, belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Whoever runs this ledger.
    Operator,
    /// An account: `account:<id>`.
    Account(AccountId),
}

impl From<Owner> for Actor {
    fn from(owner: Owner) -> Self {
        match owner {
            Owner::Operator => Self::Operator,
            Owner::Account(id) => Self::Account(id),
        }
    }
}

impl Spelled for Owner {
    type Error = TextError;

    fn spelled<'a>(&'a self, _: &'a mut Room) -> Cow<'a, str> {
        Cow::Owned(String::from(*self))
    }

    fn read(text: &str) -> Result<Self, TextError> {
        Self::parse(text)
    }
}

impl Owner {
    /// Reads `operator` or `account:<id>`.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        match Actor::parse(text)? {
            Actor::Operator => Ok(Self::Operator),
            Actor::Account(id) => Ok(Self::Account(id)),
            Actor::Workflow(..) => Err(TextError::Grammar("an owner (operator or account:<id>)")),
        }
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        Actor::from(owner).into()
    }
}

impl TryFrom<String> for Owner {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}
