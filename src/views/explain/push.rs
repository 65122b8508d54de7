//! Pushes: their states before and now, and the facts that the release repeats.
use deciders::{
    Ledger, account::Account, api_key::ApiKey, attestation, explain, gem::Gem, matching::Job,
    policy::Policy, provider::Provider, push, taken::Taken, token::Token, trust_root::TrustRoot,
};
use events::{
    Event, api_key::Holder, attestation::Attested, gem::Pushed, name::FoldedName,
    platform::FullName, stream::StreamName, text::Slug,
};

use super::{Before, Checked, Explained, Today};
use crate::store::StoreError;

/// What a push is judged on, as owned states.
struct PushStates {
    ledger: Ledger,
    api_key: ApiKey,
    policy: Policy,
    gem: Gem,
    name: Taken,
    file: Taken,
    account: Option<Account>,
    token: Option<Token>,
    provider: Option<(Slug, Provider)>,
    trust_roots: Vec<(StreamName, TrustRoot)>,
}

impl PushStates {
    async fn read(
        log: &Before<'_>,
        gem: &FoldedName,
        facts: &push::Facts,
    ) -> Result<Self, StoreError> {
        let api_key: ApiKey = log.state(&StreamName::api_key(facts.api_key)).await?;
        let (mut account, mut token, mut provider) = (None, None, None);
        match api_key.issued.as_ref().map(|issued| &issued.holder) {
            Some(Holder::Account(id)) => {
                account = Some(log.state(&StreamName::account(*id)).await?);
            }
            Some(Holder::Exchange(exchange)) => {
                token = Some(log.state(&exchange.stream).await?);
                if let Some((slug, ..)) = exchange.stream.token_parts() {
                    let state = log.state(&StreamName::provider(&slug)).await?;
                    provider = Some((slug, state));
                }
            }
            None => {}
        }
        let mut trust_roots = Vec::new();
        for bundle in &facts.attestations {
            let stream = &bundle.root.stream;
            trust_roots.push((stream.clone(), log.state(stream).await?));
        }
        Ok(Self {
            ledger: log.state(&StreamName::log()).await?,
            policy: log.state(&StreamName::policy(gem)).await?,
            gem: log.state(&StreamName::gem(gem)).await?,
            name: log.state(&StreamName::name(gem)).await?,
            file: log.state(&StreamName::file(&facts.file)).await?,
            api_key,
            account,
            token,
            provider,
            trust_roots,
        })
    }

    fn states(&self) -> push::States<'_> {
        push::States {
            ledger: &self.ledger,
            api_key: &self.api_key,
            policy: &self.policy,
            gem: &self.gem,
            name: &self.name,
            file: &self.file,
            account: self.account.as_ref(),
            token: self.token.as_ref(),
            provider: self
                .provider
                .as_ref()
                .map(|(slug, provider)| (slug, provider)),
            trust_roots: self
                .trust_roots
                .iter()
                .map(|(stream, root)| (stream.clone(), root))
                .collect(),
        }
    }
}

/// A push with these bundles, in the log before it, after it, and now.
pub(super) async fn push(
    [then, after, now]: [&Before<'_>; 3],
    event: &Event,
    pushed: &Pushed,
    bundles: &[&Attested],
) -> Result<Explained, StoreError> {
    let gem = pushed.name.folded();
    let Ok(file) = FullName::compose(&pushed.name, &pushed.number, &pushed.platform) else {
        return Ok((Vec::new(), None));
    };
    let facts = push::Facts {
        api_key: pushed.api_key,
        name: pushed.name.clone(),
        number: pushed.number.clone(),
        platform: pushed.platform.clone(),
        file,
        digest: pushed.digest,
        size: pushed.size,
        document: pushed.document,
        info: pushed.info.clone(),
        attestations: bundles
            .iter()
            .map(|bundle| attestation::Facts::recorded(bundle))
            .collect(),
    };
    let before = PushStates::read(then, &gem, &facts).await?;
    let checks = explain::push(&before.states(), &facts, event.time);
    let mut checks: Vec<Checked> = checks
        .into_iter()
        .map(|check| Checked::of(check, None))
        .collect();
    if let (Some((slug, provider)), Some(source)) = (&before.provider, &pushed.source)
        && let Some(registered) = provider.settings(event.time)
    {
        // It may have been pending, and become a publisher with this very push.
        let policy: Policy = after.state(&StreamName::policy(&gem)).await?;
        let (earlier, policy) = (before.policy.at(event.time), policy.at(event.time));
        let entry = earlier.publishers.get(&source.publisher);
        let entry = entry.or_else(|| policy.publishers.get(&source.publisher));
        if let Some(entry) = entry {
            let job = Job {
                slug,
                provider: registered,
                workflow: &source.workflow,
            };
            let about = format!("publisher {}", source.publisher);
            let checked = explain::job(&job, &entry.publisher).into_iter();
            checks.extend(checked.map(|check| Checked::of(check, Some(&about))));
            for (number, bundle) in (1..).zip(bundles) {
                let about = format!("attestation {number}");
                let publisher = &entry.publisher;
                let checked =
                    explain::attested(&before.states(), bundle, &job, publisher, event.time);
                let checked = checked.into_iter();
                checks.extend(checked.map(|check| Checked::of(check, Some(&about))));
            }
        }
    }
    let current = PushStates::read(now, &gem, &facts).await?;
    // Its own name, file and version are taken by now, and its key is long dead: those stay as they were.
    let states = PushStates {
        api_key: before.api_key.clone(),
        gem: before.gem.clone(),
        name: before.name,
        file: before.file,
        ..current
    };
    let decided = push::decide(&states.states(), &facts, event.time);
    Ok((checks, Some(Today::of(decided.map(|_| ())))))
}
