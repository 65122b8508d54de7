//! `gemledger log --url`: the feed of a registry, read with a cursor and, where it is followed, with a long poll.
//!
//! The cursor is the log index after the last line that was printed or skipped. An answer that was cut off lacks its last
//! line and is asked for again from there, so nothing is lost and nothing comes twice.
use std::{fmt::Write as _, time::Duration};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Answer, Common, Log, nobody_reads, show};
use crate::{
    cli::out,
    remote::{HttpClient, RemoteError, Settings},
};

/// How long one request waits for news, in seconds.
const WAIT: u64 = 30;
/// Leaves in one answer, and the bytes that they can take at most.
const LIMIT: usize = 500;
const MOST_BYTES: usize = LIMIT * 60_100 + 200;
/// How long a follower pauses when the registry does not answer, however often it was asked.
const PAUSE: Duration = Duration::from_secs(5);

/// A line of the feed: `index` and `leaf`, or in the last one `next` and `size`.
#[derive(Deserialize)]
struct Line<'a> {
    index: Option<u64>,
    #[serde(borrow)]
    leaf: Option<&'a RawValue>,
    next: Option<u64>,
    size: Option<u64>,
    #[serde(default)]
    complete: bool,
}

/// What an answer led to.
struct Told {
    next: u64,
    /// All that there is for now was told.
    all: bool,
    /// There will never be more.
    complete: bool,
}

pub(super) async fn run(log: &Log, common: &Common, url: &str) -> anyhow::Result<Answer> {
    let settings = Settings {
        attempt_time: Duration::from_secs(WAIT + 60),
        ..Settings::default()
    };
    let client = HttpClient::new(url, log.credential()?, settings)?;
    let mut next = log.from;
    loop {
        match ask(&client, log, common, next).await {
            Ok(told) => {
                next = told.next;
                let over = told.all && (!log.follow || told.complete);
                if over || nobody_reads() {
                    return Ok(Answer::True);
                }
            }
            Err(error) if log.follow && is_passing(&error) => {
                out::note(&format!("{error:#}; trying again from log index {next}"));
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// A registry that is away comes back; what it refuses it refuses again.
fn is_passing(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(RemoteError::Unreachable { .. }) => true,
        Some(RemoteError::Status { status, .. }) => *status >= 500 || *status == 429,
        _ => false,
    }
}

async fn ask(client: &HttpClient, log: &Log, common: &Common, from: u64) -> anyhow::Result<Told> {
    let path = path(log, from);
    let body = client.get(&path, MOST_BYTES).await?;
    let body = body.with_context(|| {
        format!(
            "{} has no feed; is it a gemledger of this version?",
            client.address()
        )
    })?;
    let mut told = Told {
        next: from,
        all: false,
        complete: false,
    };
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        // Cut off in the middle of a line: it comes again.
        let Some(line) = line.strip_suffix(b"\n") else {
            break;
        };
        let line: Line<'_> =
            serde_json::from_slice(line).context("the feed is not what it should be")?;
        if let (Some(index), Some(leaf)) = (line.index, line.leaf) {
            anyhow::ensure!(
                index >= told.next,
                "the feed goes back to log index {index}"
            );
            show(common, index, leaf.get().as_bytes());
            told.next = index.saturating_add(1);
        } else if let (Some(next), Some(size)) = (line.next, line.size) {
            told.next = told.next.max(next);
            told.complete = line.complete;
            told.all = line.complete || next >= size;
        } else {
            anyhow::bail!(
                "the feed is not what it should be: a line is neither a leaf nor the last one"
            );
        }
    }
    Ok(told)
}

fn path(log: &Log, from: u64) -> String {
    let mut path = format!("api/v1/ledger/events?from={from}&limit={LIMIT}");
    if log.follow {
        let _ = write!(path, "&wait={WAIT}");
    }
    let times = [("since", log.since), ("until", log.until)];
    let times = times.map(|(name, time)| (name, time.map(String::from)));
    let texts = [
        ("stream", log.stream.clone()),
        ("gem", log.gem.clone()),
        ("type", log.r#type.clone()),
    ];
    for (name, value) in texts.into_iter().chain(times) {
        if let Some(value) = value {
            // Every one of them was parsed: none has a character that a query gives a meaning to, but `+`.
            let _ = write!(path, "&{name}={}", value.replace('+', "%2B"));
        }
    }
    path
}
