//! Which API keys live now, of a provider, of a repository, or issued since a time: what a revocation in bulk is about.
//!
//! A list of a moment is a hint: each key is judged again when it is revoked.
use events::{
    Body,
    id::{AccountId, ApiKeyId},
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
};
use projections::tables::API_KEY;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Row as _};

use super::failed;
use crate::store::{StoreError, reader::Reader};

/// Keys that are looked at in one piece.
const PAGE: i64 = 1000;

/// Which keys. What is given must all fit; nothing given is every key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    /// Bought with tokens of this provider.
    pub provider: Option<Slug>,
    /// Bought by jobs of this repository, `OWNER/NAME`, in whatever case.
    pub repository: Option<Text>,
    /// Issued at this time or later.
    pub since: Option<Timestamp>,
}

/// A key that lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveKey {
    /// Its id.
    pub id: ApiKeyId,
    /// When it was issued.
    pub issued: Timestamp,
    /// When it dies by itself.
    pub expires: Option<Timestamp>,
    /// The account that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The repository whose job bought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<Text>,
    /// The run that bought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Text>,
}

/// The living keys that fit after this one, in the order of their ids, and where to go on; at most 1000.
pub async fn page(
    reader: &Reader,
    which: &Which,
    after: Option<ApiKeyId>,
    now: Timestamp,
) -> Result<(Vec<LiveKey>, Option<ApiKeyId>), StoreError> {
    let sql = format!(
        "SELECT id, account, exchange, expires_at FROM {API_KEY}
         WHERE id > $1 AND coalesce(revoked, 0) = 0 AND (expires_at IS NULL OR expires_at > $2)
         AND ($3 IS NULL OR (exchange > $3 AND exchange < $4))
         ORDER BY id LIMIT {PAGE}"
    );
    // The character after `/` is `0`: between the two lie all streams of the provider's tokens.
    let (from, to) = match &which.provider {
        Some(slug) => (
            Some(format!("token/{slug}/")),
            Some(format!("token/{slug}0")),
        ),
        None => (None, None),
    };
    let query = sqlx::query(AssertSqlSafe(sql))
        .bind(after.map(String::from).unwrap_or_default())
        .bind(i64::try_from(now.millis()).unwrap_or(i64::MAX))
        .bind(from)
        .bind(to);
    let rows = query.fetch_all(reader.pool()).await.map_err(failed)?;
    let mut last = None;
    let mut keys = Vec::new();
    for row in &rows {
        let corrupt = || StoreError::Corrupt("a row of an API key".into());
        let text = |at: usize| row.try_get::<Option<String>, _>(at).map_err(failed);
        let id = ApiKeyId::parse(&text(0)?.unwrap_or_default()).map_err(|_| corrupt())?;
        let expires: Option<i64> = row.try_get(3).map_err(failed)?;
        last = Some(id);
        let mut key = LiveKey {
            id,
            issued: Timestamp::default(),
            expires: expires.and_then(|at| Some(Timestamp::from_millis(at.try_into().ok()?))),
            account: text(1)?.and_then(|id| AccountId::parse(&id).ok()),
            repository: None,
            run_id: None,
        };
        let exchange = text(2)?.and_then(|name| StreamName::parse(&name).ok());
        if complete(reader, which, exchange.as_ref(), &mut key).await? {
            keys.push(key);
        }
    }
    let full = i64::try_from(rows.len()).is_ok_and(|found| found >= PAGE);
    Ok((keys, last.filter(|_| full)))
}

/// Reads from the log what the row does not say; false if the key does not fit.
async fn complete(
    reader: &Reader,
    which: &Which,
    exchange: Option<&StreamName>,
    key: &mut LiveKey,
) -> Result<bool, StoreError> {
    let issued = reader.event(&StreamName::api_key(key.id), 0).await?;
    key.issued = issued
        .map(|recorded| recorded.event.time)
        .unwrap_or_default();
    if which.since.is_some_and(|since| key.issued < since) {
        return Ok(false);
    }
    if let Some(exchange) = exchange
        && let Some(recorded) = reader.event(exchange, 0).await?
        && let Body::TokenExchanged(exchanged) = recorded.event.body
    {
        key.repository = Some(exchanged.workflow.repository);
        key.run_id = exchanged.workflow.run_id;
    }
    Ok(which.repository.as_ref().is_none_or(|wanted| {
        let own = key.repository.as_ref();
        own.is_some_and(|own| own.as_str().eq_ignore_ascii_case(wanted.as_str()))
    }))
}
