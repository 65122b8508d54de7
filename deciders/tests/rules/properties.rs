//! Any history at all: whatever is asked in whatever order, nothing panics, and what was decided is lawful.
use deciders::attestation;
use events::{
    Body,
    api_key::Scope,
    id::{AccountId, Actor, ApiKeyId, ChangeId, Owner, PublisherId},
    log::Rules,
    policy::Publisher,
    rule::{Rule, Setting},
    stream::StreamName,
};
use proptest::{prelude::*, strategy::ValueTree};

use crate::{
    bundle::{claims, logged, timestamped},
    fields::Mutant,
    fixtures::{
        account_id, generic, github, gitlab, observed_key, provisional, publisher, rules, slug,
        text,
    },
    history::{
        History, audit,
        roots::{public_good, timestamped as own_root},
    },
    job::{Job, generic_job, gitlab_job, job},
    mutations::{check_fields, check_order},
    release::{Release, release},
};

/// A command: what, and three choices that it reads as it likes.
type Command = [u8; 4];

fn pick<T: Copy>(from: &[T], choice: u8) -> T {
    from[usize::from(choice) % from.len()]
}

const GEMS: [&str; 5] = ["rake", "Rake", "foo", "foo-1", "thor"];

fn account(choice: u8) -> AccountId {
    account_id(u64::from(choice % 3))
}

fn actor(choice: u8) -> (Actor, Owner) {
    match choice % 4 {
        0 => (Actor::Operator, Owner::Operator),
        1 => (Actor::Operator, Owner::Account(account(choice / 4))),
        _ => {
            let id = account(choice / 4);
            (Actor::Account(id), Owner::Account(id))
        }
    }
}

fn some_publisher(choice: u8) -> Publisher {
    let base = if choice & 1 == 0 {
        publisher()
    } else {
        provisional()
    };
    match choice / 2 % 6 {
        0 => base,
        1 => Publisher {
            workflow: text("ship.yml"),
            ..base
        },
        2 => Publisher {
            environment: Some(text("release")),
            ..base
        },
        3 => Publisher {
            any_ref: true,
            owner_id: None,
            ..base
        },
        4 => Publisher {
            owner_id: None,
            provider: slug("gitlab"),
            repository: text("group/sub/rake"),
            workflow: text(".gitlab-ci.yml"),
            ..base
        },
        _ => Publisher {
            owner_id: None,
            provider: slug("ci"),
            repository: text("Tools/rake"),
            repository_id: Some(text("p-42")),
            workflow: text("release"),
            ..base
        },
    }
}

fn some_job(jti: u64, choice: u8) -> Job {
    let job = job(jti);
    match choice % 12 {
        0..4 => job,
        4 => job.file("ship.yml"),
        5 => job.branch("topic"),
        6 => job.with(|workflow| workflow.repository_id = text("777")),
        7 => job.with(|workflow| workflow.owner_id = Some(text("999"))),
        8 => gitlab_job(jti),
        9 => generic_job(jti),
        10 => Job {
            age: 400,
            kid: "k2",
            ..job
        },
        _ => Job {
            kid: "k2",
            ..job.with(|workflow| workflow.environment = Some(text("release")))
        },
    }
}

fn some_release(gem: u8, choice: u8) -> Release {
    let number = pick(&["1.0", "1.0.0", "2.0", "2.0.a", "2.0.A"], choice);
    let platform = pick(&["ruby", "ruby", "x86_64-linux", "2"], choice / 5);
    let content = pick(&["", "", "changed"], choice / 20);
    release(pick(&GEMS, gem), number)
        .platform(platform)
        .content(content)
}

/// A history and the keys that were handed out in it.
struct Run {
    history: History,
    keys: Vec<ApiKeyId>,
    jti: u64,
    /// The last one that asked for a key.
    job: Option<Job>,
}

impl Run {
    fn key(&self, choice: u8) -> ApiKeyId {
        match self.keys.len() {
            0 => crate::fixtures::api_key_id(0),
            // Mostly the newest: older ones are dead or spent.
            count => self.keys[count - 1 - usize::from(choice % 4) % count],
        }
    }

    /// Whatever comes of it: most commands are denied at times.
    fn apply(&mut self, [what, a, b, c]: Command) {
        let history = &mut self.history;
        match what % 24 {
            0 => drop(history.create_account(account(a))),
            1 if c < 40 => drop(history.disable_account(account(a))),
            1 | 2 => {
                let scope = pick(&[Scope::PushRubygem, Scope::PushRubygem, Scope::Read], b);
                let expires = (c < 80).then(|| history.now.plus_seconds(u64::from(c)));
                let issued = history.issue(account(a), &[scope], |issued| issued.expires = expires);
                self.keys.extend(issued);
            }
            3 if c < 80 => drop(history.root()),
            3 => drop(history.register("gitlab", gitlab(), &["g1"])),
            4 => drop(history.register("ci", generic(), &["c1"])),
            5 if c < 40 => drop(history.disable_provider(pick(&["github", "gitlab"], a))),
            5 | 6 => drop(history.register("github", github(), &["k1", "k2"])),
            7 if c < 40 => drop(history.distrust_key("github", pick(&["k1", "k2"], a))),
            7 => history.observe("github", &[observed_key("k2"), observed_key("k3")]),
            8..=10 => {
                let (by, owner) = actor(b);
                drop(history.add_by(&by, pick(&GEMS, a), some_publisher(c), owner));
            }
            11 => {
                let (by, _) = actor(b);
                let id = PublisherId(u64::from(c % 5));
                drop(history.remove_by(&by, pick(&GEMS, a), id));
            }
            12..=14 => {
                // Now and then a token comes again.
                self.jti += u64::from(b % 8 != 0);
                let job = some_job(self.jti, a);
                self.keys.extend(history.exchange(&job));
                self.job = Some(job);
            }
            15..=17 => {
                let key = self.key(b);
                let mut facts = some_release(a, c).facts(key);
                facts.attestations = self.some_bundles(b, c);
                drop(self.history.push_facts(&facts));
            }
            18 => {
                let key = self.key(b);
                let history = &mut self.history;
                drop(if a < 128 {
                    history.revoke(key)
                } else {
                    history.give_back(key)
                });
            }
            19 => self.withhold(a, b),
            20..=22 => self.loosen(a, b, c),
            _ => self.rarely(a, b, c),
        }
    }

    /// Often none, sometimes that of the job which made the newest key, or of another.
    fn some_bundles(&self, a: u8, b: u8) -> Vec<attestation::Facts> {
        let said = match a / 4 % 8 {
            0..4 => return Vec::new(),
            4 => claims(&some_job(self.jti, b)),
            _ => claims(self.job.as_ref().unwrap_or(&job(1))),
        };
        let root = pick(&["public-good", "own"], b);
        vec![match root {
            "own" => timestamped(&self.history, root, said),
            _ => logged(&self.history, said),
        }]
    }

    /// Some release that there is, or one that there is not, is withheld or served again.
    fn withhold(&mut self, a: u8, b: u8) {
        let history = &mut self.history;
        let released = history.log.iter().filter_map(|recorded| {
            if let Body::ReleasePushed(pushed) = &recorded.event.body {
                Some((pushed.name.to_string(), pushed.number.to_string()))
            } else {
                None
            }
        });
        let released: Vec<_> = released.collect();
        let (name, number) = match released.len() {
            0 => (String::from("rake"), String::from("1.0")),
            count => released[usize::from(a) % count].clone(),
        };
        drop(if b.is_multiple_of(2) {
            history.quarantine(&name, &number)
        } else {
            history.restore(&name, &number)
        });
    }

    /// Owners, rules, and whatever can become of a change that waits.
    fn loosen(&mut self, a: u8, b: u8, c: u8) {
        let history = &mut self.history;
        // Mostly a gem that there is, and one of its owners.
        let there = |name: &&str| history.policy(name).name.is_some();
        let name = GEMS.into_iter().filter(there).nth(usize::from(a % 2));
        let name = name.unwrap_or(pick(&GEMS, a));
        let policy = history.policy(name);
        let (by, owner) = match policy.owners.iter().nth(usize::from(b % 5)) {
            Some(owner) => (Actor::from(*owner), *owner),
            None => actor(b),
        };
        let waiting: Vec<_> = policy.changes.keys().copied().collect();
        let change = match waiting.len() {
            0 => ChangeId(u64::from(c % 8)),
            count => waiting[usize::from(c) % count],
        };
        let reason = b.is_multiple_of(3).then(|| text("agreed"));
        drop(match c / 8 % 8 {
            0 => history.set_rule(&by, name, pick(&Rule::ALL, c), pick(&Setting::ALL, a / 5)),
            1 => history.set_rule(
                &by,
                name,
                Rule::TrustedPublishingOnly,
                pick(&Setting::ALL, c),
            ),
            2 => history.add_owner(&by, name, account(c)),
            3 => {
                drop(history.add_owner(&Actor::Operator, name, account(a)));
                history.later(u64::from(a % 2) * 3600);
                history.remove_owner(&by, name, owner)
            }
            4 => history.cancel(&by, name, change),
            5 => history.overrule(&by, name, change, reason).map(|()| change),
            6 => {
                let why = Some(text("it cannot wait"));
                drop(history.overrule(&Actor::Operator, name, change, why));
                history.overrule(&by, name, change, reason).map(|()| change)
            }
            _ => {
                let why = Some(text("it cannot wait"));
                history.overrule(&by, name, change, why).map(|()| change)
            }
        });
    }

    fn rarely(&mut self, a: u8, b: u8, c: u8) {
        let history = &mut self.history;
        match a % 8 {
            7 => drop(history.introduce(pick(&["a", "b", "c"], b))),
            0 => drop(history.erase(StreamName::account(account(b)))),
            1 => {
                let rules = Rules {
                    key_lifetime_seconds: 1 + u64::from(b),
                    ..rules(pick(&[0, 0, 60, 7200], c))
                };
                drop(history.change_rules(2, rules));
            }
            2 => drop(history.succeed(history.successor())),
            4 => self.trust(b, c),
            5 => self.show(b, c),
            6 => self.compare(b, c),
            // Long enough for keys, for denials, for reservations.
            3 => drop(history.later(u64::from(c) * 60)),
            _ => drop(history.later(u64::from(c) * 3600)),
        }
    }

    /// A trust root is recorded or retired.
    fn trust(&mut self, b: u8, c: u8) {
        let name = pick(&["public-good", "own"], b);
        drop(match c % 4 {
            0 => {
                drop(self.history.record_root(name, public_good(b)));
                self.history.retire_root(name)
            }
            1 => self.history.record_root(name, own_root()),
            version => self.history.record_root(name, public_good(version)),
        });
    }

    /// Somebody compares what was released last.
    fn compare(&mut self, b: u8, c: u8) {
        let released = self.history.log.iter().rev().find_map(|recorded| {
            if let Body::ReleasePushed(pushed) = &recorded.event.body {
                Some((pushed.name.clone(), pushed.number.clone()))
            } else {
                None
            }
        });
        if let Some((name, number)) = released {
            let content = (b % 3).to_string();
            let one = self
                .history
                .compared(name.as_str(), number.as_str(), &content);
            drop(self.history.attach(&actor(c).0, one));
        }
    }

    /// Somebody asks for a token that was exchanged.
    fn show(&mut self, b: u8, c: u8) {
        let history = &mut self.history;
        let tokens = history.log.iter().filter_map(|recorded| {
            let exchanged = matches!(recorded.event.body, Body::TokenExchanged(_));
            exchanged.then(|| recorded.event.stream.clone())
        });
        let tokens: Vec<_> = tokens.collect();
        let Some(token) = tokens.get(usize::from(b) % tokens.len().max(1)) else {
            return;
        };
        let (by, _) = actor(c);
        let gem = (by != Actor::Operator).then(|| pick(&GEMS, b));
        drop(history.open_evidence(&by, token, gem));
    }
}

fn run(commands: &[Command]) -> History {
    let mut history = History::public();
    history.record_root("public-good", public_good(2)).unwrap();
    let mut run = Run {
        history,
        keys: Vec::new(),
        jti: 0,
        job: None,
    };
    if !commands.len().is_multiple_of(3) {
        run.history.change_rules(2, rules(3600)).unwrap();
    }
    for command in commands {
        run.apply(*command);
    }
    run.history
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    proptest::collection::vec(any::<Command>(), 0..140)
}

/// Every case, or one of so many. A failure is printed with what led to it; there is no file to keep.
fn config(one_of: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases / one_of,
        failure_persistence: None,
        ..default
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn whatever_was_decided_is_lawful(commands in commands()) {
        let history = run(&commands);
        prop_assert_eq!(audit(&history.log), []);
    }
}

proptest! {
    #![proptest_config(config(4))]

    #[test]
    fn whatever_was_decided_cannot_be_changed_unnoticed(commands in commands(), choice in any::<proptest::sample::Index>()) {
        let log = run(&commands).log;
        let mutant = Mutant { log: &log, index: choice.index(log.len()) };
        check_fields(&mutant, false).map_err(TestCaseError::fail)?;
        check_order(&mutant).map_err(TestCaseError::fail)?;
    }
}

#[test]
fn random_commands_do_lead_somewhere() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::<&str, usize>::new();
    for _ in 0..200 {
        let commands = commands().new_tree(&mut runner).unwrap().current();
        for recorded in run(&commands).log {
            *seen
                .entry(recorded.event.body.event_type().name)
                .or_default() += 1;
        }
    }
    let missing: Vec<_> = Body::TYPES
        .iter()
        .filter(|kind| !seen.contains_key(kind.name))
        .collect();
    assert!(missing.is_empty(), "{missing:?} never happened: {seen:?}");
}
