//! A denial: a decision with a stable code and the facts that explain it, never an opaque "not found".
use alloc::string::String;
use events::{name::FoldedName, text::Text};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $message:literal;)*) => {
        /// Why something was denied. The names are stable: scripts and events hold them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $message] $variant,)*
        }

        impl Code {
            /// Every code, in the order of their first check.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name that answers, events and documentation use.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The code of this name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($code => Some(Self::$variant),)* _ => None }
            }

            /// One sentence that says what is.
            pub fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
        }
    };
}

codes! {
    UnknownEdition = "unknown_edition", "this version of gemledger does not know the rulebook in force";
    ProviderUnknown = "provider_unknown", "no identity provider is registered for this issuer";
    ProviderDisabled = "provider_disabled", "the identity provider was disabled by the operator";
    ProviderKeyUnknown = "provider_key_unknown", "the key that signed the token was never recorded for this provider";
    ProviderKeyDistrusted = "provider_key_distrusted", "the key that signed the token is no longer trusted";
    ProviderKeysStale = "provider_keys_stale", "the provider's keys were last fetched too long ago to be trusted";
    AudienceMismatch = "audience_mismatch", "the token was made for another audience";
    TokenExpired = "token_expired", "the token has expired";
    TokenNotYetValid = "token_not_yet_valid", "the token is from the future";
    TokenTooLong = "token_too_long", "the token lives longer than an identity token may";
    TokenSpent = "token_spent", "the token was exchanged before";
    PrivateRepository = "private_repository", "the repository is private and this ledger is public";
    NoPublisher = "no_publisher", "no trusted publisher is configured for this repository";
    RepositoryMismatch = "repository_mismatch", "the repository is another one than the publisher's";
    RepositoryIdMismatch = "repository_id_mismatch", "the repository has the publisher's name and another id: it was deleted and created again, or renamed";
    OwnerIdMismatch = "owner_id_mismatch", "the repository's owner has another id: the account was deleted and created again, or the repository changed hands";
    PublisherExpired = "publisher_expired", "the publisher was added without ids and waited too long for its first push: add it again with its ids";
    PublisherNotEffectiveYet = "publisher_not_effective_yet", "the publisher was added and its delay has not passed yet: wait, or let a second person agree (gemledger policy override)";
    PendingExpired = "pending_expired", "the pending publisher has expired: add it again";
    JobRepositoryMismatch = "job_repository_mismatch", "the job is defined in another project than the pipeline's";
    WorkflowRepositoryMismatch = "workflow_repository_mismatch", "the job is defined in a repository that the publisher does not name";
    WorkflowMismatch = "workflow_mismatch", "the workflow is another one than the publisher's";
    WorkflowRefMismatch = "workflow_ref_mismatch", "the workflow file comes from another ref than the run";
    TriggerNotAllowed = "trigger_not_allowed", "a run that was triggered like this may not release";
    RefNotAllowed = "ref_not_allowed", "the run is neither on a tag nor on a protected branch";
    EnvironmentMismatch = "environment_mismatch", "the job runs in another environment than the publisher's";
    ClaimMissing = "claim_missing", "the token lacks a claim that this publisher needs";
    KeyUnknown = "key_unknown", "this API key was never issued";
    KeyRevoked = "key_revoked", "this API key was revoked";
    KeyExpired = "key_expired", "this API key has expired";
    AccountDisabled = "account_disabled", "the account behind this API key is disabled";
    ScopeMissing = "scope_missing", "the API key does not have the scope that this needs";
    GemScope = "gem_scope", "the API key is for another gem";
    ReleaseQuarantined = "release_quarantined", "the release is quarantined";
    NotQuarantined = "not_quarantined", "the release is not quarantined";
    VersionExists = "version_exists", "this version was released with other content";
    VersionSpelledDifferently = "version_spelled_differently", "this version was released under another spelling";
    NameSpelledDifferently = "name_spelled_differently", "the gem is registered under another spelling";
    FileTaken = "file_taken", "another release has this file name";
    NotOwner = "not_owner", "the account does not own this gem";
    NotPublisher = "not_publisher", "none of the gem's trusted publishers matches this key's workflow";
    TrustedPublishingRequired = "trusted_publishing_required", "this gem is released by its trusted publishers only: push from their workflow, or loosen the rule `trusted_publishing_only`";
    AttestationRequired = "attestation_required", "releases of this gem come with a build attestation: push with --attestation, or loosen the rule `attestation_required`";
    EnvironmentRequired = "environment_required", "this gem is released by publishers that name a deployment environment: add one that does";
    TagVersionMismatch = "tag_version_mismatch", "the run was not on the tag of this version";
    ProtectedRefRequired = "protected_ref_required", "the run was not on a ref that the forge protects";
    NameReserved = "name_reserved", "a pending publisher of somebody else reserves this name";
    OneVersionPerKey = "one_version_per_key", "this key has released another version of this gem";
    AttestationNeedsPublisher = "attestation_needs_publisher", "pushing with an attestation requires trusted publishing";
    AttestationDuplicate = "attestation_duplicate", "two of the attestations say the same thing";
    AttestationProvider = "attestation_provider", "the jobs of this provider cannot be attested: its certificates name no run";
    AttestationRootUnknown = "attestation_root_unknown", "the trust root that the attestation was verified with is not in force any more";
    AttestationRootIssuer = "attestation_root_issuer", "the trust root does not vouch for the jobs of this issuer";
    AttestationEvidence = "attestation_evidence", "the attestation has other evidence than its trust root requires";
    AttestationFuture = "attestation_future", "the attestation was signed after now";
    AttestationClaimMissing = "attestation_claim_missing", "a field that a run and its attestation must both have is missing on one side";
    AttestationIssuer = "attestation_issuer_mismatch", "the attestation is of a job of another identity provider";
    AttestationRepository = "attestation_repository_mismatch", "the attestation is of another repository than the run that pushes";
    AttestationRepositoryId = "attestation_repository_id_mismatch", "the attestation is of a repository of this name with another id";
    AttestationOwnerId = "attestation_owner_id_mismatch", "the attestation is of a repository whose owner has another id";
    AttestationRef = "attestation_ref_mismatch", "the attestation is of another ref than the run that pushes";
    AttestationCommit = "attestation_commit_mismatch", "the attestation is of another commit than the run that pushes";
    AttestationTrigger = "attestation_trigger_mismatch", "the attestation is of a run that was triggered otherwise";
    AttestationRunner = "attestation_runner_mismatch", "the attestation is of a job on another kind of runner";
    AttestationBuildConfig = "attestation_build_config_mismatch", "the attestation is of another workflow than the run that pushes";
    AttestationSigner = "attestation_signer_mismatch", "the attestation was signed in another workflow file than the one that pushes";
    AttestationBuildConfigCommit = "attestation_build_config_commit_mismatch", "the attested workflow was read from another commit";
    AttestationSignerCommit = "attestation_signer_commit_mismatch", "the workflow file that signed was read from another commit";
    AttestationVisibility = "attestation_visibility_mismatch", "the attestation is of a repository of another visibility";
    AttestationRun = "attestation_run_mismatch", "the attestation is not of the same run";
    AttestationAttempt = "attestation_attempt_mismatch", "the attestation is of another attempt of the run than may push";
    AttestationJob = "attestation_job_mismatch", "the attestation is of another job than the one that pushes";
    AttestationBuilder = "attestation_builder_mismatch", "the provenance names another builder than the certificate";
    AttestationEnvironment = "attestation_environment_mismatch", "the attestation is not of a job in the publisher's environment";
    AlreadyExists = "already_exists", "it exists already";
    NotFound = "not_found", "there is no such thing";
    Clock = "clock", "it was decided in time and came too late to be recorded";
    IssuerTaken = "issuer_taken", "the issuer belongs to another provider of this ledger";
    ProviderInvalid = "provider_invalid", "the provider's settings contradict one another";
    PublisherInvalid = "publisher_invalid", "no workflow can be this publisher";
    ApiKeyInvalid = "api_key_invalid", "an API key cannot be issued like this";
    ReleaseIncoherent = "release_incoherent", "the parts of the release contradict one another";
    SuccessorInvalid = "successor_invalid", "the log cannot go on under this name, key or size";
    TrustRootUnknown = "trust_root_unknown", "no trust root of this name was ever recorded";
    TrustRootRetired = "trust_root_retired", "the trust root was retired by the operator";
    TrustRootReplaced = "trust_root_replaced", "another version of the trust root was recorded meanwhile";
    TrustRootInvalid = "trust_root_invalid", "the trust root's settings contradict one another";
    EvidenceEarly = "evidence_early", "the identity token has not expired yet: until then it is shown to nobody but the operator";
    EvidenceElsewhere = "evidence_elsewhere", "the identity token released no version of this gem";
    StatementKeyInvalid = "statement_key_invalid", "statements are signed with Ed25519 keys alone";
    EditionTooOld = "edition_too_old", "this needs edition 2 of the rulebook: gemledger log rules set --edition 2";
    RulesInvalid = "rules_invalid", "a rulebook of this edition cannot have these settings";
    RuleInvalid = "rule_invalid", "the rule cannot be set to this";
    LastOwner = "last_owner", "a gem keeps at least one owner: add another one first";
    SecondPersonNeeded = "second_person_needed", "an override needs two people: two owners, or an owner and the operator";
    ReasonMissing = "reason_missing", "nobody else who counts has proposed this override: give a reason to propose it";
    TooManyOwners = "too_many_owners", "the gem has as many owners as it may have";
    TooManyChanges = "too_many_changes", "the gem has as many changes waiting as it may have: cancel one first";
    ComparisonMismatch = "comparison_mismatch", "the comparison is of another file or commit than the release's record";
    TooManyComparisons = "too_many_comparisons", "this account has attached as many comparisons to the release as it may";
    TooManyPublishers = "too_many_publishers", "the gem has as many publishers as it may have";
}

/// A denial and what explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Why.
    pub code: Code,
    /// What would have been right. Shown to the caller only if [`tell`](Self::tell).
    pub expected: Option<String>,
    /// What came.
    pub found: Option<String>,
    /// The gem whose policy came closest.
    pub gem: Option<FoldedName>,
    /// The caller proved to be the publisher's own repository (ids), so what was expected may be told.
    pub tell: bool,
}

impl Denial {
    /// A denial without further facts.
    pub fn new(code: Code) -> Self {
        Self {
            code,
            expected: None,
            found: None,
            gem: None,
            tell: false,
        }
    }

    /// With what came.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// With what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// What was expected, as an event records it.
    pub fn expected_text(&self) -> Option<Text> {
        self.expected.as_deref().map(Text::claim)
    }

    /// What came, as an event records it.
    pub fn found_text(&self) -> Option<Text> {
        self.found.as_deref().map(Text::claim)
    }
}

/// A denial, and how much held before it: of several, the one that came furthest explains best.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// How many checks passed.
    pub passed: usize,
    /// The one that failed.
    pub denial: Denial,
}

impl Short {
    /// The same, after so many others that passed.
    #[must_use]
    pub(crate) fn after(self, passed: usize) -> Self {
        Self {
            passed: self.passed + passed,
            ..self
        }
    }
}

impl From<Denial> for Short {
    fn from(denial: Denial) -> Self {
        Self { passed: 0, denial }
    }
}

impl From<Code> for Denial {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl core::fmt::Display for Denial {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.code.message())?;
        if let Some(found) = &self.found {
            write!(f, "; found `{found}`")?;
        }
        match &self.expected {
            Some(expected) if self.tell => write!(f, ", expected `{expected}`"),
            _ => Ok(()),
        }
    }
}
