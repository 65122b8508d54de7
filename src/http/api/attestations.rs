//! `GET /api/v1/attestations/FULL_NAME.json`: the bundles of a release, byte by byte as they were uploaded.
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
    let unknown = || Problem::not_found("This rubygem could not be found.");
    index::file(&app.reader, &file).await?.ok_or_else(unknown)?;
    let digests = attestations::of(&app.reader, &file).await?;
    let etag = etag(&digests);
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
    Ok(response.body(array(&app, &digests).await?))
}

/// `[`, the exact bytes joined by `,`, and `]`: what the client made of its files.
async fn array(app: &App, digests: &[Digest]) -> Result<Bytes, Problem> {
    let mut array = BytesMut::from("[");
    for (place, digest) in digests.iter().enumerate() {
        if place > 0 {
            array.extend_from_slice(b",");
        }
        let bytes = app.blobs.get(digest).await?.ok_or_else(|| {
            Problem::not_found(
                "An attestation of this release is missing; push the same file with the same attestations again.",
            )
        })?;
        array.extend_from_slice(&bytes);
    }
    array.extend_from_slice(b"]");
    Ok(array.freeze())
}

fn etag(digests: &[Digest]) -> String {
    let all: String = digests.iter().map(Digest::hex).collect();
    format!("\"{}\"", Digest::of(all.as_bytes()).hex())
}
