//! A registry on a socket: stand-ins for the forges, a clock that stands still, and an audit of everything at the end.
//!
//! A test tells its history through the methods here, asks over HTTP, and ends with [`TestApp::finish`].
#![cfg(test)]
use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix_web::dev::ServerHandle;
use events::{
    api_key::Scope,
    claims::ProviderKind,
    id::{AccountId, Owner},
    log::Visibility,
    name::{FoldedName, GemName},
    policy::Publisher,
    text::Slug,
    time::Timestamp,
};
use gemledger::{
    app::{App, Opening, audit::audit, providers::NewProvider, publishers::Added, replay::replay},
    config::{BaseUrl, Folder},
    demo::issuer::{GithubJob, StandInIssuer},
    http::{
        limits::{LimitSettings, Limits},
        serve::server,
    },
    oidc::KeyCache,
    world::Clock,
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use super::jobs::{changed, job, publisher, text};
use super::{
    answer::{Answer, answer},
    network::Network,
};

/// Where the registry is said to be: its host is the audience of tokens.
pub(crate) const AUDIENCE: &str = "gems.example.com";
pub(crate) const EXCHANGE: &str = "/api/v1/oidc/trusted_publisher/exchange_token";
pub(crate) const PUSH: &str = "/api/v1/gems";

/// How a registry is set up.
pub(crate) struct Setup {
    pub(crate) visibility: Visibility,
    pub(crate) url: &'static str,
    pub(crate) limits: LimitSettings,
    /// How long what loosens a policy waits. Most tests are not about that.
    pub(crate) loosening_delay_seconds: u64,
    /// What the clock says at first.
    pub(crate) now: Timestamp,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            visibility: Visibility::Public,
            url: "https://gems.example.com",
            limits: LimitSettings {
                off: true,
                ..LimitSettings::default()
            },
            loosening_delay_seconds: 0,
            now: Timestamp::from_seconds(1_795_402_502),
        }
    }
}

/// What requests leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traces {
    pub(crate) events: u64,
    pub(crate) files: usize,
    pub(crate) sealed: i64,
}

/// An open ledger and the server in front of it.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) clock: Clock,
    pub(crate) network: Arc<Network>,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) folder: TempDir,
    client: reqwest::Client,
    path: String,
    server: ServerHandle,
    tokens: AtomicU64,
}

impl TestApp {
    /// A public ledger without rate limits.
    pub(crate) async fn public() -> Self {
        Self::with(Setup::default()).await
    }

    /// A private ledger without rate limits.
    pub(crate) async fn private() -> Self {
        Self::with(Setup {
            visibility: Visibility::Private,
            ..Setup::default()
        })
        .await
    }

    pub(crate) async fn with(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(setup.now);
        let opening = opening(&folder, &setup, &clock);
        let mut app = gemledger::app::open(opening).await.unwrap().app;
        let network = Arc::new(Network::default());
        app.fetch = network.clone();
        app.keys = Arc::new(KeyCache::new(network.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = server(
            app.clone(),
            Arc::new(Limits::new(setup.limits)),
            listener,
            1,
        )
        .unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let path = app.url.path().to_owned();
        Self {
            app,
            clock,
            network,
            address,
            folder,
            client,
            path,
            server: handle,
            tokens: AtomicU64::new(0),
        }
    }

    /// The same folder, opened once more, as after a restart.
    pub(crate) async fn reopened(&self) -> App {
        let setup = Setup {
            visibility: self.app.visibility,
            ..Setup::default()
        };
        gemledger::app::open(opening(&self.folder, &setup, &self.clock))
            .await
            .unwrap()
            .app
    }

    /// Registers this stand-in as the provider `slug`, with this registry's audience.
    pub(crate) async fn provider(
        &self,
        slug: &str,
        kind: ProviderKind,
        issuer: &Arc<StandInIssuer>,
    ) -> u64 {
        self.register(
            NewProvider {
                slug: Slug::parse(slug).unwrap(),
                kind,
                issuer: issuer.url().to_owned(),
                audience: None,
                private_repositories: false,
                required: BTreeMap::new(),
                mapping: None,
                algorithms: None,
            },
            issuer,
        )
        .await
    }

    /// Registers a provider with settings of its own.
    pub(crate) async fn register(&self, new: NewProvider, issuer: &Arc<StandInIssuer>) -> u64 {
        self.network.has(issuer);
        self.app.add_provider(new).await.unwrap().index
    }

    /// Trusts `release.yml` of this repository, with the ids that [`GithubJob::release`] states.
    pub(crate) async fn publisher(&self, gem: &str, repository: &str) -> Added {
        self.trust(gem, publisher(repository), Owner::Operator)
            .await
    }

    /// Trusts this publisher; the name is this owner's once it is pushed.
    pub(crate) async fn trust(&self, gem: &str, publisher: Publisher, owner: Owner) -> Added {
        let gem = GemName::parse(gem).unwrap();
        self.app
            .add_publisher(self.app.console(), gem, publisher, owner)
            .await
            .unwrap()
    }

    pub(crate) async fn account(&self, handle: &str) -> AccountId {
        self.app.add_account(handle).await.unwrap()
    }

    /// A key of an account, for any gem and for ever.
    pub(crate) async fn api_key(&self, account: AccountId, scopes: &[Scope]) -> String {
        self.narrow_key(account, scopes, None, None).await
    }

    /// A key of an account, perhaps for one gem, perhaps for some seconds.
    pub(crate) async fn narrow_key(
        &self,
        account: AccountId,
        scopes: &[Scope],
        gem: Option<&str>,
        seconds: Option<u64>,
    ) -> String {
        let gem = gem.map(|gem| FoldedName::parse(gem).unwrap());
        let expires = seconds.map(|seconds| self.clock.now().plus_seconds(seconds));
        let issued = self
            .app
            .issue_api_key(account, scopes.to_vec(), gem, expires)
            .await;
        issued.unwrap().1.reveal().to_owned()
    }

    /// A fresh token of this job for this registry.
    pub(crate) fn token(&self, issuer: &StandInIssuer, job: &GithubJob) -> String {
        self.token_with(issuer, job, json!({}))
    }

    /// A fresh token of this job with some claims replaced, or taken away by `null`.
    pub(crate) fn token_with(
        &self,
        issuer: &StandInIssuer,
        job: &GithubJob,
        changes: Value,
    ) -> String {
        let claims = issuer.github_claims(job, AUDIENCE, self.clock.now(), &self.jti());
        issuer.sign(&changed(claims, changes)).unwrap()
    }

    /// A name that no token had yet.
    pub(crate) fn jti(&self) -> String {
        format!("jti-{}", self.tokens.fetch_add(1, Ordering::SeqCst))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(
            method,
            format!("http://{}{}{path}", self.address, self.path),
        )
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    /// Exchanges a token as the published action does.
    pub(crate) async fn exchange(&self, jwt: &str) -> Answer {
        let body = json!({"jwt": jwt}).to_string();
        answer(
            self.request(Method::POST, EXCHANGE)
                .header("content-type", "application/json")
                .body(body),
        )
        .await
    }

    /// Gives a key back.
    pub(crate) async fn revoke(&self, key: &str) -> Answer {
        answer(
            self.request(Method::DELETE, EXCHANGE)
                .header("authorization", key),
        )
        .await
    }

    /// Pushes a file as `gem push` does.
    pub(crate) async fn push(&self, key: &str, gem: impl Into<Vec<u8>>) -> Answer {
        let request = self
            .request(Method::POST, PUSH)
            .header("authorization", key);
        answer(
            request
                .header("content-type", "application/octet-stream")
                .body(gem.into()),
        )
        .await
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn traces(&self) -> Traces {
        let sealed = sqlx::query_scalar("SELECT count(*) FROM vault")
            .fetch_one(self.app.reader.pool())
            .await;
        Traces {
            events: self.app.reader.head().await.unwrap().size,
            files: files(&self.app.folder.blobs()).len(),
            sealed: sealed.unwrap(),
        }
    }

    /// The types of the events from this log index on.
    pub(crate) async fn since(&self, index: u64) -> Vec<String> {
        let events = self.app.reader.events(index, u64::MAX >> 1).await.unwrap();
        events
            .iter()
            .map(|recorded| recorded.event.body.event_type().name.to_owned())
            .collect()
    }

    /// The last event, as the log has it.
    pub(crate) async fn last(&self) -> Value {
        let size = self.app.reader.head().await.unwrap().size;
        let leaf = self.app.reader.leaf(size - 1).await.unwrap().unwrap();
        serde_json::from_slice(&leaf).unwrap()
    }

    /// Nothing was recorded, sealed or stored since.
    pub(crate) async fn left_nothing(&self, before: Traces) {
        assert_eq!(
            self.traces().await,
            before,
            "{:?}",
            self.since(before.events).await
        );
    }

    /// One denial was recorded since, and nothing else was left behind; the denial's data.
    pub(crate) async fn left_one(&self, event: &str, before: Traces) -> Value {
        assert_eq!(self.since(before.events).await, [event]);
        let after = Traces {
            events: before.events + 1,
            ..before
        };
        assert_eq!(self.traces().await, after);
        self.last().await["data"].clone()
    }

    /// Stops the server and judges everything that happened once more.
    pub(crate) async fn finish(self) {
        self.server.stop(false).await;
        let mut flaws = Vec::new();
        let anchor = &self.app.folder.anchor;
        let audited = audit(&self.app.reader, anchor, |flaw| flaws.push(flaw), |_, _| {})
            .await
            .unwrap();
        assert!(flaws.is_empty(), "{flaws:#?}");
        assert_eq!(audited, self.app.reader.head().await.unwrap().size);
        let replayed = replay(&self.app.reader, None, None, true, |_, _| {})
            .await
            .unwrap();
        assert_eq!(
            (replayed.root_matches, replayed.different),
            (Some(true), vec![])
        );
    }
}

fn opening(folder: &TempDir, setup: &Setup, clock: &Clock) -> Opening {
    Opening {
        folder: Folder::new(&folder.path().join("ledger"), None, None),
        url: Some(BaseUrl::parse(setup.url).unwrap()),
        visibility: Some(setup.visibility),
        create: true,
        open_new: false,
        loosening_delay_seconds: Some(setup.loosening_delay_seconds),
        clock: clock.clone(),
    }
}

/// Every file below a folder.
pub(crate) fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
