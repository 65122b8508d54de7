//! One request to a witness, bounded in time, size and direction.
use std::time::Duration;

use reqwest::{Client as Http, header::RETRY_AFTER, redirect};

use super::protocol::{self, Answer, MAX_ANSWER};

const CONNECT_TIME: Duration = Duration::from_secs(3);
const TOTAL_TIME: Duration = Duration::from_secs(10);

/// The HTTP client that asks witnesses. It follows no redirect, keeps no cookie and believes no proxy of the environment.
#[derive(Clone, Debug)]
pub struct Client(Http);

impl Client {
    /// The client, or in words why it cannot be made.
    pub fn new() -> Result<Self, String> {
        Http::builder()
            .user_agent(concat!("gemledger/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIME)
            .timeout(TOTAL_TIME)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            // Witnesses close idle connections within seconds: a kept one would fail with the next question.
            .pool_max_idle_per_host(0)
            .build()
            .map(Self)
            .map_err(reason)
    }

    /// Asks once. If no answer comes, the witness may have cosigned all the same: what it has seen is learnt with the next
    /// question.
    pub async fn submit(&self, url: &str, body: String) -> Result<Answer, String> {
        let address = format!("{url}/add-checkpoint");
        let mut response = self
            .0
            .post(address)
            .body(body)
            .send()
            .await
            .map_err(reason)?;
        let status = response.status().as_u16();
        let header = response.headers().get(RETRY_AFTER);
        let retry_after = header
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reason)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(format!("the answer is longer than {MAX_ANSWER} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        protocol::answer(status, retry_after.as_deref(), &body)
    }
}

fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer within the time allowed".into();
    }
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}
