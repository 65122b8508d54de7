//! What the map's document says of a policy is what the rules see in it, whatever was declared, cancelled, overridden and
//! let pass.
use deciders::{
    Denial, Ledger,
    account::Account,
    change,
    gem::Gem,
    policy::{self, Managing, Policy, PolicyAt},
    rule,
};
use events::{
    Body, Event, State,
    event::{Draft, Sealed},
    id::{AccountId, Actor, ChangeId, Owner, PublisherId, Via},
    log::{Opened, Rules, Visibility},
    policy::{GemRegistered, OwnerAdded, PublisherAdded, PublisherRemoved},
    rule::{Rule, Setting},
    stream::StreamName,
    time::Timestamp,
};
use projections::state::{Does, GemState};
use proptest::prelude::*;

use crate::support::history::{
    account_created, account_id, digest, gem, publisher, request_id, start, text,
};

const DELAY: u64 = 100;

/// The policy of one gem, as the rules and as the map fold it.
struct Story {
    ledger: Ledger,
    account: Account,
    policy: Policy,
    map: GemState,
    now: Timestamp,
}

fn event(stream: StreamName, revision: u64, time: Timestamp, body: Body) -> Event {
    Event {
        actor: Actor::Operator,
        body,
        request: request_id(revision),
        revision,
        sealed: Sealed::new(),
        stream,
        time,
        via: Via::Console,
    }
}

impl Story {
    fn new() -> Self {
        let opened = Opened {
            edition: 2,
            format: 1,
            nonce: digest("nonce", 0),
            origin: text("gems.example.org/log/1"),
            rules: Rules {
                loosening_delay_seconds: Some(DELAY),
                ..Rules::default()
            },
            visibility: Visibility::Public,
            vkey: text("gems.example.org/log/1+00000000+AA"),
        };
        let opened = event(StreamName::log(), 0, start(), Body::LogOpened(opened));
        let created = account_created(1);
        let created = event(created.stream, 0, start(), created.body);
        let mut story = Self {
            ledger: events::fold([&opened]),
            account: events::fold([&created]),
            policy: Policy::default(),
            map: GemState::new(gem(0).folded()),
            now: start(),
        };
        let operator = Actor::Operator;
        story.happens(
            &operator,
            Body::GemRegistered(GemRegistered { name: gem(0) }),
        );
        let first = OwnerAdded {
            effective: None,
            owner: owner(1),
        };
        story.happens(&operator, Body::OwnerAdded(first));
        story
    }

    fn happens(&mut self, by: &Actor, body: Body) {
        let stream = StreamName::policy(&gem(0).folded());
        let mut event = event(stream, self.policy.next_revision(), self.now, body);
        event.actor = by.clone();
        self.policy.evolve(&event);
        self.map.evolve(&event);
    }

    /// A command by the operator or an owner; what the rules deny does not happen.
    fn asks(
        &mut self,
        by: &Actor,
        command: impl FnOnce(&Managing<'_>) -> Result<Vec<Draft>, Denial>,
    ) {
        let drafts = command(&Managing {
            ledger: &self.ledger,
            policy: &self.policy,
            account: Some(&self.account),
            gem: &gem(0).folded(),
            by,
            now: self.now,
        });
        for draft in drafts.unwrap_or_default() {
            self.happens(by, draft.body);
        }
    }

    fn overrules(&mut self, by: &Actor, change: ChangeId) {
        let accounts = (1..5).map(|number| (account_id(number), self.account));
        let accounts = accounts.collect();
        let reason = Some(text("it cannot wait"));
        self.asks(by, |managing| {
            change::overrule(managing, change, reason, &accounts)
        });
    }

    /// The document as its reader takes it at this moment: what has come to its time is done, in the order of the times.
    fn read(&self) -> projections::state::Policy {
        let mut policy = self.map.policy.clone();
        let (mut due, waits): (Vec<_>, Vec<_>) = policy
            .changes
            .into_iter()
            .partition(|waiting| waiting.effective <= self.now);
        policy.changes = waits;
        due.sort_by_key(|waiting| (waiting.effective, waiting.id));
        for waiting in due {
            match waiting.does {
                Does::OwnerAdded(owner) => policy.owners.push(owner),
                Does::OwnerRemoved(gone) => policy.owners.retain(|owner| *owner != gone),
                Does::RuleChanged(ruled) => {
                    policy.rules.retain(|set| set.rule != ruled.rule);
                    policy.rules.push(ruled);
                }
            }
        }
        policy
    }

    fn agrees(&self) {
        let (document, policy): (_, &PolicyAt) = (self.read(), &self.policy.at(self.now));
        let mut owners = document.owners;
        owners.sort_unstable();
        assert_eq!(owners, policy.owners.iter().copied().collect::<Vec<_>>());
        let mut rules: Vec<_> = document
            .rules
            .iter()
            .map(|set| (set.rule, set.setting))
            .collect();
        rules.sort_unstable();
        let set: Vec<_> = policy.rules.iter().map(|(rule, to)| (*rule, *to)).collect();
        assert_eq!(rules, set);
        let said = document.publishers.iter();
        let said: Vec<_> = said
            .map(|one| {
                (
                    one.id,
                    one.effective.filter(|effective| self.now < *effective),
                )
            })
            .collect();
        let entries = policy.publishers.iter();
        let entries: Vec<_> = entries
            .map(|(id, entry)| (*id, entry.waits_until(self.now)))
            .collect();
        assert_eq!(said, entries);
        // A publisher that waits says so itself.
        let waiting = document.publishers.iter().filter(|one| {
            let effective = one.effective;
            effective.is_some_and(|effective| self.now < effective)
        });
        let waiting = waiting.map(|one| ChangeId(one.id.0));
        let changes = document.changes.iter().map(|change| change.id);
        let mut changes: Vec<_> = changes.chain(waiting).collect();
        changes.sort_unstable();
        assert_eq!(changes, policy.changes.keys().copied().collect::<Vec<_>>());
    }
}

fn owner(number: u64) -> Owner {
    Owner::Account(account_id(number))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_document_and_the_rules_see_one_policy(
        steps in proptest::collection::vec((0..9_u8, any::<u8>(), 0..120_u64), 0..30)
    ) {
        let mut story = Story::new();
        let (operator, first) = (Actor::Operator, Actor::Account(account_id(1)));
        for (what, choice, wait) in steps {
            let number = u64::from(choice % 4) + 1;
            let account: AccountId = account_id(number);
            let waiting = story.policy.at(story.now).changes.keys().nth(usize::from(choice % 3)).copied();
            let change = waiting.unwrap_or(ChangeId(u64::from(choice)));
            match what {
                0 => {
                    let (rule, to) = (Rule::ALL[usize::from(choice) % 6], Setting::ALL[usize::from(choice / 6) % 4]);
                    story.asks(&operator, |managing| rule::set(managing, &Gem::default(), rule, to));
                }
                1 => {
                    let state = story.account;
                    story.asks(&operator, |managing| policy::add_owner(managing, Owner::Account(account), Some(&state)));
                }
                2 => story.asks(&operator, |managing| policy::remove_owner(managing, Owner::Account(account))),
                3 => {
                    let effective = Some(story.now.plus_seconds(DELAY)).filter(|_| choice.is_multiple_of(2));
                    let added = PublisherAdded { effective, pending: None, publisher: publisher(number) };
                    story.happens(&operator, Body::PublisherAdded(added));
                }
                4 => {
                    let ids: Vec<PublisherId> = story.policy.at(story.now).publishers.keys().copied().collect();
                    if let Some(publisher) = ids.get(usize::from(choice % 4)) {
                        let removed = PublisherRemoved { publisher: *publisher };
                        story.happens(&operator, Body::PublisherRemoved(removed));
                    }
                }
                5 => story.asks(&operator, |managing| change::cancel(managing, change)),
                6 => {
                    story.overrules(&operator, change);
                    story.overrules(&first, change);
                }
                7 => story.overrules(&first, change),
                _ => {}
            }
            story.agrees();
            story.now = story.now.plus_seconds(wait);
            story.agrees();
        }
    }
}
