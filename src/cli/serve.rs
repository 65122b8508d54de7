//! `gemledger serve`
use std::{
    io::IsTerminal as _,
    net::{SocketAddr, TcpListener},
    num::NonZeroU32,
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use events::{
    id::{Actor, Via},
    log::Visibility,
};
use ipnet::IpNet;

use super::{Answer, Common, out, time, witnesses::WitnessFlags};
use crate::{
    app::{self, Opening, trust_roots::FIRST},
    config::{BaseUrl, Folder},
    http::{
        limits::{LimitSettings, Limits},
        serve::{ServeLock, background, server},
    },
    store::statement_keys::key_id,
    world::Clock,
};

/// Who may read.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum VisibilityArg {
    Public,
    Private,
}

/// Serve the registry.
#[derive(Args)]
pub(super) struct Serve {
    /// The address to listen on
    #[arg(
        long,
        env = "GEMLEDGER_LISTEN",
        value_name = "ADDR",
        default_value = "127.0.0.1:8808"
    )]
    listen: SocketAddr,
    /// The address under which clients reach the registry, perhaps with a path [default: made of --listen]
    #[arg(long, env = "GEMLEDGER_URL", value_name = "URL")]
    url: Option<String>,
    /// Who may read; said once, when the ledger is opened [default on loopback: public]
    #[arg(long, value_enum)]
    visibility: Option<VisibilityArg>,
    /// How long what loosens a gem's policy waits; said when the ledger is opened, changed with `log rules set` [default:
    /// 72h]
    #[arg(long, value_name = "DURATION", value_parser = time::delay)]
    loosening_delay: Option<u64>,
    /// Open a new ledger although the keys of an older one are here
    #[arg(long)]
    open_new: bool,
    /// Proxies whose X-Forwarded-For is believed
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<IpNet>,
    /// Exchanges, pushes and what else changes something a minute from one address
    #[arg(long, value_name = "N", default_value = "300")]
    rate_address: NonZeroU32,
    /// Exchanges a minute of one repository
    #[arg(long, value_name = "N", default_value = "60")]
    rate_repository: NonZeroU32,
    /// `off` switches rate limits off, for tests
    #[arg(long, hide = true, env = "GEMLEDGER_RATE_LIMIT", default_value = "on")]
    rate_limit: String,
    /// Milliseconds between two roots of the verifiable map, at least; 0: no roots
    #[arg(
        long,
        env = "GEMLEDGER_MAP_INTERVAL_MILLIS",
        value_name = "N",
        default_value = "2000"
    )]
    map_interval_millis: u64,
    /// Threads that answer requests [default: one for each core]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Hours between two looks for newer trust roots, at those that have a repository; 0: none
    #[arg(
        long,
        env = "GEMLEDGER_REFRESH_TRUST_ROOTS",
        value_name = "HOURS",
        default_value = "24"
    )]
    refresh_trust_roots: u32,
    #[command(flatten)]
    witnesses: WitnessFlags,
}

impl Serve {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        start_logging();
        let witnesses = self.witnesses.settings()?;
        let folder = common.folder();
        let listener = TcpListener::bind(self.listen)
            .with_context(|| format!("cannot listen on {}", self.listen))?;
        let address = listener.local_addr()?;
        let url = self.base_url(address)?;
        std::fs::create_dir_all(&folder.data)
            .with_context(|| format!("cannot make {}", folder.data.display()))?;
        let _lock = ServeLock::take(&folder)?;
        let opening = Opening {
            folder: folder.clone(),
            url: Some(url.clone()),
            visibility: self.visibility_at(&folder, address, &url),
            create: true,
            open_new: self.open_new,
            loosening_delay_seconds: self.loosening_delay,
            clock: Clock::system(),
        };
        let mut opened = app::open(opening).await?;
        if opened.is_new {
            out::note(&format!(
                "opened a new ledger in {}: {}",
                folder.data.display(),
                opened.app.key.name()
            ));
        }
        warn_of_shared_disks(&folder);
        let asking = opened.app.ask_witnesses(witnesses).await?;
        if let Some(reason) = opened.app.writer.halted() {
            out::note(&format!("appends are stopped: {reason}"));
        }
        introduce_statement_key(&opened.app).await?;
        let limits = Arc::new(Limits::new(self.limits()));
        let server = server(opened.app.clone(), limits.clone(), listener, self.workers())?;
        let handle = server.handle();
        let background = tokio::task::spawn_local(background(opened.app.clone(), limits));
        let map = (self.map_interval_millis > 0).then(|| {
            let interval = Duration::from_millis(self.map_interval_millis);
            tokio::task::spawn_local(opened.app.clone().keep_map(interval))
        });
        let roots = (self.refresh_trust_roots > 0).then(|| {
            let every = Duration::from_hours(self.refresh_trust_roots.into());
            tokio::task::spawn_local(opened.app.clone().keep_trust_roots(FIRST, every))
        });
        // Whoever reads the next line may ask at once.
        let stopping = asked_to_stop();
        out::note(&format!("serving {} on {address}", url.as_str()));
        let mut running = tokio::task::spawn_local(server);
        let answer = tokio::select! {
            ended = &mut running => { ended??; Answer::True }
            () = stopping => {
                // Whoever waits for the next event is answered now, not when the patience of the end is over.
                opened.app.followers.close();
                handle.stop(true).await;
                Answer::True
            }
            fatal = opened.ended => {
                handle.stop(false).await;
                match fatal {
                    Ok(Some(fatal)) => return Err(anyhow::Error::new(fatal).context("the writer had to stop")),
                    _ => Answer::CouldNotTell,
                }
            }
        };
        background.abort();
        for task in [map, roots, asking].into_iter().flatten() {
            task.abort();
        }
        Ok(answer)
    }

    fn base_url(&self, address: SocketAddr) -> anyhow::Result<BaseUrl> {
        let own = || format!("http://{address}");
        Ok(BaseUrl::parse(&self.url.clone().unwrap_or_else(own))?)
    }

    /// Public by default only where nobody else can reach it; a ledger that is there already has been asked.
    fn visibility_at(
        &self,
        folder: &Folder,
        address: SocketAddr,
        url: &BaseUrl,
    ) -> Option<Visibility> {
        match self.visibility {
            Some(VisibilityArg::Public) => Some(Visibility::Public),
            Some(VisibilityArg::Private) => Some(Visibility::Private),
            None if folder.database().exists() => None,
            None => (address.ip().is_loopback() && url.is_loopback()).then_some(Visibility::Public),
        }
    }

    fn workers(&self) -> usize {
        let cores = || std::thread::available_parallelism().ok().map(usize::from);
        self.workers.or_else(cores).unwrap_or(2)
    }

    fn limits(&self) -> LimitSettings {
        LimitSettings {
            per_address: self.rate_address,
            per_repository: self.rate_repository,
            trusted_proxies: self.trusted_proxy.clone(),
            off: self.rate_limit == "off",
        }
    }
}

/// Nothing is let in before there is a key that signs what is said of it; where appends are stopped, nothing is let in at all.
async fn introduce_statement_key(app: &app::App) -> anyhow::Result<()> {
    if app.writer.halted().is_some() {
        return Ok(());
    }
    let request = app.request(Actor::Operator, Via::Server);
    if let Some(key) = app.introduce_statement_key(request).await? {
        let keyid = key_id(&key).unwrap_or_default();
        out::note(&format!("introduced the statement key {keyid}"));
    }
    Ok(())
}

fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("GEMLEDGER_LOG")
        .unwrap_or_else(|_| "info,actix_server=warn".into());
    // A second start in one process keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .try_init();
}

/// Listens for signals from this call on; resolves when the process is asked to end.
pub(super) fn asked_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (terminate, interrupt) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = (terminate, interrupt) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// A disk that is lost, or restored from a backup, must not take the anchor along.
fn warn_of_shared_disks(folder: &Folder) {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.dev()).ok();
    let database = device(&folder.database());
    for (path, option) in [(&folder.keys, "--keys"), (&folder.anchor, "--anchor")] {
        if device(path) == database {
            tracing::warn!(
                "{} is on the same filesystem as the database; {option} puts it elsewhere",
                path.display()
            );
        }
    }
}
