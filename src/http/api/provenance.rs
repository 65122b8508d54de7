//! `GET /api/v1/gems/NAME/versions/VERSION[-PLATFORM]/provenance`: the transparency record.
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use events::{name::GemName, platform::Platform, version::GemVersion};

use crate::{app::App, http::problem::Problem, views};

/// `VERSION` or `VERSION-PLATFORM`. A version has no hyphen.
fn parse(text: &str) -> Option<(GemVersion, Platform)> {
    let (number, platform) = match text.split_once('-') {
        Some((number, platform)) => (number, Platform::parse(platform).ok()?),
        None => (text, Platform::ruby()),
    };
    Some((GemVersion::parse(number).ok()?, platform))
}

/// The transparency record of a release.
pub async fn show(app: Data<App>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (name, version) = path.into_inner();
    let unknown = || Problem::not_found("This version could not be found.").in_json();
    let gem = GemName::parse(&name).map_err(|_| unknown())?;
    let (number, platform) = parse(&version).ok_or_else(unknown)?;
    let record = views::provenance::of(&app, &gem.folded(), &number, &platform).await?;
    record
        .map(|record| HttpResponse::Ok().json(record))
        .ok_or_else(unknown)
}
