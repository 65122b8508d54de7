//! What a registry that lies would write, and what the auditor says of it.
use deciders::{
    audit::{Auditor, Finding, Kind},
    ledger::EDITION,
};
use events::{
    Body, Recorded,
    api_key::{Holder, Issued, Scope},
    digest::Digest,
    event::{DecodeError, Draft},
    gem::{FileTaken, Pushed, Source},
    id::{Actor, ApiKeyId, Owner, PublisherId, Via},
    log::{Rules, RulesChanged},
    policy::{GemRegistered, OwnerAdded, Publisher, PublisherPinned},
    provider::KeysObserved,
    stream::{EventRef, StreamName},
};

use crate::{
    history::{
        History, account_id, api_key_id, audit, folded, gem, observed_key, provisional, publisher,
        slug, text,
    },
    job::{Job, job},
    release::{Release, release},
};

/// A ledger with the gem `rake` of the operator, released once by its publisher.
fn rake() -> History {
    let mut history = History::public();
    history.add("rake", publisher()).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    history
}

fn workflow() -> Actor {
    Actor::Workflow(slug("github"), text("42"))
}

/// Asserts that something is found at the forged events and nowhere before, and returns the first code.
fn found(history: &History, forged_from: usize) -> &'static str {
    let findings = audit(&history.log);
    let first = findings.first().expect("the forgery was not noticed");
    assert!(
        findings
            .iter()
            .all(|finding| finding.kind == Kind::Unlawful),
        "{findings:?}"
    );
    let from = u64::try_from(forged_from).unwrap();
    assert!(
        findings.iter().all(|finding| finding.index >= from),
        "{findings:?}"
    );
    first.code
}

/// Writes the events of an exchange that no rule allowed, and returns its key.
fn forge_exchange(history: &mut History, job: &Job) -> ApiKeyId {
    let facts = job.facts(history);
    let policy = history.policy("rake");
    let publisher = *policy.publishers.keys().next().unwrap();
    let exchanged = events::token::Exchanged {
        api_key: facts.api_key,
        audience: facts.audience.clone(),
        issued_at: facts.issued_at,
        keys_fetched: facts.keys_fetched,
        matches: vec![events::token::Match {
            gem: folded("rake"),
            policy: EventRef {
                revision: policy.next_revision - 1,
                stream: StreamName::policy(&folded("rake")),
            },
            publisher,
        }],
        provider_key: facts.provider_key,
        workflow: facts.workflow.clone(),
    };
    let stream = facts.token_stream();
    let issued = Issued {
        digest: facts.key_digest,
        expires: Some(history.now.plus_seconds(15 * 60)),
        gem: None,
        holder: Holder::Exchange(EventRef {
            revision: 0,
            stream: stream.clone(),
        }),
        scopes: vec![Scope::PushRubygem],
    };
    let drafts = vec![
        Draft::new(stream, Body::TokenExchanged(exchanged)),
        Draft::new(
            StreamName::api_key(facts.api_key),
            Body::ApiKeyIssued(issued),
        ),
    ];
    let id = facts.workflow.repository_id;
    history.append(&Actor::Workflow(slug(job.provider), id), Via::Http, drafts);
    facts.api_key
}

/// Writes a release that no rule allowed, as if this job's key had pushed it.
fn forge_release(history: &mut History, key: ApiKeyId, job: &Job, release: &Release) {
    let facts = release.facts(key);
    let name = facts.name.folded();
    let policy = history.policy(release.name);
    let exchange = history
        .log
        .iter()
        .find_map(|recorded| match &recorded.event.body {
            Body::TokenExchanged(exchanged) if exchanged.api_key == key => {
                Some(recorded.event.reference())
            }
            _ => None,
        });
    let exchange = exchange.unwrap_or_else(|| EventRef {
        revision: 0,
        stream: StreamName::token(&slug("github"), history.now, &Digest::of(b"")),
    });
    let pushed = Pushed {
        api_key: key,
        digest: facts.digest,
        document: facts.document,
        info: facts.info,
        name: facts.name,
        number: facts.number,
        platform: facts.platform,
        policy: EventRef {
            revision: policy.next_revision.saturating_sub(1),
            stream: StreamName::policy(&name),
        },
        size: facts.size,
        source: Some(Source {
            exchange,
            publisher: policy
                .publishers
                .keys()
                .next()
                .copied()
                .unwrap_or(PublisherId(0)),
            workflow: job.workflow.clone(),
        }),
    };
    let mut drafts = Vec::new();
    if !history
        .state::<deciders::taken::Taken>(&StreamName::file(&facts.file))
        .taken
    {
        let taken = FileTaken {
            file: facts.file.clone(),
        };
        drafts.push(Draft::new(
            StreamName::file(&facts.file),
            Body::FileTaken(taken),
        ));
    }
    drafts.push(Draft::new(
        StreamName::gem(&name),
        Body::ReleasePushed(pushed),
    ));
    history.append(&workflow(), Via::Http, drafts);
}

#[test]
fn what_a_forger_writes_here_would_pass_if_it_were_lawful() {
    let mut history = rake();
    let key = forge_exchange(&mut history, &job(2));
    forge_release(&mut history, key, &job(2), &release("rake", "2.0"));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_push_by_an_expired_key_is_found() {
    let mut history = rake();
    let key = history.exchange(&job(2)).unwrap();
    history.later(15 * 60);
    let from = history.log.len();
    forge_release(&mut history, key, &job(2), &release("rake", "2.0"));
    assert_eq!(found(&history, from), "key_expired");
    // Also long after, when the auditor has forgotten the key.
    let mut history = rake();
    let key = history.exchange(&job(2)).unwrap();
    history.later(7200);
    history.exchange(&job(3)).unwrap();
    let from = history.log.len();
    forge_release(&mut history, key, &job(2), &release("rake", "2.0"));
    assert_eq!(found(&history, from), "key_expired");
}

#[test]
fn a_push_by_a_revoked_key_is_found() {
    let mut history = rake();
    let key = history.exchange(&job(2)).unwrap();
    history.give_back(key).unwrap();
    let from = history.log.len();
    forge_release(&mut history, key, &job(2), &release("rake", "2.0"));
    assert_eq!(found(&history, from), "key_revoked");
}

#[test]
fn a_push_by_a_key_that_was_never_issued_is_found() {
    let mut history = rake();
    let from = history.log.len();
    forge_release(
        &mut history,
        api_key_id(999),
        &job(2),
        &release("rake", "2.0"),
    );
    assert_eq!(found(&history, from), "key_unknown");
}

#[test]
fn a_push_that_the_policy_of_that_moment_did_not_cover_is_found() {
    let mut history = rake();
    let key = history.exchange(&job(2)).unwrap();
    let id = *history.policy("rake").publishers.keys().next().unwrap();
    history.remove("rake", id).unwrap();
    let from = history.log.len();
    forge_release(&mut history, key, &job(2), &release("rake", "2.0"));
    assert_eq!(found(&history, from), "not_publisher");
}

#[test]
fn a_push_whose_source_is_not_what_the_exchange_recorded_is_found() {
    let mut history = rake();
    let key = history.exchange(&job(2)).unwrap();
    let from = history.log.len();
    let commit = text("0000000000000000000000000000000000000000");
    let lie = job(2).with(|workflow| workflow.commit = Some(commit));
    forge_release(&mut history, key, &lie, &release("rake", "2.0"));
    assert_eq!(found(&history, from), "source");
}

#[test]
fn a_second_version_by_one_key_is_found() {
    let mut history = rake();
    let key = history.exchange(&job(2)).unwrap();
    history.released(key, &release("rake", "2.0"));
    let from = history.log.len();
    forge_release(&mut history, key, &job(2), &release("rake", "2.1"));
    assert_eq!(found(&history, from), "one_version_per_key");
}

#[test]
fn a_version_that_is_replaced_is_found() {
    let mut history = rake();
    let key = history.exchange(&job(2)).unwrap();
    let from = history.log.len();
    forge_release(
        &mut history,
        key,
        &job(2),
        &release("rake", "1.0").content("other"),
    );
    assert_eq!(found(&history, from), "version_exists");
}

#[test]
fn a_release_under_a_taken_file_name_is_found() {
    let mut history = rake();
    history.create_account(account_id(1)).unwrap();
    let owner = history
        .issue(account_id(1), &[Scope::PushRubygem], |_| {})
        .unwrap();
    history.released(owner, &release("foo-3", "2"));
    history.released(owner, &release("foo", "1"));
    let from = history.log.len();
    let drafts = taken_file(&history, owner);
    history.append(&Actor::Account(account_id(1)), Via::Http, drafts);
    assert_eq!(found(&history, from), "file_taken");
}

/// `foo` 3 for the platform `2`, whose file is that of `foo-3` 2.
fn taken_file(history: &History, key: ApiKeyId) -> Vec<Draft> {
    let facts = release("foo", "3").platform("2").facts(key);
    let policy = history.policy("foo");
    let pushed = Pushed {
        api_key: key,
        digest: facts.digest,
        document: facts.document,
        info: facts.info,
        name: facts.name,
        number: facts.number,
        platform: facts.platform,
        policy: EventRef {
            revision: policy.next_revision - 1,
            stream: StreamName::policy(&folded("foo")),
        },
        size: facts.size,
        source: None,
    };
    vec![Draft::new(
        StreamName::gem(&folded("foo")),
        Body::ReleasePushed(pushed),
    )]
}

#[test]
fn an_exchange_with_a_key_that_the_provider_never_had_is_found() {
    let mut history = rake();
    let from = history.log.len();
    forge_exchange(
        &mut history,
        &Job {
            kid: "k9",
            ..job(2)
        },
    );
    assert_eq!(found(&history, from), "provider_key_unknown");
}

#[test]
fn an_exchange_with_a_distrusted_key_is_found() {
    let mut history = rake();
    history.distrust_key("github", "k1").unwrap();
    let from = history.log.len();
    forge_exchange(&mut history, &job(2));
    assert_eq!(found(&history, from), "provider_key_distrusted");
}

#[test]
fn a_token_that_is_spent_twice_is_found() {
    let mut history = rake();
    let token = job(2);
    history.exchange(&token).unwrap();
    let from = history.log.len();
    forge_exchange(
        &mut history,
        &Job {
            age: token.age + 1,
            ..token
        },
    );
    assert_eq!(found(&history, from), "token_spent");
}

#[test]
fn an_exchange_that_no_publisher_matched_is_found() {
    let mut history = rake();
    let from = history.log.len();
    forge_exchange(&mut history, &job(2).file("ci.yml"));
    assert_eq!(found(&history, from), "workflow_mismatch");
    let mut history = rake();
    let from = history.log.len();
    forge_exchange(
        &mut history,
        &Job {
            age: 5000,
            ..job(2)
        },
    );
    assert_eq!(found(&history, from), "token_expired");
}

#[test]
fn an_exchange_in_anothers_name_is_found() {
    let mut history = rake();
    history.exchange(&job(2)).unwrap();
    for recorded in history.log.iter_mut().rev().take(2) {
        recorded.event.actor = Actor::Workflow(slug("github"), text("43"));
    }
    assert_eq!(found(&history, history.log.len() - 2), "actor");
}

#[test]
fn a_pin_that_nobody_earned_is_found() {
    let mut history = rake();
    let waiting = Publisher {
        workflow: text("ship.yml"),
        ..provisional()
    };
    let id = history.add("rake", waiting).unwrap();
    let from = history.log.len();
    let pin = PublisherPinned {
        owner_id: Some(text("666")),
        publisher: id,
        repository_id: text("666"),
    };
    let stream = StreamName::policy(&folded("rake"));
    history.append(
        &Actor::Operator,
        Via::Console,
        vec![Draft::new(stream, Body::PublisherPinned(pin))],
    );
    assert_eq!(found(&history, from), "events");
}

#[test]
fn an_owner_from_nowhere_is_found() {
    let mut history = rake();
    history.create_account(account_id(6)).unwrap();
    let from = history.log.len();
    let added = OwnerAdded {
        owner: Owner::Account(account_id(6)),
    };
    let stream = StreamName::policy(&folded("rake"));
    history.append(
        &Actor::Operator,
        Via::Console,
        vec![Draft::new(stream, Body::OwnerAdded(added))],
    );
    assert_eq!(found(&history, from), "events");
}

#[test]
fn an_owner_that_a_push_slips_in_is_found() {
    let mut history = rake();
    let key = history.exchange(&job(2)).unwrap();
    let from = history.log.len();
    forge_release(&mut history, key, &job(2), &release("rake", "2.0"));
    let slipped = Body::OwnerAdded(OwnerAdded {
        owner: Owner::Account(account_id(6)),
    });
    let mut event = history.log[from].event.clone();
    event.revision = history.policy("rake").next_revision;
    event.stream = StreamName::policy(&folded("rake"));
    event.body = slipped;
    history.log.insert(from, Recorded { index: 0, event });
    for (index, recorded) in history.log.iter_mut().enumerate() {
        recorded.index = u64::try_from(index).unwrap();
    }
    assert_eq!(found(&history, from), "events");
}

#[test]
fn a_gem_that_is_registered_without_a_push_is_found() {
    let mut history = rake();
    let from = history.log.len();
    let body = Body::GemRegistered(GemRegistered { name: gem("free") });
    let stream = StreamName::policy(&folded("free"));
    history.append(
        &Actor::Operator,
        Via::Console,
        vec![Draft::new(stream, body)],
    );
    assert_eq!(found(&history, from), "events");
}

#[test]
fn a_key_that_lives_longer_than_the_rules_is_found() {
    let mut history = rake();
    history.exchange(&job(2)).unwrap();
    let from = history.log.len() - 1;
    if let Body::ApiKeyIssued(issued) = &mut history.log[from].event.body {
        issued.expires = issued.expires.map(|expires| expires.plus_seconds(1));
    }
    assert_eq!(found(&history, from), "events");
}

#[test]
fn a_key_of_a_job_without_its_exchange_is_found() {
    let mut history = rake();
    let from = history.log.len();
    let issued = Issued {
        digest: Digest::of(b"key"),
        expires: None,
        gem: None,
        holder: Holder::Exchange(EventRef {
            revision: 0,
            stream: StreamName::token(&slug("github"), history.now, &Digest::of(b"")),
        }),
        scopes: vec![Scope::PushRubygem],
    };
    let stream = StreamName::api_key(api_key_id(77));
    history.append(
        &workflow(),
        Via::Http,
        vec![Draft::new(stream, Body::ApiKeyIssued(issued))],
    );
    assert_eq!(found(&history, from), "events");
}

#[test]
fn a_known_key_that_is_observed_again_is_found() {
    let mut history = rake();
    let from = history.log.len();
    let keys = vec![observed_key("k1")];
    let body = Body::ProviderKeysObserved(KeysObserved { keys });
    let stream = StreamName::provider(&slug("github"));
    history.append(
        &Actor::Operator,
        Via::Server,
        vec![Draft::new(stream, body)],
    );
    assert_eq!(found(&history, from), "events");
}

#[test]
fn a_denial_that_was_recorded_too_often_is_found() {
    let mut history = rake();
    history.exchange(&job(2).file("ci.yml")).unwrap_err();
    let from = history.log.len();
    let last = &history.log[from - 1].event;
    let draft = Draft::new(last.stream.clone(), last.body.clone());
    history.append(&workflow(), Via::Http, vec![draft]);
    assert_eq!(found(&history, from), "events");
}

#[test]
fn management_by_somebody_else_is_found() {
    let mut history = rake();
    history.create_account(account_id(1)).unwrap();
    history
        .add(
            "rake",
            Publisher {
                workflow: text("b.yml"),
                ..publisher()
            },
        )
        .unwrap();
    let from = history.log.len() - 1;
    history.log[from].event.actor = Actor::Account(account_id(1));
    history.log[from].event.via = Via::Http;
    assert_eq!(found(&history, from), "not_owner");
}

#[test]
fn a_log_that_does_not_start_with_its_opening_is_found() {
    let mut history = rake();
    history.log.remove(0);
    for (index, recorded) in history.log.iter_mut().enumerate() {
        recorded.index = u64::try_from(index).unwrap();
    }
    assert_eq!(found(&history, 0), "events");
}

#[test]
fn a_ledger_that_is_opened_twice_is_found() {
    let mut history = rake();
    let from = history.log.len();
    let again = history.log[0].event.body.clone();
    history.append(
        &Actor::Operator,
        Via::Console,
        vec![Draft::new(StreamName::log(), again)],
    );
    assert_eq!(found(&history, from), "already_exists");
}

#[test]
fn order_is_kept_whatever_the_events_mean() {
    let code = |change: fn(&mut Vec<Recorded>)| {
        let mut log = rake().log;
        change(&mut log);
        let findings: Vec<Finding> = audit(&log);
        findings.first().expect("not noticed").code
    };
    assert_eq!(code(|log| log[3].index = 7), "index");
    assert_eq!(code(|log| log[3].event.revision = 7), "revision");
    assert_eq!(code(|log| log[4].event.time = log[0].event.time), "time");
}

#[test]
fn a_request_that_comes_back_is_found() {
    let mut history = rake();
    history.create_account(account_id(1)).unwrap();
    let last = history.log.len() - 1;
    history.log[last].event.request = history.log[0].event.request;
    assert_eq!(found(&history, last), "request");
}

#[test]
fn two_moments_or_two_actors_in_one_request_are_found() {
    let mut history = rake();
    let last = history.log.len() - 1;
    history.log[last].event.time = history.now;
    let codes: Vec<_> = audit(&history.log)
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert!(codes.contains(&"time"), "{codes:?}");
    let mut history = rake();
    history.log[last].event.actor = Actor::Operator;
    let codes: Vec<_> = audit(&history.log)
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert!(codes.contains(&"actor"), "{codes:?}");
}

#[test]
fn what_a_newer_program_wrote_cannot_be_told() {
    let mut history = rake();
    let changed = RulesChanged {
        edition: EDITION + 1,
        rules: Rules::default(),
    };
    let at = u64::try_from(history.log.len()).unwrap();
    let draft = Draft::new(StreamName::log(), Body::LogRulesChanged(changed));
    history.append(&Actor::Operator, Via::Console, vec![draft]);
    history.create_account(account_id(1)).unwrap();
    let findings = audit(&history.log);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(
        (findings[0].index, findings[0].kind),
        (at, Kind::CouldNotTell)
    );
    assert_eq!(findings[0].code, "unknown_edition");
}

#[test]
fn a_leaf_that_cannot_be_read_makes_all_that_follows_uncertain() {
    let history = rake();
    let mut auditor = Auditor::new();
    for recorded in &history.log[..4] {
        assert_eq!(auditor.check(recorded), []);
    }
    let findings = auditor.unreadable(4, &DecodeError::UnknownType("gem.blessed".into()));
    assert_eq!(
        (findings[0].index, findings[0].kind),
        (4, Kind::CouldNotTell)
    );
    let mut findings = auditor.check(&history.log[5]);
    findings.extend(
        history.log[6..]
            .iter()
            .flat_map(|recorded| auditor.check(recorded)),
    );
    findings.extend(auditor.finish());
    assert!(!findings.is_empty());
    assert!(
        findings
            .iter()
            .all(|finding| finding.kind == Kind::CouldNotTell)
    );
    let crooked = Auditor::new().unreadable(0, &DecodeError::NotCanonical);
    assert_eq!(crooked[0].kind, Kind::Unlawful);
}

#[test]
fn a_finding_says_what_differs() {
    let mut history = rake();
    let last = history.log.len() - 1;
    if let Body::ReleasePushed(pushed) = &mut history.log[last].event.body {
        pushed.policy.revision += 1;
    }
    let findings = audit(&history.log);
    let message = &findings[0].message;
    assert!(message.contains("release.pushed says"), "{message}");
    assert!(message.contains("\"policy\":{\"revision\":"), "{message}");
}
