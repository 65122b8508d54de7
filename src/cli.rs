//! The command line: what the operator, an auditor or a user types.
//!
//! Data goes to standard output, everything else to standard error. Exit codes are for scripts: 0 true, 1 false (denied,
//! not verified, unlawful), 2 could not tell.
use std::{path::PathBuf, process::ExitCode};

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::{
    app::{self, App, CommandError, OpenError, Opening},
    config::Folder,
    store::{reader::Reader, writer::AppendError},
    world::Clock,
};

mod accounts;
mod audit;
mod blast_radius;
mod compare;
mod demo;
mod evidence;
mod explain;
mod log;
mod monitor;
mod out;
mod owners;
mod provenance;
mod providers;
mod publishers;
mod quarantine;
mod recovery;
mod replay;
mod rulebook;
mod rules;
mod serve;
mod state;
mod time;
mod trust_roots;
mod verify;
mod vsa;
mod witnesses;
mod workflows;

/// A gem registry whose database is a transparency log.
#[derive(Parser)]
#[command(
    name = "gemledger",
    version,
    max_term_width = 100,
    propagate_version = true
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Where the ledger is, and how to print.
#[derive(Args, Clone, Debug)]
struct Common {
    /// The data folder of the ledger
    #[arg(
        long,
        global = true,
        env = "GEMLEDGER_DATA",
        value_name = "DIR",
        default_value = "gemledger-data"
    )]
    data: PathBuf,
    /// The folder with the keys that sign, and those of sealed values [default: DATA/keys]
    #[arg(long, global = true, env = "GEMLEDGER_KEYS", value_name = "DIR")]
    keys: Option<PathBuf>,
    /// The file with the last signed checkpoint [default: DATA/anchor]
    #[arg(long, global = true, env = "GEMLEDGER_ANCHOR", value_name = "FILE")]
    anchor: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the registry; opens a new ledger in an empty or missing folder
    Serve(serve::Serve),
    /// Run the whole story on this machine with a stand-in identity provider
    Demo(demo::Demo),
    /// Identity providers whose tokens are exchanged here
    #[command(subcommand)]
    Provider(providers::Provider),
    /// Certificate authorities and logs that attestations are verified with
    #[command(subcommand)]
    TrustRoot(trust_roots::TrustRootCommand),
    /// Accounts that hold API keys
    #[command(subcommand)]
    Account(accounts::AccountCommand),
    /// API keys of accounts
    #[command(subcommand)]
    ApiKey(accounts::ApiKeyCommand),
    /// Workflows that may release a gem
    #[command(subcommand)]
    Publisher(publishers::PublisherCommand),
    /// Whose a gem is
    #[command(subcommand)]
    Owner(owners::OwnerCommand),
    /// What a gem demands of its releases
    #[command(subcommand)]
    Rule(rules::RuleCommand),
    /// Changes of a gem's policy that wait for their time
    #[command(subcommand)]
    Policy(rules::PolicyCommand),
    /// Withhold a release at once, and serve it again
    Quarantine(quarantine::Quarantine),
    /// Copy the ledger into a folder, also while it is served
    Backup(recovery::Backup),
    /// Put a backup into an empty folder, and hold it against its signed checkpoint
    Restore(recovery::Restore),
    /// Print events of the log; `log import` brings missing ones back
    Log(log::Log),
    /// Everything that an identity touched, and the commands that would contain it
    BlastRadius(blast_radius::BlastRadius),
    /// A gem's policy, releases and keys at any moment
    State(state::State),
    /// Why an event was allowed or denied
    Explain(explain::Explain),
    /// Open the sealed identity token behind a release, and check it once more
    Evidence(evidence::Evidence),
    /// Where a release came from
    Provenance(provenance::Provenance),
    /// Compare a released gem with its repository, file by file, without running any of it
    Compare(compare::Compare),
    /// What this registry itself says of a release, signed, for policy engines
    Vsa(vsa::Vsa),
    /// Replay the log: recompute its root, rebuild its tables, travel in time
    Replay(replay::Replay),
    /// Check that the log is whole and that every decision in it was lawful
    Audit(audit::Audit),
    /// Follow somebody else's ledger from outside: is it consistent, lawful, and what happened
    Monitor(monitor::MonitorCommand),
    /// Check what a project installs, or a receipt offline
    Verify(verify::Verify),
    /// Destroy the key to a subject's sealed values
    Erase(accounts::Erase),
}

/// What a command found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    True,
    False,
    CouldNotTell,
}

/// The definition of the command line, for those who hold documents against it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs what was typed.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.common.json;
    let answer = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, run(cli))
        }
        Err(error) => Err(error.into()),
    };
    match answer {
        Ok(Answer::True) => ExitCode::SUCCESS,
        Ok(Answer::False) => ExitCode::from(1),
        Ok(Answer::CouldNotTell) => ExitCode::from(2),
        Err(error) => {
            out::error(&error, json);
            let denied = error.downcast_ref().is_some_and(is_denied);
            ExitCode::from(if denied { 1 } else { 2 })
        }
    }
}

/// The rules, or what exists already, say no; other errors leave open what would have been said.
fn is_denied(error: &CommandError) -> bool {
    matches!(
        error,
        CommandError::Denied(_) | CommandError::Append(AppendError::Duplicate)
    )
}

async fn run(cli: Cli) -> anyhow::Result<Answer> {
    let common = &cli.common;
    match cli.command {
        Command::Serve(command) => command.run(common).await,
        Command::Demo(command) => command.run(common).await,
        Command::Provider(command) => command.run(common).await,
        Command::TrustRoot(command) => command.run(common).await,
        Command::Account(command) => command.run(common).await,
        Command::ApiKey(command) => command.run(common).await,
        Command::Publisher(command) => command.run(common).await,
        Command::Owner(command) => command.run(common).await,
        Command::Rule(command) => command.run(common).await,
        Command::Policy(command) => command.run(common).await,
        Command::Backup(command) => command.run(common).await,
        Command::Restore(command) => command.run(common).await,
        Command::Quarantine(command) => command.run(common).await,
        Command::Log(command) => command.run(common).await,
        Command::BlastRadius(command) => command.run(common).await,
        Command::State(command) => command.run(common).await,
        Command::Explain(command) => command.run(common).await,
        Command::Evidence(command) => command.run(common).await,
        Command::Provenance(command) => command.run(common).await,
        Command::Compare(command) => command.run(common).await,
        Command::Vsa(command) => command.run(common).await,
        Command::Replay(command) => command.run(common).await,
        Command::Audit(command) => command.run(common).await,
        Command::Monitor(command) => command.run(common).await,
        Command::Verify(command) => command.run(common).await,
        Command::Erase(command) => command.run(common).await,
    }
}

impl Common {
    fn folder(&self) -> Folder {
        Folder::new(&self.data, self.keys.as_deref(), self.anchor.as_deref())
    }

    /// The ledger in the folder, for commands that change it. The server may be running.
    async fn open(&self) -> Result<App, OpenError> {
        let opening = Opening {
            folder: self.folder(),
            url: None,
            visibility: None,
            create: false,
            open_new: false,
            loosening_delay_seconds: None,
            clock: Clock::system(),
        };
        Ok(app::open(opening).await?.app)
    }

    /// The log in the folder, for commands that only read.
    async fn reader(&self) -> anyhow::Result<Reader> {
        let database = self.folder().database();
        if !database.exists() {
            return Err(OpenError::Missing(self.data.clone()).into());
        }
        Ok(Reader::open(&database, 4).await?)
    }
}
