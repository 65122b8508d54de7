//! The sum of the vocabularies: every type of event, the stream it stands in, and its current version.
use alloc::string::String;
use serde::{Deserialize, Serialize};

use crate::stream::StreamKind;
use crate::{
    account, api_key, attestation, canonical::CanonicalError, denied, event::DecodeError, gem, log,
    map, policy, provider, rule, token, trust_root, upcast,
};

/// Describes one type of event, for documentation and for readers that must know them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventType {
    /// The name that leaves carry, `noun.participle`.
    pub name: &'static str,
    /// The version of `data` that is written now.
    pub version: u32,
    /// The kind of stream it stands in.
    pub stream: StreamKind,
}

/// One version of an event's data, current or retired. How a retired one is read is [`upcast`]'s business.
pub(crate) trait Versioned: Sized + for<'de> Deserialize<'de> {
    /// Reads `data` of version `v`, which is not the current one.
    fn upcast(v: u32, data: &str) -> Option<Result<Self, DecodeError>> {
        let _ = (v, data);
        None
    }
}

macro_rules! vocabulary {
    ($($(#[$doc:meta])* $variant:ident($data:ty) = $name:literal, v $version:literal, $stream:ident;)*) => {
        /// What an event says: one variant for each type.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each variant is documented at its data type")]
        pub enum Body {
            $($(#[$doc])* $variant($data),)*
        }

        $(impl Versioned for $data {})*

        impl Body {
            /// Every type of event, in the order of the streams.
            pub const TYPES: &[EventType] = &[
                $(EventType { name: $name, version: $version, stream: StreamKind::$stream },)*
            ];

            /// This event's type.
            pub fn event_type(&self) -> EventType {
                match self {
                    $(Self::$variant(_) => EventType { name: $name, version: $version, stream: StreamKind::$stream },)*
                }
            }

            /// The canonical bytes of `data`.
            pub fn data(&self) -> Result<alloc::vec::Vec<u8>, CanonicalError> {
                match self {
                    $(Self::$variant(data) => crate::canonical::to_bytes(data),)*
                }
            }

            /// Reads `data` of the given type and version; a retired version is lifted to the current one.
            pub(crate) fn read(name: &str, version: u32, data: &str) -> Result<Self, DecodeError> {
                match name {
                    $($name => upcast::read::<$data>($name, $version, version, data).map(Self::$variant),)*
                    _ => Err(DecodeError::UnknownType(String::from(name))),
                }
            }
        }

        impl Serialize for Body {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(data) => data.serialize(serializer),)*
                }
            }
        }
    };
}

vocabulary! {
    LogOpened(log::Opened) = "log.opened", v 1, Log;
    LogRulesChanged(log::RulesChanged) = "log.rules_changed", v 1, Log;
    LogSucceeded(log::Succeeded) = "log.succeeded", v 1, Log;
    SubjectErased(log::SubjectErased) = "subject.erased", v 1, Log;
    StatementKeyIntroduced(log::StatementKeyIntroduced) = "statement_key.introduced", v 1, Log;
    ProviderRegistered(provider::Registered) = "provider.registered", v 1, Provider;
    ProviderKeysObserved(provider::KeysObserved) = "provider.keys_observed", v 1, Provider;
    ProviderKeyDistrusted(provider::KeyDistrusted) = "provider.key_distrusted", v 1, Provider;
    ProviderDisabled(provider::Disabled) = "provider.disabled", v 1, Provider;
    IssuerTaken(provider::IssuerTaken) = "issuer.taken", v 1, Issuer;
    TrustRootRecorded(trust_root::Recorded) = "trust_root.recorded", v 1, TrustRoot;
    TrustRootRetired(trust_root::Retired) = "trust_root.retired", v 1, TrustRoot;
    AccountCreated(account::Created) = "account.created", v 1, Account;
    AccountDisabled(account::Disabled) = "account.disabled", v 1, Account;
    GemRegistered(policy::GemRegistered) = "gem.registered", v 1, Policy;
    OwnerAdded(policy::OwnerAdded) = "owner.added", v 1, Policy;
    OwnerRemoved(policy::OwnerRemoved) = "owner.removed", v 1, Policy;
    PublisherAdded(policy::PublisherAdded) = "publisher.added", v 1, Policy;
    PublisherPinned(policy::PublisherPinned) = "publisher.pinned", v 1, Policy;
    PublisherRemoved(policy::PublisherRemoved) = "publisher.removed", v 1, Policy;
    PendingAdded(policy::PendingAdded) = "pending_publisher.added", v 1, Policy;
    PendingRemoved(policy::PendingRemoved) = "pending_publisher.removed", v 1, Policy;
    RuleChanged(rule::Changed) = "rule.changed", v 1, Policy;
    ChangeCancelled(rule::Cancelled) = "change.cancelled", v 1, Policy;
    OverrideProposed(rule::OverrideProposed) = "override.proposed", v 1, Policy;
    PolicyOverridden(rule::Overridden) = "policy.overridden", v 1, Policy;
    TokenExchanged(token::Exchanged) = "token.exchanged", v 1, Token;
    EvidenceOpened(token::EvidenceOpened) = "evidence.opened", v 1, Token;
    ExchangeDenied(denied::ExchangeDenied) = "exchange.denied", v 1, Denied;
    PushDenied(denied::PushDenied) = "push.denied", v 1, Denied;
    ApiKeyIssued(api_key::Issued) = "api_key.issued", v 1, ApiKey;
    ApiKeyRevoked(api_key::Revoked) = "api_key.revoked", v 1, ApiKey;
    ReleasePushed(gem::Pushed) = "release.pushed", v 1, Gem;
    ReleaseAttested(attestation::Attested) = "release.attested", v 1, Gem;
    ReleaseCompared(gem::Compared) = "release.compared", v 1, Gem;
    ReleaseQuarantined(gem::Quarantined) = "release.quarantined", v 1, Gem;
    ReleaseRestored(gem::Restored) = "release.restored", v 1, Gem;
    NameTaken(gem::NameTaken) = "name.taken", v 1, Name;
    FileTaken(gem::FileTaken) = "file.taken", v 1, File;
    MapRooted(map::Rooted) = "map.rooted", v 1, Map;
}
