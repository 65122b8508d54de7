//! Which rule lets each type of event in, in one sentence.
use events::Body;

/// The rule.
#[expect(clippy::too_many_lines, reason = "one line for each type of event")]
pub(super) fn of(body: &Body) -> &'static str {
    match body {
        Body::LogOpened(_) => "A ledger is opened once, by its operator, with its first event.",
        Body::LogSucceeded(_) => {
            "The operator may let the log go on under a new key, on the events that survived."
        }
        Body::StatementKeyIntroduced(_) => {
            "The server introduces the key that signs what the registry says of its releases."
        }
        Body::TrustRootRecorded(_) | Body::TrustRootRetired(_) => {
            "The operator decides which authorities may vouch for a build, and for whose jobs."
        }
        Body::OwnerRemoved(_) => {
            "The operator or an owner may remove an owner; it takes effect after the delay for loosening."
        }
        Body::RuleChanged(_) => {
            "The operator or an owner may tighten a gem's rules at once, and loosen them after a delay."
        }
        Body::ChangeCancelled(_) => {
            "The operator, and whoever owned the gem when a change was declared, may cancel it until it takes effect."
        }
        Body::OverrideProposed(_) | Body::PolicyOverridden(_) => {
            "Two owners, or an owner and the operator, may let a declared change take effect at once."
        }
        Body::EvidenceOpened(_) => {
            "The operator may open a sealed token, and so may an owner of the gem that it released, once it has expired."
        }
        Body::ReleaseAttested(_) => {
            "A bundle comes with a push if it verifies and its certificate names the very run that bought the pushing key."
        }
        Body::ReleaseCompared(_) => {
            "The operator or an owner may attach what comparing a release with its repository has shown."
        }
        Body::MapRooted(_) => {
            "The server records the root of the map of all gems after changes; whoever reads the log can fold it again."
        }
        Body::LogRulesChanged(_) => {
            "The operator may change the rules from here on; an edition never goes back, and a lower delay holds once the one before it has passed."
        }
        Body::SubjectErased(_) => {
            "The operator may destroy the key to a subject's sealed values at any time."
        }
        Body::ProviderRegistered(_) => {
            "The operator decides whose tokens are exchanged; an issuer belongs to one provider, and settings that let in more take effect after the delay for loosening, unless the provider is younger than that or what they let in was let in less than a delay ago."
        }
        Body::ProviderKeysObserved(_) => {
            "A provider's key is recorded once, when the server first fetched it."
        }
        Body::ProviderKeyDistrusted(_) => {
            "The operator may distrust a recorded key at any time, for good."
        }
        Body::ProviderDisabled(_) => "The operator may disable a provider at any time.",
        Body::IssuerTaken(_) => "An issuer is taken with the registration of its provider.",
        Body::AccountCreated(_) => "The operator makes accounts.",
        Body::AccountDisabled(_) => "The operator may disable an account at any time, for good.",
        Body::GemRegistered(_) => {
            "A gem is registered with its first push, for whoever had the name."
        }
        Body::OwnerAdded(_) => {
            "A gem belongs to whoever had the name at its first push, and to whom the operator or an owner adds, after the delay for loosening."
        }
        Body::PublisherAdded(_) => {
            "The operator or an owner may trust a workflow to release a gem; where the gem exists, after the delay for loosening."
        }
        Body::PublisherPinned(_) => {
            "A publisher that was added by name is pinned to the ids of its first push."
        }
        Body::PublisherRemoved(_) => "The operator or an owner may remove a publisher at any time.",
        Body::PendingAdded(_) => {
            "The operator, or an account for itself, may reserve a free name for a workflow."
        }
        Body::PendingRemoved(_) => "The operator, or whoever reserved the name, may give it up.",
        Body::TokenExchanged(_) => {
            "An identity token buys one key of minutes, if its provider is trusted, its times are in order, it was never spent, and its job is a publisher of at least one gem."
        }
        Body::ExchangeDenied(_) => {
            "An exchange was denied; it is recorded because the job came from the repository of a publisher, at most once in a while."
        }
        Body::PushDenied(_) => {
            "A push was denied; it is recorded because the key belongs to a job of a publisher's repository, at most once in a while."
        }
        Body::ApiKeyIssued(_) => {
            "The operator issues keys to accounts; keys of jobs are minted by an exchange and by nothing else."
        }
        Body::ApiKeyRevoked(_) => "The operator, or whoever holds it, may revoke a living key.",
        Body::ReleasePushed(_) => {
            "A living key may release a new version if an owner holds it, if the name is free, or if the job that bought it is a publisher of the gem now, and if it keeps the gem's own rules."
        }
        Body::ReleaseQuarantined(_) => {
            "The operator may withhold a release at any time; its record stays."
        }
        Body::ReleaseRestored(_) => {
            "The operator may serve a withheld release again: the same bytes."
        }
        Body::NameTaken(_) | Body::FileTaken(_) => {
            "A name and a file name are taken with the push that first uses them, for good."
        }
    }
}
