//! Which identity providers are there?
use events::text::Slug;
use projections::tables::PROVIDER;
use sqlx::AssertSqlSafe;

use super::failed;
use crate::store::{StoreError, reader::Reader};

/// Every provider that was ever registered, in the order of their names.
pub async fn slugs(reader: &Reader) -> Result<Vec<Slug>, StoreError> {
    let sql = format!("SELECT slug FROM {PROVIDER} ORDER BY slug");
    let slugs: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_all(reader.pool())
        .await
        .map_err(failed)?;
    Ok(slugs
        .iter()
        .filter_map(|slug| Slug::parse(slug).ok())
        .collect())
}
