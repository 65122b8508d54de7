//! `POST` and `DELETE /api/v1/oidc/trusted_publisher/exchange_token`: an identity token for a key, and the key back.
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    web::{Data, Payload},
};
use events::{api_key::Scope, id::Actor};
use serde::Deserialize;
use serde_json::{error::Category, json};

use crate::{
    app::App,
    http::{authorized::Credential, body, limits::Limits, problem::Problem, receipts},
};

#[derive(Deserialize)]
struct Body {
    jwt: String,
}

/// Exchanges a token. JSON or a form, as rubygems.org takes them. `?receipt=true` has the receipt of the exchange in the
/// answer too.
pub async fn exchange(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    limits.address(&request).map_err(Problem::in_json)?;
    let wanted = receipts::wanted(&request).map_err(Problem::in_json)?;
    let body = body::small(payload).await?;
    let jwt = jwt(&request, &body).map_err(Problem::in_json)?;
    let minted = app
        .exchange(&jwt, |repository| limits.repository(repository).is_ok())
        .await?;
    let mut told = json!({
        "rubygems_api_key": minted.secret.reveal(),
        "name": minted.name,
        "scopes": [Scope::PushRubygem.as_str()],
        "expires_at": minted.expires.to_string(),
        "log_index": minted.index,
    });
    if wanted {
        receipts::of_event(&app, minted.index).await.tell(&mut told);
    }
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(told))
}

fn jwt(request: &HttpRequest, body: &[u8]) -> Result<String, Problem> {
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let missing = || Problem::malformed("Request is missing param 'jwt'");
    if kind.starts_with("application/x-www-form-urlencoded") {
        let pairs = actix_web::web::Query::<Body>::from_query(
            std::str::from_utf8(body).map_err(|_| missing())?,
        );
        return pairs
            .map(|pairs| pairs.into_inner().jwt)
            .map_err(|_| missing());
    }
    serde_json::from_slice::<Body>(body)
        .map(|body| body.jwt)
        .map_err(|error| match error.classify() {
            Category::Data => missing(),
            Category::Io | Category::Syntax | Category::Eof => {
                Problem::malformed("the body is not JSON; send {\"jwt\": \"…\"}")
            }
        })
}

/// Revokes the key that is shown, so that a job leaves nothing behind.
pub async fn revoke(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
) -> Result<HttpResponse, Problem> {
    limits.address(&request).map_err(Problem::in_json)?;
    let Credential(key) = Credential::of(&app, request.headers())
        .await
        .map_err(Problem::in_json)?;
    let actor = match (&key.account, &key.exchange) {
        (Some(account), _) => Actor::Account(*account),
        (None, Some(token)) => {
            let exchanged = app.reader.event(token, 0).await?;
            exchanged.map_or(Actor::Operator, |recorded| recorded.event.actor)
        }
        (None, None) => Actor::Operator,
    };
    let index = app
        .revoke_api_key(key.id, Some(actor))
        .await
        .map_err(|error| Problem::from(error).in_json())?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(json!({"revoked": true, "log_index": index})))
}
