//! The HTTP client of this room: bounded in time, size and direction.
//!
//! No cookies, no proxy from the environment, no decompression; certificates are checked by the system's store. A
//! redirect is followed only to the same scheme, host and port, and at most three times.
use core::{future::Future, pin::Pin, time::Duration};

use reqwest::{Client, StatusCode, redirect};

use super::address::{Address, same_origin};

/// Longest body, in bytes.
pub const MAX_BODY: usize = 256 * 1024;

const MAX_REDIRECTS: usize = 3;
const CONNECT_TIME: Duration = Duration::from_secs(5);
const TOTAL_TIME: Duration = Duration::from_secs(10);

/// A fetch under way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchError>> + Send + 'a>>;

/// Whoever can fetch a small document; the tests have one of their own.
pub trait Fetch: Send + Sync {
    /// The body behind this address.
    fn get<'a>(&'a self, address: &'a Address) -> Fetching<'a>;
}

/// Why a document could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The client could not be built: the system's certificates are missing, for example.
    #[error("the HTTP client cannot start: {0}")]
    Client(String),
    /// No answer, or not in time.
    #[error("no answer within the time allowed")]
    Timeout,
    /// A redirect led to another scheme, host or port, or there were too many.
    #[error("a redirect led elsewhere or there were too many")]
    Redirect,
    /// An answer other than 200.
    #[error("the answer was {0}, not 200")]
    Status(u16),
    /// The body is longer than [`MAX_BODY`].
    #[error("the answer is longer than 256 KiB")]
    TooLong,
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(String),
}

/// The client that reaches the network.
#[derive(Clone, Debug)]
pub struct HttpFetch(Client);

impl HttpFetch {
    /// A client with the bounds of this room.
    pub fn new() -> Result<Self, FetchError> {
        Client::builder()
            .user_agent(concat!("gemledger/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIME)
            .timeout(TOTAL_TIME)
            .redirect(redirect::Policy::custom(follow))
            .referer(false)
            .no_proxy()
            // Fetches are minutes apart and come from several runtimes: a kept connection would only go stale.
            .pool_max_idle_per_host(0)
            .build()
            .map(Self)
            .map_err(|error| FetchError::Client(error.without_url().to_string()))
    }
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let stays = attempt.previous().first().is_some_and(|first| same_origin(first, attempt.url()));
    let plain = attempt.url().username().is_empty() && attempt.url().password().is_none();
    if stays && plain && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.error(FetchError::Redirect)
    }
}

impl Fetch for HttpFetch {
    fn get<'a>(&'a self, address: &'a Address) -> Fetching<'a> {
        Box::pin(async move {
            let mut response = self.0.get(address.url().clone()).send().await.map_err(reason)?;
            if response.status() != StatusCode::OK {
                return Err(FetchError::Status(response.status().as_u16()));
            }
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(reason)? {
                if body.len() + chunk.len() > MAX_BODY {
                    return Err(FetchError::TooLong);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(body)
        })
    }
}

fn reason(error: reqwest::Error) -> FetchError {
    if error.is_redirect() {
        FetchError::Redirect
    } else if error.is_timeout() {
        FetchError::Timeout
    } else {
        FetchError::Connection(error.without_url().to_string())
    }
}
