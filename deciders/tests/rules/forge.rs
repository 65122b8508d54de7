//! The pen of a registry that lies: events that no rule allowed, in their right places.
use deciders::audit::Kind;
use events::{
    Body, Event,
    api_key::{Holder, Issued, Scope},
    digest::Digest,
    event::Draft,
    gem::{FileTaken, Pushed, Source},
    id::{Actor, ApiKeyId, PublisherId, Via},
    stream::{EventRef, StreamName},
};

use crate::{
    fixtures::{folded, publisher, slug, text},
    history::{History, audit},
    job::{Job, job},
    release::{Release, release},
};

/// A ledger with the gem `rake` of the operator, released once by its publisher.
pub(crate) fn rake() -> History {
    let mut history = History::public();
    history.add("rake", publisher()).unwrap();
    let key = history.exchange(&job(1)).unwrap();
    history.released(key, &release("rake", "1.0"));
    history
}

pub(crate) fn workflow() -> Actor {
    Actor::Workflow(slug("github"), text("42"))
}

/// Asserts that something is found at the forged events and nowhere before, and returns the first code.
pub(crate) fn found(history: &History, forged_from: usize) -> &'static str {
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
pub(crate) fn forge_exchange(history: &mut History, job: &Job) -> ApiKeyId {
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
pub(crate) fn forge_release(history: &mut History, key: ApiKeyId, job: &Job, release: &Release) {
    let facts = release.facts(key);
    let name = facts.name.folded();
    let policy = history.policy(release.name);
    let exchange = history
        .log
        .iter()
        .map(|recorded| &recorded.event)
        .find(|event| {
            matches!(&event.body, Body::TokenExchanged(exchanged) if exchanged.api_key == key)
        })
        .map(Event::reference);
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
        statement: None,
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

/// `foo` 3 for the platform `2`, whose file is that of `foo-3` 2.
pub(crate) fn taken_file(history: &History, key: ApiKeyId) -> Vec<Draft> {
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
        statement: None,
    };
    vec![Draft::new(
        StreamName::gem(&folded("foo")),
        Body::ReleasePushed(pushed),
    )]
}
