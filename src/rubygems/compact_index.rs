//! The compact index: one line of `/info/<gem>` per release, the bytes that Bundler resolves from.
//!
//! ```text
//! VERSION[-PLATFORM] DEP:REQ[&REQ],DEP2:…|checksum:<sha256>[,ruby:REQ[&REQ]][,rubygems:REQ[&REQ]],created_at:<time>
//! ```
//! Only runtime dependencies, sorted by name; each requirement's constraints sorted as texts; `>= 0` of Ruby and `RubyGems` left out; one space always.
//! A line is made in two steps because its last part is the time of the event that carries it, which only the writer of the log knows.

use std::fmt::Write;

use events::platform::Platform;
use events::version::GemVersion;

use super::dependency::{Dependency, Kind};
use super::specification::Specification;

/// A line up to its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoLine(String);

/// What an auditor needs of a line: which release it is about and which bytes it promises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexLine {
    /// The release's version.
    pub version: GemVersion,
    /// The release's platform.
    pub platform: Platform,
    /// The dependencies part, verbatim.
    pub dependencies: String,
    /// SHA-256 of the gem file, in lower-case hexadecimal digits.
    pub checksum: String,
    /// When the release was pushed; none before the second version of the format.
    pub created_at: Option<String>,
}

/// The text is not a line of the compact index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a line of the compact index: {0}")]
pub struct IndexLineError(&'static str);

/// The whole line without its newline.
pub fn info_line(spec: &Specification, sha256_hex: &str, created_at: &str) -> String {
    info_line_head(spec, sha256_hex).at(created_at)
}

/// Everything before `,created_at:`.
pub fn info_line_head(spec: &Specification, sha256_hex: &str) -> InfoLine {
    let mut line = spec.version.to_string();
    if !spec.platform.is_ruby() {
        let _ = write!(line, "-{}", spec.platform);
    }
    let _ = write!(line, " {}|checksum:{sha256_hex}", dependency_text(spec));
    for (key, requirement) in [
        ("ruby", &spec.required_ruby_version),
        ("rubygems", &spec.required_rubygems_version),
    ] {
        if !requirement.is_any() {
            let _ = write!(line, ",{key}:{}", requirement.index_text());
        }
    }
    InfoLine(line)
}

impl InfoLine {
    /// The line without its time, as the first version of the format has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The whole line: an ISO 8601 time in UTC is added.
    pub fn at(&self, created_at: &str) -> String {
        format!("{},created_at:{created_at}", self.0)
    }
}

impl IndexLine {
    /// Reads a line back.
    pub fn parse(line: &str) -> Result<Self, IndexLineError> {
        let (release, rest) = line.split_once(' ').ok_or(IndexLineError("no space"))?;
        let (dependencies, properties) = rest.split_once('|').ok_or(IndexLineError("no `|`"))?;
        let (version, platform) = release.split_once('-').unwrap_or((release, "ruby"));
        let mut checksum = None;
        let mut created_at = None;
        for property in properties.split(',') {
            let (key, value) = property
                .split_once(':')
                .ok_or(IndexLineError("a property without `:`"))?;
            match key {
                "checksum" => checksum = Some(value.to_owned()),
                "created_at" => created_at = Some(value.to_owned()),
                "ruby" | "rubygems" => {}
                _ => return Err(IndexLineError("an unknown property")),
            }
        }
        Ok(Self {
            version: GemVersion::parse(version).map_err(|_| IndexLineError("no version"))?,
            platform: Platform::parse(platform).map_err(|_| IndexLineError("no platform"))?,
            dependencies: dependencies.to_owned(),
            checksum: checksum
                .filter(|digest| is_sha256(digest))
                .ok_or(IndexLineError("no SHA-256 checksum"))?,
            created_at,
        })
    }
}

fn dependency_text(spec: &Specification) -> String {
    let mut runtime: Vec<&Dependency> = spec.dependencies_of(Kind::Runtime).collect();
    runtime.sort_by(|left, right| left.name.cmp(&right.name));
    let texts: Vec<String> = runtime
        .iter()
        .map(|dependency| {
            format!(
                "{}:{}",
                dependency.name,
                dependency.requirement.index_text()
            )
        })
        .collect();
    texts.join(",")
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{GEMSPEC, edited};
    use super::*;

    const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const TIME: &str = "2026-11-23T02:30:00Z";

    #[test]
    fn a_line_has_dependencies_checksum_requirements_and_time() {
        let spec = Specification::parse(&edited(
            "required_ruby_version: !ruby/object:Gem::Requirement\n  requirements:\n  - - \">=\"\n    - !ruby/object:Gem::Version\n      version: '0'",
            "required_ruby_version: !ruby/object:Gem::Requirement\n  requirements:\n  - - \">=\"\n    - !ruby/object:Gem::Version\n      version: '3.0'",
        ));
        let line = info_line(&spec.unwrap(), DIGEST, TIME);
        assert_eq!(
            line,
            format!("1.0 a:>= 0,b:!= 1.2.3&~> 1.2|checksum:{DIGEST},ruby:>= 3.0,created_at:{TIME}")
        );
    }

    #[test]
    fn a_gem_without_dependencies_keeps_its_space() {
        let text = edited("platform: ruby", "platform: java");
        let (front, rest) = text.split_once("dependencies:").unwrap();
        let (_, back) = rest.split_once("description:").unwrap();
        let spec = Specification::parse(&format!("{front}description:{back}")).unwrap();
        assert_eq!(
            info_line_head(&spec, DIGEST).as_str(),
            format!("1.0-java |checksum:{DIGEST}")
        );
    }

    #[test]
    fn a_line_is_read_back() {
        let spec = Specification::parse(GEMSPEC).unwrap();
        let line = IndexLine::parse(&info_line(&spec, DIGEST, TIME)).unwrap();
        assert_eq!((line.version, line.platform), (spec.version, spec.platform));
        assert_eq!(
            (line.checksum.as_str(), line.created_at.as_deref()),
            (DIGEST, Some(TIME))
        );
        for text in [
            "",
            "1.0",
            "1.0 |",
            "1.0 |checksum:abc",
            "1.0 |ruby:>= 1",
            "x |checksum:0",
            "1.0 a|b|c",
        ] {
            assert!(IndexLine::parse(text).is_err(), "{text}");
        }
    }
}
