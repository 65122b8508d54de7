//! `gemledger owner`: whose a gem is.
use clap::Subcommand;
use events::id::Owner;
use serde_json::json;

use super::{
    Answer, Common,
    accounts::account,
    out,
    rules::{declared, folded},
};
use crate::{app::App, views, world::Clock};

/// Owners of a gem.
#[derive(Subcommand)]
pub(super) enum OwnerCommand {
    /// Add an owner, after the delay
    Add {
        /// The gem
        gem: String,
        /// The account's name or id, or `operator`
        #[arg(value_name = "ACCOUNT")]
        owner: String,
    },
    /// Remove an owner, after the delay; the last one stays
    Remove {
        /// The gem
        gem: String,
        /// The account's name or id, or `operator`
        #[arg(value_name = "ACCOUNT")]
        owner: String,
    },
    /// List a gem's owners
    List {
        /// The gem
        gem: String,
    },
}

async fn owner(app: &App, name: &str) -> anyhow::Result<Owner> {
    if name == "operator" {
        return Ok(Owner::Operator);
    }
    Ok(Owner::Account(account(app, name).await?))
}

impl OwnerCommand {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        match self {
            Self::Add { gem, owner: name } => {
                let app = common.open().await?;
                let owner = owner(&app, &name).await?;
                let added = app.add_owner(app.console(), folded(&gem)?, owner).await?;
                let what = format!("{name} is declared an owner of {gem}");
                Ok(declared(common, &gem, &what, added))
            }
            Self::Remove { gem, owner: name } => {
                let app = common.open().await?;
                let owner = owner(&app, &name).await?;
                let removed = app.remove_owner(app.console(), folded(&gem)?, owner);
                let what = format!("{name} is declared no owner of {gem}");
                Ok(declared(common, &gem, &what, removed.await?))
            }
            Self::List { gem } => {
                let reader = common.reader().await?;
                let now = Clock::system().now();
                let found = views::rules::now(&reader, &folded(&gem)?, now).await?;
                for owner in found.policy.owners {
                    if common.json {
                        out::json(&json!({"owner": owner}));
                    } else {
                        out::line(&views::gems::whose(owner));
                    }
                }
                Ok(Answer::True)
            }
        }
    }
}
