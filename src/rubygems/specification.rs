//! `Gem::Specification`: what a gem says of itself, checked.

use std::collections::BTreeMap;

use events::name::GemName;
use events::platform::{FullName, Platform};
use events::version::GemVersion;

use super::date::Date;
use super::dependency::{Dependency, Kind};
use super::gem_platform::GemPlatform;
use super::requirement::Requirement;
pub use super::spec_error::SpecError;
use super::{gemspec, rules};

/// A gem's description of itself, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specification {
    /// The gem's name.
    pub name: GemName,
    /// Its version.
    pub version: GemVersion,
    /// What it runs on.
    pub platform: Platform,
    /// The parts of that platform; none for `ruby`.
    pub platform_parts: Option<GemPlatform>,
    /// What its file is called, without `.gem`.
    pub full_name: FullName,
    /// The day it was built.
    pub date: Date,
    /// At least one.
    pub authors: Vec<String>,
    /// The authors' addresses.
    pub emails: Vec<String>,
    /// One line about the gem.
    pub summary: String,
    /// More lines about it.
    pub description: Option<String>,
    /// A web address.
    pub homepage: Option<String>,
    /// SPDX identifiers, usually.
    pub licenses: Vec<String>,
    /// The author's own keys; those ending in `_uri` are web addresses.
    pub metadata: BTreeMap<String, String>,
    /// Which Rubies it runs on.
    pub required_ruby_version: Requirement,
    /// Which `RubyGems` may install it.
    pub required_rubygems_version: Requirement,
    /// The gems it needs, in the author's order.
    pub dependencies: Vec<Dependency>,
    /// The commands it installs.
    pub executables: Vec<String>,
    /// What is run when it is installed, to compile something.
    pub extensions: Vec<String>,
    /// The folder of its commands.
    pub bindir: String,
    /// The folders that Ruby loads from.
    pub require_paths: Vec<String>,
    /// The `RubyGems` that built it.
    pub rubygems_version: String,
    /// The version of this format, 1 to 4.
    pub specification_version: u8,
    /// Whether it carries a certificate chain, so that the file must carry signatures.
    pub has_cert_chain: bool,
}

impl Specification {
    /// Reads and checks the YAML of a gemspec.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let specification = gemspec::read(text)?;
        rules::check(&specification)?;
        Ok(specification)
    }

    /// The dependencies of one kind, in the author's order.
    pub fn dependencies_of(&self, kind: Kind) -> impl Iterator<Item = &Dependency> {
        self.dependencies
            .iter()
            .filter(move |dependency| dependency.kind == kind)
    }
}
