//! Why a gemspec is refused, in words for the gem's author.

use events::name::NameError;
use events::platform::PlatformError;
use events::version::VersionError;

use super::date::DateError;
use super::dependency::Kind;
use super::gem_platform::GemPlatformError;
use super::requirement::RequirementError;
use super::yaml::YamlError;

/// Why a gemspec is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Not YAML that every Ruby reads alike.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// The text does not start as `RubyGems` starts it.
    #[error("the gemspec does not start with `--- !ruby/object:Gem::Specification`")]
    NotASpecification,
    /// A key that no `RubyGems` writes.
    #[error("the gemspec has the unknown attribute `{field}`")]
    UnknownField {
        /// The key.
        field: String,
    },
    /// A key that every gem must have.
    #[error("the gemspec has no `{field}`")]
    Missing {
        /// The key.
        field: &'static str,
    },
    /// A value of another kind.
    #[error("the gemspec's `{field}` is not {expected}")]
    Shape {
        /// The key.
        field: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A word that Ruby takes for a number, a time, true, false or nothing.
    #[error(
        "the gemspec's `{field}` is the unquoted `{found}`, which Ruby does not read as a string; write it in quotes"
    )]
    NotText {
        /// The key.
        field: String,
        /// The beginning of the word.
        found: String,
    },
    /// `!binary`.
    #[error(
        "the gemspec's `{field}` is binary; save the file it comes from as UTF-8 and build the gem again"
    )]
    Binary {
        /// The key.
        field: String,
    },
    /// A control character.
    #[error("the gemspec's `{field}` has the control character {character:?}")]
    Control {
        /// The key.
        field: String,
        /// The character.
        character: char,
    },
    /// Too long a text.
    #[error("the gemspec's `{field}` is longer than {most}")]
    TooLong {
        /// The key.
        field: String,
        /// The bound.
        most: usize,
    },
    /// Too many items.
    #[error("the gemspec's `{field}` has more than {most} entries")]
    TooMany {
        /// The key.
        field: String,
        /// The bound.
        most: usize,
    },
    /// The gem's name.
    #[error("the gemspec's `name`: {0}")]
    Name(#[source] NameError),
    /// The gem's version.
    #[error("the gemspec's `version`: {0}")]
    Version(#[source] VersionError),
    /// The platform, or the full name.
    #[error("the gemspec's `platform`: {0}")]
    Platform(#[from] PlatformError),
    /// A platform that Ruby would rename: the uploaded spec has malformed platform attributes.
    #[error(transparent)]
    PlatformSpelling(#[from] GemPlatformError),
    /// A requirement.
    #[error("the gemspec's `{field}`: {reason}")]
    Requirement {
        /// The key.
        field: String,
        /// What is wrong with it.
        reason: RequirementError,
    },
    /// The name of a dependency.
    #[error("the gemspec's `{field}`: {reason}")]
    DependencyName {
        /// The key.
        field: String,
        /// What is wrong with it.
        reason: NameError,
    },
    /// The same gem twice.
    #[error("the gemspec has two {} dependencies on `{name}`; join their requirements", kind.as_str())]
    DuplicateDependency {
        /// The gem.
        name: String,
        /// What it is needed for.
        kind: Kind,
    },
    /// `requirement` and `version_requirements` differ, and which of them counts depends on the `RubyGems` that reads.
    #[error(
        "the gemspec's `{field}` has a `requirement` and a `version_requirements` that differ; build the gem with `gem build`"
    )]
    TwoRequirements {
        /// The key.
        field: String,
    },
    /// The date.
    #[error("the gemspec's `date`: {0}")]
    Date(#[from] DateError),
    /// A link that is not a web address.
    #[error("the gemspec's `{field}` is not an http or https address")]
    Link {
        /// The key.
        field: String,
    },
    /// A template that nobody filled in.
    #[error("the gemspec's `{field}` still says FIXME or TODO")]
    Placeholder {
        /// The key.
        field: &'static str,
    },
    /// The gem lists its own file.
    #[error("the gemspec's `files` lists `{file}`, the gem itself")]
    ContainsItself {
        /// The file.
        file: String,
    },
    /// The compact-index line would not fit the log.
    #[error("the gemspec's dependencies and requirements take more than {most} bytes")]
    TooManyRequirements {
        /// The bound.
        most: usize,
    },
}
