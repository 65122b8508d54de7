//! The push: whether this key may make this file that version of that gem, now and for good.
use alloc::{string::ToString, vec::Vec};
use events::{
    Body,
    api_key::{Holder, Issued, Scope},
    denied::PushDenied,
    digest::Digest,
    event::Draft,
    gem::{FileTaken, IndexLine, NameTaken, Pushed, Source},
    id::{ApiKeyId, Owner, PublisherId},
    name::GemName,
    platform::{FullName, Platform},
    policy::{GemRegistered, OwnerAdded, PublisherAdded, PublisherPinned},
    stream::{EventRef, StreamName},
    text::{Slug, Text},
    time::Timestamp,
    version::GemVersion,
};

use crate::{
    Code, Denial, Ledger, account::Account, api_key::ApiKey, denied::Denied,
    exchange::match_policy, gem::Gem, matching::Job, policy::Policy, provider::Provider,
    taken::Taken, token::Token,
};

/// What was read from the file that is pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The key that pushes.
    pub api_key: ApiKeyId,
    /// The gem's name.
    pub name: GemName,
    /// Its version.
    pub number: GemVersion,
    /// Its platform.
    pub platform: Platform,
    /// The file's name without `.gem`.
    pub file: FullName,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256 of the public metadata document.
    pub document: Digest,
    /// The compact index line.
    pub info: IndexLine,
}

/// The states that a push is judged on. The last three depend on who holds the key.
#[derive(Clone, Debug)]
pub struct States<'a> {
    /// `log`
    pub ledger: &'a Ledger,
    /// `api_key/<id>`
    pub api_key: &'a ApiKey,
    /// `policy/<gem>`
    pub policy: &'a Policy,
    /// `gem/<gem>`
    pub gem: &'a Gem,
    /// `name/<gem>`
    pub name: &'a Taken,
    /// `file/<file>`
    pub file: &'a Taken,
    /// `account/<id>` of the key's account.
    pub account: Option<&'a Account>,
    /// `token/…` of the key's exchange.
    pub token: Option<&'a Token>,
    /// `provider/<slug>` of that token.
    pub provider: Option<(&'a Slug, &'a Provider)>,
}

/// What a push leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// These events, together.
    Release(Vec<Draft>),
    /// Nothing: this very file is that version already. Clients send a push again when they did not hear the answer.
    AlreadyPushed,
}

/// On whose word the push is allowed.
enum Authority<'a> {
    Owner,
    NewName(Owner),
    Publisher {
        id: PublisherId,
        token: &'a Token,
        exchange: &'a EventRef,
        pending: Option<Owner>,
    },
}

/// Decides a push: the events that it leads to, or why not.
pub fn decide(states: &States<'_>, facts: &Facts, now: Timestamp) -> Result<Verdict, Denial> {
    states.ledger.rulebook()?.known()?;
    let issued = states.api_key.allows(Scope::PushRubygem, now)?;
    holder_lives(states, issued)?;
    if let Some(release) = states.gem.release(&facts.number, &facts.platform) {
        return existing(release, facts);
    }
    match &states.policy.name {
        Some(name) if *name != facts.name => {
            return Err(Denial::new(Code::NameSpelledDifferently)
                .expected(name.as_str())
                .found(facts.name.as_str()));
        }
        _ => {}
    }
    let authority = authorise(states, issued, now)?;
    match &issued.gem {
        Some(gem) if *gem != facts.name.folded() => {
            return Err(Denial::new(Code::GemScope)
                .expected(gem.as_str())
                .found(facts.name.as_str()));
        }
        _ => {}
    }
    if states.file.taken || (states.policy.name.is_none() && states.name.taken) {
        return Err(Denial::new(Code::FileTaken).found(facts.file.as_str()));
    }
    one_version(states, issued, facts)?;
    Ok(Verdict::Release(release(states, facts, &authority)))
}

/// A key dies with whoever vouched for it: its account, its provider, or the provider's key.
fn holder_lives(states: &States<'_>, issued: &Issued) -> Result<(), Denial> {
    match &issued.holder {
        Holder::Account(_) => states.account.ok_or(Code::NotFound)?.live(),
        Holder::Exchange(_) => {
            let token = states
                .token
                .and_then(|token| token.exchanged.as_ref())
                .ok_or(Code::KeyUnknown)?;
            let (_, provider) = states.provider.ok_or(Code::ProviderUnknown)?;
            provider.live()?;
            provider.trusted_key(&token.provider_key).map(|_| ())
        }
    }
}

fn existing(release: &crate::gem::Release, facts: &Facts) -> Result<Verdict, Denial> {
    if release.number != facts.number {
        return Err(Denial::new(Code::VersionSpelledDifferently)
            .expected(release.number.as_str())
            .found(facts.number.as_str()));
    }
    if release.digest != facts.digest {
        return Err(Denial::new(Code::VersionExists)
            .expected(release.digest.to_string())
            .found(facts.digest.to_string()));
    }
    Ok(Verdict::AlreadyPushed)
}

fn authorise<'a>(
    states: &States<'a>,
    issued: &'a Issued,
    now: Timestamp,
) -> Result<Authority<'a>, Denial> {
    let policy = states.policy;
    match &issued.holder {
        Holder::Account(account) => {
            let owner = Owner::Account(*account);
            if policy.name.is_some() {
                return if policy.owners.contains(&owner) {
                    Ok(Authority::Owner)
                } else {
                    Err(Code::NotOwner.into())
                };
            }
            if policy
                .live_pending(now)
                .any(|(_, pending)| pending.owner != owner)
            {
                return Err(Code::NameReserved.into());
            }
            Ok(Authority::NewName(owner))
        }
        Holder::Exchange(exchange) => {
            let exchanged = states
                .token
                .and_then(|token| Some((token, token.exchanged.as_ref()?)));
            let ((token, record), (slug, provider)) =
                exchanged.zip(states.provider).ok_or(Code::KeyUnknown)?;
            let job = Job {
                slug,
                provider: provider.live()?,
                workflow: &record.workflow,
            };
            let rules = states.ledger.rulebook()?.rules;
            let id =
                match_policy(&job, policy, rules.provisional_seconds, now).map_err(|mismatch| {
                    Denial {
                        code: if mismatch.denial.tell {
                            mismatch.denial.code
                        } else {
                            Code::NotPublisher
                        },
                        ..mismatch.denial
                    }
                })?;
            let pending = policy.pending.get(&id).map(|pending| pending.owner);
            Ok(Authority::Publisher {
                id,
                token,
                exchange,
                pending,
            })
        }
    }
}

/// A key of minutes is for one release: whoever steals it cannot use it for the next version too.
fn one_version(states: &States<'_>, issued: &Issued, facts: &Facts) -> Result<(), Denial> {
    match (&issued.holder, states.gem.by_key.get(&facts.api_key)) {
        (Holder::Exchange(_), Some(released)) if *released != facts.number.canonical() => {
            Err(Denial::new(Code::OneVersionPerKey)
                .expected(released.as_str())
                .found(facts.number.as_str()))
        }
        _ => Ok(()),
    }
}

/// The group of events: what the policy gains, the names that are taken, and the release.
fn release(states: &States<'_>, facts: &Facts, authority: &Authority<'_>) -> Vec<Draft> {
    let gem = facts.name.folded();
    let (policy_stream, mut drafts) = (StreamName::policy(&gem), Vec::new());
    let mut next = states.policy.next_revision;
    let mut policy_event = |body: Body, drafts: &mut Vec<Draft>| {
        drafts.push(Draft::new(policy_stream.clone(), body));
        next += 1;
        PublisherId(next - 1)
    };
    let new_owner = match authority {
        Authority::Owner => None,
        Authority::NewName(owner) => Some(*owner),
        Authority::Publisher { pending, .. } => *pending,
    };
    if let Some(owner) = new_owner.filter(|_| states.policy.name.is_none()) {
        policy_event(
            Body::GemRegistered(GemRegistered {
                name: facts.name.clone(),
            }),
            &mut drafts,
        );
        policy_event(Body::OwnerAdded(OwnerAdded { owner }), &mut drafts);
    }
    let source = if let Authority::Publisher {
        id,
        token,
        exchange,
        ..
    } = authority
    {
        let mut publisher = *id;
        if let Some(pending) = states.policy.pending.get(id) {
            let added = PublisherAdded {
                pending: Some(*id),
                publisher: pending.publisher.clone(),
            };
            publisher = policy_event(Body::PublisherAdded(added), &mut drafts);
        }
        let configured = states
            .policy
            .publishers
            .get(id)
            .map(|entry| &entry.publisher);
        let configured = configured.or_else(|| {
            states
                .policy
                .pending
                .get(id)
                .map(|pending| &pending.publisher)
        });
        let unpinned = configured.is_none_or(|publisher| publisher.repository_id.is_none());
        token.exchanged.as_ref().map(|record| {
            if unpinned {
                let pinned = PublisherPinned {
                    owner_id: record.workflow.owner_id.clone(),
                    publisher,
                    repository_id: record.workflow.repository_id.clone(),
                };
                policy_event(Body::PublisherPinned(pinned), &mut drafts);
            }
            Source {
                exchange: (*exchange).clone(),
                publisher,
                workflow: record.workflow.clone(),
            }
        })
    } else {
        None
    };
    if !states.name.taken {
        drafts.push(Draft::new(
            StreamName::name(&gem),
            Body::NameTaken(NameTaken {
                name: facts.name.clone(),
            }),
        ));
    }
    drafts.push(Draft::new(
        StreamName::file(&facts.file),
        Body::FileTaken(FileTaken {
            file: facts.file.clone(),
        }),
    ));
    let pushed = Pushed {
        api_key: facts.api_key,
        digest: facts.digest,
        document: facts.document,
        info: facts.info.clone(),
        name: facts.name.clone(),
        number: facts.number.clone(),
        platform: facts.platform.clone(),
        policy: EventRef {
            revision: next.saturating_sub(1),
            stream: policy_stream,
        },
        size: facts.size,
        source,
    };
    drafts.push(Draft::new(
        StreamName::gem(&gem),
        Body::ReleasePushed(pushed),
    ));
    drafts
}

/// The record of a denied push, if the key's workflow is from the repository of one of the gem's publishers.
pub fn record(
    states: &States<'_>,
    denied: &Denied,
    facts: &Facts,
    denial: &Denial,
    count: u64,
    now: Timestamp,
) -> Option<Draft> {
    let record = states.token?.exchanged.as_ref()?;
    let publisher = states.policy.publishers.iter().find(|(_, entry)| {
        entry.publisher.repository_id.as_ref() == Some(&record.workflow.repository_id)
    })?;
    let code = Text::parse(denial.code.as_str()).ok()?;
    let interval = states
        .ledger
        .rulebook
        .as_ref()?
        .rules
        .denial_interval_seconds;
    if !denied.is_due(*publisher.0, &code, now, interval) {
        return None;
    }
    let body = Body::PushDenied(PushDenied {
        api_key: facts.api_key,
        code,
        count,
        expected: denial.expected_text(),
        found: denial.found_text(),
        publisher: *publisher.0,
    });
    Some(Draft::new(StreamName::denied(&facts.name.folded()), body))
}
