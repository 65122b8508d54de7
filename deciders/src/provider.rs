//! An identity provider: whether its word counts, and the keys that speak for it.
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use events::{
    Body, Event, State,
    claims::ProviderKind,
    digest::Digest,
    event::Draft,
    provider::{Disabled, KeyDistrusted, KeysObserved, ObservedKey, PublicJwk, Registered},
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
};

use crate::{Code, Denial};

mod settings;

pub use settings::{Declared, MAX_REQUIRED, States, When, register, when};

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
///
/// Its settings are asked at a moment, so that nobody takes those that wait for those in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provider {
    /// As of its last event.
    registered: Option<Declared>,
    /// Declared, and not in force as of its last event.
    next: Option<Declared>,
    /// When it was registered first.
    since: Option<Timestamp>,
    /// What was in force before, as far as it can be taken back at once.
    replaced: Vec<settings::Replaced>,
    /// Disabled as of its last event, until it is registered again.
    disabled: bool,
    /// Every key it was ever seen with, by thumbprint.
    pub keys: BTreeMap<Digest, Key>,
}

impl Provider {
    /// The settings in force at this moment, not before its last event.
    pub fn settings(&self, now: Timestamp) -> Option<&Registered> {
        self.in_force(now).map(|declared| &declared.settings)
    }

    /// The same, with the event that declared them.
    pub fn in_force(&self, now: Timestamp) -> Option<&Declared> {
        self.due(now).or(self.registered.as_ref())
    }

    /// Settings that were declared and still wait at this moment.
    pub fn waiting(&self, now: Timestamp) -> Option<&Declared> {
        let next = self.next.as_ref();
        next.filter(|_| self.due(now).is_none())
    }

    /// Declared settings whose time has come.
    fn due(&self, now: Timestamp) -> Option<&Declared> {
        let next = self.next.as_ref();
        next.filter(|next| {
            let effective = next.settings.effective;
            effective.is_none_or(|effective| effective <= now)
        })
    }

    /// Its issuer, which is for good; `None` if it was never registered.
    pub fn issuer(&self) -> Option<&Text> {
        let registered = self.registered.as_ref();
        registered.map(|declared| &declared.settings.issuer)
    }

    /// Which claims it speaks, which is for good.
    pub fn kind(&self) -> Option<ProviderKind> {
        let registered = self.registered.as_ref();
        registered.map(|declared| declared.settings.kind)
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
        self.pass(event.time);
        if let Body::ProviderRegistered(registered) = &event.body {
            self.declared(registered, event);
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
