//! `GET /api/v1/gems/NAME/versions/VERSION[-PLATFORM]/vsa`: the registry's own word on a release, signed; and
//! `GET /log/statement-keys`: the keys that sign it.
use actix_web::{
    HttpResponse,
    http::{StatusCode, header::CACHE_CONTROL},
    web::{Data, Path},
};
use events::name::GemName;

use crate::{
    app::{App, statements::StatementError},
    http::problem::Problem,
    views::{self, provenance::number_and_platform},
};

/// The media type of a DSSE envelope.
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

impl From<StatementError> for Problem {
    fn from(error: StatementError) -> Self {
        let message = error.to_string();
        match error {
            StatementError::Unspoken => Self::new(StatusCode::NOT_FOUND, "no_statement", message),
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

/// The signed statement of a release. The log fixes its bytes and its key, so that it never changes.
pub async fn show(app: Data<App>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
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
    Ok(HttpResponse::Ok()
        .content_type(ENVELOPE)
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(serde_json::to_vec(&envelope).unwrap_or_default()))
}

/// The keys, in the order of their introduction.
pub async fn keys(app: Data<App>) -> Result<HttpResponse, Problem> {
    let keys = views::statement::keys(&app).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-cache"))
        .json(keys))
}
