//! The ledger's own state: the rulebook in force and who may read.
use alloc::{format, string::ToString as _, vec, vec::Vec};
use events::{
    Body, Event, State,
    event::Draft,
    log::{
        FORMAT, Opened, Rules, RulesChanged, StatementKeyIntroduced, SubjectErased, Succeeded,
        Visibility,
    },
    provider::PublicJwk,
    stream::{StreamKind, StreamName},
    text::Text,
    time::Timestamp,
};

use crate::{Code, Denial};

/// The edition that new ledgers start with.
///
/// | edition | what it judges otherwise |
/// |---|---|
/// | 1 | |
/// | 2 | a gem's rules, the ratchet among them; what loosens a policy waits for `loosening_delay_seconds` |
pub const EDITION: u32 = 2;

/// Longest delay that a rulebook may have: it is lowered under itself, so one of years could never be taken back.
pub const MAX_LOOSENING_DELAY_SECONDS: u64 = 30 * 24 * 3600;

/// The rules in force: an edition, whose code stays compiled for ever, and the settings it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rulebook {
    /// Which edition of the judgements.
    pub edition: u32,
    /// Their settings.
    pub rules: Rules,
}

impl Rulebook {
    /// Refuses to judge by an edition that this program does not know.
    pub fn known(&self) -> Result<&Rules, Denial> {
        if (1..=EDITION).contains(&self.edition) {
            Ok(&self.rules)
        } else {
            Err(Code::UnknownEdition.into())
        }
    }

    /// Whether gems have rules of their own and loosening waits: from edition 2 on.
    pub fn ratchets(&self) -> bool {
        self.edition >= 2
    }

    /// Every setting of the edition is there, and none of a later one.
    fn sound(&self) -> Result<(), Denial> {
        let delay = self.known()?.loosening_delay_seconds;
        let invalid = |expected: &str| {
            let found = delay.map_or_else(|| "(absent)".to_string(), |delay| delay.to_string());
            Err(Denial {
                tell: true,
                ..Denial::new(Code::RulesInvalid)
                    .expected(expected)
                    .found(found)
            })
        };
        match delay {
            Some(_) if !self.ratchets() => invalid("no loosening_delay_seconds before edition 2"),
            None if self.ratchets() => invalid("loosening_delay_seconds"),
            Some(delay) if delay > MAX_LOOSENING_DELAY_SECONDS => {
                invalid("a loosening_delay_seconds of at most 30 days")
            }
            _ => Ok(()),
        }
    }
}

/// A delay that was lowered and still holds: whoever can change the rules cannot shorten what has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldDelay {
    /// The delay, in seconds.
    pub seconds: u64,
    /// From this moment on, the lower one holds.
    pub until: Timestamp,
}

/// State of the stream `log`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// What the ledger was opened with; `None` before its first event.
    pub opened: Option<Opened>,
    /// The rulebook now.
    pub rulebook: Option<Rulebook>,
    /// The loosening delay before it was lowered, while that one still holds.
    pub old_delay: Option<OldDelay>,
    /// Since when the loosening delay has not become longer.
    pub delay_since: Option<Timestamp>,
    /// The last succession; `None` while the first origin lives.
    pub succeeded: Option<Succeeded>,
    /// The keys that sign what the registry says of its releases, in the order in which they were introduced.
    pub statement_keys: Vec<PublicJwk>,
}

impl Ledger {
    /// The rulebook in force.
    pub fn rulebook(&self) -> Result<Rulebook, Denial> {
        self.rulebook.ok_or_else(|| Code::UnknownEdition.into())
    }

    /// How many seconds a change waits that is declared now and loosens something. None under edition 1.
    pub fn delay(&self, now: Timestamp) -> u64 {
        let rules = self.rulebook.map(|rulebook| rulebook.rules);
        let set = rules.and_then(|rules| rules.loosening_delay_seconds);
        let old = self.old_delay.filter(|old| now < old.until);
        set.unwrap_or(0).max(old.map_or(0, |old| old.seconds))
    }

    /// The delay that holds now although a lower one was set, and that lower one.
    pub fn lowered(&self, now: Timestamp) -> Option<(OldDelay, u64)> {
        let rules = self.rulebook.map(|rulebook| rulebook.rules);
        let set = rules.and_then(|rules| rules.loosening_delay_seconds)?;
        let old = self.old_delay.filter(|old| now < old.until)?;
        (set < old.seconds).then_some((old, set))
    }

    /// When a change takes effect that is declared now and loosens something; `None` where it need not wait.
    pub fn effective(&self, now: Timestamp) -> Option<Timestamp> {
        match self.delay(now) {
            0 => None,
            delay => Some(now.plus_seconds(delay)),
        }
    }

    /// Whether everybody may read.
    pub fn is_public(&self) -> bool {
        self.opened
            .as_ref()
            .is_some_and(|opened| opened.visibility == Visibility::Public)
    }

    /// The origin of its checkpoints now.
    pub fn origin(&self) -> Option<&Text> {
        match &self.succeeded {
            Some(succeeded) => Some(&succeeded.origin),
            None => self.opened.as_ref().map(|opened| &opened.origin),
        }
    }

    /// The key that signs the statement of a release made now; `None` before the first was introduced.
    pub fn statement_key(&self) -> Option<&PublicJwk> {
        self.statement_keys.last()
    }

    /// The key that signs its checkpoints now, as text.
    pub fn vkey(&self) -> Option<&Text> {
        match &self.succeeded {
            Some(succeeded) => Some(&succeeded.vkey),
            None => self.opened.as_ref().map(|opened| &opened.vkey),
        }
    }
}

/// Opens a ledger: the first event of its log.
pub fn open(ledger: &Ledger, opened: Opened) -> Result<Vec<Draft>, Denial> {
    if ledger.opened.is_some() {
        return Err(Code::AlreadyExists.into());
    }
    if opened.format != FORMAT {
        return Err(Code::UnknownEdition.into());
    }
    let rulebook = Rulebook {
        edition: opened.edition,
        rules: opened.rules,
    };
    rulebook.sound()?;
    let body = Body::LogOpened(opened);
    Ok(vec![Draft::new(StreamName::log(), body)])
}

/// Changes the rules from here on. An edition never goes back, and a lower loosening delay holds only once the one
/// before it has passed.
pub fn change_rules(ledger: &Ledger, edition: u32, rules: Rules) -> Result<Vec<Draft>, Denial> {
    let now = ledger.rulebook()?;
    let next = Rulebook { edition, rules };
    next.sound()?;
    if edition < now.edition {
        return Err(Denial {
            tell: true,
            ..Denial::new(Code::RulesInvalid)
                .expected(format!("edition {}", now.edition))
                .found(format!("edition {edition}"))
        });
    }
    if next == now {
        return Err(Code::AlreadyExists.into());
    }
    let body = Body::LogRulesChanged(RulesChanged { edition, rules });
    Ok(vec![Draft::new(StreamName::log(), body)])
}

/// Records that nobody can open this subject's sealed values any more. Saying it again is allowed: a key that survived
/// a crash is destroyed on the second try.
pub fn erase(ledger: &Ledger, subject: StreamName) -> Result<Vec<Draft>, Denial> {
    ledger.rulebook()?.known()?;
    if !matches!(subject.kind(), StreamKind::Account | StreamKind::Token) {
        return Err(Denial::new(Code::NotFound)
            .expected("account/<id> or token/<provider>/<token>")
            .found(subject.as_str()));
    }
    let body = Body::SubjectErased(SubjectErased { subject });
    Ok(vec![Draft::new(StreamName::log(), body)])
}

/// Introduces a key that signs statements from here on. Once only: which key signed what follows from its place in the log.
pub fn introduce_statement_key(ledger: &Ledger, jwk: PublicJwk) -> Result<Vec<Draft>, Denial> {
    ledger.rulebook()?.known()?;
    if !is_ed25519(&jwk) {
        return Err(Denial::new(Code::StatementKeyInvalid).found(jwk.kty.as_str()));
    }
    if ledger.statement_keys.contains(&jwk) {
        return Err(Denial::new(Code::AlreadyExists).found(jwk.thumbprint().to_string()));
    }
    let body = Body::StatementKeyIntroduced(StatementKeyIntroduced { jwk });
    Ok(vec![Draft::new(StreamName::log(), body)])
}

/// 32 bytes in the one spelling that base64url has for them: the last letter carries four bits.
fn is_ed25519(jwk: &PublicJwk) -> bool {
    let PublicJwk {
        crv,
        e,
        kty,
        n,
        x,
        y,
    } = jwk;
    let curve = crv.as_ref().is_some_and(|crv| crv.as_str() == "Ed25519");
    let point = x.as_ref().is_some_and(|x| {
        let text = x.as_str();
        text.len() == 43 && text.ends_with(|last| "AEIMQUYcgkosw048".contains(last))
    });
    kty.as_str() == "OKP" && curve && point && e.is_none() && n.is_none() && y.is_none()
}

/// The origin after this one: the same registry, the next number.
pub fn next_origin(origin: &Text) -> Option<Text> {
    let (stem, number) = origin.as_str().rsplit_once('/')?;
    let number = number.parse::<u64>().ok()?.checked_add(1)?;
    Text::parse(&format!("{stem}/{number}")).ok()
}

/// Ends the origin and begins the next, after `size` events. Only from the console: whoever can do this holds the keys.
pub fn succeed(ledger: &Ledger, size: u64, succeeded: Succeeded) -> Result<Vec<Draft>, Denial> {
    ledger.rulebook()?.known()?;
    let (Some(origin), Some(vkey)) = (ledger.origin(), ledger.vkey()) else {
        return Err(Code::NotFound.into());
    };
    let expected = next_origin(origin).ok_or(Code::SuccessorInvalid)?;
    let denied = |expected: &str, found: &str| {
        Err(Denial::new(Code::SuccessorInvalid)
            .expected(expected)
            .found(found))
    };
    if (&succeeded.old_origin, &succeeded.old_vkey) != (origin, vkey) {
        return denied(vkey.as_str(), succeeded.old_vkey.as_str());
    }
    if succeeded.origin != expected {
        return denied(expected.as_str(), succeeded.origin.as_str());
    }
    let name = succeeded.vkey.as_str().split('+').next();
    if name != Some(expected.as_str()) || succeeded.vkey == *vkey {
        return denied(expected.as_str(), succeeded.vkey.as_str());
    }
    if succeeded.size != size {
        return denied(&size.to_string(), &succeeded.size.to_string());
    }
    let body = Body::LogSucceeded(succeeded);
    Ok(vec![Draft::new(StreamName::log(), body)])
}

impl Ledger {
    /// Puts a rulebook in force. A delay that is lowered holds on for as long as it is; a higher one holds at once.
    fn enter(&mut self, rulebook: Rulebook, now: Timestamp) {
        let before = self.rulebook.map(|rulebook| rulebook.rules);
        let before = before.and_then(|rules| rules.loosening_delay_seconds);
        let holds = self.delay(now);
        if rulebook.rules.loosening_delay_seconds < before {
            self.old_delay = Some(OldDelay {
                seconds: holds,
                until: now.plus_seconds(holds),
            });
        }
        self.rulebook = Some(rulebook);
        if holds < self.delay(now) {
            self.delay_since = Some(now);
        }
    }
}

impl State for Ledger {
    fn evolve(&mut self, event: &Event) {
        if let Body::LogOpened(opened) = &event.body {
            let rulebook = Rulebook {
                edition: opened.edition,
                rules: opened.rules,
            };
            self.enter(rulebook, event.time);
            self.opened = Some(opened.clone());
        } else if let Body::LogRulesChanged(changed) = &event.body {
            let rulebook = Rulebook {
                edition: changed.edition,
                rules: changed.rules,
            };
            self.enter(rulebook, event.time);
        } else if let Body::LogSucceeded(succeeded) = &event.body {
            self.succeeded = Some(succeeded.clone());
        } else if let Body::StatementKeyIntroduced(introduced) = &event.body {
            self.statement_keys.push(introduced.jwk.clone());
        }
    }
}
