//! A new ledger, served on loopback as `gemledger serve` serves it, in a folder that goes away with it.
use std::{
    future::Future,
    net::{SocketAddr, TcpListener},
    num::NonZeroU32,
    path::Path,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
};

use actix_web::dev::{Server, ServerHandle};
use anyhow::Context as _;
use events::{
    Event,
    claims::ProviderKind,
    id::Owner,
    log::Visibility,
    name::GemName,
    policy::Publisher,
    text::{Slug, Text},
    time::Timestamp,
};
use gemledger::{
    app::{self, App, Opening, providers::NewProvider},
    config::{BaseUrl, Folder},
    http::{
        limits::{LimitSettings, Limits},
        serve::{background, server},
    },
    world::Clock,
};
use tempfile::TempDir;

use super::{
    inserts::Row,
    tokens::{AUDIENCE, Issuer, REPOSITORY, WORKFLOW},
};

/// The gem that the tokens may push.
pub(crate) const GEM: &str = "hello-ledger";
/// The provider's name in the ledger.
pub(crate) const PROVIDER: &str = "stand-in";
/// The folder of the ledger within the stage's own.
pub(crate) const LEDGER: &str = "ledger";

/// Threads that serve: as many as the machine has cores, as `serve` does it.
pub(crate) fn workers() -> usize {
    thread::available_parallelism().map_or(2, usize::from)
}

/// Folders on the disk that cargo builds on, so that a memory file system does not flatter the numbers.
pub(crate) fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// What `serve` logs at its default level is logged here too: its cost belongs to a request.
pub(crate) fn log_as_a_server_does() {
    let filter = tracing_subscriber::EnvFilter::new("info,actix_server=warn");
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}

/// A server in a thread of its own, with the runtime that actix gives it.
pub(crate) struct Running {
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts what this makes, and hands over what else it made.
    pub(crate) fn start<T, F, M>(make: M) -> anyhow::Result<(Self, T)>
    where
        T: Send + 'static,
        F: Future<Output = anyhow::Result<(Server, T)>>,
        M: FnOnce() -> F + Send + 'static,
    {
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let (server, made) = match make().await {
                    Ok(made) => made,
                    Err(error) => return drop(tell.send(Err(error))),
                };
                let _ = tell.send(Ok((server.handle(), made)));
                let _ = server.await;
            });
        });
        let (handle, made) = told.recv().context("the server did not start")??;
        Ok((
            Self {
                handle,
                thread: Some(thread),
            },
            made,
        ))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() {
            runtime.block_on(self.handle.stop(false));
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&to)?;
            copy(&entry.path(), &to)?;
        } else {
            std::fs::copy(entry.path(), &to)?;
        }
    }
    Ok(())
}

/// A ledger that is served.
pub(crate) struct Stage {
    /// The ledger.
    pub(crate) app: App,
    /// Where it is served.
    pub(crate) address: SocketAddr,
    /// Its folder.
    folder: TempDir,
    _running: Running,
}

impl Stage {
    /// A ledger that trusts the issuer's tokens of one workflow.
    pub(crate) fn open(issuer: &Issuer) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir_in(scratch())?;
        let (path, url) = (folder.path().join(LEDGER), issuer.stand_in.url().to_owned());
        let (running, (app, address)) = Running::start(move || async move {
            let listener = TcpListener::bind(("127.0.0.1", 0))?;
            let address = listener.local_addr()?;
            let app = open(&path, address).await?;
            introduce(&app, &url).await?;
            let limits = Arc::new(Limits::new(generous()));
            let server = server(app.clone(), Arc::clone(&limits), listener, workers())?;
            actix_web::rt::spawn(background(app.clone(), limits));
            Ok((server, (app, address)))
        })?;
        Ok(Self {
            app,
            address,
            folder,
            _running: running,
        })
    }

    /// A copy of the files, as they are while nobody writes; the ledger is in [`LEDGER`] below it.
    pub(crate) fn copy(&self) -> anyhow::Result<TempDir> {
        let folder = tempfile::tempdir_in(scratch())?;
        copy(self.folder.path(), folder.path())?;
        Ok(folder)
    }

    /// The events from an index on, in the batches that the writer made: events of one batch bear one time.
    pub(crate) fn batches(&self, from: u64) -> anyhow::Result<Vec<Vec<Row>>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let leaves = runtime.block_on(async {
            let head = self.app.reader.head().await?;
            self.app.reader.leaves(from, head.size).await
        })?;
        let (mut batches, mut time) = (Vec::<Vec<Row>>::new(), None::<Timestamp>);
        for leaf in leaves {
            let event = Event::read(&leaf)?;
            if time != Some(event.time) {
                time = Some(event.time);
                batches.push(Vec::new());
            }
            let row = Row {
                stream: event.stream.to_string(),
                revision: i64::try_from(event.revision)?,
                leaf,
            };
            batches.last_mut().context("no batch")?.push(row);
        }
        Ok(batches)
    }
}

/// Limits that count every request and turn nobody away.
fn generous() -> LimitSettings {
    let most = NonZeroU32::MIN.saturating_add(999_999_999);
    LimitSettings {
        per_address: most,
        per_repository: most,
        ..LimitSettings::default()
    }
}

async fn open(path: &Path, address: SocketAddr) -> anyhow::Result<App> {
    let opening = Opening {
        folder: Folder::new(path, None, None),
        url: Some(BaseUrl::parse(&format!("http://{address}"))?),
        visibility: Some(Visibility::Public),
        create: true,
        open_new: false,
        loosening_delay_seconds: Some(0),
        clock: Clock::system(),
    };
    Ok(app::open(opening).await?.app)
}

async fn introduce(app: &App, issuer: &str) -> anyhow::Result<()> {
    let slug = Slug::parse(PROVIDER)?;
    let provider = NewProvider {
        slug: slug.clone(),
        kind: ProviderKind::Github,
        issuer: issuer.to_owned(),
        audience: Some(AUDIENCE.into()),
        private_repositories: false,
        required: [].into(),
        mapping: None,
        algorithms: None,
    };
    app.add_provider(provider).await?;
    let publisher = Publisher {
        any_ref: false,
        environment: Some(Text::configured("release")?),
        owner_id: None,
        provider: slug,
        repository: Text::configured(REPOSITORY)?,
        repository_id: None,
        workflow: Text::configured(WORKFLOW)?,
        workflow_repository: None,
    };
    app.add_publisher(
        app.console(),
        GemName::parse(GEM)?,
        publisher,
        Owner::Operator,
    )
    .await?;
    Ok(())
}
