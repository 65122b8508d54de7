//! `gemledger api-key revoke`: one key, or every living key that fits.
use anyhow::Context as _;
use clap::Args;
use deciders::api_key::MAX_REVOKED;
use events::{
    id::ApiKeyId,
    text::{Slug, Text},
    time::Timestamp,
};
use serde_json::json;

use super::super::{Answer, Common, out, providers::done, time};
use crate::{
    app::App,
    views::live_keys::{self, LiveKey, Which},
};

/// Revoke keys. Filters are taken together; what is dead already is left out.
#[derive(Args)]
pub(in crate::cli) struct Revoke {
    /// The key's id
    #[arg(required_unless_present_any = ["provider", "repository", "since"], conflicts_with_all = ["provider", "repository", "since"])]
    id: Option<String>,
    /// Every key that was bought with a token of this provider
    #[arg(long, value_name = "SLUG")]
    provider: Option<String>,
    /// Every key that was bought by a job of this repository
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<String>,
    /// Every key that was issued since then
    #[arg(long, value_name = "TIME", value_parser = time::moment)]
    since: Option<Timestamp>,
}

impl Revoke {
    pub(in crate::cli) async fn run(self, common: &Common, app: &App) -> anyhow::Result<Answer> {
        if let Some(id) = &self.id {
            let key = ApiKeyId::parse(id).context("the key's id")?;
            let index = app.revoke_api_key(key, None).await?;
            return Ok(done(common, &format!("API key {id} is revoked"), index));
        }
        let which = Which {
            provider: self
                .provider
                .as_deref()
                .map(Slug::parse)
                .transpose()
                .context("the provider's name")?,
            repository: self
                .repository
                .as_deref()
                .map(Text::configured)
                .transpose()
                .context("the repository")?,
            since: self.since,
        };
        if let Some(slug) = &which.provider {
            let slugs = crate::views::providers::slugs(&app.reader).await?;
            anyhow::ensure!(slugs.contains(slug), "there is no provider called {slug}");
        }
        let (mut after, mut count) = (None, 0_usize);
        loop {
            let (keys, next) = live_keys::page(&app.reader, &which, after, app.clock.now()).await?;
            for group in keys.chunks(MAX_REVOKED) {
                count += revoke(common, app, group).await?;
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        out::note(&match count {
            0 => "no key that lives fits; nothing was revoked".to_owned(),
            1 => "1 key was revoked".to_owned(),
            count => format!("{count} keys were revoked"),
        });
        if count > 0 && which != Which::default() {
            out::note(
                "new keys can be bought as long as the publisher and its provider are trusted",
            );
        }
        Ok(Answer::True)
    }
}

/// Revokes a group together. If we crash here, the groups before it are revoked, and the command can be given again.
async fn revoke(common: &Common, app: &App, group: &[LiveKey]) -> anyhow::Result<usize> {
    let ids = group.iter().map(|key| key.id).collect();
    let revoked = app.revoke_api_keys(ids).await?;
    for (id, index) in &revoked {
        let Some(key) = group.iter().find(|key| key.id == *id) else {
            continue;
        };
        if common.json {
            out::json(&json!({"log_index": index, "key": key}));
            continue;
        }
        let whose = match (&key.repository, &key.run_id, key.account) {
            (Some(repository), Some(run), _) => format!("run {run} of {repository}"),
            (Some(repository), None, _) => format!("a job of {repository}"),
            (None, _, Some(account)) => format!("account {account}"),
            (None, _, None) => "nobody".to_owned(),
        };
        let issued = key.issued;
        out::line(&format!(
            "API key {id} of {whose}, issued {issued}, is revoked (log index {index})"
        ));
    }
    Ok(revoked.len())
}
