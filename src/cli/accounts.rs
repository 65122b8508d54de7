//! `gemledger account`, `gemledger api-key` and `gemledger erase`
use anyhow::Context as _;
use clap::{Args, Subcommand};
use events::{api_key::Scope, id::AccountId, name::GemName, stream::StreamName};
use serde_json::json;

use super::{Answer, Common, out, providers::done, time};
use crate::{app::App, views};

mod revoke;

/// Accounts.
#[derive(Subcommand)]
pub(super) enum AccountCommand {
    /// Make an account
    Add {
        /// Its handle: a-z, 0-9, - and _
        name: String,
    },
    /// Disable an account; its keys are dead
    Disable {
        /// Its handle
        name: String,
    },
}

/// API keys.
#[derive(Subcommand)]
pub(super) enum ApiKeyCommand {
    /// Issue a key; it is shown once
    Issue(Issue),
    /// Revoke a key, or all keys of a provider, of a repository, or since a time
    Revoke(revoke::Revoke),
}

/// Issue a key.
#[derive(Args)]
pub(super) struct Issue {
    /// The account that holds it
    #[arg(long, value_name = "NAME")]
    account: String,
    /// What it may do: `push_rubygem`, `yank_rubygem`, `index_rubygems`, `configure_trusted_publishers`,
    /// `configure_policy`, `add_owner`, `remove_owner`, `read`
    #[arg(long, value_name = "SCOPE", required = true, value_delimiter = ',', value_parser = scope)]
    scopes: Vec<Scope>,
    /// The only gem it may touch
    #[arg(long, value_name = "NAME")]
    gem: Option<String>,
    /// How long it lives, like 90d
    #[arg(long, value_name = "DURATION", value_parser = time::seconds)]
    expires: Option<u64>,
}

fn scope(text: &str) -> Result<Scope, String> {
    let names = || Scope::ALL.map(Scope::as_str).join(", ");
    Scope::ALL
        .into_iter()
        .find(|scope| scope.as_str() == text)
        .ok_or_else(|| format!("one of {}", names()))
}

pub(super) async fn account(app: &App, handle: &str) -> anyhow::Result<AccountId> {
    if let Ok(id) = AccountId::parse(handle) {
        return Ok(id);
    }
    let found = views::accounts::by_handle(app, handle).await?;
    found.with_context(|| format!("there is no account called {handle}"))
}

impl AccountCommand {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let app = common.open().await?;
        match self {
            Self::Add { name } => {
                let id = app.add_account(&name).await?;
                if common.json {
                    out::json(&json!({"id": id, "name": name}));
                } else {
                    out::line(&format!("account {name} has the id {id}"));
                }
                Ok(Answer::True)
            }
            Self::Disable { name } => {
                let index = app.disable_account(account(&app, &name).await?).await?;
                Ok(done(common, &format!("account {name} is disabled"), index))
            }
        }
    }
}

impl ApiKeyCommand {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let app = common.open().await?;
        match self {
            Self::Issue(issue) => issue.run(common, &app).await,
            Self::Revoke(revoke) => revoke.run(common, &app).await,
        }
    }
}

impl Issue {
    async fn run(self, common: &Common, app: &App) -> anyhow::Result<Answer> {
        let account = account(app, &self.account).await?;
        let gem = self
            .gem
            .as_deref()
            .map(GemName::parse)
            .transpose()
            .context("the gem's name")?;
        let expires = self
            .expires
            .map(|seconds| app.clock.now().plus_seconds(seconds));
        let (id, secret, index) = app
            .issue_api_key(account, self.scopes, gem.map(|gem| gem.folded()), expires)
            .await?;
        if common.json {
            out::json(
                &json!({"key": secret.reveal(), "id": id, "expires": expires, "log_index": index}),
            );
        } else {
            out::note(&format!(
                "API key {id} of {} (log index {index}); it is not shown again:",
                self.account
            ));
            out::line(secret.reveal());
        }
        Ok(Answer::True)
    }
}

/// Destroy the key to a subject's sealed values.
#[derive(Args)]
pub(super) struct Erase {
    /// An account's handle, or a stream: account/ID or token/PROVIDER/TOKEN
    subject: String,
}

impl Erase {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let app = common.open().await?;
        let subject = match StreamName::parse(&self.subject) {
            Ok(stream) => stream,
            Err(_) => StreamName::account(account(&app, &self.subject).await?),
        };
        let index = app.erase(subject.clone()).await?;
        Ok(done(
            common,
            &format!("{subject} is erased: its sealed values cannot be opened any more"),
            index,
        ))
    }
}
