//! Recorded provider keys against those that the provider shows: the one lie about identities that a stranger can catch.
//!
//! Keys come and go, so a key that the provider does not show now may be an old one. It is told when it was recorded
//! since the last look, or within a day before the first, and was in no key set that this monitor ever fetched.
use std::collections::{BTreeMap, BTreeSet};

use deciders::provider::Provider;
use events::{
    digest::Digest,
    provider::Registered,
    text::{Slug, Text},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::{Finding, catalogue};
use crate::oidc::{Fetch, KeySet, address::Address};

/// How long before the first look a key counts as new, in seconds.
const FIRST_LOOK_SECONDS: u64 = 24 * 3600;

/// Most keys that are remembered of one provider.
const MAX_SHOWN: usize = 1000;

/// A key that the ledger recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedKey {
    /// The log index of `provider.keys_observed`.
    pub index: u64,
    /// Its time.
    pub time: Timestamp,
    /// What tokens call the key.
    pub kid: Text,
    /// The key itself, by RFC 7638.
    pub thumbprint: Digest,
}

/// What the ledger says of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether its word counts at a moment, and under which settings.
    pub state: Provider,
    /// The keys that were recorded for it.
    pub keys: Vec<RecordedKey>,
}

/// What was seen of one provider, from look to look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Recorded keys before this log index were compared.
    pub compared: u64,
    /// Thumbprints of every key that it ever showed here.
    pub keys: BTreeSet<Digest>,
}

/// Asks every provider for its keys and compares. The second answer says whether all of them could be asked.
///
/// `loopback` allows plain http to this machine, for ledgers that are on it themselves.
pub async fn compare(
    fetch: &dyn Fetch,
    providers: &BTreeMap<Slug, Known>,
    shown: &mut BTreeMap<Slug, Shown>,
    loopback: bool,
    size: u64,
    now: Timestamp,
) -> (Vec<Finding>, bool) {
    let (mut findings, mut all) = (Vec::new(), true);
    for (slug, known) in providers {
        let Ok(registered) = known.state.live(now) else {
            continue;
        };
        let live = match keys(fetch, registered, loopback, now).await {
            Ok(live) => live,
            Err(reason) => {
                all = false;
                let text = format!("the keys of {slug} at {} {reason}", registered.jwks_uri);
                findings.push(Finding::new(&catalogue::PROVIDER_UNREACHABLE, text));
                continue;
            }
        };
        let first = !shown.contains_key(slug);
        let memory = shown.entry(slug.clone()).or_default();
        if memory.keys.len() > MAX_SHOWN {
            memory.keys.clear();
        }
        memory.keys.extend(live);
        findings.extend(unknown(slug, known, memory, first, now));
        memory.compared = size;
    }
    (findings, all)
}

/// The recorded keys that are new and were never shown.
fn unknown(
    slug: &Slug,
    known: &Known,
    memory: &Shown,
    first: bool,
    now: Timestamp,
) -> Vec<Finding> {
    let since = now.minus_seconds(FIRST_LOOK_SECONDS);
    let is_new = |key: &&RecordedKey| {
        if first {
            key.time >= since
        } else {
            key.index >= memory.compared
        }
    };
    let finding = |key: &RecordedKey| {
        let text = format!(
            "{slug} does not show the key {}, and never did here",
            key.kid
        );
        let mut finding = Finding::new(&catalogue::PROVIDER_KEY_UNKNOWN, text)
            .at_index(key.index)
            .not(
                format!("one of the {} keys that it showed", memory.keys.len()),
                key.thumbprint,
            );
        finding.stream = Some(format!("provider/{slug}"));
        finding.time = Some(key.time);
        finding
    };
    let never = |key: &&RecordedKey| !memory.keys.contains(&key.thumbprint);
    let recorded = known.keys.iter();
    recorded.filter(is_new).filter(never).map(finding).collect()
}

/// The thumbprints of the keys that the provider shows now.
async fn keys(
    fetch: &dyn Fetch,
    registered: &Registered,
    loopback: bool,
    now: Timestamp,
) -> Result<BTreeSet<Digest>, String> {
    let allowed = loopback && registered.loopback;
    let address =
        Address::parse(registered.jwks_uri.as_str(), allowed).map_err(|error| error.to_string())?;
    let document = fetch
        .get(&address)
        .await
        .map_err(|error| format!("could not be fetched: {error}"))?;
    let set = KeySet::parse(&document, &registered.algorithms, now)
        .map_err(|error| format!("cannot be read: {error}"))?;
    Ok(set
        .observed()
        .into_iter()
        .map(|key| key.thumbprint)
        .collect())
}
