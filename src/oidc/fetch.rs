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

/// A client that could not be built: whatever it is asked for, it says why. A ledger on a machine without certificates
/// still serves what needs no fetching.
pub struct NoFetch(pub FetchError);

impl Fetch for NoFetch {
    fn get<'a>(&'a self, _: &'a Address) -> Fetching<'a> {
        Box::pin(core::future::ready(Err(self.0.clone())))
    }
}

impl HttpFetch {
    /// A client with the bounds of this room.
    pub fn new() -> Result<Self, FetchError> {
        client(TOTAL_TIME).map(Self)
    }
}

/// A client that goes where it was sent and nowhere else. Whoever reads bodies with it bounds them.
pub fn client(patience: Duration) -> Result<Client, FetchError> {
    Client::builder()
        .user_agent(concat!("gemledger/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIME)
        .timeout(patience)
        .redirect(redirect::Policy::custom(follow))
        .referer(false)
        .no_proxy()
        // Fetches are minutes apart and come from several runtimes: a kept connection would only go stale.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| FetchError::Client(error.without_url().to_string()))
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let stays = attempt
        .previous()
        .first()
        .is_some_and(|first| same_origin(first, attempt.url()));
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
            let mut response = self
                .0
                .get(address.url().clone())
                .send()
                .await
                .map_err(reason)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::given::now;
    use crate::{
        demo::issuer::{GithubJob, StandInIssuer},
        oidc::{KeyCache, UnverifiedToken, Windows, discovery::discover, given, verify},
    };
    use events::text::Text;
    use std::{
        io::{Read, Write},
        net::TcpListener,
        sync::Arc,
    };

    /// A server that gives these answers, one a connection, and the address it gives them at.
    fn answering(answers: impl FnOnce(&str) -> Vec<String>) -> Address {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = answers(&url);
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Address::parse(&format!("{url}/start"), true).unwrap()
    }

    fn redirect(to: &str) -> String {
        format!(
            "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    }

    fn ok(body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    async fn get(address: &Address) -> Result<Vec<u8>, FetchError> {
        HttpFetch::new().unwrap().get(address).await
    }

    #[tokio::test]
    async fn a_redirect_is_followed_within_the_same_server_only() {
        let inside = answering(|url| {
            vec![
                redirect("/next"),
                redirect(&format!("{url}/last")),
                ok("here"),
            ]
        });
        assert_eq!(get(&inside).await, Ok(b"here".to_vec()));
        let port = answering(|_| vec![redirect("http://127.0.0.1:1/")]);
        assert_eq!(get(&port).await, Err(FetchError::Redirect));
        let host = answering(|url| vec![redirect(&url.replace("127.0.0.1", "127.0.0.2"))]);
        assert_eq!(get(&host).await, Err(FetchError::Redirect));
        let scheme = answering(|url| vec![redirect(&url.replace("http", "https"))]);
        assert_eq!(get(&scheme).await, Err(FetchError::Redirect));
        let user = answering(|url| vec![redirect(&url.replace("http://", "http://a:b@"))]);
        assert_eq!(get(&user).await, Err(FetchError::Redirect));
    }

    #[tokio::test]
    async fn redirects_come_to_an_end() {
        let three = answering(|_| vec![redirect("/1"), redirect("/2"), redirect("/3"), ok("here")]);
        assert_eq!(get(&three).await, Ok(b"here".to_vec()));
        let four = answering(|_| {
            vec![
                redirect("/1"),
                redirect("/2"),
                redirect("/3"),
                redirect("/4"),
                ok("here"),
            ]
        });
        assert_eq!(get(&four).await, Err(FetchError::Redirect));
    }

    #[tokio::test]
    async fn a_body_is_read_to_its_bound_and_no_further() {
        let exact = "x".repeat(MAX_BODY);
        assert_eq!(
            get(&answering(|_| vec![ok(&exact)]))
                .await
                .map(|body| body.len()),
            Ok(MAX_BODY)
        );
        let longer = "x".repeat(MAX_BODY + 1);
        assert_eq!(
            get(&answering(|_| vec![ok(&longer)])).await,
            Err(FetchError::TooLong)
        );
    }

    #[tokio::test]
    async fn other_answers_and_closed_doors_are_errors() {
        let created =
            answering(|_| vec!["HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".into()]);
        assert_eq!(get(&created).await, Err(FetchError::Status(204)));
        let nobody = answering(|_| vec![]);
        assert!(matches!(get(&nobody).await, Err(FetchError::Connection(_))));
    }

    #[tokio::test]
    async fn a_token_of_the_stand_in_issuer_is_verified_over_real_connections() {
        let (issuer, server) = StandInIssuer::start().unwrap();
        tokio::spawn(server);
        let network = HttpFetch::new().unwrap();
        let discovered = discover(&network, issuer.url(), true).await.unwrap();
        let mut provider = given::github();
        provider.issuer = Text::parse(issuer.url()).unwrap();
        provider.jwks_uri = discovered.jwks_uri;
        provider.algorithms = discovered.algorithms;
        provider.loopback = true;
        let job = GithubJob::release("acme/rake", "release.yml", "v1.0.0");
        let text = issuer
            .sign(&issuer.github_claims(&job, given::AUDIENCE, now(), "1"))
            .unwrap();
        let token = UnverifiedToken::parse(&text).unwrap();
        let cache = KeyCache::new(Arc::new(network));
        for _ in 0..3 {
            let keys = cache
                .keys_for(&given::slug(), &provider, token.kid(), now(), given::DAY)
                .await
                .unwrap();
            let windows = Windows {
                leeway_seconds: 0,
                token_lifetime_max_seconds: 3600,
            };
            assert!(verify(&token, &provider, &keys, now(), &windows).is_ok());
        }
        assert_eq!(issuer.fetches(), 1);
        issuer.stop().await;
    }
}
