//! What a registry that lies would write, and what the auditor says of it.
use events::{
    Body, Recorded,
    api_key::{Holder, Issued, Scope},
    digest::Digest,
    event::Draft,
    id::{Actor, Owner, Via},
    policy::{GemRegistered, OwnerAdded, Publisher, PublisherPinned},
    provider::KeysObserved,
    stream::{EventRef, StreamName},
};

use crate::{
    fixtures::{
        account_id, api_key_id, folded, gem, observed_key, provisional, publisher, slug, text,
    },
    history::audit,
    job::{Job, job},
    release::release,
};

use crate::forge::{forge_exchange, forge_release, found, rake, taken_file, workflow};

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
fn an_owner_that_a_push_slips_in_is_found() {
    let mut history = rake();
    let key = history.exchange(&job(2)).unwrap();
    let from = history.log.len();
    forge_release(&mut history, key, &job(2), &release("rake", "2.0"));
    let slipped = Body::OwnerAdded(OwnerAdded {
        effective: None,
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
