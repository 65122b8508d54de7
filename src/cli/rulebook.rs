//! `gemledger log rules`: the rulebook in force, and how to change it.
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Answer, Common, out, time};
use crate::app::rulebook::RulesChange;

/// The rulebook.
#[derive(Subcommand)]
pub(super) enum RulesCommand {
    /// Show the edition and the settings in force
    Show,
    /// Change the edition or settings from here on
    Set(Set),
}

/// What to change.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub(super) struct Set {
    /// The edition of the rulebook; it never goes back
    #[arg(long, value_name = "N")]
    edition: Option<u32>,
    /// How long what loosens a gem's policy waits; a lower one holds only once the one before has passed
    #[arg(long, value_name = "DURATION", value_parser = time::delay)]
    loosening_delay: Option<u64>,
    /// How long an exchanged key lives
    #[arg(long, value_name = "DURATION", value_parser = time::seconds)]
    key_lifetime: Option<u64>,
    /// How long a pending publisher reserves its name
    #[arg(long, value_name = "DURATION", value_parser = time::seconds)]
    pending: Option<u64>,
}

impl RulesCommand {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let app = common.open().await?;
        let Self::Set(set) = self else {
            let (rulebook, old) = app.rulebook().await?;
            let old = old.map(|old| json!({"seconds": old.seconds, "until": old.until}));
            if common.json {
                out::json(&json!({
                    "edition": rulebook.edition, "rules": rulebook.rules, "delay_that_still_holds": old,
                }));
                return Ok(Answer::True);
            }
            out::line(&format!("edition\t{}", rulebook.edition));
            let rules = serde_json::to_value(rulebook.rules)?;
            for (name, value) in rules.as_object().into_iter().flatten() {
                out::line(&format!("{name}\t{value}"));
            }
            if let Some(old) = old {
                out::line(&format!("delay_that_still_holds\t{old}"));
            }
            return Ok(Answer::True);
        };
        let changed = app
            .change_rules(RulesChange {
                edition: set.edition,
                loosening_delay_seconds: set.loosening_delay,
                key_lifetime_seconds: set.key_lifetime,
                pending_seconds: set.pending,
            })
            .await?;
        let old = changed.old_delay;
        if common.json {
            let until = old.map(|old| old.until);
            out::json(&json!({"log_index": changed.index, "old_delay_until": until}));
            return Ok(Answer::True);
        }
        out::line(&format!(
            "the rulebook is changed (log index {})",
            changed.index
        ));
        if let Some(old) = old {
            out::note(&format!(
                "the delay of {} seconds before it still holds until {}",
                old.seconds, old.until
            ));
        }
        Ok(Answer::True)
    }
}
