//! `gemledger evidence`
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::{Answer, Common, out};
use crate::app::evidence::{EvidenceError, Opened, Report};

/// Open the sealed identity token behind a release, and check it once more.
///
/// That it was opened is recorded before anything is shown. The token itself is never printed.
#[derive(Args)]
pub(super) struct Evidence {
    /// The log index of an exchange, or of a release
    #[arg(value_name = "INDEX")]
    index: u64,
    /// Write the token itself to this file, which must not exist yet, for others to check
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
}

impl Evidence {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let app = common.open().await?;
        // Before anything is recorded: an opening that nobody saw cannot be taken back.
        let file = self.token.as_deref().map(create).transpose()?;
        let opened = match app.evidence(self.index).await {
            Ok(opened) => opened,
            Err(error) => {
                if let Some(path) = &self.token {
                    let _ = fs::remove_file(path);
                }
                // So that a denial ends as denials do.
                if let EvidenceError::Command(error) = error {
                    return Err(error.into());
                }
                return Err(error.into());
            }
        };
        if let (Some(path), Some(file)) = (&self.token, file) {
            let written = write(file, &opened);
            written.with_context(|| path.display().to_string())?;
        }
        if common.json {
            let mut value = serde_json::to_value(&opened.report)?;
            if let Some(members) = value.as_object_mut() {
                members.insert("opened".to_owned(), json!(opened.index));
            }
            out::json(&value);
        } else {
            show(&opened.report);
            out::line(&format!("opened: recorded at log index {}", opened.index));
        }
        Ok(match opened.report.holds() {
            Some(true) => Answer::True,
            Some(false) => Answer::False,
            None => Answer::CouldNotTell,
        })
    }
}

/// For its owner alone: an expired token buys nothing, and says much of a person's work.
fn create(path: &Path) -> anyhow::Result<File> {
    if path.exists() {
        anyhow::bail!("{} exists already", path.display());
    }
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.with_context(|| path.display().to_string())
}

fn write(mut file: File, opened: &Opened) -> io::Result<()> {
    file.write_all(opened.token.as_bytes())?;
    file.sync_all()
}

fn show(report: &Report) {
    let word = |word: &str, text: &str| out::line(&format!("{word:<10} {text}"));
    let at = format!("log index {}, {}", report.exchange, report.exchanged);
    word("exchange", &at);
    word("token", report.stream.as_str());
    if let (Some(provider), Some(issuer)) = (&report.provider, &report.issuer) {
        word("provider", &format!("{provider}, {issuer}"));
    }
    if let Some(key) = &report.key {
        word("key", &format!("{} ({})", key.kid, key.thumbprint));
    }
    for check in &report.checks {
        let holds = match check.holds {
            Some(true) => "holds",
            Some(false) => "WRONG",
            None => "unknown",
        };
        word(check.name, &format!("{holds}: {}", check.how));
    }
    for (name, value) in &report.claims {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => value.to_string(),
        };
        out::line(&format!("  {}: {}", one_line(name), one_line(&value)));
    }
}

/// A claim cannot look like two.
fn one_line(text: &str) -> String {
    text.replace('\n', "\\n").replace('\t', "\\t")
}
