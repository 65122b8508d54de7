//! One event of every type, and of some a second one with other fields present: the story of a first release.
use events::{
    Body, Event, account, api_key,
    api_key::{Holder, Reason, Scope},
    denied::{ExchangeDenied, PushDenied},
    digest::Digest,
    event::Sealed,
    gem::{FileTaken, NameTaken, Pushed, Quarantined, Restored},
    id::{Actor, Owner, PublisherId, RequestId, Via},
    log::{FORMAT, Known, Opened, Rules, RulesChanged, SubjectErased, Succeeded, Visibility},
    map::Rooted,
    platform::FullName,
    policy::{
        GemRegistered, OwnerAdded, PendingAdded, PendingRemoved, PublisherAdded, PublisherPinned,
        PublisherRemoved,
    },
    provider::{Disabled, IssuerTaken, KeyDistrusted, KeysObserved},
    stream::StreamName,
    time::Timestamp,
    token::{Exchanged, Match},
};

use crate::attested;
use crate::parts::{
    account, api_key, gem, generic, github, keys, moment, provisional, publisher, pushed, rake,
    reference, registered, some, text, token, workflow,
};

/// A sample, and what sets it apart from the other one of its type.
pub(crate) struct Sample {
    pub(crate) variant: Option<&'static str>,
    pub(crate) event: Event,
}

impl Sample {
    /// The name of its vector: the type, the version of its data, and the variant.
    pub(crate) fn name(&self) -> String {
        let kind = self.event.body.event_type();
        let variant = self.variant.map(|variant| format!(".{variant}"));
        format!(
            "{}.v{}{}",
            kind.name,
            kind.version,
            variant.unwrap_or_default()
        )
    }
}

fn stream_of(body: &Body) -> StreamName {
    match body {
        Body::LogOpened(_)
        | Body::LogRulesChanged(_)
        | Body::LogSucceeded(_)
        | Body::SubjectErased(_)
        | Body::StatementKeyIntroduced(_) => StreamName::log(),
        Body::TrustRootRecorded(_) | Body::TrustRootRetired(_) => {
            StreamName::trust_root(&attested::root_slug())
        }
        Body::ProviderRegistered(_)
        | Body::ProviderKeysObserved(_)
        | Body::ProviderKeyDistrusted(_)
        | Body::ProviderDisabled(_) => StreamName::provider(&github()),
        Body::IssuerTaken(taken) => StreamName::issuer(taken.issuer.as_str()),
        Body::AccountCreated(_) | Body::AccountDisabled(_) => StreamName::account(account()),
        Body::GemRegistered(_)
        | Body::OwnerAdded(_)
        | Body::OwnerRemoved(_)
        | Body::RuleChanged(_)
        | Body::ChangeCancelled(_)
        | Body::OverrideProposed(_)
        | Body::PolicyOverridden(_)
        | Body::PublisherAdded(_)
        | Body::PublisherPinned(_)
        | Body::PublisherRemoved(_)
        | Body::PendingAdded(_)
        | Body::PendingRemoved(_) => StreamName::policy(&gem()),
        Body::TokenExchanged(_) | Body::EvidenceOpened(_) => token(),
        Body::ExchangeDenied(_) | Body::PushDenied(_) => StreamName::denied(&gem()),
        Body::ApiKeyIssued(_) | Body::ApiKeyRevoked(_) => StreamName::api_key(api_key()),
        Body::ReleasePushed(_)
        | Body::ReleaseAttested(_)
        | Body::ReleaseCompared(_)
        | Body::ReleaseQuarantined(_)
        | Body::ReleaseRestored(_) => StreamName::gem(&gem()),
        Body::NameTaken(_) => StreamName::name(&gem()),
        Body::FileTaken(taken) => StreamName::file(&taken.file),
        Body::MapRooted(_) => StreamName::map(moment(0)),
    }
}

pub(crate) fn sample(actor: &Actor, revision: u64, body: Body) -> Sample {
    let sealed = |name: &str| Sealed::from([(text(name), Digest::of_parts(&[7; 32], b"value"))]);
    Sample {
        variant: None,
        event: Event {
            actor: actor.clone(),
            request: RequestId::parse("01938a3e-5c7b-7000-8000-000000000001").unwrap(),
            revision,
            sealed: if matches!(body, Body::AccountCreated(_)) {
                sealed("handle")
            } else if matches!(body, Body::TokenExchanged(_)) {
                sealed("jwt")
            } else {
                Sealed::new()
            },
            stream: stream_of(&body),
            time: moment(0),
            via: match actor {
                Actor::Operator => Via::Console,
                Actor::Account(_) | Actor::Workflow(..) => Via::Http,
            },
            body,
        },
    }
}

pub(crate) fn variant(name: &'static str, sample: Sample) -> Sample {
    Sample {
        variant: Some(name),
        ..sample
    }
}

/// Every sample, in the order of the vocabulary.
pub(crate) fn samples() -> Vec<Sample> {
    [
        ledger(),
        providers(),
        accounts(),
        policies(),
        jobs(),
        api_keys(),
        releases(),
        roots(),
        attested::ledger(),
        attested::policies(),
        attested::releases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The settings of edition 1.
fn first_rules() -> Rules {
    Rules {
        loosening_delay_seconds: None,
        ..Rules::default()
    }
}

fn ledger() -> Vec<Sample> {
    let operator = &Actor::Operator;
    let opened = Opened {
        edition: 1,
        format: FORMAT,
        nonce: Digest::of(b"nonce"),
        origin: text("gems.example.com/log/1"),
        rules: first_rules(),
        visibility: Visibility::Public,
        vkey: text("gems.example.com/log/1+30820a1b+ATYXKcIIkmZCLbjOIJjDGdS8LRgkQXcs1kSxKMhwhnGT"),
    };
    let private = Opened {
        visibility: Visibility::Private,
        ..opened.clone()
    };
    let changed = RulesChanged {
        edition: 1,
        rules: Rules {
            key_lifetime_seconds: 600,
            ..first_rules()
        },
    };
    let erased = SubjectErased {
        subject: StreamName::account(account()),
    };
    let succeeded = Succeeded {
        known: Some(Known {
            root: Digest::of(b"root of nine"),
            size: 9,
        }),
        old_origin: opened.origin.clone(),
        old_vkey: opened.vkey.clone(),
        origin: text("gems.example.com/log/2"),
        reason: text("the disk was lost and the backup was older"),
        root: Digest::of(b"root of seven"),
        size: 7,
        vkey: text("gems.example.com/log/2+f0e32066+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"),
    };
    vec![
        sample(operator, 0, Body::LogOpened(opened)),
        variant("private", sample(operator, 0, Body::LogOpened(private))),
        sample(operator, 1, Body::LogRulesChanged(changed)),
        sample(operator, 2, Body::SubjectErased(erased)),
        sample(operator, 3, Body::LogSucceeded(succeeded.clone())),
        variant(
            "unknown",
            sample(
                operator,
                3,
                Body::LogSucceeded(Succeeded {
                    known: None,
                    ..succeeded
                }),
            ),
        ),
    ]
}

fn providers() -> Vec<Sample> {
    let operator = &Actor::Operator;
    let mut observed = sample(
        operator,
        1,
        Body::ProviderKeysObserved(KeysObserved { keys: keys() }),
    );
    observed.event.via = Via::Server;
    let distrusted = KeyDistrusted {
        kid: text("2011-04-29"),
        thumbprint: keys()[0].thumbprint,
    };
    let taken = IssuerTaken {
        issuer: registered().issuer,
        provider: github(),
    };
    vec![
        sample(operator, 0, Body::ProviderRegistered(registered())),
        variant(
            "generic",
            sample(operator, 0, Body::ProviderRegistered(generic())),
        ),
        observed,
        sample(operator, 2, Body::ProviderKeyDistrusted(distrusted)),
        sample(operator, 3, Body::ProviderDisabled(Disabled {})),
        sample(operator, 0, Body::IssuerTaken(taken)),
    ]
}

fn accounts() -> Vec<Sample> {
    let operator = &Actor::Operator;
    vec![
        sample(operator, 0, Body::AccountCreated(account::Created {})),
        sample(operator, 1, Body::AccountDisabled(account::Disabled {})),
    ]
}

fn policies() -> Vec<Sample> {
    let (owner, job) = (
        &Actor::Account(account()),
        &Actor::Workflow(github(), text("6034170")),
    );
    let added = |pending, publisher| {
        Body::PublisherAdded(PublisherAdded {
            effective: None,
            pending,
            publisher,
        })
    };
    let pinned = PublisherPinned {
        owner_id: some("210414"),
        publisher: PublisherId(3),
        repository_id: text("6034170"),
    };
    let waiting = PendingAdded {
        expires: moment(7 * 86_400),
        name: rake(),
        owner: Owner::Account(account()),
        publisher: provisional(),
    };
    let of_operator = PendingAdded {
        owner: Owner::Operator,
        ..waiting.clone()
    };
    let publisher_id = PublisherId(3);
    vec![
        sample(job, 1, Body::GemRegistered(GemRegistered { name: rake() })),
        sample(
            job,
            2,
            Body::OwnerAdded(OwnerAdded {
                effective: None,
                owner: waiting.owner,
            }),
        ),
        sample(owner, 5, added(None, publisher())),
        variant(
            "pending",
            sample(job, 3, added(Some(PublisherId(0)), provisional())),
        ),
        sample(job, 4, Body::PublisherPinned(pinned)),
        sample(
            owner,
            6,
            Body::PublisherRemoved(PublisherRemoved {
                publisher: publisher_id,
            }),
        ),
        sample(owner, 0, Body::PendingAdded(waiting)),
        variant(
            "operator",
            sample(&Actor::Operator, 0, Body::PendingAdded(of_operator)),
        ),
        sample(
            owner,
            1,
            Body::PendingRemoved(PendingRemoved {
                publisher: PublisherId(0),
            }),
        ),
    ]
}

fn jobs() -> Vec<Sample> {
    let job = &Actor::Workflow(github(), text("6034170"));
    let exchanged = Exchanged {
        api_key: api_key(),
        audience: text("gems.example.com"),
        issued_at: Timestamp::from_seconds(moment(0).seconds()),
        keys_fetched: Timestamp::from_millis(moment(0).millis() - 61_502),
        matches: vec![Match {
            gem: gem(),
            policy: reference(StreamName::policy(&gem()), 0),
            publisher: PublisherId(0),
        }],
        provider_key: keys()[0].thumbprint,
        workflow: workflow(),
    };
    let exchange_denied = ExchangeDenied {
        code: text("workflow_mismatch"),
        count: 3,
        expected: some("release.yml"),
        found: some("ci.yml"),
        provider: github(),
        publisher: PublisherId(3),
        repository_id: text("6034170"),
        run_id: some("17000000001"),
    };
    let push_denied = PushDenied {
        api_key: api_key(),
        code: text("one_version_per_key"),
        count: 1,
        expected: some("13.2.1"),
        found: some("13.3.0"),
        publisher: PublisherId(3),
    };
    vec![
        sample(job, 0, Body::TokenExchanged(exchanged)),
        sample(job, 0, Body::ExchangeDenied(exchange_denied)),
        sample(job, 1, Body::PushDenied(push_denied)),
    ]
}

fn api_keys() -> Vec<Sample> {
    let job = &Actor::Workflow(github(), text("6034170"));
    let minted = api_key::Issued {
        digest: Digest::of(b"key"),
        expires: Some(moment(900)),
        gem: None,
        holder: Holder::Exchange(reference(token(), 0)),
        scopes: vec![Scope::PushRubygem],
    };
    let long = api_key::Issued {
        expires: None,
        gem: Some(gem()),
        holder: Holder::Account(account()),
        scopes: vec![
            Scope::ConfigureTrustedPublishers,
            Scope::IndexRubygems,
            Scope::PushRubygem,
            Scope::Read,
            Scope::YankRubygem,
        ],
        ..minted.clone()
    };
    let of_policies = api_key::Issued {
        scopes: Scope::ALL.to_vec(),
        ..long.clone()
    };
    let revoked = |reason| Body::ApiKeyRevoked(api_key::Revoked { reason });
    vec![
        sample(job, 0, Body::ApiKeyIssued(minted)),
        variant(
            "account",
            sample(&Actor::Operator, 0, Body::ApiKeyIssued(long)),
        ),
        variant(
            "policies",
            sample(&Actor::Operator, 0, Body::ApiKeyIssued(of_policies)),
        ),
        sample(job, 1, revoked(Reason::Holder)),
        variant(
            "operator",
            sample(&Actor::Operator, 1, revoked(Reason::Operator)),
        ),
    ]
}

fn releases() -> Vec<Sample> {
    let (owner, job) = (
        &Actor::Account(account()),
        &Actor::Workflow(github(), text("6034170")),
    );
    let by_owner = Pushed {
        source: None,
        ..pushed()
    };
    let file = FullName::try_from(String::from("Rake-13.2.1")).unwrap();
    let release = pushed();
    let quarantined = Quarantined {
        digest: release.digest,
        name: rake(),
        number: release.number.clone(),
        platform: release.platform.clone(),
        reason: text("pushed by a stolen workflow"),
    };
    let restored = |reason| {
        Body::ReleaseRestored(Restored {
            digest: release.digest,
            name: rake(),
            number: release.number.clone(),
            platform: release.platform.clone(),
            reason,
        })
    };
    vec![
        sample(job, 0, Body::ReleasePushed(pushed())),
        variant("account", sample(owner, 0, Body::ReleasePushed(by_owner))),
        sample(&Actor::Operator, 1, Body::ReleaseQuarantined(quarantined)),
        sample(
            &Actor::Operator,
            2,
            restored(some("rebuilt from the same commit, byte for byte")),
        ),
        variant("unexplained", sample(&Actor::Operator, 2, restored(None))),
        sample(job, 0, Body::NameTaken(NameTaken { name: rake() })),
        sample(job, 0, Body::FileTaken(FileTaken { file })),
    ]
}

fn roots() -> Vec<Sample> {
    let rooted = Rooted {
        gems: 2,
        root: Digest::of(b"root"),
        through: 1_000_000,
    };
    let mut rooted = sample(&Actor::Operator, 0, Body::MapRooted(rooted));
    rooted.event.via = Via::Server;
    vec![rooted]
}
