//! A ledger with a stand-in for github.com, gems made by hand, and pages asked for without a socket.
use std::{path::Path, sync::Arc, time::Duration};

use actix_web::{
    App as Service,
    body::to_bytes,
    http::{Method, StatusCode, header::HeaderMap},
    test, web,
};
use events::{
    api_key::Scope,
    claims::ProviderKind,
    digest::Digest,
    id::Owner,
    log::Visibility,
    name::GemName,
    policy::Publisher,
    provider::Algorithm,
    text::{Slug, Text},
    time::Timestamp,
};
use gemledger::{
    app::{App, Opening, exchange::GITHUB_ISSUER, providers::NewProvider, push::Pushed},
    config::{BaseUrl, Folder},
    demo::issuer::{GithubJob, StandInIssuer},
    oidc::{
        Fetch, KeyCache,
        address::Address,
        fetch::{FetchError, Fetching},
    },
    views,
    world::Clock,
};
use tempfile::TempDir;

use crate::support::package::Package;

pub(super) const COMMIT: &str = "5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567";

/// An open ledger that github.com's stand-in speaks to.
pub(super) struct Ledger {
    pub(super) app: App,
    pub(super) clock: Clock,
    issuer: Arc<StandInIssuer>,
    tokens: std::cell::Cell<u64>,
    _folder: TempDir,
}

/// Whoever fetches gets the stand-in's documents; there is no network here.
struct NoNetwork(Arc<StandInIssuer>);

impl Fetch for NoNetwork {
    fn get<'a>(&'a self, address: &'a Address) -> Fetching<'a> {
        let path = address.url().path();
        let document = match path {
            "/.well-known/openid-configuration" => Ok(self.0.discovery()),
            "/.well-known/jwks" => Ok(self.0.jwks()),
            _ => Err(FetchError::Status(404)),
        };
        Box::pin(async move { document.map(|document| document.to_string().into_bytes()) })
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    /// A header of it.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }
}

impl Ledger {
    /// A public ledger at this address, with `github` as its provider.
    pub(super) async fn at(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::from_seconds(1_795_402_502));
        let opening = Opening {
            folder: Folder::new(Path::new(&folder.path().join("ledger")), None, None),
            url: Some(BaseUrl::parse(url).unwrap()),
            visibility: Some(Visibility::Public),
            create: true,
            open_new: false,
            loosening_delay_seconds: Some(0),
            clock: clock.clone(),
        };
        let mut app = gemledger::app::open(opening).await.unwrap().app;
        let issuer = Arc::new(StandInIssuer::unserved(GITHUB_ISSUER, Algorithm::ES256).unwrap());
        app.fetch = Arc::new(NoNetwork(issuer.clone()));
        app.keys = Arc::new(KeyCache::new(app.fetch.clone()));
        let ledger = Self {
            app,
            clock,
            issuer,
            tokens: std::cell::Cell::new(0),
            _folder: folder,
        };
        let github = NewProvider {
            slug: github(),
            kind: ProviderKind::Github,
            issuer: GITHUB_ISSUER.into(),
            audience: None,
            private_repositories: false,
            required: std::collections::BTreeMap::new(),
            mapping: None,
            algorithms: Some(vec![Algorithm::ES256]),
        };
        ledger.app.add_provider(github).await.unwrap();
        ledger
    }

    /// Trusts `release.yml` of this repository; `id` is its immutable id.
    pub(super) async fn trust(&self, gem: &str, repository: &str, id: Option<u64>) {
        self.pass(60);
        let publisher = Publisher {
            any_ref: false,
            environment: Some(text("release")),
            owner_id: id.map(|_| text("210414")),
            provider: github(),
            repository: text(repository),
            repository_id: id.map(|id| text(&id.to_string())),
            workflow: text("release.yml"),
            workflow_repository: None,
        };
        let gem = GemName::parse(gem).unwrap();
        let request = self.app.console();
        let added = self
            .app
            .add_publisher(request, gem, publisher, Owner::Operator);
        added.await.unwrap();
    }

    /// A job of this repository that runs on the tag of a version.
    pub(super) fn job(repository: &str, number: &str) -> GithubJob {
        GithubJob {
            environment: Some("release".into()),
            ..GithubJob::release(repository, "release.yml", &format!("v{number}"))
        }
    }

    /// A token of this job, exchanged, and the package pushed with the key it bought.
    pub(super) async fn release(&self, job: &GithubJob, package: &Package) -> Pushed {
        let minted = self.exchange(job).await.unwrap();
        self.pass(20);
        self.push(&minted.secret.digest(), package).await
    }

    /// The exchange of a fresh token of this job.
    pub(super) async fn exchange(
        &self,
        job: &GithubJob,
    ) -> Result<gemledger::app::exchange::Minted, gemledger::app::exchange::ExchangeError> {
        self.pass(60);
        let number = self.tokens.get();
        self.tokens.set(number + 1);
        let (audience, now) = (self.app.url.authority(), self.clock.now());
        let claims = self
            .issuer
            .github_claims(job, audience, now, &format!("job-{number}"));
        let token = self.issuer.sign(&claims).unwrap();
        self.app.exchange(&token, |_| true).await
    }

    /// A package pushed with the key of a fresh account.
    pub(super) async fn push_as_person(&self, handle: &str, package: &Package) -> Pushed {
        self.pass(3600);
        let account = self.app.add_account(handle).await.unwrap();
        let issued = self
            .app
            .issue_api_key(account, vec![Scope::PushRubygem], None, None);
        let (_, secret, _) = issued.await.unwrap();
        self.push(&secret.digest(), package).await
    }

    async fn push(&self, key: &Digest, package: &Package) -> Pushed {
        let row = views::api_keys::by_digest(&self.app.reader, key).await;
        let row = row.unwrap().unwrap();
        self.app
            .push(&row, bytes::Bytes::from(package.bytes()))
            .await
            .unwrap()
    }

    /// Lets time pass.
    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The answer to a GET of this path, base path included.
    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).await
    }

    pub(super) async fn ask(&self, method: Method, path: &str) -> Answer {
        let scope = web::scope(self.app.url.path()).configure(gemledger::web::configure);
        let service = Service::new()
            .app_data(web::Data::new(self.app.clone()))
            .service(scope);
        let service = test::init_service(service).await;
        let request = test::TestRequest::default()
            .method(method)
            .uri(path)
            .to_request();
        let response = test::call_service(&service, request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body()).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer {
            status,
            headers,
            body,
        }
    }

    /// The body of a page that is there.
    pub(super) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }
}

pub(super) fn github() -> Slug {
    Slug::parse("github").unwrap()
}

pub(super) fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}
