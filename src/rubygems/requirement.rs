//! `Gem::Requirement`: which versions a dependency allows.

use std::fmt;

use events::version::GemVersion;

/// The most constraints in one requirement.
pub const MAX_CONSTRAINTS: usize = 64;

/// One or more constraints, all of which must hold, in their author's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement(Vec<Constraint>);

/// An operator and a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// How the version is compared.
    pub operator: Operator,
    /// The version compared with.
    pub version: GemVersion,
}

/// How a constraint compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `<`
    Less,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// `~>`
    Pessimistic,
}

/// Why a text or list is not a requirement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// Not one of Ruby's seven operators.
    #[error("`{0}` is not one of `=`, `!=`, `>`, `<`, `>=`, `<=`, `~>`")]
    Operator(String),
    /// The version is not one.
    #[error("`{text}`: {reason}")]
    Version {
        /// What stands in the version's place.
        text: String,
        /// What is wrong with it.
        reason: events::version::VersionError,
    },
    /// No constraint, or more than [`MAX_CONSTRAINTS`].
    #[error(
        "a requirement has between one and {MAX_CONSTRAINTS} constraints; one that allows everything says `>= 0`"
    )]
    Count,
}

impl Operator {
    /// Parses an operator.
    pub fn parse(text: &str) -> Result<Self, RequirementError> {
        Ok(match text {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            ">" => Self::Greater,
            "<" => Self::Less,
            ">=" => Self::AtLeast,
            "<=" => Self::AtMost,
            "~>" => Self::Pessimistic,
            _ => return Err(RequirementError::Operator(shorten(text))),
        })
    }

    /// The operator as Ruby writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Pessimistic => "~>",
        }
    }
}

impl Constraint {
    /// Parses `~> 1.2`; without an operator it is `=`.
    pub fn parse(text: &str) -> Result<Self, RequirementError> {
        let text = text.trim_matches(' ');
        let end = text
            .find(|c| !matches!(c, '=' | '!' | '>' | '<' | '~'))
            .unwrap_or(text.len());
        let (operator, version) = text.split_at(end);
        let operator = if operator.is_empty() {
            Operator::Equal
        } else {
            Operator::parse(operator)?
        };
        Self::new(operator, version.trim_matches(' '))
    }

    /// A constraint on a version still to be parsed.
    pub fn new(operator: Operator, version: &str) -> Result<Self, RequirementError> {
        let version = GemVersion::parse(version).map_err(|reason| RequirementError::Version {
            text: shorten(version),
            reason,
        })?;
        Ok(Self { operator, version })
    }
}

impl Requirement {
    /// Parses constraints between commas, as [`Requirement`] displays them.
    pub fn parse(text: &str) -> Result<Self, RequirementError> {
        Self::new(
            text.split(',')
                .map(Constraint::parse)
                .collect::<Result<_, _>>()?,
        )
    }

    /// A requirement of these constraints.
    pub fn new(constraints: Vec<Constraint>) -> Result<Self, RequirementError> {
        if constraints.is_empty() || constraints.len() > MAX_CONSTRAINTS {
            return Err(RequirementError::Count);
        }
        Ok(Self(constraints))
    }

    /// The constraints in their author's order.
    pub fn constraints(&self) -> &[Constraint] {
        &self.0
    }

    /// Whether it is exactly `>= 0`, which indexes leave out.
    pub fn is_any(&self) -> bool {
        self.to_string() == ">= 0"
    }

    /// The constraints sorted as texts and joined by `&`, as the compact index writes them.
    pub fn index_text(&self) -> String {
        let mut texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        texts.sort();
        texts.join("&")
    }
}

/// `>= 0`: any version.
impl Default for Requirement {
    fn default() -> Self {
        Self(vec![Constraint {
            operator: Operator::AtLeast,
            version: GemVersion::zero(),
        }])
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operator.as_str(), self.version)
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, constraint) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{constraint}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_read_and_written() {
        for text in [
            "= 1",
            "!= 1.0",
            "> 2",
            "< 3.a",
            ">= 0",
            "<= 4",
            "~> 1.2.3",
            ">= 1.0, < 3",
        ] {
            assert_eq!(Requirement::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Requirement::parse("1.0").unwrap().to_string(), "= 1.0");
        assert_eq!(
            Requirement::parse("~>1.0,  !=1.2").unwrap().to_string(),
            "~> 1.0, != 1.2"
        );
    }

    #[test]
    fn what_ruby_does_not_know_is_refused() {
        for text in [
            "", ">=", "=> 1", "~ 1", "1 2", ">= 1,", "> > 1", ">= 1-1", "*",
        ] {
            assert!(Requirement::parse(text).is_err(), "{text}");
        }
        assert_eq!(Requirement::new(Vec::new()), Err(RequirementError::Count));
    }

    #[test]
    fn the_index_sorts_constraints_as_texts() {
        assert_eq!(
            Requirement::parse(">= 1.0, < 3").unwrap().index_text(),
            "< 3&>= 1.0"
        );
        assert_eq!(
            Requirement::parse("~> 2.0, != 2.1").unwrap().index_text(),
            "!= 2.1&~> 2.0"
        );
    }

    #[test]
    fn only_the_plain_default_means_any_version() {
        assert!(Requirement::default().is_any());
        assert!(!Requirement::parse(">= 0.0").unwrap().is_any());
        assert!(!Requirement::parse(">= 0, < 2").unwrap().is_any());
    }
}
