//! `gemledger log`
use std::{io, time::Duration};

use anyhow::Context as _;
use clap::Args;
use events::{name::GemName, stream::StreamName, time::Timestamp};
use serde_json::{Value, json};

use super::{Answer, Common, out, recovery::LogCommand, time};
use crate::{
    remote::Credential,
    store::reader::Reader,
    views::feed::{self, Filter},
};

mod remote;

/// How often a follower of a folder looks for new events.
const LOOK: Duration = Duration::from_millis(200);

/// Print events of the log: of the ledger in the folder, or of one that is served elsewhere.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Log {
    #[command(subcommand)]
    command: Option<LogCommand>,
    /// Only this stream
    #[arg(long, value_name = "STREAM")]
    stream: Option<String>,
    /// Only what concerns this gem
    #[arg(long, value_name = "NAME")]
    gem: Option<String>,
    /// Only this type of event
    #[arg(long, value_name = "TYPE")]
    r#type: Option<String>,
    /// Only from this time on
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    since: Option<Timestamp>,
    /// Only up to this time
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    until: Option<Timestamp>,
    /// Only from this log index on
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    from: u64,
    /// Wait for more
    #[arg(long)]
    follow: bool,
    /// Read the feed of the registry at this address; a private one is read with the key in `GEMLEDGER_API_KEY`
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    // A key among the arguments could be read by everybody on the machine, so this one is not shown in the help.
    #[arg(long, env = "GEMLEDGER_API_KEY", hide = true, hide_env_values = true)]
    api_key: Option<String>,
}

impl Log {
    pub(super) async fn run(mut self, common: &Common) -> anyhow::Result<Answer> {
        if let Some(command) = self.command.take() {
            return command.run(common).await;
        }
        let filter = self.filter()?;
        if let Some(url) = &self.url {
            return remote::run(&self, common, url).await;
        }
        let reader = common.reader().await?;
        let mut next = self.from;
        loop {
            next = print(&reader, common, &filter, next).await?;
            if !self.follow {
                return Ok(Answer::True);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn filter(&self) -> anyhow::Result<Filter> {
        let stream = self.stream.as_deref().map(StreamName::parse).transpose()?;
        let mut filter = Filter {
            streams: stream.into_iter().collect(),
            event_type: self.r#type.clone(),
            since: self.since,
            until: self.until,
        };
        if let Some(name) = &self.gem {
            filter.of_gem(&GemName::parse(name)?.folded());
        }
        if let Some(wanted) = &self.r#type
            && !feed::is_known(wanted)
        {
            anyhow::bail!("there is no event type {wanted}; docs/events.md lists them");
        }
        Ok(filter)
    }
}

/// Prints what there is from a log index on, and returns where to go on.
async fn print(
    reader: &Reader,
    common: &Common,
    filter: &Filter,
    from: u64,
) -> anyhow::Result<u64> {
    let size = reader.head().await?.size;
    let (first, end) = feed::window(reader, filter, size).await?;
    let mut next = from.max(first);
    while next < end {
        let page = feed::page(reader, filter, next, end, feed::PAGE).await?;
        for found in page.found {
            show(common, found.index, &found.leaf);
        }
        next = page.next;
    }
    Ok(next.min(size.max(from)))
}

/// Prints one leaf. What it says is read as JSON, so that a type of a newer version is shown as well.
fn show(common: &Common, index: u64, leaf: &[u8]) {
    let event: Value = serde_json::from_slice(leaf).unwrap_or_default();
    if common.json {
        out::json(&json!({"index": index, "event": event}));
        return;
    }
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or("?");
    let data = event.get("data").cloned().unwrap_or_default();
    out::line(&format!(
        "{index:>7}  {}  {:<24} {}  {}  {data}",
        text("time"),
        text("type"),
        text("stream"),
        text("actor"),
    ));
}

/// Whether standard output is gone: a follower whose reader went away has no reason to go on.
fn nobody_reads() -> bool {
    use std::io::Write as _;
    io::stdout().flush().is_err()
}

impl Log {
    fn credential(&self) -> anyhow::Result<Option<Credential>> {
        let Some(key) = &self.api_key else {
            return Ok(None);
        };
        Credential::new(key)
            .map(Some)
            .context("GEMLEDGER_API_KEY is no API key")
    }
}
