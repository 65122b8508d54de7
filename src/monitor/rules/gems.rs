//! What is remembered of each gem: whose it is, who may release it, and where its last release came from.
use std::collections::{BTreeMap, BTreeSet};

use events::{
    Body, Recorded,
    gem::Pushed,
    id::{Owner, PublisherId},
    text::{Slug, Text},
    time::Timestamp,
};

/// Where a release came from, as far as rules compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The log index of the release.
    pub index: u64,
    /// Whose word it was.
    pub provider: Option<Slug>,
    /// `OWNER/NAME`.
    pub repository: Text,
    /// The repository's immutable id.
    pub repository_id: Text,
    /// The workflow's file, without its repository and ref, and the one that defines the job where that is another.
    pub workflow: Option<String>,
    /// The deployment environment.
    pub environment: Option<Text>,
    /// Whether the machine was the project's own.
    pub self_hosted: bool,
}

/// What is remembered of one gem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gem {
    /// Whose it is.
    pub owners: BTreeSet<Owner>,
    /// For whom its name was reserved.
    pub reserved_for: BTreeSet<Owner>,
    /// The publishers that may release it.
    pub publishers: BTreeSet<PublisherId>,
    /// When its publishers last changed, and the log index of that.
    pub changed: Option<(Timestamp, u64)>,
    /// Releases so far.
    pub releases: u64,
    /// Where the last release with a source came from.
    pub last: Option<Origin>,
    /// Whether a release ever came from a self-hosted runner.
    pub self_hosted: bool,
    /// The log index of the last attestation that came with a release.
    pub attested: Option<u64>,
}

/// What is remembered of every gem, by folded name.
#[derive(Debug, Default)]
pub struct Gems {
    gems: BTreeMap<String, Gem>,
    unknown: Gem,
}

impl Gems {
    /// The gem that an event of `policy/<gem>` or `gem/<gem>` is about, as it was before.
    pub fn of(&self, recorded: &Recorded) -> &Gem {
        self.get(recorded.event.stream.rest())
    }

    /// A gem by its folded name; one of which nothing is known, if there is none.
    pub fn get(&self, name: &str) -> &Gem {
        self.gems.get(name).unwrap_or(&self.unknown)
    }

    /// Takes the event into account.
    #[expect(clippy::too_many_lines, reason = "one line for each type of event")]
    pub fn evolve(&mut self, recorded: &Recorded) {
        let event = &recorded.event;
        let change = Some((event.time, recorded.index));
        match &event.body {
            Body::OwnerAdded(added) => {
                self.gem(recorded).owners.insert(added.owner);
            }
            Body::PublisherAdded(added) => {
                let gem = self.gem(recorded);
                gem.publishers.insert(PublisherId(event.revision));
                // One that was pending comes with the first release, which it was added for.
                if added.pending.is_none() {
                    gem.changed = change;
                }
            }
            Body::OwnerRemoved(removed) => {
                // Until it takes effect the gem is theirs, and after that what happens to it is theirs to know.
                if removed.effective.is_none() {
                    self.gem(recorded).owners.remove(&removed.owner);
                }
            }
            Body::ChangeCancelled(cancelled) => {
                let publisher = PublisherId(cancelled.change.0);
                self.gem(recorded).publishers.remove(&publisher);
            }
            Body::PendingAdded(added) => {
                self.gem(recorded).reserved_for.insert(added.owner);
            }
            Body::PublisherRemoved(removed) => {
                let gem = self.gem(recorded);
                gem.publishers.remove(&removed.publisher);
                gem.changed = change;
            }
            Body::ReleasePushed(pushed) => {
                let gem = self.gem(recorded);
                gem.releases += 1;
                if let Some(origin) = Origin::of(recorded.index, pushed) {
                    gem.self_hosted |= origin.self_hosted;
                    gem.last = Some(origin);
                }
            }
            Body::ReleaseAttested(_) => self.gem(recorded).attested = Some(recorded.index),
            Body::LogOpened(_)
            | Body::LogRulesChanged(_)
            | Body::SubjectErased(_)
            | Body::MapRooted(_)
            | Body::StatementKeyIntroduced(_)
            | Body::TrustRootRecorded(_)
            | Body::TrustRootRetired(_)
            | Body::RuleChanged(_)
            | Body::OverrideProposed(_)
            | Body::PolicyOverridden(_)
            | Body::EvidenceOpened(_)
            | Body::ReleaseCompared(_)
            | Body::LogSucceeded(_)
            | Body::ReleaseQuarantined(_)
            | Body::ReleaseRestored(_)
            | Body::ProviderRegistered(_)
            | Body::ProviderKeysObserved(_)
            | Body::ProviderKeyDistrusted(_)
            | Body::ProviderDisabled(_)
            | Body::IssuerTaken(_)
            | Body::AccountCreated(_)
            | Body::AccountDisabled(_)
            | Body::GemRegistered(_)
            | Body::PublisherPinned(_)
            | Body::PendingRemoved(_)
            | Body::TokenExchanged(_)
            | Body::ExchangeDenied(_)
            | Body::PushDenied(_)
            | Body::ApiKeyIssued(_)
            | Body::ApiKeyRevoked(_)
            | Body::NameTaken(_)
            | Body::FileTaken(_) => {}
        }
    }

    fn gem(&mut self, recorded: &Recorded) -> &mut Gem {
        let name = recorded.event.stream.rest().to_owned();
        self.gems.entry(name).or_default()
    }
}

impl Origin {
    /// Where a release came from; `None` if a person's key pushed it.
    pub fn of(index: u64, pushed: &Pushed) -> Option<Self> {
        let source = pushed.source.as_ref()?;
        let workflow = &source.workflow;
        let triggered = workflow.workflow_ref.as_ref().map(file);
        let defined = workflow.job_workflow_ref.as_ref().map(file);
        let named = match (triggered, defined) {
            (Some(triggered), Some(defined)) if triggered != defined => {
                Some(format!("{triggered} calling {defined}"))
            }
            (Some(file), _) | (None, Some(file)) => Some(file.to_owned()),
            (None, None) => None,
        };
        let runner = workflow.runner.as_ref().map(Text::as_str);
        Some(Self {
            index,
            provider: source.exchange.stream.token_parts().map(|(slug, ..)| slug),
            repository: workflow.repository.clone(),
            repository_id: workflow.repository_id.clone(),
            workflow: named,
            environment: workflow.environment.clone(),
            self_hosted: runner == Some("self-hosted"),
        })
    }
}

/// The file of a workflow: what a renamed repository or another tag does not change.
///
/// GitHub `OWNER/NAME/.github/workflows/FILE@REF`, GitLab `HOST/GROUP/NAME//PATH@REF`; others as they are.
fn file(workflow_ref: &Text) -> &str {
    let text = workflow_ref.as_str();
    let text = text.split_once('@').map_or(text, |(file, _)| file);
    let inside = |between| text.split_once(between).map(|(_, file)| file);
    inside("/.github/workflows/")
        .or_else(|| inside("//"))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_is_its_file_without_repository_and_ref() {
        for (given, expected) in [
            (
                "a/b/.github/workflows/release.yml@refs/tags/v1",
                "release.yml",
            ),
            (
                "gitlab.com/a/b//.gitlab-ci.yml@refs/heads/main",
                ".gitlab-ci.yml",
            ),
            ("pipeline-7", "pipeline-7"),
        ] {
            assert_eq!(file(&Text::parse(given).unwrap()), expected);
        }
    }
}
