//! `POST /api/v1/gems`, and what `gem` also tries: yank and sign in, which are refused politely.
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::CACHE_CONTROL},
    web::{Data, Payload},
};
use events::api_key::Scope;
use serde_json::{Value, json};

use super::upload;
use crate::{
    app::{App, push::Pushed},
    http::{
        authorized::Credential,
        limits::Limits,
        problem::Problem,
        receipts::{self, Asked},
    },
};

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
    let as_asked = |problem: Problem| {
        if receipts::in_json(&request) {
            problem.in_json()
        } else {
            problem
        }
    };
    let upload = upload::read(&app, &request, payload).await;
    let (upload, _room) = upload.map_err(as_asked)?;
    let pushed = app.push(&credential.0, upload).await;
    let pushed = pushed.map_err(|error| as_asked(error.into_problem(None)))?;
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
    let text = match pushed.attestations.len() {
        0 => text,
        1 => format!("{text}\nIts attestation is of the same run and commit."),
        count => format!("{text}\nIts {count} attestations are of the same run and commit."),
    };
    let text = match &pushed.warning {
        Some(warning) => format!("{text}\nWarning: {warning}"),
        None => text,
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
    if let Some(told) = told.as_object_mut() {
        if !pushed.attestations.is_empty() {
            told.insert("attestations".to_owned(), json!(pushed.attestations));
        }
        if !pushed.attestations_ignored.is_empty() {
            let ignored = json!(pushed.attestations_ignored);
            told.insert("attestations_ignored".to_owned(), ignored);
        }
        if let Some(warning) = &pushed.warning {
            told.insert("warning".to_owned(), json!(warning));
        }
    }
    receipt.tell(&mut told);
    told
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
