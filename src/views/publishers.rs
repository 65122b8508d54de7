//! Which gems may have a publisher of this repository?
use events::{claims::Workflow, name::FoldedName, text::Slug};
use projections::tables::PUBLISHER;
use sqlx::AssertSqlSafe;

use super::failed;
use crate::store::{StoreError, reader::Reader};

/// Most gems that one exchange is matched against. A workflow that releases more still gets its key from these.
const MOST: i64 = 200;

/// The gems with a publisher of this repository, by its name or by its id, in the order of their names.
pub async fn candidates(
    reader: &Reader,
    provider: &Slug,
    workflow: &Workflow,
) -> Result<Vec<FoldedName>, StoreError> {
    let sql = format!(
        "SELECT gem FROM {PUBLISHER} WHERE provider = $1 AND repository = $2
         UNION SELECT gem FROM {PUBLISHER} WHERE provider = $1 AND repository_id = $3
         ORDER BY gem LIMIT $4"
    );
    let query = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(provider.as_str().to_owned())
        .bind(workflow.repository.as_str().to_ascii_lowercase())
        .bind(workflow.repository_id.as_str().to_owned())
        .bind(MOST);
    let gems: Vec<String> = query.fetch_all(reader.pool()).await.map_err(failed)?;
    Ok(gems
        .iter()
        .filter_map(|gem| FoldedName::parse(gem).ok())
        .collect())
}
