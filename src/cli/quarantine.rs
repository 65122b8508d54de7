//! `gemledger quarantine`: withhold a release, lift that again, list what is withheld.
use anyhow::Context as _;
use clap::{Args, Subcommand};
use events::{name::GemName, platform::Platform, text::Text};
use serde_json::json;

use super::{Answer, Common, out, providers::done};
use crate::{
    app::quarantine::Named,
    views::{index, provenance::number_and_platform},
};

/// Withhold a release: its file and its index line disappear at once, its record stays.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Quarantine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    release: Option<Release>,
    /// Why. Everybody who may read the log reads it, for ever: name no person
    #[arg(long, value_name = "TEXT", required = true)]
    reason: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve a release again: the same bytes, in the same place of the index
    Lift {
        #[command(flatten)]
        release: Release,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// List what is withheld
    List,
}

/// A release.
#[derive(Args)]
struct Release {
    /// The gem
    gem: String,
    /// VERSION or VERSION-PLATFORM
    #[arg(value_name = "VERSION")]
    number: String,
    /// Its platform, if VERSION does not name it
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
}

impl Release {
    fn named(&self) -> anyhow::Result<Named> {
        let gem = GemName::parse(&self.gem)
            .context("the gem's name")?
            .folded();
        let (number, platform) = number_and_platform(&self.number)
            .with_context(|| format!("{:?} is not a VERSION or VERSION-PLATFORM", self.number))?;
        let platform = match &self.platform {
            None => platform,
            Some(_) if !platform.is_ruby() => {
                anyhow::bail!("{} names a platform already", self.number)
            }
            Some(text) => Platform::parse(text).context("the platform")?,
        };
        Ok(Named {
            gem,
            number,
            platform,
        })
    }
}

fn reason(text: Option<&str>) -> anyhow::Result<Option<Text>> {
    text.map(Text::parse).transpose().context("the reason")
}

impl Quarantine {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        match self.command {
            Some(Command::List) => list(common).await,
            Some(Command::Lift {
                release,
                reason: why,
            }) => {
                let (named, why) = (release.named()?, reason(why.as_deref())?);
                let app = common.open().await?;
                let index = app.restore(named, why).await?;
                let what = format!("{} {} is served again", release.gem, release.number);
                Ok(done(common, &what, index))
            }
            None => {
                let release = self.release.context("name a gem and a version")?;
                let why = reason(self.reason.as_deref())?.context("say why with --reason")?;
                let named = release.named()?;
                let app = common.open().await?;
                let index = app.quarantine(named, why).await?;
                let what = format!("{} {} is quarantined", release.gem, release.number);
                Ok(done(common, &what, index))
            }
        }
    }
}

async fn list(common: &Common) -> anyhow::Result<Answer> {
    let reader = common.reader().await?;
    for (file, quarantine) in index::quarantined(&reader).await? {
        if common.json {
            out::json(&json!({"file": file, "quarantined": quarantine}));
        } else {
            let index::Quarantine {
                since,
                log_index,
                reason,
            } = quarantine;
            out::line(&format!(
                "{file}\tsince {since} (log index {log_index})\t{reason}"
            ));
        }
    }
    Ok(Answer::True)
}
