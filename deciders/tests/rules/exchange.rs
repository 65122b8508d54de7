//! An identity token buys a key of minutes, once, if some publisher is the job that it names.
use deciders::{
    Code, Denial,
    exchange::{self, Turned},
};
use events::{
    Body,
    api_key::{Holder, Scope},
    log::{Rules, Visibility},
    policy::Publisher,
    stream::StreamName,
};

use crate::{
    fixtures::{folded, generic, github, gitlab, publisher, rules, slug, text},
    history::{History, audit},
    job::{Job, generic_job, gitlab_job, job},
    release::release,
};

/// A ledger with the gem `rake`, released once, and its publisher.
pub(crate) fn rake() -> History {
    let mut history = History::public();
    history.add("rake", publisher()).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    history
}

pub(crate) fn turned(history: &mut History, job: &Job) -> Turned {
    let before = history.log.len();
    let turned = history.exchange(job).unwrap_err();
    let only_denials = history
        .types_since(before)
        .iter()
        .all(|name| *name == "exchange.denied");
    assert!(only_denials, "a denied exchange left more than its record");
    turned
}

pub(crate) fn denied(history: &mut History, job: &Job) -> Denial {
    turned(history, job).denial
}

#[test]
fn a_publishers_job_trades_its_token_for_a_key_of_fifteen_minutes() {
    let mut history = rake();
    let (before, now) = (history.log.len(), history.now);
    let key = history.exchange(&job(2)).unwrap();
    assert_eq!(
        history.types_since(before),
        ["token.exchanged", "api_key.issued"]
    );
    let Body::TokenExchanged(exchanged) = &history.log[before].event.body else {
        panic!()
    };
    assert_eq!(exchanged.api_key, key);
    assert_eq!(exchanged.matches.len(), 1);
    assert_eq!(exchanged.matches[0].gem.as_str(), "rake");
    assert_eq!(
        exchanged.matches[0].policy.revision,
        history.policy("rake").next_revision - 1
    );
    let Body::ApiKeyIssued(issued) = &history.log[before + 1].event.body else {
        panic!()
    };
    assert_eq!(issued.expires, Some(now.plus_seconds(15 * 60)));
    assert_eq!(issued.scopes, [Scope::PushRubygem]);
    assert_eq!(
        issued.holder,
        Holder::Exchange(history.log[before].event.reference())
    );
    assert_eq!(issued.gem, None);
}

#[test]
fn a_spent_token_buys_nothing_more() {
    let mut history = History::public();
    history.add("rake", publisher()).unwrap();
    let first = job(7);
    history.exchange(&first).unwrap();
    // One second has passed: the same token is one second older.
    let again = Job {
        age: first.age + 1,
        ..first
    };
    assert_eq!(denied(&mut history, &again).code, Code::TokenSpent);
}

#[test]
fn an_issuer_without_provider_is_unknown() {
    let mut history = rake();
    assert_eq!(
        denied(&mut history, &gitlab_job(2)).code,
        Code::ProviderUnknown
    );
}

#[test]
fn a_disabled_provider_vouches_for_nobody() {
    let mut history = rake();
    history.disable_provider("github").unwrap();
    assert_eq!(denied(&mut history, &job(2)).code, Code::ProviderDisabled);
}

#[test]
fn a_key_that_the_provider_was_never_seen_with_signs_nothing() {
    let mut history = rake();
    let forged = Job {
        kid: "k9",
        ..job(2)
    };
    assert_eq!(denied(&mut history, &forged).code, Code::ProviderKeyUnknown);
}

#[test]
fn a_distrusted_key_signs_nothing() {
    let mut history = rake();
    history.distrust_key("github", "k1").unwrap();
    let denial = denied(&mut history, &job(2));
    assert_eq!(
        (denial.code, denial.found.as_deref()),
        (Code::ProviderKeyDistrusted, Some("k1"))
    );
}

#[test]
fn keys_that_were_fetched_more_than_a_day_ago_are_stale() {
    let mut history = rake();
    let day = Rules::default().provider_keys_max_age_seconds;
    let stale = Job {
        keys_age: day + 1,
        ..job(2)
    };
    assert_eq!(denied(&mut history, &stale).code, Code::ProviderKeysStale);
    history
        .exchange(&Job {
            keys_age: day,
            ..job(3)
        })
        .unwrap();
}

#[test]
fn a_token_for_another_audience_is_told_which_one_is_ours() {
    let mut history = rake();
    let denial = denied(
        &mut history,
        &Job {
            audience: "rubygems.org",
            ..job(2)
        },
    );
    assert_eq!(denial.code, Code::AudienceMismatch);
    assert_eq!(denial.expected.as_deref(), Some("gems.example.com"));
    assert_eq!(denial.found.as_deref(), Some("rubygems.org"));
}

#[test]
fn a_token_expires_with_the_leeway_and_not_a_moment_later() {
    let mut history = rake();
    let leeway = Rules::default().leeway_seconds;
    let last = Job {
        age: 300 + leeway,
        ..job(2)
    };
    // Both are judged in whole seconds; the history's clock stands on one.
    assert_eq!(denied(&mut history, &last).code, Code::TokenExpired);
    history
        .exchange(&Job {
            age: 300 + leeway - 1,
            ..job(3)
        })
        .unwrap();
}

#[test]
fn a_token_from_the_future_is_not_yet_valid() {
    let mut history = rake();
    let mut facts = job(2).facts(&mut history);
    let leeway = Rules::default().leeway_seconds;
    for (ahead, allowed) in [(leeway, true), (leeway + 1, false)] {
        facts.issued_at = history.now.plus_seconds(ahead);
        facts.expires_at = facts.issued_at.plus_seconds(300);
        let (ledger, policy) = (history.ledger(), history.policy_stream("rake"));
        let gem = folded("rake");
        let states = exchange::States {
            ledger: &ledger,
            provider: &history.provider("github"),
            token: &deciders::token::Token::default(),
            policies: vec![(&gem, &policy)],
        };
        let outcome = exchange::judge(
            &ledger.rulebook().unwrap(),
            &states,
            &facts.identity(),
            history.now,
        );
        let code = outcome.map(|_| ()).map_err(|turned| turned.denial.code);
        assert_eq!(
            code,
            if allowed {
                Ok(())
            } else {
                Err(Code::TokenNotYetValid)
            }
        );
    }
}

#[test]
fn a_token_that_lives_longer_than_an_hour_is_no_identity_token() {
    let mut history = rake();
    assert_eq!(
        denied(
            &mut history,
            &Job {
                lifetime: 3601,
                ..job(2)
            }
        )
        .code,
        Code::TokenTooLong
    );
    history
        .exchange(&Job {
            lifetime: 3600,
            ..job(3)
        })
        .unwrap();
}

#[test]
fn what_is_not_said_to_be_public_stays_off_a_public_ledger() {
    let mut history = rake();
    for visibility in ["private", "internal"] {
        let private = job(2).with(|workflow| workflow.visibility = Some(text(visibility)));
        let denial = denied(&mut history, &private);
        assert_eq!(
            (denial.code, denial.found.as_deref()),
            (Code::PrivateRepository, Some(visibility))
        );
    }
    let silent = job(2).with(|workflow| workflow.visibility = None);
    assert_eq!(denied(&mut history, &silent).code, Code::PrivateRepository);
}

#[test]
fn a_private_repository_may_use_a_private_ledger_or_one_whose_operator_allows_it() {
    let private = job(2).with(|workflow| workflow.visibility = Some(text("private")));
    let mut closed = History::opened(Visibility::Private);
    closed.add("rake", publisher()).unwrap();
    closed.exchange(&private).unwrap();
    let mut open = rake();
    let mut settings = github();
    settings.private_repositories = true;
    open.register("github", settings, &[]).unwrap();
    open.exchange(&private).unwrap();
}

#[test]
fn one_exchange_matches_every_gem_of_the_workflow_in_the_order_of_their_names() {
    let mut history = rake();
    history.add("thor", publisher()).unwrap();
    history.add("bundler", publisher()).unwrap();
    let index = history.log.len();
    history.exchange(&job(2)).unwrap();
    let Body::TokenExchanged(exchanged) = &history.log[index].event.body else {
        panic!()
    };
    let gems: Vec<_> = exchanged
        .matches
        .iter()
        .map(|found| found.gem.as_str())
        .collect();
    assert_eq!(gems, ["bundler", "rake", "thor"]);
}

#[test]
fn gitlab_and_generic_jobs_are_exchanged_by_their_own_rules() {
    let mut history = History::public();
    history.register("gitlab", gitlab(), &["g1"]).unwrap();
    history.register("ci", generic(), &["c1"]).unwrap();
    let at_gitlab = Publisher {
        owner_id: Some(text("77")),
        provider: slug("gitlab"),
        repository: text("group/sub/rake"),
        workflow: text(".gitlab-ci.yml"),
        ..publisher()
    };
    history.add("rake", at_gitlab).unwrap();
    history.exchange(&gitlab_job(1)).unwrap();
    let at_ci = Publisher {
        owner_id: None,
        provider: slug("ci"),
        repository: text("Tools/rake"),
        repository_id: Some(text("p-42")),
        workflow: text("release"),
        ..publisher()
    };
    history.add("thor", at_ci).unwrap();
    history.exchange(&generic_job(2)).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_rulebook_that_this_program_does_not_know_decides_nothing() {
    let mut history = rake();
    let denial = history.change_rules(3, rules(0)).unwrap_err();
    assert_eq!(denial.code, Code::UnknownEdition);
    let unopened = History::empty();
    assert!(unopened.ledger().rulebook().is_err());
    let mut unopened = unopened;
    assert_eq!(denied(&mut unopened, &job(1)).code, Code::UnknownEdition);
}

#[test]
fn the_key_lives_as_long_as_the_rules_of_that_moment_say() {
    let mut history = rake();
    let rules = Rules {
        key_lifetime_seconds: 60,
        ..rules(0)
    };
    history.change_rules(2, rules).unwrap();
    let now = history.now;
    let key = history.exchange(&job(2)).unwrap();
    let state: deciders::api_key::ApiKey = history.state(&StreamName::api_key(key));
    assert_eq!(state.issued.unwrap().expires, Some(now.plus_seconds(60)));
    assert_eq!(audit(&history.log), []);
}
