//! `/api/v1/gems/NAME/rules`, `…/changes` and `…/owners`: what a gem demands of its releases, whose it is, and the changes
//! that wait. For people: an account's key with the scope `configure_policy`, `add_owner` or `remove_owner`.
use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse,
    http::{StatusCode, header::CACHE_CONTROL},
    web::{Data, Path, Payload, ServiceConfig, resource},
};
use events::{
    api_key::Scope,
    id::{AccountId, Actor, ChangeId, Owner, Via},
    name::{FoldedName, GemName},
    rule::{Rule, Setting},
    text::Text,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::gem_owners;
use crate::{
    app::{
        App, CommandError, Request,
        policy::{Declared, Override},
    },
    http::{authorized::Credential, body, limits::Limits, problem::Problem},
    views::rules,
};

/// Where they are.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/api/v1/gems/{gem}/rules").get(list_rules))
        .service(resource("/api/v1/gems/{gem}/rules/{rule}").put(set_rule))
        .service(resource("/api/v1/gems/{gem}/changes").get(list_changes))
        .service(resource("/api/v1/gems/{gem}/changes/{change}").delete(cancel))
        .service(resource("/api/v1/gems/{gem}/changes/{change}/override").post(overrule))
        .service(
            resource("/api/v1/gems/{gem}/owners")
                .get(list_owners)
                .post(add_owner)
                .delete(remove_by_address),
        )
        .service(resource("/api/v1/gems/{gem}/owners/{account}").delete(remove_owner));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSetting {
    setting: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOwner {
    account: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: Option<String>,
}

/// Who asks, of which gem. Whether they may is the rules' answer: an owner of the past may still cancel.
struct Caller {
    request: Request,
    account: AccountId,
    gem: FoldedName,
}

/// Any of these reads what one of them changes.
const READ: [Scope; 4] = [
    Scope::ConfigurePolicy,
    Scope::AddOwner,
    Scope::ConfigureTrustedPublishers,
    Scope::RemoveOwner,
];

async fn caller(
    request: &HttpRequest,
    app: &App,
    name: &str,
    scopes: &[Scope],
) -> Result<Caller, Problem> {
    let credential = Credential::of(app, request.headers()).await;
    let credential = credential.map_err(Problem::in_json)?;
    let held = scopes.iter().find(|scope| credential.0.has(**scope));
    let scope = held.or(scopes.first()).copied();
    let scope = scope.unwrap_or(Scope::ConfigurePolicy);
    credential
        .may(scope, app.clock.now())
        .map_err(Problem::in_json)?;
    let forbidden = |text: &str| Problem::new(StatusCode::FORBIDDEN, "forbidden", text).in_json();
    let account = credential.0.account;
    let account = account.ok_or_else(|| forbidden("only a person's key can manage a policy"))?;
    let gem = GemName::parse(name).map_err(|_| no_gem())?.folded();
    if credential.0.gem.as_ref().is_some_and(|only| *only != gem) {
        return Err(forbidden(
            "This API key cannot perform the specified action on this gem.",
        ));
    }
    Ok(Caller {
        request: app.request(Actor::Account(account), Via::Http),
        account,
        gem,
    })
}

fn no_gem() -> Problem {
    Problem::not_found("This rubygem could not be found.").in_json()
}

/// What only owners see is kept by no cache on the way.
fn answer(status: StatusCode, body: &Value) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(body)
}

fn declared(outcome: Result<Declared, CommandError>) -> Result<HttpResponse, Problem> {
    let declared = outcome.map_err(|error| Problem::from(error).in_json())?;
    Ok(answer(StatusCode::OK, &shown(&declared)))
}

fn shown(declared: &Declared) -> Value {
    let Declared {
        id,
        index,
        effective,
    } = declared;
    json!({"change": id, "log_index": index, "effective": effective})
}

/// The policy, for one of its owners now.
async fn now(app: &App, caller: &Caller) -> Result<rules::RulesNow, Problem> {
    let found = rules::now(&app.reader, &caller.gem, app.clock.now()).await?;
    if found.policy.name.is_none() {
        return Err(no_gem());
    }
    if !found
        .policy
        .owners
        .contains(&Owner::Account(caller.account))
    {
        let text = "You are not an owner of this gem.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", text).in_json());
    }
    Ok(found)
}

async fn fields<T: DeserializeOwned>(payload: Payload, wanted: &str) -> Result<T, Problem> {
    let body = body::small(payload).await?;
    let body = if body.is_empty() { b"{}" } else { &body[..] };
    serde_json::from_slice(body).map_err(|_| Problem::malformed(wanted.to_owned()).in_json())
}

/// The gem's rules, and what they demand of the next release.
async fn list_rules(
    request: HttpRequest,
    app: Data<App>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&request, &app, &name, &READ).await?;
    let found = now(&app, &caller).await?;
    Ok(answer(StatusCode::OK, &json!(found.rules)))
}

/// Sets a rule.
async fn set_rule(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
    path: Path<(String, String)>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    limits.address(&request).map_err(Problem::in_json)?;
    let (name, rule) = path.into_inner();
    let caller = caller(&request, &app, &name, &[Scope::ConfigurePolicy]).await?;
    let rule =
        Rule::parse(&rule).ok_or_else(|| Problem::not_found("there is no such rule").in_json())?;
    let names = Setting::ALL.map(Setting::as_str).join(", ");
    let wanted = format!("send {{\"setting\": …}}, one of {names}");
    let new: NewSetting = fields(payload, &wanted).await?;
    let to = Setting::parse(&new.setting);
    let to = to.ok_or_else(|| Problem::malformed(wanted).in_json())?;
    declared(app.set_rule(caller.request, caller.gem, rule, to).await)
}

/// The changes that wait, and what waits of the registry's own settings and bears on the gem.
async fn list_changes(
    request: HttpRequest,
    app: Data<App>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&request, &app, &name, &READ).await?;
    let found = now(&app, &caller).await?;
    let own = found.changes.iter().map(|change| json!(change));
    // They have no id: nobody cancels them here.
    let beyond = found.beyond.iter().map(|beyond| json!(beyond));
    Ok(answer(StatusCode::OK, &own.chain(beyond).collect()))
}

fn change_id(text: &str) -> Result<ChangeId, Problem> {
    let unknown = |_| Problem::not_found("there is no such change").in_json();
    text.parse().map(ChangeId).map_err(unknown)
}

/// Cancels a change that waits.
async fn cancel(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    limits.address(&request).map_err(Problem::in_json)?;
    let (name, change) = path.into_inner();
    let caller = caller(&request, &app, &name, &[Scope::ConfigurePolicy]).await?;
    let change = change_id(&change)?;
    declared(app.cancel_change(caller.request, caller.gem, change).await)
}

/// Proposes that a change take effect at once, or agrees with somebody else's proposal.
async fn overrule(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
    path: Path<(String, String)>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    limits.address(&request).map_err(Problem::in_json)?;
    let (name, change) = path.into_inner();
    let caller = caller(&request, &app, &name, &[Scope::ConfigurePolicy]).await?;
    let change = change_id(&change)?;
    let Reason { reason } = fields(payload, "send {\"reason\": …}, or nothing").await?;
    let reason = reason.as_deref().map(Text::parse).transpose();
    let reason =
        reason.map_err(|error| Problem::malformed(format!("the reason {error}")).in_json())?;
    let outcome = app
        .override_change(caller.request, caller.gem, change, reason)
        .await;
    let outcome = outcome.map_err(|error| Problem::from(error).in_json())?;
    let (word, status, event) = match &outcome {
        Override::Agreed(event) => ("overridden", StatusCode::OK, event),
        Override::Proposed(event) => ("proposed", StatusCode::ACCEPTED, event),
    };
    let Declared { id, index, .. } = event;
    let body = json!({"change": id, "log_index": index, "status": word});
    Ok(answer(status, &body))
}

/// The gem's owners.
async fn list_owners(
    request: HttpRequest,
    app: Data<App>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    let caller = caller(&request, &app, &name, &READ).await?;
    let found = now(&app, &caller).await?;
    let owners = found.policy.owners.iter();
    let owners: Vec<Value> = owners.map(|owner| json!({"owner": owner})).collect();
    Ok(answer(StatusCode::OK, &json!(owners)))
}

fn account(text: &str) -> Result<Owner, Problem> {
    let unknown = |_| Problem::not_found("there is no such account; send its id").in_json();
    AccountId::parse(text).map(Owner::Account).map_err(unknown)
}

/// Adds an owner.
async fn add_owner(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
    name: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    limits.address(&request).map_err(Problem::in_json)?;
    let caller = caller(&request, &app, &name, &[Scope::AddOwner]).await?;
    let new: Result<NewOwner, _> = fields(payload, "send {\"account\": …}, the account's id").await;
    let of_gem = |problem| {
        if is_form(&request) {
            gem_owners::instead(&app, &name)
        } else {
            problem
        }
    };
    let new = new.map_err(of_gem)?;
    let owner = account(&new.account)?;
    declared(app.add_owner(caller.request, caller.gem, owner).await)
}

/// `gem owner --remove` names whom it removes by an address, in a form.
async fn remove_by_address(
    request: HttpRequest,
    app: Data<App>,
    name: Path<String>,
) -> Result<HttpResponse, Problem> {
    caller(&request, &app, &name, &[Scope::RemoveOwner]).await?;
    Err(gem_owners::instead(&app, &name))
}

/// `gem` sends forms; `curl -d` says so of everything.
fn is_form(request: &HttpRequest) -> bool {
    request.content_type() == "application/x-www-form-urlencoded"
}

/// Removes an owner.
async fn remove_owner(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    limits.address(&request).map_err(Problem::in_json)?;
    let (name, owner) = path.into_inner();
    let caller = caller(&request, &app, &name, &[Scope::RemoveOwner]).await?;
    let owner = account(&owner)?;
    declared(app.remove_owner(caller.request, caller.gem, owner).await)
}
