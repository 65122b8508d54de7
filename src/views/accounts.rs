//! Who is who: the operator's view of accounts, with the handles that the vault still holds.
use events::{id::AccountId, stream::StreamName};
use sqlx::Row as _;

use super::failed;
use crate::{
    app::App,
    store::{StoreError, sqlite::integer, vault},
};

/// The account with this handle.
pub async fn by_handle(app: &App, handle: &str) -> Result<Option<AccountId>, StoreError> {
    let hash = app.subjects.unique_hash("handle", handle);
    let query = sqlx::query("SELECT subject FROM vault WHERE unique_hash = $1").bind(hash);
    let row = query
        .fetch_optional(app.reader.pool())
        .await
        .map_err(failed)?;
    let subject: Option<String> = row.map(|row| row.try_get(0)).transpose().map_err(failed)?;
    let account =
        subject.and_then(|subject| AccountId::parse(subject.strip_prefix("account/")?).ok());
    // The keyed hash outlives an erasure, so that nobody can take the name; but whose it was is not told any more.
    match account {
        Some(id) if app.subjects.key(&StreamName::account(id)).await?.is_none() => Ok(None),
        account => Ok(account),
    }
}

/// The handle of an account; `None` once it is erased.
pub async fn handle(app: &App, id: AccountId) -> Result<Option<String>, StoreError> {
    let stream = StreamName::account(id);
    let Some(key) = app.subjects.key(&stream).await? else {
        return Ok(None);
    };
    let Some(created) = app.reader.event(&stream, 0).await? else {
        return Ok(None);
    };
    let Some(commitment) = created.event.sealed.values().next().copied() else {
        return Ok(None);
    };
    let sql = "SELECT sealed FROM vault WHERE log_index = $1 AND commitment = $2";
    let query = sqlx::query_scalar(sql)
        .bind(integer(created.index))
        .bind(commitment.hex());
    let sealed: Option<Vec<u8>> = query
        .fetch_optional(app.reader.pool())
        .await
        .map_err(failed)?;
    Ok(sealed
        .and_then(|sealed| vault::open(&key, &commitment, &sealed))
        .map(|handle| handle.to_string()))
}
