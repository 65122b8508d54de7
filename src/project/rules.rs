//! What `verify` can find wrong, by stable names, and what to do about each.
use crate::sarif::Rule;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Which rule found it.
    pub rule: &'static Rule,
    /// What was found, in words.
    pub message: String,
}

impl Flaw {
    pub(super) fn new(rule: &'static Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            message: message.into(),
        }
    }
}

const fn rule(id: &'static str, summary: &'static str, help: &'static str) -> Rule {
    Rule { id, summary, help }
}

/// The registry has no receipt for the gem.
pub const NOT_LOGGED: Rule = rule(
    "not_logged",
    "The registry's log does not have the locked gem",
    "Do not install it. Ask the registry's operator where the file came from.",
);
/// The file is another one than the log has.
pub const DIGEST_MISMATCH: Rule = rule(
    "digest_mismatch",
    "The lockfile's checksum is not the one in the log",
    "Do not install it. One of the two was changed: compare with a colleague's lockfile and with the publisher.",
);
/// The receipt does not prove anything.
pub const RECEIPT_INVALID: Rule = rule(
    "receipt_invalid",
    "The receipt does not prove that the gem is in the log",
    "Do not install it. Keep the receipt: if the registry signed it, it is evidence.",
);
/// The receipt is of something else.
pub const RECEIPT_MISMATCH: Rule = rule(
    "receipt_mismatch",
    "The receipt is of another event than this release",
    "Do not install it. Keep the receipt: if the registry signed it, it is evidence.",
);
/// It is in the log, but less sure than asked for.
pub const NOT_SURE_ENOUGH: Rule = rule(
    "not_sure_enough",
    "The gem's origin is less sure than --require asks for",
    "Release it by a trusted publisher's workflow, or ask for less with --require.",
);
/// The list of all versions proves nothing.
pub const LIST_INVALID: Rule = rule(
    "list_invalid",
    "The registry's list of the gem's versions does not prove that it is complete",
    "Keep the answer of /log/lookup: if the registry signed it, it is evidence.",
);
/// It is in the log, and the list of all versions does not have it.
pub const NOT_LISTED: Rule = rule(
    "not_listed",
    "The registry's list of all versions does not have the locked one",
    "Do not install it. The registry shows this release to you and hides it from whoever looks at all of them.",
);
/// The registry has withheld it since.
pub const WITHHELD: Rule = rule(
    "withheld",
    "The registry has withheld the release since it was locked",
    "Do not install it. Ask the registry's operator why, and lock another version.",
);
/// It was released after now.
pub const TIME_IN_FUTURE: Rule = rule(
    "time_in_future",
    "The log says that the gem was released after now",
    "Check the clock of this machine; if it is right, the registry's was or is wrong.",
);
/// Too few witnesses have seen the tree.
pub const QUORUM_MISSED: Rule = rule(
    "quorum_missed",
    "Too few of the given witnesses have cosigned the tree",
    "Try again in a minute. If it stays so, the registry may be showing this tree to you alone.",
);
/// The newest that is shown is old.
pub const STALE: Rule = rule(
    "stale",
    "What the registry shows is older than --max-age",
    "Try again later or from elsewhere: you may be shown an old state, without what happened since.",
);
/// The ledger contradicts itself, its signature, or what it said before. The message has the code of the lie.
pub const LEDGER_LIES: Rule = rule(
    "ledger_lies",
    "What the registry shows does not fit what it signed",
    "Do not install from it. Keep the evidence, and show it to its operator and to others who use it.",
);
/// It could not be told.
pub const COULD_NOT_TELL: Rule = rule(
    "could_not_tell",
    "The gem could not be checked",
    "Try again; the message says what was in the way.",
);

/// All of them.
pub const ALL: [&Rule; 13] = [
    &NOT_LOGGED,
    &DIGEST_MISMATCH,
    &RECEIPT_INVALID,
    &RECEIPT_MISMATCH,
    &NOT_SURE_ENOUGH,
    &LIST_INVALID,
    &NOT_LISTED,
    &WITHHELD,
    &TIME_IN_FUTURE,
    &QUORUM_MISSED,
    &STALE,
    &LEDGER_LIES,
    &COULD_NOT_TELL,
];
