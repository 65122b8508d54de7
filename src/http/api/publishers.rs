//! `/api/v1/gems/NAME/trusted_publishers`, as the API of rubygems.org has it.
//!
//! Its GitHub type means exactly the registered issuer of github.com. Publishers of other providers carry a type of
//! ours, so that no client takes them for something else.
use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    web::{Data, Path, Payload},
};
use deciders::policy::{Policy, PolicyAt};
use events::{
    api_key::Scope,
    claims::ProviderKind,
    id::{Actor, Owner, PublisherId, Via},
    name::GemName,
    policy::{PendingAdded, Publisher},
    stream::StreamName,
    text::Text,
    time::Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::{App, exchange::GITHUB_ISSUER},
    http::{authorized::Credential, body, limits::Limits, problem::Problem},
    views,
};

/// What rubygems.org calls a GitHub publisher.
const GITHUB_TYPE: &str = "OIDC::TrustedPublisher::GitHubAction";

#[derive(Deserialize)]
struct NewPublisher {
    trusted_publisher_type: String,
    trusted_publisher: Fields,
}

#[derive(Default, Deserialize)]
struct Fields {
    repository_owner: Option<String>,
    repository_name: Option<String>,
    workflow_filename: Option<String>,
    environment: Option<String>,
    workflow_repository_owner: Option<String>,
    workflow_repository_name: Option<String>,
}

/// The caller and the gem: an account with the scope, and an owner of the gem.
pub(super) async fn owner(
    request: &HttpRequest,
    app: &App,
    name: &str,
) -> Result<(Actor, Owner, GemName, PolicyAt), Problem> {
    let credential = Credential::of(app, request.headers())
        .await
        .map_err(Problem::in_json)?;
    credential
        .may(Scope::ConfigureTrustedPublishers, app.clock.now())
        .map_err(Problem::in_json)?;
    let forbidden = |text: &str| Problem::new(StatusCode::FORBIDDEN, "forbidden", text).in_json();
    let account = credential
        .0
        .account
        .ok_or_else(|| forbidden("only a person's key can do this"))?;
    let gem = GemName::parse(name)
        .map_err(|_| Problem::not_found("This rubygem could not be found.").in_json())?;
    if credential
        .0
        .gem
        .as_ref()
        .is_some_and(|only| *only != gem.folded())
    {
        return Err(forbidden(
            "This API key cannot perform the specified action on this gem.",
        ));
    }
    let policy: Policy = views::state(&app.reader, &StreamName::policy(&gem.folded())).await?;
    let policy = policy.at(app.clock.now()).into_owned();
    if policy.name.is_none() {
        return Err(Problem::not_found("This rubygem could not be found.").in_json());
    }
    let owner = Owner::Account(account);
    if !policy.owners.contains(&owner) {
        return Err(forbidden("You are not an owner of this gem."));
    }
    Ok((Actor::Account(account), owner, gem, policy))
}

/// The gem's publishers.
pub async fn list(
    request: HttpRequest,
    app: Data<App>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    let (.., policy) = owner(&request, &app, &name).await?;
    let known = app.reread().await?;
    let now = app.clock.now();
    let entries = policy.publishers.iter().map(|(id, entry)| {
        let waits = entry.waits_until(now);
        shown(*id, &entry.publisher, waits, &known.by_issuer)
    });
    let left = policy
        .live_pending(now)
        .map(|(id, pending)| left_over(*id, pending, &known.by_issuer));
    let all: Vec<Value> = entries.chain(left).collect();
    Ok(answer(StatusCode::OK, &all.into()))
}

/// One publisher.
pub async fn show(
    request: HttpRequest,
    app: Data<App>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (name, id) = path.into_inner();
    let (.., policy) = owner(&request, &app, &name).await?;
    let known = app.reread().await?;
    let id = publisher_id(&id)?;
    let now = app.clock.now();
    let entry = policy.publishers.get(&id).map(|entry| {
        let waits = entry.waits_until(now);
        shown(id, &entry.publisher, waits, &known.by_issuer)
    });
    let mut left = policy.live_pending(now);
    let left = left.find(|(one, _)| **one == id);
    let left = left.map(|(_, pending)| left_over(id, pending, &known.by_issuer));
    let shown = entry.or(left).ok_or_else(unknown)?;
    Ok(answer(StatusCode::OK, &shown))
}

/// What only an owner sees is kept by no cache on the way, whatever it thinks of the `Authorization` header.
fn answer(status: StatusCode, body: &Value) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(body)
}

fn unknown() -> Problem {
    Problem::not_found("there is no such trusted publisher").in_json()
}

fn publisher_id(text: &str) -> Result<PublisherId, Problem> {
    text.parse().map(PublisherId).map_err(|_| unknown())
}

/// Adds a publisher.
pub async fn add(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
    name: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    limits.address(&request).map_err(Problem::in_json)?;
    let (actor, owner, gem, _) = owner(&request, &app, &name).await?;
    let body = body::small(payload).await?;
    let new = parse(&request, &body)?;
    if new.trusted_publisher_type != GITHUB_TYPE {
        return Err(unprocessable(
            json!({"error": "Unsupported trusted publisher type"}),
        ));
    }
    let known = app.reread().await?;
    let github = known
        .by_issuer
        .get(GITHUB_ISSUER)
        .filter(|(_, provider)| provider.live(app.clock.now()).is_ok())
        .map(|(slug, _)| slug.clone());
    let slug = github.ok_or_else(|| {
        unprocessable(json!({"error": "GitHub is not registered as a provider of this registry"}))
    })?;
    let publisher = publisher(new.trusted_publisher, slug)?;
    let added = app
        .add_publisher(app.request(actor, Via::Http), gem, publisher, owner)
        .await;
    let added = added.map_err(|error| Problem::from(error).in_json())?;
    let (id, effective) = (added.id, added.effective);
    let mut shown = shown(id, &added.publisher, effective, &known.by_issuer);
    if let Some(members) = shown.as_object_mut().filter(|_| !added.replaced.is_empty()) {
        members.insert("replaced".to_owned(), json!(added.replaced));
    }
    Ok(answer(StatusCode::CREATED, &shown))
}

/// Removes a publisher.
pub async fn remove(
    request: HttpRequest,
    app: Data<App>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (name, id) = path.into_inner();
    let (actor, _, gem, _) = owner(&request, &app, &name).await?;
    let id = publisher_id(&id)?;
    let removed = app
        .remove_publisher(app.request(actor, Via::Http), gem.folded(), id)
        .await;
    removed.map_err(|error| Problem::from(error).in_json())?;
    Ok(HttpResponse::NoContent().finish())
}

fn parse(request: &HttpRequest, body: &[u8]) -> Result<NewPublisher, Problem> {
    let malformed = || {
        Problem::malformed(
            "send trusted_publisher_type and trusted_publisher, as JSON or as a form",
        )
        .in_json()
    };
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return serde_json::from_slice(body).map_err(|_| malformed());
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(text)
        .map_err(|_| malformed())?;
    let mut object = serde_json::Map::new();
    let mut fields = serde_json::Map::new();
    for (key, value) in pairs.into_inner() {
        match key
            .strip_prefix("trusted_publisher[")
            .and_then(|key| key.strip_suffix(']'))
        {
            Some(field) => fields.insert(field.to_owned(), value.into()),
            None => object.insert(key, value.into()),
        };
    }
    object.insert("trusted_publisher".to_owned(), fields.into());
    serde_json::from_value(object.into()).map_err(|_| malformed())
}

/// The fields, each checked, with all that is wrong in one answer.
fn publisher(fields: Fields, provider: events::text::Slug) -> Result<Publisher, Problem> {
    let mut errors = serde_json::Map::new();
    let mut required = |field: &str, value: Option<String>| {
        let value = value.unwrap_or_default();
        let reason = if value.is_empty() {
            Some("can't be blank".to_owned())
        } else {
            Text::configured(&value).err().map(|e| e.to_string())
        };
        if let Some(reason) = reason {
            errors.insert(format!("trusted_publisher.{field}"), json!([reason]));
        }
        value
    };
    let owner = required("repository_owner", fields.repository_owner);
    let name = required("repository_name", fields.repository_name);
    let workflow = required("workflow_filename", fields.workflow_filename);
    let some = |value: Option<String>| value.filter(|value| !value.is_empty());
    let elsewhere = (
        some(fields.workflow_repository_owner),
        some(fields.workflow_repository_name),
    );
    if elsewhere.0.is_some() != elsewhere.1.is_some() {
        errors.insert(
            "trusted_publisher.workflow_repository_name".into(),
            json!(["must be given together with the owner"]),
        );
    }
    if !errors.is_empty() {
        return Err(unprocessable(
            json!({"errors": errors, "status": "unprocessable_content"}),
        ));
    }
    let text = |value: &str| {
        Text::configured(value).map_err(|error| unprocessable(json!({"error": error.to_string()})))
    };
    Ok(Publisher {
        any_ref: false,
        environment: some(fields.environment)
            .map(|value| text(&value))
            .transpose()?,
        owner_id: None,
        provider,
        repository: text(&format!("{owner}/{name}"))?,
        repository_id: None,
        workflow: text(&workflow)?,
        workflow_repository: match elsewhere {
            (Some(owner), Some(name)) => Some(text(&format!("{owner}/{name}"))?),
            _ => None,
        },
    })
}

fn unprocessable(body: Value) -> Problem {
    let reason = body.get("error").and_then(Value::as_str);
    let message = reason.unwrap_or("the publisher cannot be added").to_owned();
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "unprocessable_content",
        message,
    )
    .in_json()
    .with_details(body)
}

type ByIssuer = std::collections::BTreeMap<
    String,
    (
        events::text::Slug,
        std::sync::Arc<deciders::provider::Provider>,
    ),
>;

/// A publisher that is left over from before the first push: it may release the gem until it expires.
fn left_over(id: PublisherId, pending: &PendingAdded, providers: &ByIssuer) -> Value {
    let mut shown = shown(id, &pending.publisher, None, providers);
    if let Some(members) = shown.as_object_mut() {
        members.insert("expires".to_owned(), json!(pending.expires));
    }
    shown
}

fn shown(
    id: PublisherId,
    publisher: &Publisher,
    effective: Option<Timestamp>,
    providers: &ByIssuer,
) -> Value {
    let provider = providers
        .values()
        .find(|(slug, _)| *slug == publisher.provider);
    let identity =
        provider.and_then(|(_, provider)| Some((provider.kind()?, provider.issuer()?.as_str())));
    let kind = match identity {
        Some((ProviderKind::Github, GITHUB_ISSUER)) => GITHUB_TYPE,
        Some((ProviderKind::Github, _)) => "Gemledger::GitHubEnterprise",
        Some((ProviderKind::Gitlab, _)) => "Gemledger::GitLab",
        Some((ProviderKind::Generic, _)) | None => "Gemledger::Generic",
    };
    let split = |text: &Text| {
        text.as_str()
            .split_once('/')
            .map(|(owner, name)| (owner.to_owned(), name.to_owned()))
    };
    let (owner, name) = split(&publisher.repository).unwrap_or_default();
    let elsewhere = publisher.workflow_repository.as_ref().and_then(split);
    let environment = publisher
        .environment
        .as_ref()
        .map(|environment| format!(" ({environment})"))
        .unwrap_or_default();
    let label = if kind == GITHUB_TYPE {
        "GitHub Actions"
    } else {
        publisher.provider.as_str()
    };
    let mut shown = json!({
        "id": id.0,
        "trusted_publisher_type": kind,
        "trusted_publisher": {
            "name": format!("{label} {} @ .github/workflows/{}{environment}", publisher.repository, publisher.workflow),
            "repository_owner": owner,
            "repository_name": name,
            "repository_owner_id": publisher.owner_id,
            "repository_id": publisher.repository_id,
            "workflow_filename": publisher.workflow,
            "environment": publisher.environment,
            "workflow_repository_owner": elsewhere.as_ref().map(|(owner, _)| owner),
            "workflow_repository_name": elsewhere.as_ref().map(|(_, name)| name),
            "provider": publisher.provider,
        }
    });
    // Not of rubygems.org: from when on it may release the gem, where that is still to come.
    if let (Some(effective), Some(members)) = (effective, shown.as_object_mut()) {
        members.insert("effective".to_owned(), json!(effective));
    }
    shown
}
