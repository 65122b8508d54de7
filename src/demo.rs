//! The whole story on one machine, with a stand-in identity provider and a private Sigstore: from an empty folder to an
//! attested and audited release.
use std::{net::TcpListener, path::Path, sync::Arc};

use anyhow::{Context as _, ensure};
use events::{
    claims::ProviderKind,
    digest::{Digest, hex},
    id::Owner,
    log::Visibility,
    name::GemName,
    policy::Publisher,
    text::{Slug, Text},
};
use serde_json::{Value, json};

use crate::{
    app::{
        self, App, Opening, audit::audit, providers::NewProvider, replay::replay, verify::verify,
    },
    config::{BaseUrl, Folder},
    http::{
        limits::{LimitSettings, Limits},
        serve::{background, server},
    },
    world::{self, Clock},
};

mod attested;
pub mod gem;
pub mod issuer;
mod repository;
pub mod sigstore;
mod word;

use self::{
    issuer::{GithubJob, StandInIssuer},
    sigstore::PrivateSigstore,
};

/// The gem of the story.
const GEM: &str = "hello-ledger";
const VERSION: &str = "1.0.0";
const REPOSITORY: &str = "octo-org/hello-ledger";
const WORKFLOW: &str = "release.yml";
const ENVIRONMENT: &str = "release";
const SUMMARY: &str = "Says hello to the ledger";
const CODE: &[u8] = b"puts 'hello, ledger'\n";

/// How the story is told: a line for each step, with the place in the log that holds it.
pub trait Teller {
    /// One step is done.
    fn step(&mut self, log_index: Option<u64>, text: &str);
}

/// Everything that runs while the story is told.
pub struct Stage {
    app: App,
    issuer: Arc<StandInIssuer>,
    sigstore: PrivateSigstore,
    client: reqwest::Client,
}

/// Tells the story in this folder, which must be empty or missing, and leaves the server running.
pub async fn tell(
    folder: &Path,
    listener: TcpListener,
    teller: &mut dyn Teller,
) -> anyhow::Result<Stage> {
    let stage = open(folder, listener, teller).await?;
    stage.find_words(teller).await?;
    stage.introduce(teller).await?;
    let commit = repository::make(folder)?;
    let job = GithubJob {
        commit: commit.clone(),
        environment: Some(ENVIRONMENT.into()),
        ..GithubJob::release(REPOSITORY, WORKFLOW, &format!("v{VERSION}"))
    };
    let key = stage.exchange(&job, teller).await?;
    let gem = gem::build(GEM, VERSION, SUMMARY, CODE);
    stage.refuse(&key, &job, &gem, teller).await?;
    let bundles = stage.sign(&job, &gem)?;
    stage.push(&key, &gem, &bundles, teller).await?;
    stage.fetch(&gem, teller).await?;
    stage.verify_again(&gem, &bundles, teller).await?;
    stage.show_way(teller).await?;
    stage.check_word(&gem, teller).await?;
    stage.compare(&gem, &commit, teller)?;
    stage.check(&gem, teller).await?;
    Ok(stage)
}

async fn open(
    folder: &Path,
    listener: TcpListener,
    teller: &mut dyn Teller,
) -> anyhow::Result<Stage> {
    let url = BaseUrl::parse(&format!("http://{}", listener.local_addr()?))?;
    let opening = Opening {
        folder: Folder::new(folder, None, None),
        url: Some(url.clone()),
        visibility: Some(Visibility::Public),
        create: true,
        open_new: false,
        loosening_delay_seconds: None,
        clock: Clock::system(),
    };
    let app = app::open(opening).await?.app;
    let limits = Arc::new(Limits::new(LimitSettings::default()));
    tokio::task::spawn_local(server(app.clone(), limits.clone(), listener, 1)?);
    tokio::task::spawn_local(background(app.clone(), limits));
    teller.step(
        Some(0),
        &format!(
            "opened a ledger in {}, served at {}",
            folder.display(),
            url.as_str()
        ),
    );
    let (issuer, issuing) = StandInIssuer::start()?;
    tokio::task::spawn_local(issuing);
    let sigstore = PrivateSigstore::new(app.clock.now().minus_seconds(3600))?;
    Ok(Stage {
        app,
        issuer,
        sigstore,
        client: reqwest::Client::builder().no_proxy().build()?,
    })
}

impl Stage {
    /// The ledger.
    pub fn app(&self) -> &App {
        &self.app
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.app.url.as_str())
    }

    /// The address of the release's page.
    pub fn page(&self) -> String {
        self.url(&format!("/gems/{GEM}/versions/{VERSION}"))
    }

    /// Keeps the verifiable map from here on, as a server does; to be called on the thread that serves. The story is told
    /// without it, so that its log indexes are the same each time.
    pub fn keep_map(&self) {
        let every = std::time::Duration::from_secs(2);
        tokio::task::spawn_local(self.app.clone().keep_map(every));
    }

    async fn introduce(&self, teller: &mut dyn Teller) -> anyhow::Result<()> {
        let slug = Slug::parse("stand-in")?;
        let provider = NewProvider {
            slug: slug.clone(),
            kind: ProviderKind::Github,
            issuer: self.issuer.url().to_owned(),
            audience: None,
            private_repositories: false,
            required: [].into(),
            mapping: None,
            algorithms: None,
        };
        let index = self.app.add_provider(provider).await?.index;
        teller.step(
            Some(index),
            &format!(
                "registered a stand-in identity provider, {}",
                self.issuer.url()
            ),
        );
        self.trust_sigstore(teller).await?;
        let publisher = Publisher {
            any_ref: false,
            environment: Some(Text::configured(ENVIRONMENT)?),
            owner_id: None,
            provider: slug,
            repository: Text::configured(REPOSITORY)?,
            repository_id: None,
            workflow: Text::configured(WORKFLOW)?,
            workflow_repository: None,
        };
        let added = self
            .app
            .add_publisher(
                self.app.console(),
                GemName::parse(GEM)?,
                publisher,
                Owner::Operator,
            )
            .await?;
        let text = format!(
            "trusted {REPOSITORY}, {WORKFLOW}, environment {ENVIRONMENT} to make the first release of {GEM}"
        );
        teller.step(Some(added.index), &text);
        Ok(())
    }

    async fn exchange(&self, job: &GithubJob, teller: &mut dyn Teller) -> anyhow::Result<String> {
        let now = self.app.clock.now();
        let claims = self.issuer.github_claims(
            job,
            self.app.url.authority(),
            now,
            &hex(&world::random::<16>()),
        );
        let jwt = self.issuer.sign(&claims)?;
        let path = self.url("/api/v1/oidc/trusted_publisher/exchange_token");
        let body = serde_json::to_vec(&json!({"jwt": jwt}))?;
        let answer = self
            .client
            .post(path)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        let answer: Value = serde_json::from_slice(&answer.error_for_status()?.bytes().await?)?;
        let key = answer
            .get("rubygems_api_key")
            .and_then(Value::as_str)
            .context("the exchange gave no key")?;
        let expires = answer
            .get("expires_at")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let index = answer.get("log_index").and_then(Value::as_u64);
        teller.step(
            index,
            &format!("exchanged the job's identity token for a key that lives until {expires}"),
        );
        Ok(key.to_owned())
    }

    async fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let answer = self
            .client
            .get(self.url(path))
            .send()
            .await?
            .error_for_status()?;
        Ok(answer.bytes().await?.to_vec())
    }

    async fn fetch(&self, gem: &[u8], teller: &mut dyn Teller) -> anyhow::Result<()> {
        let info = String::from_utf8(self.get(&format!("/info/{GEM}")).await?)?;
        let line = info
            .lines()
            .find(|line| line.starts_with(VERSION))
            .context("the release is not in the compact index")?;
        let checksum = line
            .split("checksum:")
            .nth(1)
            .and_then(|rest| rest.split(',').next())
            .unwrap_or_default();
        let file = self.get(&format!("/gems/{GEM}-{VERSION}.gem")).await?;
        ensure!(
            file == gem && Digest::of(&file).hex() == checksum,
            "the file is not the one that the index promises"
        );
        teller.step(
            None,
            "fetched the gem through the compact index; its checksum is the index's",
        );
        Ok(())
    }

    async fn check(&self, gem: &[u8], teller: &mut dyn Teller) -> anyhow::Result<()> {
        let receipt = self
            .get(&format!("/gems/{GEM}-{VERSION}.gem.tlog-proof"))
            .await?;
        let proven = verify(gem, &receipt, self.app.key.verifier()).map_err(anyhow::Error::msg)?;
        let text = format!(
            "verified its receipt offline against the checkpoint of size {}",
            proven.checkpoint.size()
        );
        teller.step(Some(proven.index), &text);
        let replayed = replay(&self.app.reader, None, None, true, |_, _| {}).await?;
        ensure!(
            replayed.root_matches == Some(true) && replayed.different.is_empty(),
            "the replay differs: {replayed:?}"
        );
        teller.step(
            None,
            &format!(
                "replayed {} events: same root, same tables",
                replayed.events
            ),
        );
        let mut flaws = Vec::new();
        let events = audit(
            &self.app.reader,
            &self.app.folder.anchor,
            |flaw| flaws.push(flaw),
            |_, _| {},
        )
        .await?;
        ensure!(flaws.is_empty(), "the audit found {flaws:?}");
        teller.step(
            None,
            &format!("audited {events} events: the log is whole and every decision was lawful"),
        );
        Ok(())
    }
}
