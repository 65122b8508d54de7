//! Whose key is this?
use events::{
    digest::Digest,
    id::{AccountId, ApiKeyId},
    name::FoldedName,
    stream::StreamName,
    time::Timestamp,
};
use projections::tables::{ACCOUNT, API_KEY};
use sqlx::{AssertSqlSafe, Row as _};

use super::failed;
use crate::store::{StoreError, reader::Reader};

/// An API key as the rows have it. Whether it may do something is decided by the rules, on its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// Its id.
    pub id: ApiKeyId,
    /// The account that holds it.
    pub account: Option<AccountId>,
    /// The exchange that minted it.
    pub exchange: Option<StreamName>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// The only gem it may touch.
    pub gem: Option<FoldedName>,
    /// When it dies.
    pub expires: Option<Timestamp>,
    /// It was revoked, or its account was disabled.
    pub revoked: bool,
}

impl ApiKeyRow {
    /// Whether it lives at this moment.
    pub fn is_live(&self, now: Timestamp) -> bool {
        !self.revoked && self.expires.is_none_or(|expires| now < expires)
    }

    /// Whether it has this scope.
    pub fn has(&self, scope: events::api_key::Scope) -> bool {
        self.scopes.iter().any(|own| own == scope.as_str())
    }
}

/// The key with this digest.
pub async fn by_digest(reader: &Reader, digest: &Digest) -> Result<Option<ApiKeyRow>, StoreError> {
    let sql = format!(
        "SELECT k.id, k.account, k.exchange, k.scopes, k.gem, k.expires_at,
                coalesce(k.revoked, 0) + coalesce(a.disabled, 0)
         FROM {API_KEY} k LEFT JOIN {ACCOUNT} a ON a.id = k.account WHERE k.digest = $1"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(digest.hex());
    let Some(row) = query.fetch_optional(reader.pool()).await.map_err(failed)? else {
        return Ok(None);
    };
    let text = |at: usize| row.try_get::<Option<String>, _>(at).map_err(failed);
    let corrupt = || StoreError::Corrupt("a row of an API key".into());
    Ok(Some(ApiKeyRow {
        id: ApiKeyId::parse(&text(0)?.unwrap_or_default()).map_err(|_| corrupt())?,
        account: text(1)?.and_then(|id| AccountId::parse(&id).ok()),
        exchange: text(2)?.and_then(|name| StreamName::parse(&name).ok()),
        scopes: text(3)?
            .unwrap_or_default()
            .split(' ')
            .map(str::to_owned)
            .collect(),
        gem: text(4)?.and_then(|gem| FoldedName::parse(&gem).ok()),
        expires: row
            .try_get::<Option<i64>, _>(5)
            .map_err(failed)?
            .and_then(|at| Some(Timestamp::from_millis(at.try_into().ok()?))),
        revoked: row
            .try_get::<Option<i64>, _>(6)
            .map_err(failed)?
            .unwrap_or(0)
            != 0,
    }))
}
