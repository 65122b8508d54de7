//! Trust roots and opened evidence in a history.
use deciders::{
    Denial,
    evidence::{self, Asked, Opening, States},
    trust_root::{self, TrustRoot},
};
use events::{
    Body,
    digest::Digest,
    id::{Actor, ApiKeyId, Via},
    stream::StreamName,
    trust_root::{Recorded, Repository, Requires},
};

use super::{History, door};
use crate::fixtures::{folded, github, slug, text};

/// The public-good instance, as its file was at this version.
pub(crate) fn public_good(version: u8) -> Recorded {
    Recorded {
        digest: Digest::of(&[version]),
        issuers: vec![github().issuer],
        public: true,
        repository: Some(Repository {
            bootstrap: Digest::of(b"root.json"),
            url: text("https://tuf-repo-cdn.sigstore.dev"),
        }),
        requires: Requires {
            log: true,
            sct: true,
            timestamp: false,
        },
        size: 7014,
    }
}

/// An instance of one's own, which timestamps and keeps no log.
pub(crate) fn timestamped() -> Recorded {
    Recorded {
        digest: Digest::of(b"private"),
        issuers: vec![text("https://gitlab.example.com"), github().issuer],
        public: false,
        repository: None,
        requires: Requires {
            log: false,
            sct: false,
            timestamp: true,
        },
        size: 4711,
    }
}

impl History {
    pub(crate) fn trust_root(&self, name: &str) -> TrustRoot {
        self.state(&StreamName::trust_root(&slug(name)))
    }

    pub(crate) fn record_root(&mut self, name: &str, recorded: Recorded) -> Result<(), Denial> {
        let (ledger, root) = (self.ledger(), self.trust_root(name));
        let drafts = trust_root::record(&ledger, &root, &slug(name), recorded)?;
        self.by_operator(drafts);
        Ok(())
    }

    /// What the repository of a root has now, asked for when this version was the live one.
    pub(crate) fn refresh_root(
        &mut self,
        name: &str,
        asked_for: u64,
        version: u8,
    ) -> Result<(), Denial> {
        let (ledger, root) = (self.ledger(), self.trust_root(name));
        let file = (Digest::of(&[version]), 7000);
        let drafts = trust_root::refresh(&ledger, &root, &slug(name), asked_for, file)?;
        self.append(&Actor::Operator, Via::Server, drafts);
        Ok(())
    }

    pub(crate) fn retire_root(&mut self, name: &str) -> Result<(), Denial> {
        let (ledger, root) = (self.ledger(), self.trust_root(name));
        let drafts = trust_root::retire(&ledger, &root, &slug(name))?;
        self.by_operator(drafts);
        Ok(())
    }

    /// The token that bought this key.
    pub(crate) fn token_of(&self, key: ApiKeyId) -> StreamName {
        let bought = self.log.iter().find(|recorded| {
            matches!(&recorded.event.body, Body::TokenExchanged(exchanged) if exchanged.api_key == key)
        });
        bought.unwrap().event.stream.clone()
    }

    /// Shows a token to somebody, for a gem if an owner asks.
    pub(crate) fn open_evidence(
        &mut self,
        by: &Actor,
        token: &StreamName,
        gem: Option<&str>,
    ) -> Result<(), Denial> {
        let name = gem.map(folded);
        let states = name.as_ref().map(|name| {
            (
                self.state(&StreamName::policy(name)),
                self.state(&StreamName::gem(name)),
            )
        });
        let account = match by {
            Actor::Account(id) => Some(self.account(*id)),
            Actor::Operator | Actor::Workflow(..) => None,
        };
        let asked = name
            .as_ref()
            .zip(states.as_ref())
            .map(|(name, (policy, gem))| Asked {
                name,
                policy,
                gem,
                account: account.as_ref(),
            });
        let (ledger, evidence) = (self.ledger(), self.state(token));
        let states = States {
            ledger: &ledger,
            evidence: &evidence,
            asked,
        };
        if let Opening::Recorded(drafts) = evidence::open(&states, token, by, self.now)? {
            self.append(by, door(by), drafts);
        }
        Ok(())
    }
}
