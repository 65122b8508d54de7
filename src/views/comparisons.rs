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

/// What was attached to a release under this checkpoint, the oldest first.
pub async fn of_release(
    app: &App,
    anchored: &Anchored,
    gem: &FoldedName,
    number: &GemVersion,
    platform: &Platform,
) -> Result<Vec<Comparison>, StoreError> {
    let sql = format!(
        "SELECT log_index FROM {COMPARISON} WHERE gem = $1 AND number = $2 AND platform = $3 ORDER BY log_index"
    );
    let indexes: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(gem.as_str().to_owned())
        .bind(number.as_str().to_owned())
        .bind(platform.as_str().to_owned())
        .fetch_all(app.reader.pool())
        .await
        .map_err(failed)?;
    let mut comparisons = Vec::new();
    for index in indexes {
        let index = u64::try_from(index).unwrap_or(u64::MAX);
        if index >= anchored.checkpoint.size() {
            break;
        }
        app.receipts.prove(&app.reader, anchored, index).await?;
        for recorded in app.reader.events(index, index + 1).await? {
            let event = recorded.event;
            if let Body::ReleaseCompared(compared) = event.body {
                comparisons.push(shown(app, index, event.time, event.actor, compared).await);
            }
        }
    }
    Ok(comparisons)
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
