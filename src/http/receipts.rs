//! Receipts: of any event, of a release by its file's name, and in the answer to whoever just made an event.
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::ACCEPT,
    web::{Data, Path, Query},
};
use serde::Deserialize;
use serde_json::Value;

use super::{log::answer, problem::Problem};
use crate::{app::App, views, views::index};

/// `/log/proof/<log index>`: the receipt of one event, with its leaf in `extra`.
pub async fn event(app: Data<App>, index: Path<String>) -> Result<HttpResponse, Problem> {
    let index = decimal(&index).ok_or_else(|| {
        Problem::malformed("a log index is a decimal number without leading zeros")
    })?;
    let receipt = views::provenance::receipt(&app, index).await?;
    let receipt =
        receipt.ok_or_else(|| Problem::not_found("no checkpoint covers this log index yet"))?;
    Ok(text(receipt))
}

/// `/gems/<full name>.gem.tlog-proof`: the receipt of a release.
pub async fn release(app: Data<App>, file: Path<String>) -> Result<HttpResponse, Problem> {
    let row = index::file(&app.reader, &file)
        .await?
        .ok_or_else(|| Problem::not_found("This rubygem could not be found."))?;
    let receipt = views::provenance::receipt(&app, row.log_index).await?;
    let receipt = receipt
        .ok_or_else(|| Problem::not_found("this release is not covered by a checkpoint yet"))?;
    Ok(text(receipt))
}

/// It changes with every checkpoint, so caches ask again.
fn text(receipt: String) -> HttpResponse {
    answer("text/plain; charset=utf-8", "no-cache", receipt)
}

/// A log index as it is written, which has one spelling.
fn decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let shortest = text == "0" || !text.starts_with('0');
    text.parse().ok().filter(|_| digits && shortest)
}

#[derive(Deserialize)]
struct Parameters {
    receipt: Option<bool>,
}

/// Whether `?receipt=true` was said. It is asked before anything is done, so that a slip costs nothing.
pub fn wanted(request: &HttpRequest) -> Result<bool, Problem> {
    Query::<Parameters>::from_query(request.query_string())
        .map(|asked| asked.receipt.unwrap_or(false))
        .map_err(|_| Problem::malformed("receipt is true or false"))
}

/// Whether the answer is to be JSON.
pub fn in_json(request: &HttpRequest) -> bool {
    let accept = request.headers().get(ACCEPT);
    accept
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("application/json"))
}

/// The receipt in the answer to whoever made an event. What was done is done and is answered: a receipt that cannot be had
/// now can be fetched later.
pub enum Asked {
    /// It was not asked for.
    Not,
    /// Here it is.
    Had(String),
    /// It cannot be had now.
    NotHad,
}

impl Asked {
    /// Puts the receipt, or `null`, into an answer in JSON; nothing if it was not asked for.
    pub fn tell(self, told: &mut Value) {
        let receipt = match self {
            Self::Not => return,
            Self::Had(receipt) => Value::from(receipt),
            Self::NotHad => Value::Null,
        };
        if let Some(told) = told.as_object_mut() {
            told.insert("receipt".to_owned(), receipt);
        }
    }
}

/// The receipt of an event that was recorded just now.
pub async fn of_event(app: &App, index: u64) -> Asked {
    match views::provenance::receipt(app, index).await {
        Ok(Some(receipt)) => Asked::Had(receipt),
        Ok(None) => Asked::NotHad,
        Err(error) => {
            tracing::error!(%error, index, "a receipt could not be made");
            Asked::NotHad
        }
    }
}

/// The receipt of a release that is there, perhaps since long.
pub async fn of_file(app: &App, full_name: &str) -> Asked {
    match index::file(&app.reader, full_name).await {
        Ok(Some(row)) => of_event(app, row.log_index).await,
        Ok(None) | Err(_) => Asked::NotHad,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_index_has_one_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("17"), Some(17));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for bad in [
            "",
            "00",
            "07",
            "+7",
            "-1",
            " 7",
            "7 ",
            "1e3",
            "0x1",
            "７",
            "18446744073709551616",
        ] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
    }
}
