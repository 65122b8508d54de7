//! `gemledger replay`
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Answer, Common, out, time};
use crate::app::replay::{Until, replay};

/// Replay the log.
#[derive(Args)]
pub(super) struct Replay {
    /// Stop before this log index, or after the last event of this time
    #[arg(long, value_name = "INDEX|TIME", value_parser = until)]
    until: Option<Until>,
    /// Build the read tables into a new SQLite file, as they were then
    #[arg(long, value_name = "FILE.db")]
    into: Option<PathBuf>,
    /// Build the read tables anew and compare them with the live ones
    #[arg(long, conflicts_with_all = ["until", "into"])]
    check: bool,
}

fn until(text: &str) -> Result<Until, String> {
    text.parse()
        .map(Until::Index)
        .or_else(|_| time::moment(text).map(Until::Time))
}

impl Replay {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        if let Some(path) = self.into.as_ref().filter(|path| path.exists()) {
            anyhow::bail!("{} exists already", path.display());
        }
        let reader = common.reader().await?;
        let bar = out::progress(0, "replaying");
        let show = |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        };
        let replayed = replay(&reader, self.until, self.into.as_deref(), self.check, show).await?;
        bar.finish_and_clear();
        let root = replayed.root.to_base64();
        if common.json {
            out::json(&json!({
                "events": replayed.events, "root": root,
                "root_matches": replayed.root_matches, "different_tables": replayed.different,
            }));
        } else {
            out::line(&format!("{} events, root {root}", replayed.events));
            if replayed.root_matches == Some(false) {
                out::line("the root is not the one of the ledger's head");
            }
            for table in &replayed.different {
                out::line(&format!("table {table} is not what the log gives"));
            }
        }
        let sound = replayed.root_matches != Some(false) && replayed.different.is_empty();
        Ok(if sound { Answer::True } else { Answer::False })
    }
}
