//! The bundles of a release: which there are, in the order in which they came, and where their bytes are.
use events::digest::Digest;
use projections::tables::ATTESTATION;
use sqlx::{AssertSqlSafe, Row as _};

use super::failed;
use crate::store::{StoreError, reader::Reader};

/// The digests of a release's bundles, by its file's name without `.gem`, in the order in which they came.
pub async fn of(reader: &Reader, file: &str) -> Result<Vec<Digest>, StoreError> {
    let sql = format!("SELECT bundle FROM {ATTESTATION} WHERE file = $1 ORDER BY log_index");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(file.to_owned());
    let rows = query.fetch_all(reader.pool()).await.map_err(failed)?;
    rows.iter()
        .map(|row| digest(&row.try_get::<String, _>(0).map_err(failed)?))
        .collect()
}

/// Whether a release came with the bundle of this digest.
pub async fn is_named(reader: &Reader, bundle: &Digest) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM {ATTESTATION} WHERE bundle = $1 LIMIT 1");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(bundle.hex());
    let row = query.fetch_optional(reader.pool()).await.map_err(failed)?;
    Ok(row.is_some())
}

/// How many bundles the log names.
pub async fn count(reader: &Reader) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM {ATTESTATION}");
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(reader.pool())
        .await
        .map_err(failed)?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// A bundle that the log names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The log index of its event.
    pub log_index: u64,
    /// The name of the gem's file that it attests, without `.gem`.
    pub file: String,
    /// SHA-256 of its bytes.
    pub bundle: Digest,
}

/// At most `limit` bundles after this log index, in the order of the log.
pub async fn named(
    reader: &Reader,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<Named>, StoreError> {
    let sql = format!(
        "SELECT log_index, file, bundle FROM {ATTESTATION} WHERE log_index > $1 ORDER BY log_index LIMIT $2"
    );
    let after = after.map_or(-1, |after| i64::try_from(after).unwrap_or(i64::MAX));
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(after)
        .bind(i64::from(limit));
    let rows = query.fetch_all(reader.pool()).await.map_err(failed)?;
    rows.iter()
        .map(|row| {
            Ok(Named {
                log_index: u64::try_from(row.try_get::<i64, _>(0).map_err(failed)?).unwrap_or(0),
                file: row.try_get(1).map_err(failed)?,
                bundle: digest(&row.try_get::<String, _>(2).map_err(failed)?)?,
            })
        })
        .collect()
}

fn digest(hex: &str) -> Result<Digest, StoreError> {
    Digest::from_hex(hex).map_err(|_| StoreError::Corrupt("a row of an attestation".into()))
}
