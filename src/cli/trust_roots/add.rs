//! `gemledger trust-root add`
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use bytes::Bytes;
use clap::{Args, ValueEnum};
use deciders::Code;
use events::{
    id::Via,
    text::{Slug, Text},
    trust_root,
};
use serde_json::json;

use super::{Answer, Common, done, evidence, out};
use crate::{
    app::{
        App, CommandError,
        trust_roots::{Given, Known, MAX_BOOTSTRAP, MAX_FILE, NewTrustRoot, Repository},
    },
    views,
};

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

/// Record a trust root, or a new version of it, or put back a file of it that was lost.
///
/// A new version keeps the settings of the one before, unless they are given.
#[derive(Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(in crate::cli) struct Add {
    /// Its name here: a-z, 0-9 and hyphens
    name: String,
    /// A `trusted_root.json`
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    file: Option<PathBuf>,
    /// The trust root of a known instance, as it came with this program, refreshed from its repository
    #[arg(long, value_enum)]
    from: Option<Instance>,
    /// An issuer whose jobs it vouches for, exactly as tokens name it [default with --from: those of the instance]
    #[arg(long, value_name = "URL")]
    issuer: Vec<String>,
    /// The evidence that a bundle must bring [default: log,sct; with --from github: timestamp]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
    require: Vec<Evidence>,
    /// Its log is not read by everybody
    #[arg(long, conflicts_with = "public_log")]
    private_log: bool,
    /// Its log is read by everybody, which is the default
    #[arg(long)]
    public_log: bool,
    /// The TUF repository that it is refreshed from
    #[arg(long, value_name = "URL", requires = "tuf_root")]
    tuf_url: Option<String>,
    /// The root metadata (root.json) that trust in this repository begins with
    #[arg(long, value_name = "FILE", requires = "tuf_url")]
    tuf_root: Option<PathBuf>,
    /// It is not refreshed from a repository any more
    #[arg(long, conflicts_with = "tuf_url")]
    no_tuf: bool,
    /// Make the file of an earlier version the newest one again
    #[arg(long)]
    older: bool,
}

impl Add {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let mut new = self.given()?;
        let app = common.open().await?;
        let bootstrap = new.repository.as_ref().map(|from| &from.bootstrap);
        let given = app.restore_trust_root(&new.slug, &new.json, bootstrap);
        let given = given.await?;
        let back = back(&self.name, &given);
        for file in &back {
            out::note(file);
        }
        if !back.is_empty() && !given.versions.is_empty() && !self.asks_for_more() {
            return Ok(nothing_recorded(common, &given));
        }
        if let (false, false, Some(version)) = (given.newest, self.older, given.versions.last()) {
            anyhow::bail!(
                "this is the file of version {version} of {}, an earlier one: --older makes it the newest again",
                self.name
            );
        }
        let state = views::trust_roots::one(&app.reader, &new.slug).await?;
        let before = state.newest().map(|(_, before)| before);
        self.settle(&app, &mut new, before).await?;
        for note in before.iter().flat_map(|before| differs(before, &new)) {
            out::note(&note);
        }
        let (public, requires) = (new.public, new.requires);
        let index = match app.record_trust_root(new, Via::Console).await {
            // The settings were those that it has: all that was wanted is done.
            Err(CommandError::Denied(denial))
                if !back.is_empty() && denial.code == Code::AlreadyExists =>
            {
                return Ok(nothing_recorded(common, &given));
            }
            recorded => recorded?,
        };
        if requires.log && public {
            out::note(
                "warning: whoever signs a private repository's gem with this instance publishes the names of its repository and workflow in a log that everybody reads",
            );
        }
        if requires.log && !public {
            out::note(
                "note: only some can read a private log; such attestations are of the class `private log`, a weaker class than `public log`",
            );
        }
        if !requires.log {
            out::note(
                "note: without a log nobody else can see that something was signed; such attestations are of the class `timestamp`, a weaker class than those in a log",
            );
        }
        Ok(done(
            common,
            &format!("trust root {} is recorded", self.name),
            index,
        ))
    }

    /// Something was typed beside the files' own names: a setting, or which version is to be the newest.
    fn asks_for_more(&self) -> bool {
        let log = self.private_log || self.public_log;
        let repository = self.tuf_url.is_some() || self.no_tuf;
        !self.issuer.is_empty() || !self.require.is_empty() || log || repository || self.older
    }

    /// The files, with the settings of an instance that is known.
    fn given(&self) -> anyhow::Result<NewTrustRoot> {
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
        if let (Some(url), Some(path)) = (&self.tuf_url, &self.tuf_root) {
            new.repository = Some(Repository {
                url: url.clone(),
                bootstrap: bounded(path, MAX_BOOTSTRAP)?,
            });
        }
        if self.no_tuf {
            new.repository = None;
        }
        Ok(new)
    }

    /// Its settings: those that were typed; else those of the version before; else those of the instance.
    async fn settle(
        &self,
        app: &App,
        new: &mut NewTrustRoot,
        before: Option<&trust_root::Recorded>,
    ) -> anyhow::Result<()> {
        if let Some(before) = before {
            new.issuers = before.issuers.iter().map(ToString::to_string).collect();
            new.requires = before.requires;
            new.public = before.public;
            if let (None, false, Some(from)) = (&new.repository, self.no_tuf, &before.repository) {
                let bootstrap = app.blobs.get(&from.bootstrap).await?;
                let text = "the root metadata that trust in its repository begins with is not here: \
                            give it with --tuf-url and --tuf-root, or say --no-tuf";
                new.repository = Some(Repository {
                    url: from.url.to_string(),
                    bootstrap: bootstrap.context(text)?,
                });
            }
        }
        if !self.issuer.is_empty() {
            new.issuers.clone_from(&self.issuer);
        }
        if new.issuers.is_empty() {
            anyhow::bail!("name an issuer whose jobs it vouches for with --issuer");
        }
        if !self.require.is_empty() {
            let requires = |evidence| self.require.contains(&evidence);
            new.requires = trust_root::Requires {
                log: requires(Evidence::Log),
                sct: requires(Evidence::Sct),
                timestamp: requires(Evidence::Timestamp),
            };
        }
        new.public = (new.public || self.public_log) && !self.private_log;
        Ok(())
    }
}

/// What is another setting than before, in words; what lets more in is a warning.
fn differs(before: &trust_root::Recorded, new: &NewTrustRoot) -> Vec<String> {
    let mut notes = Vec::new();
    for ((word, required), (_, asked)) in evidence(before.requires)
        .into_iter()
        .zip(evidence(new.requires))
    {
        if required && !asked {
            notes.push(format!("warning: {word} is not required any more"));
        } else if asked && !required {
            notes.push(format!("note: {word} is required from now on"));
        }
    }
    let known = |issuer: &str| before.issuers.iter().any(|known| known.as_str() == issuer);
    for issuer in new.issuers.iter().filter(|issuer| !known(issuer)) {
        notes.push(format!(
            "warning: it vouches for the jobs of {issuer} from now on"
        ));
    }
    for issuer in before.issuers.iter().map(Text::as_str) {
        if !new.issuers.iter().any(|kept| kept == issuer) {
            notes.push(format!(
                "note: it vouches for the jobs of {issuer} no longer"
            ));
        }
    }
    let old = before.repository.as_ref().map(|from| from.url.as_str());
    match (old, new.repository.as_ref().map(|from| from.url.as_str())) {
        (Some(old), None) => {
            notes.push(format!("note: it is not refreshed from {old} any more"));
        }
        (old, Some(url)) if old != Some(url) => {
            notes.push(format!("warning: from now on {url} says what it is"));
        }
        (Some(_) | None, Some(_)) | (None, None) => {}
    }
    notes
}

/// Which files were put back, in words.
fn back(name: &str, given: &Given) -> Vec<String> {
    let file = given.versions.last().filter(|_| given.restored);
    let file = file.map(|version| format!("the file of version {version}"));
    let metadata = given.bootstrap_restored;
    let metadata = metadata.then(|| "the root metadata of its repository".to_owned());
    let said = |file| format!("trust root {name}: {file} was missing or damaged and is back");
    file.into_iter().chain(metadata).map(said).collect()
}

fn nothing_recorded(common: &Common, given: &Given) -> Answer {
    if common.json {
        let version = given.versions.last().filter(|_| given.restored);
        out::json(&json!({
            "restored": true, "version": version, "tuf_root": given.bootstrap_restored,
        }));
    } else {
        out::line("nothing was recorded");
    }
    Answer::True
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
