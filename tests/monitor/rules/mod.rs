//! Each rule, on events alone: one story in which it fires, and its like in which it does not.
mod gems;
mod incidents;
mod loosening;
mod registry;
mod releases;
mod scope;
mod trust;

use std::collections::BTreeMap;

use events::{
    Body, Event, Recorded,
    claims::Workflow,
    digest::Digest,
    gem::{IndexLine, Pushed, Source},
    id::{AccountId, Actor, ApiKeyId, Owner, PublisherId, RequestId, Via},
    name::GemName,
    platform::Platform,
    policy::{OwnerAdded, Publisher, PublisherAdded, PublisherRemoved},
    stream::{EventRef, StreamName},
    text::{Slug, Text},
    time::Timestamp,
    token::{Exchanged, Match},
    version::GemVersion,
};
use gemledger::monitor::{
    Finding,
    rules::{Numbers, Rules},
};

const HOUR: u64 = 3600;

fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn account(number: u64) -> AccountId {
    AccountId::parse(&format!("01900000-0000-7000-8001-{number:012x}")).unwrap()
}

/// A job of `acme/rake` that runs `release.yml` on GitHub's machine, in the environment `release`.
fn job(run: u64) -> Workflow {
    let file = "acme/rake/.github/workflows/release.yml@refs/tags/v1";
    let some = |value: &str| Some(text(value));
    Workflow {
        commit: some("5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567"),
        environment: some("release"),
        job_repository_id: None,
        job_workflow_commit: None,
        job_workflow_ref: some(file),
        owner_id: some("210414"),
        git_ref: some("refs/tags/v1"),
        ref_protected: Some(true),
        ref_type: some("tag"),
        repository: text("acme/rake"),
        repository_id: text("1420893"),
        run_attempt: some("1"),
        run_id: Some(text(&run.to_string())),
        runner: some("github-hosted"),
        trigger: some("push"),
        visibility: some("public"),
        workflow_commit: None,
        workflow_ref: some(file),
    }
}

/// A history that is told event by event, and what the rules say to each.
struct Story {
    rules: Rules,
    now: Timestamp,
    next: u64,
    revisions: BTreeMap<StreamName, u64>,
}

impl Story {
    fn new() -> Self {
        Self::with(Numbers::default())
    }

    fn with(numbers: Numbers) -> Self {
        Self {
            rules: Rules::new(numbers),
            now: super::ledger::start(),
            next: 0,
            revisions: BTreeMap::new(),
        }
    }

    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.plus_seconds(seconds);
        self
    }

    fn say(&mut self, stream: StreamName, body: Body) -> Vec<Finding> {
        let recorded = self.record(stream, body);
        let mut findings = Vec::new();
        self.rules.take(&recorded, &mut findings);
        let own = |finding: &Finding| {
            finding.indexes[0] == recorded.index && finding.time == Some(self.now)
        };
        assert!(findings.iter().all(own), "{findings:#?}");
        findings
    }

    fn record(&mut self, stream: StreamName, body: Body) -> Recorded {
        let index = self.next;
        self.next += 1;
        let revision = self.revisions.entry(stream.clone()).or_insert(0);
        *revision += 1;
        let uuid = format!("01900000-0000-7000-8003-{index:012x}");
        Recorded {
            index,
            event: Event {
                actor: Actor::Operator,
                body,
                request: RequestId::parse(&uuid).unwrap(),
                revision: *revision - 1,
                sealed: [].into(),
                stream,
                time: self.now,
                via: Via::Http,
            },
        }
    }

    /// The revision of the last event of this stream.
    fn revision(&self, stream: &StreamName) -> u64 {
        self.revisions[stream] - 1
    }

    fn publisher() -> Publisher {
        Publisher {
            any_ref: false,
            environment: None,
            owner_id: None,
            provider: slug("github"),
            repository: text("acme/rake"),
            repository_id: Some(text("1420893")),
            workflow: text("release.yml"),
            workflow_repository: None,
        }
    }

    fn publisher_added(&mut self, gem: &str, pending: Option<PublisherId>) -> Vec<Finding> {
        let publisher = Self::publisher();
        let added = PublisherAdded {
            effective: None,
            pending,
            publisher,
        };
        self.say(policy(gem), Body::PublisherAdded(added))
    }

    fn publisher_removed(&mut self, gem: &str, id: u64) -> Vec<Finding> {
        let publisher = PublisherId(id);
        self.say(
            policy(gem),
            Body::PublisherRemoved(PublisherRemoved { publisher }),
        )
    }

    fn owner_added(&mut self, gem: &str, owner: Owner) -> Vec<Finding> {
        self.say(
            policy(gem),
            Body::OwnerAdded(OwnerAdded {
                effective: None,
                owner,
            }),
        )
    }

    /// A job releases a gem, on the word of `github`.
    fn released(&mut self, gem: &str, job: Workflow) -> Vec<Finding> {
        self.released_by(gem, Some(("github", job)))
    }

    /// A person's key releases a gem.
    fn pushed(&mut self, gem: &str) -> Vec<Finding> {
        self.released_by(gem, None)
    }

    fn released_by(&mut self, gem: &str, source: Option<(&str, Workflow)>) -> Vec<Finding> {
        let (stream, body) = self.push_of(gem, source);
        self.say(stream, body)
    }

    fn push_of(&self, gem: &str, source: Option<(&str, Workflow)>) -> (StreamName, Body) {
        let name = GemName::parse(gem).unwrap();
        let reference = |stream| EventRef {
            revision: 0,
            stream,
        };
        let source = source.map(|(provider, workflow)| Source {
            exchange: reference(token(provider, self.next)),
            publisher: PublisherId(0),
            workflow,
        });
        let digest = Digest::of(&self.next.to_be_bytes());
        let pushed = Pushed {
            api_key: ApiKeyId::parse("01900000-0000-7000-8002-000000000001").unwrap(),
            digest,
            document: digest,
            info: IndexLine::parse("1.0.0 |checksum:00").unwrap(),
            number: GemVersion::parse(&format!("1.0.{}", self.next)).unwrap(),
            platform: Platform::parse("ruby").unwrap(),
            policy: reference(StreamName::policy(&name.folded())),
            size: 1,
            source,
            statement: None,
            name: name.clone(),
        };
        (StreamName::gem(&name.folded()), Body::ReleasePushed(pushed))
    }

    fn exchanged(&mut self, provider: &str, workflow: Workflow) -> Vec<Finding> {
        let gem = GemName::parse("rake").unwrap().folded();
        let exchanged = Exchanged {
            api_key: ApiKeyId::parse("01900000-0000-7000-8002-000000000001").unwrap(),
            audience: text("gems.example.com"),
            issued_at: self.now,
            keys_fetched: self.now,
            matches: vec![Match {
                policy: EventRef {
                    revision: 0,
                    stream: StreamName::policy(&gem),
                },
                gem,
                publisher: PublisherId(0),
            }],
            provider_key: Digest::of(b"key"),
            workflow,
        };
        self.say(token(provider, self.next), Body::TokenExchanged(exchanged))
    }
}

/// A release, recorded and shown to no rule.
fn release(story: &mut Story, gem: &str, source: Option<(&str, Workflow)>) -> Recorded {
    let (stream, body) = story.push_of(gem, source);
    story.record(stream, body)
}

fn policy(gem: &str) -> StreamName {
    StreamName::policy(&GemName::parse(gem).unwrap().folded())
}

fn token(provider: &str, number: u64) -> StreamName {
    let expires = super::ledger::start().plus_seconds(number);
    StreamName::token(&slug(provider), expires, &Digest::of(&number.to_be_bytes()))
}

/// Exactly these rules fired.
#[track_caller]
fn fired(findings: &[Finding], rules: &[&str]) {
    assert_eq!(super::rules_of(findings), rules, "{findings:#?}");
}
