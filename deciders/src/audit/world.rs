//! The states that decisions are judged on, all of them, as they were before the group at hand.
use alloc::collections::BTreeMap;
use events::{
    Body, Event, State,
    id::{AccountId, ApiKeyId},
    name::FoldedName,
    stream::{StreamKind, StreamName},
    text::Slug,
};

use super::{
    keys::{Keys, is_stream_of},
    order::{self, Group, StreamKey},
};
use crate::{
    Ledger, account::Account, comparison::Comparisons, denied::Denied, gem::Gem, map::Roots,
    policy::Policy, provider::Provider, taken::Taken, trust_root::TrustRoot,
};

/// Every state. Names, files and tokens have none beyond their existence, which the order of the log knows.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) ledger: Ledger,
    pub(super) keys: Keys,
    /// The newest root of the map, whatever its day.
    pub(super) roots: Roots,
    providers: BTreeMap<Slug, Provider>,
    issuers: BTreeMap<StreamName, Taken>,
    accounts: BTreeMap<AccountId, Account>,
    policies: BTreeMap<FoldedName, Policy>,
    gems: BTreeMap<FoldedName, Gem>,
    compared: BTreeMap<FoldedName, Comparisons>,
    denied: BTreeMap<FoldedName, Denied>,
    trust_roots: BTreeMap<Slug, TrustRoot>,
    /// The key that each token bought which released something, for whoever is shown that token later.
    released: BTreeMap<StreamKey, ApiKeyId>,
    /// What a stream without events is.
    absent: Absent,
}

#[derive(Debug, Default)]
struct Absent {
    provider: Provider,
    issuer: Taken,
    policy: Policy,
    gem: Gem,
    compared: Comparisons,
    denied: Denied,
    trust_root: TrustRoot,
}

impl World {
    /// Whether the rulebook in force is one that this program can judge by. A log that was never opened is judged.
    pub(super) fn knows_the_rules(&self) -> bool {
        self.ledger
            .rulebook()
            .is_ok_and(|rulebook| rulebook.known().is_ok())
            || self.ledger.opened.is_none()
    }

    pub(super) fn provider(&self, slug: &Slug) -> &Provider {
        self.providers.get(slug).unwrap_or(&self.absent.provider)
    }

    pub(super) fn issuer(&self, stream: &StreamName) -> &Taken {
        self.issuers.get(stream).unwrap_or(&self.absent.issuer)
    }

    pub(super) fn account(&self, id: AccountId) -> Account {
        self.accounts.get(&id).copied().unwrap_or_default()
    }

    pub(super) fn policy(&self, gem: &FoldedName) -> &Policy {
        self.policies.get(gem).unwrap_or(&self.absent.policy)
    }

    pub(super) fn gem(&self, gem: &FoldedName) -> &Gem {
        self.gems.get(gem).unwrap_or(&self.absent.gem)
    }

    pub(super) fn compared(&self, gem: &FoldedName) -> &Comparisons {
        self.compared.get(gem).unwrap_or(&self.absent.compared)
    }

    pub(super) fn denied(&self, gem: &FoldedName) -> &Denied {
        self.denied.get(gem).unwrap_or(&self.absent.denied)
    }

    pub(super) fn trust_root(&self, slug: &Slug) -> &TrustRoot {
        self.trust_roots
            .get(slug)
            .unwrap_or(&self.absent.trust_root)
    }

    /// The key that this token bought, if a release was pushed with it.
    pub(super) fn released_with(&self, token: &StreamName) -> Option<ApiKeyId> {
        self.released.get(&order::key(token)).copied()
    }

    /// Takes a group into account, lawful or not: what stands in the log has happened.
    pub(super) fn evolve(&mut self, group: &Group) {
        let exchange = group.events().find_map(|event| {
            if let Body::TokenExchanged(exchanged) = &event.body {
                Some((event, exchanged))
            } else {
                None
            }
        });
        for event in group.events() {
            if let Body::ApiKeyIssued(issued) = &event.body
                && let Some((exchange, exchanged)) = exchange
            {
                if is_stream_of(&event.stream, exchanged.api_key) {
                    self.keys.minted(issued, exchange, exchanged);
                }
            } else {
                self.evolve_one(event);
            }
        }
    }

    fn evolve_one(&mut self, event: &Event) {
        let rest = event.stream.rest();
        match event.stream.kind() {
            StreamKind::Log => self.ledger.evolve(event),
            StreamKind::Provider => advance(&mut self.providers, Slug::parse(rest), event),
            StreamKind::Account => advance(&mut self.accounts, AccountId::parse(rest), event),
            StreamKind::Policy => advance(&mut self.policies, FoldedName::parse(rest), event),
            StreamKind::Gem => {
                if let Body::ReleasePushed(pushed) = &event.body
                    && let Some(source) = &pushed.source
                {
                    let token = order::key(&source.exchange.stream);
                    self.released.insert(token, pushed.api_key);
                }
                advance(&mut self.compared, FoldedName::parse(rest), event);
                advance(&mut self.gems, FoldedName::parse(rest), event);
            }
            StreamKind::Denied => advance(&mut self.denied, FoldedName::parse(rest), event),
            StreamKind::Issuer => {
                let issuer = self.issuers.entry(event.stream.clone()).or_default();
                issuer.evolve(event);
            }
            StreamKind::ApiKey => {
                if let Ok(id) = ApiKeyId::parse(rest) {
                    self.keys.evolve(id, event);
                }
            }
            StreamKind::Map => self.roots.evolve(event),
            StreamKind::TrustRoot => advance(&mut self.trust_roots, Slug::parse(rest), event),
            StreamKind::Token | StreamKind::Name | StreamKind::File => {}
        }
    }
}

fn advance<K: Ord, S: State, E>(states: &mut BTreeMap<K, S>, key: Result<K, E>, event: &Event) {
    if let Ok(key) = key {
        states.entry(key).or_default().evolve(event);
    }
}
