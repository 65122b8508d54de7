//! `gemledger provider`
use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use deciders::provider::{Provider as State, When};
use events::{
    claims::ProviderKind,
    provider::{Algorithm, ClaimName, Mapping},
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
};
use serde_json::json;

use super::{Answer, Common, out};
use crate::{
    app::providers::{Added, NewProvider},
    views,
    world::Clock,
};

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Github,
    Gitlab,
    Generic,
}

/// Identity providers.
#[derive(Subcommand)]
pub(super) enum Provider {
    /// Register a provider: its keys are fetched from its issuer now and then
    Add(Box<Add>),
    /// List the providers
    List,
    /// Take no tokens of a provider any more; keys they bought are dead
    Disable {
        /// Its name here
        slug: String,
    },
    /// Distrust a provider's signing key; keys bought with its tokens are dead
    DistrustKey {
        /// The provider's name here
        slug: String,
        /// The key's `kid`
        kid: String,
    },
}

/// Register a provider.
#[derive(Args)]
pub(super) struct Add {
    /// Its name here: a-z, 0-9 and hyphens
    slug: String,
    /// Which claims it speaks
    #[arg(long, value_enum)]
    kind: Kind,
    /// Its issuer, exactly as its tokens name it
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// The audience its tokens must name [default: host and port of --url]
    #[arg(long, value_name = "AUD")]
    audience: Option<String>,
    /// Accept tokens of private repositories although this ledger is public
    #[arg(long)]
    private_repositories: bool,
    /// Accept only these signature algorithms [default: those its discovery document names]
    #[arg(long, value_name = "ALG", value_parser = algorithm)]
    algorithm: Vec<Algorithm>,
    /// A claim that every token must carry with exactly this value
    #[arg(long, value_name = "CLAIM=VALUE", value_parser = required)]
    require: Vec<(ClaimName, Text)>,
    /// Generic: the claim that fills a field (`repository`, `repository_id`, `workflow`, `owner_id`, `commit`, `ref`, `run_id`, `environment`)
    #[arg(long, value_name = "FIELD=CLAIM", value_parser = mapped)]
    claim: Vec<(String, ClaimName)>,
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    serde_json::from_value(text.into()).map_err(|_| "one of RS256, PS256, ES256, EdDSA".to_owned())
}

fn required(text: &str) -> Result<(ClaimName, Text), String> {
    let (name, value) = text.split_once('=').ok_or("CLAIM=VALUE")?;
    Ok((
        ClaimName::parse(name).map_err(|e| e.to_string())?,
        Text::configured(value).map_err(|e| e.to_string())?,
    ))
}

fn mapped(text: &str) -> Result<(String, ClaimName), String> {
    let (field, name) = text.split_once('=').ok_or("FIELD=CLAIM")?;
    Ok((
        field.to_owned(),
        ClaimName::parse(name).map_err(|e| e.to_string())?,
    ))
}

impl Provider {
    pub(super) async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        match self {
            Self::Add(add) => add.run(common).await,
            Self::List => list(common).await,
            Self::Disable { slug } => {
                let index = common
                    .open()
                    .await?
                    .disable_provider(Slug::parse(&slug)?)
                    .await?;
                Ok(done(common, &format!("provider {slug} is disabled"), index))
            }
            Self::DistrustKey { slug, kid } => {
                let index = common
                    .open()
                    .await?
                    .distrust_key(Slug::parse(&slug)?, Text::parse(&kid)?)
                    .await?;
                Ok(done(
                    common,
                    &format!("key {kid} of provider {slug} is distrusted"),
                    index,
                ))
            }
        }
    }
}

/// Why settings take effect when they do, as a stable word, and when that is if it is not at once.
fn told(when: When) -> (&'static str, Option<Timestamp>) {
    let word = match when {
        When::AtOnce => "nothing_loosened",
        When::Young => "provider_is_new",
        When::TakenBack(_) => "taken_back",
        When::Later(_) => "waits",
    };
    (word, when.effective())
}

/// The same in words, where there is something to say.
fn note(when: When) -> Option<String> {
    match when {
        When::AtOnce => None,
        When::Young => Some(
            "these settings let in what those before would not. They take effect at once, because the provider is \
             younger than the delay for what loosens"
                .to_owned(),
        ),
        When::TakenBack(until) => Some(format!(
            "these settings let in what those before would not. They take effect at once, because they let in nothing \
             that was not let in until {until}"
        )),
        When::Later(effective) => Some(format!(
            "these settings let in what those before would not, and take effect at {effective}; until then those \
             before hold. Registering the provider as it was takes them back"
        )),
    }
}

/// What was done, and where the log says so.
pub(super) fn done(common: &Common, what: &str, index: u64) -> Answer {
    if common.json {
        out::json(&json!({"log_index": index}));
    } else {
        out::line(&format!("{what} (log index {index})"));
    }
    Answer::True
}

impl Add {
    async fn run(self, common: &Common) -> anyhow::Result<Answer> {
        let kind = match self.kind {
            Kind::Github => ProviderKind::Github,
            Kind::Gitlab => ProviderKind::Gitlab,
            Kind::Generic => ProviderKind::Generic,
        };
        let new = NewProvider {
            slug: Slug::parse(&self.slug).context("the provider's name")?,
            kind,
            mapping: self.mapping()?,
            issuer: self.issuer,
            audience: self.audience,
            private_repositories: self.private_repositories,
            required: self.require.into_iter().collect(),
            algorithms: (!self.algorithm.is_empty()).then_some(self.algorithm),
        };
        let Added { index, when } = common.open().await?.add_provider(new).await?;
        if common.json {
            let (why, effective) = when.map(told).unzip();
            out::json(&json!({"log_index": index, "effective": effective.flatten(), "why": why}));
            return Ok(Answer::True);
        }
        if let Some(note) = when.and_then(note) {
            out::note(&note);
        }
        Ok(done(
            common,
            &format!("provider {} is registered", self.slug),
            index,
        ))
    }

    fn mapping(&self) -> anyhow::Result<Option<Mapping>> {
        if self.claim.is_empty() {
            return Ok(None);
        }
        let known = [
            "repository",
            "repository_id",
            "workflow",
            "owner_id",
            "commit",
            "ref",
            "run_id",
            "environment",
        ];
        if let Some((field, _)) = self
            .claim
            .iter()
            .find(|(field, _)| !known.contains(&field.as_str()))
        {
            anyhow::bail!("--claim knows the fields {}, not {field}", known.join(", "));
        }
        let find = |field: &str| {
            self.claim
                .iter()
                .find(|(name, _)| name == field)
                .map(|(_, claim)| claim.clone())
        };
        let needed = |field: &'static str| {
            find(field).with_context(|| format!("a generic provider needs --claim {field}=…"))
        };
        Ok(Some(Mapping {
            commit: find("commit"),
            environment: find("environment"),
            owner_id: find("owner_id"),
            git_ref: find("ref"),
            repository: needed("repository")?,
            repository_id: needed("repository_id")?,
            run_id: find("run_id"),
            workflow: needed("workflow")?,
        }))
    }
}

async fn list(common: &Common) -> anyhow::Result<Answer> {
    let reader = common.reader().await?;
    for slug in views::providers::slugs(&reader).await? {
        let provider: State = views::state(&reader, &StreamName::provider(&slug)).await?;
        let now = Clock::system().now();
        let Some(registered) = provider.settings(now).cloned() else {
            continue;
        };
        let disabled = provider.live(now).is_err();
        let next = provider.waiting(now).map(|next| &next.settings);
        let keys: Vec<_> = provider
            .keys
            .values()
            .map(|key| json!({"kid": key.kid, "distrusted": key.distrusted}))
            .collect();
        if common.json {
            out::json(
                &json!({"slug": slug, "disabled": disabled, "registered": registered, "next": next, "keys": keys}),
            );
        } else {
            let state = if disabled { "disabled" } else { "live" };
            let from = next.and_then(|next| next.effective);
            let from =
                from.map_or_else(String::new, |from| format!("\tother settings from {from}"));
            out::line(&format!(
                "{slug}\t{state}\t{}\taudience {}\t{} keys{from}",
                registered.issuer,
                registered.audience,
                keys.len()
            ));
        }
    }
    Ok(Answer::True)
}
