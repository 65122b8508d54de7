//! Who else might lawfully have done it: of two owners, no log can tell which of them it was who acted.
use deciders::{
    account::Account,
    change::Change,
    comparison::{Comparisons, MAX_COMPARISONS},
    policy::Policy,
};
use events::{
    Body, Event, Recorded, State, fold,
    gem::Compared,
    id::{AccountId, Actor, ChangeId, Owner},
    rule::Setting,
    stream::StreamName,
};

use crate::{
    fields::Mutant,
    fixtures::{DELAY, account_id, person},
    history::{History, audit},
    loosening::{ONLY, other, two_owners},
    mutations::check_fields,
};

/// What the log says before an event.
struct Before<'a> {
    log: &'a [Recorded],
    event: &'a Event,
}

impl Before<'_> {
    fn state<S: State>(&self, stream: &StreamName) -> S {
        let events = self.log.iter().map(|recorded| &recorded.event);
        fold(events.filter(|event| event.stream == *stream))
    }

    /// The policy of the event's stream.
    fn policy(&self) -> Policy {
        self.state(&self.event.stream)
    }

    fn owns(&self, policy: &StreamName, account: AccountId) -> bool {
        let policy = self.state::<Policy>(policy);
        let policy = policy.at(self.event.time);
        policy.owners.contains(&Owner::Account(account))
    }

    /// What this change was when the event happened.
    fn change(&self, change: ChangeId) -> Option<Change> {
        let policy = self.policy();
        let policy = policy.at(self.event.time);
        policy.changes.get(&change).cloned()
    }

    /// Whether the account had the right to what this event says, at its moment.
    fn may(&self, account: AccountId) -> bool {
        let (body, owner) = (&self.event.body, Owner::Account(account));
        let owns = || self.owns(&self.event.stream, account);
        if let Body::PendingRemoved(removed) = body {
            let policy = self.policy();
            let policy = policy.at(self.event.time);
            let entry = policy.pending.get(&removed.publisher);
            entry.is_some_and(|entry| entry.owner == owner) || owns()
        } else if let Body::ChangeCancelled(cancelled) = body {
            let change = self.change(cancelled.change);
            change.is_some_and(|change| change.owners.contains(&owner))
        } else if let Body::PolicyOverridden(overridden) = body {
            // Two people: whoever agrees is not the one who proposed.
            let change = self.change(overridden.change);
            let proposals = change.map(|change| change.proposals).unwrap_or_default();
            let proposal = proposals.get(&overridden.proposal);
            proposal.is_some_and(|(by, _)| *by != Actor::Account(account)) && owns()
        } else if let Body::ReleaseCompared(compared) = body {
            self.owns(&StreamName::policy(&compared.name.folded()), account)
                && self.attached(compared, account) < MAX_COMPARISONS
        } else if let Body::EvidenceOpened(opened) = body {
            let gem = opened.gem.as_ref();
            gem.is_some_and(|gem| self.owns(&StreamName::policy(gem), account))
        } else {
            let of_owners = matches!(
                body,
                Body::PublisherAdded(_)
                    | Body::PublisherRemoved(_)
                    | Body::OwnerAdded(_)
                    | Body::OwnerRemoved(_)
                    | Body::RuleChanged(_)
                    | Body::OverrideProposed(_)
            );
            of_owners && owns()
        }
    }

    /// How many comparisons of this release the account attached.
    fn attached(&self, compared: &Compared, account: AccountId) -> usize {
        let gem: Comparisons = self.state(&self.event.stream);
        let key = (compared.number.canonical(), compared.platform.clone());
        let release = gem.releases.get(&key).into_iter();
        let by = release.flat_map(|release| release.statements.values());
        by.filter(|by| **by == Actor::Account(account)).count()
    }
}

/// Whether a command of one event may as well have been this other account's: it lived, had the same right, and did
/// nothing afterwards that it could not have done then.
pub(crate) fn as_well(mutant: &Mutant<'_>, forged: &Event) -> bool {
    let event = mutant.event();
    let (Actor::Account(_), Actor::Account(account)) = (&event.actor, &forged.actor) else {
        return false;
    };
    let before = Before {
        log: &mutant.log[..mutant.index],
        event,
    };
    let lives = before.state::<Account>(&StreamName::account(*account));
    mutant.group().len() == 1
        && lives.live().is_ok()
        && before.may(*account)
        && !depends(mutant, &forged.actor)
}

/// Whether the account speaks later of the override that it would have proposed: nobody does both.
fn depends(mutant: &Mutant<'_>, actor: &Actor) -> bool {
    let event = mutant.event();
    let Body::OverrideProposed(proposed) = &event.body else {
        return false;
    };
    let mut later = mutant.log[mutant.index + 1..].iter();
    later.any(|recorded| {
        let body = &recorded.event.body;
        let of_it = matches!(body, Body::OverrideProposed(again) if again.change == proposed.change)
            || matches!(body, Body::PolicyOverridden(agreed) if agreed.change == proposed.change);
        of_it && recorded.event.stream == event.stream && recorded.event.actor == *actor
    })
}

type Command = fn(&mut History, &Actor);

/// The history with the last event by this account instead, and whether the auditor notices.
fn noticed(history: &History, account: AccountId) -> bool {
    let mut log = history.log.clone();
    log.last_mut().unwrap().event.actor = Actor::Account(account);
    !audit(&log).is_empty()
}

#[test]
fn of_two_owners_none_can_tell_which_it_was_and_of_anybody_else_everybody_can() {
    let (mut history, _) = two_owners();
    let (alice, bob) = (person(1), person(2));
    // Carol is nobody; the fourth account was an owner, and is disabled.
    let (carol, gone) = (account_id(3), account_id(4));
    history.create_account(gone).unwrap();
    history.add_owner(&alice, "rake", gone).unwrap();
    history.later(DELAY);
    history.disable_account(gone).unwrap();
    let commands: [Command; 7] = [
        |history, by| {
            let owner = Owner::Account(account_id(1));
            history.add_by(by, "rake", other(), owner).unwrap();
        },
        |history, by| {
            let id = *history.policy("rake").publishers.keys().next().unwrap();
            history.remove_by(by, "rake", id).unwrap();
        },
        |history, by| {
            history.add_owner(by, "rake", account_id(3)).unwrap();
        },
        |history, by| {
            let owner = Owner::Account(account_id(4));
            history.remove_owner(by, "rake", owner).unwrap();
        },
        |history, by| {
            history.set_rule(by, "rake", ONLY, Setting::On).unwrap();
        },
        |history, by| {
            let compared = history.compared("rake", "1.0", "one");
            history.attach(by, compared).unwrap();
        },
        |history, by| {
            let waiting = *history.policy("rake").changes.keys().next().unwrap();
            history.cancel(by, "rake", waiting).unwrap();
        },
    ];
    history
        .set_rule(&alice, "rake", ONLY, Setting::Off)
        .unwrap();
    for command in commands {
        let mut history = history.clone();
        command(&mut history, &alice);
        assert_eq!(audit(&history.log), []);
        let name = history.log.last().unwrap().event.body.event_type().name;
        assert!(!noticed(&history, account_id(2)), "{name}");
        assert!(noticed(&history, carol), "{name}");
        assert!(noticed(&history, gone), "{name}");
        let index = history.log.len() - 1;
        let mutant = Mutant {
            log: &history.log,
            index,
        };
        check_fields(&mutant, false).unwrap();
    }
    // Whoever proposed does not agree, and whoever agreed did not propose.
    let change = *history.policy("rake").changes.keys().next().unwrap();
    history.propose(&alice, "rake", change).unwrap();
    assert!(!noticed(&history, account_id(2)));
    assert!(noticed(&history, carol));
    history.agree(&bob, "rake", change, None).unwrap();
    assert!(noticed(&history, account_id(1)));
    assert!(noticed(&history, gone));
    let last = history.log.len() - 1;
    for index in [last - 1, last] {
        let mutant = Mutant {
            log: &history.log,
            index,
        };
        check_fields(&mutant, false).unwrap();
    }
}
