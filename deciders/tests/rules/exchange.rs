//! An identity token buys a key of minutes, once, if some publisher is the job that it names.
use deciders::{
    Code, Denial,
    exchange::{self, Turned},
};
use events::{
    Body,
    api_key::{Holder, Scope},
    denied::ExchangeDenied,
    log::{Rules, Visibility},
    policy::Publisher,
    stream::StreamName,
};

use crate::{
    history::{
        History, audit, folded, generic, github, gitlab, provisional, publisher, slug, text,
    },
    job::{Job, generic_job, gitlab_job, job},
    release::release,
};

/// A ledger with the gem `rake`, released once, and its publisher.
fn rake() -> History {
    let mut history = History::public();
    history.add("rake", publisher()).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    history
}

fn turned(history: &mut History, job: &Job) -> Turned {
    let before = history.log.len();
    let turned = history.exchange(job).unwrap_err();
    let only_denials = history
        .types_since(before)
        .iter()
        .all(|name| *name == "exchange.denied");
    assert!(only_denials, "a denied exchange left more than its record");
    turned
}

fn denied(history: &mut History, job: &Job) -> Denial {
    turned(history, job).denial
}

fn records(history: &History) -> Vec<&ExchangeDenied> {
    let bodies = history.log.iter().map(|recorded| &recorded.event.body);
    bodies
        .filter_map(|body| match body {
            Body::ExchangeDenied(denied) => Some(denied),
            _ => None,
        })
        .collect()
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
        let (ledger, policy) = (history.ledger(), history.policy("rake"));
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
fn a_stranger_finds_no_publisher_and_leaves_no_trace() {
    let mut history = rake();
    let before = history.log.len();
    let stranger = job(2).with(|workflow| {
        workflow.repository = text("mallory/rake");
        workflow.repository_id = text("666");
    });
    let turned = turned(&mut history, &stranger);
    assert_eq!(turned.denial.code, Code::NoPublisher);
    assert_eq!((turned.denial.expected, turned.denial.gem), (None, None));
    assert_eq!(history.log.len(), before);
}

#[test]
fn a_recreated_owner_is_denied_recorded_and_not_told_what_was_expected() {
    let mut history = rake();
    let recreated = job(2).with(|workflow| {
        workflow.owner_id = Some(text("999"));
        workflow.repository_id = text("777");
    });
    let denial = denied(&mut history, &recreated);
    assert_eq!(denial.code, Code::RepositoryIdMismatch);
    assert!(!denial.tell);
    let message = denial.to_string();
    assert!(
        message.contains("`777`") && !message.contains("`42`"),
        "{message}"
    );
    let record = records(&history)[0];
    assert_eq!(record.code.as_str(), "repository_id_mismatch");
    assert_eq!((record.repository_id.as_str(), record.count), ("777", 1));
    // And the rightful publisher goes on.
    history.exchange(&job(3)).unwrap();
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_repository_that_changed_hands_is_denied_by_its_owners_id() {
    let mut history = rake();
    let moved = job(2).with(|workflow| workflow.owner_id = Some(text("999")));
    let denial = denied(&mut history, &moved);
    assert_eq!((denial.code, denial.tell), (Code::OwnerIdMismatch, false));
    assert_eq!(records(&history).len(), 1);
    let ownerless = job(3).with(|workflow| workflow.owner_id = None);
    assert_eq!(denied(&mut history, &ownerless).code, Code::OwnerIdMismatch);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_renamed_repository_is_still_the_publisher_by_its_id() {
    let mut history = rake();
    let renamed = job(2).with(|workflow| {
        let path = "ruby/rake-ng/.github/workflows/release.yml@refs/tags/v1";
        workflow.repository = text("ruby/rake-ng");
        workflow.workflow_ref = Some(text(path));
        workflow.job_workflow_ref = Some(text(path));
    });
    history.exchange(&renamed).unwrap();
}

#[test]
fn a_renamed_workflow_is_told_about_the_workflow() {
    let mut history = rake();
    let denial = denied(&mut history, &job(2).file("ci.yml"));
    assert_eq!(denial.code, Code::WorkflowMismatch);
    assert!(denial.tell);
    assert_eq!(
        denial.to_string(),
        "the workflow is another one than the publisher's; found `ci.yml`, expected `release.yml`"
    );
    assert_eq!(denial.gem, Some(folded("rake")));
}

#[test]
fn the_publisher_that_came_closest_explains_the_denial() {
    let mut history = rake();
    let elsewhere = Publisher {
        workflow: text("other.yml"),
        ..publisher()
    };
    history.add("rake", elsewhere).unwrap();
    let staged = Publisher {
        environment: Some(text("release")),
        workflow: text("ci.yml"),
        ..publisher()
    };
    history.add("rake", staged).unwrap();
    let denial = denied(&mut history, &job(2).file("ci.yml"));
    assert_eq!(denial.code, Code::EnvironmentMismatch);
    assert_eq!(denial.expected.as_deref(), Some("release"));
    assert_eq!(denial.found.as_deref(), Some("(absent)"));
}

#[test]
fn a_denial_is_recorded_once_an_hour_for_each_publisher_and_code() {
    let mut history = rake();
    let hour = Rules::default().denial_interval_seconds;
    let (renamed, branch) = (job(2).file("ci.yml"), job(3).branch("topic"));
    denied(&mut history, &renamed);
    let first = history.log.last().unwrap().event.time;
    denied(&mut history, &renamed);
    assert_eq!(records(&history).len(), 1);
    denied(&mut history, &branch);
    assert_eq!(records(&history).len(), 2, "another code is another record");
    history.now = first.plus_seconds(hour).minus_seconds(1);
    denied(&mut history, &renamed);
    assert_eq!(records(&history).len(), 2);
    history.now = first.plus_seconds(hour);
    denied(&mut history, &renamed);
    assert_eq!(records(&history).len(), 3);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_denied_token_is_not_spent() {
    let mut history = rake();
    let token = job(2);
    denied(&mut history, &token.clone().file("ci.yml"));
    history.exchange(&token).unwrap();
}

#[test]
fn whoever_merely_bears_a_provisional_publishers_name_writes_nothing() {
    let mut history = History::public();
    history.add("rake", provisional()).unwrap();
    let before = history.log.len();
    let denial = denied(&mut history, &job(2).file("ci.yml"));
    assert_eq!((denial.code, denial.tell), (Code::WorkflowMismatch, false));
    assert_eq!(history.log.len(), before);
}

#[test]
fn a_publisher_without_ids_waits_seven_days_and_not_a_moment_longer() {
    let mut history = rake();
    history
        .remove(
            "rake",
            history
                .policy("rake")
                .publishers
                .keys()
                .next()
                .copied()
                .unwrap(),
        )
        .unwrap();
    let added = history.now;
    history.add("rake", provisional()).unwrap();
    history.now = added.plus_seconds(7 * 24 * 3600).minus_seconds(1);
    history.exchange(&job(2)).unwrap();
    let denial = denied(&mut history, &job(3));
    assert_eq!(denial.code, Code::PublisherExpired);
    assert!(records(&history).is_empty());
}

#[test]
fn a_pending_publisher_expires() {
    let mut history = History::public();
    let added = history.now;
    history.add("rake", publisher()).unwrap();
    history.now = added.plus_seconds(7 * 24 * 3600);
    let denial = denied(&mut history, &job(2));
    assert_eq!((denial.code, denial.tell), (Code::PendingExpired, true));
    assert_eq!(records(&history).len(), 1);
    assert_eq!(audit(&history.log), []);
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
    let denial = history.change_rules(2, Rules::default()).unwrap_err();
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
        ..Rules::default()
    };
    history.change_rules(1, rules).unwrap();
    let now = history.now;
    let key = history.exchange(&job(2)).unwrap();
    let state: deciders::api_key::ApiKey = history.state(&StreamName::api_key(key));
    assert_eq!(state.issued.unwrap().expires, Some(now.plus_seconds(60)));
    assert_eq!(audit(&history.log), []);
}
