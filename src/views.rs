//! Questions about what is, each answered from rows or from one stream; nothing here writes.
use events::{Body, State, stream::StreamName};

use crate::store::{StoreError, reader::Reader};

pub mod accounts;
pub mod api_keys;
pub mod attestations;
pub mod cache;
pub mod comparisons;
pub mod evidence;
pub mod explain;
pub mod feed;
pub mod files;
pub mod gems;
pub mod index;
pub mod live_keys;
pub mod past;
pub mod provenance;
pub mod providers;
pub mod publishers;
pub mod radius;
pub mod receipts;
pub mod rules;
pub mod statement;
pub mod together;
pub mod trust_roots;

/// Most events of one stream that a view folds.
const LONGEST: u32 = 1_000_000;

/// The state of a stream as it is committed now.
pub async fn state<S: State>(reader: &Reader, stream: &StreamName) -> Result<S, StoreError> {
    let recorded = reader.stream(stream, 0, LONGEST).await?;
    Ok(events::fold(
        recorded.iter().map(|recorded| &recorded.event),
    ))
}

/// The origins of the log with the key of each, in the order in which they signed.
pub async fn log_keys(reader: &Reader) -> Result<Vec<(String, String)>, StoreError> {
    let recorded = reader.stream(&StreamName::log(), 0, LONGEST).await?;
    let keys = recorded.iter().filter_map(|recorded| {
        if let Body::LogOpened(opened) = &recorded.event.body {
            Some((opened.origin.to_string(), opened.vkey.to_string()))
        } else if let Body::LogSucceeded(succeeded) = &recorded.event.body {
            Some((succeeded.origin.to_string(), succeeded.vkey.to_string()))
        } else {
            None
        }
    });
    Ok(keys.collect())
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    StoreError::Database(error.to_string())
}
