//! Comparisons in a history.
use deciders::{
    Denial,
    comparison::{self, Comparisons, States},
};
use events::{
    digest::Digest,
    gem::{Compared, Verdict},
    id::Actor,
    platform::Platform,
    stream::StreamName,
    version::GemVersion,
};

use super::{History, door};
use crate::fixtures::{folded, gem, text};

impl History {
    /// What comparing the plain release of this version leads to; the content tells one statement from another.
    pub(crate) fn compared(&self, name: &str, number: &str, content: &str) -> Compared {
        let state: Comparisons = self.state(&StreamName::gem(&folded(name)));
        let number = GemVersion::parse(number).unwrap();
        let release = state.releases.get(&(number.canonical(), Platform::ruby()));
        let commit = release.and_then(|release| release.commit.clone());
        Compared {
            by_word: 1,
            changed: 1,
            commit: commit.unwrap_or_else(|| text(&"ab".repeat(20))),
            digest: release.map_or(Digest::of(b""), |release| release.digest),
            explained: 3,
            extra: 2,
            files_only: false,
            left_out: Some(0),
            metadata: Some(0),
            name: gem(name),
            not_compared: 0,
            number,
            platform: Platform::ruby(),
            same: 61,
            statement: Digest::of(content.as_bytes()),
            verdict: Verdict::Different,
        }
    }

    /// Somebody attaches a comparison.
    pub(crate) fn attach(&mut self, by: &Actor, compared: Compared) -> Result<(), Denial> {
        let name = compared.name.folded();
        let account = match by {
            Actor::Account(id) => Some(self.account(*id)),
            Actor::Operator | Actor::Workflow(..) => None,
        };
        let (ledger, gem, policy) = (
            self.ledger(),
            self.state(&StreamName::gem(&name)),
            self.state(&StreamName::policy(&name)),
        );
        let states = States {
            ledger: &ledger,
            gem: &gem,
            policy: &policy,
            account: account.as_ref(),
        };
        let drafts = comparison::attach(&states, compared, by, self.now)?;
        self.append(by, door(by), drafts);
        Ok(())
    }
}
