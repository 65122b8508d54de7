//! `POST /api/v1/gems/NAME/versions/VERSION[-PLATFORM]/evidence`: the identity token behind a release, for an owner.
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::CACHE_CONTROL},
    web::{Data, Path},
};
use events::id::Actor;
use serde_json::json;

use super::publishers::owner;
use crate::{
    app::{App, evidence::EvidenceError},
    http::{limits::Limits, problem::Problem},
    views,
};

/// Shows the token, once it has expired. It is an event, at most once an hour for each owner: that is why it is no `GET`.
pub async fn show(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    limits.address(&request).map_err(Problem::in_json)?;
    let (name, version) = path.into_inner();
    let (actor, _, gem, _) = owner(&request, &app, &name).await?;
    let unknown = || Problem::not_found("This version could not be found.").in_json();
    let (number, platform) =
        views::provenance::number_and_platform(&version).ok_or_else(unknown)?;
    let gem = gem.folded();
    let release = views::evidence::release(&app, &gem, &number, &platform).await?;
    let release = release.ok_or_else(unknown)?;
    let Actor::Account(account) = actor else {
        return Err(unknown());
    };
    let opened = app.evidence_for(gem, &release, account).await;
    let opened = opened.map_err(|error| problem(error).in_json())?;
    let body = json!({
        "token": opened.token.as_str(),
        "opened": opened.index,
        "holds": opened.report.holds(),
        "evidence": opened.report,
    });
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(body))
}

fn problem(error: EvidenceError) -> Problem {
    match error {
        EvidenceError::Erased(_) => {
            Problem::new(StatusCode::GONE, "evidence_erased", error.to_string())
        }
        EvidenceError::NoEvent(_)
        | EvidenceError::NotExchange(..)
        | EvidenceError::NoToken
        | EvidenceError::NoRelease => Problem::not_found(&error.to_string()),
        EvidenceError::NoKey | EvidenceError::Missing => {
            tracing::error!(%error, "a sealed token cannot be opened");
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "evidence_missing",
                error.to_string(),
            )
        }
        EvidenceError::Command(error) => error.into(),
        EvidenceError::Store(error) => error.into(),
    }
}
