//! The in-toto statement of a verified DSSE envelope, held to the gem and to the certificate that signed it.
use super::{
    error::shown,
    json::Json,
    slsa,
    verified::{Certificate, Content},
    verify::Artifact,
};

/// The one type of statement.
const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";

/// SLSA provenance, as GitHub and GitLab make it.
pub const SLSA_PROVENANCE_V1: &str = "https://slsa.dev/provenance/v1";

/// The predicates that are accepted.
///
/// `https://slsa.dev/provenance/v0.2` is not among them: it says the same in other places, no tool for gems makes it, and
/// what is not compared with the certificate must not be stored as verified.
pub const PREDICATES: [&str; 1] = [SLSA_PROVENANCE_V1];

/// The predicate's type and the builder that it names, if the statement is about this artifact alone, in a predicate that
/// is accepted, which says what it must and nothing else than the certificate does.
pub(super) fn check(
    payload: &[u8],
    artifact: &Artifact<'_>,
    certificate: &Certificate,
) -> Result<Content, StatementError> {
    let statement: Json = serde_json::from_slice(payload)
        .map_err(|error| StatementError::Malformed(shown(&error.to_string())))?;
    let kind = statement.text("_type")?.unwrap_or_default();
    if kind != STATEMENT_V1 {
        return Err(StatementError::Type(shown(kind)));
    }
    statement.only(&["_type", "subject", "predicateType", "predicate"])?;
    let [subject] = statement.items("subject")? else {
        return Err(StatementError::Subjects(statement.items("subject")?.len()));
    };
    check_subject(subject, artifact)?;
    let kind = statement.text("predicateType")?.unwrap_or_default();
    if !PREDICATES.contains(&kind) {
        return Err(StatementError::Predicate(shown(kind)));
    }
    Ok(Content::Statement {
        predicate_type: kind.to_owned(),
        builder: slsa::check(statement.at("predicate"), certificate)?,
    })
}

/// Name and SHA-256 must be the artifact's, and there is nothing else: it would be stored as verified, and is not.
fn check_subject(subject: &Json, artifact: &Artifact<'_>) -> Result<(), StatementError> {
    let differs = |field: &'static str, came: &str, expected: &str| StatementError::Subject {
        field,
        came: shown(came),
        expected: expected.to_owned(),
    };
    subject.only(&["name", "digest"])?;
    let name = subject.text("name")?.unwrap_or_default();
    if name != artifact.file_name {
        return Err(differs("name", name, artifact.file_name));
    }
    let expected = artifact.digest.hex();
    let digests = subject.texts("digest")?;
    let sha256 = digests.iter().find(|(name, _)| *name == "sha256");
    let came = sha256.map_or("", |(_, came)| came);
    if came != expected {
        return Err(differs("sha256", came, &expected));
    }
    match digests.iter().find(|(name, _)| *name != "sha256") {
        Some((other, _)) => Err(differs("digests", other, "sha256 alone")),
        None => Ok(()),
    }
}

/// Why a verified statement is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not a statement.
    #[error("the signed payload is not an in-toto statement: {0}")]
    Malformed(String),
    /// A statement of another type or version.
    #[error("the statement is of type `{0}`, not `https://in-toto.io/Statement/v1`")]
    Type(String),
    /// No subject, or several.
    #[error("the statement has {0} subjects, not one")]
    Subjects(usize),
    /// Its subject is something else.
    #[error("the statement's subject has {field} `{came}`, not `{expected}`")]
    Subject {
        /// What differs.
        field: &'static str,
        /// What it says.
        came: String,
        /// What the gem has.
        expected: String,
    },
    /// A predicate that is not accepted.
    #[error("the statement's predicate is `{0}`, which is not accepted")]
    Predicate(String),
    /// No predicate, or one without members.
    #[error("the statement's predicate says nothing")]
    NoPredicate,
    /// The predicate leaves out what makes it a provenance.
    #[error("the provenance does not say {0}")]
    Unsaid(&'static str),
    /// The predicate says something else than the certificate.
    #[error("the provenance says {field} `{came}`, the certificate `{expected}`")]
    Differs {
        /// Where in the predicate.
        field: &'static str,
        /// What it says.
        came: String,
        /// What the certificate says.
        expected: String,
    },
}

impl StatementError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "statement_malformed",
            Self::Type(_) => "statement_type_unknown",
            Self::Subjects(_) => "statement_subjects",
            Self::Subject { .. } => "statement_other_subject",
            Self::Predicate(_) => "statement_predicate_unknown",
            Self::NoPredicate => "statement_predicate_empty",
            Self::Unsaid(_) => "statement_incomplete",
            Self::Differs { .. } => "statement_differs",
        }
    }
}
