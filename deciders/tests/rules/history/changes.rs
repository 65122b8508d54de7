//! What owners and the operator do with a gem's policy: rules, owners, and changes that wait.
use deciders::{
    Denial, Ledger,
    account::Account,
    change,
    ledger::EDITION,
    policy::{self, Managing, Policy},
    rule,
};
use events::{
    Body,
    event::Draft,
    id::{AccountId, Actor, ChangeId, Owner, ProposalId},
    log::Visibility,
    provider::Registered,
    rule::{Rule, Setting},
    stream::StreamName,
    text::Text,
};

use super::{History, door};
use crate::fixtures::{account_id, first_rules, folded, github, rules, text};

impl History {
    /// A public ledger with GitHub, which is not young any more, and the accounts 1 to 3, where loosening waits for so
    /// many seconds.
    pub(crate) fn delayed(delay: u64) -> Self {
        let mut history = Self::young(delay);
        history.later(delay);
        history
    }

    /// The same while GitHub is still young.
    pub(crate) fn young(delay: u64) -> Self {
        let mut history = Self::empty();
        history
            .open_with(EDITION, rules(delay), Visibility::Public)
            .unwrap();
        history.furnished()
    }

    /// The same under edition 1.
    pub(crate) fn first_edition() -> Self {
        let mut history = Self::empty();
        history
            .open_with(1, first_rules(), Visibility::Public)
            .unwrap();
        history.furnished()
    }

    fn furnished(mut self) -> Self {
        self.register("github", github(), &["k1"]).unwrap();
        for account in 1..4 {
            self.create_account(account_id(account)).unwrap();
        }
        self
    }

    /// One command on a policy, by whoever it is, with the accounts that it reads.
    fn manage(
        &mut self,
        by: &Actor,
        name: &str,
        command: impl FnOnce(&Managing<'_>) -> Result<Vec<Draft>, Denial>,
    ) -> Result<ChangeId, Denial> {
        let (ledger, policy): (Ledger, Policy) = (self.ledger(), self.policy_stream(name));
        let account = self.account_of(by);
        let gem = folded(name);
        let drafts = command(&Managing {
            ledger: &ledger,
            policy: &policy,
            account: account.as_ref(),
            gem: &gem,
            by,
            now: self.now,
        })?;
        self.append(by, door(by), drafts);
        Ok(ChangeId(self.log.last().unwrap().event.revision))
    }

    fn account_of(&self, actor: &Actor) -> Option<Account> {
        match actor {
            Actor::Account(id) => Some(self.account(*id)),
            Actor::Operator | Actor::Workflow(..) => None,
        }
    }

    pub(crate) fn set_rule(
        &mut self,
        by: &Actor,
        name: &str,
        rule: Rule,
        to: Setting,
    ) -> Result<ChangeId, Denial> {
        let gem = self.gem(name);
        self.manage(by, name, |managing| rule::set(managing, &gem, rule, to))
    }

    pub(crate) fn gem(&self, name: &str) -> deciders::gem::Gem {
        self.state(&StreamName::gem(&folded(name)))
    }

    pub(crate) fn add_owner(
        &mut self,
        by: &Actor,
        name: &str,
        owner: AccountId,
    ) -> Result<ChangeId, Denial> {
        let account = self.account(owner);
        self.manage(by, name, |managing| {
            policy::add_owner(managing, Owner::Account(owner), Some(&account))
        })
    }

    pub(crate) fn remove_owner(
        &mut self,
        by: &Actor,
        name: &str,
        owner: Owner,
    ) -> Result<ChangeId, Denial> {
        self.manage(by, name, |managing| policy::remove_owner(managing, owner))
    }

    pub(crate) fn cancel(
        &mut self,
        by: &Actor,
        name: &str,
        change: ChangeId,
    ) -> Result<ChangeId, Denial> {
        self.manage(by, name, |managing| change::cancel(managing, change))
    }

    /// Wants a change to take effect at once, for this reason.
    pub(crate) fn overrule(
        &mut self,
        by: &Actor,
        name: &str,
        change: ChangeId,
        reason: Option<Text>,
    ) -> Result<(), Denial> {
        let policy = self.policy(name);
        let proposers = change::proposers(&policy, change);
        let proposers = proposers.map(|id| (id, self.account(id))).collect();
        self.manage(by, name, |managing| {
            change::overrule(managing, change, reason, &proposers)
        })
        .map(drop)
    }

    /// Proposes that a change take effect at once, where nobody has.
    pub(crate) fn propose(
        &mut self,
        by: &Actor,
        name: &str,
        change: ChangeId,
    ) -> Result<ProposalId, Denial> {
        self.overrule(by, name, change, Some(text("the release cannot wait")))?;
        let last = &self.log.last().unwrap().event;
        assert!(matches!(last.body, Body::OverrideProposed(_)));
        Ok(ProposalId(last.revision))
    }

    /// Agrees that a change take effect at once, where somebody has proposed it.
    pub(crate) fn agree(
        &mut self,
        by: &Actor,
        name: &str,
        change: ChangeId,
        reason: Option<Text>,
    ) -> Result<(), Denial> {
        self.overrule(by, name, change, reason)?;
        let last = &self.log.last().unwrap().event;
        assert!(matches!(last.body, Body::PolicyOverridden(_)));
        Ok(())
    }

    /// Changes settings of a provider that exists, and says when they take effect.
    pub(crate) fn reregister(
        &mut self,
        name: &str,
        registered: Registered,
    ) -> Option<events::time::Timestamp> {
        self.register(name, registered, &["k1"]).unwrap();
        let registered = self.log.iter().rev();
        let mut registered = registered.filter_map(|recorded| {
            if let Body::ProviderRegistered(registered) = &recorded.event.body {
                Some(registered.effective)
            } else {
                None
            }
        });
        registered.next().unwrap()
    }
}
