//! One history in which every type of event happens, most of them in more than one way.
use events::{
    Body, Event,
    api_key::Scope,
    id::{Actor, Owner},
    log::{Rules, Visibility},
    policy::Publisher,
    provider::Registered,
    rule::{Rule, Setting},
    stream::StreamName,
};

use crate::{
    bundle::{by_signer, claims, logged, provenance, timestamped},
    fixtures::{
        account_id, folded, generic, github, gitlab, key_called, observed_key, provisional,
        publisher, rules, slug, text,
    },
    history::{
        History, audit,
        roots::{public_good, timestamped as own},
    },
    job::{generic_job, gitlab_job, job},
    release::release,
};

/// The tour. Whatever somebody chose in it is used later on.
pub(crate) fn tour() -> History {
    let mut history = History::empty();
    history.open(Visibility::Public).unwrap();
    history.register("github", github(), &["k1"]).unwrap();
    history.register("gitlab", gitlab(), &["g1"]).unwrap();
    history.register("ci", generic(), &["c1"]).unwrap();
    let same_name = key_called("k2", "another");
    history.observe("github", &[observed_key("k2"), same_name]);
    for account in 1..4 {
        history.create_account(account_id(account)).unwrap();
    }
    owners(&mut history);
    jobs(&mut history);
    forges(&mut history);
    evidence(&mut history);
    comparisons(&mut history);
    changes(&mut history);
    endings(&mut history);
    roots(&mut history);
    attestations(&mut history);
    history
}

/// A comparison by the operator, and one by an owner.
fn comparisons(history: &mut History) {
    let rake = history.compared("Rake", "1.0", "operator");
    history.attach(&Actor::Operator, rake).unwrap();
    let thor = history.compared("thor", "1.1", "alice");
    let alice = Actor::Account(account_id(1));
    history.attach(&alice, thor).unwrap();
}

/// Trust roots, each in more than one version, since that is how the name of the first is bound.
fn roots(history: &mut History) {
    history.record_root("public-good", public_good(1)).unwrap();
    history.record_root("public-good", public_good(2)).unwrap();
    history.record_root("own", own()).unwrap();
    history.retire_root("own").unwrap();
    history.record_root("own", own()).unwrap();
}

/// A release with two bundles of the same run, and one of another gem at a forge whose certificates name the job.
fn attestations(history: &mut History) {
    let of = job(21).with(|workflow| workflow.environment = Some(text("release")));
    let named = Publisher {
        environment: Some(text("release")),
        ..publisher()
    };
    history.add("attested", named).unwrap();
    let key = history.exchange(&of).unwrap();
    let mut facts = release("attested", "1.0").facts(key);
    let mut slsa = by_signer(logged(history, claims(&of)));
    slsa.bundle = slsa.certificate;
    facts.attestations = vec![logged(history, claims(&of)), slsa];
    history.push_facts(&facts).unwrap();
    let at_gitlab = Publisher {
        owner_id: Some(text("77")),
        provider: slug("gitlab"),
        repository: text("group/sub/rake"),
        workflow: text(".gitlab-ci.yml"),
        ..publisher()
    };
    history.add("stamped", at_gitlab).unwrap();
    let of = gitlab_job(22);
    let key = history.exchange(&of).unwrap();
    let mut facts = release("stamped", "2.0").facts(key);
    facts.attestations = vec![provenance(
        timestamped(history, "own", claims(&of)),
        "https://gitlab.example.com/group/sub/rake/-/runners/77",
    )];
    history.push_facts(&facts).unwrap();
}

/// Tokens of releases that are long expired, shown to the operator and to an owner.
fn evidence(history: &mut History) {
    let alice = Actor::Account(account_id(1));
    let released = |gem: &str| {
        let mut releases = history.log.iter().rev().filter_map(|recorded| {
            let own = recorded.event.stream == StreamName::gem(&folded(gem));
            let Body::ReleasePushed(pushed) = &recorded.event.body else {
                return None;
            };
            pushed.source.as_ref().filter(|_| own)
        });
        releases.next().unwrap().exchange.stream.clone()
    };
    let (rake, thor) = (released("rake"), released("thor"));
    history.later(7200);
    history
        .open_evidence(&Actor::Operator, &rake, None)
        .unwrap();
    history.open_evidence(&alice, &thor, Some("thor")).unwrap();
}

fn owners(history: &mut History) {
    let (alice, owner) = (Actor::Account(account_id(1)), Owner::Account(account_id(1)));
    let scopes = [Scope::PushRubygem, Scope::ConfigureTrustedPublishers];
    let key = history.issue(account_id(1), &scopes, |_| {}).unwrap();
    history.released(key, &release("thor", "1.0"));
    history.released(key, &release("thor", "1.1"));
    history
        .add_by(&alice, "thor", provisional(), owner)
        .unwrap();
    let other = Publisher {
        workflow: text("other.yml"),
        ..publisher()
    };
    let id = history.add_by(&alice, "thor", other, owner).unwrap();
    history.remove_by(&alice, "thor", id).unwrap();
    let now = history.now;
    let brief = history.issue(account_id(3), &[Scope::PushRubygem], |issued| {
        issued.expires = Some(now.plus_seconds(3600));
        issued.gem = Some(folded("cli"));
    });
    history.released(brief.unwrap(), &release("cli", "0.1"));
}

fn jobs(history: &mut History) {
    let (alice, owner) = (Actor::Account(account_id(1)), Owner::Account(account_id(1)));
    let second = Publisher {
        workflow: text("second.yml"),
        ..publisher()
    };
    history
        .add_by(&alice, "Rake", provisional(), owner)
        .unwrap();
    let id = history.add_by(&alice, "Rake", second, owner).unwrap();
    history.remove_by(&alice, "Rake", id).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("Rake", "1.0"));
    history.released(key, &release("Rake", "1.0").platform("x86_64-linux"));
    history.push(key, &release("Rake", "2.0")).unwrap_err();
    history.give_back(key).unwrap();
    // The same workflow also releases thor, and is pinned there by its first push.
    let key = history.exchange(&job(2)).unwrap();
    history.released(key, &release("thor", "2.0"));
    history.exchange(&job(3).file("ci.yml")).unwrap_err();
    let recreated = job(4).with(|workflow| workflow.repository_id = text("777"));
    history.exchange(&recreated).unwrap_err();
    let moved = job(5).with(|workflow| workflow.owner_id = Some(text("999")));
    history.exchange(&moved).unwrap_err();
}

fn forges(history: &mut History) {
    let at_gitlab = Publisher {
        environment: Some(text("release")),
        owner_id: Some(text("77")),
        provider: slug("gitlab"),
        repository: text("group/sub/rake"),
        workflow: text(".gitlab-ci.yml"),
        ..publisher()
    };
    history.add("Rake", at_gitlab).unwrap();
    history.exchange(&gitlab_job(1)).unwrap_err();
    let staged = gitlab_job(2).with(|workflow| workflow.environment = Some(text("release")));
    let key = history.exchange(&staged).unwrap();
    history.released(key, &release("Rake", "3.0"));
    let at_ci = Publisher {
        owner_id: None,
        provider: slug("ci"),
        repository: text("Tools/rake"),
        repository_id: Some(text("p-42")),
        workflow: text("release"),
        ..publisher()
    };
    history.add("tools", at_ci).unwrap();
    let key = history.exchange(&generic_job(3)).unwrap();
    history.released(key, &release("tools", "1"));
}

/// What is loosened waits; and then everything that can become of what waits.
fn changes(history: &mut History) {
    let (alice, operator) = (Actor::Account(account_id(1)), Actor::Operator);
    let (on, off) = (Setting::On, Setting::Off);
    let tag = Rule::TagMustEqualVersion;
    history.change_rules(2, rules(7200)).unwrap();
    history.set_rule(&alice, "thor", tag, on).unwrap();
    let change = history.set_rule(&alice, "thor", tag, off).unwrap();
    history.cancel(&alice, "thor", change).unwrap();
    let change = history.set_rule(&alice, "thor", tag, off).unwrap();
    history.propose(&operator, "thor", change).unwrap();
    history.agree(&alice, "thor", change, None).unwrap();
    history.add_owner(&alice, "thor", account_id(3)).unwrap();
    let third = Publisher {
        workflow: text("third.yml"),
        ..publisher()
    };
    history
        .add_by(&alice, "thor", third, Owner::Account(account_id(1)))
        .unwrap();
    history.later(7200);
    let carol = Actor::Account(account_id(3));
    history
        .remove_owner(&carol, "thor", Owner::Account(account_id(1)))
        .unwrap();
    let key = history.exchange(&job(21).file("third.yml")).unwrap();
    history.released(key, &release("thor", "2.1"));
    let private = Registered {
        private_repositories: true,
        ..github()
    };
    history.register("github", private, &["k1"]).unwrap();
    // The lower delay holds only once the one before it has passed.
    history.change_rules(2, rules(0)).unwrap();
    history
        .remove_owner(&carol, "thor", Owner::Account(account_id(3)))
        .unwrap_err();
    history.add_owner(&carol, "thor", account_id(2)).unwrap();
    history.later(7200);
    history
        .remove_owner(&operator, "thor", Owner::Account(account_id(3)))
        .unwrap();
    history.add_owner(&operator, "thor", account_id(3)).unwrap();
    history.register("github", github(), &["k1"]).unwrap();
}

fn endings(history: &mut History) {
    let late = Publisher {
        workflow: text("late.yml"),
        ..provisional()
    };
    history.add("thor", late.clone()).unwrap();
    history.later(7 * 24 * 3600);
    let id = history.add("thor", late).unwrap();
    history.remove("thor", id).unwrap();
    let brief = Rules {
        key_lifetime_seconds: 600,
        ..rules(0)
    };
    history.change_rules(2, brief).unwrap();
    history.change_rules(2, rules(0)).unwrap();
    let key = history.exchange(&job(11)).unwrap();
    history.revoke(key).unwrap();
    history.disable_account(account_id(2)).unwrap();
    history.root().unwrap();
    history.erase(StreamName::account(account_id(2))).unwrap();
    history.distrust_key("github", "k2").unwrap();
    history.disable_provider("github").unwrap();
    history.register("github", github(), &["k3"]).unwrap();
    history.succeed(history.successor()).unwrap();
    history.introduce("a").unwrap();
    history.introduce("b").unwrap();
    history.succeed(history.successor()).unwrap();
    history.later(120);
    history.root().unwrap();
    let key = history.exchange(&job(12)).unwrap();
    history.released(key, &release("Rake", "4.0"));
    history.quarantine("Rake", "1.0").unwrap();
    history.quarantine("Rake", "4.0").unwrap();
    history.restore("rake", "1.0.0").unwrap();
    history.give_back(key).unwrap();
    let mut keys: Vec<_> = (13..16)
        .map(|jti| history.exchange(&job(jti)).unwrap())
        .collect();
    keys.push(key);
    history.revoke_all(&keys).unwrap();
}

#[test]
fn the_tour_has_every_type_of_event() {
    let history = tour();
    for kind in Body::TYPES {
        let happened = |event: &Event| event.body.event_type() == *kind;
        let found = history.log.iter().any(|recorded| happened(&recorded.event));
        assert!(found, "{} is missing", kind.name);
    }
}

#[test]
fn the_auditor_finds_nothing_in_the_tour() {
    assert_eq!(audit(&tour().log), []);
}
