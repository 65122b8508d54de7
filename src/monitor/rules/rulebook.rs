//! The registry's own rules: that they changed, and whether they allow more than before.
use deciders::Ledger;
use events::{
    Recorded, State as _,
    log::{Rules, RulesChanged},
};

use super::loosening;
use crate::monitor::{Finding, catalogue};

/// The edition and settings in force.
#[derive(Debug, Default)]
pub struct Rulebook {
    ledger: Ledger,
}

impl Rulebook {
    /// The rules that the ledger was opened with.
    pub fn opened(&mut self, recorded: &Recorded) {
        self.ledger.evolve(&recorded.event);
    }

    /// `rules_changed`, and `rules_loosened` where a setting allows more: longer lives, wider windows, older keys, or an
    /// older edition. That denials are recorded more or less often allows nothing. `loosening_declared` where the delay is
    /// lowered, which holds later.
    pub fn changed(&mut self, recorded: &Recorded, changed: &RulesChanged) -> Vec<Finding> {
        let rulebook = self.ledger.rulebook;
        let before = rulebook.map_or_else(
            || settings(0, &Rules::default()),
            |before| settings(before.edition, &before.rules),
        );
        let after = settings(changed.edition, &changed.rules);
        let mut findings = Vec::new();
        let (mut expected, mut found, mut looser) = (Vec::new(), Vec::new(), Vec::new());
        for ((name, old, loosens), (_, new, _)) in before.into_iter().zip(after) {
            if old != new {
                expected.push(format!("{name} {old}"));
                found.push(format!("{name} {new}"));
            }
            if loosens.by(old, new) {
                looser.push((format!("{name} {old}"), format!("{name} {new}")));
            }
        }
        findings.push(
            Finding::new(
                &catalogue::RULES_CHANGED,
                "the rules of the registry changed",
            )
            .at(recorded)
            .not(expected.join(", "), found.join(", ")),
        );
        if !looser.is_empty() {
            let (expected, found): (Vec<_>, Vec<_>) = looser.into_iter().unzip();
            findings.push(
                Finding::new(
                    &catalogue::RULES_LOOSENED,
                    "the rules of the registry allow more than before",
                )
                .at(recorded)
                .not(expected.join(", "), found.join(", ")),
            );
        }
        let now = recorded.event.time;
        let lowers = self.ledger.lowered(now).map(|(_, to)| to);
        self.ledger.evolve(&recorded.event);
        if let Some((before, to)) = self.ledger.lowered(now)
            && lowers.is_none_or(|lowers| to < lowers)
        {
            findings.push(loosening::lowered(recorded, before, to));
        }
        findings
    }
}

/// In which direction a setting allows more.
#[derive(Clone, Copy)]
enum Loosens {
    Up,
    Down,
    Never,
}

impl Loosens {
    fn by(self, old: u64, new: u64) -> bool {
        match self {
            Self::Up => new > old,
            Self::Down => new < old,
            Self::Never => false,
        }
    }
}

fn settings(edition: u32, rules: &Rules) -> [(&'static str, u64, Loosens); 9] {
    let Rules {
        denial_interval_seconds,
        key_lifetime_seconds,
        leeway_seconds,
        loosening_delay_seconds,
        pending_seconds,
        provider_keys_max_age_seconds,
        provisional_seconds,
        token_lifetime_max_seconds,
    } = *rules;
    [
        ("edition", u64::from(edition), Loosens::Down),
        (
            "denial_interval_seconds",
            denial_interval_seconds,
            Loosens::Never,
        ),
        ("key_lifetime_seconds", key_lifetime_seconds, Loosens::Up),
        ("leeway_seconds", leeway_seconds, Loosens::Up),
        (
            "loosening_delay_seconds",
            loosening_delay_seconds.unwrap_or_default(),
            Loosens::Down,
        ),
        ("pending_seconds", pending_seconds, Loosens::Up),
        (
            "provider_keys_max_age_seconds",
            provider_keys_max_age_seconds,
            Loosens::Up,
        ),
        ("provisional_seconds", provisional_seconds, Loosens::Up),
        (
            "token_lifetime_max_seconds",
            token_lifetime_max_seconds,
            Loosens::Up,
        ),
    ]
}
