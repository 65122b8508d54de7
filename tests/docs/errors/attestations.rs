//! Attestations that are refused before the rules are asked: one of each error, and what to do about it.
use gemledger::sigstore::{BundleError, StatementError, VerifyError};

use super::Row;

/// What cannot be read: 400.
pub(super) fn malformed() -> Vec<Row> {
    let errors = [
        BundleError::TooLong {
            bytes: 2_000_000,
            max: 1_064_960,
        },
        BundleError::NotAnArray,
        BundleError::Empty,
        BundleError::TooMany { found: 5, max: 4 },
        BundleError::TooLarge {
            number: 1,
            bytes: 300_000,
            max: 262_144,
        },
        BundleError::Repeated { number: 2 },
        BundleError::NoMediaType { number: 1 },
        BundleError::MediaType {
            number: 1,
            came: "…".into(),
        },
        BundleError::Malformed {
            number: 1,
            what: "…".into(),
        },
    ];
    let row = |error: &BundleError| {
        let advice = match error {
            BundleError::TooLong { .. } | BundleError::TooLarge { .. } => {
                "send what the signing tool wrote, and nothing else"
            }
            BundleError::NotAnArray => {
                "send what `gem push --attestation` sends: the bundles between `[` and `]`, with commas between them"
            }
            BundleError::Empty => "leave the part out",
            BundleError::TooMany { .. } => "send at most four, one of each kind",
            BundleError::Repeated { .. } => "send it once",
            BundleError::NoMediaType { .. } | BundleError::MediaType { .. } => {
                "sign with a newer tool, which writes bundles of version 0.3"
            }
            BundleError::Malformed { .. } => "the message says where; sign again",
        };
        row(error.code(), "400", &error.to_string(), advice)
    };
    errors.iter().map(row).collect()
}

/// What proves nothing: 422.
pub(super) fn unverified() -> Vec<Row> {
    let text = || "…".to_owned();
    let errors = vec![
        VerifyError::Future { what: text() },
        VerifyError::Issuer {
            came: text(),
            expected: text(),
        },
        VerifyError::Certificate(text()),
        VerifyError::Sct(text()),
        VerifyError::Log(text()),
        VerifyError::Time(text()),
        VerifyError::Signature(text()),
        VerifyError::Artifact(text()),
        VerifyError::Evidence("…"),
        VerifyError::Unsupported(text()),
        VerifyError::Statement(StatementError::Malformed(text())),
        VerifyError::Statement(StatementError::Type(text())),
        VerifyError::Statement(StatementError::Subjects(2)),
        VerifyError::Statement(StatementError::Subject {
            field: "name",
            came: text(),
            expected: text(),
        }),
        VerifyError::Statement(StatementError::Predicate(text())),
        VerifyError::Statement(StatementError::NoPredicate),
        VerifyError::Statement(StatementError::Unsaid("…")),
        VerifyError::Statement(StatementError::Differs {
            field: "…",
            came: text(),
            expected: text(),
        }),
        VerifyError::SameKind(text()),
    ];
    let row = |error: &VerifyError| {
        let advice = match error {
            VerifyError::Future { .. } => {
                "the clocks of the log and of the registry disagree by more than two seconds; tell the operator"
            }
            VerifyError::Issuer { .. } => "sign in the run that pushes",
            VerifyError::Certificate(_)
            | VerifyError::Sct(_)
            | VerifyError::Log(_)
            | VerifyError::Time(_) => {
                "sign where the registry's trust root vouches, and push what was signed; `gemledger trust-root list` names the roots"
            }
            VerifyError::Signature(_) | VerifyError::Artifact(_) => {
                "sign the very file that is pushed"
            }
            VerifyError::Evidence(_) => "sign with what the trust root requires",
            VerifyError::Unsupported(_) => "sign as `gem push` and the published actions do",
            VerifyError::Statement(error) => statement(error),
            VerifyError::SameKind(_) => "send one of each kind",
        };
        row(error.code(), "422", &error.to_string(), advice)
    };
    errors.iter().map(row).collect()
}

fn statement(error: &StatementError) -> &'static str {
    match error {
        StatementError::Malformed(_) | StatementError::Type(_) => {
            "sign an in-toto statement of version 1"
        }
        StatementError::Subjects(_) | StatementError::Subject { .. } => {
            "name the gem's file and its SHA-256 as the only subject"
        }
        StatementError::Predicate(_) => "use `https://slsa.dev/provenance/v1`",
        StatementError::NoPredicate | StatementError::Unsaid(_) => {
            "let the forge's own tool write the provenance"
        }
        StatementError::Differs { .. } => "let the provenance be written by the job that signs it",
    }
}

fn row(code: &str, status: &str, message: &str, advice: &str) -> Row {
    Row {
        code: code.to_owned(),
        status: status.to_owned(),
        message: message.to_owned(),
        advice: advice.to_owned(),
    }
}
