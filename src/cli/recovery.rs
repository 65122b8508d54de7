//! `gemledger backup`, `gemledger restore`, `gemledger log import`, and `gemledger log succeed`
use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Answer, Common, out, rulebook::RulesCommand};
use crate::{
    app::{
        OpenError,
        recovery::{
            RecoveryError, backup::backup, import::import, restore::restore, succeed::succeed,
        },
    },
    http::serve::ServeLock,
    remote::{Credential, Settings, Source},
    store::statement_keys::key_id,
    world::Clock,
};

/// The longest checkpoint file that is read, in bytes.
const MAX_CHECKPOINT: u64 = 128 << 10;

/// Copy the ledger into a folder, also while it is served; again into the same folder, only what is new is copied.
#[derive(Args)]
pub(super) struct Backup {
    /// The folder of the backup
    #[arg(value_name = "DIR")]
    to: PathBuf,
    /// Copy the keys too, of the log, of statements and of sealed values; whoever has such a backup can sign, and open
    /// the vault
    #[arg(long)]
    with_keys: bool,
}

impl Backup {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let folder = common.folder();
        if !folder.database().exists() {
            return Err(OpenError::Missing(common.data.clone()).into());
        }
        let bar = out::progress(0, "backing up");
        let progress = |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        };
        let now = Clock::system().now();
        let taken = backup(&folder, &self.to, self.with_keys, now, progress).await;
        bar.finish_and_clear();
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) => return failed(error, common),
        };
        let manifest = &taken.manifest;
        if common.json {
            out::json(&json!({
                "size": manifest.size, "root": manifest.root, "files": manifest.files, "copied": taken.copied,
                "missing": taken.missing, "keys": manifest.keys,
            }));
        } else {
            out::line(&format!(
                "{} events, root {}; {} files, {} of them new",
                manifest.size, manifest.root, manifest.files, taken.copied
            ));
            if !self.with_keys {
                out::note(
                    "the keys are not in it: keep log.key, subjects.db and every statement-*.pem apart",
                );
            }
        }
        Ok(whole(&taken.missing, "the ledger lacks"))
    }
}

/// Put a backup into an empty folder, and hold it against its signed checkpoint.
#[derive(Args)]
pub(super) struct Restore {
    /// The folder of the backup
    #[arg(value_name = "DIR")]
    from: PathBuf,
}

impl Restore {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let folder = common.folder();
        let bar = out::progress(0, "restoring");
        let progress = |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        };
        let restored = restore(&self.from, &folder, progress).await;
        bar.finish_and_clear();
        let restored = match restored {
            Ok(restored) => restored,
            Err(error) => return failed(error, common),
        };
        let size = restored.manifest.size;
        if common.json {
            let keys: Vec<String> = restored
                .keys
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            out::json(&json!({
                "size": size, "root": restored.manifest.root, "missing": restored.missing, "missing_keys": keys,
                "anchored": restored.anchored,
            }));
        } else {
            out::line(&format!("{size} events, root {}", restored.manifest.root));
        }
        for path in &restored.keys {
            out::note(&format!("put the key file in place: {}", path.display()));
        }
        match restored.anchored {
            None => out::note(
                "no anchor survived: appends are stopped until the events since the backup are back (`gemledger log import`), or \
                 you remove the file `halted` because there were none",
            ),
            Some(anchored) if anchored > size => out::note(&format!(
                "the anchor says that {anchored} events were signed: bring the last {} back with `gemledger log import`",
                anchored - size
            )),
            Some(_) => {}
        }
        Ok(whole(&restored.missing, "the backup lacks"))
    }
}

/// What is done to the log as a whole.
#[derive(Subcommand)]
pub(super) enum LogCommand {
    /// Bring missing events back from a mirror or a monitor's copy
    Import(Import),
    /// Go on under the next origin and a new key, where the end of the log or its key is lost for good
    Succeed(Succeed),
    /// Introduce another key that signs this registry's statements; the one before stays good for what it signed
    RotateStatementKey,
    /// The rulebook in force, and how to change it
    #[command(subcommand)]
    Rules(RulesCommand),
}

impl LogCommand {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        match self {
            Self::Import(command) => command.run(common).await,
            Self::Succeed(command) => command.run(common).await,
            Self::RotateStatementKey => rotate_statement_key(common).await,
            Self::Rules(command) => command.run(common).await,
        }
    }
}

async fn rotate_statement_key(common: &Common) -> anyhow::Result<Answer> {
    let app = common.open().await?;
    let key = app.rotate_statement_key(app.console()).await?;
    let (keyid, thumbprint) = (key_id(&key).unwrap_or_default(), key.thumbprint());
    if common.json {
        out::json(&json!({"keyid": keyid, "thumbprint": thumbprint, "jwk": key}));
    } else {
        out::line(&format!("{keyid}\tstatement-{}.pem", thumbprint.hex()));
    }
    out::note("keep the files of the keys before it: they sign the statements of older releases");
    Ok(Answer::True)
}

/// Bring the missing end of the log back from a mirror or a monitor's copy, verified against a checkpoint that this log signed.
#[derive(Args)]
pub(super) struct Import {
    /// The address of the mirror, or a folder of tiles; a private one is read with the key in `GEMLEDGER_API_KEY`
    #[arg(long, value_name = "URL|DIR")]
    from: String,
    /// The newest signed checkpoint that anybody has, in a file
    #[arg(long, value_name = "FILE")]
    until: PathBuf,
    #[arg(long, hide = true, env = "GEMLEDGER_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

impl Import {
    async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let folder = common.folder();
        if !folder.database().exists() {
            return Err(OpenError::Missing(common.data.clone()).into());
        }
        let until = checkpoint(&self.until)?;
        let credential = self.api_key.as_deref().and_then(Credential::new);
        let source = Source::parse(&self.from, credential, Settings::default())?;
        let _lock = ServeLock::take(&folder)?;
        let bar = out::progress(0, "importing");
        let progress = |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        };
        let imported = import(&folder, source, &until, progress).await;
        bar.finish_and_clear();
        let imported = match imported {
            Ok(imported) => imported,
            Err(error) => return failed(error, common),
        };
        if common.json {
            out::json(&json!({
                "before": imported.before, "size": imported.size, "sealed_lost": imported.sealed,
                "fetched": imported.fetched, "missing": imported.missing,
            }));
        } else {
            out::line(&format!(
                "{} events were there, {} are there now; {} files fetched",
                imported.before, imported.size, imported.fetched
            ));
        }
        if imported.sealed > 0 {
            out::note(&format!(
                "{} sealed values of the imported events are lost: handles of accounts, raw identity tokens",
                imported.sealed
            ));
        }
        Ok(whole(&imported.missing, "nobody has"))
    }
}

/// Go on under the next origin and a new key: for an end of the log that nobody has any more, or a lost signing key.
#[derive(Args)]
pub(super) struct Succeed {
    /// Why, for every reader and for ever, at most 255 bytes
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The newest signed checkpoint of the old origin that anybody has [default: the anchor's]
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
}

impl Succeed {
    async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let folder = common.folder();
        if !folder.database().exists() {
            return Err(OpenError::Missing(common.data.clone()).into());
        }
        let known = self.known.as_deref().map(checkpoint).transpose()?;
        let _lock = ServeLock::take(&folder)?;
        let succeeded =
            match succeed(&folder, &self.reason, known.as_deref(), Clock::system()).await {
                Ok(succeeded) => succeeded,
                Err(error) => return failed(error, common),
            };
        if common.json {
            out::json(&json!({
                "origin": succeeded.origin, "vkey": succeeded.vkey, "size": succeeded.size, "known": succeeded.known,
            }));
        } else {
            out::line(&succeeded.vkey);
        }
        let lost = succeeded.known.unwrap_or(0).saturating_sub(succeeded.size);
        out::note(&format!(
            "{} goes on after {} events; {lost} that were signed before are lost for good. Tell every reader of the old key,              and every witness, the new one: they cannot follow by themselves",
            succeeded.origin, succeeded.size
        ));
        Ok(Answer::True)
    }
}

/// The bytes of a checkpoint file.
fn checkpoint(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = path.display().to_string();
    let length = fs::metadata(path).with_context(|| file.clone())?.len();
    anyhow::ensure!(
        length <= MAX_CHECKPOINT,
        "{file} is too long for a checkpoint"
    );
    fs::read(path).with_context(|| file)
}

/// Names the files that are missing. Pushing the same bytes again puts them back.
fn whole(missing: &[String], who: &str) -> Answer {
    for name in missing {
        out::note(&format!("{who} {name}"));
    }
    if missing.is_empty() {
        Answer::True
    } else {
        out::note("pushing the same gem again puts its files back");
        Answer::False
    }
}

/// What contradicts a signature is an answer; anything else leaves it open.
fn failed(error: RecoveryError, common: &Common) -> anyhow::Result<Answer> {
    let mismatch = error.is_mismatch();
    let error = anyhow::Error::new(error);
    if mismatch {
        out::error(&error, common.json);
        return Ok(Answer::False);
    }
    Err(error)
}
