//! A gem's releases: which versions exist, with which content, and which key released them.
use alloc::{collections::BTreeMap, string::String};
use events::{
    Body, Event, State, digest::Digest, id::ApiKeyId, platform::Platform, version::GemVersion,
};

/// A released file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The version as it is spelled.
    pub number: GemVersion,
    /// SHA-256 of the file.
    pub digest: Digest,
}

/// State of `gem/<gem>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gem {
    /// Releases by canonical version and platform: `1.0` and `1.0.0` are one version.
    pub releases: BTreeMap<(String, Platform), Release>,
    /// The version, in canonical form, that each key of a CI job has released.
    pub by_key: BTreeMap<ApiKeyId, String>,
}

impl Gem {
    /// The release of this version for this platform, however its version is spelled.
    pub fn release(&self, number: &GemVersion, platform: &Platform) -> Option<&Release> {
        self.releases.get(&(number.canonical(), platform.clone()))
    }
}

impl State for Gem {
    fn evolve(&mut self, event: &Event) {
        if let Body::ReleasePushed(pushed) = &event.body {
            let canonical = pushed.number.canonical();
            let release = Release {
                number: pushed.number.clone(),
                digest: pushed.digest,
            };
            if pushed.source.is_some() {
                self.by_key.insert(pushed.api_key, canonical.clone());
            }
            self.releases
                .insert((canonical, pushed.platform.clone()), release);
        }
    }
}
