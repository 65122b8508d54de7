//! Comparisons of a release with its repository: who stated what. That it was stated is proven; that it is so is not.
use events::{
    Body,
    digest::Digest,
    gem::{Compared, Verdict},
    id::Actor,
    name::FoldedName,
    platform::Platform,
    text::Text,
    time::Timestamp,
    version::GemVersion,
};
use projections::tables::COMPARISON;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _};

use super::failed;
use crate::{
    app::{App, comparisons::check, quarantine::Named},
    store::{StoreError, anchor::Anchored, reader::Reader},
};

/// A comparison that somebody attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The event's place in the log, its inclusion checked.
    pub log_index: u64,
    /// When it was attached, by this registry's clock.
    pub time: Timestamp,
    /// Who attached it, by an opaque id.
    pub actor: Actor,
    /// Who compared, in their own words; `None` if the statement is not kept any more.
    pub compared_by: Option<Text>,
    /// What came of it, by their word.
    pub verdict: Verdict,
    /// Whether only the files in the gem were compared.
    pub files_only: bool,
    /// The commit.
    pub commit: Text,
    /// Files that are the same.
    pub same: u64,
    /// Differences that are explained.
    pub explained: u64,
    /// How many of these by nothing but their word.
    pub by_word: u64,
    /// Files that differ.
    pub changed: u64,
    /// Files that only the gem has.
    pub extra: u64,
    /// Files that the gemspec lists and the gem has not; `None` if that is not known.
    pub left_out: Option<u64>,
    /// Fields of the metadata that differ; `None` if they were not compared.
    pub metadata: Option<u64>,
    /// Files and deciding fields that could not be compared.
    pub not_compared: u64,
    /// SHA-256 of the statement.
    pub statement: Digest,
    /// Where the statement is.
    pub url: String,
}

/// Most comparisons of a release that are shown: each account may attach some, and a gem has many owners.
const SHOWN: i64 = 32;

/// What was attached to a release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Comparisons {
    /// The newest, the oldest of them first.
    #[serde(rename = "comparisons")]
    pub newest: Vec<Comparison>,
    /// How many there are.
    #[serde(rename = "comparisons_total")]
    pub total: u64,
}

impl Comparisons {
    /// Whether nothing was attached.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }
}

/// What was attached to a release under this checkpoint.
pub async fn of_release(
    app: &App,
    anchored: &Anchored,
    gem: &FoldedName,
    number: &GemVersion,
    platform: &Platform,
) -> Result<Comparisons, StoreError> {
    let sql = format!(
        "SELECT log_index, count(*) OVER () FROM {COMPARISON} \
         WHERE gem = $1 AND number = $2 AND platform = $3 AND log_index < $4 ORDER BY log_index DESC LIMIT {SHOWN}"
    );
    let size = i64::try_from(anchored.checkpoint.size()).unwrap_or(i64::MAX);
    let rows: Vec<(i64, i64)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(gem.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .bind(platform.as_str().to_owned())
        .bind(size)
        .fetch_all(app.reader.pool())
        .await
        .map_err(failed)?;
    let total = rows.first().map_or(0, |(_, total)| *total);
    let mut newest = Vec::new();
    for (index, _) in rows.into_iter().rev() {
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        app.receipts.prove(&app.reader, anchored, index).await?;
        for recorded in app.reader.events(index, index + 1).await? {
            let event = recorded.event;
            if let Body::ReleaseCompared(compared) = event.body {
                newest.push(shown(app, index, event.time, event.actor, compared).await);
            }
        }
    }
    let total = u64::try_from(total).unwrap_or(0);
    Ok(Comparisons { newest, total })
}

async fn shown(
    app: &App,
    log_index: u64,
    time: Timestamp,
    actor: Actor,
    compared: Compared,
) -> Comparison {
    let Compared {
        by_word,
        changed,
        commit,
        digest: _,
        explained,
        extra,
        files_only,
        left_out,
        metadata,
        name,
        not_compared,
        number,
        platform,
        same,
        statement,
        verdict,
    } = compared;
    let dash = if platform.is_ruby() {
        String::new()
    } else {
        format!("-{platform}")
    };
    let url = format!(
        "{}/api/v1/gems/{name}/versions/{number}{dash}/comparisons/{}",
        app.url.as_str(),
        statement.hex()
    );
    // A statement that was removed, or is damaged, takes nothing from the record that there was one.
    let bytes = app.blobs.get(&statement).await.ok().flatten();
    let release = Named {
        gem: name.folded(),
        number,
        platform,
    };
    let checked = bytes.and_then(|bytes| check(&bytes, &release).ok());
    Comparison {
        log_index,
        time,
        actor,
        compared_by: checked.map(|checked| checked.compared_by),
        verdict,
        files_only,
        commit,
        same,
        explained,
        by_word,
        changed,
        extra,
        left_out,
        metadata,
        not_compared,
        statement,
        url,
    }
}

/// Every statement, with what it is called.
pub async fn files(reader: &Reader) -> Result<Vec<(Digest, String)>, StoreError> {
    let sql =
        format!("SELECT DISTINCT gem, number, statement FROM {COMPARISON} ORDER BY statement");
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(reader.pool())
        .await
        .map_err(failed)?;
    rows.iter()
        .map(|row| {
            let text = |at: usize| row.try_get::<String, _>(at).map_err(failed);
            let digest = Digest::from_hex(&text(2)?);
            let digest = digest.map_err(|_| StoreError::Corrupt("a row of a comparison".into()))?;
            Ok((digest, format!("a comparison of {} {}", text(0)?, text(1)?)))
        })
        .collect()
}
