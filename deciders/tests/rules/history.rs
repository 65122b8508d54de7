//! A ledger in memory: what the server does with the rules, and nothing else.
use deciders::{
    Denial, Ledger,
    account::{self, Account},
    api_key::{self, ApiKey},
    audit::{Auditor, Finding},
    exchange::{self, Turned},
    ledger, policy,
    provider::{self, Provider},
    push::{self, Verdict},
    taken::Taken,
};
use events::{
    Body, Event, Recorded, State,
    api_key::{Holder, Issued, Reason, Scope},
    claims::ProviderKind,
    digest::Digest,
    event::{Draft, Sealed},
    fold,
    id::{AccountId, Actor, ApiKeyId, Owner, PublisherId, RequestId, Via},
    log::{FORMAT, Opened, Rules, Visibility},
    name::{FoldedName, GemName},
    policy::Publisher,
    provider::{Algorithm, ClaimName, KeyPart, Mapping, ObservedKey, PublicJwk, Registered},
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
};

use crate::{job::Job, release::Release};

/// The moment at which every history starts.
pub(crate) const START: u64 = 1_795_402_502_000;

pub(crate) fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

pub(crate) fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

pub(crate) fn gem(text: &str) -> GemName {
    GemName::parse(text).unwrap()
}

pub(crate) fn folded(text: &str) -> FoldedName {
    gem(text).folded()
}

fn uuid(kind: u8, number: u64) -> String {
    format!("01900000-0000-7000-80{kind:02x}-{number:012x}")
}

pub(crate) fn account_id(number: u64) -> AccountId {
    AccountId::parse(&uuid(1, number)).unwrap()
}

pub(crate) fn api_key_id(number: u64) -> ApiKeyId {
    ApiKeyId::parse(&uuid(2, number)).unwrap()
}

pub(crate) fn request_id(number: u64) -> RequestId {
    RequestId::parse(&uuid(3, number)).unwrap()
}

/// A key of a provider, told apart by its name.
pub(crate) fn observed_key(kid: &str) -> ObservedKey {
    key_called(kid, kid)
}

/// A key that goes by another name than its own.
pub(crate) fn key_called(kid: &str, content: &str) -> ObservedKey {
    let part = |text: &str| KeyPart::parse(text).unwrap();
    let jwk = PublicJwk {
        crv: None,
        e: Some(part("AQAB")),
        kty: part("RSA"),
        n: Some(part(&Digest::of(content.as_bytes()).hex())),
        x: None,
        y: None,
    };
    ObservedKey {
        thumbprint: jwk.thumbprint(),
        jwk,
        kid: text(kid),
    }
}

pub(crate) fn github() -> Registered {
    Registered {
        algorithms: vec![Algorithm::RS256],
        audience: text("gems.example.com"),
        issuer: text("https://token.actions.githubusercontent.com"),
        jwks_uri: text("https://token.actions.githubusercontent.com/.well-known/jwks"),
        kind: ProviderKind::Github,
        loopback: false,
        mapping: None,
        private_repositories: false,
        required: [].into(),
    }
}

pub(crate) fn gitlab() -> Registered {
    Registered {
        issuer: text("https://gitlab.example.com"),
        jwks_uri: text("https://gitlab.example.com/oauth/discovery/keys"),
        kind: ProviderKind::Gitlab,
        ..github()
    }
}

pub(crate) fn generic() -> Registered {
    let claim = |name: &str| ClaimName::parse(name).unwrap();
    Registered {
        issuer: text("https://ci.example.com"),
        jwks_uri: text("https://ci.example.com/keys"),
        kind: ProviderKind::Generic,
        mapping: Some(Mapping {
            commit: None,
            environment: Some(claim("env")),
            owner_id: None,
            git_ref: None,
            repository: claim("project"),
            repository_id: claim("project_id"),
            run_id: None,
            workflow: claim("pipeline"),
        }),
        required: [(claim("https://ci.example.com/tier"), text("release"))].into(),
        ..github()
    }
}

/// The publisher that the default [`Job`] is.
pub(crate) fn publisher() -> Publisher {
    Publisher {
        any_ref: false,
        environment: None,
        owner_id: Some(text("210")),
        provider: slug("github"),
        repository: text("ruby/rake"),
        repository_id: Some(text("42")),
        workflow: text("release.yml"),
        workflow_repository: None,
    }
}

/// The same without ids: it waits for its first push.
pub(crate) fn provisional() -> Publisher {
    Publisher {
        owner_id: None,
        repository_id: None,
        ..publisher()
    }
}

/// A log and a clock.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) log: Vec<Recorded>,
    pub(crate) now: Timestamp,
    requests: u64,
    keys: u64,
}

impl History {
    /// No event yet.
    pub(crate) fn empty() -> Self {
        Self {
            log: Vec::new(),
            now: Timestamp::from_millis(START),
            requests: 0,
            keys: 0,
        }
    }

    /// A public ledger with GitHub as its provider.
    pub(crate) fn public() -> Self {
        Self::opened(Visibility::Public)
    }

    pub(crate) fn opened(visibility: Visibility) -> Self {
        let mut history = Self::empty();
        history.open(visibility).unwrap();
        history.register("github", github(), &["k1"]).unwrap();
        history
    }

    pub(crate) fn later(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.plus_seconds(seconds);
        self
    }

    pub(crate) fn state<S: State>(&self, stream: &StreamName) -> S {
        let events = self.log.iter().map(|recorded| &recorded.event);
        fold(events.filter(|event| event.stream == *stream))
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.state(&StreamName::log())
    }

    pub(crate) fn policy(&self, name: &str) -> policy::Policy {
        self.state(&StreamName::policy(&folded(name)))
    }

    pub(crate) fn provider(&self, name: &str) -> Provider {
        self.state(&StreamName::provider(&slug(name)))
    }

    pub(crate) fn account(&self, id: AccountId) -> Account {
        self.state(&StreamName::account(id))
    }

    /// The types of the events from this index on.
    pub(crate) fn types_since(&self, index: usize) -> Vec<&'static str> {
        let since = self.log.iter().skip(index);
        since
            .map(|recorded| recorded.event.body.event_type().name)
            .collect()
    }

    /// Appends the events of one command, whatever they say.
    pub(crate) fn append(&mut self, actor: &Actor, via: Via, drafts: Vec<Draft>) {
        self.requests += 1;
        let request = request_id(self.requests);
        for draft in drafts {
            let in_stream = |recorded: &&Recorded| recorded.event.stream == draft.stream;
            let revision = self.log.iter().filter(in_stream).count();
            let event = Event {
                actor: actor.clone(),
                body: draft.body,
                request,
                revision: u64::try_from(revision).unwrap(),
                sealed: draft.sealed,
                stream: draft.stream,
                time: self.now,
                via,
            };
            // What cannot be written was never decided.
            let leaf = event.to_leaf().unwrap();
            let event = Event::read(&leaf).unwrap();
            let index = u64::try_from(self.log.len()).unwrap();
            self.log.push(Recorded { index, event });
        }
        self.later(1);
    }

    fn by_operator(&mut self, drafts: Vec<Draft>) {
        self.append(&Actor::Operator, Via::Console, drafts);
    }

    pub(crate) fn open(&mut self, visibility: Visibility) -> Result<(), Denial> {
        let opened = Opened {
            edition: ledger::EDITION,
            format: FORMAT,
            nonce: Digest::of(b"nonce"),
            origin: text("gems.example.com/log/1"),
            rules: Rules::default(),
            visibility,
            vkey: text("gems.example.com/log/1+00000000+AQID"),
        };
        let drafts = ledger::open(&self.ledger(), opened)?;
        self.by_operator(drafts);
        Ok(())
    }

    pub(crate) fn change_rules(&mut self, edition: u32, rules: Rules) -> Result<(), Denial> {
        let drafts = ledger::change_rules(&self.ledger(), edition, rules)?;
        self.by_operator(drafts);
        Ok(())
    }

    pub(crate) fn erase(&mut self, subject: StreamName) -> Result<(), Denial> {
        let drafts = ledger::erase(&self.ledger(), subject)?;
        self.by_operator(drafts);
        Ok(())
    }

    pub(crate) fn register(
        &mut self,
        name: &str,
        registered: Registered,
        kids: &[&str],
    ) -> Result<(), Denial> {
        let keys: Vec<_> = kids.iter().map(|kid| observed_key(kid)).collect();
        let (ledger, provider) = (self.ledger(), self.provider(name));
        let issuer: Taken = self.state(&StreamName::issuer(registered.issuer.as_str()));
        let states = provider::States {
            ledger: &ledger,
            provider: &provider,
            issuer: &issuer,
        };
        let drafts = provider::register(&states, &slug(name), registered, &keys)?;
        self.by_operator(drafts);
        Ok(())
    }

    pub(crate) fn observe(&mut self, name: &str, keys: &[ObservedKey]) {
        let drafts = provider::observe(&self.provider(name), &slug(name), keys);
        if !drafts.is_empty() {
            self.append(&Actor::Operator, Via::Server, drafts);
        }
    }

    pub(crate) fn distrust_key(&mut self, name: &str, kid: &str) -> Result<(), Denial> {
        let drafts = provider::distrust_key(&self.provider(name), &slug(name), &text(kid))?;
        self.by_operator(drafts);
        Ok(())
    }

    pub(crate) fn disable_provider(&mut self, name: &str) -> Result<(), Denial> {
        let drafts = provider::disable(&self.provider(name), &slug(name))?;
        self.by_operator(drafts);
        Ok(())
    }

    pub(crate) fn create_account(&mut self, id: AccountId) -> Result<(), Denial> {
        let handle = Digest::of(id.to_string().as_bytes());
        let sealed = Sealed::from([(text("handle"), handle)]);
        let drafts = account::create(&self.account(id), id, sealed)?;
        self.by_operator(drafts);
        Ok(())
    }

    pub(crate) fn disable_account(&mut self, id: AccountId) -> Result<(), Denial> {
        let drafts = account::disable(&self.account(id), id)?;
        self.by_operator(drafts);
        Ok(())
    }

    /// Issues a key to an account and returns its id.
    pub(crate) fn issue(
        &mut self,
        account: AccountId,
        scopes: &[Scope],
        change: impl FnOnce(&mut Issued),
    ) -> Result<ApiKeyId, Denial> {
        let id = self.fresh_key();
        let mut issued = Issued {
            digest: Digest::of(id.to_string().as_bytes()),
            expires: None,
            gem: None,
            holder: Holder::Account(account),
            scopes: scopes.to_vec(),
        };
        change(&mut issued);
        let before: ApiKey = self.state(&StreamName::api_key(id));
        let drafts = api_key::issue(&before, &self.account(account), id, issued, self.now)?;
        self.by_operator(drafts);
        Ok(id)
    }

    pub(crate) fn fresh_key(&mut self) -> ApiKeyId {
        self.keys += 1;
        api_key_id(self.keys)
    }

    pub(crate) fn revoke(&mut self, id: ApiKeyId) -> Result<(), Denial> {
        let key: ApiKey = self.state(&StreamName::api_key(id));
        let drafts = api_key::revoke(&key, id, Reason::Operator, self.now)?;
        self.by_operator(drafts);
        Ok(())
    }

    /// The holder gives the key back.
    pub(crate) fn give_back(&mut self, id: ApiKeyId) -> Result<(), Denial> {
        let key: ApiKey = self.state(&StreamName::api_key(id));
        let drafts = api_key::revoke(&key, id, Reason::Holder, self.now)?;
        let actor = self.holder(&key);
        self.append(&actor, Via::Http, drafts);
        Ok(())
    }

    fn holder(&self, key: &ApiKey) -> Actor {
        match &key.issued.as_ref().unwrap().holder {
            Holder::Account(account) => Actor::Account(*account),
            Holder::Exchange(exchange) => {
                let token: deciders::token::Token = self.state(&exchange.stream);
                let (slug, ..) = exchange.stream.token_parts().unwrap();
                Actor::Workflow(slug, token.exchanged.unwrap().workflow.repository_id)
            }
        }
    }

    pub(crate) fn add(&mut self, name: &str, publisher: Publisher) -> Result<PublisherId, Denial> {
        self.add_by(&Actor::Operator, name, publisher, Owner::Operator)
    }

    /// Adds a publisher and returns its id.
    pub(crate) fn add_by(
        &mut self,
        by: &Actor,
        name: &str,
        publisher: Publisher,
        owner: Owner,
    ) -> Result<PublisherId, Denial> {
        let (ledger, policy) = (self.ledger(), self.policy(name));
        let provider: Provider = self.state(&StreamName::provider(&publisher.provider));
        let account = match (by, owner) {
            (Actor::Account(id), _) => Some(self.account(*id)),
            (_, Owner::Account(id)) => Some(self.account(id)),
            _ => None,
        };
        let states = policy::States {
            ledger: &ledger,
            policy: &policy,
            provider: &provider,
            account: account.as_ref(),
        };
        let drafts = policy::add_publisher(&states, &gem(name), publisher, owner, by, self.now)?;
        self.append(by, door(by), drafts);
        Ok(PublisherId(self.log.last().unwrap().event.revision))
    }

    pub(crate) fn remove_by(
        &mut self,
        by: &Actor,
        name: &str,
        id: PublisherId,
    ) -> Result<(), Denial> {
        let policy = self.policy(name);
        let account = match by {
            Actor::Account(id) => Some(self.account(*id)),
            Actor::Operator | Actor::Workflow(..) => None,
        };
        let drafts = policy::remove_publisher(&policy, account.as_ref(), &folded(name), id, by)?;
        self.append(by, door(by), drafts);
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str, id: PublisherId) -> Result<(), Denial> {
        self.remove_by(&Actor::Operator, name, id)
    }

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

fn door(actor: &Actor) -> Via {
    match actor {
        Actor::Operator => Via::Console,
        Actor::Account(_) | Actor::Workflow(..) => Via::Http,
    }
}

/// What an auditor finds in this log.
pub(crate) fn audit(log: &[Recorded]) -> Vec<Finding> {
    let mut auditor = Auditor::new();
    let mut findings: Vec<_> = log
        .iter()
        .flat_map(|recorded| auditor.check(recorded))
        .collect();
    findings.extend(auditor.finish());
    findings
}
