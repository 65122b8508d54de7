//! `POST /api/v1/gems`, and what `gem` also tries: yank and sign in, which are refused politely.
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::CONTENT_TYPE},
    web::{Bytes, BytesMut, Data, Payload},
};
use events::api_key::Scope;
use futures::StreamExt as _;

use crate::{
    app::App,
    http::{MAX_GEM, authorized::Credential, limits::Limits, problem::Problem},
};

/// Takes a gem. The key is checked before the first byte of the body is read.
pub async fn push(request: HttpRequest, app: Data<App>, limits: Data<Limits>, payload: Payload) -> Result<HttpResponse, Problem> {
    limits.address(&request)?;
    let credential = Credential::of(&app, request.headers()).await?;
    credential.may(Scope::PushRubygem, app.clock.now())?;
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("multipart/") {
        let text = "This registry does not take attestations yet. Push without --attestation.";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "multipart_unsupported", text));
    }
    let _parsing = app.parses.acquire().await.map_err(|_| Problem::malformed("the server is shutting down"))?;
    let bytes = read(&request, payload).await?;
    let pushed = app.push(&credential.0, bytes).await.map_err(|error| error.into_problem(None))?;
    let page = format!("{}/gems/{}/versions/{}", app.url.as_str(), pushed.name, pushed.number);
    let text = match pushed.index {
        Some(index) => format!(
            "Successfully registered gem: {} ({})\nRecorded at log index {index}: {page}",
            pushed.name, pushed.number
        ),
        None => format!("Gem was already pushed: {} ({})\nSee {page}", pushed.name, pushed.number),
    };
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text))
}

async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Bytes, Problem> {
    let too_big = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "gem_too_big", format!("a gem has at most {MAX_GEM} bytes"));
    let announced = request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_GEM) {
        return Err(too_big());
    }
    let mut bytes = BytesMut::with_capacity(announced.unwrap_or(0).min(1 << 20));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Problem::malformed(format!("the body ended early: {error}")))?;
        if bytes.len() + chunk.len() > MAX_GEM {
            return Err(too_big());
        }
        bytes.extend_from_slice(&chunk);
    }
    if bytes.is_empty() {
        return Err(Problem::malformed("the body is empty: send the .gem file itself"));
    }
    Ok(bytes.freeze())
}

/// What is released stays released, for now.
pub async fn yank(request: HttpRequest, app: Data<App>, limits: Data<Limits>) -> Result<HttpResponse, Problem> {
    limits.address(&request)?;
    Credential::of(&app, request.headers()).await?.may(Scope::YankRubygem, app.clock.now())?;
    let text = "This registry does not yank releases yet. Release a fixed version instead; nothing was changed.";
    Err(Problem::new(StatusCode::FORBIDDEN, "yank_unsupported", text))
}

/// Keys come from the operator, not from a password.
pub async fn sign_in() -> HttpResponse {
    let text = "This registry has no passwords. Ask its operator for an API key (`gemledger api-key issue`), or use trusted publishing.";
    HttpResponse::Gone().content_type("text/plain; charset=utf-8").body(text)
}
