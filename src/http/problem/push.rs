//! A push that failed, in the words that users of `gem` know.
use actix_web::http::StatusCode;
use deciders::{Code, Denial};

use super::{Problem, unavailable};
use crate::{
    app::{attestations::AttestationError, push::PushError},
    rubygems::{GemError, SpecError},
};

impl PushError {
    /// The answer, in the words that users of `gem` know.
    pub fn into_problem(self, name: Option<&str>) -> Problem {
        match self {
            Self::Gem(error) => gem(&error),
            Self::Text { .. } | Self::Document(_) => cannot_process(&self.to_string()),
            Self::Denied(denial) => push_denied(denial, name),
            Self::Append(error) => error.into(),
            Self::Store(error) => error.into(),
            Self::Blob(error) => error.into(),
            Self::Attestations(error) => attestations(&error),
            Self::GivenUp => unavailable(&self),
        }
    }
}

/// What cannot be read is 400, what does not prove anything is 422.
fn attestations(error: &AttestationError) -> Problem {
    let told = |code: &str| {
        format!("There was a problem with the attestations of this gem.\n{error} ({code})")
    };
    match error {
        AttestationError::Malformed(error) => {
            Problem::new(StatusCode::BAD_REQUEST, error.code(), told(error.code()))
        }
        AttestationError::NoRoot { .. } => {
            let text = told("trust_root_missing");
            let text = format!(
                "{text}\nAsk the operator to add one (`gemledger trust-root add`), or push without --attestation."
            );
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "trust_root_missing", text)
        }
        AttestationError::Unverified { error, .. } | AttestationError::SameKind(error) => {
            let code = error.code();
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, told(code))
        }
        AttestationError::Root(error) => unavailable(error),
    }
}

fn cannot_process(reason: &str) -> Problem {
    let reason: String = reason.chars().take(500).collect();
    let text = format!(
        "This registry cannot process this gem.\nPlease try rebuilding it and installing it locally to make sure it's valid.\nError:\n{reason}"
    );
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "gem_invalid", text)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else is wrong with a file is answered alike"
)]
fn gem(error: &GemError) -> Problem {
    match error {
        GemError::CertChainWithoutSignature => {
            let text = format!("There was a problem saving your gem: \n{error}");
            Problem::new(StatusCode::FORBIDDEN, "gem_unsigned", text)
        }
        GemError::Specification(SpecError::PlatformSpelling(_)) => {
            let text = format!(
                "There was a problem saving your gem: the uploaded spec has malformed platform attributes: {error}"
            );
            Problem::new(StatusCode::CONFLICT, "gem_platform", text)
        }
        GemError::TooBig(_) => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "gem_too_big",
            error.to_string(),
        ),
        error => cannot_process(&error.to_string()),
    }
}

/// A denied push. The first line is what rubygems.org says where it has such a case; the second says what is.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only some denials have words that users of `gem` know"
)]
fn push_denied(denial: Denial, name: Option<&str>) -> Problem {
    let known = match denial.code {
        Code::KeyUnknown | Code::KeyRevoked | Code::KeyExpired | Code::AccountDisabled => "Access Denied.".to_owned(),
        Code::VersionExists => "Repushing of gem versions is not allowed.\nPlease bump the version number and push a new different release.\nSee also `gem yank` if you want to unpublish the bad release.".to_owned(),
        Code::ReleaseQuarantined => "Repushing of gem versions is not allowed.\nThe operator of this registry has quarantined this release; its version stays taken.".to_owned(),
        Code::NameSpelledDifferently => "Unable to change case of gem name with indexed versions".to_owned(),
        Code::VersionSpelledDifferently => {
            let existing = denial.expected.clone().unwrap_or_default();
            format!("There was a problem saving your gem: Canonical number has already been taken. Existing version: {existing}")
        }
        Code::NameReserved => "This gem name is reserved. You are not allowed to push this gem.".to_owned(),
        Code::NotOwner => format!(
            "You do not have permission to push to this gem. Ask an owner to add you with: gem owner {} --add EMAIL",
            name.unwrap_or("NAME")
        ),
        Code::ScopeMissing | Code::GemScope => "This API key cannot perform the specified action on this gem.".to_owned(),
        Code::FileTaken => "There was a problem saving your gem.".to_owned(),
        Code::AttestationNeedsPublisher => "Pushing with an attestation requires trusted publishing".to_owned(),
        code if code.as_str().starts_with("attestation_") => "There was a problem with the attestation of this gem.".to_owned(),
        _ => "You are not allowed to push this gem.".to_owned(),
    };
    let text = format!("{known}\n{denial} ({})", denial.code.as_str());
    Problem {
        message: text,
        ..Problem::from(denial)
    }
}
