//! Reading all streams of a kind, without the rest of the log: their names begin alike, so the index of streams has them
//! side by side.
use std::collections::BTreeSet;

use events::{Event, Recorded, stream::StreamName};
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use sqlx::{Row as _, sqlite::SqliteRow};

use super::{StoreError, reader::Reader, sqlite};

/// Events in a page.
const PAGE: i64 = 2048;
/// Pages in flight.
const AHEAD: usize = 3;

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

/// A page as it is stored: log index and leaf of each event, and after which of them the next page begins.
struct Page {
    leaves: Vec<(u64, Vec<u8>)>,
    last: Option<(String, i64)>,
}

impl Reader {
    /// Every event of these streams: stream by stream in the order of their names, each in its order. Pages are
    /// parsed ahead on other threads. What is appended meanwhile may be among them.
    pub fn all_of(
        &self,
        kind: Prefix,
    ) -> impl Stream<Item = Result<Vec<Recorded>, StoreError>> + Send + use<> {
        let reader = self.clone();
        let pages = stream::try_unfold(Some((kind.first.to_owned(), -1)), move |after| {
            let reader = reader.clone();
            async move {
                let Some(after) = after else { return Ok(None) };
                let page = reader.page_of(kind, after).await?;
                Ok::<_, StoreError>(Some((page.leaves, page.last)))
            }
        });
        let parse = |leaves: Result<Vec<(u64, Vec<u8>)>, StoreError>| async {
            let leaves = leaves?;
            tokio::task::spawn_blocking(move || leaves.iter().map(read).collect())
                .await
                .map_err(|error| StoreError::Database(error.to_string()))?
        };
        pages.into_stream().map(parse).buffered(AHEAD)
    }

    async fn page_of(&self, kind: Prefix, after: (String, i64)) -> Result<Page, StoreError> {
        let sql = "SELECT stream, revision, log_index, leaf FROM event \
                   WHERE (stream, revision) > ($1, $2) AND stream < $3 ORDER BY stream, revision LIMIT $4";
        let query = sqlx::query(sql)
            .bind(after.0)
            .bind(after.1)
            .bind(kind.end)
            .bind(PAGE);
        let rows = query.fetch_all(self.pool()).await.map_err(failed)?;
        let place = |row: &SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
        let last = rows.last().map(place).transpose().map_err(failed)?;
        let leaf = |row: SqliteRow| Ok((sqlite::natural(row.try_get(2)?), row.try_get(3)?));
        let leaves = rows.into_iter().map(leaf).collect::<Result<_, _>>();
        let leaves = leaves.map_err(failed)?;
        Ok(Page { leaves, last })
    }

    /// The last event of the last of these streams, by their names.
    pub async fn last_of(&self, kind: Prefix) -> Result<Option<Recorded>, StoreError> {
        let sql = "SELECT log_index, leaf FROM event WHERE stream >= $1 AND stream < $2 \
                   ORDER BY stream DESC, revision DESC LIMIT 1";
        let query = sqlx::query(sql).bind(kind.first).bind(kind.end);
        let row = query.fetch_optional(self.pool()).await.map_err(failed)?;
        let leaf = |row: SqliteRow| Ok((sqlite::natural(row.try_get(0)?), row.try_get(1)?));
        let leaf = row.map(leaf).transpose().map_err(failed)?;
        leaf.as_ref().map(read).transpose()
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

fn read((index, leaf): &(u64, Vec<u8>)) -> Result<Recorded, StoreError> {
    Ok(Recorded {
        index: *index,
        event: Event::read(leaf)?,
    })
}
