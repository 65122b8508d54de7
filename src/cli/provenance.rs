//! `gemledger provenance`
use clap::Args;
use events::{name::GemName, platform::Platform, version::GemVersion};

use super::{Answer, Common, out};
use crate::views;

/// Where a release came from.
#[derive(Args)]
pub(super) struct Provenance {
    /// The gem
    gem: String,
    /// The version, with its platform after a hyphen if it has one
    #[arg(value_name = "VERSION", id = "release")]
    #[arg(value_name = "VERSION")]
    release: String,
}

impl Provenance {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let gem = GemName::parse(&self.gem)?;
        let (number, platform) = match self.release.split_once('-') {
            Some((number, platform)) => (number, Platform::parse(platform)?),
            None => (self.release.as_str(), Platform::ruby()),
        };
        let app = common.open().await?;
        let record =
            views::provenance::of(&app, &gem.folded(), &GemVersion::parse(number)?, &platform)
                .await?;
        let Some(record) = record else {
            out::note(&format!("there is no {gem} {}", self.release));
            return Ok(Answer::False);
        };
        if common.json {
            out::json(&record);
        } else {
            out::line(&serde_json::to_string_pretty(&record)?);
        }
        Ok(Answer::True)
    }
}
