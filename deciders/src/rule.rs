//! A gem's own rules: how they are set, what they demand, and whether a push keeps them.
//!
//! `auto` is the ratchet: what a release once reached, the next ones keep, until somebody says otherwise and the delay
//! has passed. So nothing has to be set for a gem to be held to what it showed.
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use events::{
    Body,
    attestation::Attested,
    claims::Workflow,
    event::Draft,
    policy::Publisher,
    rule::{Changed, Rule, Setting},
    text::Text,
    version::GemVersion,
};

use crate::{
    Code, Denial, Ledger,
    change::What,
    denial::Short,
    gem::Gem,
    policy::{Managing, PolicyAt},
};

/// How well a build attestation is evidenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A timestamp authority vouches for its time; no log has it.
    Timestamp,
    /// A transparency log has it that only some can read.
    PrivateLog,
    /// A transparency log has it that everybody can watch.
    PublicLog,
}

impl Class {
    /// That of a bundle: only evidence that its trust root requires is recorded, and counts.
    pub fn of(attested: &Attested) -> Self {
        Self::with(attested.entry.is_some(), attested.public)
    }

    /// That of evidence with an entry in a log, which everybody reads, or without one.
    pub fn with(log: bool, public: bool) -> Self {
        match (log, public) {
            (true, true) => Self::PublicLog,
            (true, false) => Self::PrivateLog,
            (false, _) => Self::Timestamp,
        }
    }

    /// The name that answers use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::PrivateLog => "private log",
            Self::PublicLog => "public log",
        }
    }
}

/// What a rule starts with.
pub fn default_setting(rule: Rule) -> Setting {
    match rule {
        Rule::AttestationRequired | Rule::TrustedPublishingOnly => Setting::Auto,
        Rule::EnvironmentRequired
        | Rule::ProtectedRefRequired
        | Rule::SameAttemptRequired
        | Rule::TagMustEqualVersion => Setting::Off,
    }
}

/// What a rule can be set to.
pub fn settings(rule: Rule) -> &'static [Setting] {
    match rule {
        Rule::AttestationRequired => &Setting::ALL,
        Rule::TrustedPublishingOnly => &[Setting::Auto, Setting::Off, Setting::On],
        Rule::EnvironmentRequired
        | Rule::ProtectedRefRequired
        | Rule::SameAttemptRequired
        | Rule::TagMustEqualVersion => &[Setting::Off, Setting::On],
    }
}

/// A strictness: 0 demands nothing. An attestation with a timestamp alone is 1, one in a private log 2, in a public one 3.
type Level = u8;

/// An attestation in a transparency log, whoever can read it.
const LOGGED: Level = 2;

/// The most that a rule can demand.
fn top(rule: Rule) -> Level {
    if rule == Rule::AttestationRequired {
        3
    } else {
        1
    }
}

fn level(class: Option<Class>) -> Level {
    match class {
        None => 0,
        Some(Class::Timestamp) => 1,
        Some(Class::PrivateLog) => LOGGED,
        Some(Class::PublicLog) => 3,
    }
}

/// What some release of the gem has reached of this rule.
fn reached(rule: Rule, gem: &Gem) -> Level {
    match rule {
        Rule::AttestationRequired => level(gem.attested),
        Rule::TrustedPublishingOnly => gem.trusted.into(),
        Rule::EnvironmentRequired
        | Rule::ProtectedRefRequired
        | Rule::SameAttemptRequired
        | Rule::TagMustEqualVersion => 0,
    }
}

/// What the rule demands with this setting, of a gem that reached this. `on` takes any log, and keeps what was reached.
fn demand(rule: Rule, setting: Setting, reached: Level) -> Level {
    match setting {
        Setting::Auto => reached,
        Setting::Off => 0,
        Setting::On => reached.max(LOGGED.min(top(rule))),
        Setting::Timestamped => 1,
    }
}

/// Whether the other setting demands less, now or once the gem has reached more: what was reached stays reached.
fn loosens(rule: Rule, from: Setting, to: Setting, gem: &Gem) -> bool {
    let from_here_on = reached(rule, gem)..=top(rule);
    from_here_on
        .into_iter()
        .any(|reached| demand(rule, to, reached) < demand(rule, from, reached))
}

/// Whether the rule demands anything of the gem's next release, as its policy is.
pub fn demands(rule: Rule, policy: &PolicyAt, gem: &Gem) -> bool {
    demand(rule, policy.setting(rule), reached(rule, gem)) > 0
}

/// The weakest attestation that the gem's next release may come with; `None` if it needs none.
pub fn attestation(policy: &PolicyAt, gem: &Gem) -> Option<Class> {
    let rule = Rule::AttestationRequired;
    match demand(rule, policy.setting(rule), reached(rule, gem)) {
        0 => None,
        1 => Some(Class::Timestamp),
        LOGGED => Some(Class::PrivateLog),
        _ => Some(Class::PublicLog),
    }
}

/// Sets a rule: at once if it demands no less than before, else after the delay. The newest declaration of a rule counts.
pub fn set(
    managing: &Managing<'_>,
    gem: &Gem,
    rule: Rule,
    to: Setting,
) -> Result<Vec<Draft>, Denial> {
    let policy = managing.managed()?;
    if !settings(rule).contains(&to) {
        let names: Vec<_> = settings(rule).iter().map(|one| one.as_str()).collect();
        return Err(Denial {
            tell: true,
            ..Denial::new(Code::RuleInvalid)
                .expected(names.join(", "))
                .found(to.as_str())
        });
    }
    let from = policy.setting(rule);
    let of_this_rule = |what: &What| matches!(what, What::RuleSet(other, _) if *other == rule);
    let waits = policy.waiting(of_this_rule);
    let again = policy.waiting(|what| *what == What::RuleSet(rule, to));
    // Setting it to what it is takes back what was declared and waits.
    if again.is_some() || (from == to && waits.is_none()) {
        return Err(Code::AlreadyExists.into());
    }
    let effective = match (loosens(rule, from, to, gem), waits) {
        (false, _) => None,
        // It takes the other one's place.
        (true, Some(_)) => managing.ledger.effective(managing.now),
        (true, None) => managing.waits(&policy)?,
    };
    let changed = Changed {
        effective,
        rule,
        to,
    };
    Ok(managing.event(Body::RuleChanged(changed)))
}

/// What a push brings with it, as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Pushes<'a> {
    /// The version.
    pub number: &'a GemVersion,
    /// The workflow whose key it is, and the publisher that it is; `None` for the key of an account.
    pub trusted: Option<(&'a Workflow, &'a Publisher)>,
    /// Its best attestation.
    pub attested: Option<Class>,
}

/// Whether this rule demands anything of the gem's next release. Edition 1 knows none.
pub(crate) fn in_force(
    rule: Rule,
    ledger: &Ledger,
    policy: &PolicyAt,
    gem: &Gem,
) -> Result<bool, Denial> {
    Ok(ledger.rulebook()?.ratchets() && demands(rule, policy, gem))
}

/// Whether the push keeps every rule of the gem. Edition 1 knows none.
pub fn judge(
    ledger: &Ledger,
    policy: &PolicyAt,
    gem: &Gem,
    push: &Pushes<'_>,
) -> Result<(), Short> {
    if !ledger.rulebook()?.ratchets() {
        return Ok(());
    }
    let demanded = Rule::ALL.into_iter();
    let demanded = demanded.filter(|rule| demands(*rule, policy, gem));
    for (kept, rule) in demanded.enumerate() {
        keeps(rule, policy, gem, push).map_err(|denial| Short::from(denial).after(kept))?;
    }
    Ok(())
}

/// Whether the push keeps a rule that demands something. A key of an account has neither run, ref nor environment.
fn keeps(rule: Rule, policy: &PolicyAt, gem: &Gem, push: &Pushes<'_>) -> Result<(), Denial> {
    let by_account = "a key of an account";
    let workflow = push.trusted.map(|(workflow, _)| workflow);
    match rule {
        Rule::TrustedPublishingOnly if push.trusted.is_some() => Ok(()),
        Rule::TrustedPublishingOnly => Err(broken(
            Code::TrustedPublishingRequired,
            "a key of one of the gem's trusted publishers",
            by_account,
        )),
        Rule::AttestationRequired => {
            let demanded = attestation(policy, gem);
            if push.attested >= demanded {
                return Ok(());
            }
            let expected = match demanded {
                Some(Class::Timestamp) | None => "an attestation, with a timestamp at least",
                Some(Class::PrivateLog) => "an attestation in a transparency log",
                Some(Class::PublicLog) => "an attestation in a public transparency log",
            };
            let found = push.attested.map_or("none", Class::as_str);
            Err(broken(Code::AttestationRequired, expected, found))
        }
        Rule::EnvironmentRequired => {
            let named = push.trusted.map(|(_, publisher)| &publisher.environment);
            match named {
                Some(Some(_)) => Ok(()),
                Some(None) => Err(broken(
                    Code::EnvironmentRequired,
                    "a publisher that names an environment",
                    "a publisher for any environment",
                )),
                None => Err(broken(
                    Code::EnvironmentRequired,
                    "a publisher that names an environment",
                    by_account,
                )),
            }
        }
        Rule::TagMustEqualVersion => {
            let tag = format!("refs/tags/v{}", push.number);
            let of_tag = |workflow: &&Workflow| {
                let kind = workflow.ref_type.as_ref().map(Text::as_str);
                kind.is_none_or(|kind| kind == "tag")
            };
            let found = workflow.filter(of_tag).map(git_ref);
            if found.as_deref() == Some(tag.as_str()) {
                return Ok(());
            }
            let found = workflow.map_or_else(|| by_account.to_string(), git_ref);
            Err(broken(Code::TagVersionMismatch, &tag, &found))
        }
        Rule::ProtectedRefRequired => {
            if workflow.and_then(|workflow| workflow.ref_protected) == Some(true) {
                return Ok(());
            }
            let found = workflow.map_or_else(|| by_account.to_string(), git_ref);
            let expected = "a ref that the forge protects";
            Err(broken(Code::ProtectedRefRequired, expected, &found))
        }
        // Held where the attestation is bound to its run.
        Rule::SameAttemptRequired => Ok(()),
    }
}

fn git_ref(workflow: &Workflow) -> String {
    let found = workflow.git_ref.as_ref();
    found.map_or("(absent)", Text::as_str).to_string()
}

/// Whoever is denied here may push: an owner, or the publisher's own workflow. So it is told what is missing.
fn broken(code: Code, expected: &str, found: &str) -> Denial {
    Denial {
        tell: true,
        ..Denial::new(code).expected(expected).found(found)
    }
}
