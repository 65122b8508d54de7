//! `gemledger trust-root`
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, Subcommand, ValueEnum};
use events::{Body, id::Via, text::Slug, trust_root};
use serde_json::json;

use super::{Answer, Common, out, providers::done};
use crate::{
    app::trust_roots::{Known, MAX_BOOTSTRAP, MAX_FILE, NewTrustRoot, Refreshed, Repository},
    views,
};

/// Trust roots.
#[derive(Subcommand)]
pub(super) enum TrustRootCommand {
    /// Record a trust root, or a new version of it: from a file, or from what comes with this program
    Add(Box<Add>),
    /// List the trust roots and their versions
    List,
    /// Look for newer versions in the TUF repositories that they came from
    Refresh {
        /// Only this one [default: all that live]
        name: Option<String>,
    },
    /// Verify no bundle with a trust root any more
    Retire {
        /// Its name here
        name: String,
    },
}

/// An instance that comes with this program.
#[derive(Clone, Copy, ValueEnum)]
enum Instance {
    /// The public-good instance of sigstore.dev
    PublicGood,
    /// GitHub's own, for private repositories: timestamps, no log
    Github,
}

/// A kind of evidence.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Evidence {
    /// An entry in a transparency log
    Log,
    /// A signed certificate timestamp
    Sct,
    /// A timestamp of a timestamp authority
    Timestamp,
}

/// Record a trust root.
#[derive(Args)]
pub(super) struct Add {
    /// Its name here: a-z, 0-9 and hyphens
    name: String,
    /// A `trusted_root.json`
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    file: Option<PathBuf>,
    /// The trust root of a known instance, as it came with this program, refreshed from its repository
    #[arg(long, value_enum)]
    from: Option<Instance>,
    /// An issuer whose jobs it vouches for, exactly as tokens name it [default with --from: those of the instance]
    #[arg(long, value_name = "URL", required_unless_present = "from")]
    issuer: Vec<String>,
    /// The evidence that a bundle must bring [default: log,sct; with --from github: timestamp]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
    require: Vec<Evidence>,
    /// Its log is not read by everybody
    #[arg(long)]
    private_log: bool,
    /// The TUF repository that it is refreshed from
    #[arg(long, value_name = "URL", requires = "tuf_root")]
    tuf_url: Option<String>,
    /// The root metadata (root.json) that trust in this repository begins with
    #[arg(long, value_name = "FILE", requires = "tuf_url")]
    tuf_root: Option<PathBuf>,
}

impl TrustRootCommand {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        match self {
            Self::Add(add) => add.run(common).await,
            Self::List => list(common).await,
            Self::Refresh { name } => refresh(common, name.as_deref()).await,
            Self::Retire { name } => {
                let slug = Slug::parse(&name).context("the trust root's name")?;
                let index = common.open().await?.retire_trust_root(slug).await?;
                Ok(done(
                    common,
                    &format!("trust root {name} is retired"),
                    index,
                ))
            }
        }
    }
}

impl Add {
    async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let new = self.trust_root()?;
        let (public, requires) = (new.public, new.requires);
        let app = common.open().await?;
        let index = app.record_trust_root(new, Via::Console).await?;
        if requires.log && public {
            out::note(
                "warning: whoever signs a private repository's gem with this instance publishes the names of its repository and workflow in a log that everybody reads",
            );
        }
        if !requires.log {
            out::note(
                "note: without a log nobody else can see that something was signed; such attestations are shown as `timestamped`, a weaker class",
            );
        }
        Ok(done(
            common,
            &format!("trust root {} is recorded", self.name),
            index,
        ))
    }

    fn trust_root(&self) -> anyhow::Result<NewTrustRoot> {
        let slug = Slug::parse(&self.name).context("the trust root's name")?;
        let mut new = match (self.from, &self.file) {
            (Some(Instance::PublicGood), _) => NewTrustRoot::known(slug, Known::PublicGood),
            (Some(Instance::Github), _) => NewTrustRoot::known(slug, Known::Github),
            (None, Some(path)) => NewTrustRoot {
                slug,
                json: bounded(path, MAX_FILE)?,
                issuers: Vec::new(),
                public: true,
                requires: trust_root::Requires {
                    log: true,
                    sct: true,
                    timestamp: false,
                },
                repository: None,
            },
            (None, None) => anyhow::bail!("name a file, or an instance with --from"),
        };
        if !self.issuer.is_empty() {
            new.issuers.clone_from(&self.issuer);
        }
        if !self.require.is_empty() {
            let requires = |evidence| self.require.contains(&evidence);
            new.requires = trust_root::Requires {
                log: requires(Evidence::Log),
                sct: requires(Evidence::Sct),
                timestamp: requires(Evidence::Timestamp),
            };
        }
        new.public &= !self.private_log;
        if let (Some(url), Some(path)) = (&self.tuf_url, &self.tuf_root) {
            new.repository = Some(Repository {
                url: url.clone(),
                bootstrap: bounded(path, MAX_BOOTSTRAP)?,
            });
        }
        Ok(new)
    }
}

/// A file of at most so many bytes.
fn bounded(path: &Path, most: usize) -> anyhow::Result<Bytes> {
    let named = || path.display().to_string();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)
        .with_context(named)?
        .take(limit)
        .read_to_end(&mut bytes)
        .with_context(named)?;
    if bytes.len() > most {
        anyhow::bail!("{} has more than {most} bytes", path.display());
    }
    Ok(bytes.into())
}

/// What a root requires, in words.
fn requires(requires: trust_root::Requires) -> String {
    let trust_root::Requires {
        log,
        sct,
        timestamp,
    } = requires;
    let words = [(log, "log"), (sct, "sct"), (timestamp, "timestamp")];
    let words: Vec<&str> = words
        .into_iter()
        .filter_map(|(required, word)| required.then_some(word))
        .collect();
    words.join(",")
}

async fn list(common: &Common) -> anyhow::Result<Answer> {
    let reader = common.reader().await?;
    for root in views::trust_roots::newest(&reader).await? {
        let state = if root.retired { "retired" } else { "live" };
        for recorded in views::trust_roots::history(&reader, &root.slug).await? {
            let Body::TrustRootRecorded(version) = &recorded.event.body else {
                continue;
            };
            let number = recorded.event.revision;
            let newest = number == root.revision;
            let state = if newest { state } else { "replaced" };
            let class = views::trust_roots::class(version.requires);
            if common.json {
                out::json(&json!({
                    "name": root.slug, "version": number, "state": state, "class": class,
                    "log_index": recorded.index, "recorded": recorded.event.time, "root": version,
                }));
                continue;
            }
            let issuers: Vec<&str> = version
                .issuers
                .iter()
                .map(events::text::Text::as_str)
                .collect();
            let weaker = if version.requires.log {
                ""
            } else {
                " (weaker: no log)"
            };
            let from = version
                .repository
                .as_ref()
                .map_or("a file", events::text::Text::as_str);
            out::line(&format!(
                "{}\tversion {number}\t{state}\t{class}{weaker}\trequires {}\t{}\tfrom {from}\t{}",
                root.slug,
                requires(version.requires),
                issuers.join(" "),
                version.digest,
            ));
        }
    }
    Ok(Answer::True)
}

async fn refresh(common: &Common, name: Option<&str>) -> anyhow::Result<Answer> {
    let only = name
        .map(Slug::parse)
        .transpose()
        .context("the trust root's name")?;
    let app = common.open().await?;
    let outcomes = app.refresh_trust_roots(only.as_ref(), Via::Console).await?;
    let mut answer = Answer::True;
    for (root, refreshed) in outcomes {
        let (word, index, why) = match &refreshed {
            Refreshed::Unchanged => ("unchanged", None, None),
            Refreshed::Changed(index) => ("changed", Some(*index), None),
            Refreshed::NoRepository => ("no_repository", None, None),
            Refreshed::Kept { why, .. } => ("kept", None, Some(why)),
        };
        if why.is_some() || (only.is_some() && word == "no_repository") {
            answer = Answer::CouldNotTell;
        }
        if common.json {
            let expired = matches!(refreshed, Refreshed::Kept { expired: true, .. });
            out::json(
                &json!({"name": root, "outcome": word, "log_index": index, "why": why, "expired": expired}),
            );
            continue;
        }
        let text = match &refreshed {
            Refreshed::Unchanged => "is the newest".to_owned(),
            Refreshed::Changed(index) => format!("has a new version: log index {index}"),
            Refreshed::NoRepository => {
                "was given as a file; `trust-root add` with a newer file replaces it".to_owned()
            }
            Refreshed::Kept { why, .. } => format!("keeps its last good version: {why}"),
        };
        out::line(&format!("trust root {root} {text}"));
    }
    Ok(answer)
}
