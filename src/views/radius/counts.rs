//! How much an identity touched, by kind.
use events::Body;
use serde::Serialize;

/// How much it touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Tokens that were exchanged.
    pub exchanges: u64,
    /// Keys that were minted or issued.
    pub keys: u64,
    /// Releases that were pushed.
    pub releases: u64,
    /// Changes of policies.
    pub policy_changes: u64,
    /// Denials that were recorded.
    pub denials: u64,
    /// Everything, these included.
    pub events: u64,
}

impl Counts {
    /// Counts an event that was touched.
    pub(super) fn count(&mut self, body: &Body) {
        self.events += 1;
        let counter = match body {
            Body::TokenExchanged(_) => &mut self.exchanges,
            Body::ApiKeyIssued(_) => &mut self.keys,
            Body::ReleasePushed(_) => &mut self.releases,
            Body::ExchangeDenied(_) | Body::PushDenied(_) => &mut self.denials,
            Body::GemRegistered(_)
            | Body::OwnerAdded(_)
            | Body::OwnerRemoved(_)
            | Body::RuleChanged(_)
            | Body::ChangeCancelled(_)
            | Body::OverrideProposed(_)
            | Body::PolicyOverridden(_)
            | Body::PublisherAdded(_)
            | Body::PublisherPinned(_)
            | Body::PublisherRemoved(_)
            | Body::PendingAdded(_)
            | Body::PendingRemoved(_) => &mut self.policy_changes,
            Body::LogOpened(_)
            | Body::LogSucceeded(_)
            | Body::MapRooted(_)
            | Body::LogRulesChanged(_)
            | Body::StatementKeyIntroduced(_)
            | Body::TrustRootRecorded(_)
            | Body::TrustRootRetired(_)
            | Body::EvidenceOpened(_)
            | Body::ReleaseAttested(_)
            | Body::ReleaseCompared(_)
            | Body::SubjectErased(_)
            | Body::ProviderRegistered(_)
            | Body::ProviderKeysObserved(_)
            | Body::ProviderKeyDistrusted(_)
            | Body::ProviderDisabled(_)
            | Body::IssuerTaken(_)
            | Body::AccountCreated(_)
            | Body::AccountDisabled(_)
            | Body::ApiKeyRevoked(_)
            | Body::ReleaseQuarantined(_)
            | Body::ReleaseRestored(_)
            | Body::NameTaken(_)
            | Body::FileTaken(_) => return,
        };
        *counter += 1;
    }
}
