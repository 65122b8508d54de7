//! What to do about each code. Exhaustive, so that a new code does not compile until somebody has thought about it.
use deciders::Code;
use gemledger::oidc::{KeysError, MalformedToken, TokenError};

#[expect(clippy::too_many_lines, reason = "one line for each code")]
pub(super) fn denied(code: Code) -> &'static str {
    match code {
        Code::UnknownEdition => "use the newer gemledger that wrote this ledger",
        Code::ProviderUnknown => "the operator registers it: `gemledger provider add`",
        Code::ProviderDisabled | Code::AccountDisabled => "ask the operator",
        Code::ProviderKeyUnknown => "try again; the server records new keys when it meets them",
        Code::ProviderKeyDistrusted => "wait until the provider signs with another key",
        Code::ProviderKeysStale => {
            "try again in a minute; the operator finds the reason in the log"
        }
        Code::AudienceMismatch => "request the token with this registry's audience",
        Code::TokenExpired => "request the token in the step that exchanges it",
        Code::TokenNotYetValid => "the clocks of provider and registry disagree; tell the operator",
        Code::TokenTooLong => "request a token of at most an hour",
        Code::TokenSpent => "request a fresh token; each is exchanged once",
        Code::PrivateRepository => {
            "use a private ledger, or ask the operator to allow private repositories for this provider"
        }
        Code::NoPublisher | Code::RepositoryMismatch => {
            "add a publisher for this repository: `gemledger publisher add`"
        }
        Code::RepositoryIdMismatch | Code::OwnerIdMismatch => {
            "if that was intended, remove the publisher and add it again"
        }
        Code::PublisherExpired | Code::PendingExpired => "add it again, best with its ids",
        Code::JobRepositoryMismatch => "release from a pipeline of the project itself",
        Code::WorkflowRepositoryMismatch => {
            "name the reusable workflow's repository: `--workflow-repository`"
        }
        Code::WorkflowMismatch => "rename the workflow file, or add a publisher for it",
        Code::WorkflowRefMismatch => "run the workflow from the ref that it releases",
        Code::TriggerNotAllowed => "release on a push, a release, by hand or by schedule",
        Code::RefNotAllowed => {
            "release from a tag or a protected branch, or add the publisher with `--any-ref`"
        }
        Code::EnvironmentMismatch => "set `environment:` of the job to the publisher's",
        Code::ClaimMissing => "the provider must state that claim; look at its settings",
        Code::KeyUnknown | Code::KeyRevoked | Code::KeyExpired => "get a new key",
        Code::ScopeMissing | Code::GemScope => "use a key that may do this",
        Code::VersionExists | Code::VersionSpelledDifferently | Code::FileTaken => {
            "release another version"
        }
        Code::ReleaseQuarantined => {
            "use another version, and ask the operator why; only `gemledger quarantine lift` brings it back"
        }
        Code::NotQuarantined => "nothing: it is served",
        Code::NameSpelledDifferently => "use the spelling that is registered",
        Code::NotOwner => "ask an owner of the gem, or the operator",
        Code::NotPublisher => "add a publisher for the workflow of this key",
        Code::PublisherNotEffectiveYet => {
            "wait until that time, or have two people let it in at once: `gemledger policy override`"
        }
        Code::TrustedPublishingRequired => {
            "release by the gem's workflow, or set the rule off and wait: `gemledger rule set`"
        }
        Code::AttestationRequired => {
            "push with `--attestation`, or set the rule and wait: `gemledger rule set`"
        }
        Code::EnvironmentRequired => "add a publisher with `--environment`",
        Code::TagVersionMismatch => "run the workflow on the tag `v` and the version",
        Code::ProtectedRefRequired => "release from a protected branch or a protected tag",
        Code::EditionTooOld => {
            "the operator enters it for good: `gemledger log rules set --edition 2`"
        }
        Code::RulesInvalid => "give what was expected; `gemledger log rules show` shows what holds",
        Code::RuleInvalid => "set it to one of those that were expected",
        Code::LastOwner => "add another owner, and wait until that takes effect",
        Code::SecondPersonNeeded => "have another owner, or the operator, agree",
        Code::ReasonMissing => "send a reason: everybody who may read the log reads it",
        Code::TooManyOwners => "remove an owner: at most 50",
        Code::TooManyChanges => "cancel one that is not wanted: at most 20 wait at a time",
        Code::NameReserved => "choose another name, or wait until the reservation ends",
        Code::OneVersionPerKey => "exchange a fresh token for the next version",
        Code::AttestationNeedsPublisher => {
            "push with the key that a trusted publisher's job got, or without --attestation"
        }
        Code::AttestationDuplicate => "send one attestation of each kind",
        Code::AttestationProvider => "push without --attestation, or release from GitHub or GitLab",
        Code::AttestationRootUnknown => {
            "push again: the operator has changed the trust root meanwhile"
        }
        Code::AttestationRootIssuer => {
            "sign where the registry's trust root vouches for this issuer; the operator sets it with `gemledger trust-root`"
        }
        Code::AttestationEvidence => "sign again with what the trust root requires",
        Code::AttestationFuture => {
            "the clocks of the transparency log and the registry disagree; tell the operator"
        }
        Code::AttestationClaimMissing => {
            "the message names the field and the side; a certificate authority that sets every field is needed"
        }
        Code::AttestationIssuer => "sign in the job that pushes",
        Code::AttestationRepository
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
        | Code::AttestationRun => {
            "sign and push in the same run; if this was not your doing, somebody used the key elsewhere"
        }
        Code::AttestationAttempt => "sign again in the attempt that pushes",
        Code::AttestationJob => "sign and push in one job",
        Code::AttestationBuilder => {
            "let the forge's own tool write the provenance, in the job that signs"
        }
        Code::AttestationEnvironment => {
            "let the job that signs run in the publisher's environment too"
        }
        Code::AlreadyExists => "nothing: it is there",
        Code::NotFound => "check the name or id",
        Code::Clock => "try again with a fresh token",
        Code::IssuerTaken => "use the provider that has this issuer",
        Code::ProviderInvalid | Code::PublisherInvalid | Code::ApiKeyInvalid => {
            "the message says which setting"
        }
        Code::ReleaseIncoherent => "build the gem again with `gem build`",
        Code::SuccessorInvalid => {
            "nobody who asks over HTTP meets it; `gemledger log succeed` names the next origin by itself"
        }
        Code::TrustRootUnknown | Code::TrustRootRetired => {
            "the operator records one: `gemledger trust-root add`"
        }
        Code::TrustRootReplaced => {
            "nobody who asks over HTTP meets it; the next refresh starts from the version that is there now"
        }
        Code::TrustRootInvalid => "change what the message names",
        Code::EvidenceEarly => "ask again when the token has expired",
        Code::EvidenceElsewhere => "ask for a version that the token released",
        Code::StatementKeyInvalid => {
            "nobody who asks over HTTP meets it; `gemledger log rotate-statement-key` makes a key by itself"
        }
        Code::ComparisonMismatch => {
            "compare the file that is released with the commit that its record names: `gemledger compare`"
        }
        Code::TooManyComparisons => "nothing: an account attaches at most 16 to a release",
        Code::TooManyPublishers => "remove a publisher that is not needed: at most 50",
    }
}

pub(super) fn malformed(error: MalformedToken) -> &'static str {
    match error {
        MalformedToken::TooLong => "request a token with fewer claims",
        MalformedToken::NotThreeParts
        | MalformedToken::NotBase64(_)
        | MalformedToken::NotJson(_) => "send the token as the provider gave it",
        MalformedToken::ForbiddenHeader(_) | MalformedToken::BadHeader(_) => {
            "ask the provider for an ordinary identity token"
        }
        MalformedToken::NoIssuer => "ask the provider for an identity token, not an access token",
    }
}

/// What the answer itself says, or who else must act.
pub(super) fn token(error: &TokenError) -> String {
    let other = match error {
        TokenError::AlgorithmNotAllowed { .. } | TokenError::NoMapping => {
            "the operator registers the provider again"
        }
        TokenError::NoKeyNamed
        | TokenError::KeyDoesNotFit { .. }
        | TokenError::WrongIssuer { .. } => {
            "request a fresh token of the provider that is registered"
        }
        TokenError::MissingClaim { .. } | TokenError::InvalidClaim { .. } => {
            "the provider must state that claim; look at its settings"
        }
        TokenError::LifetimeTooLong { .. } => "request a token of at most an hour",
        TokenError::RequiredClaim { .. } => "ask the operator what is required",
        TokenError::UnknownKey { .. }
        | TokenError::BadSignature
        | TokenError::SeveralAudiences { .. }
        | TokenError::WrongAudience { .. }
        | TokenError::AudienceElsewhere { .. }
        | TokenError::Expired { .. }
        | TokenError::NotYetValid { .. }
        | TokenError::PipelineElsewhere => "",
    };
    error.hint().unwrap_or_else(|| other.to_owned())
}

pub(super) fn keys(error: &KeysError) -> &'static str {
    match error {
        KeysError::NotFetched { .. } | KeysError::TooOld { .. } => {
            "try again in a minute; the operator finds the reason in the log"
        }
    }
}

/// What a code of `src/http/` means, and what to do.
#[expect(clippy::too_many_lines, reason = "one line for each code")]
pub(super) fn http(code: &str) -> (&'static str, &'static str) {
    match code {
        "already_exists" => (
            "a value that may exist once only exists already",
            "choose another",
        ),
        "beyond_the_log" | "release_quarantined" => incident(code),
        "no_statement" | "statement_key_missing" => word(code),
        "halted" | "not_witnessed" => witnesses(code),
        "too_large" | "too_slow" => body(code),
        "attestations_in_a_file"
        | "attestations_too_long"
        | "multipart_malformed"
        | "multipart_trailing"
        | "multipart_unsupported"
        | "part_header_unknown"
        | "part_missing"
        | "part_repeated"
        | "part_unknown"
        | "trust_root_missing" => form(code),
        "evidence_erased" | "evidence_missing" => evidence(code),
        "forbidden" => (
            "the key's account may not manage this gem",
            "use a key of an owner",
        ),
        "gem_invalid" => (
            "the file is not a gem that can be kept",
            "the text says what is wrong; build it again with `gem build`",
        ),
        "gem_platform" => (
            "the platform is spelled in a way that clients read differently",
            "build the gem with a newer RubyGems",
        ),
        "gem_too_big" => (
            "the gem is larger than 500 MiB, or than it was announced",
            "make it smaller",
        ),
        "gem_unsigned" => (
            "the gem has a certificate chain and no signature",
            "sign it, or leave the chain out",
        ),
        "key_dead" => ("the API key has expired or was revoked", "get a new key"),
        "key_expired" => (
            "the API key expired before the push could be recorded",
            "get a new key",
        ),
        "key_unknown" => (
            "no such API key was issued here, or none was sent",
            "send a key in the `Authorization` header",
        ),
        "malformed" => (
            "the request cannot be read, or a value is outside its grammar",
            "the message says what",
        ),
        "not_found" => ("there is nothing here", "check the address"),
        "provider_unknown" => (
            "no identity provider is registered for the issuer of the token",
            "the operator registers it: `gemledger provider add`",
        ),
        "scope_missing" => ("the API key lacks a scope", "use a key that has it"),
        "too_long" => (
            "the event does not fit into a leaf of 60,000 bytes",
            "make the gem's dependencies fewer",
        ),
        "too_many_requests" => (
            "too many requests of this address or repository",
            "try again in a minute",
        ),
        "unavailable" => (
            "the ledger cannot do this now",
            "try again in a minute; the operator finds the reason in the log",
        ),
        "unprocessable_content" => ("the publisher cannot be added", "`errors` says which field"),
        "yank_unsupported" => ("releases are not yanked yet", "release a fixed version"),
        other => map(other),
    }
}

/// Codes of a file that comes with its attestations.
fn form(code: &str) -> (&'static str, &'static str) {
    match code {
        "attestations_in_a_file" => (
            "the part `attestations` has a file name",
            "send the JSON array as a plain field, as `gem push --attestation` does",
        ),
        "attestations_too_long" => (
            "the part `attestations` is longer than four bundles can be",
            "send what the signing tool wrote, and nothing else",
        ),
        "multipart_malformed" => (
            "the form cannot be read to its end",
            "the message says why; send it as `gem push --attestation` does",
        ),
        "multipart_trailing" => (
            "something stands behind the form's last boundary",
            "send it as `gem push --attestation` does",
        ),
        "part_header_unknown" => (
            "a part of the form has a header that says a second time where it ends or how it is written, such as `content-length`",
            "leave it out, as `gem push --attestation` does",
        ),
        "multipart_unsupported" => (
            "the body has several parts and is no form",
            "send the file itself, or `multipart/form-data`",
        ),
        "part_missing" => ("the form has no part `gem`", "send the file in it"),
        "part_repeated" => ("a part of the form is there twice", "send each once"),
        "part_unknown" => (
            "the form has a part with another name",
            "send `gem`, and `attestations` where there are any",
        ),
        "trust_root_missing" => (
            "no trust root of this registry vouches for the jobs of that issuer",
            "the operator adds one: `gemledger trust-root add`; or push without `--attestation`",
        ),
        other => panic!("tests/docs/errors/advice.rs does not know the code {other}"),
    }
}

/// Codes of bodies that are no gem.
fn body(code: &str) -> (&'static str, &'static str) {
    match code {
        "too_large" => (
            "the body is larger than any honest request",
            "the message says how much is taken",
        ),
        "too_slow" => (
            "the body did not come in time",
            "try again; look at the network between",
        ),
        other => panic!("tests/docs/errors/advice.rs does not know the code {other}"),
    }
}

/// Codes that witnesses are behind.
fn witnesses(code: &str) -> (&'static str, &'static str) {
    match code {
        "halted" => (
            "appends were stopped, because the log would fork",
            "the operator brings the missing events back: [operating](operating.md#when-the-database-is-older-than-what-others-saw)",
        ),
        "not_witnessed" => (
            "it is recorded, and too few witnesses have cosigned it yet",
            "push the same file again: it is answered 200 once they have; exchange a fresh token",
        ),
        other => panic!("tests/docs/errors/advice.rs does not know the code {other}"),
    }
}

/// Codes of lookups in the verifiable map.
fn map(code: &str) -> (&'static str, &'static str) {
    match code {
        "map_differs" => (
            "the log leads to another map of all gems than the one it has recorded",
            "the operator runs `gemledger audit`, which says where",
        ),
        "map_not_ready" => (
            "the map of all gems is being made, or has no root yet",
            "try again in a minute",
        ),
        other => panic!("tests/docs/errors/advice.rs does not know the code {other}"),
    }
}

/// Codes of the registry's own word on a release.
fn word(code: &str) -> (&'static str, &'static str) {
    match code {
        "no_statement" => (
            "the release is older than the registry's first statement key",
            "nothing: its record and receipt are served",
        ),
        _ => (
            "the key that signs this statement is not in the folder of keys",
            "the operator puts its file back: [the key](formats/vsa.md#the-key)",
        ),
    }
}

/// Codes that something has happened behind.
fn incident(code: &str) -> (&'static str, &'static str) {
    match code {
        "beyond_the_log" => (
            "the cursor is beyond the last event that was signed",
            "compare the log's origin and checkpoint with those that were seen before: an honest log never gets shorter",
        ),
        _ => (
            "the operator has withheld this release; the text says since when and why",
            "use another version, or ask the operator; the release's record is still served",
        ),
    }
}

/// Sealed tokens that cannot be shown.
fn evidence(code: &str) -> (&'static str, &'static str) {
    if code == "evidence_erased" {
        (
            "the identity token was erased: nobody can open it any more",
            "nothing: the log says when",
        )
    } else {
        (
            "the sealed identity token, or the key that opens it, is not on this server",
            "the operator restores the vault and the keys folder",
        )
    }
}
