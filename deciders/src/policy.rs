//! A gem's policy: whose it is, its trusted publishers, and the names that are waiting for a first push.
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec,
    vec::Vec,
};
use events::{
    Body, Event, State,
    claims::ProviderKind,
    digest::Digest,
    event::Draft,
    id::{Actor, Owner, PublisherId},
    name::{FoldedName, GemName},
    policy::{PendingAdded, PendingRemoved, Publisher, PublisherAdded, PublisherRemoved},
    stream::StreamName,
    text::Text,
    time::Timestamp,
};

use crate::{
    Code, Denial, Ledger, account::Account, provider::Provider, summary::policy_digest,
};

/// Most publishers and pending publishers of one gem, so that a policy stays readable and quick to judge.
pub const MAX_PUBLISHERS: usize = 50;

/// A publisher and since when it has waited for its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The publisher, with the ids that were pinned.
    pub publisher: Publisher,
    /// When it was added.
    pub added: Timestamp,
}

impl Entry {
    /// Whether it was added without a repository's id and has waited too long for one: names can change hands.
    pub fn has_expired(&self, provisional_seconds: u64, now: Timestamp) -> bool {
        self.publisher.repository_id.is_none()
            && now >= self.added.plus_seconds(provisional_seconds)
    }
}

/// State of `policy/<gem>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The gem's spelling; `None` until it is registered.
    pub name: Option<GemName>,
    /// Its owners.
    pub owners: BTreeSet<Owner>,
    /// Its trusted publishers.
    pub publishers: BTreeMap<PublisherId, Entry>,
    /// Publishers that wait for the first push of this name.
    pub pending: BTreeMap<PublisherId, PendingAdded>,
    /// How many events the stream has: the revision that the next one gets.
    pub next_revision: u64,
    /// What the stream says so far, as [`policy_digest`] sums it up; `None` before its first event.
    pub digest: Option<Digest>,
}

impl Policy {
    /// The pending publishers that still reserve the name.
    pub fn live_pending(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = (&PublisherId, &PendingAdded)> {
        self.pending
            .iter()
            .filter(move |(_, pending)| now < pending.expires)
    }
}

/// The states that a new publisher is judged on.
#[derive(Clone, Copy, Debug)]
pub struct States<'a> {
    /// `log`
    pub ledger: &'a Ledger,
    /// `policy/<gem>`
    pub policy: &'a Policy,
    /// `provider/<slug>` of the publisher's provider.
    pub provider: &'a Provider,
    /// `account/<id>` of whoever acts; where the operator reserves a name for an account, of that account.
    pub account: Option<&'a Account>,
}

/// Adds a publisher to a gem, or a pending one to a name that is still free, which reserves the name for `owner`.
///
/// A publisher that has expired makes room for the same one, added again.
pub fn add_publisher(
    states: &States<'_>,
    gem: &GemName,
    publisher: Publisher,
    owner: Owner,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Draft>, Denial> {
    let rules = *states.ledger.rulebook()?.known()?;
    let policy = states.policy;
    match &policy.name {
        Some(name) => {
            may_manage(policy, states.account, by)?;
            if name != gem {
                return Err(Denial::new(Code::NameSpelledDifferently)
                    .expected(name.as_str())
                    .found(gem.as_str()));
            }
        }
        None => may_reserve(policy, states.account, owner, by, now)?,
    }
    sound(&publisher, states.provider.live()?.kind)?;
    let (live, expired): (Vec<_>, Vec<_>) = policy
        .twins(&publisher)
        .partition(|twin| !policy.has_expired(*twin, rules.provisional_seconds, now));
    if !live.is_empty() {
        return Err(Code::AlreadyExists.into());
    }
    let others = policy.publishers.len() + policy.pending.len() - expired.len();
    if others >= MAX_PUBLISHERS {
        return Err(Code::TooManyPublishers.into());
    }
    let stream = StreamName::policy(&gem.folded());
    let mut drafts: Vec<Draft> = expired
        .into_iter()
        .map(|twin| Draft::new(stream.clone(), policy.removed(twin)))
        .collect();
    let body = if policy.name.is_some() {
        Body::PublisherAdded(PublisherAdded {
            effective: None,
            pending: None,
            publisher,
        })
    } else {
        Body::PendingAdded(PendingAdded {
            expires: now.plus_seconds(rules.pending_seconds),
            name: gem.clone(),
            owner,
            publisher,
        })
    };
    drafts.push(Draft::new(stream, body));
    Ok(drafts)
}

/// Removes a publisher or a pending one: keys minted for it are dead for this gem, and a reserved name is free again.
pub fn remove_publisher(
    policy: &Policy,
    account: Option<&Account>,
    gem: &FoldedName,
    id: PublisherId,
    by: &Actor,
) -> Result<Vec<Draft>, Denial> {
    match policy.pending.get(&id) {
        Some(pending) => {
            if *by != Actor::Operator && *by != pending.owner.into() {
                return Err(Code::NotOwner.into());
            }
            lives(account, by)?;
        }
        None => may_manage(policy, account, by)?,
    }
    if !policy.publishers.contains_key(&id) && !policy.pending.contains_key(&id) {
        return Err(Code::NotFound.into());
    }
    Ok(vec![Draft::new(
        StreamName::policy(gem),
        policy.removed(id),
    )])
}

/// The operator, or one of the gem's owners.
pub(crate) fn may_manage(
    policy: &Policy,
    account: Option<&Account>,
    by: &Actor,
) -> Result<(), Denial> {
    let owns = policy.owners.iter().any(|owner| Actor::from(*owner) == *by);
    if *by != Actor::Operator && !owns {
        return Err(Code::NotOwner.into());
    }
    lives(account, by)
}

/// The operator for anybody, an account for itself; and not while the name waits for somebody else.
fn may_reserve(
    policy: &Policy,
    account: Option<&Account>,
    owner: Owner,
    by: &Actor,
    now: Timestamp,
) -> Result<(), Denial> {
    if *by != Actor::Operator && *by != owner.into() {
        return Err(Code::NotOwner.into());
    }
    lives(account, &owner.into())?;
    let mut live = policy.live_pending(now);
    if live.any(|(_, pending)| pending.owner != owner) {
        return Err(Code::NameReserved.into());
    }
    Ok(())
}

fn lives(account: Option<&Account>, by: &Actor) -> Result<(), Denial> {
    match by {
        Actor::Operator => Ok(()),
        Actor::Account(_) => account.ok_or(Code::NotFound)?.live(),
        Actor::Workflow(..) => Err(Code::NotOwner.into()),
    }
}

impl Policy {
    /// Publishers that are the same workflow, whatever their ids and refs.
    fn twins(&self, publisher: &Publisher) -> impl Iterator<Item = PublisherId> {
        let same = |a: &Text, b: &Text| a.as_str().eq_ignore_ascii_case(b.as_str());
        let twin = move |other: &Publisher| {
            other.provider == publisher.provider
                && same(&other.repository, &publisher.repository)
                && other.workflow == publisher.workflow
                && other.environment == publisher.environment
                && match (&other.workflow_repository, &publisher.workflow_repository) {
                    (Some(a), Some(b)) => same(a, b),
                    (a, b) => a == b,
                }
        };
        let live = self
            .publishers
            .iter()
            .map(|(id, entry)| (*id, &entry.publisher));
        let pending = self
            .pending
            .iter()
            .map(|(id, pending)| (*id, &pending.publisher));
        live.chain(pending)
            .filter(move |(_, other)| twin(other))
            .map(|(id, _)| id)
    }

    fn has_expired(&self, id: PublisherId, provisional_seconds: u64, now: Timestamp) -> bool {
        let publisher = self.publishers.get(&id);
        let pending = self.pending.get(&id);
        publisher.is_some_and(|entry| entry.has_expired(provisional_seconds, now))
            || pending.is_some_and(|pending| now >= pending.expires)
    }

    fn removed(&self, publisher: PublisherId) -> Body {
        if self.pending.contains_key(&publisher) {
            Body::PendingRemoved(PendingRemoved { publisher })
        } else {
            Body::PublisherRemoved(PublisherRemoved { publisher })
        }
    }
}

/// Whether a job of this kind of provider could ever be the publisher.
fn sound(publisher: &Publisher, kind: ProviderKind) -> Result<(), Denial> {
    let Publisher {
        any_ref: _,
        environment,
        owner_id,
        provider: _,
        repository,
        repository_id,
        workflow,
        workflow_repository,
    } = publisher;
    let texts = [Some(repository), Some(workflow)];
    let options = [environment, owner_id, repository_id, workflow_repository].map(Option::as_ref);
    for text in texts.into_iter().chain(options).flatten() {
        Text::configured(text.as_str())
            .map_err(|_| invalid("a value that a token can state", text))?;
    }
    if kind == ProviderKind::Generic {
        return match workflow_repository {
            None => Ok(()),
            Some(text) => Err(invalid("no workflow repository: only GitHub has one", text)),
        };
    }
    for id in [owner_id, repository_id].into_iter().flatten() {
        if !id.as_str().bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid("an id of digits", id));
        }
    }
    path(repository, kind)?;
    workflow_file(workflow, kind)?;
    match workflow_repository {
        None => Ok(()),
        Some(text) if kind == ProviderKind::Gitlab => {
            Err(invalid("no workflow repository: only GitHub has one", text))
        }
        Some(text) if text.as_str().eq_ignore_ascii_case(repository.as_str()) => {
            Err(invalid("another repository than the publisher's own", text))
        }
        Some(text) => path(text, kind),
    }
}

fn invalid(expected: &str, found: &Text) -> Denial {
    Denial {
        tell: true,
        ..Denial::new(Code::PublisherInvalid)
            .expected(expected)
            .found(found.as_str())
    }
}

/// `OWNER/NAME`; at GitLab groups may be nested.
fn path(repository: &Text, kind: ProviderKind) -> Result<(), Denial> {
    let segments = || repository.as_str().split('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let depth = match kind {
        ProviderKind::Github => segments().count() == 2,
        ProviderKind::Gitlab | ProviderKind::Generic => segments().count() >= 2,
    };
    let sound = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(plain);
    if depth && segments().all(sound) {
        Ok(())
    } else {
        Err(invalid("a repository's path (OWNER/NAME)", repository))
    }
}

/// A file of YAML. An `@` would leave open where the file ends and its ref begins.
fn workflow_file(workflow: &Text, kind: ProviderKind) -> Result<(), Denial> {
    let text = workflow.as_str();
    let stem = text
        .strip_suffix(".yml")
        .or_else(|| text.strip_suffix(".yaml"));
    let folder = kind == ProviderKind::Github && text.contains('/');
    let named = stem.is_some_and(|stem| kind == ProviderKind::Gitlab || !stem.is_empty());
    if named && !folder && !text.contains('@') && !text.starts_with('/') {
        Ok(())
    } else {
        let expected = match kind {
            ProviderKind::Github => "a file's name in .github/workflows, ending in .yml or .yaml",
            ProviderKind::Gitlab | ProviderKind::Generic => {
                "a file's path, ending in .yml or .yaml"
            }
        };
        Err(invalid(expected, workflow))
    }
}

impl State for Policy {
    fn evolve(&mut self, event: &Event) {
        self.next_revision = event.revision + 1;
        self.digest = Some(policy_digest(self.digest.as_ref(), &event.body));
        let id = PublisherId(event.revision);
        if let Body::GemRegistered(registered) = &event.body {
            self.name = Some(registered.name.clone());
        } else if let Body::OwnerAdded(added) = &event.body {
            self.owners.insert(added.owner);
        } else if let Body::PublisherAdded(added) = &event.body {
            let entry = Entry {
                publisher: added.publisher.clone(),
                added: event.time,
            };
            self.publishers.insert(id, entry);
            if let Some(pending) = added.pending {
                self.pending.remove(&pending);
            }
        } else if let Body::PublisherPinned(pinned) = &event.body {
            if let Some(entry) = self.publishers.get_mut(&pinned.publisher) {
                entry.publisher.repository_id = Some(pinned.repository_id.clone());
                entry.publisher.owner_id.clone_from(&pinned.owner_id);
            }
        } else if let Body::PublisherRemoved(removed) = &event.body {
            self.publishers.remove(&removed.publisher);
        } else if let Body::PendingAdded(added) = &event.body {
            self.pending.insert(id, added.clone());
        } else if let Body::PendingRemoved(removed) = &event.body {
            self.pending.remove(&removed.publisher);
        }
    }
}
