//! `POST /api/v1/gems`, and what `gem` also tries: yank and sign in, which are refused politely.
use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE},
    },
    web::{Bytes, BytesMut, Data, Payload},
};
use events::api_key::Scope;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::{
    sync::SemaphorePermit,
    time::{Instant, timeout_at},
};

use crate::{
    app::{App, push::Pushed},
    http::{
        MAX_GEM,
        authorized::Credential,
        limits::Limits,
        problem::Problem,
        receipts::{self, Asked},
    },
};

/// How long the next part of a body may take to arrive.
const CHUNK_TIME: Duration = Duration::from_secs(30);
/// Bytes a second that must come on the whole: whoever drips would keep others waiting for room.
const PACE: usize = 256 << 10;

/// Takes a gem. The key is checked before the first byte of the body is read.
pub async fn push(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    limits.address(&request)?;
    let wanted = receipts::wanted(&request)?;
    let credential = Credential::of(&app, request.headers()).await?;
    credential.may(Scope::PushRubygem, app.clock.now())?;
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("multipart/") {
        let text = "This registry does not take attestations yet. Push without --attestation.";
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "multipart_unsupported",
            text,
        ));
    }
    let (bytes, _room) = read(&app, &request, payload).await?;
    let pushed = app
        .push(&credential.0, bytes)
        .await
        .map_err(|error| error.into_problem(None))?;
    let receipt = if wanted {
        receipts::of_file(&app, pushed.file.as_str()).await
    } else {
        Asked::Not
    };
    let mut response = HttpResponse::Ok();
    response.insert_header((CACHE_CONTROL, "no-store"));
    Ok(if receipts::in_json(&request) {
        response.json(as_json(&app, &pushed, receipt))
    } else {
        response
            .content_type("text/plain; charset=utf-8")
            .body(as_text(&app, &pushed, receipt))
    })
}

fn page(app: &App, pushed: &Pushed) -> String {
    let Pushed { name, number, .. } = pushed;
    format!("{}/gems/{name}/versions/{number}", app.url.as_str())
}

/// What `gem` prints. A receipt that was asked for follows after an empty line, and begins with its own first line.
fn as_text(app: &App, pushed: &Pushed, receipt: Asked) -> String {
    let Pushed { name, number, .. } = pushed;
    let page = page(app, pushed);
    let text = match pushed.index {
        Some(index) => format!(
            "Successfully registered gem: {name} ({number})\nRecorded at log index {index}: {page}"
        ),
        None => format!("Gem was already pushed: {name} ({number})\nSee {page}"),
    };
    match receipt {
        Asked::Not => text,
        Asked::Had(receipt) => format!("{text}\n\n{receipt}"),
        Asked::NotHad => {
            let url = app.url.as_str();
            let file = &pushed.file;
            format!(
                "{text}\nIts receipt cannot be had now; it will be at {url}/gems/{file}.gem.tlog-proof"
            )
        }
    }
}

/// The same for programs, which say `Accept: application/json`.
fn as_json(app: &App, pushed: &Pushed, receipt: Asked) -> Value {
    let mut told = json!({
        "name": pushed.name,
        "version": pushed.number,
        "file": format!("{}.gem", pushed.file),
        "already_pushed": pushed.index.is_none(),
        "log_index": pushed.index,
        "page": page(app, pushed),
    });
    receipt.tell(&mut told);
    told
}

/// Reads the body into memory, once there is room for all of it. Whoever stops sending, or drips, is cut off.
async fn read<'a>(
    app: &'a App,
    request: &HttpRequest,
    mut payload: Payload,
) -> Result<(Bytes, SemaphorePermit<'a>), Problem> {
    let too_big = || {
        let text = format!("a gem has at most {MAX_GEM} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "gem_too_big", text)
    };
    let header = request.headers().get(CONTENT_LENGTH);
    let announced = header.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let most = announced.unwrap_or(MAX_GEM);
    if most > MAX_GEM {
        return Err(too_big());
    }
    let mebibytes = u32::try_from((most >> 20) + 1).unwrap_or(u32::MAX);
    let stopping = |_| Problem::malformed("the server is shutting down");
    let room = app
        .uploads
        .acquire_many(mebibytes)
        .await
        .map_err(stopping)?;
    let mut bytes = BytesMut::with_capacity(most.min(1 << 20));
    let seconds = u64::try_from(most / PACE).unwrap_or(u64::MAX);
    let end = Instant::now() + CHUNK_TIME + Duration::from_secs(seconds);
    loop {
        let soon = end.min(Instant::now() + CHUNK_TIME);
        let chunk = match timeout_at(soon, payload.next()).await {
            Err(_) => return Err(Problem::malformed("the body stopped coming")),
            Ok(None) => break,
            Ok(Some(chunk)) => chunk,
        };
        let chunk =
            chunk.map_err(|error| Problem::malformed(format!("the body ended early: {error}")))?;
        if bytes.len() + chunk.len() > most {
            return Err(too_big());
        }
        bytes.extend_from_slice(&chunk);
    }
    if bytes.is_empty() {
        return Err(Problem::malformed(
            "the body is empty: send the .gem file itself",
        ));
    }
    Ok((bytes.freeze(), room))
}

/// What is released stays released, for now.
pub async fn yank(
    request: HttpRequest,
    app: Data<App>,
    limits: Data<Limits>,
) -> Result<HttpResponse, Problem> {
    limits.address(&request)?;
    Credential::of(&app, request.headers())
        .await?
        .may(Scope::YankRubygem, app.clock.now())?;
    let text = "This registry does not yank releases yet. Release a fixed version instead; nothing was changed.";
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "yank_unsupported",
        text,
    ))
}

/// Keys come from the operator, not from a password.
pub async fn sign_in() -> HttpResponse {
    let text = "This registry has no passwords. Ask its operator for an API key (`gemledger api-key issue`), or use trusted publishing.";
    HttpResponse::Gone()
        .content_type("text/plain; charset=utf-8")
        .body(text)
}
