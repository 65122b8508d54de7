//! What is remembered of each gem: whose it is, who may release it, and where its last release came from.
use std::collections::{BTreeMap, BTreeSet};

use events::{
    Body, Recorded,
    gem::Pushed,
    id::{ChangeId, Owner, PublisherId},
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
    /// Whose it is now.
    pub owners: BTreeSet<Owner>,
    /// For whom its name was reserved.
    pub reserved_for: BTreeSet<Owner>,
    /// The publishers that may release it now.
    pub publishers: BTreeSet<PublisherId>,
    /// What was declared and does not hold yet, by the id of the change.
    waiting: BTreeMap<ChangeId, Waiting>,
    /// Since when its publishers are what they are, and the log index of that.
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

/// A change that waits for its time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Waiting {
    effective: Timestamp,
    /// Where it was declared.
    index: u64,
    what: What,
}

/// What a change does that is remembered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    OwnerAdded(Owner),
    OwnerRemoved(Owner),
    PublisherAdded(PublisherId),
}

impl Gem {
    /// Everybody to whom it matters: its owners, those who are to be, and whoever reserved its name.
    pub fn concerns(&self) -> impl Iterator<Item = Owner> {
        let to_be = self
            .waiting
            .values()
            .filter_map(|waiting| match waiting.what {
                What::OwnerAdded(owner) => Some(owner),
                What::OwnerRemoved(_) | What::PublisherAdded(_) => None,
            });
        let owners = self.owners.iter().chain(&self.reserved_for).copied();
        owners.chain(to_be)
    }

    /// Lets time pass: what was declared takes effect, in the order in which it does.
    fn pass(&mut self, now: Timestamp) {
        loop {
            let due = self.waiting.iter().filter(|(_, one)| one.effective <= now);
            let Some((id, _)) = due.min_by_key(|(id, one)| (one.effective, **id)) else {
                return;
            };
            let id = *id;
            if let Some(Waiting {
                effective,
                index,
                what,
            }) = self.waiting.remove(&id)
            {
                self.apply(what, (effective, index));
            }
        }
    }

    /// A change that is declared at this moment: it waits, or it holds at once.
    fn declare(&mut self, recorded: &Recorded, what: What, effective: Option<Timestamp>) {
        let index = recorded.index;
        match effective {
            Some(effective) => {
                let id = ChangeId(recorded.event.revision);
                let waiting = Waiting {
                    effective,
                    index,
                    what,
                };
                self.waiting.insert(id, waiting);
            }
            None => self.apply(what, (recorded.event.time, index)),
        }
    }

    fn apply(&mut self, what: What, changed: (Timestamp, u64)) {
        match what {
            What::OwnerAdded(owner) => {
                self.owners.insert(owner);
            }
            What::OwnerRemoved(owner) => {
                self.owners.remove(&owner);
            }
            What::PublisherAdded(publisher) => {
                self.publishers.insert(publisher);
                self.changed = Some(changed);
            }
        }
    }
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

    /// Lets the time before this event pass for its gem.
    pub fn pass(&mut self, recorded: &Recorded) {
        if let Some(gem) = self.gems.get_mut(recorded.event.stream.rest()) {
            gem.pass(recorded.event.time);
        }
    }

    /// Takes the event into account.
    #[expect(clippy::too_many_lines, reason = "one line for each type of event")]
    pub fn evolve(&mut self, recorded: &Recorded) {
        let event = &recorded.event;
        let change = Some((event.time, recorded.index));
        match &event.body {
            Body::OwnerAdded(added) => {
                let what = What::OwnerAdded(added.owner);
                let gem = self.gem(recorded);
                gem.declare(recorded, what, added.effective);
            }
            Body::PublisherAdded(added) => {
                let id = PublisherId(event.revision);
                let gem = self.gem(recorded);
                // One that was pending comes with the first release, which it was added for.
                if added.pending.is_some() {
                    gem.publishers.insert(id);
                } else {
                    gem.declare(recorded, What::PublisherAdded(id), added.effective);
                }
            }
            Body::OwnerRemoved(removed) => {
                let what = What::OwnerRemoved(removed.owner);
                let gem = self.gem(recorded);
                gem.declare(recorded, what, removed.effective);
            }
            Body::ChangeCancelled(cancelled) => {
                self.gem(recorded).waiting.remove(&cancelled.change);
            }
            Body::PolicyOverridden(overridden) => {
                let gem = self.gem(recorded);
                if let Some(waiting) = gem.waiting.remove(&overridden.change) {
                    gem.apply(waiting.what, (event.time, recorded.index));
                }
            }
            Body::PendingAdded(added) => {
                self.gem(recorded).reserved_for.insert(added.owner);
            }
            Body::PublisherRemoved(removed) => {
                let gem = self.gem(recorded);
                // One that waits never let anything in.
                let waited = gem.waiting.remove(&ChangeId(removed.publisher.0));
                if waited.is_none() {
                    gem.publishers.remove(&removed.publisher);
                    gem.changed = change;
                }
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
