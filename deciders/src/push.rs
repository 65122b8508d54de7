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
    denial::Short,
    denied::Denied,
    gem::{Gem, Release},
    matching::Job,
    policy::{Policy, PolicyAt},
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
    let policy = &*states.policy.at(now);
    let issued = states.api_key.allows(Scope::PushRubygem, now)?;
    holder_lives(states, issued, now)?;
    coherent(facts)?;
    if let Some(release) = states.gem.release(&facts.number, &facts.platform) {
        return existing(release, facts);
    }
    if let Some(name) = &policy.name {
        same_spelling(name, facts)?;
    }
    let authorities = authorise(states, policy, issued, facts, now)?;
    match &issued.gem {
        Some(gem) if *gem != facts.name.folded() => {
            return Err(Denial::new(Code::GemScope)
                .expected(gem.as_str())
                .found(facts.name.as_str()));
        }
        _ => {}
    }
    if states.file.taken || (policy.name.is_none() && states.name.taken) {
        return Err(Denial::new(Code::FileTaken).found(facts.file.as_str()));
    }
    one_version(states, issued, facts)?;
    let (authority, attested) = first_that_holds(states, policy, facts, authorities, now)?;
    Ok(Verdict::Release(group::events(
        states, facts, &authority, attested, now,
    )))
}

/// The first on whose word everything holds that the push brings, and what its bundles came to. So whom else the job is
/// never takes anything away. If there is none, the one that came furthest says why.
fn first_that_holds<'a>(
    states: &States<'_>,
    policy: &PolicyAt,
    facts: &Facts,
    authorities: Vec<Authority<'a>>,
    now: Timestamp,
) -> Result<(Authority<'a>, Vec<Attested>), Denial> {
    let mut furthest: Option<Short> = None;
    for authority in authorities {
        match holds(states, policy, facts, &authority, now) {
            Ok(attested) => return Ok((authority, attested)),
            Err(short) => {
                let best = furthest.as_ref().map(|best| best.passed);
                if best.is_none_or(|best| short.passed > best) {
                    furthest = Some(short);
                }
            }
        }
    }
    Err(furthest.map_or_else(|| Code::NotPublisher.into(), |short| short.denial))
}

/// Whether each bundle is of the run that bought the key, and every rule of the gem is kept.
fn holds(
    states: &States<'_>,
    policy: &PolicyAt,
    facts: &Facts,
    authority: &Authority<'_>,
    now: Timestamp,
) -> Result<Vec<Attested>, Short> {
    let attested = attested(states, policy, facts, authority, now)?;
    let trusted = match authority {
        Authority::Publisher(trusted) => Some((trusted.workflow, trusted.publisher)),
        Authority::Owner | Authority::NewName(_) => None,
    };
    let pushes = Pushes {
        number: &facts.number,
        trusted,
        attested: attested.iter().map(Class::of).max(),
    };
    match rule::judge(states.ledger, policy, states.gem, &pushes) {
        Ok(()) => Ok(attested),
        Err(short) => Err(short.after(attested.len())),
    }
}

/// What each bundle says, held against the run that bought the key.
fn attested(
    states: &States<'_>,
    policy: &PolicyAt,
    facts: &Facts,
    authority: &Authority<'_>,
    now: Timestamp,
) -> Result<Vec<Attested>, Short> {
    if facts.attestations.is_empty() {
        return Ok(Vec::new());
    }
    let Authority::Publisher(trusted) = authority else {
        return Err(Denial::new(Code::AttestationNeedsPublisher).into());
    };
    attestation::distinct(&facts.attestations)?;
    let job = Job {
        slug: trusted.slug,
        provider: trusted.provider,
        workflow: trusted.workflow,
    };
    let same_attempt = Rule::SameAttemptRequired;
    let same_attempt = rule::in_force(same_attempt, states.ledger, policy, states.gem)?;
    let mut attested = Vec::new();
    for bundle in &facts.attestations {
        let mut roots = states.trust_roots.iter();
        let root = roots.find(|(stream, _)| *stream == bundle.root.stream);
        let root = root.map(|(_, root)| *root);
        let judged = attestation::judge(bundle, root, &job, trusted.publisher, same_attempt, now);
        let compared = judged.map_err(|denial| Short::from(denial).after(attested.len()))?;
        attested.push(bundle.event(facts, root, compared));
    }
    Ok(attested)
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
    authorise(states, &states.policy.at(now), issued, facts, now).map(|_| ())
}

/// Whether a push that somebody vouches for keeps the gem's own rules, with the attestations that came with it.
pub(crate) fn may_push_by_rules(
    states: &States<'_>,
    issued: &Issued,
    facts: &Facts,
    now: Timestamp,
) -> Result<(), Denial> {
    let policy = &*states.policy.at(now);
    match authorise(states, policy, issued, facts, now) {
        Ok(authorities) => first_that_holds(states, policy, facts, authorities, now).map(|_| ()),
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
    let policy = states.policy.at(now);
    let mut publishers = policy.publishers.iter();
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
