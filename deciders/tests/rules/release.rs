//! A gem file that is pushed.
use deciders::push::Facts;
use events::{
    digest::Digest,
    gem::IndexLine,
    id::ApiKeyId,
    platform::{FullName, Platform},
    version::GemVersion,
};

use crate::fixtures::gem;

/// A file of a gem.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) name: &'static str,
    pub(crate) number: &'static str,
    pub(crate) platform: &'static str,
    pub(crate) content: &'static str,
}

/// The plain gem of this version.
pub(crate) fn release(name: &'static str, number: &'static str) -> Release {
    Release {
        name,
        number,
        platform: "ruby",
        content: "",
    }
}

impl Release {
    /// Built for this platform.
    pub(crate) fn platform(self, platform: &'static str) -> Self {
        Self { platform, ..self }
    }

    /// With other bytes in the file.
    pub(crate) fn content(self, content: &'static str) -> Self {
        Self { content, ..self }
    }

    pub(crate) fn facts(&self, api_key: ApiKeyId) -> Facts {
        let (name, number) = (gem(self.name), GemVersion::parse(self.number).unwrap());
        let platform = Platform::parse(self.platform).unwrap();
        let file = FullName::compose(&name, &number, &platform).unwrap();
        let digest = Digest::of(format!("{file}{}", self.content).as_bytes());
        let release = file.as_str().strip_prefix(&format!("{name}-")).unwrap();
        let info = format!("{release} rake:>= 12|checksum:{},ruby:>= 3.0", digest.hex());
        Facts {
            api_key,
            name,
            number,
            platform,
            file,
            digest,
            size: 1024,
            document: Digest::of(self.content.as_bytes()),
            info: IndexLine::parse(&info).unwrap(),
            attestations: Vec::new(),
        }
    }
}
