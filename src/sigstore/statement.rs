//! The in-toto statement of a verified DSSE envelope, held to the gem and to the certificate that signed it.
use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{error::shown, slsa, verified::Certificate, verify::Artifact};

/// The one type of statement.
const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";

/// SLSA provenance, as GitHub and GitLab make it.
pub const SLSA_PROVENANCE_V1: &str = "https://slsa.dev/provenance/v1";

/// The predicates that are accepted.
///
/// `https://slsa.dev/provenance/v0.2` is not among them: it says the same in other places, no tool for gems makes it, and
/// what is not compared with the certificate must not be stored as verified.
pub const PREDICATES: [&str; 1] = [SLSA_PROVENANCE_V1];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement<'a> {
    #[serde(rename = "_type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    subject: Vec<Subject<'a>>,
    #[serde(borrow)]
    predicate_type: Cow<'a, str>,
    #[serde(borrow)]
    predicate: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Subject<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    digest: BTreeMap<String, String>,
}

/// The predicate's type, if the statement is about this artifact alone, in a predicate that is accepted, which says
/// nothing else than the certificate does.
pub(super) fn check(
    payload: &[u8],
    artifact: &Artifact<'_>,
    certificate: &Certificate,
) -> Result<String, StatementError> {
    let statement: Statement<'_> = serde_json::from_slice(payload)
        .map_err(|error| StatementError::Malformed(shown(&error.to_string())))?;
    if statement.kind != STATEMENT_V1 {
        return Err(StatementError::Type(shown(&statement.kind)));
    }
    let [subject] = statement.subject.as_slice() else {
        return Err(StatementError::Subjects(statement.subject.len()));
    };
    check_subject(subject, artifact)?;
    let kind = statement.predicate_type.as_ref();
    if !PREDICATES.contains(&kind) {
        return Err(StatementError::Predicate(shown(kind)));
    }
    if let Some(predicate) = statement.predicate {
        slsa::check(predicate, certificate)?;
    }
    Ok(kind.to_owned())
}

/// Name and SHA-256 must be the artifact's. Another digest beside it would be stored as verified, and is not.
fn check_subject(subject: &Subject<'_>, artifact: &Artifact<'_>) -> Result<(), StatementError> {
    let differs = |field: &'static str, came: &str, expected: &str| StatementError::Subject {
        field,
        came: shown(came),
        expected: expected.to_owned(),
    };
    if subject.name != artifact.file_name {
        return Err(differs("name", &subject.name, artifact.file_name));
    }
    let expected = artifact.digest.hex();
    let came = subject.digest.get("sha256").map_or("", String::as_str);
    if came != expected {
        return Err(differs("sha256", came, &expected));
    }
    match subject.digest.keys().find(|name| *name != "sha256") {
        Some(other) => Err(differs("digests", other, "sha256 alone")),
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
            Self::Differs { .. } => "statement_differs",
        }
    }
}
