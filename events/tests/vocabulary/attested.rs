//! Samples of what came with attestations: trust roots, the registry's own key, rules and their changes, opened evidence.
use events::{
    Body,
    attestation::{Attested, Compared, Field, LogEntry},
    digest::Digest,
    gem,
    id::{Actor, ChangeId, Owner, ProposalId, Via},
    log::{Rules, RulesChanged, StatementKeyIntroduced},
    policy::{OwnerAdded, OwnerRemoved, PublisherAdded},
    provider,
    rule::{self, Rule, Setting},
    stream::StreamName,
    text::Slug,
    time::Timestamp,
    token::EvidenceOpened,
    trust_root,
};

use crate::{
    parts::{
        account, gem, keys, moment, publisher, pushed, rake, reference, registered, some, text,
    },
    samples::{Sample, sample, variant},
};

pub(crate) fn root_slug() -> Slug {
    Slug::parse("public-good").unwrap()
}

fn later() -> Timestamp {
    moment(72 * 3600)
}

pub(crate) fn ledger() -> Vec<Sample> {
    let operator = &Actor::Operator;
    let key = StatementKeyIntroduced {
        jwk: keys()[2].jwk.clone(),
    };
    let mut introduced = sample(operator, 4, Body::StatementKeyIntroduced(key));
    introduced.event.via = Via::Server;
    let delayed = RulesChanged {
        edition: 2,
        rules: Rules {
            loosening_delay_seconds: Some(72 * 3600),
            ..Rules::default()
        },
    };
    let root = trust_root::Recorded {
        digest: Digest::of(b"trusted_root.json"),
        issuers: vec![registered().issuer],
        public: true,
        repository: Some(trust_root::Repository {
            bootstrap: Digest::of(b"root.json"),
            url: text("https://tuf-repo-cdn.sigstore.dev"),
        }),
        requires: trust_root::Requires {
            log: true,
            sct: true,
            timestamp: false,
        },
        size: 7014,
    };
    let given = trust_root::Recorded {
        public: false,
        repository: None,
        requires: trust_root::Requires {
            log: false,
            sct: false,
            timestamp: true,
        },
        ..root.clone()
    };
    let refreshed = trust_root::Recorded {
        digest: Digest::of(b"the next trusted_root.json"),
        size: 7015,
        ..root.clone()
    };
    let loosened = provider::Registered {
        effective: Some(later()),
        private_repositories: true,
        ..registered()
    };
    vec![
        introduced,
        variant("delay", sample(operator, 5, Body::LogRulesChanged(delayed))),
        sample(operator, 0, Body::TrustRootRecorded(root)),
        variant("given", sample(operator, 1, Body::TrustRootRecorded(given))),
        variant(
            "refreshed",
            sample(operator, 3, Body::TrustRootRecorded(refreshed)),
        ),
        sample(operator, 2, Body::TrustRootRetired(trust_root::Retired {})),
        variant(
            "loosened",
            sample(operator, 1, Body::ProviderRegistered(loosened)),
        ),
    ]
}

pub(crate) fn policies() -> Vec<Sample> {
    let owner = &Actor::Account(account());
    let added = PublisherAdded {
        effective: Some(later()),
        pending: None,
        publisher: publisher(),
    };
    let joined = OwnerAdded {
        effective: Some(later()),
        owner: Owner::Account(account()),
    };
    let left = OwnerRemoved {
        effective: Some(later()),
        owner: Owner::Account(account()),
    };
    let rule = |rule, to, effective| {
        Body::RuleChanged(rule::Changed {
            effective,
            rule,
            to,
        })
    };
    let change = ChangeId(8);
    let reason = text("the release fixes a hole that is being used");
    let proposed = rule::OverrideProposed {
        change,
        reason: reason.clone(),
    };
    let overridden = rule::Overridden {
        change,
        proposal: ProposalId(10),
        reason: Some(reason),
    };
    let silent = rule::Overridden {
        reason: None,
        ..overridden.clone()
    };
    vec![
        variant("delayed", sample(owner, 6, Body::PublisherAdded(added))),
        variant("delayed", sample(owner, 7, Body::OwnerAdded(joined))),
        sample(owner, 7, Body::OwnerRemoved(left)),
        sample(owner, 7, rule(Rule::AttestationRequired, Setting::On, None)),
        variant(
            "loosened",
            sample(
                owner,
                8,
                rule(Rule::TrustedPublishingOnly, Setting::Off, Some(later())),
            ),
        ),
        sample(owner, 9, Body::ChangeCancelled(rule::Cancelled { change })),
        sample(owner, 10, Body::OverrideProposed(proposed)),
        sample(&Actor::Operator, 11, Body::PolicyOverridden(overridden)),
        variant(
            "silent",
            sample(&Actor::Operator, 11, Body::PolicyOverridden(silent)),
        ),
    ]
}

pub(crate) fn releases() -> Vec<Sample> {
    let (owner, job) = (
        &Actor::Account(account()),
        &Actor::Workflow(crate::parts::github(), text("6034170")),
    );
    let opened = |gem| Body::EvidenceOpened(EvidenceOpened { gem });
    let release = pushed();
    let stated = gem::Pushed {
        statement: Some(Digest::of(b"statement")),
        ..pushed()
    };
    let compared = gem::Compared {
        by_word: 1,
        changed: 1,
        commit: text("7b1f3c9d2e5a4b6c8d0e1f2a3b4c5d6e7f809182"),
        digest: release.digest,
        explained: 3,
        extra: 2,
        files_only: false,
        left_out: Some(0),
        metadata: Some(1),
        name: rake(),
        not_compared: 0,
        number: release.number.clone(),
        platform: release.platform.clone(),
        same: 61,
        statement: Digest::of(b"statement"),
        verdict: gem::Verdict::Different,
    };
    let of_files = gem::Compared {
        changed: 0,
        extra: 0,
        files_only: true,
        left_out: None,
        metadata: None,
        verdict: gem::Verdict::Same,
        ..compared.clone()
    };
    let mut samples = vec![
        sample(&Actor::Operator, 1, opened(None)),
        variant("owner", sample(owner, 2, opened(Some(gem())))),
        variant("stated", sample(job, 0, Body::ReleasePushed(stated))),
        sample(owner, 2, Body::ReleaseCompared(compared)),
        variant(
            "files_only",
            sample(owner, 2, Body::ReleaseCompared(of_files)),
        ),
    ];
    samples.extend(attested());
    samples
}

fn attested() -> Vec<Sample> {
    let job = &Actor::Workflow(crate::parts::github(), text("6034170"));
    let release = pushed();
    let pair = |field, certificate: &str, expected: &str| Compared {
        certificate: text(certificate),
        expected: text(expected),
        field,
    };
    let attested = Attested {
        builder: some(
            "https://github.com/ruby/rake/.github/workflows/release.yml@refs/tags/v13.2.1",
        ),
        bundle: Digest::of(b"bundle"),
        certificate: Digest::of(b"certificate"),
        compared: vec![
            pair(Field::Attempt, "1", "2"),
            pair(
                Field::Commit,
                "7b1f3c9d2e5a4b6c8d0e1f2a3b4c5d6e7f809182",
                "7b1f3c9d2e5a4b6c8d0e1f2a3b4c5d6e7f809182",
            ),
            pair(Field::RepositoryId, "6034170", "6034170"),
            pair(
                Field::Run,
                "https://github.com/ruby/rake/actions/runs/17000000001",
                "https://github.com/ruby/rake/actions/runs/17000000001",
            ),
        ],
        digest: release.digest,
        entry: Some(LogEntry {
            index: text("122963775"),
            log: text("c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d"),
        }),
        name: rake(),
        number: release.number.clone(),
        platform: release.platform.clone(),
        predicate: some("https://slsa.dev/provenance/v1"),
        public: true,
        root: reference(StreamName::trust_root(&root_slug()), 0),
        sct: true,
        signed: moment(0),
        timestamp: false,
    };
    let timestamped = Attested {
        builder: None,
        entry: None,
        predicate: None,
        public: false,
        sct: false,
        timestamp: true,
        ..attested.clone()
    };
    vec![
        sample(job, 1, Body::ReleaseAttested(attested)),
        variant(
            "timestamped",
            sample(job, 1, Body::ReleaseAttested(timestamped)),
        ),
    ]
}
