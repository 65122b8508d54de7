//! HTTP for readers of a ledger: bounded in time and size, patient with servers that are busy.
//!
//! Nothing that comes back is believed; what this room holds is that asking costs a known amount of time and memory.
//! Certificates are checked by the system's store. A redirect may lead to another host (tiles live in object stores),
//! never from https to http, and a credential is not taken along: the client drops it when the host changes.
use std::{io::Read as _, net::IpAddr, time::Duration};

use flate2::read::MultiGzDecoder;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER,
    },
    redirect,
};

use super::{Lie, RemoteError, codes};

const MAX_REDIRECTS: usize = 3;

/// How patient a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How often one thing is asked for before giving up, at least once.
    pub attempts: u32,
    /// The pause after the first failure; it doubles with each further one.
    pub first_pause: Duration,
    /// The longest pause, also where the server asks for a longer one.
    pub longest_pause: Duration,
    /// The longest time that one attempt may take, from connecting to the last byte.
    pub attempt_time: Duration,
    /// How many bundles are fetched ahead of whoever reads leaves.
    pub ahead: usize,
}

impl Default for Settings {
    /// Four attempts within some ten seconds of pauses, half a minute each, eight bundles ahead.
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            attempt_time: Duration::from_secs(30),
            ahead: 8,
        }
    }
}

/// An API key of a private registry. It has no `Debug`, so it cannot slip into a log.
#[derive(Clone)]
pub struct Credential(HeaderValue);

impl Credential {
    /// Takes the key as `gem` would send it; `None` if it cannot stand in a header.
    pub fn new(key: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(key.trim()).ok()?;
        if value.is_empty() {
            return None;
        }
        value.set_sensitive(true);
        Some(Self(value))
    }
}

/// Asks one registry.
#[derive(Clone)]
pub struct HttpClient {
    client: Client,
    base: Url,
    credential: Option<Credential>,
    settings: Settings,
}

impl HttpClient {
    /// A client for what lies below this address. A credential is sent over https or to this machine only.
    pub fn new(
        address: &str,
        credential: Option<Credential>,
        settings: Settings,
    ) -> Result<Self, RemoteError> {
        let mut base = checked(address)?;
        if base.query().is_some() {
            return Err(refused(address, "it has a query"));
        }
        if credential.is_some() && base.scheme() == "http" && !is_loopback(&base) {
            let reason = "an API key would travel in the clear: use https, or give no key";
            return Err(refused(address, reason));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self {
            client: client(&base, &settings)?,
            base,
            credential,
            settings,
        })
    }

    /// A client that posts to exactly this address, which may have a query.
    pub fn for_webhook(address: &str, settings: Settings) -> Result<Self, RemoteError> {
        let base = checked(address)?;
        Ok(Self {
            client: client(&base, &settings)?,
            base,
            credential: None,
            settings,
        })
    }

    /// Whether it asks this very machine.
    pub fn is_local(&self) -> bool {
        is_loopback(&self.base)
    }

    /// How patient it is.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// The address, with a slash at its end.
    pub fn address(&self) -> &str {
        self.base.as_str()
    }

    /// The body below this path, at most `limit` bytes; `None` where there is no such thing (404 or 410).
    pub async fn get(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, RemoteError> {
        let url = self.base.join(path).map_err(|_| RemoteError::Address {
            address: path.to_owned(),
            reason: "it is not a path",
        })?;
        let mut last = None;
        for attempt in 1..=self.settings.attempts.max(1) {
            let pause = match self.attempt(&url, limit).await {
                Outcome::Done(answer) => return answer,
                Outcome::Again(error, asked) => {
                    last = Some(error);
                    asked
                }
            };
            if attempt < self.settings.attempts {
                tokio::time::sleep(self.pause(attempt, pause)).await;
            }
        }
        Err(last.unwrap_or(RemoteError::Unreachable {
            what: url.to_string(),
            reason: "it was not asked".into(),
        }))
    }

    /// The pause after so many attempts: doubled each time, or what the server asks for, within bounds.
    pub(crate) fn pause(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let doubled = self
            .settings
            .first_pause
            .saturating_mul(1 << attempt.saturating_sub(1).min(16));
        asked.unwrap_or(doubled).min(self.settings.longest_pause)
    }

    async fn attempt(&self, url: &Url, limit: usize) -> Outcome {
        let mut request = self.client.get(url.clone()).header(ACCEPT_ENCODING, "gzip");
        if let Some(Credential(value)) = &self.credential {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let what = || url.to_string();
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Outcome::Again(unreachable_at(what(), &error), None),
        };
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::GONE => return Outcome::Done(Ok(None)),
            status => {
                let error = RemoteError::Status {
                    what: what(),
                    status: status.as_u16(),
                };
                let busy = status.is_server_error()
                    || matches!(
                        status,
                        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
                    );
                return if busy {
                    Outcome::Again(error, retry_after(&response))
                } else {
                    Outcome::Done(Err(error))
                };
            }
        }
        let zipped = is_gzip(&response);
        // What cannot be compressed grows a little: hashes, for example.
        let most = if zipped {
            limit + limit / 64 + 1024
        } else {
            limit
        };
        match body(response, most).await {
            Ok(Some(bytes)) if zipped => Outcome::Done(unzip(&bytes, limit, url)),
            Ok(Some(bytes)) => Outcome::Done(Ok(Some(bytes))),
            Ok(None) => Outcome::Done(Err(too_long(url, limit))),
            Err(error) => Outcome::Again(unreachable_at(what(), &error), None),
        }
    }

    /// Posts JSON below this path, once: the status, and what is answered in at most `limit` bytes.
    pub async fn post(
        &self,
        path: &str,
        sent: Vec<u8>,
        limit: usize,
    ) -> Result<(u16, Vec<u8>), RemoteError> {
        let url = self
            .base
            .join(path)
            .map_err(|_| refused(path, "it is not a path"))?;
        let mut request = self
            .client
            .post(url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(sent);
        if let Some(Credential(value)) = &self.credential {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let failed = |error: reqwest::Error| unreachable_at(url.to_string(), &error);
        let response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let told = body(response, limit).await.map_err(failed)?;
        Ok((status, told.ok_or_else(|| too_long(&url, limit))?))
    }

    /// Posts JSON to the address itself, once. Of the answer only the status is read.
    pub async fn post_json(&self, body: Vec<u8>) -> Result<(), RemoteError> {
        // The query of a webhook may be its secret.
        let mut what = self.base.clone();
        what.set_query(None);
        let request = self
            .client
            .post(self.base.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let response = request
            .send()
            .await
            .map_err(|error| unreachable_at(what.to_string(), &error))?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(RemoteError::Status {
            what: what.to_string(),
            status: response.status().as_u16(),
        })
    }
}

fn refused(address: &str, reason: &'static str) -> RemoteError {
    RemoteError::Address {
        address: address.to_owned(),
        reason,
    }
}

/// An http(s) URL with a host, and without user, password or fragment.
fn checked(address: &str) -> Result<Url, RemoteError> {
    let url = Url::parse(address).map_err(|_| refused(address, "it is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refused(address, "it is not an http(s) URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(address, "it carries a user or password"));
    }
    if url.fragment().is_some() {
        return Err(refused(address, "it has a fragment"));
    }
    Ok(url)
}

fn client(base: &Url, settings: &Settings) -> Result<Client, RemoteError> {
    let mut builder = Client::builder()
        .user_agent(concat!("gemledger/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.attempt_time.min(Duration::from_secs(10)))
        .timeout(settings.attempt_time)
        .redirect(redirect::Policy::custom(follow))
        .referer(false);
    if is_loopback(base) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| RemoteError::Unreachable {
        what: base.origin().ascii_serialization(),
        reason: format!("the HTTP client cannot start: {}", error.without_url()),
    })
}

/// What one attempt led to.
enum Outcome {
    Done(Result<Option<Vec<u8>>, RemoteError>),
    /// Worth another attempt, perhaps after as long as the server asks for.
    Again(RemoteError, Option<Duration>),
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let downgraded = attempt.url().scheme() != "https"
        && attempt
            .previous()
            .last()
            .is_some_and(|last| last.scheme() == "https");
    if downgraded || attempt.previous().len() > MAX_REDIRECTS {
        attempt.stop()
    } else {
        attempt.follow()
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || literal.parse().is_ok_and(|host: IpAddr| host.is_loopback())
}

fn unreachable_at(what: String, error: &reqwest::Error) -> RemoteError {
    let reason = if error.is_timeout() {
        "no answer within the time allowed".to_owned()
    } else {
        // The URL is said already, and the cause behind the error is what helps.
        let mut text = String::new();
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
        while let Some(error) = cause {
            text = error.to_string();
            cause = error.source();
        }
        if text.is_empty() {
            "the connection failed".to_owned()
        } else {
            text
        }
    };
    RemoteError::Unreachable { what, reason }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

fn is_gzip(response: &Response) -> bool {
    response
        .headers()
        .get(CONTENT_ENCODING)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"))
}

/// The body as it was sent; `None` if it is longer than the limit.
async fn body(mut response: Response, limit: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > limit {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

fn unzip(bytes: &[u8], limit: usize, url: &Url) -> Result<Option<Vec<u8>>, RemoteError> {
    let mut plain = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    match MultiGzDecoder::new(bytes)
        .take(most)
        .read_to_end(&mut plain)
    {
        Ok(_) if plain.len() > limit => Err(too_long(url, limit)),
        Ok(_) => Ok(Some(plain)),
        Err(error) => Err(RemoteError::Unreachable {
            what: url.to_string(),
            reason: format!("the answer is not gzip, as it says: {error}"),
        }),
    }
}

fn too_long(url: &Url, limit: usize) -> RemoteError {
    Lie::new(
        codes::TOO_LONG,
        format!("{url} answered more than {limit} bytes"),
    )
    .into()
}
