//! An identity provider: whether its word counts, and the keys that speak for it.
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::net::IpAddr;
use events::{
    Body, Event, State,
    claims::ProviderKind,
    digest::Digest,
    event::Draft,
    provider::{
        Disabled, IssuerTaken, KeyDistrusted, KeysObserved, ObservedKey, PublicJwk, Registered,
    },
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
};

use crate::{Code, Denial, Ledger, taken::Taken};

/// Most claims that a provider may require of every token.
pub const MAX_REQUIRED: usize = 20;
/// Most keys in one event, so that it fits into a leaf.
pub const MAX_KEYS: usize = 20;

/// A key of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name that tokens call it by.
    pub kid: Text,
    /// When it was found to be untrustworthy.
    pub distrusted: Option<Timestamp>,
}

/// State of `provider/<slug>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provider {
    /// Its settings as of its last event; `None` if it was never registered. Its issuer and kind are for good; for
    /// everything else ask [`settings`](Self::settings).
    pub registered: Option<Registered>,
    /// Settings that were declared and wait for their time.
    pub next: Option<Registered>,
    /// Disabled, until it is registered again.
    pub disabled: bool,
    /// Every key it was ever seen with, by thumbprint.
    pub keys: BTreeMap<Digest, Key>,
}

impl Provider {
    /// The settings in force at this moment, not before its last event.
    pub fn settings(&self, now: Timestamp) -> Option<&Registered> {
        self.due(now).or(self.registered.as_ref())
    }

    /// Declared settings whose time has come.
    fn due(&self, now: Timestamp) -> Option<&Registered> {
        let next = self.next.as_ref();
        next.filter(|next| next.effective.is_none_or(|effective| effective <= now))
    }

    /// The settings of a provider whose word counts now.
    pub fn live(&self, now: Timestamp) -> Result<&Registered, Denial> {
        let registered = self.settings(now).ok_or(Code::ProviderUnknown)?;
        if self.disabled && self.due(now).is_none() {
            Err(Code::ProviderDisabled.into())
        } else {
            Ok(registered)
        }
    }

    /// A key that was recorded and is still trusted.
    pub fn trusted_key(&self, thumbprint: &Digest) -> Result<&Key, Denial> {
        let key = self.keys.get(thumbprint).ok_or(Code::ProviderKeyUnknown)?;
        match key.distrusted {
            None => Ok(key),
            Some(_) => Err(Denial::new(Code::ProviderKeyDistrusted).found(key.kid.as_str())),
        }
    }
}

/// The states that a registration is judged on.
#[derive(Clone, Copy, Debug)]
pub struct States<'a> {
    /// `log`
    pub ledger: &'a Ledger,
    /// `provider/<slug>`
    pub provider: &'a Provider,
    /// `issuer/<sha256 of the issuer>`
    pub issuer: &'a Taken,
}

/// Registers a provider, changes its settings, or takes it back after it was disabled. Its issuer and kind are for good.
/// Settings that let in what those before would not, wait; the newest that are declared count.
pub fn register(
    states: &States<'_>,
    slug: &Slug,
    mut registered: Registered,
    keys: &[ObservedKey],
    now: Timestamp,
) -> Result<Vec<Draft>, Denial> {
    states.ledger.rulebook()?.known()?;
    registered.effective = None;
    registered.algorithms.sort_unstable();
    registered.algorithms.dedup();
    sound_settings(&registered)?;
    match &states.issuer.provider {
        Some(other) if other != slug => {
            return Err(Denial::new(Code::IssuerTaken).found(other.as_str()));
        }
        _ => {}
    }
    let before = states.provider.settings(now);
    match before {
        Some(before) if before.issuer != registered.issuer => {
            return Err(
                invalid("the issuer that it was registered with").found(registered.issuer.as_str())
            );
        }
        Some(before) if before.kind != registered.kind => {
            return Err(invalid("the kind that it was registered with"));
        }
        _ => {}
    }
    let mut drafts = Vec::new();
    if !states.issuer.taken {
        let taken = IssuerTaken {
            issuer: registered.issuer.clone(),
            provider: slug.clone(),
        };
        let stream = StreamName::issuer(registered.issuer.as_str());
        drafts.push(Draft::new(stream, Body::IssuerTaken(taken)));
    }
    let before = before.map(|before| at_once(before.clone()));
    let waiting = states.provider.next.clone();
    let waiting = waiting.filter(|_| states.provider.due(now).is_none());
    let disabled = states.provider.live(now).is_err();
    // Saying what holds anyway takes back what was declared and waits.
    let says_nothing = match waiting.map(at_once) {
        Some(waiting) => waiting == registered,
        None => before.as_ref() == Some(&registered) && !disabled,
    };
    let loosens = before
        .as_ref()
        .is_some_and(|before| loosens(before, &registered));
    let effective = states.ledger.effective(now).filter(|_| loosens);
    // Keys that come from elsewhere are not looked at before their time.
    let elsewhere = before.is_some_and(|before| before.jwks_uri != registered.jwks_uri);
    let keys = if effective.is_some() && elsewhere {
        &[]
    } else {
        keys
    };
    if !says_nothing {
        registered.effective = effective;
        let body = Body::ProviderRegistered(registered);
        drafts.push(Draft::new(StreamName::provider(slug), body));
    }
    drafts.extend(new_keys(states.provider, slug, keys));
    if drafts.is_empty() {
        return Err(Code::AlreadyExists.into());
    }
    Ok(drafts)
}

/// The settings without the time they take effect.
fn at_once(registered: Registered) -> Registered {
    Registered {
        effective: None,
        ..registered
    }
}

/// Whether a token that is refused by the settings before may be accepted by those after: other keys, another audience,
/// other claims, or fewer that are demanded.
fn loosens(before: &Registered, after: &Registered) -> bool {
    let Registered {
        algorithms,
        audience,
        effective: _,
        issuer: _,
        jwks_uri,
        kind: _,
        loopback,
        mapping,
        private_repositories,
        required,
    } = before;
    let mut more = after.algorithms.iter();
    let mut demanded = required.iter();
    more.any(|one| !algorithms.contains(one))
        || after.audience != *audience
        || after.jwks_uri != *jwks_uri
        || (after.loopback && !loopback)
        || after.mapping != *mapping
        || (after.private_repositories && !private_repositories)
        || demanded.any(|(claim, value)| after.required.get(claim) != Some(value))
}

fn invalid(expected: &str) -> Denial {
    Denial::new(Code::ProviderInvalid).expected(expected)
}

fn sound_settings(registered: &Registered) -> Result<(), Denial> {
    if registered.algorithms.is_empty() {
        return Err(invalid("at least one signature algorithm"));
    }
    if (registered.kind == ProviderKind::Generic) != registered.mapping.is_some() {
        return Err(invalid(
            "a mapping of claims for a generic provider, and for no other",
        ));
    }
    if registered.required.len() > MAX_REQUIRED {
        return Err(invalid("at most 20 required claims"));
    }
    for url in [&registered.issuer, &registered.jwks_uri] {
        if !reachable_safely(url.as_str(), registered.loopback) {
            let expected = "https, or plain http to a loopback address where that was asked for";
            return Err(invalid(expected).found(url.as_str()));
        }
    }
    Ok(())
}

/// Keys that come over plain http could be anybody's, except from this very machine.
fn reachable_safely(url: &str, loopback: bool) -> bool {
    if let Some(rest) = url.strip_prefix("https://") {
        return !rest.is_empty();
    }
    let Some(rest) = url.strip_prefix("http://").filter(|_| loopback) else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A user name before the host would be read as the host below.
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.parse()
        .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Records the keys that are not known yet. Keys that no declared algorithm could use are left out, as is a key whose
/// thumbprint is not its own.
pub fn observe(
    provider: &Provider,
    slug: &Slug,
    keys: &[ObservedKey],
    now: Timestamp,
) -> Vec<Draft> {
    match provider.live(now) {
        Ok(_) => new_keys(provider, slug, keys),
        Err(_) => Vec::new(),
    }
}

fn new_keys(provider: &Provider, slug: &Slug, keys: &[ObservedKey]) -> Vec<Draft> {
    let mut seen = BTreeSet::new();
    let new: Vec<&ObservedKey> = keys
        .iter()
        .filter(|key| sound_key(key) && !provider.keys.contains_key(&key.thumbprint))
        .filter(|key| seen.insert(key.thumbprint))
        .collect();
    new.chunks(MAX_KEYS)
        .map(|keys| {
            let keys = keys.iter().copied().cloned().collect();
            let body = Body::ProviderKeysObserved(KeysObserved { keys });
            Draft::new(StreamName::provider(slug), body)
        })
        .collect()
}

/// The members that its type has and no others, in sizes that leave room for twenty of them in a leaf.
fn sound_key(key: &ObservedKey) -> bool {
    let PublicJwk {
        crv,
        e,
        kty,
        n,
        x,
        y,
    } = &key.jwk;
    let members = match kty.as_str() {
        "RSA" => n.is_some() && e.is_some() && crv.is_none() && x.is_none() && y.is_none(),
        "EC" => n.is_none() && e.is_none() && crv.is_some() && x.is_some() && y.is_some(),
        "OKP" => n.is_none() && e.is_none() && crv.is_some() && x.is_some() && y.is_none(),
        _ => false,
    };
    let short = [crv, e, x, y]
        .into_iter()
        .flatten()
        .all(|part| part.as_str().len() <= 128);
    members && short && key.jwk.thumbprint() == key.thumbprint
}

/// Distrusts every key that bore this name: what they signed is refused, and the API keys bought with it are dead.
pub fn distrust_key(provider: &Provider, slug: &Slug, kid: &Text) -> Result<Vec<Draft>, Denial> {
    if provider.registered.is_none() {
        return Err(Code::ProviderUnknown.into());
    }
    let bearers = || provider.keys.iter().filter(|(_, key)| key.kid == *kid);
    if bearers().next().is_none() {
        return Err(Denial::new(Code::ProviderKeyUnknown).found(kid.as_str()));
    }
    let drafts: Vec<Draft> = bearers()
        .filter(|(_, key)| key.distrusted.is_none())
        .map(|(thumbprint, _)| {
            let distrusted = KeyDistrusted {
                kid: kid.clone(),
                thumbprint: *thumbprint,
            };
            let body = Body::ProviderKeyDistrusted(distrusted);
            Draft::new(StreamName::provider(slug), body)
        })
        .collect();
    if drafts.is_empty() {
        return Err(Denial::new(Code::ProviderKeyDistrusted).found(kid.as_str()));
    }
    Ok(drafts)
}

/// Disables a provider: none of its tokens is exchanged, and nothing bought with them is accepted. Settings that wait are
/// taken back.
pub fn disable(provider: &Provider, slug: &Slug, now: Timestamp) -> Result<Vec<Draft>, Denial> {
    let waits = provider.next.is_some();
    if let Err(denial) = provider.live(now)
        && !waits
    {
        return Err(denial);
    }
    let body = Body::ProviderDisabled(Disabled {});
    Ok(Vec::from([Draft::new(StreamName::provider(slug), body)]))
}

impl State for Provider {
    fn evolve(&mut self, event: &Event) {
        if let Some(due) = self.due(event.time).cloned() {
            self.registered = Some(due);
            self.disabled = false;
            self.next = None;
        }
        if let Body::ProviderRegistered(registered) = &event.body {
            if registered.effective.is_some() {
                self.next = Some(registered.clone());
            } else {
                self.registered = Some(registered.clone());
                self.disabled = false;
                self.next = None;
            }
        } else if let Body::ProviderKeysObserved(observed) = &event.body {
            for key in &observed.keys {
                let known = Key {
                    kid: key.kid.clone(),
                    distrusted: None,
                };
                self.keys.entry(key.thumbprint).or_insert(known);
            }
        } else if let Body::ProviderKeyDistrusted(distrusted) = &event.body {
            if let Some(key) = self.keys.get_mut(&distrusted.thumbprint) {
                key.distrusted.get_or_insert(event.time);
            }
        } else if let Body::ProviderDisabled(_) = &event.body {
            self.disabled = true;
            self.next = None;
        }
    }
}
