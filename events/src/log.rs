//! The ledger itself: how it was opened, which rules are in force, and what was erased.
use serde::{Deserialize, Serialize};

use crate::{digest::Digest, provider::PublicJwk, stream::StreamName, text::Text};

/// The envelope's format that this crate writes and reads.
pub const FORMAT: u32 = 1;

/// Who may read a ledger; fixed when it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Only holders of a key with the `read` scope.
    Private,
    /// Everybody.
    Public,
}

/// Every setting that a decision reads. Seconds throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Denials of one publisher and code are recorded at most once in this time.
    pub denial_interval_seconds: u64,
    /// How long an exchanged key lives.
    pub key_lifetime_seconds: u64,
    /// How far clocks may differ: the one constant of every window.
    pub leeway_seconds: u64,
    /// How long a change waits that loosens a gem's policy. From edition 2 on; a lower one holds only once the one before
    /// it has passed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub loosening_delay_seconds: Option<u64>,
    /// How long a pending publisher reserves its name.
    pub pending_seconds: u64,
    /// Keys of a provider that were fetched longer ago are not trusted.
    pub provider_keys_max_age_seconds: u64,
    /// How long a publisher without ids may wait for its first push.
    pub provisional_seconds: u64,
    /// Longest lifetime (`exp` minus `iat`) of an identity token.
    pub token_lifetime_max_seconds: u64,
}

impl Default for Rules {
    /// What a new ledger starts with.
    fn default() -> Self {
        const HOUR: u64 = 3600;
        const DAY: u64 = 24 * HOUR;
        Self {
            denial_interval_seconds: HOUR,
            key_lifetime_seconds: 15 * 60,
            leeway_seconds: 30,
            loosening_delay_seconds: Some(3 * DAY),
            pending_seconds: 7 * DAY,
            provider_keys_max_age_seconds: DAY,
            provisional_seconds: 7 * DAY,
            token_lifetime_max_seconds: HOUR,
        }
    }
}

/// Data of `log.opened`, the first event of every ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// The edition of the rulebook in force.
    pub edition: u32,
    /// The envelope's format: 1 until another one is needed.
    pub format: u32,
    /// 32 random bytes, so that no two ledgers have the same first leaf.
    pub nonce: Digest,
    /// The origin line of its checkpoints: `<host>/log/<n>`.
    pub origin: Text,
    /// The settings in force.
    pub rules: Rules,
    /// Who may read it.
    pub visibility: Visibility,
    /// The key that signs its checkpoints, as C2SP signed-note writes it.
    pub vkey: Text,
}

/// Data of `log.rules_changed`: from here on, another edition or other settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesChanged {
    /// The edition of the rulebook from here on.
    pub edition: u32,
    /// The settings from here on.
    pub rules: Rules,
}

/// Data of `subject.erased`: the key to this subject's sealed values was destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectErased {
    /// The stream whose sealed values nobody can open any more: an account's or a token's.
    pub subject: StreamName,
}

/// Data of `statement_key.introduced`: from here on, this key signs what the registry says of its releases. Keys before
/// it stay good for what they signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementKeyIntroduced {
    /// The public key (Ed25519).
    pub jwk: PublicJwk,
}

/// A checkpoint of an origin that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The root that was signed.
    pub root: Digest,
    /// How many events it covered.
    pub size: u64,
}

/// Data of `log.succeeded`: the origin before it never signs again, because its end or its key is lost; the same leaves are signed
/// onward by another key under the next origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Succeeded {
    /// The last checkpoint of the old origin that is known. What it covers beyond `size` is lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// The origin that ends.
    pub old_origin: Text,
    /// The key that signed for it.
    pub old_vkey: Text,
    /// The origin of the checkpoints from here on: `<host>/log/<n+1>`.
    pub origin: Text,
    /// Why, in the operator's words.
    pub reason: Text,
    /// The root of the events before this one.
    pub root: Digest,
    /// How many there are.
    pub size: u64,
    /// The key that signs from here on.
    pub vkey: Text,
}
