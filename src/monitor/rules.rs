//! What an owner or a security team wants to know of: rules over lawful events, each a small pure function.
//!
//! [`gems`] keeps what is remembered of each gem; a rule sees it as it was before the event. Whether a rule is applied, to
//! which gems and how bad its findings are, [`super::judge`] says.
//!
//! | room | rules |
//! |---|---|
//! | [`publishers`] | `publisher_added`, `publisher_then_push` |
//! | [`owners`] | `owner_added` |
//! | [`loosening`] | `loosening_declared`, `rule_off`, `owner_removed`, `override_proposed`, `policy_overridden`, `change_cancelled` |
//! | [`identity`] | `provider_added`, `provider_changed` |
//! | [`rulebook`] | `rules_changed`, `rules_loosened` |
//! | [`trust`] | `trust_root_changed`, `trust_root_added`, `trust_root_loosened`, `evidence_opened` |
//! | [`provenance`] | `personal_push`, `provenance_lost`, `provenance_changed` |
//! | [`attested`] | `provenance_lost`, of attestations |
//! | [`workflow`] | `repository_changed`, `workflow_changed`, `environment_vanished`, `self_hosted_runner` |
//! | [`jobs`] | `two_tokens_one_job` |
//! | [`burst`] | `release_burst` |
use events::{Body, Recorded, stream::StreamKind};

use super::Finding;

pub mod attested;
pub mod burst;
pub mod gems;
pub mod identity;
pub mod incidents;
pub mod jobs;
pub mod loosening;
pub mod owners;
pub mod provenance;
pub mod publishers;
pub mod rulebook;
pub mod trust;
pub mod workflow;

/// The numbers of the rules that have some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// A push within so many hours of a change of publishers is told.
    pub publisher_then_push_hours: u64,
    /// Tokens of one job are compared over so many hours.
    pub two_tokens_hours: u64,
    /// So many gems…
    pub burst_gems: u64,
    /// …released within so many minutes are a burst.
    pub burst_minutes: u64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            publisher_then_push_hours: 24,
            two_tokens_hours: 24,
            burst_gems: 20,
            burst_minutes: 10,
        }
    }
}

/// All rules, and what they remember.
#[derive(Debug, Default)]
pub struct Rules {
    numbers: Numbers,
    gems: gems::Gems,
    identity: identity::Identity,
    rulebook: rulebook::Rulebook,
    trust: trust::Trust,
    jobs: jobs::Jobs,
    burst: burst::Burst,
    attested: attested::Attested,
}

impl Rules {
    /// Rules before the first event.
    pub fn new(numbers: Numbers) -> Self {
        Self {
            numbers,
            ..Self::default()
        }
    }

    /// What the rules say of the next event.
    #[expect(clippy::too_many_lines, reason = "one line for each type of event")]
    pub fn take(&mut self, recorded: &Recorded, tell: &mut Vec<Finding>) {
        self.gems.pass(recorded);
        tell.extend(self.attested.follows(recorded));
        tell.extend(loosening::declared(recorded));
        match &recorded.event.body {
            Body::LogOpened(_) => self.rulebook.opened(recorded),
            Body::LogRulesChanged(changed) => tell.extend(self.rulebook.changed(recorded, changed)),
            Body::ProviderRegistered(registered) => {
                tell.push(self.identity.registered(recorded, registered));
            }
            Body::ProviderKeyDistrusted(_) | Body::ProviderDisabled(_) => {
                tell.push(identity::ended(recorded));
            }
            Body::OwnerAdded(added) => {
                tell.extend(owners::added(recorded, added, self.gems.of(recorded)));
            }
            Body::PublisherAdded(added) => {
                tell.extend(publishers::added(recorded, added));
            }
            Body::OwnerRemoved(_) => tell.push(loosening::owner_removed(recorded)),
            Body::RuleChanged(changed) => tell.extend(loosening::off(recorded, changed)),
            Body::ChangeCancelled(change) => tell.push(loosening::cancelled(recorded, change)),
            Body::OverrideProposed(change) => tell.push(loosening::proposed(recorded, change)),
            Body::PolicyOverridden(change) => tell.push(loosening::overridden(recorded, change)),
            Body::PendingAdded(added) => tell.push(publishers::pending(recorded, added)),
            Body::ReleasePushed(pushed) => {
                let before = self.gems.of(recorded);
                let now = gems::Origin::of(recorded.index, pushed);
                tell.extend(publishers::then_push(recorded, before, &self.numbers));
                tell.extend(provenance::personal_push(recorded, before, pushed));
                tell.extend(provenance::lost(recorded, before, now.as_ref()));
                self.attested.released(recorded, before, pushed);
                if let (Some(last), Some(now)) = (before.last.as_ref(), now.as_ref()) {
                    tell.extend(provenance::changed(recorded, last, now));
                    tell.extend(workflow::repository_changed(recorded, last, now));
                    tell.extend(workflow::workflow_changed(recorded, last, now));
                    tell.extend(workflow::environment_vanished(recorded, last, now));
                    tell.extend(workflow::self_hosted_runner(recorded, before, now));
                }
                tell.extend(self.burst.released(recorded, &self.numbers));
            }
            Body::TokenExchanged(exchanged) => {
                tell.extend(self.jobs.exchanged(recorded, exchanged, &self.numbers));
            }
            Body::ReleaseQuarantined(withheld) => {
                tell.push(incidents::quarantined(recorded, withheld));
            }
            Body::ReleaseRestored(restored) => tell.push(incidents::restored(recorded, restored)),
            Body::TrustRootRecorded(root) => tell.extend(self.trust.recorded(recorded, root)),
            Body::TrustRootRetired(_) => tell.push(self.trust.retired(recorded)),
            Body::EvidenceOpened(opened) => tell.push(trust::opened(recorded, opened)),
            Body::LogSucceeded(succeeded) => tell.push(incidents::succeeded(recorded, succeeded)),
            Body::SubjectErased(_)
            | Body::MapRooted(_)
            | Body::StatementKeyIntroduced(_)
            | Body::ReleaseAttested(_)
            | Body::ReleaseCompared(_)
            | Body::ProviderKeysObserved(_)
            | Body::IssuerTaken(_)
            | Body::AccountCreated(_)
            | Body::AccountDisabled(_)
            | Body::GemRegistered(_)
            | Body::PublisherPinned(_)
            | Body::PublisherRemoved(_)
            | Body::PendingRemoved(_)
            | Body::ExchangeDenied(_)
            | Body::PushDenied(_)
            | Body::ApiKeyIssued(_)
            | Body::ApiKeyRevoked(_)
            | Body::NameTaken(_)
            | Body::FileTaken(_) => {}
        }
        self.gems.evolve(recorded);
        if recorded.event.stream.kind() == StreamKind::Provider {
            self.identity.evolve(recorded);
        }
    }

    /// What is still to be said at the end of a tree.
    pub fn settle(&mut self) -> Option<Finding> {
        self.attested.settle()
    }

    /// What is remembered of each gem.
    pub fn gems(&self) -> &gems::Gems {
        &self.gems
    }
}
