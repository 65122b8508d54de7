//! Exchanges and pushes: their facts and states, from the events that they led to.
use alloc::vec::Vec;
use events::{
    Body,
    api_key::{Holder, Issued},
    digest::Digest,
    event::Draft,
    gem::Pushed,
    id::{AccountId, ApiKeyId},
    platform::FullName,
    stream::{StreamKind, StreamName},
    text::Slug,
    time::Timestamp,
    token::{Exchanged, Match},
};

use super::{
    command::{Case, Fault},
    keys::{Pusher, is_stream_of},
};
use crate::{
    Code, Denial,
    api_key::ApiKey,
    attestation, exchange,
    push::{self, Verdict},
    taken::Taken,
    token::{Stated, Token},
    trust_root::TrustRoot,
};

/// What the exchange had to lead to, or nothing if that is what stands there.
pub(super) fn exchange(
    case: &Case<'_>,
    exchanged: &Exchanged,
    issued: &Issued,
) -> Result<Option<Vec<Draft>>, Fault> {
    let first = case.group.recorded().first();
    let first = first.map_or(case.last, |first| &first.event);
    let (provider, expires_at, token) =
        first.stream.token_parts().ok_or_else(|| case.misplaced())?;
    if !exchanged.matches.is_sorted_by(|a, b| a.gem < b.gem) {
        return Err(Fault::new(
            "events",
            "its matches are repeated or out of order",
        ));
    }
    if case.group.existed_before(1) {
        return Err(Code::AlreadyExists.into());
    }
    let (world, now) = (case.world, case.last.time);
    let policy = |found: &'_ Match| world.policy(&found.gem);
    let states = exchange::States {
        ledger: &world.ledger,
        provider: world.provider(&provider),
        token: &spent(case, exchanged),
        policies: exchanged
            .matches
            .iter()
            .map(|found| (&found.gem, policy(found)))
            .collect(),
    };
    let rulebook = world.ledger.rulebook()?;
    let lawful = exchange::judge(
        &rulebook,
        &states,
        &identity(exchanged, &provider, expires_at),
        now,
    )
    .map_err(|turned| turned.denial)?;
    // Every other field is a fact that was judged. Half of a log is exchanges: they are not written again to compare.
    let same = case.group.recorded().len() == 2
        && exchanged.matches == lawful
        && is_stream_of(&case.last.stream, exchanged.api_key)
        && *issued == exchange::minted(&rulebook, &first.stream, issued.digest, now)
        && case.last.sealed.is_empty();
    if same {
        return Ok(None);
    }
    let facts = facts(exchanged, issued, provider.clone(), expires_at, token);
    exchange::decide(&states, &facts, first.sealed.clone(), now)
        .map(Some)
        .map_err(|turned| turned.denial.into())
}

/// The token before this exchange.
fn spent(case: &Case<'_>, exchanged: &Exchanged) -> Token {
    Token {
        exchanged: case.group.existed_before(0).then(|| Stated {
            provider_key: exchanged.provider_key,
            workflow: exchanged.workflow.clone(),
        }),
    }
}

fn identity<'a>(
    exchanged: &'a Exchanged,
    provider: &'a Slug,
    expires_at: Timestamp,
) -> exchange::Identity<'a> {
    let Exchanged {
        api_key: _,
        audience,
        issued_at,
        keys_fetched,
        matches: _,
        provider_key,
        workflow,
    } = exchanged;
    exchange::Identity {
        provider,
        audience,
        issued_at: *issued_at,
        expires_at,
        provider_key,
        keys_fetched: *keys_fetched,
        workflow,
    }
}

fn facts(
    exchanged: &Exchanged,
    issued: &Issued,
    provider: Slug,
    expires_at: Timestamp,
    token: Digest,
) -> exchange::Facts {
    exchange::Facts {
        provider,
        token,
        audience: exchanged.audience.clone(),
        issued_at: exchanged.issued_at,
        expires_at,
        provider_key: exchanged.provider_key,
        keys_fetched: exchanged.keys_fetched,
        workflow: exchanged.workflow.clone(),
        api_key: exchanged.api_key,
        key_digest: issued.digest,
    }
}

pub(super) fn push(case: &Case<'_>, pushed: &Pushed) -> Result<Vec<Draft>, Fault> {
    let world = case.world;
    let file = FullName::compose(&pushed.name, &pushed.number, &pushed.platform)
        .map_err(|_| Denial::new(Code::ReleaseIncoherent))?;
    let gem = pushed.name.folded();
    let (api_key, token) = match world.keys.pusher(pushed.api_key, pushed.source.as_ref()) {
        Pusher::Account(key) => (key.clone(), None),
        Pusher::Job(pair) => (pair.0, Some(pair.1)),
        Pusher::Contradicted => {
            return Err(Fault::new(
                "source",
                "its source is not what the exchange recorded",
            ));
        }
        Pusher::Unknown => return Err(forgotten(case, pushed.api_key)),
    };
    let account = holder(&api_key).map(|id| world.account(id));
    let attestations = attestations(case);
    let slug = pushed
        .source
        .as_ref()
        .and_then(|source| source.exchange.stream.token_parts());
    let slug = slug.map(|(slug, ..)| slug);
    let states = push::States {
        ledger: &world.ledger,
        api_key: &api_key,
        policy: world.policy(&gem),
        gem: world.gem(&gem),
        name: &taken(case, &StreamName::name(&gem)),
        file: &taken(case, &StreamName::file(&file)),
        account: account.as_ref(),
        token: token.as_ref(),
        provider: slug.as_ref().map(|slug| (slug, world.provider(slug))),
        trust_roots: roots(case, &attestations),
    };
    let facts = push::Facts {
        api_key: pushed.api_key,
        name: pushed.name.clone(),
        number: pushed.number.clone(),
        platform: pushed.platform.clone(),
        file,
        digest: pushed.digest,
        size: pushed.size,
        document: pushed.document,
        info: pushed.info.clone(),
        attestations,
    };
    match push::decide(&states, &facts, case.last.time)? {
        Verdict::Release(drafts) => Ok(drafts),
        Verdict::AlreadyPushed => Err(Fault::new("events", "the very file was released before")),
    }
}

/// The push that the group of an attestation is.
pub(super) fn attested(case: &Case<'_>) -> Result<Vec<Draft>, Fault> {
    let pushed = case.pushed();
    let alone = || Fault::new("events", "it attests a release that did not come with it");
    push(case, pushed.ok_or_else(alone)?)
}

/// The bundles that came with the file, as their events have them.
fn attestations(case: &Case<'_>) -> Vec<attestation::Facts> {
    let bodies = case.group.events().map(|event| &event.body);
    let bundles = bodies.filter_map(|body| {
        if let Body::ReleaseAttested(attested) = body {
            Some(attestation::Facts::recorded(attested))
        } else {
            None
        }
    });
    bundles.collect()
}

/// The trust roots that verified them.
fn roots<'a>(case: &Case<'a>, bundles: &[attestation::Facts]) -> Vec<(StreamName, &'a TrustRoot)> {
    let streams = bundles.iter().map(|bundle| &bundle.root.stream);
    let roots = streams.filter_map(|stream| {
        let slug = Slug::parse(stream.rest()).ok()?;
        let root = case.world.trust_root(&slug);
        (stream.kind() == StreamKind::TrustRoot).then(|| (stream.clone(), root))
    });
    roots.collect()
}

fn holder(key: &ApiKey) -> Option<AccountId> {
    match key.issued.as_ref()?.holder {
        Holder::Account(id) => Some(id),
        Holder::Exchange(_) => None,
    }
}

/// A key that is not remembered was never issued, or is long dead.
fn forgotten(case: &Case<'_>, id: ApiKeyId) -> Fault {
    if case.order.exists(&StreamName::api_key(id)) {
        Code::KeyExpired.into()
    } else {
        Code::KeyUnknown.into()
    }
}

/// Whether the stream had an event before this group.
fn taken(case: &Case<'_>, stream: &StreamName) -> Taken {
    let place = case
        .group
        .events()
        .position(|event| event.stream == *stream);
    let taken = match place {
        Some(place) => case.group.existed_before(place),
        None => case.order.exists(stream),
    };
    Taken {
        taken,
        provider: None,
    }
}
