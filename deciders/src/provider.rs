//! An identity provider: whether its word counts, and the keys that speak for it.
use alloc::collections::BTreeMap;
use events::{
    Body, Event, State, digest::Digest, provider::Registered, text::Text, time::Timestamp,
};

use crate::{Code, Denial};

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
    /// Its settings; `None` if it was never registered.
    pub registered: Option<Registered>,
    /// Disabled, until it is registered again.
    pub disabled: bool,
    /// Every key it was ever seen with, by thumbprint.
    pub keys: BTreeMap<Digest, Key>,
}

impl Provider {
    /// The settings of a provider whose word counts now.
    pub fn live(&self) -> Result<&Registered, Denial> {
        let registered = self.registered.as_ref().ok_or(Code::ProviderUnknown)?;
        if self.disabled {
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

impl State for Provider {
    fn evolve(&mut self, event: &Event) {
        if let Body::ProviderRegistered(registered) = &event.body {
            self.registered = Some(registered.clone());
            self.disabled = false;
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
        }
    }
}
