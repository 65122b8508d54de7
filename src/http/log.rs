//! What monitors and auditors read: checkpoint, tiles and entries, as c2sp.org/tlog-tiles says.
//!
//! Nothing is served beyond the anchored checkpoint, or beyond the cosigned one where witnesses are required. What does
//! not exist is 404 and is kept by no cache, because it may exist soon; what exists never changes.
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL},
    web::{Data, Path},
};
use tlog::{EntriesPath, Resource, TilePath};

use super::problem::Problem;
use crate::{app::App, store::StoreError, views};

const FOR_EVER: &str = "public, max-age=31536000, immutable";

fn nothing_yet() -> Problem {
    Problem::not_found("no checkpoint can be shown yet")
}

pub(super) fn answer(
    kind: &'static str,
    cache: &'static str,
    body: impl actix_web::body::MessageBody + 'static,
) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(kind)
        .insert_header((CACHE_CONTROL, cache))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(body)
}

/// `/log/checkpoint`
pub async fn checkpoint(app: Data<App>) -> Result<HttpResponse, Problem> {
    let published = views::provenance::published(&app)?.ok_or_else(nothing_yet)?;
    Ok(answer(
        "text/plain; charset=utf-8",
        "no-cache",
        published.note,
    ))
}

/// `/log/vkey`
pub async fn vkey(app: Data<App>) -> HttpResponse {
    answer(
        "text/plain; charset=utf-8",
        "no-cache",
        format!("{}\n", app.key.verifier()),
    )
}

/// `/log/vkey/<n>`: the key of the n-th origin of this log, the ones that have ended too.
pub async fn vkey_of(app: Data<App>, number: Path<String>) -> Result<HttpResponse, Problem> {
    let keys = views::log_keys(&app.reader).await?;
    let ending = format!("/{number}");
    let found = keys
        .into_iter()
        .find(|(origin, _)| origin.ends_with(&ending));
    let (_, vkey) = found.ok_or_else(|| Problem::not_found("this log has no such origin"))?;
    let body = format!("{vkey}\n");
    Ok(answer("text/plain; charset=utf-8", "no-cache", body))
}

/// `/log/tile/<L>/<N>[.p/<W>]` and `/log/tile/entries/<N>[.p/<W>]`
pub async fn tile(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let missing = || Problem::not_found("there is no such tile");
    // As it was sent: a tile has one name, and percent signs are not in it.
    let path = request.uri().path().strip_prefix(app.url.path());
    let path = path.and_then(|path| path.strip_prefix("/log/tile/"));
    let resource = path.and_then(|path| Resource::parse(path).ok());
    let resource = resource.ok_or_else(missing)?;
    let newest = views::provenance::newest(&app)?.ok_or_else(nothing_yet)?;
    let size = newest.checkpoint.size();
    if !resource.exists_in(size) {
        return Err(missing());
    }
    let bytes = match resource {
        Resource::Hashes(path) => hashes(&app, path).await?,
        Resource::Entries(path) => entries(&app, path).await?,
    };
    Ok(answer(
        "application/octet-stream",
        FOR_EVER,
        bytes.ok_or_else(missing)?,
    ))
}

async fn hashes(app: &App, path: TilePath) -> Result<Option<Vec<u8>>, Problem> {
    Ok(app.reader.tile(path).await?)
}

async fn entries(app: &App, path: EntriesPath) -> Result<Option<Vec<u8>>, Problem> {
    let Some(first) = path.first_entry() else {
        return Ok(None);
    };
    let leaves = app
        .reader
        .leaves(first, first + u64::from(path.width()))
        .await?;
    if leaves.len() != usize::from(path.width()) {
        return Ok(None);
    }
    let bundle =
        tlog::write_bundle(&leaves).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    Ok(Some(bundle))
}
