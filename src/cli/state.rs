//! `gemledger state`: a gem as it was at one moment.
use anyhow::Context as _;
use clap::Args;
use events::{Event, name::GemName, policy::Publisher, text::Text, time::Timestamp};

use super::{Answer, Common, out, time};
use crate::{
    store::reader::Reader,
    views::{
        feed,
        gems::whose,
        past::{self, GemAt, KeyAt, Moment},
    },
    world::Clock,
};

/// A gem's policy, releases and the keys that could push it, at any moment of the log.
#[derive(Args)]
pub(super) struct State {
    /// The gem
    gem: String,
    /// After this log index, or at this time [default: now]
    #[arg(long, value_name = "TIME|INDEX", value_parser = at)]
    at: Option<At>,
}

/// A place of the log as somebody names it.
#[derive(Clone, Copy, Debug)]
enum At {
    Index(u64),
    Time(Timestamp),
}

fn at(text: &str) -> Result<At, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        return text
            .parse()
            .map(At::Index)
            .map_err(|_| format!("{text} is no log index"));
    }
    time::moment(text).map(At::Time)
}

impl State {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let gem = GemName::parse(&self.gem)
            .context("the gem's name")?
            .folded();
        let reader = common.reader().await?;
        let moment = moment(&reader, self.at).await?;
        let Some(state) = past::at(&reader, &gem, moment).await? else {
            out::note(&format!(
                "nothing was known of {} after {} events, at {}",
                self.gem, moment.events, moment.time
            ));
            return Ok(Answer::False);
        };
        if common.json {
            out::json(&state);
        } else {
            show(&state);
        }
        Ok(Answer::True)
    }
}

/// The prefix of the log that is meant.
async fn moment(reader: &Reader, at: Option<At>) -> anyhow::Result<Moment> {
    let size = reader.head().await?.size;
    let now = Clock::system().now();
    match at {
        None => Ok(Moment {
            events: size,
            time: now,
        }),
        Some(At::Index(index)) => {
            let leaf = reader.leaf(index).await?.filter(|_| index < size);
            let leaf = leaf.with_context(|| {
                format!("there is no log index {index}: the log has {size} events, from 0 on")
            })?;
            Ok(Moment {
                events: index + 1,
                time: Event::read(&leaf)?.time,
            })
        }
        Some(At::Time(time)) => {
            anyhow::ensure!(time <= now, "{time} has not come yet");
            let after = Timestamp::from_millis(time.millis() + 1);
            let events = feed::first_from(reader, after, size).await?;
            anyhow::ensure!(events > 0, "the log was opened after {time}");
            Ok(Moment { events, time })
        }
    }
}

fn show(state: &GemAt) {
    let name = state.name.as_ref().map_or_else(
        || format!("{}, not registered yet", state.gem),
        ToString::to_string,
    );
    out::line(&format!(
        "{name}, at {}, after {} events",
        state.time, state.events
    ));
    let owners: Vec<String> = state.owners.iter().copied().map(whose).collect();
    out::line(&format!("owners: {}", list(&owners)));
    out::line(&format!("publishers: {}", state.publishers.len()));
    for publisher in &state.publishers {
        let expired = if publisher.expired { ", expired" } else { "" };
        let disabled = if publisher.provider_disabled {
            ", its provider is disabled"
        } else {
            ""
        };
        let (id, added) = (publisher.id, publisher.added);
        out::line(&format!(
            "  {id}  {}, added {added}{expired}{disabled}",
            asks(&publisher.asks)
        ));
    }
    for pending in &state.pending {
        out::line(&format!(
            "  {}  {}, pending for {} until {}",
            pending.id,
            asks(&pending.asks),
            whose(pending.owner),
            pending.expires
        ));
    }
    out::line(&format!("keys that could push it: {}", state.keys.len()));
    for line in state.keys.iter().map(key) {
        out::line(&line);
    }
    out::line(&format!("releases: {}", state.releases.len()));
    for release in &state.releases {
        let (number, platform) = (&release.number, &release.platform);
        out::line(&format!(
            "  {number}  {platform}  {}  {}",
            release.digest, release.status
        ));
    }
}

fn list(words: &[String]) -> String {
    if words.is_empty() {
        "nobody".to_owned()
    } else {
        words.join(", ")
    }
}

fn asks(publisher: &Publisher) -> String {
    let id = |id: &Option<Text>| id.as_ref().map_or("not pinned", Text::as_str).to_owned();
    let environment = publisher.environment.as_ref();
    let environment = environment.map_or_else(String::new, |name| format!(" in {name}"));
    let refs = if publisher.any_ref { ", any ref" } else { "" };
    format!(
        "{} of {} at {}{environment}{refs}, repository id {}, owner id {}",
        publisher.workflow,
        publisher.repository,
        publisher.provider,
        id(&publisher.repository_id),
        id(&publisher.owner_id)
    )
}

fn key(key: &KeyAt) -> String {
    let whose = match (&key.account, &key.repository) {
        (Some(account), _) => format!("of account {account}"),
        (None, Some(repository)) => {
            let run = key.run_id.as_ref();
            let run = run.map_or_else(String::new, |run| format!(" run {run} of"));
            let publisher = key.publisher.map_or(0, |id| id.0);
            format!("bought by{run} {repository} as publisher {publisher}")
        }
        (None, None) => "of nobody".to_owned(),
    };
    let expires = key.expires.map_or_else(
        || "never expires".to_owned(),
        |expires| format!("expires {expires}"),
    );
    let spent = key.spent_on.as_ref();
    let spent = spent.map_or_else(String::new, |number| format!(", spent on {number}"));
    format!(
        "  {} {whose}, issued {}, {expires}{spent}",
        key.id, key.issued
    )
}
