//! `gemledger log`
use std::time::Duration;

use clap::Args;
use events::{Recorded, body::Body, name::GemName, stream::StreamName, time::Timestamp};
use serde_json::json;

use super::{Answer, Common, out, recovery::LogCommand, time};
use crate::store::reader::{PAGE, Reader};

/// How often a follower looks for new events.
const LOOK: Duration = Duration::from_millis(200);

/// Print events of the log.
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
    /// Wait for more
    #[arg(long)]
    follow: bool,
}

/// What is wanted.
struct Wanted {
    streams: Vec<StreamName>,
    event_type: Option<String>,
    since: Option<Timestamp>,
}

impl Wanted {
    fn has(&self, recorded: &Recorded) -> bool {
        let event = &recorded.event;
        let stream = self.streams.is_empty() || self.streams.contains(&event.stream);
        let event_type = self
            .event_type
            .as_ref()
            .is_none_or(|wanted| wanted == event.body.event_type().name);
        stream && event_type && self.since.is_none_or(|since| event.time >= since)
    }
}

impl Log {
    pub(super) async fn run(mut self, common: &Common) -> anyhow::Result<Answer> {
        if let Some(command) = self.command.take() {
            return command.run(common).await;
        }
        let mut streams: Vec<StreamName> = self
            .stream
            .as_deref()
            .map(StreamName::parse)
            .transpose()?
            .into_iter()
            .collect();
        if let Some(name) = &self.gem {
            let gem = GemName::parse(name)?.folded();
            streams.extend([
                StreamName::policy(&gem),
                StreamName::denied(&gem),
                StreamName::gem(&gem),
            ]);
        }
        if let Some(wanted) = &self.r#type
            && !Body::TYPES.iter().any(|known| known.name == wanted)
        {
            anyhow::bail!("there is no event type {wanted}; docs/events.md lists them");
        }
        let wanted = Wanted {
            streams,
            event_type: self.r#type,
            since: self.since,
        };
        let reader = common.reader().await?;
        let mut next = 0;
        loop {
            next = print(&reader, common, &wanted, next).await?;
            if !self.follow {
                return Ok(Answer::True);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn print(
    reader: &Reader,
    common: &Common,
    wanted: &Wanted,
    from: u64,
) -> anyhow::Result<u64> {
    let size = reader.head().await?.size;
    let mut next = from;
    while next < size {
        let page = reader.leaves(next, size.min(next + PAGE)).await?;
        for leaf in &page {
            let recorded = Recorded {
                index: next,
                event: events::Event::read(leaf)?,
            };
            if wanted.has(&recorded) {
                show(common, &recorded, leaf);
            }
            next += 1;
        }
    }
    Ok(next)
}

fn show(common: &Common, recorded: &Recorded, leaf: &[u8]) {
    if common.json {
        let event: serde_json::Value = serde_json::from_slice(leaf).unwrap_or_default();
        out::json(&json!({"index": recorded.index, "event": event}));
        return;
    }
    let event = &recorded.event;
    let data = event
        .body
        .data()
        .map(|data| String::from_utf8_lossy(&data).into_owned())
        .unwrap_or_default();
    let name = event.body.event_type().name;
    out::line(&format!(
        "{:>7}  {}  {:<24} {}  {}  {data}",
        recorded.index, event.time, name, event.stream, event.actor
    ));
}
