//! `gem owner NAME`: the gem's owners at the path and in the form that the client reads, without names and addresses; and
//! how owners are changed here, for a client that sends an e-mail address.
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path, ServiceConfig},
};
use events::{
    id::{Actor, Owner},
    name::GemName,
};
use serde_json::{Value, json};

use crate::{
    app::App,
    http::{problem::Problem, reading},
    views::rules,
};

/// Where they are.
pub fn routes(config: &mut ServiceConfig) {
    config
        .route("/api/v1/gems/{gem}/owners.json", reading().to(as_json))
        .route("/api/v1/gems/{gem}/owners.yaml", reading().to(as_yaml));
}

fn no_gem() -> Problem {
    Problem::not_found("This rubygem could not be found.")
}

async fn owners(app: &App, name: &str) -> Result<impl Iterator<Item = Owner>, Problem> {
    let gem = GemName::parse(name).map_err(|_| no_gem())?.folded();
    let found = rules::now(&app.reader, &gem, app.clock.now()).await?;
    match found.policy.name {
        Some(_) => Ok(found.policy.owners.into_iter()),
        None => Err(no_gem()),
    }
}

async fn as_json(app: Data<App>, name: Path<String>) -> Result<HttpResponse, Problem> {
    let owners = owners(&app, &name).await.map_err(Problem::in_json)?;
    let owners = owners.map(Actor::from);
    let listed = owners.map(|id| json!({"id": id, "handle": id, "role": "owner"}));
    Ok(HttpResponse::Ok().json(listed.collect::<Vec<Value>>()))
}

/// Ids have letters, digits, hyphens and a colon: nothing that a quoted scalar would have to escape.
async fn as_yaml(app: Data<App>, name: Path<String>) -> Result<HttpResponse, Problem> {
    let owners = owners(&app, &name).await?.map(Actor::from);
    let lines = owners.map(|id| format!("- id: \"{id}\"\n  handle: \"{id}\"\n  role: owner\n"));
    let listed = lines.collect::<Vec<_>>().concat();
    let mut response = HttpResponse::build(StatusCode::OK);
    let response = response.content_type("application/yaml; charset=utf-8");
    Ok(response.body(format!("---\n{listed}")))
}

/// What `gem owner --add` and `--remove` are told: they print it.
pub(super) fn instead(app: &App, name: &str) -> Problem {
    let url = app.url.as_str();
    Problem::malformed(format!(
        "Owners are accounts here, and no e-mail addresses are known. An owner adds the account with this id with\n  \
         curl -H \"Authorization: $GEM_HOST_API_KEY\" -d '{{\"account\": \"ID\"}}' {url}/api/v1/gems/{name}/owners\n\
         and removes it with\n  \
         curl -H \"Authorization: $GEM_HOST_API_KEY\" -X DELETE {url}/api/v1/gems/{name}/owners/ID\n\
         The operator does the same with gemledger owner add|remove {name} ACCOUNT."
    ))
}
