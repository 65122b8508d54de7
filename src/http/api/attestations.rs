//! `GET /api/v1/attestations/FULL_NAME.json`: the bundles of a release, byte by byte as they were uploaded; and
//! `GET /api/v1/attestations/sha256/HEX`: one of them.
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
    web::{Bytes, BytesMut, Data, Path},
};
use events::digest::Digest;

use crate::{
    app::App,
    http::problem::Problem,
    views::{attestations, index},
};

/// A release has the bundles that it was pushed with, for good, also while its file is withheld.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// An array of bundles; empty for a release that came without.
pub async fn show(
    request: HttpRequest,
    app: Data<App>,
    file: Path<String>,
) -> Result<HttpResponse, Problem> {
    let unknown = || Problem::not_found("This rubygem could not be found.").in_json();
    index::file(&app.reader, &file).await?.ok_or_else(unknown)?;
    let digests = attestations::of(&app.reader, &file).await?;
    answer(&request, &etag(&digests), array(&app, &digests)).await
}

/// The bundle with this SHA-256, if a release came with it.
pub async fn bundle(
    request: HttpRequest,
    app: Data<App>,
    hex: Path<String>,
) -> Result<HttpResponse, Problem> {
    let unknown = || Problem::not_found("No release came with this attestation.").in_json();
    let digest = Digest::from_hex(&hex).map_err(|_| unknown())?;
    if !attestations::is_named(&app.reader, &digest).await? {
        return Err(unknown());
    }
    let etag = format!("\"{}\"", digest.hex());
    answer(&request, &etag, one(&app, &digest)).await
}

/// What never changes, unless it is known already.
async fn answer(
    request: &HttpRequest,
    etag: &str,
    body: impl Future<Output = Result<Bytes, Problem>>,
) -> Result<HttpResponse, Problem> {
    let known = request
        .headers()
        .get(IF_NONE_MATCH)
        .is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .content_type("application/json")
        .insert_header((ETAG, etag))
        .insert_header((CACHE_CONTROL, FOR_GOOD))
        .insert_header(("X-Content-Type-Options", "nosniff"));
    if known {
        return Ok(response.finish());
    }
    Ok(response.body(body.await?))
}

async fn one(app: &App, digest: &Digest) -> Result<Bytes, Problem> {
    let missing = "An attestation of this release is missing; push the same file with the same attestations again.";
    let bytes = app.blobs.get(digest).await?;
    bytes.ok_or_else(|| Problem::not_found(missing).in_json())
}

/// `[`, the exact bytes joined by `,`, and `]`: what the client made of its files.
async fn array(app: &App, digests: &[Digest]) -> Result<Bytes, Problem> {
    let mut array = BytesMut::from("[");
    for (place, digest) in digests.iter().enumerate() {
        if place > 0 {
            array.extend_from_slice(b",");
        }
        array.extend_from_slice(&one(app, digest).await?);
    }
    array.extend_from_slice(b"]");
    Ok(array.freeze())
}

fn etag(digests: &[Digest]) -> String {
    let all: String = digests.iter().map(Digest::hex).collect();
    format!("\"{}\"", Digest::of(all.as_bytes()).hex())
}
