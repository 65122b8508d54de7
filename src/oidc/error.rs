//! Why a well-formed identity token does not verify: stable codes, what is wrong, and what to do about it.
//!
//! Values of the token are shown as the log would write them ([`Text::claim`]); the token itself is never shown.
use events::{claims::ProviderKind, provider::Algorithm, text::Text, time::Timestamp};

use super::audience::Elsewhere;

/// Why a token is not taken as proof of a workflow's identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Its `alg` is none of those its provider declared.
    #[error("the identity token is signed with `{came}`, which its provider is not registered with ({})", names(.allowed))]
    AlgorithmNotAllowed {
        /// The algorithm it names.
        came: Text,
        /// Those the provider may use.
        allowed: Vec<Algorithm>,
    },
    /// Its key is not in the provider's newest key set.
    #[error(
        "the identity token names the signing key `{kid}`, which its provider does not publish"
    )]
    UnknownKey {
        /// The key it names.
        kid: Text,
    },
    /// It names no key, and its provider publishes named ones.
    #[error("the identity token does not say which key signed it (`kid`)")]
    NoKeyNamed,
    /// The key it names is of another type than its algorithm.
    #[error(
        "the identity token is signed with {algorithm:?}, for which the key `{kid}` is not made"
    )]
    KeyDoesNotFit {
        /// The algorithm it names.
        algorithm: Algorithm,
        /// The key it names.
        kid: Text,
    },
    /// The signature is not that of the key.
    #[error("the signature of the identity token is not that of its provider")]
    BadSignature,
    /// The issuer is not exactly the provider's.
    #[error("the identity token was issued by `{came}`, not by the provider whose key signed it")]
    WrongIssuer {
        /// The issuer it names.
        came: Text,
    },
    /// A claim that is needed is absent, null or empty.
    #[error("the identity token has no `{claim}` claim")]
    MissingClaim {
        /// The claim's name.
        claim: Text,
    },
    /// A claim has a value of another kind than it must.
    #[error("the `{claim}` claim of the identity token is not {expected}")]
    InvalidClaim {
        /// The claim's name.
        claim: Text,
        /// What it must be.
        expected: &'static str,
    },
    /// It names more than one audience, or none in its list.
    #[error("the identity token names {count} audiences; it must name exactly one, `{expected}`")]
    SeveralAudiences {
        /// How many it names.
        count: usize,
        /// The one it must name.
        expected: Text,
        /// Whose workflow language the hint speaks.
        kind: ProviderKind,
    },
    /// Its audience is not this registry.
    #[error(
        "the identity token was made for the audience `{came}`, but this registry is `{expected}`"
    )]
    WrongAudience {
        /// The audience it names.
        came: Text,
        /// The one it must name.
        expected: Text,
        /// Whose workflow language the hint speaks.
        kind: ProviderKind,
    },
    /// Its audience is known to be somebody else's.
    #[error("the identity token was made for {} (audience `{came}`), but this registry is `{expected}`", elsewhere(.made_for))]
    AudienceElsewhere {
        /// The audience it names.
        came: Text,
        /// The one it must name.
        expected: Text,
        /// Whose workflow language the hint speaks.
        kind: ProviderKind,
        /// Whose audience that is.
        made_for: Elsewhere,
    },
    /// It has expired.
    #[error("the identity token expired at {expired_at}; it is now {now}")]
    Expired {
        /// `exp`.
        expired_at: Timestamp,
        /// The registry's time.
        now: Timestamp,
    },
    /// `iat` or `nbf` lies in the future.
    #[error("the identity token is not valid before {from} (`{claim}`); it is now {now}")]
    NotYetValid {
        /// `iat` or `nbf`.
        claim: &'static str,
        /// From when on it would be valid.
        from: Timestamp,
        /// The registry's time.
        now: Timestamp,
    },
    /// It is valid for longer than any identity token of a job needs to be, or ends before it begins.
    #[error("the identity token is valid for {came} seconds; at most {max} are accepted")]
    LifetimeTooLong {
        /// `exp` − `iat`.
        came: i128,
        /// The most that is accepted.
        max: u64,
    },
    /// A claim that the operator requires of this provider's tokens has another value.
    #[error(
        "the `{claim}` claim of the identity token is not the one this registry requires of its provider"
    )]
    RequiredClaim {
        /// The claim's name.
        claim: Text,
    },
    /// GitLab: the pipeline is not defined in the project itself.
    #[error(
        "the identity token has no `ci_config_ref_uri`: GitLab leaves it empty when the pipeline is not defined in a file of the same project"
    )]
    PipelineElsewhere,
    /// A generic provider without a mapping of claims: registered wrongly.
    #[error("the provider of the identity token has no mapping of claims")]
    NoMapping,
}

impl TokenError {
    /// The stable code of this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AlgorithmNotAllowed { .. } => "token_algorithm_not_allowed",
            Self::UnknownKey { .. } => "token_key_unknown",
            Self::NoKeyNamed => "token_key_not_named",
            Self::KeyDoesNotFit { .. } => "token_key_does_not_fit",
            Self::BadSignature => "token_signature_invalid",
            Self::WrongIssuer { .. } => "token_issuer_mismatch",
            Self::MissingClaim { .. } => "token_claim_missing",
            Self::InvalidClaim { .. } => "token_claim_invalid",
            Self::SeveralAudiences { .. } => "token_several_audiences",
            Self::WrongAudience { .. } => "token_audience_mismatch",
            Self::AudienceElsewhere {
                made_for: Elsewhere::Registry(_),
                ..
            } => "token_audience_of_another_registry",
            Self::AudienceElsewhere {
                made_for: Elsewhere::GithubDefault,
                ..
            } => "token_audience_not_requested",
            Self::Expired { .. } => "token_expired",
            Self::NotYetValid { .. } => "token_not_yet_valid",
            Self::LifetimeTooLong { .. } => "token_lifetime_too_long",
            Self::RequiredClaim { .. } => "token_required_claim_mismatch",
            Self::PipelineElsewhere => "token_pipeline_elsewhere",
            Self::NoMapping => "provider_without_mapping",
        }
    }

    /// What the caller can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::SeveralAudiences { expected, kind, .. }
            | Self::WrongAudience { expected, kind, .. }
            | Self::AudienceElsewhere { expected, kind, .. } => Some(audience_line(*kind, expected)),
            Self::Expired { .. } => {
                Some("request the token in the step that exchanges it, not earlier in the job".into())
            }
            Self::NotYetValid { .. } => {
                Some("the clocks of the provider and of this registry disagree; tell its operator".into())
            }
            Self::UnknownKey { .. } | Self::BadSignature => {
                Some("request a fresh token; if that does not help, tell the operator of this registry".into())
            }
            Self::PipelineElsewhere => {
                Some("define the pipeline in a file of the project itself (Settings > CI/CD > CI/CD configuration file)".into())
            }
            Self::AlgorithmNotAllowed { .. }
            | Self::NoKeyNamed
            | Self::KeyDoesNotFit { .. }
            | Self::WrongIssuer { .. }
            | Self::MissingClaim { .. }
            | Self::InvalidClaim { .. }
            | Self::LifetimeTooLong { .. }
            | Self::RequiredClaim { .. }
            | Self::NoMapping => None,
        }
    }

    pub(super) fn missing(claim: &str) -> Self {
        Self::MissingClaim {
            claim: Text::claim(claim),
        }
    }

    pub(super) fn invalid(claim: &str, expected: &'static str) -> Self {
        Self::InvalidClaim {
            claim: Text::claim(claim),
            expected,
        }
    }
}

/// The line to put into the workflow.
fn audience_line(kind: ProviderKind, expected: &Text) -> String {
    match kind {
        ProviderKind::Github => {
            format!(
                "put `audience: {expected}` under `with:` of rubygems/configure-rubygems-credentials"
            )
        }
        ProviderKind::Gitlab => {
            format!("put `aud: {expected}` under the token's name in `id_tokens:` of the job")
        }
        ProviderKind::Generic => format!("request the token with the audience `{expected}` alone"),
    }
}

fn names(algorithms: &[Algorithm]) -> String {
    let names: Vec<String> = algorithms.iter().map(|name| format!("{name:?}")).collect();
    names.join(", ")
}

fn elsewhere(made_for: &Elsewhere) -> &'static str {
    match made_for {
        Elsewhere::Registry(name) => name,
        Elsewhere::GithubDefault => "no registry in particular",
    }
}
