//! A gem's rules and owners, and the changes that wait: set, cancelled, and let in at once by two people.
use deciders::{
    Denial, Ledger,
    account::Account,
    change::{self, Agreement},
    gem::Gem,
    policy::{self, Managing, Policy},
    rule,
};
use events::{
    Body,
    event::Draft,
    id::{AccountId, Actor, ChangeId, Owner},
    name::FoldedName,
    rule::{Rule, Setting},
    stream::StreamName,
    text::Text,
    time::Timestamp,
};

use super::{App, CommandError, Request, settled, unread};
use crate::{
    store::{states::Read, writer::Verdict},
    views,
};

/// A change that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its id within the gem, by which it is cancelled or overridden.
    pub id: ChangeId,
    /// The log index of the event.
    pub index: u64,
    /// When it takes effect; `None`: it has.
    pub effective: Option<Timestamp>,
}

/// What became of the wish that a change take effect at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Override {
    /// Somebody else had proposed it, and this agreed: it has taken effect.
    Agreed(Declared),
    /// It is proposed, and waits for a second person.
    Proposed(Declared),
}

/// What a command on a policy is judged on, besides who gave it and when.
struct Asked<'a> {
    managing: Managing<'a>,
    gem: &'a Gem,
    /// The account that the command is about, if it is about one.
    other: Option<&'a Account>,
}

fn account_of(actor: &Actor) -> Option<AccountId> {
    match actor {
        Actor::Account(id) => Some(*id),
        Actor::Operator | Actor::Workflow(..) => None,
    }
}

impl App {
    /// Sets a rule of a gem: at once where it demands no less, else after the delay.
    pub async fn set_rule(
        &self,
        request: Request,
        gem: FoldedName,
        rule: Rule,
        to: Setting,
    ) -> Result<Declared, CommandError> {
        self.manage(request, gem, None, move |asked| {
            rule::set(&asked.managing, asked.gem, rule, to)
        })
        .await
    }

    /// Adds an owner, after the delay.
    pub async fn add_owner(
        &self,
        request: Request,
        gem: FoldedName,
        owner: Owner,
    ) -> Result<Declared, CommandError> {
        let account = account_of(&owner.into());
        self.manage(request, gem, account, move |asked| {
            policy::add_owner(&asked.managing, owner, asked.other)
        })
        .await
    }

    /// Removes an owner, after the delay.
    pub async fn remove_owner(
        &self,
        request: Request,
        gem: FoldedName,
        owner: Owner,
    ) -> Result<Declared, CommandError> {
        self.manage(request, gem, None, move |asked| {
            policy::remove_owner(&asked.managing, owner)
        })
        .await
    }

    /// Cancels a change that waits.
    pub async fn cancel_change(
        &self,
        request: Request,
        gem: FoldedName,
        change: ChangeId,
    ) -> Result<Declared, CommandError> {
        self.manage(request, gem, None, move |asked| {
            change::cancel(&asked.managing, change)
        })
        .await
    }

    /// Lets a change take effect at once, if somebody else has proposed that; else proposes it, which needs a reason.
    pub async fn override_change(
        &self,
        request: Request,
        gem: FoldedName,
        change: ChangeId,
        reason: Option<Text>,
    ) -> Result<Override, CommandError> {
        let state: Policy = views::state(&self.reader, &StreamName::policy(&gem)).await?;
        let waiting = state.changes.get(&change);
        let mut proposals = waiting.into_iter().flat_map(|change| &change.proposals);
        let others = proposals.find(|(_, (by, _))| *by != request.actor);
        let Some((proposal, (by, _))) = others else {
            let reason = reason.ok_or_else(|| {
                CommandError::Malformed(
                    "nobody else has proposed to override this change: give a reason to propose it"
                        .into(),
                )
            })?;
            let proposed = self.manage(request, gem, None, move |asked| {
                change::propose(&asked.managing, change, reason)
            });
            return Ok(Override::Proposed(proposed.await?));
        };
        let (proposal, proposer) = (*proposal, account_of(by));
        let agreed = self.manage(request, gem, proposer, move |asked| {
            let agreement = Agreement {
                change,
                proposal,
                proposer: asked.other,
                reason,
            };
            change::overrule(&asked.managing, agreement)
        });
        Ok(Override::Agreed(agreed.await?))
    }

    /// Hands the writer a command on a policy, with the states that it is judged on.
    async fn manage<F>(
        &self,
        request: Request,
        gem: FoldedName,
        other: Option<AccountId>,
        command: F,
    ) -> Result<Declared, CommandError>
    where
        F: FnOnce(&Asked<'_>) -> Result<Vec<Draft>, Denial> + Send + 'static,
    {
        let (log, stream) = (StreamName::log(), StreamName::policy(&gem));
        let releases = StreamName::gem(&gem);
        let account = account_of(&request.actor).map(StreamName::account);
        let other = other.map(StreamName::account);
        let mut reads = vec![
            Read::of::<Ledger>(log.clone()),
            Read::of::<Policy>(stream.clone()),
            Read::of::<Gem>(releases.clone()),
        ];
        reads.extend(account.clone().map(Read::of::<Account>));
        let another = other
            .clone()
            .filter(|other| Some(other) != account.as_ref());
        reads.extend(another.map(Read::of::<Account>));
        let outcome = self
            .writer
            .append(reads, move |desk| {
                let states = (
                    desk.state::<Ledger>(&log),
                    desk.state::<Policy>(&stream),
                    desk.state::<Gem>(&releases),
                );
                let (Some(ledger), Some(policy), Some(releases)) = states else {
                    return Verdict::answer(unread());
                };
                let account = account.as_ref();
                let by = request.actor.clone();
                let decided = command(&Asked {
                    managing: Managing {
                        ledger,
                        policy,
                        account: account.and_then(|stream| desk.state::<Account>(stream)),
                        gem: &gem,
                        by: &by,
                        now: desk.now,
                    },
                    gem: releases,
                    other: other
                        .as_ref()
                        .and_then(|stream| desk.state::<Account>(stream)),
                });
                request.verdict(decided)
            })
            .await?;
        let outcome = settled(outcome)?;
        let last = outcome
            .appended
            .last()
            .ok_or_else(|| CommandError::Malformed("nothing was recorded".into()))?;
        Ok(Declared {
            id: ChangeId(last.event.revision),
            index: last.index,
            effective: effective(&last.event.body),
        })
    }
}

/// When the change that this event declares takes effect, if that is still to come.
pub(super) fn effective(body: &Body) -> Option<Timestamp> {
    if let Body::RuleChanged(changed) = body {
        changed.effective
    } else if let Body::OwnerAdded(added) = body {
        added.effective
    } else if let Body::OwnerRemoved(removed) = body {
        removed.effective
    } else if let Body::PublisherAdded(added) = body {
        added.effective
    } else if let Body::ProviderRegistered(registered) = body {
        registered.effective
    } else {
        None
    }
}
