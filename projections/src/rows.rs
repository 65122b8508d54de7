//! One event, the writes it means: every table except the compact index, whose bytes need a fold.
use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};
use events::{
    Body, Recorded,
    api_key::{Holder, Issued, Scope},
    canonical,
    claims::ProviderKind,
    gem::{Compared, Pushed, Quarantined, Restored},
    id::{ChangeId, PublisherId},
    platform::{FullName, Platform},
    policy::Publisher,
    provider::Registered,
    text::Text,
    trust_root::Recorded as RecordedRoot,
    version::GemVersion,
};

use crate::{
    tables::{ACCOUNT, API_KEY, COMPARISON, GEM, PROVIDER, PUBLISHER, RELEASE, TRUST_ROOT},
    write::{Cell, Cells, Write},
};

mod attested;
mod policy_change;

/// The writes that this event means.
#[expect(clippy::too_many_lines, reason = "one line for each type of event")]
pub fn project(recorded: &Recorded) -> Vec<Write> {
    let event = &recorded.event;
    let rest = event.stream.rest();
    let time = Cell::from(event.time.millis());
    match &event.body {
        Body::ProviderRegistered(registered) => vec![provider(rest, registered)],
        Body::ProviderDisabled(_) => vec![flag(PROVIDER, ("slug", rest), "disabled")],
        Body::TrustRootRecorded(root) => vec![trust_root(rest, event.revision, root)],
        Body::TrustRootRetired(_) => vec![flag(TRUST_ROOT, ("slug", rest), "retired")],
        Body::AccountCreated(_) => {
            vec![put(
                ACCOUNT,
                vec![("id", rest.into())],
                vec![("created_at", time)],
            )]
        }
        Body::AccountDisabled(_) => vec![flag(ACCOUNT, ("id", rest), "disabled")],
        Body::GemRegistered(registered) => {
            let name = ("name", registered.name.as_str().into());
            vec![put(
                GEM,
                vec![("gem", rest.into())],
                vec![name, ("registered_at", time)],
            )]
        }
        Body::PublisherAdded(added) => {
            let id = PublisherId(event.revision);
            let mut writes = vec![publisher(rest, id, &added.publisher)];
            writes.extend(added.pending.map(|pending| no_publisher(rest, pending)));
            writes.extend(policy_change::declared(event));
            writes
        }
        Body::PendingAdded(added) => {
            vec![publisher(
                rest,
                PublisherId(event.revision),
                &added.publisher,
            )]
        }
        Body::PublisherPinned(pinned) => {
            let set = vec![("repository_id", pinned.repository_id.as_str().into())];
            vec![put(PUBLISHER, publisher_key(rest, pinned.publisher), set)]
        }
        Body::OwnerAdded(_) | Body::OwnerRemoved(_) | Body::RuleChanged(_) => {
            policy_change::declared(event).into_iter().collect()
        }
        Body::ChangeCancelled(cancelled) => vec![
            // Where the change was a publisher's addition.
            no_publisher(rest, PublisherId(cancelled.change.0)),
            policy_change::ended(event, cancelled.change, "cancelled_at"),
        ],
        Body::PolicyOverridden(overridden) => vec![policy_change::ended(
            event,
            overridden.change,
            "overridden_at",
        )],
        Body::PublisherRemoved(removed) => vec![
            no_publisher(rest, removed.publisher),
            policy_change::ended(event, ChangeId(removed.publisher.0), "removed_at"),
        ],
        Body::PendingRemoved(removed) => vec![no_publisher(rest, removed.publisher)],
        Body::ApiKeyIssued(issued) => vec![api_key(rest, issued)],
        Body::ApiKeyRevoked(_) => vec![flag(API_KEY, ("id", rest), "revoked")],
        Body::ReleasePushed(pushed) => release(recorded, pushed).into(),
        Body::ReleaseAttested(bundle) => vec![attested::attested(recorded, bundle)],
        Body::ReleaseCompared(compared) => vec![comparison(recorded, compared)],
        Body::ReleaseQuarantined(gone) => vec![quarantined(recorded, gone)],
        Body::ReleaseRestored(back) => vec![restored(rest, back)],
        Body::LogOpened(_)
        | Body::LogRulesChanged(_)
        | Body::LogSucceeded(_)
        | Body::SubjectErased(_)
        | Body::StatementKeyIntroduced(_)
        | Body::OverrideProposed(_)
        | Body::EvidenceOpened(_)
        | Body::ProviderKeysObserved(_)
        | Body::ProviderKeyDistrusted(_)
        | Body::IssuerTaken(_)
        | Body::TokenExchanged(_)
        | Body::ExchangeDenied(_)
        | Body::PushDenied(_)
        | Body::NameTaken(_)
        | Body::FileTaken(_)
        | Body::MapRooted(_) => Vec::new(),
    }
}

fn put(table: &'static str, key: Cells, set: Cells) -> Write {
    Write::Put { table, key, set }
}

fn flag(table: &'static str, (key, value): (&'static str, &str), column: &'static str) -> Write {
    put(
        table,
        vec![(key, value.into())],
        vec![(column, 1_u64.into())],
    )
}

fn no_publisher(gem: &str, id: PublisherId) -> Write {
    Write::Delete {
        table: PUBLISHER,
        key: publisher_key(gem, id),
    }
}

fn provider(slug: &str, registered: &Registered) -> Write {
    let kind = match registered.kind {
        ProviderKind::Generic => "generic",
        ProviderKind::Github => "github",
        ProviderKind::Gitlab => "gitlab",
    };
    let mut set = vec![
        ("issuer", registered.issuer.as_str().into()),
        ("kind", kind.into()),
    ];
    // Settings that wait take nothing back before their time.
    if registered.effective.is_none() {
        set.push(("disabled", 0_u64.into()));
    }
    put(PROVIDER, vec![("slug", slug.into())], set)
}

fn trust_root(slug: &str, revision: u64, root: &RecordedRoot) -> Write {
    let issuers: Vec<&str> = root.issuers.iter().map(Text::as_str).collect();
    // Texts have one spelling in canonical JSON: the writer cannot fail on them.
    let issuers = canonical::to_bytes(&issuers).unwrap_or_default();
    let (requires, repository) = (&root.requires, root.repository.as_ref());
    let text = |text: Option<String>| Cell::from(text);
    let set = vec![
        ("revision", revision.into()),
        ("digest", root.digest.hex().into()),
        ("size", root.size.into()),
        (
            "issuers",
            String::from_utf8_lossy(&issuers).into_owned().into(),
        ),
        ("public", u64::from(root.public).into()),
        ("requires_log", u64::from(requires.log).into()),
        ("requires_sct", u64::from(requires.sct).into()),
        ("requires_timestamp", u64::from(requires.timestamp).into()),
        (
            "repository",
            text(repository.map(|from| from.url.to_string())),
        ),
        (
            "bootstrap",
            text(repository.map(|from| from.bootstrap.hex())),
        ),
        ("retired", 0_u64.into()),
    ];
    put(TRUST_ROOT, vec![("slug", slug.into())], set)
}

fn publisher_key(gem: &str, id: PublisherId) -> Cells {
    vec![("gem", gem.into()), ("id", id.0.into())]
}

fn publisher(gem: &str, id: PublisherId, publisher: &Publisher) -> Write {
    let set = vec![
        ("provider", publisher.provider.as_str().into()),
        (
            "repository",
            publisher.repository.as_str().to_ascii_lowercase().into(),
        ),
        (
            "repository_id",
            publisher
                .repository_id
                .as_ref()
                .map(|id| id.as_str().to_string())
                .into(),
        ),
    ];
    put(PUBLISHER, publisher_key(gem, id), set)
}

fn api_key(id: &str, issued: &Issued) -> Write {
    let (account, exchange) = match &issued.holder {
        Holder::Account(account) => (Cell::from(account.to_string()), Cell::Null),
        Holder::Exchange(exchange) => (Cell::Null, Cell::from(exchange.stream.as_str())),
    };
    let scopes: Vec<&str> = issued.scopes.iter().copied().map(Scope::as_str).collect();
    let set = vec![
        ("digest", issued.digest.hex().into()),
        ("account", account),
        ("exchange", exchange),
        ("scopes", scopes.join(" ").into()),
        (
            "gem",
            issued
                .gem
                .as_ref()
                .map(|gem| gem.as_str().to_string())
                .into(),
        ),
        (
            "expires_at",
            issued.expires.map(events::time::Timestamp::millis).into(),
        ),
    ];
    put(API_KEY, vec![("id", id.into())], set)
}

/// The full name of a release's file. Its parts were composed once before the push was accepted.
pub fn full_name(pushed: &Pushed) -> String {
    FullName::compose(&pushed.name, &pushed.number, &pushed.platform)
        .map_or_else(|_| String::new(), Into::into)
}

fn comparison(recorded: &Recorded, compared: &Compared) -> Write {
    let event = &recorded.event;
    let mut key = release_key(event.stream.rest(), &compared.number, &compared.platform);
    key.push(("statement", compared.statement.hex().into()));
    let set = vec![
        ("log_index", recorded.index.into()),
        ("compared_at", event.time.millis().into()),
        ("actor", event.actor.to_string().into()),
        ("commit_id", compared.commit.as_str().into()),
        ("verdict", compared.verdict.as_str().into()),
        ("files_only", u64::from(compared.files_only).into()),
        ("same", compared.same.into()),
        ("explained", compared.explained.into()),
        ("by_word", compared.by_word.into()),
        ("changed", compared.changed.into()),
        ("extra", compared.extra.into()),
        ("left_out", compared.left_out.into()),
        ("metadata", compared.metadata.into()),
        ("not_compared", compared.not_compared.into()),
    ];
    put(COMPARISON, key, set)
}

fn quarantined(recorded: &Recorded, gone: &Quarantined) -> Write {
    let set = vec![
        ("quarantined_at", recorded.event.time.millis().into()),
        ("quarantine_index", recorded.index.into()),
        ("quarantine_reason", gone.reason.as_str().into()),
    ];
    let gem = recorded.event.stream.rest();
    put(RELEASE, release_key(gem, &gone.number, &gone.platform), set)
}

fn restored(gem: &str, back: &Restored) -> Write {
    let columns = ["quarantined_at", "quarantine_index", "quarantine_reason"];
    let set = columns.map(|column| (column, Cell::Null)).into();
    put(RELEASE, release_key(gem, &back.number, &back.platform), set)
}

fn release_key(gem: &str, number: &GemVersion, platform: &Platform) -> Cells {
    vec![
        ("gem", gem.into()),
        ("number", number.as_str().into()),
        ("platform", platform.as_str().into()),
    ]
}

fn release(recorded: &Recorded, pushed: &Pushed) -> [Write; 3] {
    let event = &recorded.event;
    let gem = event.stream.rest();
    let source = pushed.source.as_ref();
    let workflow = source.map(|source| &source.workflow);
    let text = |text: Option<&Text>| Cell::from(text.map(|text| text.as_str().to_string()));
    let provider = source
        .and_then(|source| source.exchange.stream.token_parts())
        .map(|(slug, ..)| String::from(slug));
    let key = release_key(gem, &pushed.number, &pushed.platform);
    let set = vec![
        ("file", full_name(pushed).into()),
        ("log_index", recorded.index.into()),
        ("revision", event.revision.into()),
        ("released_at", event.time.millis().into()),
        ("digest", pushed.digest.hex().into()),
        ("document", pushed.document.hex().into()),
        ("size", pushed.size.into()),
        ("provider", provider.into()),
        (
            "repository",
            text(workflow.map(|workflow| &workflow.repository)),
        ),
        (
            "commit_id",
            text(workflow.and_then(|workflow| workflow.commit.as_ref())),
        ),
        (
            "run_id",
            text(workflow.and_then(|workflow| workflow.run_id.as_ref())),
        ),
    ];
    let newest = vec![
        ("updated_at", event.time.millis().into()),
        ("latest_number", pushed.number.as_str().into()),
        ("document", pushed.document.hex().into()),
    ];
    let gem_key = vec![("gem", Cell::from(gem))];
    [
        put(RELEASE, key, set),
        put(GEM, gem_key.clone(), newest),
        Write::Add {
            table: GEM,
            key: gem_key,
            column: "releases",
            by: 1,
        },
    ]
}
