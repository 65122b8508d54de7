//! `GET /api/v1/gems/NAME/versions/VERSION[-PLATFORM]/vsa`: the registry's own word on a release, signed; and
//! `GET /log/statement-keys`: the keys that sign it.
use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
    },
    web::{Data, Path},
};
use events::{digest::Digest, name::GemName};

use crate::{
    app::{App, statements::StatementError},
    http::{index::WHILE_SERVED, problem::Problem},
    views::{self, provenance::number_and_platform},
};

/// The media type of a DSSE envelope.
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

impl From<StatementError> for Problem {
    fn from(error: StatementError) -> Self {
        let message = error.to_string();
        match error {
            StatementError::Unspoken => Self::new(StatusCode::NOT_FOUND, "no_statement", message),
            StatementError::Quarantined(_) => {
                Self::new(StatusCode::FORBIDDEN, "release_quarantined", message)
            }
            StatementError::KeyMissing(_) | StatementError::Key(_) => {
                tracing::error!(error = %message, "a statement cannot be signed");
                let text = "the key that signs this statement is not here; the operator has to put it back";
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "statement_key_missing",
                    text,
                )
            }
            StatementError::Store(error) => error.into(),
            StatementError::Command(error) => error.into(),
        }
    }
}

/// The signed statement of a release. The log fixes its bytes and its key, so that they never change; the release may be
/// withheld, as its file may, and a cache asks again as soon.
pub async fn show(
    request: HttpRequest,
    app: Data<App>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (name, version) = path.into_inner();
    let unknown = || Problem::not_found("This version could not be found.").in_json();
    let gem = GemName::parse(&name).map_err(|_| unknown())?;
    let (number, platform) = number_and_platform(&version).ok_or_else(unknown)?;
    let folded = gem.folded();
    let signed = app.signed_statement(&folded, &number, &platform);
    let signed = signed
        .await
        .map_err(|error| Problem::from(error).in_json())?;
    let envelope = signed.ok_or_else(unknown)?;
    let body = serde_json::to_vec(&*envelope).unwrap_or_default();
    let etag = format!("\"{}\"", Digest::of(&body).hex());
    let asked = request.headers().get(IF_NONE_MATCH);
    let known = asked.is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .content_type(ENVELOPE)
        .insert_header((ETAG, etag))
        .insert_header((CACHE_CONTROL, WHILE_SERVED))
        .insert_header(("X-Content-Type-Options", "nosniff"));
    Ok(if known {
        response.finish()
    } else {
        response.body(body)
    })
}

/// The keys, in the order of their introduction.
pub async fn keys(app: Data<App>) -> Result<HttpResponse, Problem> {
    let keys = views::statement::keys(&app).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-cache"))
        .json(keys))
}
