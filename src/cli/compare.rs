//! `gemledger compare`: a gem held against the repository that it is said to be made of.
use std::{fs, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use events::text::Text;

use super::{Answer, Common, out};
use crate::compare::{
    Address, Asked, CompareError, Comparison, StatedBy, Verdict, compare,
    fetch::{FetchLimits, abandon},
    glob::Glob,
    statement,
};

mod release;
mod show;

use release::Release;

/// Compare a released gem with its repository, file by file.
///
/// The commit is the one that the release's record names. Nothing of the repository is run. Exit code 0: nothing is
/// unexplained; 1: something is; 2: it could not be told, or not be attached. What was not looked at is never the same:
/// where the gemspec cannot be read without running it, nothing is told, unless --files-only asks for the files alone.
/// It says where the files came from, never that they are safe.
#[derive(Args)]
pub(super) struct Compare {
    /// The gem
    #[arg(requires = "release", required_unless_present = "file")]
    gem: Option<String>,
    /// VERSION or VERSION-PLATFORM
    #[arg(value_name = "VERSION")]
    release: Option<String>,
    /// A clone (also a bare one), or the https address of the repository
    #[arg(long, value_name = "DIR|URL")]
    repo: String,
    /// The folder of the repository that the gem is built in [default: where its gemspec is]
    #[arg(long, value_name = "DIR")]
    path: Option<String>,
    /// The full id of the commit, for a release whose record names none
    #[arg(long, value_name = "ID", required_unless_present = "gem")]
    commit: Option<String>,
    /// Files that the build makes, such as 'lib/**/*.so': by your word they are no difference; repeat it for each
    #[arg(long, value_name = "GLOB")]
    generated: Vec<String>,
    /// The gem was built for its platform: by your word, libraries below lib/, no sources below ext/, and what building
    /// changes in the metadata are no difference
    #[arg(long)]
    built_for_platform: bool,
    /// Compare only the files in the gem: not its metadata, and not what was left out
    #[arg(long)]
    files_only: bool,
    /// Ask this registry, and believe it as `verify` does [default: the ledger in --data]
    #[arg(long, value_name = "URL")]
    registry: Option<String>,
    #[command(flatten)]
    trust: release::Trusted,
    /// A gem file at hand, without any registry
    #[arg(long = "gem", value_name = "FILE", conflicts_with_all = ["gem", "release", "registry"])]
    file: Option<PathBuf>,
    /// Write what was found as an in-toto statement
    #[arg(long, value_name = "FILE", requires = "by")]
    statement: Option<PathBuf>,
    /// Who compares, for the statement: a name, or the address of a CI run
    #[arg(long, value_name = "TEXT")]
    by: Option<String>,
    /// Attach the statement to the release: as the operator of the ledger in --data, or to --registry as the owner whose
    /// API key is at hand
    #[arg(long, requires = "by", conflicts_with = "file")]
    attach: bool,
}

impl Compare {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let by = self.by.as_deref().map(Text::parse).transpose();
        let by = by.context("--by")?;
        let generated: Option<Vec<Glob>> = self
            .generated
            .iter()
            .map(|pattern| Glob::parse(pattern, true))
            .collect();
        let generated = generated.context("a pattern of --generated cannot be read")?;
        let address = Address::parse(&self.repo).map_err(CompareError::from)?;
        let release = self.release(common).await?;
        let (commit, stated_by) = commit(&release, self.commit.as_deref())?;
        let asked = Asked {
            commit,
            stated_by,
            recorded: release.repository.clone(),
            path: self.path.clone(),
            generated,
            built_for_platform: self.built_for_platform,
            files_only: self.files_only,
        };
        let spinner = out::spinner("comparing");
        let bytes = release.bytes.clone();
        let (tell, told) = tokio::sync::oneshot::channel();
        // On a thread that nobody waits for when the program is interrupted.
        std::thread::spawn(move || {
            let compared = address
                .open(&asked.commit, FetchLimits::default())
                .map_err(CompareError::from)
                .and_then(|repository| compare(&bytes, &repository, &asked));
            // Nobody listens any more if it cannot be told.
            let _ = tell.send(compared);
        });
        let compared = tokio::select! {
            compared = told => compared.context("comparing ended early")?,
            _ = tokio::signal::ctrl_c() => {
                abandon();
                anyhow::bail!("interrupted");
            }
        };
        spinner.finish_and_clear();
        let comparison = compared?;
        let stated = match &by {
            Some(by) => self.state(common, &comparison, by).await,
            None => Ok(()),
        };
        if common.json {
            out::json(&comparison);
        } else {
            show::show(&comparison);
        }
        // That it was not attached is no difference.
        if let Err(error) = stated {
            out::error(&error, false);
            return Ok(Answer::CouldNotTell);
        }
        Ok(match comparison.verdict {
            Verdict::Same => Answer::True,
            Verdict::Different => Answer::False,
            Verdict::CouldNotTell => Answer::CouldNotTell,
        })
    }

    async fn release(&self, common: &Common) -> anyhow::Result<Release> {
        match (&self.gem, &self.release, &self.file, &self.registry) {
            (.., Some(file), _) => release::at_hand(file),
            (Some(gem), Some(version), None, Some(url)) => {
                release::of_registry(gem, version, url, &self.trust).await
            }
            (Some(gem), Some(version), None, None) => {
                release::of_ledger(common, gem, version).await
            }
            (None, _, None, _) | (_, None, None, _) => {
                anyhow::bail!("name a gem and a version, or a file with --gem")
            }
        }
    }

    /// Writes the statement, and attaches it.
    async fn state(
        &self,
        common: &Common,
        comparison: &Comparison,
        by: &Text,
    ) -> anyhow::Result<()> {
        if self.statement.is_none() && !self.attach {
            return Ok(());
        }
        let bytes = statement::write(comparison, by.as_str())?;
        if let Some(path) = &self.statement {
            fs::write(path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        if self.attach
            && let (Some(gem), Some(version)) = (&self.gem, &self.release)
        {
            let named = (gem.as_str(), version.as_str());
            let index = match &self.registry {
                Some(url) => release::attach_to(url, &self.trust, named, bytes).await?,
                None => release::attach(common, named, bytes).await?,
            };
            out::note(&format!("attached to the release, log index {index}"));
        }
        Ok(())
    }
}

/// The commit to compare with: the recorded one, or for a release without one the given one.
fn commit(release: &Release, given: Option<&str>) -> anyhow::Result<(String, StatedBy)> {
    match (&release.commit, given) {
        (Some(recorded), None) => Ok((recorded.clone(), StatedBy::Ledger)),
        (Some(recorded), Some(given)) if recorded.eq_ignore_ascii_case(given) => {
            Ok((recorded.clone(), StatedBy::Ledger))
        }
        (Some(recorded), Some(_)) => anyhow::bail!(
            "the release's record names commit {recorded}; --commit is for releases whose record names none"
        ),
        (None, Some(given)) => Ok((given.to_ascii_lowercase(), StatedBy::Caller)),
        (None, None) => anyhow::bail!(
            "the release's record names no commit: it was pushed with an account's key; name one with --commit"
        ),
    }
}
