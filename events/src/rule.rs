//! A gem's own rules, and how they are loosened: declared, delayed, cancelled, or overridden by two.
use serde::{Deserialize, Serialize};

use crate::{
    id::{ChangeId, ProposalId},
    text::Text,
    time::Timestamp,
};

/// What a gem may demand of its releases beyond a key that may push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A build attestation comes with the push.
    AttestationRequired,
    /// The publisher names a deployment environment, and the job ran in it.
    EnvironmentRequired,
    /// The run was on a ref that the forge protects.
    ProtectedRefRequired,
    /// The attested attempt of the run is the very one that pushes.
    SameAttemptRequired,
    /// The run was on the tag `v{version}`.
    TagMustEqualVersion,
    /// Only trusted publishers push; no key of an account does.
    TrustedPublishingOnly,
}

impl Rule {
    /// Every rule, in the order of their names.
    pub const ALL: [Self; 6] = [
        Self::AttestationRequired,
        Self::EnvironmentRequired,
        Self::ProtectedRefRequired,
        Self::SameAttemptRequired,
        Self::TagMustEqualVersion,
        Self::TrustedPublishingOnly,
    ];

    /// The name that events, answers and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttestationRequired => "attestation_required",
            Self::EnvironmentRequired => "environment_required",
            Self::ProtectedRefRequired => "protected_ref_required",
            Self::SameAttemptRequired => "same_attempt_required",
            Self::TagMustEqualVersion => "tag_must_equal_version",
            Self::TrustedPublishingOnly => "trusted_publishing_only",
        }
    }

    /// The rule of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == name)
    }
}

/// Whether a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// As soon as one release kept it, and as strictly as that one did: what was reached is not lost silently. For
    /// `trusted_publishing_only` and `attestation_required`, which start with it.
    Auto,
    /// It does not.
    Off,
    /// It does. An attestation must stand in a transparency log, and in a public one once a release's did.
    On,
    /// For `attestation_required`: it does, and an attestation with a timestamp alone is enough.
    Timestamped,
}

impl Setting {
    /// Every setting, in the order of their names.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Off, Self::On, Self::Timestamped];

    /// The name that events, answers and the command line use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::On => "on",
            Self::Timestamped => "timestamped",
        }
    }

    /// The setting of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|setting| setting.as_str() == name)
    }
}

/// Data of `rule.changed`: the gem's policy demands more from here on, or less from `effective` on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// When it takes effect, if it loosens the policy and loosening has a delay; else at once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effective: Option<Timestamp>,
    /// Which rule.
    pub rule: Rule,
    /// What it is set to.
    pub to: Setting,
}

/// Data of `change.cancelled`: a declared change never takes effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cancelled {
    /// Which one.
    pub change: ChangeId,
}

/// Data of `override.proposed`: somebody asks a second person to let a declared change take effect at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideProposed {
    /// Which one.
    pub change: ChangeId,
    /// Why it cannot wait; everybody who reads the log reads it, for ever.
    pub reason: Text,
}

/// Data of `policy.overridden`: a second person agreed, and the change takes effect at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overridden {
    /// Which one.
    pub change: ChangeId,
    /// The proposal that was agreed to, somebody else's.
    pub proposal: ProposalId,
    /// Why it could not wait, in the words of whoever agreed; where it is absent, the proposal's words stand.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Text>,
}
