//! `GET /api/v1/ledger/events`: the log as JSON Lines, from a cursor on, with a long poll.
//!
//! ```text
//! {"index":41,"leaf":{…}}          the leaf's bytes verbatim, between `"leaf":` and the last `}`
//! {"next":57,"size":57}            always the last line: where to go on, and how much of the log there is
//! ```
//! Nothing beyond the anchored checkpoint is told. Work is bounded three ways: leaves looked at, leaves told, time waited.
//! Each page is read when the connection has taken the one before, so a slow reader holds a page of memory and nothing
//! else. Whoever was cut off before the last line goes on after the last index that it read.
use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL},
    },
    web::{Bytes, Data, Query},
};
use events::{name::GemName, stream::StreamName};
use futures::stream;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep_until},
};

use crate::{
    app::App,
    http::problem::Problem,
    store::StoreError,
    views::{
        feed::{self, Filter},
        provenance,
    },
};

/// Most leaves that one answer looks at.
const MOST_LOOKED_AT: u64 = 20_000;
/// Most leaves that one answer tells, and how many it does unless asked.
const MOST_TOLD: u64 = 10_000;
const TOLD: u64 = 1000;
/// Most streams that one request names.
const MOST_STREAMS: usize = 20;
/// Longest time that an answer waits for something to tell, in seconds.
const LONGEST_WAIT: u64 = 60;
/// How often a waiting answer looks for what other processes appended.
const LOOK: Duration = Duration::from_millis(500);

/// One answer under way.
struct Feed {
    app: Data<App>,
    filter: Filter,
    extent: Extent,
    next: u64,
    looked_at: u64,
    told: u64,
    limit: u64,
    deadline: Instant,
    /// Room among those who wait; it ends with the connection.
    _room: Option<OwnedSemaphorePermit>,
    ended: bool,
}

/// Where the log ends for this answer.
struct Extent {
    /// How many events are anchored.
    size: u64,
    /// Where the filter's time ends, at most `size`.
    end: u64,
}

impl Extent {
    async fn now(app: &App, filter: &Filter) -> Result<Self, StoreError> {
        let size = provenance::covered(app)?;
        let end = match filter.until {
            Some(_) => feed::window(&app.reader, filter, size).await?.1,
            None => size,
        };
        Ok(Self { size, end })
    }
}

/// The route.
pub async fn events(
    app: Data<App>,
    query: Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::of(&query).map_err(Problem::in_json)?;
    let extent = Extent::now(&app, &asked.filter).await?;
    let (size, from) = (extent.size, asked.from.unwrap_or(0));
    if from > size {
        let text = format!(
            "from is {from}, and the log has {size} events: this is another log, or a part of it was lost"
        );
        let status = StatusCode::RANGE_NOT_SATISFIABLE;
        return Err(Problem::new(status, "beyond_the_log", text).in_json());
    }
    let room = match asked.wait {
        0 => None,
        _ => Some(
            Arc::clone(&app.followers)
                .try_acquire_owned()
                .map_err(|_| Problem::too_many().in_json())?,
        ),
    };
    let (first, _) = feed::window(&app.reader, &asked.filter, size).await?;
    let feed = Feed {
        app,
        filter: asked.filter,
        extent,
        next: from.max(first),
        looked_at: 0,
        told: 0,
        limit: asked.limit,
        deadline: Instant::now() + Duration::from_secs(asked.wait),
        _room: room,
        ended: false,
    };
    let lines = stream::unfold(feed, |mut feed| async move {
        if feed.ended {
            return None;
        }
        let lines = feed.lines().await;
        feed.ended |= lines.is_err();
        Some((lines, feed))
    });
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .streaming(Box::pin(lines)))
}

impl Feed {
    /// The next lines: those of a page, or the last one.
    async fn lines(&mut self) -> Result<Bytes, StoreError> {
        loop {
            if self.next < self.extent.end && self.has_room() {
                let found = self.look().await?;
                if found.is_empty() {
                    // Others on this thread have their turn.
                    tokio::task::yield_now().await;
                    continue;
                }
                self.told += u64::try_from(found.len()).unwrap_or(u64::MAX);
                return Ok(text(&found));
            }
            let complete = self.extent.end < self.extent.size;
            let waits = self.told == 0 && self.has_room() && !complete;
            if !waits || !self.grown().await {
                self.ended = true;
                let complete = if complete { ",\"complete\":true" } else { "" };
                let (next, size) = (self.next, self.extent.size);
                return Ok(format!("{{\"next\":{next},\"size\":{size}{complete}}}\n").into());
            }
            self.extent = Extent::now(&self.app, &self.filter).await?;
        }
    }

    async fn look(&mut self) -> Result<Vec<feed::Found>, StoreError> {
        let (from, limit) = (self.next, self.limit - self.told);
        let page = feed::page(&self.app.reader, &self.filter, from, self.extent.end, limit).await?;
        // What other streams have was not looked at, however far it reaches.
        self.looked_at += (page.next - from).min(feed::PAGE);
        self.next = page.next;
        Ok(page.found)
    }

    fn has_room(&self) -> bool {
        self.told < self.limit && self.looked_at < MOST_LOOKED_AT
    }

    /// Waits until more is anchored than this, by whichever process; not beyond the deadline or the server's end.
    async fn grown(&self) -> bool {
        let mut served = self.app.writer.watch();
        served.mark_unchanged();
        while Instant::now() < self.deadline && !self.app.followers.is_closed() {
            if provenance::covered(&self.app).is_ok_and(|now| now > self.extent.size) {
                return true;
            }
            let look = self.deadline.min(Instant::now() + LOOK);
            tokio::select! {
                changed = served.changed() => if changed.is_err() {
                    // The writer has stopped; there is nothing to wait for.
                    return false;
                },
                () = sleep_until(look) => {}
            }
        }
        false
    }
}

fn text(found: &[feed::Found]) -> Bytes {
    let bytes = found.iter().map(|found| found.leaf.len() + 40).sum();
    let mut lines = Vec::with_capacity(bytes);
    for found in found {
        lines.extend_from_slice(format!("{{\"index\":{},\"leaf\":", found.index).as_bytes());
        lines.extend_from_slice(&found.leaf);
        lines.extend_from_slice(b"}\n");
    }
    lines.into()
}

/// What was asked for.
#[derive(Debug)]
struct Asked {
    filter: Filter,
    from: Option<u64>,
    wait: u64,
    limit: u64,
}

impl Asked {
    fn of(query: &[(String, String)]) -> Result<Self, Problem> {
        let mut asked = Self {
            filter: Filter::default(),
            from: None,
            wait: 0,
            limit: TOLD,
        };
        for (name, value) in query {
            if asked.filter.streams.len() > MOST_STREAMS {
                let text = format!("at most {MOST_STREAMS} streams in one request");
                return Err(Problem::malformed(text));
            }
            asked.take(name, value).map_err(|expected| {
                Problem::malformed(format!("{name} must be {expected}; it is {value:?}"))
            })?;
        }
        Ok(asked)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), String> {
        let number = |most: u64| match value.parse::<u64>() {
            Ok(number) if number <= most => Ok(number),
            _ => Err(format!("a number of at most {most}")),
        };
        let moment =
            || feed::moment(value).ok_or_else(|| "a time like 2026-11-23T02:30:00Z".to_owned());
        match name {
            "from" => self.from = Some(number(1 << 52)?),
            "wait" => self.wait = number(LONGEST_WAIT)?,
            "limit" => self.limit = number(MOST_TOLD)?.max(1),
            "since" => self.filter.since = Some(moment()?),
            "until" => self.filter.until = Some(moment()?),
            "stream" => {
                let stream =
                    StreamName::parse(value).map_err(|error| format!("a stream: it {error}"))?;
                self.filter.streams.push(stream);
            }
            "gem" => {
                let gem =
                    GemName::parse(value).map_err(|error| format!("a gem's name: it {error}"))?;
                self.filter.of_gem(&gem.folded());
            }
            "type" if feed::is_known(value) => self.filter.event_type = Some(value.to_owned()),
            "type" => return Err("a type of event, as docs/events.md lists them".to_owned()),
            _ => return Err("left out: nothing here is called so".to_owned()),
        }
        Ok(())
    }
}
