//! `gemledger rule` and `gemledger policy`: what a gem demands of its releases, and the changes that wait.
use anyhow::Context as _;
use clap::Subcommand;
use events::{
    id::ChangeId,
    name::{FoldedName, GemName},
    rule::{Rule, Setting},
    text::Text,
    time::Timestamp,
};
use serde_json::json;

use super::{Answer, Common, out};
use crate::{
    app::policy::{Declared, Override},
    views::{gems::who, rules},
    world::Clock,
};

/// Rules of a gem.
#[derive(Subcommand)]
pub(super) enum RuleCommand {
    /// Set a rule; what demands less than before takes effect after the delay
    Set {
        /// The gem
        gem: String,
        /// Which rule
        #[arg(value_name = "RULE", value_parser = rule)]
        rule: Rule,
        /// on, off; auto: what some release kept; timestamped: an attestation with a timestamp is enough
        #[arg(value_name = "SETTING", value_parser = setting)]
        to: Setting,
    },
    /// List a gem's rules, and what they demand of the next release
    List {
        /// The gem
        gem: String,
    },
}

/// Changes that wait.
#[derive(Subcommand)]
pub(super) enum PolicyCommand {
    /// List the changes of a gem's policy that wait, and when they take effect
    Pending {
        /// The gem
        gem: String,
    },
    /// Cancel a change before it takes effect
    Cancel {
        /// The gem
        gem: String,
        /// The change's id
        #[arg(value_name = "CHANGE")]
        change: u64,
    },
    /// Let a change take effect at once: propose it, or agree with what an owner proposed
    Override {
        /// The gem
        gem: String,
        /// The change's id
        #[arg(value_name = "CHANGE")]
        change: u64,
        /// Why it cannot wait. Everybody who may read the log reads it, for ever: name no person
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

fn rule(text: &str) -> Result<Rule, String> {
    let names = || Rule::ALL.map(Rule::as_str).join(", ");
    Rule::parse(text).ok_or_else(|| format!("the rules are {}", names()))
}

fn setting(text: &str) -> Result<Setting, String> {
    let names = || Setting::ALL.map(Setting::as_str).join(", ");
    Setting::parse(text).ok_or_else(|| format!("the settings are {}", names()))
}

pub(super) fn folded(gem: &str) -> anyhow::Result<FoldedName> {
    Ok(GemName::parse(gem).context("the gem's name")?.folded())
}

/// What was declared, where the log says so, and when it takes effect.
pub(super) fn declared(common: &Common, gem: &str, what: &str, declared: Declared) -> Answer {
    let Declared {
        id,
        index,
        effective,
    } = declared;
    if common.json {
        out::json(&json!({"change": id, "log_index": index, "effective": effective}));
        return Answer::True;
    }
    out::line(&format!("{what} (log index {index})"));
    if let Some(effective) = effective {
        waits(&gem, id.0, effective);
    }
    Answer::True
}

/// When a change takes effect that waits, and what can become of it until then.
pub(super) fn waits(gem: &impl std::fmt::Display, change: u64, effective: Timestamp) {
    out::note(&format!(
        "it loosens the gem's policy and takes effect at {effective}. Until then an owner or the operator can cancel it \
         (gemledger policy cancel {gem} {change}), and two people can let it take effect at once \
         (gemledger policy override {gem} {change} --reason TEXT)"
    ));
}

impl RuleCommand {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        match self {
            Self::Set { gem, rule, to } => {
                let folded = folded(&gem)?;
                let app = common.open().await?;
                let set = app.set_rule(app.console(), folded, rule, to).await?;
                let what = format!("{} of {gem} is set to {}", rule.as_str(), to.as_str());
                Ok(declared(common, &gem, &what, set))
            }
            Self::List { gem } => {
                let reader = common.reader().await?;
                let now = Clock::system().now();
                let found = rules::now(&reader, &folded(&gem)?, now).await?;
                anyhow::ensure!(found.policy.name.is_some(), "there is no gem {gem} here");
                for rule in found.rules {
                    if common.json {
                        out::json(&rule);
                        continue;
                    }
                    out::line(&format!(
                        "{}\t{}\t{}",
                        rule.rule.as_str(),
                        rule.setting.as_str(),
                        rule.demanded.as_str()
                    ));
                }
                Ok(Answer::True)
            }
        }
    }
}

impl PolicyCommand {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        match self {
            Self::Pending { gem } => pending(common, &gem).await,
            Self::Cancel { gem, change } => {
                let (folded, id) = (folded(&gem)?, ChangeId(change));
                let app = common.open().await?;
                let cancelled = app.cancel_change(app.console(), folded, id).await?;
                let what = format!("change {change} of {gem} is cancelled");
                Ok(declared(common, &gem, &what, cancelled))
            }
            Self::Override {
                gem,
                change,
                reason,
            } => {
                let (folded, id) = (folded(&gem)?, ChangeId(change));
                let reason = reason.as_deref().map(Text::parse).transpose();
                let reason = reason.context("the reason")?;
                let app = common.open().await?;
                let answer = app.override_change(app.console(), folded, id, reason);
                let (what, event) = match answer.await? {
                    Override::Agreed(event) => ("has taken effect", event),
                    Override::Proposed(event) => (
                        "waits for an owner to agree to its taking effect at once",
                        event,
                    ),
                };
                let what = format!("change {change} of {gem} {what}");
                Ok(declared(common, &gem, &what, event))
            }
        }
    }
}

async fn pending(common: &Common, gem: &str) -> anyhow::Result<Answer> {
    let reader = common.reader().await?;
    let found = rules::now(&reader, &folded(gem)?, Clock::system().now()).await?;
    for change in found.changes {
        if common.json {
            out::json(&change);
            continue;
        }
        out::line(&format!(
            "{}\t{}\t{}\tdeclared {} by {}",
            change.id,
            change.effective,
            change.sentence(),
            change.declared,
            who(&change.by)
        ));
        for proposed in &change.proposed {
            out::line(&format!(
                "\t{} wants it at once: {}",
                who(&proposed.by),
                proposed.reason
            ));
        }
    }
    for beyond in found.beyond {
        if common.json {
            out::json(&beyond);
            continue;
        }
        out::line(&format!(
            "-\t{}\t{}\tdeclared {} by {}; {}",
            beyond.effective,
            beyond.says,
            beyond.declared,
            who(&beyond.by),
            beyond.take_back
        ));
    }
    Ok(Answer::True)
}
