//! A ledger in memory: what the server does with the rules, and nothing else.
use deciders::{
    Denial, Ledger,
    account::{self, Account},
    api_key::{self, ApiKey},
    audit::{Auditor, Finding},
    ledger, policy,
    provider::{self, Provider},
    taken::Taken,
};
use events::{
    Event, Recorded, State,
    api_key::{Holder, Issued, Reason, Scope},
    digest::Digest,
    event::{Draft, Sealed},
    fold,
    id::{AccountId, Actor, ApiKeyId, Owner, PublisherId, Via},
    log::{FORMAT, Known, Opened, Rules, Succeeded, Visibility},
    platform::Platform,
    policy::Publisher,
    provider::{ObservedKey, Registered},
    stream::StreamName,
    time::Timestamp,
    version::GemVersion,
};

use crate::fixtures::{
    START, api_key_id, folded, gem, github, observed_key, request_id, rules, slug, text,
};

mod changes;
mod comparisons;
mod jobs;
pub(crate) mod roots;
mod statements;

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

    /// The policy as it is now.
    pub(crate) fn policy(&self, name: &str) -> policy::PolicyAt {
        self.policy_stream(name).at(self.now).into_owned()
    }

    pub(crate) fn policy_stream(&self, name: &str) -> policy::Policy {
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
        self.open_with(ledger::EDITION, rules(0), visibility)
    }

    pub(crate) fn open_with(
        &mut self,
        edition: u32,
        rules: Rules,
        visibility: Visibility,
    ) -> Result<(), Denial> {
        let opened = Opened {
            edition,
            format: FORMAT,
            nonce: Digest::of(b"nonce"),
            origin: text("gems.example.com/log/1"),
            rules,
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

    /// What a succession says here and now.
    pub(crate) fn successor(&self) -> Succeeded {
        let ledger = self.ledger();
        let origin = ledger::next_origin(ledger.origin().unwrap()).unwrap();
        let size = u64::try_from(self.log.len()).unwrap();
        Succeeded {
            known: Some(Known {
                root: Digest::of(b"signed"),
                size: size + 2,
            }),
            old_origin: ledger.origin().unwrap().clone(),
            old_vkey: ledger.vkey().unwrap().clone(),
            vkey: text(&format!("{}+00000000+AQID", origin.as_str())),
            origin,
            reason: text("the disk was lost"),
            root: Digest::of(b"prefix"),
            size,
        }
    }

    pub(crate) fn succeed(&mut self, succeeded: Succeeded) -> Result<(), Denial> {
        let size = u64::try_from(self.log.len()).unwrap();
        let drafts = ledger::succeed(&self.ledger(), size, succeeded)?;
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
        let drafts = provider::register(&states, &slug(name), registered, &keys, self.now)?;
        self.by_operator(drafts);
        Ok(())
    }

    pub(crate) fn observe(&mut self, name: &str, keys: &[ObservedKey]) {
        let drafts = provider::observe(&self.provider(name), &slug(name), keys, self.now);
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
        let drafts = provider::disable(&self.provider(name), &slug(name), self.now)?;
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

    /// Revokes several keys in one command.
    pub(crate) fn revoke_all(&mut self, ids: &[ApiKeyId]) -> Result<(), Denial> {
        let keys: Vec<ApiKey> = ids
            .iter()
            .map(|id| self.state(&StreamName::api_key(*id)))
            .collect();
        let keys: Vec<_> = ids.iter().copied().zip(&keys).collect();
        let drafts = api_key::revoke_all(&keys, self.now)?;
        self.by_operator(drafts);
        Ok(())
    }

    /// Withholds the plain release of this version.
    pub(crate) fn quarantine(&mut self, name: &str, number: &str) -> Result<(), Denial> {
        let state: deciders::gem::Gem = self.state(&StreamName::gem(&folded(name)));
        let number = GemVersion::parse(number).unwrap();
        let (ledger, why) = (self.ledger(), text("pushed by a stolen key"));
        let ruby = Platform::ruby();
        let drafts = deciders::gem::quarantine(&ledger, &state, &number, &ruby, why)?;
        self.by_operator(drafts);
        Ok(())
    }

    /// Serves it again.
    pub(crate) fn restore(&mut self, name: &str, number: &str) -> Result<(), Denial> {
        let state: deciders::gem::Gem = self.state(&StreamName::gem(&folded(name)));
        let number = GemVersion::parse(number).unwrap();
        let ruby = Platform::ruby();
        let drafts = deciders::gem::restore(
            &self.ledger(),
            &state,
            &number,
            &ruby,
            Some(text("checked")),
        )?;
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
        let (ledger, policy) = (self.ledger(), self.policy_stream(name));
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
        let policy = self.policy_stream(name);
        let account = match by {
            Actor::Account(id) => Some(self.account(*id)),
            Actor::Operator | Actor::Workflow(..) => None,
        };
        let drafts =
            policy::remove_publisher(&policy, account.as_ref(), &folded(name), id, by, self.now)?;
        self.append(by, door(by), drafts);
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str, id: PublisherId) -> Result<(), Denial> {
        self.remove_by(&Actor::Operator, name, id)
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
