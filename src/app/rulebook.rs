//! The rulebook in force, changed by the operator.
use deciders::{Ledger, Rulebook, ledger};
use events::{log::Rules, stream::StreamName, time::Timestamp};

use super::{App, CommandError, settled, unread};
use crate::{
    store::{states::Read, writer::Verdict},
    views,
};

/// What is to change of the rulebook; what is `None` stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct RulesChange {
    /// The edition.
    pub edition: Option<u32>,
    /// How long a change waits that loosens a gem's policy.
    pub loosening_delay_seconds: Option<u64>,
    /// How long an exchanged key lives.
    pub key_lifetime_seconds: Option<u64>,
    /// How long a pending publisher reserves its name.
    pub pending_seconds: Option<u64>,
}

impl RulesChange {
    /// The rulebook that it makes of this one. An edition that is entered brings its settings with it.
    fn applied(&self, before: Rulebook) -> Rulebook {
        let edition = self.edition.unwrap_or(before.edition);
        let Rules {
            key_lifetime_seconds,
            loosening_delay_seconds,
            pending_seconds,
            ..
        } = before.rules;
        let entered = Rules::default()
            .loosening_delay_seconds
            .filter(|_| edition >= 2);
        let rules = Rules {
            key_lifetime_seconds: self.key_lifetime_seconds.unwrap_or(key_lifetime_seconds),
            loosening_delay_seconds: self
                .loosening_delay_seconds
                .or(loosening_delay_seconds)
                .or(entered),
            pending_seconds: self.pending_seconds.unwrap_or(pending_seconds),
            ..before.rules
        };
        Rulebook { edition, rules }
    }
}

/// The rulebook after a change.
#[derive(Clone, Copy, Debug)]
pub struct Changed {
    /// The log index of the event.
    pub index: u64,
    /// Until when the loosening delay before it still holds, if it was lowered.
    pub old_delay: Option<ledger::OldDelay>,
}

impl App {
    /// Changes the rulebook.
    pub async fn change_rules(&self, change: RulesChange) -> Result<Changed, CommandError> {
        let log = StreamName::log();
        let request = self.console();
        let stream = log.clone();
        let outcome = self
            .writer
            .append(vec![Read::of::<Ledger>(log.clone())], move |desk| {
                let Some(ledger) = desk.state::<Ledger>(&stream) else {
                    return Verdict::answer(unread());
                };
                let decided = ledger.rulebook().and_then(|before| {
                    let Rulebook { edition, rules } = change.applied(before);
                    ledger::change_rules(ledger, edition, rules)
                });
                request.verdict(decided)
            })
            .await?;
        let index = settled(outcome)?.indexes().start;
        self.reread().await?;
        let (_, old_delay) = self.rulebook().await?;
        Ok(Changed { index, old_delay })
    }

    /// The rulebook in force, and the delay that was lowered and still holds.
    pub async fn rulebook(&self) -> Result<(Rulebook, Option<ledger::OldDelay>), CommandError> {
        let now: Timestamp = self.clock.now();
        let ledger: Ledger = views::state(&self.reader, &StreamName::log()).await?;
        let old = ledger.lowered(now).map(|(old, _)| old);
        Ok((ledger.rulebook()?, old))
    }
}
