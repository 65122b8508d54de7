//! `/api/v1/trust_roots`: what bundles are verified with, so that anybody can verify them again.
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use events::{Body, Recorded, digest::Digest, text::Slug, trust_root::Recorded as TrustRoot};
use serde_json::{Value, json};

use crate::{
    app::App,
    http::{log::answer, problem::Problem},
    views::trust_roots,
};

/// Every trust root with all its versions, the oldest first.
pub async fn list(app: Data<App>) -> Result<HttpResponse, Problem> {
    let mut roots = Vec::new();
    for newest in trust_roots::newest(&app.reader).await? {
        let history = trust_roots::history(&app.reader, &newest.slug).await?;
        let versions = history
            .iter()
            .filter_map(|recorded| version(&app, &newest.slug, recorded));
        roots.push(json!({
            "name": newest.slug,
            "version": newest.revision,
            "retired": newest.retired,
            "versions": versions.collect::<Vec<_>>(),
        }));
    }
    let body = json!({ "trust_roots": roots }).to_string();
    Ok(answer("application/json", "no-cache", body))
}

fn version(app: &App, slug: &Slug, recorded: &Recorded) -> Option<Value> {
    let Body::TrustRootRecorded(root) = &recorded.event.body else {
        return None;
    };
    let number = recorded.event.revision;
    Some(json!({
        "version": number,
        "url": format!("{}/api/v1/trust_roots/{slug}/{number}.json", app.url.as_str()),
        "digest": root.digest,
        "size": root.size,
        "issuers": root.issuers,
        "public": root.public,
        "requires": root.requires,
        "class": trust_roots::class(root).as_str(),
        "repository": root.repository,
        "recorded": recorded.event.time,
        "log_index": recorded.index,
    }))
}

/// The `trusted_root.json` of one version, the very bytes that were recorded.
pub async fn show(app: Data<App>, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let recorded = recorded(&app, path.into_inner()).await?;
    file(&app, &recorded.digest).await
}

/// The root metadata that trust in the repository of one version began with.
pub async fn bootstrap(
    app: Data<App>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let recorded = recorded(&app, path.into_inner()).await?;
    let repository = recorded.repository.ok_or_else(unknown)?;
    file(&app, &repository.bootstrap).await
}

fn unknown() -> Problem {
    Problem::not_found("There is no such version of a trust root.").in_json()
}

async fn recorded(app: &App, (name, version): (String, String)) -> Result<TrustRoot, Problem> {
    let slug = Slug::parse(&name).map_err(|_| unknown())?;
    let number: u64 = version.parse().map_err(|_| unknown())?;
    if number.to_string() != version {
        return Err(unknown());
    }
    let root = trust_roots::one(&app.reader, &slug).await?;
    root.version(number).cloned().ok_or_else(unknown)
}

/// A file never changes: its version names its digest.
async fn file(app: &App, digest: &Digest) -> Result<HttpResponse, Problem> {
    let json = app.blobs.get(digest).await?.ok_or_else(unknown)?;
    Ok(answer(
        "application/json",
        "public, max-age=31536000, immutable",
        json,
    ))
}
