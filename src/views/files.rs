//! Which files the log names: gems and their metadata documents.
use events::digest::Digest;
use projections::tables::RELEASE;
use sqlx::{AssertSqlSafe, Row as _};

use super::failed;
use crate::store::{StoreError, reader::Reader};

/// The files of one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The log index of the release.
    pub log_index: u64,
    /// The gem's file name without `.gem`.
    pub file: String,
    /// The digest of the gem.
    pub digest: Digest,
    /// The digest of its metadata document.
    pub document: Digest,
}

/// The files of at most `limit` releases after this log index, in the order of the log.
pub async fn named(
    reader: &Reader,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<Named>, StoreError> {
    let sql = format!(
        "SELECT log_index, file, digest, document FROM {RELEASE} WHERE log_index > $1 ORDER BY log_index LIMIT $2"
    );
    let after = after.map_or(-1, |after| i64::try_from(after).unwrap_or(i64::MAX));
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(after)
        .bind(i64::from(limit));
    let rows = query.fetch_all(reader.pool()).await.map_err(failed)?;
    let corrupt = || StoreError::Corrupt("a row of a release".into());
    rows.iter()
        .map(|row| {
            let text = |at: usize| row.try_get::<String, _>(at).map_err(failed);
            Ok(Named {
                log_index: u64::try_from(row.try_get::<i64, _>(0).map_err(failed)?).unwrap_or(0),
                file: text(1)?,
                digest: Digest::from_hex(&text(2)?).map_err(|_| corrupt())?,
                document: Digest::from_hex(&text(3)?).map_err(|_| corrupt())?,
            })
        })
        .collect()
}
