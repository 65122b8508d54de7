//! Small bodies: read whole, in time, and no further than anybody means well.
use std::time::Duration;

use actix_web::{
    http::StatusCode,
    web::{Bytes, BytesMut, Payload},
};
use futures::StreamExt as _;
use tokio::time::timeout;

use super::{MAX_BODY, problem::Problem};

/// How long a small body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// The whole body of a request that carries a token or a few fields.
pub async fn small(payload: Payload) -> Result<Bytes, Problem> {
    let slow = || {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            "the body did not come in time",
        )
    };
    timeout(BODY_TIME, read(payload))
        .await
        .unwrap_or_else(|_| Err(slow()))
        .map_err(Problem::in_json)
}

async fn read(mut payload: Payload) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk =
            chunk.map_err(|error| Problem::malformed(format!("the body ended early: {error}")))?;
        if bytes.len() + chunk.len() > MAX_BODY {
            let text = format!("the body has more than {MAX_BODY} bytes");
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                text,
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}
