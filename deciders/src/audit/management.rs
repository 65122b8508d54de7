//! Commands of the operator and of owners: what they must have been, from the events that they led to.
use alloc::vec::Vec;
use events::{
    Body,
    api_key::{Holder, Issued, Revoked},
    event::Draft,
    gem::{Quarantined, Restored},
    id::{AccountId, Actor, ApiKeyId, Owner, PublisherId},
    map::Rooted,
    name::GemName,
    policy::Publisher,
    provider::{ObservedKey, Registered},
    stream::StreamName,
    text::{Slug, Text},
};

use super::command::{Case, Fault};
use crate::{
    Code, account, api_key, gem, map,
    policy::{self, States},
    provider,
};

fn slug(case: &Case<'_>) -> Result<Slug, Fault> {
    Slug::parse(case.last.stream.rest()).map_err(|_| case.misplaced())
}

fn account_id(case: &Case<'_>) -> Result<AccountId, Fault> {
    AccountId::parse(case.last.stream.rest()).map_err(|_| case.misplaced())
}

fn api_key_id(case: &Case<'_>) -> Result<ApiKeyId, Fault> {
    ApiKeyId::parse(case.last.stream.rest()).map_err(|_| case.misplaced())
}

/// A registration with whatever it led to, or the recording of new keys alone.
pub(super) fn provider(case: &Case<'_>) -> Result<Vec<Draft>, Fault> {
    let slug = slug(case)?;
    let mut registered = None::<&Registered>;
    let mut keys: Vec<ObservedKey> = Vec::new();
    for event in case.group.events() {
        if let Body::ProviderRegistered(found) = &event.body {
            registered = Some(found);
        } else if let Body::ProviderKeysObserved(observed) = &event.body {
            keys.extend(observed.keys.iter().cloned());
        }
    }
    let before = case.world.provider(&slug);
    let Some(registered) = registered else {
        return Ok(provider::observe(before, &slug, &keys, case.last.time));
    };
    let states = provider::States {
        ledger: &case.world.ledger,
        provider: before,
        issuer: case
            .world
            .issuer(&StreamName::issuer(registered.issuer.as_str())),
    };
    Ok(provider::register(
        &states,
        &slug,
        registered.clone(),
        &keys,
        case.last.time,
    )?)
}

pub(super) fn distrust(case: &Case<'_>, kid: &Text) -> Result<Vec<Draft>, Fault> {
    let slug = slug(case)?;
    Ok(provider::distrust_key(
        case.world.provider(&slug),
        &slug,
        kid,
    )?)
}

pub(super) fn disable_provider(case: &Case<'_>) -> Result<Vec<Draft>, Fault> {
    let slug = slug(case)?;
    Ok(provider::disable(
        case.world.provider(&slug),
        &slug,
        case.last.time,
    )?)
}

pub(super) fn create_account(case: &Case<'_>) -> Result<Vec<Draft>, Fault> {
    let id = account_id(case)?;
    let sealed = case.last.sealed.clone();
    Ok(account::create(&case.world.account(id), id, sealed)?)
}

pub(super) fn disable_account(case: &Case<'_>) -> Result<Vec<Draft>, Fault> {
    let id = account_id(case)?;
    Ok(account::disable(&case.world.account(id), id)?)
}

/// The spelling of a gem that exists.
pub(super) fn registered_name(case: &Case<'_>) -> Result<GemName, Fault> {
    let policy = case.world.policy(&case.gem()?);
    policy.name().cloned().ok_or_else(|| Code::NotFound.into())
}

pub(super) fn add(
    case: &Case<'_>,
    gem: &GemName,
    publisher: &Publisher,
    owner: Owner,
) -> Result<Vec<Draft>, Fault> {
    let actor = &case.last.actor;
    let account = match (actor, owner) {
        (Actor::Account(id), _) => Some(case.world.account(*id)),
        (Actor::Operator, Owner::Account(id)) => Some(case.world.account(id)),
        (Actor::Operator | Actor::Workflow(..), _) => None,
    };
    let states = States {
        ledger: &case.world.ledger,
        policy: case.world.policy(&gem.folded()),
        provider: case.world.provider(&publisher.provider),
        account: account.as_ref(),
    };
    let (publisher, now) = (publisher.clone(), case.last.time);
    Ok(policy::add_publisher(
        &states, gem, publisher, owner, actor, now,
    )?)
}

pub(super) fn remove(case: &Case<'_>, id: PublisherId) -> Result<Vec<Draft>, Fault> {
    let gem = case.gem()?;
    let account = match &case.last.actor {
        Actor::Account(id) => Some(case.world.account(*id)),
        Actor::Operator | Actor::Workflow(..) => None,
    };
    let policy = case.world.policy(&gem);
    Ok(policy::remove_publisher(
        policy,
        account.as_ref(),
        &gem,
        id,
        &case.last.actor,
        case.last.time,
    )?)
}

pub(super) fn issue(case: &Case<'_>, issued: &Issued) -> Result<Vec<Draft>, Fault> {
    let id = api_key_id(case)?;
    let Holder::Account(account) = issued.holder else {
        return Err(Fault::new(
            "events",
            "a key of a CI job without its exchange",
        ));
    };
    if case.group.existed_before(0) {
        return Err(Code::AlreadyExists.into());
    }
    let account = case.world.account(account);
    let before = api_key::ApiKey::default();
    Ok(api_key::issue(
        &before,
        &account,
        id,
        issued.clone(),
        case.last.time,
    )?)
}

pub(super) fn revoke(case: &Case<'_>, revoked: &Revoked) -> Result<Vec<Draft>, Fault> {
    if case.group.recorded().len() > 1 {
        return revoke_all(case);
    }
    let id = api_key_id(case)?;
    match case.world.keys.state(id) {
        Some(key) => Ok(api_key::revoke(&key, id, revoked.reason, case.last.time)?),
        // Issued once and forgotten since: it is dead.
        None if case.group.existed_before(0) => Err(Code::KeyExpired.into()),
        None => Err(Code::KeyUnknown.into()),
    }
}

/// A root of the map. What it says is checked by whoever folds the map.
pub(super) fn root(case: &Case<'_>, rooted: Rooted) -> Result<Vec<Draft>, Fault> {
    if !map::is_of_the_past(&rooted, case.group.index()) {
        let text = "a root that covers more events than there were before it";
        return Err(Fault::new("events", text));
    }
    Ok(map::root(&[&case.world.roots], rooted, case.last.time)?)
}

/// Several keys in one command: each of them must have lived, and none stands there twice.
fn revoke_all(case: &Case<'_>) -> Result<Vec<Draft>, Fault> {
    let mut keys = Vec::new();
    for event in case.group.events() {
        let id = ApiKeyId::parse(event.stream.rest()).map_err(|_| case.misplaced())?;
        keys.push((id, case.world.keys.state(id).unwrap_or_default()));
    }
    let keys: Vec<_> = keys.iter().map(|(id, key)| (*id, key)).collect();
    Ok(api_key::revoke_all(&keys, case.last.time)?)
}

/// A release that is withheld.
pub(super) fn quarantine(case: &Case<'_>, quarantined: &Quarantined) -> Result<Vec<Draft>, Fault> {
    let Quarantined {
        digest: _,
        name: _,
        number,
        platform,
        reason,
    } = quarantined;
    let (ledger, gem) = (&case.world.ledger, case.world.gem(&case.gem()?));
    Ok(gem::quarantine(
        ledger,
        gem,
        number,
        platform,
        reason.clone(),
    )?)
}

/// A quarantine that is lifted.
pub(super) fn restore(case: &Case<'_>, restored: &Restored) -> Result<Vec<Draft>, Fault> {
    let Restored {
        digest: _,
        name: _,
        number,
        platform,
        reason,
    } = restored;
    let (ledger, gem) = (&case.world.ledger, case.world.gem(&case.gem()?));
    Ok(gem::restore(ledger, gem, number, platform, reason.clone())?)
}
