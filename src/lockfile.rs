//! `Gemfile.lock`: which gems a project installs, from where, and which bytes; pure.
//!
//! ```text
//! GEM                                    one or more; PATH, GIT and others are not a registry's
//!   remote: https://gems.example.com/    one or more
//!   specs:
//!     nokogiri (1.18.2-x86_64-linux)     four spaces; what it needs follows with six
//!
//! CHECKSUMS                              since Bundler 2.5, where the project has it
//!   nokogiri (1.18.2-x86_64-linux) sha256=…
//! ```
use std::collections::BTreeMap;

use events::{digest::Digest, name::GemName, platform::Platform, version::GemVersion};

use crate::config::BaseUrl;

/// Bytes in the longest lockfile that is read.
pub const MAX_LOCKFILE: usize = 16 << 20;
/// Most gems of a lockfile.
const MAX_GEMS: usize = 100_000;

/// Why a lockfile cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct LockfileError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What a lockfile says of registries.
pub struct Lockfile {
    /// Its `GEM` sections, in order.
    pub sections: Vec<Section>,
    /// Whether it has a `CHECKSUMS` section.
    pub has_checksums: bool,
}

/// One `GEM` section.
#[derive(Default)]
pub struct Section {
    /// Where its gems come from. Where there are several, the lockfile does not say which gem comes from which.
    pub remotes: Vec<Remote>,
    /// Its gems, in order.
    pub gems: Vec<Locked>,
}

/// A registry as a lockfile names it. It may carry a password, so it has no `Debug`.
#[derive(Clone)]
pub struct Remote {
    /// The address without user and password; `None` if it is no registry's.
    pub address: Option<BaseUrl>,
    user: Option<String>,
}

/// A locked gem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Its name as it is written.
    pub name: String,
    /// Its version as it is written, with the platform after a hyphen.
    pub version: String,
    /// Its line in the lockfile, from 1.
    pub line: u64,
    /// The digest that Bundler holds the file against; `None` if the lockfile has none.
    pub checksum: Option<Digest>,
    /// How many remotes its section names: the lockfile says which one it is from only if there is one.
    pub remotes: usize,
}

/// A locked gem as a registry knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The gem.
    pub name: GemName,
    /// The version.
    pub number: GemVersion,
    /// The platform.
    pub platform: Platform,
}

impl Remote {
    fn parse(text: &str) -> Self {
        let (user, address) = match text.split_once("://") {
            Some((scheme, rest)) => match rest.split_once('@') {
                Some((user, host)) if !user.contains('/') => {
                    (Some(unescaped(user)), format!("{scheme}://{host}"))
                }
                _ => (None, text.to_owned()),
            },
            None => (None, text.to_owned()),
        };
        Self {
            address: BaseUrl::parse(&address).ok(),
            user,
        }
    }

    /// `user:password`, as the lockfile has it in the address.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
}

/// A user or password of an address, in which some characters stand behind percent signs.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .get(..2)
            .and_then(|digits| str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (byte, after) = match (first, byte) {
            (b'%', Some(byte)) => (byte, after.get(2..).unwrap_or_default()),
            _ => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Locked {
    /// The release that this is; `None` if no gem of a registry has such a name, version or platform.
    pub fn release(&self) -> Option<Release> {
        // A version has no hyphen, so the first one is where the platform starts.
        let (number, platform) = match self.version.split_once('-') {
            Some((number, platform)) => (number, Platform::parse(platform).ok()?),
            None => (self.version.as_str(), Platform::ruby()),
        };
        Some(Release {
            name: GemName::parse(&self.name).ok()?,
            number: GemVersion::parse(number).ok()?,
            platform,
        })
    }

    /// The name of its file without `.gem`.
    pub fn full_name(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

/// Where in the file a line stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Elsewhere,
    Gem,
    Specs,
    Checksums,
}

impl Lockfile {
    /// Reads a lockfile.
    pub fn parse(text: &str) -> Result<Self, LockfileError> {
        let mut reading = Reading::default();
        for (line, text) in (1..).zip(text.lines()) {
            let refused = |reason| LockfileError { line, reason };
            reading.line(line, text).map_err(refused)?;
            if reading.gems > MAX_GEMS {
                return Err(refused("there are too many gems"));
            }
        }
        let Some(_) = reading.place else {
            let reason = "this is not a Gemfile.lock: it is empty";
            return Err(LockfileError { line: 1, reason });
        };
        for Section { remotes, gems } in &mut reading.sections {
            for gem in gems {
                let found = reading
                    .checksums
                    .get(&(gem.name.clone(), gem.version.clone()));
                gem.checksum = found.copied().flatten();
                gem.remotes = remotes.len();
            }
        }
        Ok(Self {
            sections: reading.sections,
            has_checksums: reading.has_checksums,
        })
    }
}

/// A lockfile as far as it was read.
#[derive(Default)]
struct Reading {
    /// `None` before the first heading.
    place: Option<Place>,
    sections: Vec<Section>,
    gems: usize,
    has_checksums: bool,
    checksums: BTreeMap<(String, String), Option<Digest>>,
}

impl Reading {
    fn line(&mut self, line: u64, text: &str) -> Result<(), &'static str> {
        if text.trim().is_empty() {
            return Ok(());
        }
        if !text.starts_with(' ') {
            return self.heading(text.trim_end());
        }
        let section = self.sections.last_mut();
        match (self.place, section) {
            (Some(Place::Gem), Some(section)) => match text.trim().split_once(": ") {
                Some(("remote", remote)) => section.remotes.push(Remote::parse(remote.trim())),
                _ if text.trim() == "specs:" => self.place = Some(Place::Specs),
                _ => {}
            },
            (Some(Place::Specs), Some(section)) => {
                let spec = text.strip_prefix("    ");
                if let Some(spec) = spec.filter(|spec| !spec.starts_with(' ')) {
                    self.gems += 1;
                    let (name, version, _) = entry(spec).ok_or("it is no gem and version")?;
                    section.gems.push(locked(name, version, line));
                }
            }
            (Some(Place::Checksums), _) => {
                let (name, version, rest) = entry(text.trim()).ok_or("it is no checksum")?;
                let digest = sha256(rest)?;
                self.checksums
                    .insert((name.to_owned(), version.to_owned()), digest);
            }
            (None, _) => return Err("this is not a Gemfile.lock"),
            (Some(Place::Gem | Place::Specs | Place::Elsewhere), _) => {}
        }
        Ok(())
    }

    fn heading(&mut self, text: &str) -> Result<(), &'static str> {
        let marks = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];
        if marks.iter().any(|mark| text.starts_with(mark)) {
            return Err("it has merge conflicts: settle them first");
        }
        if !text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b' ')
        {
            return Err("this is not a Gemfile.lock");
        }
        self.place = Some(match text {
            "GEM" => Place::Gem,
            "CHECKSUMS" => Place::Checksums,
            _ => Place::Elsewhere,
        });
        self.has_checksums |= text == "CHECKSUMS";
        if text == "GEM" {
            self.sections.push(Section::default());
        }
        Ok(())
    }
}

fn locked(name: &str, version: &str, line: u64) -> Locked {
    Locked {
        name: name.to_owned(),
        version: version.to_owned(),
        line,
        checksum: None,
        remotes: 0,
    }
}

/// `NAME (VERSION)` and what follows.
fn entry(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = text.split_once(" (")?;
    let (version, rest) = rest.split_once(')')?;
    Some((name, version, rest.trim()))
}

/// The SHA-256 of `sha256=…`, perhaps among digests of other kinds.
fn sha256(text: &str) -> Result<Option<Digest>, &'static str> {
    let mut digests = text.split(',').map(str::trim);
    let found = digests.find_map(|digest| digest.strip_prefix("sha256="));
    let digest = found.map(Digest::from_hex).transpose();
    digest.map_err(|_| "its SHA-256 is not 64 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKFILE: &str = "\
GIT
  remote: https://example.com/a.git
  revision: 1
  specs:
    from_git (1.0)

PATH
  remote: .
  specs:
    from_path (0.1)

GEM
  remote: https://us%65r:p%40ss@Gems.Example.com/
  specs:
    rake (13.2.1)
      needed (>= 1)
    nokogiri (1.18.2-x86_64-linux)
    odd name (1)

GEM
  remote: https://rubygems.org/
  remote: http://localhost:9292/private
  specs:
    rack (3.1.8)

PLATFORMS
  ruby

DEPENDENCIES
  rake!

CHECKSUMS
  from_path (0.1)
  nokogiri (1.18.2-x86_64-linux) sha512=00,sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  rack (3.1.8) sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
  rake (13.2.1)

BUNDLED WITH
   2.6.7
";

    #[test]
    fn gems_come_with_their_registry_version_platform_line_and_checksum() {
        for text in [LOCKFILE.to_owned(), LOCKFILE.replace('\n', "\r\n")] {
            let lockfile = Lockfile::parse(&text).unwrap();
            assert!(lockfile.has_checksums);
            let [ours, theirs] = &lockfile.sections[..] else {
                panic!("{}", lockfile.sections.len())
            };
            let address = |remote: &Remote| remote.address.clone().unwrap().as_str().to_owned();
            assert_eq!(address(&ours.remotes[0]), "https://gems.example.com");
            assert_eq!(ours.remotes[0].user(), Some("user:p@ss"));
            let empty = Digest::of(b"");
            let told: Vec<_> = ours
                .gems
                .iter()
                .map(|gem| (gem.full_name(), gem.line, gem.checksum))
                .collect();
            assert_eq!(
                told,
                [
                    ("rake-13.2.1".to_owned(), 15, None),
                    ("nokogiri-1.18.2-x86_64-linux".to_owned(), 17, Some(empty)),
                    ("odd name-1".to_owned(), 18, None),
                ]
            );
            let release = ours.gems[1].release().unwrap();
            assert_eq!(
                (release.number.as_str(), release.platform.as_str()),
                ("1.18.2", "x86_64-linux")
            );
            assert!(ours.gems[2].release().is_none());
            let places: Vec<_> = theirs.remotes.iter().map(address).collect();
            assert_eq!(
                places,
                ["https://rubygems.org", "http://localhost:9292/private"]
            );
            assert_eq!(theirs.gems[0].checksum, Some(empty));
        }
    }

    #[test]
    fn what_is_no_lockfile_is_refused_at_its_line() {
        let refused = |text: &str| match Lockfile::parse(text) {
            Ok(_) => panic!("{text:?} was read"),
            Err(error) => error.line,
        };
        assert_eq!(refused(""), 1);
        assert_eq!(refused("GEM\n\ngem 'rake'\n"), 3);
        assert_eq!(refused("GEM\n  specs:\n    rake\n"), 3);
        assert_eq!(refused("GEM\n<<<<<<< HEAD\n"), 2);
        assert_eq!(refused("CHECKSUMS\n  rake (1) sha256=00\n"), 2);
    }
}
