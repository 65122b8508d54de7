//! `gemledger verify`: what a project installs, held against a ledger; or a receipt, perhaps with its gem, without any
//! server.
use std::path::PathBuf;

use clap::Args;

use super::{Answer, Common, out};

mod project;
mod receipt;

pub(super) use project::state_of;

/// Check what a project installs, or a receipt offline.
///
/// `gemledger verify Gemfile.lock` asks the registry for the receipt of every gem that is locked from it.
/// `gemledger verify --receipt FILE --key VKEY [GEM]` asks nobody.
#[derive(Args)]
pub(super) struct Verify {
    /// The lockfile; with --receipt, the gem that the receipt is to be of
    file: Option<PathBuf>,
    /// A receipt, from `URL/log/proof/INDEX` or `URL/gems/FULL-NAME.gem.tlog-proof`
    #[arg(long, value_name = "FILE", requires = "key")]
    receipt: Option<PathBuf>,
    /// The log's verification key, or a file with it
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// With a gem and its receipt: the registry's statement about it, from `URL/api/v1/gems/NAME/versions/VERSION/vsa`,
    /// which is held against its digest in the log
    #[arg(long, value_name = "FILE", requires = "receipt", requires = "file")]
    vsa: Option<PathBuf>,
    #[command(flatten)]
    project: project::Asked,
}

impl Verify {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        match (self.receipt, self.file, self.key) {
            (Some(receipt), gem, Some(key)) => {
                let vsa = self.vsa.as_deref();
                receipt::run(common, gem.as_deref(), &receipt, &key, vsa)
            }
            (None, Some(file), key) => project::run(common, &file, key, self.project).await,
            (Some(_), _, None) | (None, None, _) => {
                out::note(
                    "hint: gemledger verify Gemfile.lock, or gemledger verify --receipt FILE --key VKEY",
                );
                anyhow::bail!("there is nothing to verify")
            }
        }
    }
}

/// A verification key as it is typed: itself, or a file with it.
pub(super) fn key(typed: &str) -> anyhow::Result<tlog::VerifierKey> {
    use anyhow::Context as _;
    let text = std::fs::read_to_string(typed).unwrap_or_else(|_| typed.to_owned());
    tlog::VerifierKey::parse(text.trim()).context("the verification key")
}
