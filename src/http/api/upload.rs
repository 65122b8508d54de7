//! What comes with a push: the file alone, or a form of the file and its attestations, as `gem push --attestation` sends
//! it. Bounded in bytes and in time, and read only once there is room for all of it.
use std::{
    io::{Error, ErrorKind},
    time::Duration,
};

use actix_web::{
    HttpMessage as _, HttpRequest,
    error::PayloadError,
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    web::{Bytes, BytesMut, Payload},
};
use futures::{Stream, StreamExt as _, stream};
use tokio::{
    sync::SemaphorePermit,
    time::{Instant, timeout_at},
};

use crate::{
    app::{App, attestations::MAX_ATTESTATIONS, push::Upload},
    http::{MAX_GEM, problem::Problem},
};

mod form;

use self::form::{Form, FormError, Part};

/// How long the next part of a body may take to arrive.
const CHUNK_TIME: Duration = Duration::from_secs(30);
/// Bytes a second that must come on the whole: whoever drips would keep others waiting for room.
const PACE: usize = 256 << 10;
/// Boundaries and headers of a form's two parts, in bytes.
const FRAME: usize = 16 << 10;

/// Reads the body. What it holds is told by its type: a form, or the file itself.
pub(super) async fn read<'a>(
    app: &'a App,
    request: &HttpRequest,
    payload: Payload,
) -> Result<(Upload, SemaphorePermit<'a>), Problem> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    let form = kind.eq_ignore_ascii_case("multipart/form-data");
    if !form && kind.to_ascii_lowercase().starts_with("multipart/") {
        let text = "Send the file itself, or a form (multipart/form-data) of its file and its attestations.";
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "multipart_unsupported",
            text,
        ));
    }
    let boundary = form.then(|| boundary(request)).transpose()?;
    let limit = if form {
        MAX_GEM + MAX_ATTESTATIONS + FRAME
    } else {
        MAX_GEM
    };
    let header = request.headers().get(CONTENT_LENGTH);
    let announced = header.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let most = announced.unwrap_or(limit);
    if most > limit {
        return Err(too_big());
    }
    let mebibytes = u32::try_from((most >> 20) + 1).unwrap_or(u32::MAX);
    let stopping = |_| Problem::malformed("the server is shutting down");
    let room = app
        .uploads
        .acquire_many(mebibytes)
        .await
        .map_err(stopping)?;
    let body = paced(payload, most);
    let body = whole(body, most).await?;
    let upload = match boundary {
        Some(boundary) => parts(&boundary, &body)?,
        None => body.into(),
    };
    if upload.gem.is_empty() {
        return Err(Problem::malformed(
            "the body is empty: send the .gem file itself",
        ));
    }
    Ok((upload, room))
}

fn boundary(request: &HttpRequest) -> Result<String, Problem> {
    let kind = request.mime_type().ok().flatten();
    let boundary = kind.and_then(|kind| Some(kind.get_param("boundary")?.as_str().to_owned()));
    boundary.ok_or_else(|| malformed(&FormError::Malformed("its type names no boundary")))
}

fn too_big() -> Problem {
    let text = format!("a gem has at most {MAX_GEM} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "gem_too_big", text)
}

/// The body as it comes. Whoever stops sending, drips, or sends more than was said, is cut off.
fn paced(
    payload: Payload,
    most: usize,
) -> impl Stream<Item = Result<Bytes, PayloadError>> + 'static {
    let seconds = u64::try_from(most / PACE).unwrap_or(u64::MAX);
    let end = Instant::now() + CHUNK_TIME + Duration::from_secs(seconds);
    let started = (payload, most, false);
    stream::unfold(started, move |(mut payload, left, over)| async move {
        if over {
            return None;
        }
        let soon = end.min(Instant::now() + CHUNK_TIME);
        let chunk = match timeout_at(soon, payload.next()).await {
            Err(_) => Err(PayloadError::Io(Error::from(ErrorKind::TimedOut))),
            Ok(None) => return None,
            Ok(Some(Ok(chunk))) if chunk.len() > left => {
                Err(PayloadError::Io(Error::from(ErrorKind::FileTooLarge)))
            }
            Ok(Some(chunk)) => chunk,
        };
        let left = left - chunk.as_ref().map_or(left, Bytes::len);
        let over = chunk.is_err();
        Some((chunk, (payload, left, over)))
    })
}

fn interrupted(error: &PayloadError) -> Problem {
    if let PayloadError::Io(error) = error {
        if error.kind() == ErrorKind::FileTooLarge {
            return too_big();
        }
        if error.kind() == ErrorKind::TimedOut {
            return Problem::malformed("the body stopped coming");
        }
    }
    Problem::malformed(format!("the body ended early: {error}"))
}

async fn whole(
    body: impl Stream<Item = Result<Bytes, PayloadError>>,
    most: usize,
) -> Result<Bytes, Problem> {
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::with_capacity(most.min(1 << 20));
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(|error| interrupted(&error))?);
    }
    Ok(bytes.freeze())
}

/// The two parts of a form: `gem`, a file, and perhaps `attestations`, a plain field. Each once, and nothing else.
fn parts(boundary: &str, body: &Bytes) -> Result<Upload, Problem> {
    let mut form = Form::new(boundary, body).map_err(|error| malformed(&error))?;
    let (mut gem, mut attestations) = (None, None);
    while let Some(part) = form.part().map_err(|error| malformed(&error))? {
        match part.name.as_str() {
            "gem" if gem.is_none() => gem = Some(part.content),
            "attestations" if attestations.is_none() => attestations = Some(array(part)?),
            name @ ("gem" | "attestations") => {
                let text = format!("the part `{name}` is there twice");
                return Err(Problem::new(StatusCode::BAD_REQUEST, "part_repeated", text));
            }
            _ => {
                let text = "only the parts `gem` and `attestations` are known";
                return Err(Problem::new(StatusCode::BAD_REQUEST, "part_unknown", text));
            }
        }
    }
    let missing = || {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "part_missing",
            "the part `gem` is missing",
        )
    };
    let gem = gem.ok_or_else(missing)?;
    if gem.len() > MAX_GEM {
        return Err(too_big());
    }
    Ok(Upload { gem, attestations })
}

/// A part that a program made of its files' contents. A file of that name would be one bundle, and not say so.
fn array(part: Part) -> Result<Bytes, Problem> {
    if part.is_file {
        let text =
            "the part `attestations` is a file: send the JSON array of bundles as a plain field";
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "attestations_in_a_file",
            text,
        ));
    }
    if part.content.len() > MAX_ATTESTATIONS {
        let text = format!("the attestations have more than {MAX_ATTESTATIONS} bytes");
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "attestations_too_long",
            text,
        ));
    }
    Ok(part.content)
}

fn malformed(error: &FormError) -> Problem {
    let code = match error {
        FormError::Malformed(_) => "multipart_malformed",
        FormError::Header(_) => "part_header_unknown",
        FormError::Trailing => "multipart_trailing",
    };
    Problem::new(StatusCode::BAD_REQUEST, code, error.to_string())
}
