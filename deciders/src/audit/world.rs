//! The states that decisions are judged on, all of them, as they were before the group at hand.
use alloc::collections::BTreeMap;
use events::{
    Body, Event, State,
    id::{AccountId, ApiKeyId},
    name::FoldedName,
    stream::{StreamKind, StreamName},
    text::Slug,
};

use super::{keys::Keys, order::Group};
use crate::{
    Ledger, account::Account, denied::Denied, gem::Gem, policy::Policy, provider::Provider,
    taken::Taken,
};

/// Every state. Names, files and tokens have none beyond their existence, which the order of the log knows.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) ledger: Ledger,
    pub(super) keys: Keys,
    providers: BTreeMap<Slug, Provider>,
    issuers: BTreeMap<StreamName, Taken>,
    accounts: BTreeMap<AccountId, Account>,
    policies: BTreeMap<FoldedName, Policy>,
    gems: BTreeMap<FoldedName, Gem>,
    denied: BTreeMap<FoldedName, Denied>,
}

impl World {
    /// Whether the rulebook in force is one that this program can judge by. A log that was never opened is judged.
    pub(super) fn knows_the_rules(&self) -> bool {
        self.ledger.rulebook().is_ok_and(|rulebook| rulebook.known().is_ok())
            || self.ledger.opened.is_none()
    }

    pub(super) fn provider(&self, slug: &Slug) -> Option<&Provider> {
        self.providers.get(slug)
    }

    pub(super) fn issuer(&self, stream: &StreamName) -> Option<&Taken> {
        self.issuers.get(stream)
    }

    pub(super) fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    pub(super) fn policy(&self, gem: &FoldedName) -> Option<&Policy> {
        self.policies.get(gem)
    }

    pub(super) fn gem(&self, gem: &FoldedName) -> Option<&Gem> {
        self.gems.get(gem)
    }

    pub(super) fn denied(&self, gem: &FoldedName) -> Option<&Denied> {
        self.denied.get(gem)
    }

    /// Takes a group into account, lawful or not: what stands in the log has happened.
    pub(super) fn evolve(&mut self, group: &Group) {
        let exchange = group.events().find_map(|event| match &event.body {
            Body::TokenExchanged(exchanged) => Some((event, exchanged)),
            _ => None,
        });
        for event in group.events() {
            if let Body::ApiKeyIssued(issued) = &event.body
                && let Some((exchange, exchanged)) = exchange
            {
                if StreamName::api_key(exchanged.api_key) == event.stream {
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
            StreamKind::Gem => advance(&mut self.gems, FoldedName::parse(rest), event),
            StreamKind::Denied => advance(&mut self.denied, FoldedName::parse(rest), event),
            StreamKind::Issuer => {
                let issuer = self.issuers.entry(event.stream.clone()).or_default();
                issuer.evolve(event);
            }
            StreamKind::ApiKey => {
                if let Ok(id) = ApiKeyId::parse(rest) {
                    match event.body {
                        Body::ApiKeyRevoked(_) => self.keys.revoked(id, event),
                        _ => self.keys.issued(id, event),
                    }
                }
            }
            StreamKind::Token | StreamKind::Name | StreamKind::File => {}
        }
    }
}

fn advance<K: Ord, S: State, E>(
    states: &mut BTreeMap<K, S>,
    key: Result<K, E>,
    event: &Event,
) {
    if let Ok(key) = key {
        states.entry(key).or_default().evolve(event);
    }
}
