//! The metadata document: what a release says of itself, public, and removable because the log holds only its digest.
//!
//! Its JSON has its keys in alphabetical order, no floats, and everything that a quick spec or a page needs, so that both can be made again from
//! the log and the documents alone.

use std::collections::BTreeMap;

use events::name::GemName;
use events::platform::Platform;
use events::version::GemVersion;
use serde::{Deserialize, Serialize};

use super::date::Date;
use super::dependency::{Dependency, Kind};
use super::requirement::{Requirement, RequirementError};
use super::specification::Specification;

/// What a release says of itself. The fields are in the order of their names, which is the order of the JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// At least one.
    pub authors: Vec<String>,
    /// The day the gem was built.
    pub date: Date,
    /// The gems it needs, in the author's order.
    pub dependencies: Vec<DependencyText>,
    /// More lines about the gem.
    pub description: Option<String>,
    /// The authors' addresses.
    pub emails: Vec<String>,
    /// The commands it installs.
    pub executables: Vec<String>,
    /// Whether installing it compiles something.
    pub has_extensions: bool,
    /// A web address.
    pub homepage: Option<String>,
    /// SPDX identifiers, usually.
    pub licenses: Vec<String>,
    /// The author's own keys; those ending in `_uri` are web addresses.
    pub metadata: BTreeMap<String, String>,
    /// The gem's name.
    pub name: GemName,
    /// What it runs on.
    pub platform: Platform,
    /// Which Rubies it runs on.
    pub required_ruby_version: RequirementText,
    /// Which `RubyGems` may install it.
    pub required_rubygems_version: RequirementText,
    /// The `RubyGems` that built it.
    pub rubygems_version: String,
    /// The version of the gemspec's format.
    pub specification_version: u8,
    /// One line about the gem.
    pub summary: String,
    /// The gem's version.
    pub version: GemVersion,
}

/// A dependency as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DependencyText {
    /// What the other gem is needed for.
    pub kind: Kind,
    /// The other gem.
    pub name: GemName,
    /// Which of its versions will do.
    pub requirement: RequirementText,
}

/// A requirement that is a text in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequirementText(pub Requirement);

impl From<&Specification> for Document {
    fn from(spec: &Specification) -> Self {
        Self {
            authors: spec.authors.clone(),
            date: spec.date,
            dependencies: spec.dependencies.iter().map(DependencyText::from).collect(),
            description: spec.description.clone(),
            emails: spec.emails.clone(),
            executables: spec.executables.clone(),
            has_extensions: !spec.extensions.is_empty(),
            homepage: spec.homepage.clone(),
            licenses: spec.licenses.clone(),
            metadata: spec.metadata.clone(),
            name: spec.name.clone(),
            platform: spec.platform.clone(),
            required_ruby_version: RequirementText(spec.required_ruby_version.clone()),
            required_rubygems_version: RequirementText(spec.required_rubygems_version.clone()),
            rubygems_version: spec.rubygems_version.clone(),
            specification_version: spec.specification_version,
            summary: spec.summary.clone(),
            version: spec.version.clone(),
        }
    }
}

impl From<&Dependency> for DependencyText {
    fn from(dependency: &Dependency) -> Self {
        Self {
            kind: dependency.kind,
            name: dependency.name.clone(),
            requirement: RequirementText(dependency.requirement.clone()),
        }
    }
}

impl TryFrom<String> for RequirementText {
    type Error = RequirementError;

    fn try_from(text: String) -> Result<Self, RequirementError> {
        Requirement::parse(&text).map(Self)
    }
}

impl From<RequirementText> for String {
    fn from(requirement: RequirementText) -> Self {
        requirement.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::GEMSPEC;
    use super::*;

    #[test]
    fn the_json_has_its_keys_in_order_and_reads_back() {
        let document = Document::from(&Specification::parse(GEMSPEC).unwrap());
        let json = serde_json::to_string(&document).unwrap();
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            json,
            value.to_string(),
            "a map of values has its keys sorted"
        );
        assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), document);
        assert!(
            json.contains(r#"{"kind":"runtime","name":"b","requirement":"~> 1.2, != 1.2.3"}"#),
            "{json}"
        );
    }

    #[test]
    fn a_key_too_many_is_refused() {
        let document = Document::from(&Specification::parse(GEMSPEC).unwrap());
        let mut value = serde_json::to_value(&document).unwrap();
        value["extra"] = serde_json::json!(1);
        assert!(serde_json::from_value::<Document>(value).is_err());
    }
}
