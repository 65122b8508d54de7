//! `gemledger monitor`: somebody else's ledger, followed from outside.
use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use tlog::{CosignerKey, VerifierKey};

use super::{Answer, Common, out, time};
use crate::{
    monitor::{
        Finding, Look, Monitor, Options, Settings, catalogue,
        follow::{Pace, Standing},
        notify::Notifier,
        times::Bounds,
    },
    oidc::{Fetch, HttpFetch, NoFetch},
    remote::{self, Credential, HttpClient, Ledger, Source, TileFolder},
    sarif,
    world::Clock,
};

/// Follow somebody else's ledger from outside: is it consistent, lawful, and what happened.
#[derive(Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub(super) struct MonitorCommand {
    /// The registry, or a folder with its tiles
    #[arg(value_name = "URL|DIR")]
    place: String,
    /// The ledger's verification key, or a file with it [default: the one that it shows]
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// What was seen and told before; only what is new is told
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Which rules are applied, to which gems, with which numbers (JSON)
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Look once and exit, as without --follow: 0 nothing found, 1 findings, 2 could not tell
    #[arg(long, conflicts_with = "follow")]
    once: bool,
    /// Look again and again
    #[arg(long)]
    follow: bool,
    /// How often to look, with --follow
    #[arg(long, value_name = "TIME", value_parser = time::seconds, default_value = "30s", requires = "follow")]
    every: u64,
    /// Post findings as JSON to this address
    #[arg(long, value_name = "URL")]
    notify: Option<String>,
    /// Write findings as SARIF to this file
    #[arg(long, value_name = "FILE", conflicts_with = "follow")]
    sarif: Option<PathBuf>,
    /// A witness that must have cosigned, or a file with its key; can be given several times
    #[arg(long = "witness", value_name = "VKEY")]
    witnesses: Vec<String>,
    /// Keep a copy of the log in this folder: a mirror, which is read instead of the network the next time
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// With a new state file: also tell what was notable before
    #[arg(long)]
    history: bool,
    /// A finding if nothing new was signed for so long
    #[arg(long, value_name = "TIME", value_parser = time::seconds)]
    max_age: Option<u64>,
    /// How far clocks may differ
    #[arg(long, value_name = "TIME", value_parser = time::seconds, default_value = "2m")]
    skew: u64,
    /// Do not ask the identity providers for their keys
    #[arg(long)]
    no_provider_check: bool,
    /// An API key with the scope `read`, for a private ledger
    #[arg(
        long,
        env = "GEMLEDGER_API_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    api_key: Option<String>,
}

impl MonitorCommand {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let mut monitor = self.monitor().await?;
        let notifier = match &self.notify {
            Some(url) => Some(Notifier::start(HttpClient::for_webhook(
                url,
                remote::Settings::default(),
            )?)),
            None => None,
        };
        let answer = if self.follow {
            self.follow(common, &mut monitor, notifier.as_ref()).await
        } else {
            self.once(common, &mut monitor, notifier.as_ref()).await
        };
        if let Some(notifier) = notifier {
            for error in notifier.finish().await {
                out::note(&format!("findings could not be posted: {error}"));
            }
        }
        answer
    }

    async fn monitor(&self) -> anyhow::Result<Monitor> {
        let settings = match &self.rules {
            None => Settings::default(),
            Some(path) => {
                let file =
                    fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                Settings::parse(&file)?
            }
        };
        let credential = match self.api_key.as_deref().map(Credential::new) {
            Some(None) => {
                anyhow::bail!("the API key cannot be sent: it is empty or has a line break")
            }
            Some(credential) => credential,
            None => None,
        };
        let key = match &self.key {
            None => None,
            Some(given) => Some(VerifierKey::parse(&text_or_file(given)).context("--key")?),
        };
        let witness = |given: &String| {
            CosignerKey::parse(&text_or_file(given)).with_context(|| format!("--witness {given}"))
        };
        let source = Source::parse(&self.place, credential, remote::Settings::default())?;
        let mut ledger = Ledger::open(source, key).await?;
        if let Some(folder) = &self.keep {
            ledger = ledger.keeping(TileFolder::new(folder));
        }
        let fetch = || -> Arc<dyn Fetch> {
            match HttpFetch::new() {
                Ok(fetch) => Arc::new(fetch),
                Err(error) => Arc::new(NoFetch(error)),
            }
        };
        Ok(Monitor::new(
            ledger,
            Options {
                settings,
                bounds: Bounds {
                    skew_seconds: self.skew,
                    max_age_seconds: self.max_age,
                },
                witnesses: self
                    .witnesses
                    .iter()
                    .map(witness)
                    .collect::<Result<_, _>>()?,
                state: self.state.clone(),
                history: self.history,
                clock: Clock::system(),
                fetch: (!self.no_provider_check).then(fetch),
            },
        )?)
    }

    async fn once(
        &self,
        common: &Common,
        monitor: &mut Monitor,
        notifier: Option<&Notifier>,
    ) -> anyhow::Result<Answer> {
        let bar = out::progress(0, "reading");
        let look = monitor
            .look(|done, all| {
                bar.set_length(all);
                bar.set_position(done);
            })
            .await;
        bar.finish_and_clear();
        let look = look?;
        tell(common, monitor, &look, notifier);
        if let Some(path) = &self.sarif {
            write_sarif(path, monitor, &look)?;
        }
        monitor.told(&look)?;
        summary(common, monitor, &look);
        let broken_or_notable = look
            .findings
            .iter()
            .any(|finding| finding.sort != crate::monitor::Sort::Undecided);
        Ok(match (broken_or_notable, look.decided) {
            (true, _) => Answer::False,
            (false, true) => Answer::True,
            (false, false) => Answer::CouldNotTell,
        })
    }

    async fn follow(
        &self,
        common: &Common,
        monitor: &mut Monitor,
        notifier: Option<&Notifier>,
    ) -> anyhow::Result<Answer> {
        let mut pace = Pace::new(Duration::from_secs(self.every));
        let mut standing = Standing::default();
        let mut size = None;
        loop {
            let looked = monitor.look(|_, _| {}).await;
            let pause = pace.after(looked.is_ok());
            match looked {
                Ok(mut look) => {
                    standing.fresh(&mut look);
                    tell(common, monitor, &look, notifier);
                    monitor.told(&look)?;
                    if look.size != size {
                        size = look.size;
                        summary(common, monitor, &look);
                    }
                }
                Err(error) => out::note(&format!("could not look: {error}; again in {pause:?}")),
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = tokio::signal::ctrl_c() => return Ok(Answer::True),
            }
        }
    }
}

/// What was given, or what stands in the file that was given.
fn text_or_file(given: &str) -> String {
    let text = fs::read_to_string(given).unwrap_or_else(|_| given.to_owned());
    text.trim().to_owned()
}

fn tell(common: &Common, monitor: &Monitor, look: &Look, notifier: Option<&Notifier>) {
    for finding in &look.findings {
        if common.json {
            out::json(&finding.to_json());
        } else {
            out::line(&finding.to_string());
        }
    }
    if let Some(notifier) = notifier {
        let (place, origin) = (
            monitor.ledger().source().to_string(),
            monitor.ledger().key().name(),
        );
        let lost = notifier.post(&place, origin, &look.findings);
        if lost > 0 {
            out::note(&format!(
                "{lost} findings could not be posted: too many wait already"
            ));
        }
    }
}

fn summary(common: &Common, monitor: &Monitor, look: &Look) {
    let origin = monitor.ledger().key().name();
    let (read, findings) = (look.read, look.findings.len());
    if common.json {
        out::json(&json!({
            "origin": origin, "size": look.size, "read": read, "findings": findings, "decided": look.decided,
            "vkey": monitor.ledger().key().to_string(),
        }));
        return;
    }
    let words = match (findings, look.decided) {
        (0, true) => "consistent, and every decision was lawful".to_owned(),
        (0, false) => "nothing found, and not everything could be told".to_owned(),
        (1, _) => "1 finding".to_owned(),
        (many, _) => format!("{many} findings"),
    };
    out::line(&format!("{origin}: {read} events read: {words}"));
}

fn write_sarif(path: &PathBuf, monitor: &Monitor, look: &Look) -> anyhow::Result<()> {
    let (log, origin) = (
        monitor.ledger().source().to_string(),
        monitor.ledger().key().name(),
    );
    let run = sarif::Run {
        rules: catalogue::for_sarif(),
        findings: look
            .findings
            .iter()
            .map(|finding: &Finding| finding.to_sarif(&log, origin))
            .collect(),
        complete: look.complete && look.decided,
    };
    let mut bytes = serde_json::to_vec_pretty(&run.to_sarif())?;
    bytes.push(b'\n');
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
