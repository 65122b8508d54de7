//! An honest ledger to lie about: a provider, a trusted publisher, releases by jobs and by people.
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use events::{
    Event, Recorded,
    api_key::Scope,
    claims::ProviderKind,
    id::Owner,
    log::Visibility,
    name::GemName,
    policy::Publisher,
    provider::Algorithm,
    text::{Slug, Text},
    time::Timestamp,
};
use gemledger::{
    app::{App, Opening, exchange::GITHUB_ISSUER, providers::NewProvider},
    config::{BaseUrl, Folder},
    demo::{
        gem::build,
        issuer::{GithubJob, StandInIssuer},
    },
    oidc::{
        Fetch, KeyCache,
        address::Address,
        fetch::{FetchError, Fetching},
    },
    views,
    world::Clock,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::published::Published;

/// When the ledger is opened.
pub(super) fn start() -> Timestamp {
    Timestamp::from_seconds(1_795_402_502)
}

/// github.com as somebody sees it: a key set that a test chooses.
pub(super) struct Provider {
    pub(super) issuer: Arc<StandInIssuer>,
    shown: Mutex<Option<Value>>,
    moved: AtomicBool,
}

/// Where keys are that have moved.
const MOVED: &str = "/moved/jwks";

impl Provider {
    /// From now on this is what is seen of it, whatever it does.
    pub(super) fn shows(&self, jwks: Option<Value>) {
        *self.shown.lock().unwrap() = jwks;
    }

    /// Its discovery document names another address of its keys from now on.
    pub(super) fn moves_keys(&self) {
        self.moved.store(true, Ordering::SeqCst);
    }

    /// Somebody else's view of the same provider.
    pub(super) fn seen_elsewhere(&self) -> Arc<Self> {
        Arc::new(Self {
            issuer: self.issuer.clone(),
            shown: Mutex::default(),
            moved: AtomicBool::default(),
        })
    }

    fn discovery(&self) -> Value {
        let mut document = self.issuer.discovery();
        if self.moved.load(Ordering::SeqCst) {
            document["jwks_uri"] = format!("{GITHUB_ISSUER}{MOVED}").into();
        }
        document
    }
}

impl Fetch for Provider {
    fn get<'a>(&'a self, address: &'a Address) -> Fetching<'a> {
        let path = address.url().path();
        let shown = self.shown.lock().unwrap().clone();
        let document = match (path, shown) {
            ("/.well-known/openid-configuration", _) => Ok(self.discovery()),
            (MOVED, _) if self.moved.load(Ordering::SeqCst) => Ok(self.issuer.jwks()),
            ("/.well-known/jwks", Some(Value::Null)) => Err(FetchError::Timeout),
            ("/.well-known/jwks", Some(shown)) => Ok(shown),
            ("/.well-known/jwks", None) => Ok(self.issuer.jwks()),
            _ => Err(FetchError::Status(404)),
        };
        Box::pin(async move { document.map(|document| document.to_string().into_bytes()) })
    }
}

/// A ledger that keeps its rules.
pub(super) struct Honest {
    pub(super) app: App,
    pub(super) provider: Arc<Provider>,
    clock: Clock,
    tokens: AtomicU64,
    _folder: TempDir,
}

impl Honest {
    /// `github` is registered and `acme/rake` may release `rake`.
    pub(super) async fn open() -> Self {
        Self::open_with(0).await
    }

    /// The same where loosening waits for so many seconds.
    pub(super) async fn open_with(delay: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(start());
        let opening = Opening {
            folder: Folder::new(&folder.path().join("ledger"), None, None),
            url: Some(BaseUrl::parse("https://gems.example.com").unwrap()),
            visibility: Some(Visibility::Public),
            create: true,
            open_new: false,
            loosening_delay_seconds: Some(delay),
            clock: clock.clone(),
        };
        let mut app = gemledger::app::open(opening).await.unwrap().app;
        let issuer = StandInIssuer::unserved(GITHUB_ISSUER, Algorithm::ES256).unwrap();
        let provider = Arc::new(Provider {
            issuer: Arc::new(issuer),
            shown: Mutex::default(),
            moved: AtomicBool::default(),
        });
        app.fetch = provider.clone();
        app.keys = Arc::new(KeyCache::new(provider.clone()));
        let honest = Self {
            app,
            provider,
            clock,
            tokens: AtomicU64::new(0),
            _folder: folder,
        };
        honest.register().await;
        honest.trust("rake", "acme/rake").await;
        honest
    }

    /// Registers github.com as its discovery document has it now.
    pub(super) async fn register(&self) {
        let github = NewProvider {
            slug: Slug::parse("github").unwrap(),
            kind: ProviderKind::Github,
            issuer: GITHUB_ISSUER.into(),
            audience: None,
            private_repositories: false,
            required: [].into(),
            mapping: None,
            algorithms: Some(vec![Algorithm::ES256]),
        };
        self.app.add_provider(github).await.unwrap();
    }

    /// The same with a release of `rake` by a job and one of `hello` by a person.
    pub(super) async fn with_releases() -> Self {
        let honest = Self::open().await;
        honest.release("rake", "1.0.0", "acme/rake").await;
        honest.push_as_person("alice", "hello", "1.0.0").await;
        honest
    }

    /// Trusts `release.yml` of this repository.
    pub(super) async fn trust(&self, gem: &str, repository: &str) {
        self.pass(10);
        let text = |text: &str| Text::parse(text).unwrap();
        let publisher = Publisher {
            any_ref: false,
            environment: None,
            owner_id: Some(text("210414")),
            provider: Slug::parse("github").unwrap(),
            repository: text(repository),
            repository_id: Some(text("1420893")),
            workflow: text("release.yml"),
            workflow_repository: None,
        };
        let gem = GemName::parse(gem).unwrap();
        self.app
            .add_publisher(self.app.console(), gem, publisher, Owner::Operator)
            .await
            .unwrap();
    }

    /// A job of this repository releases a gem.
    pub(super) async fn release(&self, gem: &str, version: &str, repository: &str) {
        self.pass(10);
        let job = GithubJob::release(repository, "release.yml", &format!("v{version}"));
        let number = self.tokens.fetch_add(1, Ordering::SeqCst);
        let issuer = &self.provider.issuer;
        let (audience, now) = (self.app.url.authority(), self.clock.now());
        let claims = issuer.github_claims(&job, audience, now, &format!("job-{number}"));
        let token = issuer.sign(&claims).unwrap();
        let minted = self.app.exchange(&token, |_| true).await.unwrap();
        self.push(&minted.secret.digest(), gem, version).await;
    }

    /// A person's key releases a gem.
    pub(super) async fn push_as_person(&self, handle: &str, gem: &str, version: &str) {
        self.pass(10);
        let account = self.app.add_account(handle).await.unwrap();
        let scopes = vec![Scope::PushRubygem];
        let issued = self.app.issue_api_key(account, scopes, None, None).await;
        let (_, secret, _) = issued.unwrap();
        self.push(&secret.digest(), gem, version).await;
    }

    async fn push(&self, key: &events::digest::Digest, gem: &str, version: &str) {
        let row = views::api_keys::by_digest(&self.app.reader, key).await;
        let file = build(gem, version, "A gem", b"puts 1\n");
        self.app
            .push(&row.unwrap().unwrap(), bytes::Bytes::from(file))
            .await
            .unwrap();
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// What it publishes now.
    pub(super) async fn published(&self) -> Published {
        let leaves = self.app.reader.leaves(0, 10_000).await.unwrap();
        let published = Published::of(&self.app.key, leaves);
        // The tests' own tiles are those that the registry signed.
        let anchored = self.app.anchor.read().unwrap().unwrap();
        assert_eq!(*anchored.checkpoint.root(), published.root());
        published
    }
}

/// The log indexes of events of this type.
pub(super) fn indexes(log: &Published, event_type: &str) -> Vec<usize> {
    let is = |leaf: &Vec<u8>| Event::read(leaf).unwrap().body.event_type().name == event_type;
    let leaves = log.leaves.iter().enumerate();
    leaves
        .filter_map(|(index, leaf)| is(leaf).then_some(index))
        .collect()
}

/// The events of a log.
pub(super) fn events(log: &Published) -> Vec<Recorded> {
    let recorded = |(index, leaf): (u64, &Vec<u8>)| Recorded {
        index,
        event: Event::read(leaf).unwrap(),
    };
    (0..).zip(&log.leaves).map(recorded).collect()
}

/// Changes what a leaf says, in canonical form. The log is not published again by that.
pub(super) fn change(log: &mut Published, index: usize, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&log.leaves[index]).unwrap();
    change(&mut value);
    log.leaves[index] = serde_json::to_vec(&value).unwrap();
    Event::read(&log.leaves[index]).unwrap();
}
