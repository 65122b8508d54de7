//! Lawful events by the hundred thousand: exchanges decided by the rules, without HTTP and without signatures.
use anyhow::Context as _;
use deciders::{
    Code, Ledger,
    api_key::ApiKey,
    denied::Denied,
    exchange::{self, Facts, States},
    policy::Policy,
    provider::Provider,
    token::Token,
};
use events::{
    digest::Digest,
    event::Sealed,
    id::{Actor, ApiKeyId, Via},
    name::{FoldedName, GemName},
    stream::StreamName,
    text::Slug,
};
use futures::future::join_all;
use gemledger::{
    app::App,
    oidc::{UnverifiedToken, Windows, verify},
    store::{
        states::{Desk, Read},
        writer::Verdict,
    },
    world,
};

use super::{
    stage::{GEM, PROVIDER},
    tokens::Issuer,
};

/// Exchanges that wait for the writer together.
const TOGETHER: usize = 256;

/// Exchanges of one verified job, each as if it had come with a token of its own.
pub(crate) struct Exchanges {
    app: App,
    facts: Facts,
    gem: FoldedName,
}

impl Exchanges {
    /// Verifies one token, of which all exchanges are then made.
    pub(crate) async fn of(app: &App, issuer: &Issuer) -> anyhow::Result<Self> {
        let token = issuer.sign(1)?.pop().context("no token")?;
        let token = UnverifiedToken::parse(&token)?;
        let known = app.reread().await?;
        let (_, provider) = known
            .by_issuer
            .get(token.issuer())
            .context("the issuer is not known")?;
        let registered = provider
            .live(app.clock.now())
            .map_err(|denial| anyhow::anyhow!("{denial}"))?;
        let (slug, now) = (Slug::parse(PROVIDER)?, app.clock.now());
        let keys = app
            .keys
            .keys_for(&slug, registered, token.kid(), now, 3600)
            .await?;
        let windows = Windows {
            leeway_seconds: known.rules.leeway_seconds,
            token_lifetime_max_seconds: known.rules.token_lifetime_max_seconds,
        };
        let verified = verify(&token, registered, &keys, now, &windows)?;
        let facts = Facts {
            provider: slug,
            token: verified.id,
            audience: verified.audience,
            issued_at: verified.issued_at,
            expires_at: verified.expires_at,
            provider_key: verified.key_thumbprint,
            keys_fetched: keys.fetched_at(),
            workflow: verified.workflow,
            api_key: ApiKeyId::new(world::fresh_id(now)),
            key_digest: verified.id,
        };
        Ok(Self {
            app: app.clone(),
            facts,
            gem: GemName::parse(GEM)?.folded(),
        })
    }

    /// Appends exchanges until the log has so many events.
    pub(crate) async fn fill(&self, size: u64) -> anyhow::Result<()> {
        let lane = async || -> anyhow::Result<()> {
            while self.app.writer.served().head.size < size {
                for appended in join_all((0..TOGETHER).map(|_| self.exchange())).await {
                    appended?;
                }
            }
            Ok(())
        };
        let (first, second) = tokio::join!(lane(), lane());
        first.and(second)
    }

    /// One exchange with a token and a key of its own.
    pub(crate) async fn exchange(&self) -> anyhow::Result<()> {
        let facts = Facts {
            token: Digest::from_bytes(world::random()),
            api_key: ApiKeyId::new(world::fresh_id(self.app.clock.now())),
            key_digest: Digest::from_bytes(world::random()),
            ..self.facts.clone()
        };
        let gem = self.gem.clone();
        let actor = Actor::Workflow(facts.provider.clone(), facts.workflow.repository_id.clone());
        let request = self.app.request(actor, Via::Http);
        let outcome = self.app.writer.append(reads(&facts, &gem), move |desk| {
            let Some(states) = states(desk, &facts, &gem) else {
                return Verdict::answer(Err(Code::NotFound.into()));
            };
            let decided = exchange::decide(&states, &facts, Sealed::new(), desk.now);
            request.verdict(decided.map_err(|turned| turned.denial))
        });
        outcome
            .await?
            .answer
            .map_err(|denial| anyhow::anyhow!("{denial}"))
    }
}

fn reads(facts: &Facts, gem: &FoldedName) -> Vec<Read> {
    vec![
        Read::of::<Ledger>(StreamName::log()),
        Read::of::<Provider>(StreamName::provider(&facts.provider)),
        Read::of::<Token>(facts.token_stream()),
        Read::of::<ApiKey>(StreamName::api_key(facts.api_key)),
        Read::of::<Policy>(StreamName::policy(gem)),
        Read::of::<Denied>(StreamName::denied(gem)),
    ]
}

fn states<'a>(desk: &'a Desk<'_>, facts: &Facts, gem: &'a FoldedName) -> Option<States<'a>> {
    Some(States {
        ledger: desk.state(&StreamName::log())?,
        provider: desk.state(&StreamName::provider(&facts.provider))?,
        token: desk.state(&facts.token_stream())?,
        policies: vec![(gem, desk.state::<Policy>(&StreamName::policy(gem))?)],
    })
}
