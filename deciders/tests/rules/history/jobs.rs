//! What CI jobs do: exchange a token, push a file.
use deciders::{
    Denial,
    api_key::ApiKey,
    exchange::{self, Turned},
    policy,
    push::{self, Verdict},
    trust_root::TrustRoot,
};
use events::{
    Body,
    api_key::Holder,
    event::Sealed,
    id::{Actor, ApiKeyId, Via},
    name::FoldedName,
    stream::StreamName,
};

use super::History;
use crate::{fixtures::text, job::Job, release::Release};

impl History {
    /// Gems with a policy, in the order of their names: the candidates of an exchange.
    fn gems(&self) -> Vec<FoldedName> {
        let added = self.log.iter().filter(|recorded| {
            matches!(
                recorded.event.body,
                Body::PublisherAdded(_) | Body::PendingAdded(_)
            )
        });
        let mut gems: Vec<_> = added
            .map(|recorded| FoldedName::parse(recorded.event.stream.rest()).unwrap())
            .collect();
        gems.sort();
        gems.dedup();
        gems
    }

    /// Exchanges a job's token for a key. A denial is recorded if the rules want it.
    pub(crate) fn exchange(&mut self, job: &Job) -> Result<ApiKeyId, Turned> {
        let facts = job.facts(self);
        let ledger = self.ledger();
        let provider = self.state(&StreamName::provider(&facts.provider));
        let token = self.state(&facts.token_stream());
        let gems = self.gems();
        let policies: Vec<policy::Policy> = gems
            .iter()
            .map(|gem| self.state(&StreamName::policy(gem)))
            .collect();
        let states = exchange::States {
            ledger: &ledger,
            provider: &provider,
            token: &token,
            policies: gems.iter().zip(&policies).collect(),
        };
        let repository = facts.workflow.repository_id.clone();
        let actor = Actor::Workflow(facts.provider.clone(), repository);
        let sealed = Sealed::from([(text("jwt"), facts.token)]);
        match exchange::decide(&states, &facts, sealed, self.now) {
            Ok(drafts) => {
                self.append(&actor, Via::Http, drafts);
                Ok(facts.api_key)
            }
            Err(turned) => {
                let record = turned.recordable.as_ref().and_then(|(gem, _)| {
                    let denied = self.state(&StreamName::denied(gem));
                    exchange::record(&turned, &facts, &ledger, &denied, 1, self.now)
                });
                if let Some(draft) = record {
                    self.append(&actor, Via::Http, vec![draft]);
                }
                Err(turned)
            }
        }
    }

    /// Pushes a release with a key. A denial is recorded if the rules want it.
    pub(crate) fn push(&mut self, key: ApiKeyId, release: &Release) -> Result<Verdict, Denial> {
        self.push_facts(&release.facts(key))
    }

    pub(crate) fn push_facts(&mut self, facts: &push::Facts) -> Result<Verdict, Denial> {
        let (name, key) = (facts.name.folded(), facts.api_key);
        let api_key: ApiKey = self.state(&StreamName::api_key(key));
        let holder = api_key.issued.as_ref().map(|issued| issued.holder.clone());
        let (mut account, mut token, mut provider) = (None, None, None);
        match &holder {
            Some(Holder::Account(id)) => account = Some(self.account(*id)),
            Some(Holder::Exchange(exchange)) => {
                let (slug, ..) = exchange.stream.token_parts().unwrap();
                token = Some(self.state(&exchange.stream));
                provider = Some((slug.clone(), self.state(&StreamName::provider(&slug))));
            }
            None => {}
        }
        let (ledger, policy) = (self.ledger(), self.state(&StreamName::policy(&name)));
        let bundles = facts.attestations.iter();
        let roots: Vec<(StreamName, TrustRoot)> = bundles
            .map(|bundle| (bundle.root.stream.clone(), self.state(&bundle.root.stream)))
            .collect();
        let states = push::States {
            ledger: &ledger,
            api_key: &api_key,
            policy: &policy,
            gem: &self.state(&StreamName::gem(&name)),
            name: &self.state(&StreamName::name(&name)),
            file: &self.state(&StreamName::file(&facts.file)),
            account: account.as_ref(),
            token: token.as_ref(),
            provider: provider.as_ref().map(|(slug, provider)| (slug, provider)),
            trust_roots: roots
                .iter()
                .map(|(stream, root)| (stream.clone(), root))
                .collect(),
        };
        let verdict = push::decide(&states, facts, self.now);
        match &verdict {
            Ok(Verdict::Release(drafts)) => {
                let actor = self.holder(&api_key);
                self.append(&actor, Via::Http, drafts.clone());
            }
            Ok(Verdict::AlreadyPushed) => {}
            Err(denial) => {
                let denied = self.state(&StreamName::denied(&name));
                if let Some(draft) = push::record(&states, &denied, facts, denial, 1, self.now) {
                    let actor = self.holder(&api_key);
                    self.append(&actor, Via::Http, vec![draft]);
                }
            }
        }
        verdict
    }

    /// A release that must succeed.
    pub(crate) fn released(&mut self, key: ApiKeyId, release: &Release) -> &mut Self {
        assert!(matches!(self.push(key, release), Ok(Verdict::Release(_))));
        self
    }
}
