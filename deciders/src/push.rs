//! The push: whether this key may make this file that version of that gem, now and for good.
use alloc::{string::ToString, vec::Vec};
use events::{
    Body,
    api_key::{Holder, Issued, Scope},
    attestation::Attested,
    denied::PushDenied,
    digest::Digest,
    event::Draft,
    gem::IndexLine,
    id::ApiKeyId,
    name::GemName,
    platform::{FullName, Platform},
    policy::Publisher,
    rule::Rule,
    stream::StreamName,
    text::{Slug, Text},
    time::Timestamp,
    version::GemVersion,
};

use crate::{
    Code, Denial, Ledger,
    account::Account,
    api_key::ApiKey,
    attestation,
    denied::Denied,
    gem::{Gem, Release},
    matching::Job,
    policy::Policy,
    provider::Provider,
    rule::{self, Class, Pushes},
    taken::Taken,
    token::Token,
    trust_root::TrustRoot,
};

mod authority;
mod group;

use authority::{Authority, authorise};

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
    /// The bundles that came with it, each verified, in the order in which they were uploaded.
    pub attestations: Vec<attestation::Facts>,
}

/// The states that a push is judged on. Those behind `file` depend on who holds the key, and on what came with the file.
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
    /// `trust_root/<slug>` of each root that verified a bundle.
    pub trust_roots: Vec<(StreamName, &'a TrustRoot)>,
}

/// What a push leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// These events, together.
    Release(Vec<Draft>),
    /// Nothing: this very file is that version already. Clients send a push again when they did not hear the answer.
    AlreadyPushed,
}

/// Decides a push: the events that it leads to, or why not.
pub fn decide(states: &States<'_>, facts: &Facts, now: Timestamp) -> Result<Verdict, Denial> {
    states.ledger.rulebook()?.known()?;
    let policy = states.policy.at(now);
    let states = &with_policy(states, &policy);
    let issued = states.api_key.allows(Scope::PushRubygem, now)?;
    holder_lives(states, issued, now)?;
    coherent(facts)?;
    if let Some(release) = states.gem.release(&facts.number, &facts.platform) {
        return existing(release, facts);
    }
    if let Some(name) = &states.policy.name {
        same_spelling(name, facts)?;
    }
    let authority = authorise(states, issued, facts, now)?;
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
    let attested = attested(states, facts, &authority, now)?;
    keeps_rules(states, &authority, facts, &attested)?;
    Ok(Verdict::Release(group::events(
        states, facts, &authority, attested, now,
    )))
}

/// What each bundle says, held against the run that bought the key.
fn attested(
    states: &States<'_>,
    facts: &Facts,
    authority: &Authority<'_>,
    now: Timestamp,
) -> Result<Vec<Attested>, Denial> {
    if facts.attestations.is_empty() {
        return Ok(Vec::new());
    }
    let Authority::Publisher(trusted) = authority else {
        return Err(Code::AttestationNeedsPublisher.into());
    };
    attestation::distinct(&facts.attestations)?;
    let job = Job {
        slug: trusted.slug,
        provider: trusted.provider,
        workflow: trusted.workflow,
    };
    let same_attempt = rule::in_force(
        Rule::SameAttemptRequired,
        states.ledger,
        states.policy,
        states.gem,
    )?;
    let judged = facts.attestations.iter().map(|bundle| {
        let mut roots = states.trust_roots.iter();
        let root = roots.find(|(stream, _)| *stream == bundle.root.stream);
        let root = root.map(|(_, root)| *root);
        let compared =
            attestation::judge(bundle, root, &job, trusted.publisher, same_attempt, now)?;
        Ok(bundle.event(facts, compared))
    });
    judged.collect()
}

/// The same states, with the policy as it is at this moment.
fn with_policy<'a>(states: &States<'a>, policy: &'a Policy) -> States<'a> {
    States {
        policy,
        ..states.clone()
    }
}

/// Whether the push keeps the gem's own rules.
fn keeps_rules(
    states: &States<'_>,
    authority: &Authority<'_>,
    facts: &Facts,
    attested: &[Attested],
) -> Result<(), Denial> {
    let trusted = match authority {
        Authority::Publisher(trusted) => Some((trusted.workflow, trusted.publisher)),
        Authority::Owner | Authority::NewName(_) => None,
    };
    let pushes = Pushes {
        number: &facts.number,
        trusted,
        attested: attested.iter().map(Class::of).max(),
    };
    rule::judge(states.ledger, states.policy, states.gem, &pushes)
}

/// A key dies with whoever vouched for it: its account, its provider, or the provider's key.
pub(crate) fn holder_lives(
    states: &States<'_>,
    issued: &Issued,
    now: Timestamp,
) -> Result<(), Denial> {
    match &issued.holder {
        Holder::Account(_) => states.account.ok_or(Code::NotFound)?.live(),
        Holder::Exchange(_) => {
            let token = states.token.and_then(|token| token.exchanged.as_ref());
            let token = token.ok_or(Code::KeyUnknown)?;
            let (_, provider) = states.provider.ok_or(Code::ProviderUnknown)?;
            provider.live(now)?;
            provider.trusted_key(&token.provider_key).map(|_| ())
        }
    }
}

/// File name, index line and digest speak of one release: Bundler trusts the line, and `gem` the file's name.
pub(crate) fn coherent(facts: &Facts) -> Result<(), Denial> {
    let incoherent = |found: &str| Err(Denial::new(Code::ReleaseIncoherent).found(found));
    let composed = FullName::compose(&facts.name, &facts.number, &facts.platform);
    if composed.as_ref() != Ok(&facts.file) {
        return incoherent(facts.file.as_str());
    }
    let release = facts.file.as_str().strip_prefix(facts.name.as_str());
    let release = release.and_then(|rest| rest.strip_prefix('-'));
    let (head, rest) = facts.info.as_str().split_once('|').unwrap_or_default();
    let line_release = head.split_once(' ').map(|(release, _)| release);
    let checksum = rest.strip_prefix("checksum:");
    let checksum = checksum.map(|rest| rest.split_once(',').map_or(rest, |(hex, _)| hex));
    if line_release != release || checksum != Some(facts.digest.hex().as_str()) {
        return incoherent(head);
    }
    Ok(())
}

pub(crate) fn existing(release: &Release, facts: &Facts) -> Result<Verdict, Denial> {
    if release.number != facts.number {
        return Err(Denial::new(Code::VersionSpelledDifferently)
            .expected(release.number.as_str())
            .found(facts.number.as_str()));
    }
    // Not even the very same bytes bring it back: only whoever withheld them does.
    if release.quarantined {
        return Err(Denial::new(Code::ReleaseQuarantined).found(facts.file.as_str()));
    }
    if release.digest != facts.digest {
        return Err(Denial::new(Code::VersionExists)
            .expected(release.digest.to_string())
            .found(facts.digest.to_string()));
    }
    Ok(Verdict::AlreadyPushed)
}

fn same_spelling(name: &GemName, facts: &Facts) -> Result<(), Denial> {
    if *name == facts.name {
        return Ok(());
    }
    Err(Denial::new(Code::NameSpelledDifferently)
        .expected(name.as_str())
        .found(facts.name.as_str()))
}

/// Whether anybody vouches for the push, whoever it is.
pub(crate) fn may_push(
    states: &States<'_>,
    issued: &Issued,
    facts: &Facts,
    now: Timestamp,
) -> Result<(), Denial> {
    let policy = states.policy.at(now);
    let states = &with_policy(states, &policy);
    authorise(states, issued, facts, now).map(|_| ())
}

/// Whether a push that somebody vouches for keeps the gem's own rules, with the attestations that came with it.
pub(crate) fn may_push_by_rules(
    states: &States<'_>,
    issued: &Issued,
    facts: &Facts,
    now: Timestamp,
) -> Result<(), Denial> {
    let policy = states.policy.at(now);
    let states = &with_policy(states, &policy);
    match authorise(states, issued, facts, now) {
        Ok(authority) => {
            let attested = attested(states, facts, &authority, now)?;
            keeps_rules(states, &authority, facts, &attested)
        }
        Err(_) => Ok(()),
    }
}

/// A key of minutes is for one release: whoever steals it cannot use it for the next version too.
pub(crate) fn one_version(
    states: &States<'_>,
    issued: &Issued,
    facts: &Facts,
) -> Result<(), Denial> {
    match (&issued.holder, states.gem.by_key.get(&facts.api_key)) {
        (Holder::Exchange(_), Some(released)) if *released != facts.number.canonical() => {
            Err(Denial::new(Code::OneVersionPerKey)
                .expected(released.as_str())
                .found(facts.number.as_str()))
        }
        _ => Ok(()),
    }
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
    let token = states.token?.exchanged.as_ref()?;
    let (slug, _) = states.provider?;
    let own = |publisher: &Publisher| {
        publisher.provider == *slug
            && publisher.repository_id.as_ref() == Some(&token.workflow.repository_id)
    };
    let mut publishers = states.policy.publishers.iter();
    let (publisher, _) = publishers.find(|(_, entry)| own(&entry.publisher))?;
    let code = Text::parse(denial.code.as_str()).ok()?;
    let interval = states
        .ledger
        .rulebook
        .as_ref()?
        .rules
        .denial_interval_seconds;
    if !denied.is_due(*publisher, &code, now, interval) {
        return None;
    }
    let body = Body::PushDenied(PushDenied {
        api_key: facts.api_key,
        code,
        count,
        expected: denial.expected_text(),
        found: denial.found_text(),
        publisher: *publisher,
    });
    Some(Draft::new(StreamName::denied(&facts.name.folded()), body))
}
