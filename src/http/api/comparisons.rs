//! `/api/v1/gems/NAME/versions/VERSION[-PLATFORM]/comparisons`: what was stated of a release and its repository.
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::CACHE_CONTROL},
    web::{Data, Path, Payload},
};
use events::{
    api_key::Scope,
    digest::Digest,
    id::{Actor, Via},
    name::GemName,
};
use serde_json::json;

use crate::{
    app::{App, quarantine::Named},
    http::{authorized::Credential, body, limits::Limits, log::answer, problem::Problem},
    views::{self, provenance::number_and_platform},
};

fn named(name: &str, version: &str) -> Result<Named, Problem> {
    let unknown = || Problem::not_found("This version could not be found.").in_json();
    let gem = GemName::parse(name).map_err(|_| unknown())?.folded();
    let (number, platform) = number_and_platform(version).ok_or_else(unknown)?;
    Ok(Named {
        gem,
        number,
        platform,
    })
}

/// The newest of what was attached, and how much there is.
pub async fn list(app: Data<App>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (name, version) = path.into_inner();
    let Named {
        gem,
        number,
        platform,
    } = named(&name, &version)?;
    let found = views::provenance::comparisons(&app, &gem, &number, &platform).await?;
    let unknown = || Problem::not_found("This version could not be found.").in_json();
    let found = found.ok_or_else(unknown)?;
    let body = json!({"comparisons": found.newest, "total": found.total}).to_string();
    Ok(answer("application/json", "no-cache", body))
}

/// One statement, the very bytes that were attached.
pub async fn show(
    app: Data<App>,
    path: Path<(String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (name, version, digest) = path.into_inner();
    let release = named(&name, &version)?;
    let unknown = || Problem::not_found("There is no such comparison.").in_json();
    let digest = Digest::from_hex(&digest).map_err(|_| unknown())?;
    let found = app.comparison(&release, &digest).await?;
    Ok(answer(
        "application/json",
        "public, max-age=31536000, immutable",
        found.ok_or_else(unknown)?,
    ))
}

/// Attaches a statement: an owner's key with the scope to push.
pub async fn add(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
    path: Path<(String, String)>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    limits.address(&request).map_err(Problem::in_json)?;
    let (name, version) = path.into_inner();
    let credential = Credential::of(&app, request.headers()).await;
    let credential = credential.map_err(Problem::in_json)?;
    credential
        .may(Scope::PushRubygem, app.clock.now())
        .map_err(Problem::in_json)?;
    let release = named(&name, &version)?;
    let forbidden = |text: &str| Problem::new(StatusCode::FORBIDDEN, "forbidden", text).in_json();
    let account = credential.0.account.ok_or_else(|| {
        forbidden(
            "only a person's key can attach a comparison; whoever releases does not vouch for it",
        )
    })?;
    if credential
        .0
        .gem
        .as_ref()
        .is_some_and(|only| *only != release.gem)
    {
        return Err(forbidden(
            "This API key cannot perform the specified action on this gem.",
        ));
    }
    let bytes = body::small(payload).await?;
    let by = app.request(Actor::Account(account), Via::Http);
    let attached = app.attach_comparison(by, release, bytes).await;
    let (index, statement) = attached.map_err(|error| Problem::from(error).in_json())?;
    let told = json!({
        "log_index": index,
        "statement": statement,
        "url": format!("{}/api/v1/gems/{name}/versions/{version}/comparisons/{}", app.url.as_str(), statement.hex()),
    });
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(told))
}
