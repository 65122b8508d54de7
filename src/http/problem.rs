//! Every error becomes an answer here: its status, its stable code, and what may be said to a stranger.
//!
//! Two dialects: text for `gem`, which prints what it gets, and JSON for whoever asked in JSON.
use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use deciders::{Code, Denial};
use serde_json::json;

use crate::{
    app::{CommandError, exchange::ExchangeError, witnessing::NotWitnessed},
    blobs::BlobError,
    oidc::TokenError,
    store::{StoreError, writer::AppendError},
};

mod push;

/// An answer that is no success.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    json: bool,
    details: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// An answer with this status, code and message, as text.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            json: false,
            details: serde_json::Map::new(),
        }
    }

    /// 404.
    pub fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 400.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// 401, without saying more than that the key is not known.
    pub fn unauthorized(code: &'static str, message: &str) -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            code,
            format!("Access Denied. {message}"),
        )
    }

    /// 429.
    pub fn too_many() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "too many requests; try again in a minute",
        )
    }

    /// The same in JSON.
    #[must_use]
    pub fn in_json(mut self) -> Self {
        self.json = true;
        self
    }

    fn with(mut self, key: &str, value: Option<impl Into<String>>) -> Self {
        if let Some(value) = value {
            self.details.insert(key.to_owned(), value.into().into());
        }
        self
    }

    /// With further fields beside the usual ones.
    #[must_use]
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        if let serde_json::Value::Object(details) = details {
            self.details.extend(details);
        }
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The answer.
    pub fn into_response(self) -> HttpResponse<BoxBody> {
        self.error_response()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CACHE_CONTROL, "no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((
                WWW_AUTHENTICATE,
                "Basic realm=\"gemledger\", charset=\"UTF-8\"",
            ));
        }
        if matches!(
            self.status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            response.insert_header((RETRY_AFTER, "30"));
        }
        if self.json {
            let mut body = self.details.clone();
            let reason = self.status.canonical_reason().unwrap_or("Error");
            for (key, value) in [
                ("error", reason),
                ("code", self.code),
                ("message", &self.message),
            ] {
                body.entry(key).or_insert_with(|| json!(value));
            }
            return response.json(body);
        }
        response
            .content_type("text/plain; charset=utf-8")
            .body(self.message.clone())
    }
}

fn unavailable(error: &dyn fmt::Display) -> Problem {
    tracing::error!(%error, "a request could not be served");
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "the ledger cannot do this now; try again in a minute",
    )
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        unavailable(&error)
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        unavailable(&error)
    }
}

impl From<AppendError> for Problem {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::TooLate => Self::unauthorized(
                "key_expired",
                "The API key expired before this could be recorded.",
            ),
            AppendError::Duplicate => {
                Self::new(StatusCode::CONFLICT, "already_exists", error.to_string())
            }
            AppendError::Encode(error) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "too_long",
                error.to_string(),
            ),
            AppendError::Halted(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "halted", error.to_string())
            }
            AppendError::Unavailable(_) | AppendError::Unread(_) | AppendError::Uncommitted(_) => {
                unavailable(&error)
            }
        }
    }
}

impl From<NotWitnessed> for Problem {
    fn from(error: NotWitnessed) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not_witnessed",
            error.to_string(),
        )
    }
}

/// The status of a denial where nothing more particular is known.
#[expect(clippy::too_many_lines, reason = "one line for each code")]
fn status_of(code: Code) -> StatusCode {
    match code {
        Code::VersionExists
        | Code::ReleaseQuarantined
        | Code::NotQuarantined
        | Code::NameSpelledDifferently
        | Code::FileTaken
        | Code::TrustRootRetired
        | Code::TrustRootReplaced
        | Code::AlreadyExists
        | Code::LastOwner
        | Code::SecondPersonNeeded
        | Code::TooManyOwners
        | Code::TooManyChanges
        | Code::EditionTooOld => StatusCode::CONFLICT,
        Code::NotFound | Code::TrustRootUnknown => StatusCode::NOT_FOUND,
        Code::AttestationNeedsPublisher => StatusCode::BAD_REQUEST,
        Code::ProviderKeysStale | Code::UnknownEdition => StatusCode::SERVICE_UNAVAILABLE,
        Code::KeyUnknown
        | Code::KeyRevoked
        | Code::KeyExpired
        | Code::AccountDisabled
        | Code::TokenExpired
        | Code::TokenNotYetValid
        | Code::TokenTooLong
        | Code::ProviderKeyUnknown
        | Code::ProviderKeyDistrusted
        | Code::ProviderUnknown
        | Code::ProviderDisabled => StatusCode::UNAUTHORIZED,
        Code::PublisherInvalid
        | Code::ProviderInvalid
        | Code::ApiKeyInvalid
        | Code::ReleaseIncoherent
        | Code::ReasonMissing
        | Code::AttestationDuplicate
        | Code::AttestationProvider
        | Code::AttestationRootUnknown
        | Code::AttestationRootIssuer
        | Code::AttestationEvidence
        | Code::AttestationFuture
        | Code::AttestationClaimMissing
        | Code::AttestationIssuer
        | Code::AttestationRepository
        | Code::AttestationRepositoryId
        | Code::AttestationOwnerId
        | Code::AttestationRef
        | Code::AttestationCommit
        | Code::AttestationTrigger
        | Code::AttestationRunner
        | Code::AttestationBuildConfig
        | Code::AttestationSigner
        | Code::AttestationBuildConfigCommit
        | Code::AttestationSignerCommit
        | Code::AttestationVisibility
        | Code::AttestationRun
        | Code::AttestationAttempt
        | Code::AttestationJob
        | Code::AttestationBuilder
        | Code::AttestationEnvironment
        | Code::SuccessorInvalid
        | Code::StatementKeyInvalid
        | Code::TrustRootInvalid
        | Code::RuleInvalid
        | Code::RulesInvalid
        | Code::ComparisonMismatch => StatusCode::UNPROCESSABLE_ENTITY,
        Code::AudienceMismatch
        | Code::TokenSpent
        | Code::PrivateRepository
        | Code::NoPublisher
        | Code::RepositoryMismatch
        | Code::RepositoryIdMismatch
        | Code::OwnerIdMismatch
        | Code::PublisherExpired
        | Code::PublisherNotEffectiveYet
        | Code::PendingExpired
        | Code::JobRepositoryMismatch
        | Code::WorkflowRepositoryMismatch
        | Code::WorkflowMismatch
        | Code::WorkflowRefMismatch
        | Code::TriggerNotAllowed
        | Code::RefNotAllowed
        | Code::EnvironmentMismatch
        | Code::ClaimMissing
        | Code::ScopeMissing
        | Code::GemScope
        | Code::VersionSpelledDifferently
        | Code::NotOwner
        | Code::NotPublisher
        | Code::TrustedPublishingRequired
        | Code::AttestationRequired
        | Code::EnvironmentRequired
        | Code::TagVersionMismatch
        | Code::ProtectedRefRequired
        | Code::NameReserved
        | Code::OneVersionPerKey
        | Code::Clock
        | Code::IssuerTaken
        | Code::EvidenceEarly
        | Code::EvidenceElsewhere
        | Code::TooManyComparisons
        | Code::TooManyPublishers => StatusCode::FORBIDDEN,
    }
}

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        let problem = Self::new(
            status_of(denial.code),
            denial.code.as_str(),
            denial.to_string(),
        );
        problem
            .with("found", denial.found)
            .with("expected", denial.expected.filter(|_| denial.tell))
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Denied(denial) => denial.into(),
            CommandError::Append(error) => error.into(),
            CommandError::Store(error) => error.into(),
            CommandError::Blob(error) => error.into(),
            CommandError::Malformed(message) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "malformed", message)
            }
        }
    }
}

impl From<ExchangeError> for Problem {
    fn from(error: ExchangeError) -> Self {
        let problem = match error {
            ExchangeError::Malformed(error) => {
                Self::new(StatusCode::BAD_REQUEST, error.code(), error.to_string())
            }
            ExchangeError::UnknownIssuer => Self::new(
                StatusCode::UNAUTHORIZED,
                "provider_unknown",
                error.to_string(),
            ),
            ExchangeError::Token(error) => token(&error),
            ExchangeError::Keys(error) => {
                tracing::error!(%error, "a provider's keys cannot be had");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    error.code(),
                    error.to_string(),
                )
            }
            ExchangeError::Denied(turned) => turned.denial.into(),
            ExchangeError::TooMany => Self::too_many(),
            ExchangeError::Append(error) => error.into(),
            ExchangeError::Store(error) => error.into(),
            ExchangeError::Command(error) => error.into(),
        };
        problem.in_json()
    }
}

/// A token that does not verify is 401; one that was made for somebody else is 403, with the line that mends it.
fn token(error: &TokenError) -> Problem {
    let elsewhere = matches!(
        error,
        TokenError::WrongAudience { .. }
            | TokenError::SeveralAudiences { .. }
            | TokenError::AudienceElsewhere { .. }
    );
    let status = if elsewhere {
        StatusCode::FORBIDDEN
    } else {
        StatusCode::UNAUTHORIZED
    };
    let hint = error.hint();
    let message = hint
        .as_ref()
        .map_or_else(|| error.to_string(), |hint| format!("{error}. {hint}"));
    Problem::new(status, error.code(), message).with("hint", hint)
}
