//! A gem's rules and owners, and the changes that wait: set, cancelled, and let in at once by two people.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use deciders::{
    Code, Denial, Ledger,
    account::Account,
    change,
    gem::Gem,
    policy::{self, Managing, Policy},
    rule,
};
use events::{
    Body,
    event::{Draft, Recorded},
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

/// What was recorded of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The change's id within the gem, by which it is cancelled or overridden.
    pub id: ChangeId,
    /// The log index of the event.
    pub index: u64,
    /// When the change takes effect that the event declares; `None`: it has, or the event declares none.
    pub effective: Option<Timestamp>,
}

impl Declared {
    /// The change that this event declares.
    fn by(recorded: &Recorded) -> Self {
        Self::about(ChangeId(recorded.event.revision), recorded)
    }

    /// What this event says of a change that was declared before.
    fn about(id: ChangeId, recorded: &Recorded) -> Self {
        Self {
            id,
            index: recorded.index,
            effective: effective(&recorded.event.body),
        }
    }
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
    /// The accounts that the command is about.
    others: BTreeMap<AccountId, Account>,
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
        let set = self.manage(request, gem, BTreeSet::new(), move |asked| {
            rule::set(&asked.managing, asked.gem, rule, to)
        });
        Ok(Declared::by(&set.await?))
    }

    /// Adds an owner, after the delay.
    pub async fn add_owner(
        &self,
        request: Request,
        gem: FoldedName,
        owner: Owner,
    ) -> Result<Declared, CommandError> {
        let account = account_of(&owner.into());
        let others = account.into_iter().collect();
        let added = self.manage(request, gem, others, move |asked| {
            let account = account.and_then(|id| asked.others.get(&id));
            policy::add_owner(&asked.managing, owner, account)
        });
        Ok(Declared::by(&added.await?))
    }

    /// Removes an owner, after the delay.
    pub async fn remove_owner(
        &self,
        request: Request,
        gem: FoldedName,
        owner: Owner,
    ) -> Result<Declared, CommandError> {
        let removed = self.manage(request, gem, BTreeSet::new(), move |asked| {
            policy::remove_owner(&asked.managing, owner)
        });
        Ok(Declared::by(&removed.await?))
    }

    /// Cancels a change that waits.
    pub async fn cancel_change(
        &self,
        request: Request,
        gem: FoldedName,
        change: ChangeId,
    ) -> Result<Declared, CommandError> {
        let cancelled = self.manage(request, gem, BTreeSet::new(), move |asked| {
            change::cancel(&asked.managing, change)
        });
        Ok(Declared::about(change, &cancelled.await?))
    }

    /// Lets a change take effect at once, if somebody else has proposed that; else proposes it, which needs a reason.
    pub async fn override_change(
        &self,
        request: Request,
        gem: FoldedName,
        change: ChangeId,
        reason: Option<Text>,
    ) -> Result<Override, CommandError> {
        let tried = self.overrule(request.clone(), &gem, change, reason.clone());
        let recorded = if let Some(recorded) = tried.await? {
            recorded
        } else {
            let again = self.overrule(request, &gem, change, reason).await?;
            again.ok_or(CommandError::Denied(Code::NotFound.into()))?
        };
        let declared = Declared::about(change, &recorded);
        let agreed = matches!(recorded.event.body, Body::PolicyOverridden(_));
        Ok(if agreed {
            Override::Agreed(declared)
        } else {
            Override::Proposed(declared)
        })
    }

    /// Overrides, or proposes that; `None` if somebody proposed it meanwhile whose account was not read.
    async fn overrule(
        &self,
        request: Request,
        gem: &FoldedName,
        change: ChangeId,
        reason: Option<Text>,
    ) -> Result<Option<Recorded>, CommandError> {
        // A hint: which accounts to read. What they are is seen where it is decided.
        let state: Policy = views::state(&self.reader, &StreamName::policy(gem)).await?;
        let proposers = change::proposers(&state.at(self.clock.now()), change).collect();
        let meanwhile = Arc::new(AtomicBool::new(false));
        let unknown = meanwhile.clone();
        let recorded = self.manage(request, gem.clone(), proposers, move |asked| {
            let managing = &asked.managing;
            let policy = managing.policy.at(managing.now);
            let mut proposers = change::proposers(&policy, change);
            if proposers.any(|id| !asked.others.contains_key(&id)) {
                unknown.store(true, Ordering::Relaxed);
                return unread();
            }
            change::overrule(managing, change, reason, &asked.others)
        });
        match recorded.await {
            Err(CommandError::Denied(_)) if meanwhile.load(Ordering::Relaxed) => Ok(None),
            recorded => recorded.map(Some),
        }
    }

    /// Hands the writer a command on a policy, with the states that it is judged on. Returns its last event.
    async fn manage<F>(
        &self,
        request: Request,
        gem: FoldedName,
        others: BTreeSet<AccountId>,
        command: F,
    ) -> Result<Recorded, CommandError>
    where
        F: FnOnce(&Asked<'_>) -> Result<Vec<Draft>, Denial> + Send + 'static,
    {
        let (log, stream) = (StreamName::log(), StreamName::policy(&gem));
        let releases = StreamName::gem(&gem);
        let account = account_of(&request.actor);
        let accounts: BTreeSet<_> = others.iter().copied().chain(account).collect();
        let mut reads = vec![
            Read::of::<Ledger>(log.clone()),
            Read::of::<Policy>(stream.clone()),
            Read::of::<Gem>(releases.clone()),
        ];
        let accounts = accounts.into_iter().map(StreamName::account);
        reads.extend(accounts.map(Read::of::<Account>));
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
                let state = |id| desk.state::<Account>(&StreamName::account(id));
                let others = others.into_iter();
                let others = others.filter_map(|id| Some((id, *state(id)?))).collect();
                let by = request.actor.clone();
                let decided = command(&Asked {
                    managing: Managing {
                        ledger,
                        policy,
                        account: account.and_then(state),
                        gem: &gem,
                        by: &by,
                        now: desk.now,
                    },
                    gem: releases,
                    others,
                });
                request.verdict(decided)
            })
            .await?;
        let appended = settled(outcome)?.appended;
        let last = appended.into_iter().next_back();
        last.ok_or_else(|| CommandError::Malformed("nothing was recorded".into()))
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
