//! A gem's rules as they are at a moment, and the changes that wait, in the words that answers use.
use deciders::{
    Ledger,
    change::What,
    gem::Gem,
    policy::{Policy, PolicyAt},
    rule::{self, Class},
};
use events::{
    id::{Actor, ChangeId, Owner, ProposalId, PublisherId},
    name::FoldedName,
    rule::{Rule, Setting},
    stream::StreamName,
    text::Text,
    time::Timestamp,
};
use serde::Serialize;

use super::state;
use crate::store::{StoreError, reader::Reader};

mod beyond;

pub use beyond::{Beyond, beyond};

/// A rule at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleAt {
    /// Its name.
    pub rule: Rule,
    /// What it is set to.
    pub setting: Setting,
    /// Whether the next release must keep it. An attestation: `timestamp`, `private log` or `public log`, which is the
    /// least that is demanded.
    pub demanded: Demanded,
}

/// What a rule demands of the next release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Demanded {
    /// Whether it does.
    Simply(bool),
    /// An attestation of this class at least.
    Attestation(&'static str),
}

impl Demanded {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Simply(true) => "demanded",
            Self::Simply(false) => "not demanded",
            Self::Attestation(class) => class,
        }
    }
}

/// A change that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangeAt {
    /// Its id within the gem.
    pub id: ChangeId,
    /// What it does, as a stable word: `owner_added`, `owner_removed`, `publisher_added`, `rule_changed`.
    pub change: &'static str,
    /// The owner it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// The publisher it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publisher: Option<PublisherId>,
    /// The rule it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// What that is set to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Setting>,
    /// Who declared it.
    pub by: Actor,
    /// When.
    pub declared: Timestamp,
    /// When it takes effect.
    pub effective: Timestamp,
    /// Who proposed to let it take effect at once, and why.
    pub proposed: Vec<Proposed>,
}

/// A proposal to override the delay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposed {
    /// Its id within the gem.
    pub id: ProposalId,
    /// Who.
    pub by: Actor,
    /// Why.
    pub reason: Text,
}

/// A gem's rules and what waits, now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesNow {
    /// The policy as it is at this moment.
    pub policy: PolicyAt,
    /// Its rules.
    pub rules: Vec<RuleAt>,
    /// What waits.
    pub changes: Vec<ChangeAt>,
    /// What waits outside the policy and bears on it.
    pub beyond: Vec<Beyond>,
}

/// The rules of a gem at this moment, and the changes that wait.
pub async fn now(
    reader: &Reader,
    gem: &FoldedName,
    now: Timestamp,
) -> Result<RulesNow, StoreError> {
    let ledger: Ledger = state(reader, &StreamName::log()).await?;
    let policy: Policy = state(reader, &StreamName::policy(gem)).await?;
    let releases: Gem = state(reader, &StreamName::gem(gem)).await?;
    let policy = policy.at(now).into_owned();
    Ok(RulesNow {
        rules: of(&ledger, &policy, &releases),
        changes: waiting(&policy),
        beyond: beyond(reader, &policy, u64::MAX, now).await?,
        policy,
    })
}

fn ratchets(ledger: &Ledger) -> bool {
    let rulebook = ledger.rulebook.as_ref();
    rulebook.is_some_and(deciders::Rulebook::ratchets)
}

/// Every rule of the gem; none under an edition that knows no rules.
pub fn of(ledger: &Ledger, policy: &PolicyAt, releases: &Gem) -> Vec<RuleAt> {
    let demanded = |rule| match (rule, rule::attestation(policy, releases)) {
        (Rule::AttestationRequired, Some(class)) => Demanded::Attestation(Class::as_str(class)),
        _ => Demanded::Simply(rule::demands(rule, policy, releases)),
    };
    let shown = |rule| RuleAt {
        rule,
        setting: policy.setting(rule),
        demanded: demanded(rule),
    };
    let rules = Rule::ALL.into_iter().filter(|_| ratchets(ledger));
    rules.map(shown).collect()
}

/// Whether a push by an owner's key could keep the rules: none that speaks of a run is demanded.
pub fn lets_owners_push(ledger: &Ledger, policy: &PolicyAt, releases: &Gem) -> bool {
    let of_a_run = |rule: &Rule| *rule != Rule::SameAttemptRequired;
    let mut rules = Rule::ALL.into_iter().filter(of_a_run);
    !ratchets(ledger) || !rules.any(|rule| rule::demands(rule, policy, releases))
}

/// The changes of a policy that wait.
pub fn waiting(policy: &PolicyAt) -> Vec<ChangeAt> {
    let shown = |(id, change): (&ChangeId, &deciders::change::Change)| {
        let (mut owner, mut publisher, mut rule) = (None, None, None);
        let word = match change.what {
            What::OwnerAdded(who) => {
                owner = Some(who);
                "owner_added"
            }
            What::OwnerRemoved(who) => {
                owner = Some(who);
                "owner_removed"
            }
            What::PublisherAdded(id) => {
                publisher = Some(id);
                "publisher_added"
            }
            What::RuleSet(which, to) => {
                rule = Some((which, to));
                "rule_changed"
            }
        };
        let proposals = change.proposals.iter();
        ChangeAt {
            id: *id,
            change: word,
            owner,
            publisher,
            rule: rule.map(|(rule, _)| rule),
            to: rule.map(|(_, to)| to),
            by: change.by.clone(),
            declared: change.declared,
            effective: change.effective,
            proposed: proposals
                .map(|(id, (by, reason))| Proposed {
                    id: *id,
                    by: by.clone(),
                    reason: reason.clone(),
                })
                .collect(),
        }
    };
    policy.changes.iter().map(shown).collect()
}

impl ChangeAt {
    /// What it does, as a sentence.
    pub fn sentence(&self) -> String {
        let owner = self.owner.map(super::gems::whose).unwrap_or_default();
        match (self.change, self.publisher, self.rule.zip(self.to)) {
            ("owner_added", ..) => format!("{owner} becomes an owner"),
            ("owner_removed", ..) => format!("{owner} is no longer an owner"),
            (_, Some(publisher), _) => format!("publisher {publisher} may release the gem"),
            (_, None, Some((rule, to))) => {
                format!("the rule {} is set to {}", rule.as_str(), to.as_str())
            }
            (other, None, None) => other.to_owned(),
        }
    }
}
