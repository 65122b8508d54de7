//! `gemledger verify`: a gem and its receipt, without any server.
use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use events::text::Text;
use serde_json::json;
use tlog::VerifierKey;

use super::{Answer, Common, out};
use crate::app::verify::{Proven, verify};

/// Check a gem and its receipt offline.
#[derive(Args)]
pub(super) struct Verify {
    /// The gem
    file: PathBuf,
    /// Its receipt, from `URL/gems/FULL-NAME.gem.tlog-proof`
    #[arg(long, value_name = "FILE")]
    receipt: PathBuf,
    /// The log's verification key, or a file with it
    #[arg(long, value_name = "VKEY")]
    key: String,
}

impl Verify {
    pub(super) fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let gem =
            fs::read(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        let receipt = fs::read(&self.receipt)
            .with_context(|| format!("cannot read {}", self.receipt.display()))?;
        let key = fs::read_to_string(&self.key).unwrap_or(self.key);
        let key = VerifierKey::parse(key.trim()).context("the verification key")?;
        match verify(&gem, &receipt, &key) {
            Ok(proven) => show(common, &proven),
            Err(reason) => {
                if common.json {
                    out::json(&json!({"verified": false, "reason": reason}));
                }
                out::note(&format!("not verified: {reason}"));
                return Ok(Answer::False);
            }
        }
        Ok(Answer::True)
    }
}

fn show(common: &Common, proven: &Proven) {
    let Proven {
        release,
        index,
        time,
        checkpoint,
    } = proven;
    let workflow = release.source.as_ref().map(|source| &source.workflow);
    let repository = workflow.map(|workflow| &workflow.repository);
    let commit = workflow.and_then(|workflow| workflow.commit.as_ref());
    if common.json {
        out::json(&json!({
            "verified": true, "name": release.name, "number": release.number, "platform": release.platform,
            "digest": release.digest, "origin": checkpoint.origin(), "tree_size": checkpoint.size(),
            "log_index": index, "time": time, "repository": repository, "commit": commit,
        }));
        return;
    }
    out::line(&format!(
        "verified: {} {} is in {}",
        release.name,
        release.number,
        checkpoint.origin()
    ));
    out::line(&format!("log index {index}, recorded {time}"));
    let text = |text: Option<&Text>| text.map_or("not known", Text::as_str).to_owned();
    out::line(&format!(
        "source: {} at commit {}",
        text(repository),
        text(commit)
    ));
}
