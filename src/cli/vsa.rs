//! `gemledger vsa`
use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use events::name::GemName;
use serde_json::Value;

use super::{Answer, Common, out};
use crate::{app::statements::StatementError, views::provenance::number_and_platform};

/// What this registry itself says of a release, signed: a SLSA verification summary. With --json, the envelope as it is
/// served.
#[derive(Args)]
pub(super) struct Vsa {
    /// The gem
    gem: String,
    /// The version, with its platform after a hyphen if it has one
    #[arg(value_name = "VERSION", id = "release")]
    release: String,
}

impl Vsa {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let gem = GemName::parse(&self.gem)?;
        let (number, platform) = number_and_platform(&self.release)
            .with_context(|| format!("{} is no version", self.release))?;
        let app = common.open().await?;
        let folded = gem.folded();
        let signed = app.signed_statement(&folded, &number, &platform);
        let envelope = match signed.await {
            Ok(Some(envelope)) => envelope,
            Ok(None) => {
                out::note(&format!("there is no {gem} {}", self.release));
                return Ok(Answer::False);
            }
            Err(error @ (StatementError::Unspoken | StatementError::Quarantined(_))) => {
                out::note(&error.to_string());
                return Ok(Answer::False);
            }
            Err(error) => return Err(error.into()),
        };
        if common.json {
            out::json(&*envelope);
            return Ok(Answer::True);
        }
        let statement: Value = serde_json::from_slice(&STANDARD.decode(&envelope.payload)?)?;
        out::line(&serde_json::to_string_pretty(&statement)?);
        for signature in &envelope.signatures {
            out::note(&format!(
                "signed with the statement key {}",
                signature.keyid
            ));
        }
        Ok(Answer::True)
    }
}
