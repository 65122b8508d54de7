//! `gemledger publisher`
use anyhow::Context as _;
use clap::{Args, Subcommand};
use deciders::policy::Policy;
use events::{
    claims::ProviderKind,
    id::{Owner, PublisherId},
    name::GemName,
    policy::Publisher,
    stream::StreamName,
    text::{Slug, Text},
};
use serde_json::json;

use super::{Answer, Common, accounts::account, out, providers::done, rules::waits};
use crate::{app::App, views, world::Clock};

/// Trusted publishers.
#[derive(Subcommand)]
pub(super) enum PublisherCommand {
    /// Let a workflow release a gem; a gem that does not exist yet is reserved for its first push
    Add(Box<Add>),
    /// List a gem's publishers
    List {
        /// The gem
        gem: String,
    },
    /// Remove a publisher; keys minted for it no longer push the gem
    Remove {
        /// The gem
        gem: String,
        /// The publisher's id
        id: u64,
    },
}

/// Add a publisher.
#[derive(Args)]
pub(super) struct Add {
    /// The gem
    gem: String,
    /// The identity provider
    #[arg(long, value_name = "SLUG")]
    provider: String,
    /// The repository
    #[arg(long, value_name = "OWNER/NAME")]
    repository: String,
    /// The workflow: a file in .github/workflows, or the path of the pipeline's file
    #[arg(long, value_name = "FILE")]
    workflow: String,
    /// The deployment environment that the job must run in
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// The repository of the reusable workflow that defines the releasing job
    #[arg(long, value_name = "OWNER/NAME")]
    workflow_repository: Option<String>,
    /// The repository's immutable id; looked up for github.com
    #[arg(long, value_name = "N")]
    repository_id: Option<String>,
    /// The owner's immutable id; looked up for github.com
    #[arg(long, value_name = "N")]
    owner_id: Option<String>,
    /// Let any branch release, not only tags and protected branches
    #[arg(long)]
    any_ref: bool,
    /// The account that a new gem will belong to [default: the operator]
    #[arg(long, value_name = "ACCOUNT")]
    owner: Option<String>,
}

impl PublisherCommand {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        match self {
            Self::Add(add) => add.run(common).await,
            Self::List { gem } => list(common, &gem).await,
            Self::Remove { gem, id } => {
                let app = common.open().await?;
                let gem = GemName::parse(&gem).context("the gem's name")?;
                let index = app
                    .remove_publisher(app.console(), gem.folded(), PublisherId(id))
                    .await?;
                Ok(done(
                    common,
                    &format!("publisher {id} of {gem} is removed"),
                    index,
                ))
            }
        }
    }
}

fn text(what: &'static str, value: &str) -> anyhow::Result<Text> {
    Text::configured(value).with_context(|| format!("the {what}"))
}

impl Add {
    async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let app = common.open().await?;
        let gem = GemName::parse(&self.gem).context("the gem's name")?;
        let owner = match &self.owner {
            Some(handle) => Owner::Account(account(&app, handle).await?),
            None => Owner::Operator,
        };
        let optional = |what, value: &Option<String>| {
            value.as_deref().map(|value| text(what, value)).transpose()
        };
        let publisher = Publisher {
            any_ref: self.any_ref,
            environment: optional("environment", &self.environment)?,
            owner_id: optional("owner's id", &self.owner_id)?,
            provider: Slug::parse(&self.provider).context("the provider's name")?,
            repository: text("repository", &self.repository)?,
            repository_id: optional("repository's id", &self.repository_id)?,
            workflow: text("workflow", &self.workflow)?,
            workflow_repository: optional("workflow's repository", &self.workflow_repository)?,
        };
        let added = app
            .add_publisher(app.console(), gem.clone(), publisher, owner)
            .await?;
        if let Some(reason) = &added.unresolved {
            out::note(&format!(
                "the publisher is provisional: {reason}. Its first push within 7 days pins the ids"
            ));
        }
        let known = app.reread().await?;
        let provider = known
            .by_issuer
            .values()
            .find(|(slug, _)| *slug == added.publisher.provider);
        let now = app.clock.now();
        let registered = provider.and_then(|(_, provider)| provider.settings(now));
        let workflow = registered.map(|registered| {
            workflow(
                &app,
                &gem,
                &added.publisher,
                registered.kind,
                registered.audience.as_str(),
            )
        });
        if common.json {
            out::json(&json!({
                "id": added.id, "log_index": added.index, "pending": added.pending, "effective": added.effective,
                "publisher": added.publisher, "workflow": workflow,
            }));
            return Ok(Answer::True);
        }
        let state = if added.pending {
            "pending publisher"
        } else {
            "publisher"
        };
        out::note(&format!(
            "{state} {} of {gem} is added (log index {}). Its workflow:",
            added.id, added.index
        ));
        out::verbatim(&workflow.unwrap_or_default());
        if let Some(effective) = added.effective {
            waits(&gem, added.id.0, effective);
        }
        Ok(Answer::True)
    }
}

async fn list(common: &Common, gem: &str) -> anyhow::Result<Answer> {
    let reader = common.reader().await?;
    let gem = GemName::parse(gem).context("the gem's name")?;
    let policy: Policy = views::state(&reader, &StreamName::policy(&gem.folded())).await?;
    let now = Clock::system().now();
    let live = policy
        .publishers
        .iter()
        .map(|(id, entry)| (*id, &entry.publisher, None));
    let pending = policy
        .pending
        .iter()
        .map(|(id, pending)| (*id, &pending.publisher, Some(pending.expires)));
    for (id, publisher, expires) in live.chain(pending) {
        let entry = policy.publishers.get(&id);
        let effective = entry.and_then(|entry| entry.waits_until(now));
        if common.json {
            out::json(&json!({
                "id": id, "publisher": publisher, "pending_until": expires, "effective": effective,
            }));
            continue;
        }
        let from = effective.map(|effective| format!(", takes effect {effective}"));
        let environment = publisher
            .environment
            .as_ref()
            .map(|name| format!(" in {name}"))
            .unwrap_or_default();
        let ids = publisher
            .repository_id
            .as_ref()
            .map_or("ids not pinned yet".to_owned(), |id| {
                format!("repository id {id}")
            });
        let until = expires
            .map(|expires| format!(", pending until {expires}"))
            .unwrap_or_default();
        let Publisher {
            provider,
            repository,
            workflow,
            ..
        } = publisher;
        out::line(&format!(
            "{id}\t{provider}\t{repository} @ {workflow}{environment}\t{ids}{until}{}",
            from.unwrap_or_default()
        ));
    }
    Ok(Answer::True)
}

/// The finished workflow for this server.
fn workflow(
    app: &App,
    gem: &GemName,
    publisher: &Publisher,
    kind: ProviderKind,
    audience: &str,
) -> String {
    let environment = publisher.environment.as_ref().map(Text::as_str);
    let template = match kind {
        ProviderKind::Github => include_str!("../../docs/workflows/github.yml"),
        ProviderKind::Gitlab => include_str!("../../docs/workflows/gitlab.yml"),
        ProviderKind::Generic => include_str!("../../docs/workflows/generic.sh"),
    };
    let environment = match (kind, environment) {
        (ProviderKind::Github, Some(name)) => format!("    environment: {name}\n"),
        (ProviderKind::Gitlab, Some(name)) => format!("  environment: {name}\n"),
        _ => String::new(),
    };
    template
        .replace("%ENVIRONMENT%\n", &environment)
        .replace("%GEM%", gem.as_str())
        .replace("%URL%", app.url.as_str())
        .replace("%AUDIENCE%", audience)
        .replace("%WORKFLOW%", publisher.workflow.as_str())
}
