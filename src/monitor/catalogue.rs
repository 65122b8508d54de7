//! Every rule there is: its stable name, what it means, how bad it is unless the rules file says otherwise.
//!
//! `docs/monitoring.md` lists them; a test holds it to this list.
use crate::{
    remote::codes,
    sarif::{Level, Rule},
};

use super::Sort;

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its stable name.
    pub id: &'static str,
    /// What kind of thing it finds.
    pub sort: Sort,
    /// How bad that is.
    pub level: Level,
    /// What it finds, in a sentence.
    pub summary: &'static str,
    /// What to do about it.
    pub help: &'static str,
}

macro_rules! catalogue {
    ($($name:ident: $id:expr, $sort:ident, $level:ident, $summary:literal, $help:literal;)*) => {
        $(
            #[doc = $summary]
            pub const $name: Entry = Entry {
                id: $id, sort: Sort::$sort, level: Level::$level, summary: $summary, help: $help,
            };
        )*
        /// Every rule: what is broken first, then what is notable, then what cannot be told.
        pub const ALL: &[Entry] = &[$($name),*];
    };
}

catalogue! {
    CHECKPOINT_MALFORMED: codes::CHECKPOINT_MALFORMED, Broken, Error,
        "what is served as the checkpoint is none", "ask the operator; trust nothing that this address serves";
    CHECKPOINT_FORGED: codes::CHECKPOINT_FORGED, Broken, Error,
        "the checkpoint is not signed by the ledger's key", "ask the operator; trust nothing that this address serves";
    COSIGNATURE_WRONG: codes::COSIGNATURE_WRONG, Broken, Error,
        "a witness's line on the checkpoint is not its signature", "ask the witness which checkpoints it cosigned";
    LEDGER_CHANGED: codes::LEDGER_CHANGED, Broken, Error,
        "the ledger has another name or key than before", "keep the old copy, and ask the operator whether the ledger has a successor";
    TREE_SMALLER: codes::TREE_SMALLER, Broken, Error,
        "the tree is smaller than one that was signed before", "a cache that is old, or a database that went back: look again without the cache, then show both notes";
    TREE_FORKED: codes::TREE_FORKED, Broken, Error,
        "the tree does not continue one that was signed before", "both notes are kept beside the state file: two signatures over two histories prove it to everybody";
    TILE_MISSING: codes::TILE_MISSING, Broken, Error,
        "a tile that the signed tree has is not served", "ask the operator; what is withheld cannot be checked";
    TILE_WRONG: codes::TILE_WRONG, Broken, Error,
        "the tiles do not give the signed root", "ask the operator; a mirror shows which tile was changed";
    ENTRIES_MISSING: codes::ENTRIES_MISSING, Broken, Error,
        "entries that the signed tree has are not served", "ask the operator; a mirror has them";
    ENTRIES_MALFORMED: codes::ENTRIES_MALFORMED, Broken, Error,
        "bytes that are not a bundle of the entries that the signed tree has", "ask the operator; a mirror has them";
    LEAF_WRONG: codes::LEAF_WRONG, Broken, Error,
        "a leaf is not the one that was signed", "ask the operator; a mirror has the leaf that was signed";
    TOO_LONG: codes::TOO_LONG, Broken, Error,
        "an answer is longer than an honest one can be", "ask the operator";
    OPENED_OTHERWISE: "opened_otherwise", Broken, Error,
        "the log names another ledger or key than the one that signs", "give the key that the log's first event, or its last succession, names: --key";
    LEAF_UNREADABLE: "leaf_unreadable", Broken, Error,
        "a leaf is not an event in canonical form", "ask the operator; no version of gemledger writes such a leaf";
    UNLAWFUL: "unlawful", Broken, Error,
        "a decision that the rules in force did not allow", "treat what it concerns as not authorised; ask the operator";
    MAP_ROOT_WRONG: "map_root_wrong", Broken, Error,
        "a recorded root of the map is not the one that the events lead to", "lookups under this root prove nothing; ask the operator";
    TIME_DECREASES: "time_decreases", Broken, Error,
        "an event is earlier than the one before it", "ask the operator; no honest writer stamps a time that goes back";
    TIME_IN_FUTURE: "time_in_future", Broken, Error,
        "an event is from the future", "compare the clock here with another one, then ask the operator";
    TIME_AFTER_COSIGNATURE: "time_after_cosignature", Broken, Error,
        "an event is later than a witness's signature over it", "the ledger's clock or the witness's is wrong: compare both with a third";
    COSIGNATURE_IN_FUTURE: "cosignature_in_future", Broken, Warning,
        "a cosignature is from the future", "compare the clock here with another one, then ask the witness";
    COSIGNATURE_MISSING: "cosignature_missing", Broken, Warning,
        "a witness did not cosign the checkpoint", "look again later; without witnesses nobody notices a split view at once";
    CHECKPOINT_STALE: "checkpoint_stale", Broken, Warning,
        "nothing new was signed for longer than allowed", "the ledger may be frozen for you: compare the checkpoint with somebody else's";
    PROVIDER_KEY_UNKNOWN: "provider_key_unknown", Broken, Error,
        "a recorded provider key that the provider never showed", "treat every exchange with this key as forged until the provider confirms it";
    PUBLISHER_ADDED: "publisher_added", Notable, Warning,
        "a workflow may release a gem from now on", "if it was not you: remove the publisher, then look for the account that added it";
    PUBLISHER_THEN_PUSH: "publisher_then_push", Notable, Error,
        "a gem's publishers changed, and soon after it was released", "check that both were meant, before the release spreads";
    OWNER_ADDED: "owner_added", Notable, Warning,
        "a gem has another owner", "if it was not you: ask the operator";
    OWNER_REMOVED: "owner_removed", Notable, Warning,
        "a gem loses an owner", "if it was not you: cancel it while it waits";
    LOOSENING_DECLARED: "loosening_declared", Notable, Warning,
        "a change that lets in what was denied waits for its time", "if it was not you: gemledger policy cancel, before it takes effect; of a provider or of the delay itself: ask the operator";
    RULE_OFF: "rule_off", Notable, Error,
        "a gem gives up one of its rules", "check with the owner; cancel it while it waits";
    OVERRIDE_PROPOSED: "override_proposed", Notable, Error,
        "somebody wants a change to take effect without its delay", "agree only after asking whoever declared it by another way";
    POLICY_OVERRIDDEN: "policy_overridden", Notable, Error,
        "two people let a change take effect without its delay", "check with both that it was them";
    CHANGE_CANCELLED: "change_cancelled", Notable, Warning,
        "a declared change was cancelled", "somebody's key may have been stolen: ask whoever declared it";
    PROVIDER_ADDED: "provider_added", Notable, Warning,
        "the word of another identity provider counts from now on", "ask the operator whether it was meant";
    PROVIDER_CHANGED: "provider_changed", Notable, Warning,
        "an identity provider's settings changed, or its word counts no longer", "ask the operator whether it was meant";
    RULES_CHANGED: "rules_changed", Notable, Warning,
        "the registry's rules changed", "read what changed";
    RULES_LOOSENED: "rules_loosened", Notable, Error,
        "the registry's rules allow more than before", "ask the operator why";
    TRUST_ROOT_CHANGED: "trust_root_changed", Notable, Warning,
        "other authorities and logs vouch for builds than before", "ask the operator whether it was meant; the file of each version is served";
    TRUST_ROOT_ADDED: "trust_root_added", Notable, Error,
        "one more trust root vouches for the jobs of an issuer that had one", "ask the operator: whoever controls it can attest for every job of that issuer";
    TRUST_ROOT_LOOSENED: "trust_root_loosened", Notable, Error,
        "a trust root takes less evidence than before, or the jobs of another issuer", "ask the operator why";
    EVIDENCE_OPENED: "evidence_opened", Notable, Note,
        "somebody was shown a sealed identity token", "if it was your gem and not you: ask the operator who asked";
    PERSONAL_PUSH: "personal_push", Notable, Error,
        "a person's key released a gem that has trusted publishers", "check with the owner; a stolen key looks like this";
    PROVENANCE_LOST: "provenance_lost", Notable, Error,
        "a release without a source or an attestation, after releases with one", "check with the owner where the release was built";
    PROVENANCE_CHANGED: "provenance_changed", Notable, Warning,
        "another identity provider speaks for a gem's releases than before", "check with the owner";
    REPOSITORY_CHANGED: "repository_changed", Notable, Error,
        "a release comes from another repository than the one before", "check with the owner; compare the commits";
    WORKFLOW_CHANGED: "workflow_changed", Notable, Warning,
        "a release comes from another workflow than the one before", "read the new workflow";
    ENVIRONMENT_VANISHED: "environment_vanished", Notable, Warning,
        "a release came without the deployment environment of the one before", "environments hold the reviewers: check why it went";
    SELF_HOSTED_RUNNER: "self_hosted_runner", Notable, Warning,
        "a gem was released from a self-hosted runner for the first time", "check who can reach that machine";
    TWO_TOKENS_ONE_JOB: "two_tokens_one_job", Notable, Warning,
        "one job bought keys with several tokens", "a job needs one: look what else ran in it";
    RELEASE_BURST: "release_burst", Notable, Error,
        "many gems were released within minutes", "a worm spreads like this: look at what was released";
    RELEASE_QUARANTINED: "release_quarantined", Notable, Warning,
        "the operator withholds a release", "find out whether you installed it; the reason is in the finding";
    RELEASE_RESTORED: "release_restored", Notable, Note,
        "a release that was withheld is served again", "nothing, if the reason for withholding it is gone";
    LOG_SUCCEEDED: "log_succeeded", Notable, Error,
        "the log goes on under another name and key", "ask the operator why; events that were signed before may be lost";
    COULD_NOT_JUDGE: "could_not_judge", Undecided, Warning,
        "an event that this version does not understand; nothing after it can be judged", "use a newer gemledger";
    PROVIDER_UNREACHABLE: "provider_unreachable", Undecided, Note,
        "a provider's keys could not be fetched", "the recorded keys are compared at the next look";
    MORE_FINDINGS: "more_findings", Undecided, Warning,
        "there were more findings than can be told", "look at the findings that were told first";
}

/// The rule of this name.
pub fn find(id: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.id == id)
}

/// The rule of a lie: they have the same names.
pub(super) fn of_lie(code: &str) -> &'static Entry {
    find(code).unwrap_or(&TILE_WRONG)
}

/// The rules as SARIF lists them.
pub fn for_sarif() -> Vec<Rule> {
    let rule = |entry: &Entry| Rule {
        id: entry.id,
        summary: entry.summary,
        help: entry.help,
    };
    ALL.iter().map(rule).collect()
}
