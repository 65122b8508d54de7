//! A gem's releases: which versions exist, with which content, which key released them, which are withheld, and what
//! the strictest of them kept.
use alloc::{collections::BTreeMap, format, string::String, vec, vec::Vec};
use events::{
    Body, Event, State,
    digest::Digest,
    event::Draft,
    gem::{Quarantined, Restored},
    id::ApiKeyId,
    name::GemName,
    platform::Platform,
    stream::StreamName,
    text::Text,
    version::GemVersion,
};

use crate::{Code, Denial, Ledger, rule::Class};

/// A released file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The version as it is spelled.
    pub number: GemVersion,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// It is withheld. Its version and file name are taken all the same.
    pub quarantined: bool,
}

/// State of `gem/<gem>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gem {
    /// The gem's name as its releases spell it.
    pub name: Option<GemName>,
    /// Releases by canonical version and platform: `1.0` and `1.0.0` are one version.
    pub releases: BTreeMap<(String, Platform), Release>,
    /// The version, in canonical form, that each key of a CI job has released.
    pub by_key: BTreeMap<ApiKeyId, String>,
    /// Some release came by trusted publishing.
    pub trusted: bool,
    /// The best attestation that some release came with.
    pub attested: Option<Class>,
}

impl Gem {
    /// The release of this version for this platform, however its version is spelled.
    pub fn release(&self, number: &GemVersion, platform: &Platform) -> Option<&Release> {
        self.releases.get(&(number.canonical(), platform.clone()))
    }

    /// The same, or that there is no such thing.
    fn existing(
        &self,
        number: &GemVersion,
        platform: &Platform,
    ) -> Result<(&GemName, &Release), Denial> {
        let found = self.name.as_ref().zip(self.release(number, platform));
        found.ok_or_else(|| {
            let dash = if platform.is_ruby() {
                String::new()
            } else {
                format!("-{platform}")
            };
            Denial::new(Code::NotFound).found(format!("{number}{dash}"))
        })
    }
}

/// Withholds a release: the operator's decision, in the operator's words.
pub fn quarantine(
    ledger: &Ledger,
    gem: &Gem,
    number: &GemVersion,
    platform: &Platform,
    reason: Text,
) -> Result<Vec<Draft>, Denial> {
    ledger.rulebook()?.known()?;
    let (name, release) = gem.existing(number, platform)?;
    if release.quarantined {
        return Err(Code::ReleaseQuarantined.into());
    }
    let body = Body::ReleaseQuarantined(Quarantined {
        digest: release.digest,
        name: name.clone(),
        number: release.number.clone(),
        platform: platform.clone(),
        reason,
    });
    Ok(vec![Draft::new(StreamName::gem(&name.folded()), body)])
}

/// Serves a release again that was withheld: the same bytes, under the same name.
pub fn restore(
    ledger: &Ledger,
    gem: &Gem,
    number: &GemVersion,
    platform: &Platform,
    reason: Option<Text>,
) -> Result<Vec<Draft>, Denial> {
    ledger.rulebook()?.known()?;
    let (name, release) = gem.existing(number, platform)?;
    if !release.quarantined {
        return Err(Code::NotQuarantined.into());
    }
    let body = Body::ReleaseRestored(Restored {
        digest: release.digest,
        name: name.clone(),
        number: release.number.clone(),
        platform: platform.clone(),
        reason,
    });
    Ok(vec![Draft::new(StreamName::gem(&name.folded()), body)])
}

impl State for Gem {
    fn evolve(&mut self, event: &Event) {
        if let Body::ReleasePushed(pushed) = &event.body {
            let canonical = pushed.number.canonical();
            let release = Release {
                number: pushed.number.clone(),
                digest: pushed.digest,
                quarantined: false,
            };
            if pushed.source.is_some() {
                self.by_key.insert(pushed.api_key, canonical.clone());
                self.trusted = true;
            }
            self.name = Some(pushed.name.clone());
            self.releases
                .insert((canonical, pushed.platform.clone()), release);
        } else if let Body::ReleaseAttested(attested) = &event.body {
            self.attested = self.attested.max(Some(Class::of(attested)));
        } else if let Body::ReleaseQuarantined(quarantined) = &event.body {
            let key = (quarantined.number.canonical(), quarantined.platform.clone());
            if let Some(release) = self.releases.get_mut(&key) {
                release.quarantined = true;
            }
        } else if let Body::ReleaseRestored(restored) = &event.body {
            let key = (restored.number.canonical(), restored.platform.clone());
            if let Some(release) = self.releases.get_mut(&key) {
                release.quarantined = false;
            }
        }
    }
}
