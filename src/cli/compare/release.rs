//! Which file is compared, and what its record says: of the ledger at hand, of a registry, or nothing.
use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use events::{digest::Digest, name::GemName, text::Text};

use super::{Common, out};
use crate::{
    app::quarantine::Named,
    cli::verify,
    config::{self, BaseUrl},
    http::MAX_GEM,
    lockfile::Locked,
    project::{self, Level, VerifyError},
    remote::{Credential, HttpClient, Settings, Source},
    views::{self, provenance::number_and_platform},
    world::Clock,
};

/// How long a file may take to come.
const DOWNLOAD: Duration = Duration::from_mins(10);

/// The longest answer about a statement, in bytes.
const MAX_ANSWER: usize = 64 << 10;

/// How a registry is believed.
#[derive(Args)]
pub(super) struct Trusted {
    /// The log's verification key, or a file with it [default: the one that was seen last]
    #[arg(long, value_name = "VKEY", requires = "registry")]
    key: Option<String>,
    /// Where the last tree seen is remembered [default: as `verify` does]
    #[arg(long, value_name = "FILE", requires = "registry")]
    state: Option<PathBuf>,
    /// The variable with the API key of a private registry [default: `GEMLEDGER_API_KEY`]
    #[arg(long, value_name = "NAME", requires = "registry")]
    credentials_env: Option<String>,
}

/// A file, and what its record says of it.
pub(super) struct Release {
    pub(super) bytes: Bytes,
    pub(super) commit: Option<String>,
    pub(super) repository: Option<String>,
}

/// A file at hand.
pub(super) fn at_hand(path: &Path) -> anyhow::Result<Release> {
    let cannot = || format!("cannot read {}", path.display());
    let most = u64::try_from(MAX_GEM).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let opened = fs::File::open(path).with_context(cannot)?;
    opened
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)
        .with_context(cannot)?;
    Ok(Release {
        bytes: bytes.into(),
        commit: None,
        repository: None,
    })
}

/// A release of the ledger in `--data`, each event behind it proven.
pub(super) async fn of_ledger(
    common: &Common,
    gem: &str,
    version: &str,
) -> anyhow::Result<Release> {
    let name = GemName::parse(gem).context("the gem's name")?;
    let (number, platform) = number_and_platform(version)
        .with_context(|| format!("{version:?} is not a VERSION or VERSION-PLATFORM"))?;
    let app = common.open().await?;
    let record = views::provenance::of(&app, &name.folded(), &number, &platform).await?;
    let record = record.with_context(|| format!("there is no {gem} {version}"))?;
    let bytes = app.blobs.get(&record.digest).await?;
    let bytes = bytes.with_context(|| format!("the file {} is not here any more", record.file))?;
    let workflow = record.source.as_ref().map(|source| &source.workflow);
    let text = |text: &Text| text.as_str().to_owned();
    Ok(Release {
        bytes,
        commit: workflow.and_then(|workflow| workflow.commit.as_ref().map(text)),
        repository: workflow.map(|workflow| text(&workflow.repository)),
    })
}

fn credential(trusted: &Trusted) -> anyhow::Result<Option<Credential>> {
    let header = match trusted.credentials_env.as_deref() {
        Some(name) => Some(config::variable(name).with_context(|| format!("{name} is not set"))?),
        None => config::variable("GEMLEDGER_API_KEY"),
    };
    header
        .map(|header| {
            Credential::new(&header).context("the API key has characters that no header can carry")
        })
        .transpose()
}

/// A release of a registry: its receipt verified as `gemledger verify` does, its file held against the logged digest.
pub(super) async fn of_registry(
    gem: &str,
    version: &str,
    url: &str,
    trusted: &Trusted,
) -> anyhow::Result<Release> {
    let registry = BaseUrl::parse(url)?;
    let credential = credential(trusted)?;
    let settings = Settings::default();
    let client = HttpClient::new(registry.as_str(), credential.clone(), settings)?;
    let log = Source::parse(registry.as_str(), credential.clone(), settings)?;
    let asked = project::Asked {
        key: trusted.key.as_deref().map(verify::key).transpose()?,
        require: Level::Logged,
        witnesses: Vec::new(),
        quorum: 0,
        max_age_seconds: None,
        state: trusted
            .state
            .clone()
            .or_else(|| verify::state_of(&registry)),
        now: Clock::system().now(),
    };
    let locked = Locked {
        name: gem.to_owned(),
        version: version.to_owned(),
        line: 1,
        checksum: None,
        remotes: 1,
    };
    let full_name = locked.full_name();
    let report = project::verify(&client, log, std::slice::from_ref(&locked), &asked, || {}).await;
    let report = report.map_err(|error| match error {
        VerifyError::Remote(error) => anyhow::Error::from(error),
        VerifyError::Seen(error) => error.into(),
    })?;
    let found = report.gems.into_iter().next();
    let found = found.context("the registry said nothing of the gem")?;
    for flaw in report.flaws.iter().chain(&found.flaws) {
        out::note(&format!("{} ({})", flaw.message, flaw.rule.id));
    }
    if let Some(unknown) = &found.unknown {
        out::note(unknown);
    }
    let sound = report.flaws.is_empty() && found.flaws.is_empty() && found.unknown.is_none();
    let origin = found.logged.filter(|_| sound);
    let origin = origin.with_context(|| format!("{gem} {version} is not verified"))?;
    if report.trust == project::Trust::FirstUse {
        out::note(
            "no key was given, so the one that the registry shows was believed; pin it: --key VKEY",
        );
    }
    let patient = Settings {
        attempt_time: DOWNLOAD,
        ..settings
    };
    let client = HttpClient::new(registry.as_str(), credential, patient)?;
    let file = client
        .get(&format!("gems/{full_name}.gem"), MAX_GEM)
        .await?;
    let bytes = file.with_context(|| format!("the registry does not serve {full_name}.gem"))?;
    anyhow::ensure!(
        Digest::of(&bytes) == origin.digest,
        "the registry serves another {full_name}.gem than its log has"
    );
    Ok(Release {
        bytes: bytes.into(),
        commit: origin.commit,
        repository: origin.repository,
    })
}

/// Attaches a statement to a release of the ledger in `--data`.
pub(super) async fn attach(
    common: &Common,
    (gem, version): (&str, &str),
    statement: Vec<u8>,
) -> anyhow::Result<u64> {
    let (number, platform) = number_and_platform(version).context("the version")?;
    let release = Named {
        gem: GemName::parse(gem).context("the gem's name")?.folded(),
        number,
        platform,
    };
    let app = common.open().await?;
    let attached = app.attach_comparison(app.console(), release, statement.into());
    Ok(attached.await?.0)
}

/// Attaches a statement to a release of a registry, as the owner whose API key is at hand.
pub(super) async fn attach_to(
    url: &str,
    trusted: &Trusted,
    (gem, version): (&str, &str),
    statement: Vec<u8>,
) -> anyhow::Result<u64> {
    let credential = credential(trusted)?
        .context("an owner's API key attaches it: set GEMLEDGER_API_KEY, or --credentials-env")?;
    let registry = BaseUrl::parse(url)?;
    let client = HttpClient::new(registry.as_str(), Some(credential), Settings::default())?;
    let path = format!("api/v1/gems/{gem}/versions/{version}/comparisons");
    let (status, told) = client.post(&path, statement, MAX_ANSWER).await?;
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap_or_default();
    if status == 201
        && let Some(index) = told.get("log_index").and_then(serde_json::Value::as_u64)
    {
        return Ok(index);
    }
    let message = told.get("message").and_then(serde_json::Value::as_str);
    anyhow::bail!(
        "the registry did not take it ({status}): {}",
        message.unwrap_or("it does not say why")
    )
}
