//! `gemledger blast-radius`: everything that an identity touched, and the commands that would contain it.
use std::pin::pin;

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use events::{digest::Digest, id::ApiKeyId, text::Text, time::Timestamp};
use futures::StreamExt as _;
use serde_json::json;

use super::{Answer, Common, accounts, out, time};
use crate::{
    store::{reader::Reader, scan::scan},
    views::{
        feed,
        radius::{Identity, Radius, Touched},
    },
    world::Clock,
};

/// Everything that an identity touched. Name exactly one.
#[derive(Args)]
#[command(group(
    ArgGroup::new("identity")
        .required(true)
        .args(["repository", "api_key", "run", "provider_key", "account"])
))]
pub(super) struct BlastRadius {
    /// A repository, at any provider
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<String>,
    /// An API key, by its id
    #[arg(long, value_name = "ID")]
    api_key: Option<String>,
    /// A run of a workflow
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// A key that signs a provider's tokens, by its thumbprint
    #[arg(long, value_name = "THUMBPRINT")]
    provider_key: Option<String>,
    /// An account, by its handle or id
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only what it touched since then
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    since: Option<Timestamp>,
}

impl BlastRadius {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let identity = self.identity(common).await?;
        let reader = common.reader().await?;
        let mut radius = Radius::new(identity, self.since.unwrap_or_default());
        let size = reader.head().await?.size;
        let from = self.first(&reader, size).await?;
        let bar = out::progress(size.saturating_sub(from), "reading the log");
        let mut pages = pin!(scan(&reader, from, size));
        while let Some(page) = pages.next().await {
            let page = page?;
            bar.inc(u64::try_from(page.len()).unwrap_or(0));
            for scanned in page {
                if let Some(touched) = radius.take(&scanned.recorded?) {
                    bar.suspend(|| show(common, &touched));
                }
            }
        }
        bar.finish_and_clear();
        let now = Clock::system().now();
        radius.settle(&reader, now).await?;
        self.sum_up(common, &radius, now);
        Ok(if radius.counts().events > 0 {
            Answer::True
        } else {
            Answer::False
        })
    }

    async fn identity(&self, common: &Common) -> anyhow::Result<Identity> {
        if let Some(text) = &self.repository {
            return Ok(Identity::Repository(
                Text::configured(text).context("the repository")?,
            ));
        }
        if let Some(text) = &self.api_key {
            return Ok(Identity::ApiKey(
                ApiKeyId::parse(text).context("the key's id")?,
            ));
        }
        if let Some(text) = &self.run {
            return Ok(Identity::Run(Text::configured(text).context("the run")?));
        }
        if let Some(text) = &self.provider_key {
            let hex = text.strip_prefix("sha256:").unwrap_or(text);
            return Ok(Identity::ProviderKey(
                Digest::from_hex(hex).context("the thumbprint")?,
            ));
        }
        let name = self.account.as_deref().context("name an identity")?;
        let app = common.open().await?;
        Ok(Identity::Account(accounts::account(&app, name).await?))
    }

    /// Where to start reading. What an identity did since a time may stand on what came before: a publisher that was
    /// added long ago, a key that was issued long ago. Only for a run, whose keys live for minutes, is a day enough.
    async fn first(&self, reader: &Reader, size: u64) -> anyhow::Result<u64> {
        match self.since {
            Some(since) if self.run.is_some() => {
                let day = since.minus_seconds(24 * 3600);
                Ok(feed::first_from(reader, day, size).await?)
            }
            _ => Ok(0),
        }
    }

    fn sum_up(&self, common: &Common, radius: &Radius, now: Timestamp) {
        let counts = radius.counts();
        let (commands, more) = radius.containment(now, self.account.as_deref().unwrap_or_default());
        let alive = radius.live_keys(now).len();
        if common.json {
            out::json(
                &json!({"counts": counts, "keys_alive": alive, "containment": commands, "more": more}),
            );
            return;
        }
        out::line(&format!(
            "{} events: {} exchanges, {} keys ({alive} alive now), {} releases, {} changes of policies, {} recorded denials",
            counts.events,
            counts.exchanges,
            counts.keys,
            counts.releases,
            counts.policy_changes,
            counts.denials
        ));
        if commands.is_empty() {
            out::line("nothing is left to contain");
        } else {
            out::line("to contain it:");
        }
        for command in &commands {
            out::line(&format!("  {command}"));
        }
        if more > 0 {
            out::line(&format!(
                "  and {more} more: contain these first, then ask again"
            ));
        }
    }
}

fn show(common: &Common, touched: &Touched) {
    if common.json {
        out::json(touched);
        return;
    }
    let Touched {
        log_index,
        time,
        event_type,
        stream: _,
        actor,
        about,
    } = touched;
    out::line(&format!(
        "{log_index:>7}  {time}  {event_type:<24} {about}  ({actor})"
    ));
}
