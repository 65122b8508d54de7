//! The blast radius of an identity: everything that it touched, found in one reading of the log.
//!
//! Memory is bounded whatever the log's length: what is touched is told as it is read; of keys, those are remembered that
//! may still act; of what would have to be contained, at most [`MOST`] of each kind, and how many more there are.
use std::collections::{BTreeMap, BTreeSet};

use events::{
    Body, Event, Recorded,
    api_key::{Holder, Issued},
    digest::Digest,
    gem::Pushed,
    id::{AccountId, Actor, ApiKeyId, RequestId},
    name::{FoldedName, GemName},
    platform::Platform,
    text::{Slug, Text},
    time::Timestamp,
    token::Exchanged,
    version::GemVersion,
};
use serde::Serialize;

mod contain;
mod counts;
mod policy;

pub use counts::Counts;

/// Most things of one kind that are remembered until the end.
pub const MOST: usize = 1000;
/// Repositories' ids that are remembered: one repository has few, however often it was made again.
const MOST_IDS: usize = 100;
/// Dead keys are forgotten every so many seconds of the log's time.
const SWEEP_SECONDS: u64 = 60;

/// Whose doing is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A repository, `OWNER/NAME`, in whatever case, at any provider.
    Repository(Text),
    /// One API key.
    ApiKey(ApiKeyId),
    /// One run of a workflow.
    Run(Text),
    /// A provider's key, by its RFC 7638 thumbprint.
    ProviderKey(Digest),
    /// An account.
    Account(AccountId),
}

/// Something that it touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// Its place in the log.
    pub log_index: u64,
    /// When.
    pub time: Timestamp,
    /// The type of the event.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// Its stream.
    pub stream: String,
    /// Who.
    pub actor: Actor,
    /// What it is about, as words.
    pub about: String,
}

/// A release that came from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Release {
    gem: FoldedName,
    number: GemVersion,
    platform: Platform,
}

/// What was found so far.
#[derive(Debug)]
pub struct Radius {
    identity: Identity,
    /// Events before it are read for what they explain, and not told.
    since: Timestamp,
    counts: Counts,
    /// Its keys, and when each dies.
    keys: BTreeMap<ApiKeyId, Option<Timestamp>>,
    releases: BTreeMap<Release, GemName>,
    /// The command of its last push: what attests a release comes with it.
    pushing: Option<RequestId>,
    left: policy::Left,
    repository_ids: BTreeSet<(Slug, Text)>,
    /// The provider's names for the key that is looked for, where it is trusted.
    kids: BTreeMap<Slug, Text>,
    account_disabled: bool,
    /// What did not find room.
    more: u64,
    swept: Timestamp,
}

impl Radius {
    /// Nothing was read yet.
    pub fn new(identity: Identity, since: Timestamp) -> Self {
        Self {
            identity,
            since,
            counts: Counts::default(),
            keys: BTreeMap::new(),
            releases: BTreeMap::new(),
            pushing: None,
            left: policy::Left::default(),
            repository_ids: BTreeSet::new(),
            kids: BTreeMap::new(),
            account_disabled: false,
            more: 0,
            swept: Timestamp::default(),
        }
    }

    /// How much was touched.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Its keys that live at this moment.
    pub fn live_keys(&self, now: Timestamp) -> Vec<ApiKeyId> {
        let live = |expires: &Option<Timestamp>| expires.is_none_or(|expires| now < expires);
        let keys = self.keys.iter().filter(|(_, expires)| live(expires));
        keys.map(|(id, _)| *id).collect()
    }

    /// Takes the next event into account; says what it is if the identity touched it.
    pub fn take(&mut self, recorded: &Recorded) -> Option<Touched> {
        let event = &recorded.event;
        self.sweep(event.time);
        let about = self.about(event)?;
        if event.time < self.since {
            return None;
        }
        self.counts.count(&event.body);
        Some(Touched {
            log_index: recorded.index,
            time: event.time,
            event_type: event.body.event_type().name,
            stream: event.stream.to_string(),
            actor: event.actor.clone(),
            about,
        })
    }

    /// A push needs a key that lives, so a dead one touches nothing any more; nor does a change that is in effect wait.
    fn sweep(&mut self, now: Timestamp) {
        if now >= self.swept.plus_seconds(SWEEP_SECONDS) {
            self.keys
                .retain(|_, expires| expires.is_none_or(|expires| now < expires));
            self.left.sweep(now);
            self.swept = now;
        }
    }

    /// What the event is about, if the identity touched it.
    fn about(&mut self, event: &Event) -> Option<String> {
        let acted = self.acted(&event.actor);
        let rest = event.stream.rest();
        match &event.body {
            Body::TokenExchanged(exchanged) => self.exchanged(event, exchanged),
            Body::ApiKeyIssued(issued) => self.issued(ApiKeyId::parse(rest).ok()?, issued),
            Body::ApiKeyRevoked(_) => {
                let id = ApiKeyId::parse(rest).ok()?;
                self.keys.remove(&id)?;
                Some(format!("key {id} is dead"))
            }
            Body::ReleasePushed(pushed) => self.pushed(event, pushed, acted),
            Body::ReleaseAttested(attested) => {
                let own = acted || self.pushing == Some(event.request);
                own.then(|| format!("{} {} with its attestation", attested.name, attested.number))
            }
            Body::ReleaseCompared(compared) => acted.then(|| {
                let (changed, extra) = (compared.changed, compared.extra);
                format!(
                    "comparison of {} {} with {}: {changed} changed, {extra} only in the gem",
                    compared.name, compared.number, compared.commit
                )
            }),
            Body::ReleaseQuarantined(gone) => {
                let release = Release {
                    gem: FoldedName::parse(rest).ok()?,
                    number: gone.number.clone(),
                    platform: gone.platform.clone(),
                };
                self.releases.remove(&release)?;
                Some(format!("{} {} is withheld", gone.name, gone.number))
            }
            Body::ExchangeDenied(_) | Body::PushDenied(_) => self.denied(event),
            Body::ProviderKeysObserved(_) | Body::ProviderKeyDistrusted(_) => {
                self.provider_key(event)
            }
            Body::AccountCreated(_) | Body::AccountDisabled(_) => {
                let own =
                    matches!(self.identity, Identity::Account(id) if String::from(id) == rest);
                self.account_disabled |= own && matches!(event.body, Body::AccountDisabled(_));
                own.then(|| format!("account {rest}"))
            }
            Body::PublisherAdded(_)
            | Body::OwnerAdded(_)
            | Body::OwnerRemoved(_)
            | Body::RuleChanged(_)
            | Body::ChangeCancelled(_)
            | Body::OverrideProposed(_)
            | Body::PolicyOverridden(_)
            | Body::PublisherPinned(_)
            | Body::PublisherRemoved(_)
            | Body::PendingAdded(_)
            | Body::PendingRemoved(_) => self.policy(event, acted),
            Body::GemRegistered(_)
            | Body::NameTaken(_)
            | Body::EvidenceOpened(_)
            | Body::FileTaken(_) => acted.then(|| rest.to_owned()),
            Body::LogOpened(_)
            | Body::LogSucceeded(_)
            | Body::MapRooted(_)
            | Body::LogRulesChanged(_)
            | Body::StatementKeyIntroduced(_)
            | Body::TrustRootRecorded(_)
            | Body::TrustRootRetired(_)
            | Body::SubjectErased(_)
            | Body::ProviderRegistered(_)
            | Body::ProviderDisabled(_)
            | Body::IssuerTaken(_)
            | Body::ReleaseRestored(_) => None,
        }
    }

    fn issued(&mut self, id: ApiKeyId, issued: &Issued) -> Option<String> {
        let held = match (&issued.holder, &self.identity) {
            (Holder::Account(holder), Identity::Account(own)) => holder == own,
            (_, Identity::ApiKey(own)) => id == *own,
            _ => false,
        };
        if !held && !self.keys.contains_key(&id) {
            return None;
        }
        let expires = issued.expires;
        self.keys.insert(id, expires);
        let until = expires.map_or_else(
            || "that never expires".to_owned(),
            |expires| format!("until {expires}"),
        );
        Some(format!("key {id} {until}"))
    }

    fn pushed(&mut self, event: &Event, pushed: &Pushed, acted: bool) -> Option<String> {
        let source = pushed.source.as_ref().map(|source| &source.workflow);
        let stated = source.is_some_and(|job| match &self.identity {
            Identity::Repository(own) => same(own, &job.repository),
            Identity::Run(run) => job.run_id.as_ref() == Some(run),
            Identity::ApiKey(_) | Identity::ProviderKey(_) | Identity::Account(_) => false,
        });
        let own = matches!(self.identity, Identity::ApiKey(id) if id == pushed.api_key);
        if !stated && !own && !acted && !self.keys.contains_key(&pushed.api_key) {
            return None;
        }
        self.pushing = Some(event.request);
        let release = Release {
            gem: FoldedName::parse(event.stream.rest()).ok()?,
            number: pushed.number.clone(),
            platform: pushed.platform.clone(),
        };
        if event.time >= self.since {
            let name = pushed.name.clone();
            remember(&mut self.releases, release, name, &mut self.more);
        }
        let platform = if pushed.platform.is_ruby() {
            String::new()
        } else {
            format!(" for {}", pushed.platform)
        };
        Some(format!("{} {}{platform}", pushed.name, pushed.number))
    }

    fn denied(&self, event: &Event) -> Option<String> {
        let gem = event.stream.rest();
        if let Body::ExchangeDenied(denied) = &event.body {
            let repository = (denied.provider.clone(), denied.repository_id.clone());
            let run =
                matches!(&self.identity, Identity::Run(run) if denied.run_id.as_ref() == Some(run));
            let own = run || self.repository_ids.contains(&repository);
            own.then(|| format!("exchange for {gem} denied: {}", denied.code))
        } else if let Body::PushDenied(denied) = &event.body {
            let own = matches!(self.identity, Identity::ApiKey(id) if id == denied.api_key);
            let own = own || self.keys.contains_key(&denied.api_key);
            own.then(|| format!("push of {gem} denied: {}", denied.code))
        } else {
            None
        }
    }

    fn provider_key(&mut self, event: &Event) -> Option<String> {
        let Identity::ProviderKey(thumbprint) = &self.identity else {
            return None;
        };
        let slug = Slug::parse(event.stream.rest()).ok()?;
        if let Body::ProviderKeysObserved(observed) = &event.body {
            let mut keys = observed.keys.iter();
            let key = keys.find(|key| key.thumbprint == *thumbprint)?;
            let text = format!("key {} of {slug} was recorded", key.kid);
            self.kids.insert(slug, key.kid.clone());
            Some(text)
        } else if let Body::ProviderKeyDistrusted(distrusted) = &event.body {
            if distrusted.thumbprint != *thumbprint {
                return None;
            }
            self.kids.remove(&slug);
            Some(format!("key {} of {slug} is distrusted", distrusted.kid))
        } else {
            None
        }
    }

    /// Whether the actor is the identity itself. A run and a key have no name of their own among actors, and a
    /// repository's deeds are found by what its tokens stated.
    fn acted(&self, actor: &Actor) -> bool {
        match (&self.identity, actor) {
            (Identity::Account(own), Actor::Account(id)) => own == id,
            (Identity::Repository(_), Actor::Workflow(slug, id)) => {
                self.repository_ids.contains(&(slug.clone(), id.clone()))
            }
            _ => false,
        }
    }

    fn exchanged(&mut self, event: &Event, exchanged: &Exchanged) -> Option<String> {
        let job = &exchanged.workflow;
        let own = match &self.identity {
            Identity::Repository(own) => same(own, &job.repository),
            Identity::Run(run) => job.run_id.as_ref() == Some(run),
            Identity::ProviderKey(key) => exchanged.provider_key == *key,
            Identity::ApiKey(id) => exchanged.api_key == *id,
            Identity::Account(_) => false,
        };
        if !own {
            return None;
        }
        let (slug, ..) = event.stream.token_parts()?;
        if matches!(self.identity, Identity::Repository(_)) && self.repository_ids.len() < MOST_IDS
        {
            self.repository_ids
                .insert((slug, job.repository_id.clone()));
        }
        // Until its own event says when it dies: that is the next one.
        self.keys.insert(exchanged.api_key, None);
        let run = job.run_id.as_ref();
        let run = run.map_or_else(String::new, |run| format!(", run {run}"));
        let gems: Vec<&str> = exchanged
            .matches
            .iter()
            .map(|found| found.gem.as_str())
            .collect();
        Some(format!(
            "token of {}{run}, signed by {}, for {}",
            job.repository,
            exchanged.provider_key,
            gems.join(", ")
        ))
    }
}

fn same(a: &Text, b: &Text) -> bool {
    a.as_str().eq_ignore_ascii_case(b.as_str())
}

fn remember<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V, more: &mut u64) {
    if map.len() < MOST || map.contains_key(&key) {
        map.insert(key, value);
    } else {
        *more += 1;
    }
}
