//! Events as the store's tests tell them: drafts by small numbers, and random histories made of them.
use events::{
    Body, account,
    api_key::{Holder, Issued, Reason, Revoked, Scope},
    claims::{ProviderKind, Workflow},
    denied::PushDenied,
    digest::Digest,
    event::{Draft, Sealed},
    gem::{FileTaken, IndexLine, NameTaken, Pushed, Quarantined, Restored, Source},
    id::{AccountId, ApiKeyId, Owner, PublisherId, RequestId},
    log::{FORMAT, Opened, Rules, RulesChanged, SubjectErased, Visibility},
    name::GemName,
    platform::{FullName, Platform},
    policy::{
        GemRegistered, OwnerAdded, PendingAdded, PendingRemoved, Publisher, PublisherAdded,
        PublisherPinned, PublisherRemoved,
    },
    provider::{self, Algorithm, IssuerTaken, Registered},
    stream::{EventRef, StreamName},
    text::{Slug, Text},
    time::Timestamp,
    token::{Exchanged, Match},
    trust_root,
    version::GemVersion,
};
use proptest::prelude::*;

/// The moment at which every history starts.
pub(crate) fn start() -> Timestamp {
    Timestamp::from_seconds(1_795_402_502)
}

pub(crate) fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

pub(crate) fn slug(number: u64) -> Slug {
    Slug::parse(&format!("provider-{number}")).unwrap()
}

pub(crate) fn gem(number: u64) -> GemName {
    let names = ["rake", "RedCloth", "rack-test", "nokogiri", "json_pure"];
    names
        .get(usize::try_from(number).unwrap())
        .map_or_else(
            || GemName::parse(&format!("gem_{number}x")),
            |name| GemName::parse(name),
        )
        .unwrap()
}

fn uuid(kind: u8, number: u64) -> String {
    format!("01900000-0000-7000-80{kind:02x}-{number:012x}")
}

pub(crate) fn account_id(number: u64) -> AccountId {
    AccountId::parse(&uuid(1, number)).unwrap()
}

pub(crate) fn key_id(number: u64) -> ApiKeyId {
    ApiKeyId::parse(&uuid(2, number)).unwrap()
}

pub(crate) fn request_id(number: u64) -> RequestId {
    RequestId::parse(&uuid(3, number)).unwrap()
}

fn reference(stream: StreamName) -> EventRef {
    EventRef {
        revision: 0,
        stream,
    }
}

pub(crate) fn digest(kind: &str, number: u64) -> Digest {
    Digest::of(format!("{kind} {number}").as_bytes())
}

/// The stream of the identity token with this number.
pub(crate) fn token(number: u64) -> StreamName {
    StreamName::token(
        &slug(0),
        start().plus_seconds(600 + number),
        &digest("jti", number),
    )
}

fn workflow(number: u64) -> Workflow {
    let some = |value: String| Some(text(&value));
    let commit = digest("commit", number).hex()[..40].to_owned();
    Workflow {
        commit: some(commit.clone()),
        environment: some("release".into()),
        job_repository_id: None,
        job_workflow_commit: some(commit.clone()),
        job_workflow_ref: some(format!(
            "owner/repository-{number}/.github/workflows/release.yml@refs/tags/v1.0.{number}"
        )),
        owner_id: some("4242".into()),
        git_ref: some(format!("refs/tags/v1.0.{number}")),
        ref_protected: Some(true),
        ref_type: some("tag".into()),
        repository: text(&format!("owner/repository-{number}")),
        repository_id: text(&format!("{}", 70_000 + number)),
        run_attempt: some("1".into()),
        run_id: some(format!("{}", 9_000_000 + number)),
        runner: some("github-hosted".into()),
        trigger: some("push".into()),
        visibility: some("public".into()),
        workflow_commit: some(commit),
        workflow_ref: some(format!(
            "owner/repository-{number}/.github/workflows/release.yml@refs/tags/v1.0.{number}"
        )),
    }
}

pub(crate) fn publisher(number: u64) -> Publisher {
    Publisher {
        any_ref: number.is_multiple_of(2),
        environment: Some(text("release")),
        owner_id: None,
        provider: slug(number % 3),
        repository: text(&format!("Owner/Repository-{number}")),
        repository_id: number.is_multiple_of(3).then(|| text("70001")),
        workflow: text("release.yml"),
        workflow_repository: None,
    }
}

/// The first event of a ledger.
fn opened() -> Draft {
    let opened = Opened {
        edition: 1,
        format: FORMAT,
        nonce: digest("nonce", 0),
        origin: text("gems.example.org/log/1"),
        rules: Rules::default(),
        visibility: Visibility::Public,
        vkey: text("gems.example.org/log/1+00000000+AA"),
    };
    Draft::new(StreamName::log(), Body::LogOpened(opened))
}

/// A token that was exchanged, some 1,400 bytes as a leaf.
pub(crate) fn exchanged(number: u64) -> Draft {
    let policy = StreamName::policy(&gem(0).folded());
    let exchanged = Exchanged {
        api_key: key_id(number),
        audience: text("gems.example.org"),
        issued_at: start(),
        keys_fetched: start(),
        matches: vec![Match {
            gem: gem(0).folded(),
            policy: reference(policy),
            publisher: PublisherId(1),
        }],
        provider_key: digest("provider key", 1),
        workflow: workflow(number),
    };
    Draft::new(token(number), Body::TokenExchanged(exchanged))
}

pub(crate) fn key_issued(number: u64) -> Draft {
    let issued = Issued {
        digest: digest("key", number),
        expires: Some(start().plus_seconds(900)),
        gem: None,
        holder: if number.is_multiple_of(2) {
            Holder::Exchange(reference(token(number)))
        } else {
            Holder::Account(account_id(number))
        },
        scopes: vec![Scope::PushRubygem, Scope::Read],
    };
    Draft::new(
        StreamName::api_key(key_id(number)),
        Body::ApiKeyIssued(issued),
    )
}

pub(crate) fn account_created(number: u64) -> Draft {
    Draft::new(
        StreamName::account(account_id(number)),
        Body::AccountCreated(account::Created {}),
    )
}

pub(crate) fn provider_registered(number: u64) -> Draft {
    let registered = Registered {
        algorithms: vec![Algorithm::RS256],
        audience: text("gems.example.org"),
        effective: None,
        issuer: text(&format!("https://issuer-{number}.example.org")),
        jwks_uri: text("https://issuer.example.org/jwks"),
        kind: ProviderKind::Github,
        loopback: false,
        mapping: None,
        private_repositories: false,
        required: std::collections::BTreeMap::new(),
    };
    Draft::new(
        StreamName::provider(&slug(number)),
        Body::ProviderRegistered(registered),
    )
}

fn trust_root(number: u64) -> Draft {
    let recorded = trust_root::Recorded {
        digest: digest("root", number),
        issuers: vec![text(&format!("https://issuer-{number}.example.org"))],
        public: number.is_multiple_of(2),
        repository: None,
        requires: trust_root::Requires {
            log: true,
            sct: true,
            timestamp: false,
        },
        size: 7000 + number,
    };
    Draft::new(
        StreamName::trust_root(&slug(number)),
        Body::TrustRootRecorded(recorded),
    )
}

/// A release: version `1.0.<number>` of a gem.
pub(crate) fn pushed(gem_number: u64, number: u64, platform: &str) -> Draft {
    let name = gem(gem_number);
    let version = format!("1.0.{number}");
    let exchange = reference(token(number));
    let pushed = Pushed {
        api_key: key_id(number),
        digest: digest("file", number),
        document: digest("document", number),
        info: IndexLine::parse(&format!(
            "{version} rack:>= 2|checksum:{}",
            digest("file", number).hex()
        ))
        .unwrap(),
        name: name.clone(),
        number: GemVersion::parse(&version).unwrap(),
        platform: Platform::parse(platform).unwrap(),
        policy: reference(StreamName::policy(&name.folded())),
        size: 10_000 + number,
        source: (number % 3 != 2).then(|| Source {
            exchange,
            publisher: PublisherId(1),
            workflow: workflow(number),
        }),
        statement: None,
    };
    Draft::new(StreamName::gem(&name.folded()), Body::ReleasePushed(pushed))
}

fn file_taken(gem_number: u64, number: u64, platform: &str) -> Draft {
    let file = FullName::compose(
        &gem(gem_number),
        &GemVersion::parse(&format!("1.0.{number}")).unwrap(),
        &Platform::parse(platform).unwrap(),
    )
    .unwrap();
    Draft::new(StreamName::file(&file), Body::FileTaken(FileTaken { file }))
}

/// One command of a random history, by small numbers so that commands meet.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Account(u64),
    AccountDisabled(u64),
    Provider(u64),
    ProviderDisabled(u64),
    Gem(u64),
    Publisher(u64, u64),
    PublisherOfPending(u64, u64),
    Pending(u64, u64),
    PendingRemoved(u64, u64),
    Pinned(u64, u64),
    PublisherRemoved(u64, u64),
    Exchange(u64),
    Revoke(u64),
    Push(u64, u64, bool),
    PushDenied(u64),
    Quarantine(u64, u64, bool),
    Restore(u64, u64, bool),
    Opened,
    Rules,
    Erased(u64),
    TrustRoot(u64),
    TrustRootRetired(u64),
}

pub(crate) fn any_step() -> impl Strategy<Value = Step> {
    let number = || 0_u64..4;
    prop_oneof![
        1 => number().prop_map(Step::Account),
        1 => number().prop_map(Step::AccountDisabled),
        1 => number().prop_map(Step::Provider),
        1 => number().prop_map(Step::ProviderDisabled),
        1 => number().prop_map(Step::Gem),
        1 => (number(), number()).prop_map(|(gem, n)| Step::Publisher(gem, n)),
        1 => (number(), number()).prop_map(|(gem, n)| Step::PublisherOfPending(gem, n)),
        1 => (number(), number()).prop_map(|(gem, n)| Step::Pending(gem, n)),
        1 => (number(), number()).prop_map(|(gem, n)| Step::PendingRemoved(gem, n)),
        1 => (number(), number()).prop_map(|(gem, n)| Step::Pinned(gem, n)),
        1 => (number(), number()).prop_map(|(gem, n)| Step::PublisherRemoved(gem, n)),
        1 => (0_u64..40).prop_map(Step::Exchange),
        1 => (0_u64..40).prop_map(Step::Revoke),
        8 => (number(), 0_u64..30, any::<bool>()).prop_map(|(gem, n, java)| Step::Push(gem, n, java)),
        1 => number().prop_map(Step::PushDenied),
        3 => (number(), 0_u64..30, any::<bool>()).prop_map(|(gem, n, java)| Step::Quarantine(gem, n, java)),
        2 => (number(), 0_u64..30, any::<bool>()).prop_map(|(gem, n, java)| Step::Restore(gem, n, java)),
        1 => Just(Step::Opened),
        1 => Just(Step::Rules),
        1 => number().prop_map(Step::Erased),
        1 => number().prop_map(Step::TrustRoot),
        1 => number().prop_map(Step::TrustRootRetired),
    ]
}

/// Commands by transaction.
pub(crate) fn any_history() -> impl Strategy<Value = Vec<Vec<Step>>> {
    prop::collection::vec(prop::collection::vec(any_step(), 1..8), 1..12)
}

impl Step {
    /// The events of this command.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other entries are written elsewhere"
    )]
    pub(crate) fn drafts(&self) -> Vec<Draft> {
        match *self {
            Self::Account(n) => vec![account_created(n)],
            Self::AccountDisabled(n) => vec![Draft::new(
                StreamName::account(account_id(n)),
                Body::AccountDisabled(account::Disabled {}),
            )],
            Self::Provider(n) => vec![
                provider_registered(n),
                Draft::new(
                    StreamName::issuer(&format!("https://issuer-{n}.example.org")),
                    Body::IssuerTaken(IssuerTaken {
                        issuer: text(&format!("https://issuer-{n}.example.org")),
                        provider: slug(n),
                    }),
                ),
            ],
            Self::ProviderDisabled(n) => vec![Draft::new(
                StreamName::provider(&slug(n)),
                Body::ProviderDisabled(provider::Disabled {}),
            )],
            Self::Exchange(n) => vec![exchanged(n), key_issued(n)],
            Self::Revoke(n) => vec![Draft::new(
                StreamName::api_key(key_id(n)),
                Body::ApiKeyRevoked(Revoked {
                    reason: Reason::Holder,
                }),
            )],
            Self::Push(gem, n, java) => {
                let platform = if java { "java" } else { "ruby" };
                vec![pushed(gem, n, platform), file_taken(gem, n, platform)]
            }
            Self::Opened => vec![opened()],
            Self::Rules => vec![Draft::new(
                StreamName::log(),
                Body::LogRulesChanged(RulesChanged {
                    edition: 1,
                    rules: Rules::default(),
                }),
            )],
            Self::TrustRoot(n) => vec![trust_root(n)],
            Self::TrustRootRetired(n) => vec![Draft::new(
                StreamName::trust_root(&slug(n)),
                Body::TrustRootRetired(trust_root::Retired {}),
            )],
            Self::Erased(n) => vec![Draft::new(
                StreamName::log(),
                Body::SubjectErased(SubjectErased {
                    subject: StreamName::account(account_id(n)),
                }),
            )],
            _ => self.policy_drafts(),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other entries are written elsewhere"
    )]
    fn policy_drafts(&self) -> Vec<Draft> {
        let (number, body) = match *self {
            Self::Gem(n) => (n, Body::GemRegistered(GemRegistered { name: gem(n) })),
            Self::Publisher(g, n) => (g, publisher_added(None, n)),
            Self::PublisherOfPending(g, n) => (g, publisher_added(Some(n), n)),
            Self::Pending(g, n) => {
                let added = PendingAdded {
                    expires: start().plus_seconds(n),
                    name: gem(g),
                    owner: Owner::Operator,
                    publisher: publisher(n),
                };
                (g, Body::PendingAdded(added))
            }
            Self::PendingRemoved(g, n) => {
                let publisher = PublisherId(n);
                (g, Body::PendingRemoved(PendingRemoved { publisher }))
            }
            Self::Pinned(g, n) => {
                let pinned = PublisherPinned {
                    owner_id: None,
                    publisher: PublisherId(n),
                    repository_id: text(&format!("{n}")),
                };
                (g, Body::PublisherPinned(pinned))
            }
            Self::PublisherRemoved(g, n) => {
                let publisher = PublisherId(n);
                (g, Body::PublisherRemoved(PublisherRemoved { publisher }))
            }
            Self::PushDenied(n) => return vec![push_denied(n)],
            Self::Quarantine(gem, n, java) => return vec![quarantined(gem, n, java)],
            Self::Restore(gem, n, java) => return vec![restored(gem, n, java)],
            _ => return Vec::new(),
        };
        let folded = gem(number).folded();
        let mut drafts = vec![Draft::new(StreamName::policy(&folded), body)];
        if matches!(self, Self::Gem(_)) {
            let owner = Owner::Operator;
            drafts.push(Draft::new(
                StreamName::policy(&folded),
                Body::OwnerAdded(OwnerAdded {
                    effective: None,
                    owner,
                }),
            ));
            let name = gem(number);
            drafts.push(Draft::new(
                StreamName::name(&folded),
                Body::NameTaken(NameTaken { name }),
            ));
        }
        drafts
    }
}

fn publisher_added(pending: Option<u64>, number: u64) -> Body {
    Body::PublisherAdded(PublisherAdded {
        effective: None,
        pending: pending.map(PublisherId),
        publisher: publisher(number),
    })
}

fn platform(java: bool) -> Platform {
    Platform::parse(if java { "java" } else { "ruby" }).unwrap()
}

/// A release is withheld, whether there is one or not.
pub(crate) fn quarantined(gem_number: u64, number: u64, java: bool) -> Draft {
    let name = gem(gem_number);
    let body = Body::ReleaseQuarantined(Quarantined {
        digest: digest("file", number),
        name: name.clone(),
        number: GemVersion::parse(&format!("1.0.{number}")).unwrap(),
        platform: platform(java),
        reason: text("pushed by a stolen key"),
    });
    Draft::new(StreamName::gem(&name.folded()), body)
}

/// A release is served again, whether it was withheld or not.
pub(crate) fn restored(gem_number: u64, number: u64, java: bool) -> Draft {
    let name = gem(gem_number);
    let body = Body::ReleaseRestored(Restored {
        digest: digest("file", number),
        name: name.clone(),
        number: GemVersion::parse(&format!("1.0.{number}")).unwrap(),
        platform: platform(java),
        reason: None,
    });
    Draft::new(StreamName::gem(&name.folded()), body)
}

fn push_denied(number: u64) -> Draft {
    let denied = PushDenied {
        api_key: key_id(number),
        code: text("policy_changed"),
        count: 1,
        expected: None,
        found: None,
        publisher: PublisherId(number),
    };
    Draft::new(
        StreamName::denied(&gem(number).folded()),
        Body::PushDenied(denied),
    )
}

/// A draft whose leaf is far too long to have a place in the log.
pub(crate) fn too_long() -> Draft {
    let scopes = vec![Scope::ConfigureTrustedPublishers; 3000];
    let issued = Issued {
        digest: digest("key", 0),
        expires: None,
        gem: None,
        holder: Holder::Account(account_id(0)),
        scopes,
    };
    Draft::new(StreamName::api_key(key_id(0)), Body::ApiKeyIssued(issued))
}

/// A draft that seals one value.
pub(crate) fn sealing(mut draft: Draft, commitment: Digest) -> Draft {
    draft.sealed = Sealed::from([(text("value"), commitment)]);
    draft
}
