//! Reading all streams of a kind, without the rest of the log: their names begin alike, so the index of streams has them
//! side by side.
use std::{collections::BTreeSet, pin::pin};

use events::{Event, Recorded, stream::StreamName};
use futures::stream::{self, Stream, StreamExt as _};
use sqlx::{Row as _, sqlite::SqliteRow};
use tokio::sync::mpsc;

use super::{
    StoreError,
    reader::{PAGE, Reader},
    sqlite,
};

/// Pages in flight: a few for each core that small machines have.
const AHEAD: usize = 8;

/// A kind of streams, by what their names begin with.
#[derive(Clone, Copy, Debug)]
pub struct Prefix {
    first: &'static str,
    /// The first name after all of them: `0` follows `/`.
    end: &'static str,
}

/// `gem/…`
pub const GEMS: Prefix = Prefix {
    first: "gem/",
    end: "gem0",
};
/// `policy/…`
pub const POLICIES: Prefix = Prefix {
    first: "policy/",
    end: "policy0",
};
/// `map/…`
pub const ROOTS: Prefix = Prefix {
    first: "map/",
    end: "map0",
};

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn failed(error: sqlx::Error) -> StoreError {
    StoreError::Database(error.to_string())
}

/// A page as it is stored: the log indexes with a comma between them, and the leaves, each with a newline after it. A row
/// for each leaf would cost more than the leaf.
struct Page {
    indexes: String,
    leaves: Vec<u8>,
}

impl Reader {
    /// What `keep` takes from every event of these streams: stream by stream in the order of their names, each in its
    /// order. A task of its own fetches ahead, and others parse. What is appended meanwhile may be among them. An empty
    /// page is the end; where there is none, reading was cut off.
    pub fn all_of<T: Send + 'static>(
        &self,
        kind: Prefix,
        keep: fn(Recorded) -> T,
    ) -> mpsc::Receiver<Result<Vec<T>, StoreError>> {
        let (send, receive) = mpsc::channel(AHEAD);
        let reader = self.clone();
        let parse = move |page: Result<Page, StoreError>| async move {
            let page = page?;
            tokio::task::spawn_blocking(move || page.events(keep))
                .await
                .map_err(|error| StoreError::Database(error.to_string()))?
        };
        tokio::spawn(async move {
            let mut pages = pin!(reader.pages_of(kind).map(parse).buffered(AHEAD));
            while let Some(page) = pages.next().await {
                // Whoever asked may have gone.
                if send.send(page).await.is_err() {
                    return;
                }
            }
            let _ = send.send(Ok(Vec::new())).await;
        });
        receive
    }

    fn pages_of(self, kind: Prefix) -> impl Stream<Item = Result<Page, StoreError>> + Send {
        let first = Some((kind.first.to_owned(), -1));
        let next = move |after: Option<(String, i64)>| {
            let reader = self.clone();
            async move {
                let Some(after) = after else { return Ok(None) };
                let page = reader.page_of(kind, after).await?;
                let last = page.last()?;
                Ok(Some(page)
                    .filter(|_| last.is_some())
                    .map(|page| (page, last)))
            }
        };
        stream::try_unfold(first, next)
    }

    async fn page_of(&self, kind: Prefix, after: (String, i64)) -> Result<Page, StoreError> {
        let sql = "SELECT group_concat(log_index), group_concat(leaf, x'0a') FROM
                   (SELECT log_index, leaf FROM event
                    WHERE (stream, revision) > ($1, $2) AND stream < $3 ORDER BY stream, revision LIMIT $4)";
        let query = sqlx::query(sql)
            .bind(after.0)
            .bind(after.1)
            .bind(kind.end)
            .bind(sqlite::integer(PAGE));
        let row = query.fetch_one(self.pool()).await.map_err(failed)?;
        let indexes: Option<String> = row.try_get(0).map_err(failed)?;
        let leaves: Option<Vec<u8>> = row.try_get(1).map_err(failed)?;
        let mut leaves = leaves.unwrap_or_default();
        if !leaves.is_empty() {
            leaves.push(b'\n');
        }
        Ok(Page {
            indexes: indexes.unwrap_or_default(),
            leaves,
        })
    }

    /// The last event of the last of these streams, by their names.
    pub async fn last_of(&self, kind: Prefix) -> Result<Option<Recorded>, StoreError> {
        let sql = "SELECT log_index, leaf FROM event WHERE stream >= $1 AND stream < $2 \
                   ORDER BY stream DESC, revision DESC LIMIT 1";
        let query = sqlx::query(sql).bind(kind.first).bind(kind.end);
        let row = query.fetch_optional(self.pool()).await.map_err(failed)?;
        let leaf = |row: SqliteRow| Ok((sqlite::natural(row.try_get(0)?), row.try_get(1)?));
        let leaf: Option<(u64, Vec<u8>)> = row.map(leaf).transpose().map_err(failed)?;
        let read = |(index, leaf): (u64, Vec<u8>)| {
            let event = Event::read(&leaf)?;
            Ok(Recorded { index, event })
        };
        leaf.map(read).transpose()
    }

    /// The streams of these two kinds that have events between two log indexes.
    pub async fn touched(
        &self,
        kinds: [Prefix; 2],
        from: u64,
        to: u64,
    ) -> Result<BTreeSet<StreamName>, StoreError> {
        // The sign keeps the database from reading all these streams to find the few events of the range.
        let sql = "SELECT DISTINCT stream FROM event WHERE log_index >= $1 AND log_index < $2 \
                   AND (+stream >= $3 AND +stream < $4 OR +stream >= $5 AND +stream < $6)";
        let [one, other] = kinds;
        let query = sqlx::query_scalar(sql)
            .bind(sqlite::integer(from))
            .bind(sqlite::integer(to))
            .bind(one.first)
            .bind(one.end)
            .bind(other.first)
            .bind(other.end);
        let names: Vec<String> = query.fetch_all(self.pool()).await.map_err(failed)?;
        let parse = |name: &String| StreamName::parse(name);
        let streams = names.iter().map(parse).collect::<Result<_, _>>();
        streams.map_err(|error| StoreError::Corrupt(error.to_string()))
    }
}

impl Page {
    /// After which event the next page begins; `None` if there was none.
    fn last(&self) -> Result<Option<(String, i64)>, StoreError> {
        if self.leaves.is_empty() {
            return Ok(None);
        }
        let mut lines = self.leaves.rsplit(|byte| *byte == b'\n');
        let leaf = lines.find(|line| !line.is_empty()).unwrap_or_default();
        let Event {
            stream, revision, ..
        } = Event::read(leaf)?;
        Ok(Some((stream.into(), sqlite::integer(revision))))
    }

    fn events<T>(&self, keep: fn(Recorded) -> T) -> Result<Vec<T>, StoreError> {
        let torn = || StoreError::Corrupt("leaves that come apart at other places".into());
        let mut indexes = self.indexes.split(',');
        let mut events = Vec::with_capacity(indexes.clone().count());
        for leaf in sqlite::split_page(&self.leaves) {
            let index = indexes.next().and_then(|index| index.parse().ok());
            let index = index.ok_or_else(torn)?;
            let event = Event::read(leaf)?;
            events.push(keep(Recorded { index, event }));
        }
        if indexes.next().is_some() {
            return Err(torn());
        }
        Ok(events)
    }
}
