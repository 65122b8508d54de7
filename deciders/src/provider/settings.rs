//! The settings of a provider: who may change them to what, when that holds, and what is remembered of those before.
use alloc::vec::Vec;
use core::net::IpAddr;
use events::{
    Body, Event,
    claims::ProviderKind,
    event::Draft,
    provider::{IssuerTaken, ObservedKey, Registered},
    stream::StreamName,
    text::Slug,
    time::Timestamp,
};

use super::{Provider, new_keys};
use crate::{Code, Denial, Ledger, ledger::MAX_LOOSENING_DELAY_SECONDS, taken::Taken};

/// Most claims that a provider may require of every token.
pub const MAX_REQUIRED: usize = 20;

/// Most settings that are remembered to be taken back.
const MAX_REPLACED: usize = 16;

/// Settings, and where they were declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The revision of the event in `provider/<slug>`.
    pub revision: u64,
    /// When.
    pub time: Timestamp,
    /// The settings.
    pub settings: Registered,
}

/// Settings that others took the place of at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replaced {
    settings: Registered,
    /// Until when they were in force.
    until: Timestamp,
}

/// When settings take effect that are declared now, and why then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At once: they let in nothing that those in force do not, or nothing waits in this ledger.
    AtOnce,
    /// At once: the provider is younger than the delay, so no gem that existed before it relies on it yet.
    Young,
    /// At once: what they let in was let in until that moment, which is less than one delay ago. The provider was not
    /// young any more then.
    TakenBack(Timestamp),
    /// At that moment: they let in what was not let in before.
    Later(Timestamp),
}

impl When {
    /// As the event says it: `None` at once.
    pub fn effective(self) -> Option<Timestamp> {
        match self {
            Self::Later(effective) => Some(effective),
            Self::AtOnce | Self::Young | Self::TakenBack(_) => None,
        }
    }
}

/// The states that a registration is judged on.
#[derive(Clone, Copy, Debug)]
pub struct States<'a> {
    /// `log`
    pub ledger: &'a Ledger,
    /// `provider/<slug>`
    pub provider: &'a Provider,
    /// `issuer/<sha256 of the issuer>`
    pub issuer: &'a Taken,
}

/// When these settings of a provider take effect if they are declared now.
///
/// A delay is for those who watch. Who watches has seen nothing rely on a provider that is younger than the delay: a
/// publisher of a gem that exists waits as long. And what was in force less than one delay ago brings nothing new: so a
/// tightening that was a mistake is taken back at once. What came in while the provider was young counts for that only if
/// it was still in force when its youth ended.
pub fn when(ledger: &Ledger, provider: &Provider, to: &Registered, now: Timestamp) -> When {
    let Some(effective) = ledger.effective(now) else {
        return When::AtOnce;
    };
    let Some(before) = provider.settings(now) else {
        return When::AtOnce;
    };
    if !loosens(before, to) {
        return When::AtOnce;
    }
    let delay = ledger.delay(now);
    let recent = |time: Timestamp| now < time.plus_seconds(delay);
    // Publishers that were added under a shorter delay may be in effect by now.
    let all_wait = |since: &Timestamp| ledger.delay_since.is_none_or(|rose| rose <= *since);
    if provider.since.filter(all_wait).is_some_and(recent) {
        return When::Young;
    }
    // What took effect after its delay since is no tightening that could be taken back.
    let replaced = provider.replaced.iter().rev();
    let mut replaced = replaced.filter(|_| provider.due(now).is_none());
    // What was in force only while the provider was young, nobody had a delay to look at.
    let outlived_youth = |until: Timestamp| {
        let since = provider.since;
        since.is_some_and(|since| since.plus_seconds(delay) <= until)
    };
    let taken_back = replaced.find(|replaced| {
        recent(replaced.until) && outlived_youth(replaced.until) && !loosens(&replaced.settings, to)
    });
    match taken_back {
        Some(replaced) => When::TakenBack(replaced.until),
        None => When::Later(effective),
    }
}

/// Registers a provider, changes its settings, or takes it back after it was disabled. Its issuer and kind are for good.
/// Settings that let in what those before would not may have to wait; the newest that are declared count.
pub fn register(
    states: &States<'_>,
    slug: &Slug,
    mut registered: Registered,
    keys: &[ObservedKey],
    now: Timestamp,
) -> Result<Vec<Draft>, Denial> {
    states.ledger.rulebook()?.known()?;
    registered.effective = None;
    registered.algorithms.sort_unstable();
    registered.algorithms.dedup();
    sound(&registered)?;
    same_identity(states, slug, &registered)?;
    let provider = states.provider;
    let mut drafts = Vec::new();
    if !states.issuer.taken {
        let taken = IssuerTaken {
            issuer: registered.issuer.clone(),
            provider: slug.clone(),
        };
        let stream = StreamName::issuer(registered.issuer.as_str());
        drafts.push(Draft::new(stream, Body::IssuerTaken(taken)));
    }
    let before = provider.settings(now);
    // Saying what holds anyway takes back what was declared and waits.
    let holds = || before.filter(|_| provider.live(now).is_ok());
    let waiting = provider.waiting(now).map(|waiting| &waiting.settings);
    let says_nothing = waiting
        .or_else(holds)
        .is_some_and(|said| same(said, &registered));
    let effective = when(states.ledger, provider, &registered, now).effective();
    // Keys that come from elsewhere are not looked at before their time.
    let elsewhere = before.is_some_and(|before| before.jwks_uri != registered.jwks_uri);
    let keys = if effective.is_some() && elsewhere {
        &[]
    } else {
        keys
    };
    if !says_nothing {
        registered.effective = effective;
        let body = Body::ProviderRegistered(registered);
        drafts.push(Draft::new(StreamName::provider(slug), body));
    }
    drafts.extend(new_keys(provider, slug, keys));
    if drafts.is_empty() {
        return Err(Code::AlreadyExists.into());
    }
    Ok(drafts)
}

/// An issuer belongs to one provider, and neither issuer nor kind ever changes.
fn same_identity(states: &States<'_>, slug: &Slug, registered: &Registered) -> Result<(), Denial> {
    match &states.issuer.provider {
        Some(other) if other != slug => {
            return Err(Denial::new(Code::IssuerTaken).found(other.as_str()));
        }
        _ => {}
    }
    let provider = states.provider;
    if provider
        .issuer()
        .is_some_and(|issuer| *issuer != registered.issuer)
    {
        let expected = "the issuer that it was registered with";
        return Err(invalid(expected).found(registered.issuer.as_str()));
    }
    if provider.kind().is_some_and(|kind| kind != registered.kind) {
        return Err(invalid("the kind that it was registered with"));
    }
    Ok(())
}

/// Whether the settings are the same, whenever they take effect.
fn same(one: &Registered, other: &Registered) -> bool {
    let at_once = |registered: &Registered| Registered {
        effective: None,
        ..registered.clone()
    };
    at_once(one) == at_once(other)
}

impl Provider {
    /// Lets settings take effect whose time has come.
    pub(super) fn pass(&mut self, now: Timestamp) {
        if let Some(due) = self.due(now).cloned() {
            self.registered = Some(due);
            self.disabled = false;
            self.next = None;
            self.replaced.clear();
        }
    }

    /// Takes declared settings into account.
    pub(super) fn declared(&mut self, registered: &Registered, event: &Event) {
        let declared = Declared {
            revision: event.revision,
            time: event.time,
            settings: registered.clone(),
        };
        if registered.effective.is_some() {
            self.next = Some(declared);
            return;
        }
        self.since.get_or_insert(event.time);
        self.disabled = false;
        self.next = None;
        if let Some(before) = self.registered.replace(declared) {
            self.remember(before.settings, event.time);
        }
    }

    /// Remembers what was in force until now, for as long as a delay can be. What lets in no more than that is forgotten.
    fn remember(&mut self, settings: Registered, until: Timestamp) {
        self.replaced.retain(|old| {
            let forgotten = old.until.plus_seconds(MAX_LOOSENING_DELAY_SECONDS);
            until < forgotten && loosens(&settings, &old.settings)
        });
        if self.replaced.len() >= MAX_REPLACED {
            self.replaced.remove(0);
        }
        self.replaced.push(Replaced { settings, until });
    }
}

/// Whether a token that is refused by the settings before may be accepted by those after: other keys, another audience,
/// other claims, or fewer that are demanded.
fn loosens(before: &Registered, after: &Registered) -> bool {
    let Registered {
        algorithms,
        audience,
        effective: _,
        issuer: _,
        jwks_uri,
        kind: _,
        loopback,
        mapping,
        private_repositories,
        required,
    } = before;
    let mut more = after.algorithms.iter();
    let mut demanded = required.iter();
    more.any(|one| !algorithms.contains(one))
        || after.audience != *audience
        || after.jwks_uri != *jwks_uri
        || (after.loopback && !loopback)
        || after.mapping != *mapping
        || (after.private_repositories && !private_repositories)
        || demanded.any(|(claim, value)| after.required.get(claim) != Some(value))
}

fn invalid(expected: &str) -> Denial {
    Denial::new(Code::ProviderInvalid).expected(expected)
}

fn sound(registered: &Registered) -> Result<(), Denial> {
    if registered.algorithms.is_empty() {
        return Err(invalid("at least one signature algorithm"));
    }
    if (registered.kind == ProviderKind::Generic) != registered.mapping.is_some() {
        return Err(invalid(
            "a mapping of claims for a generic provider, and for no other",
        ));
    }
    if registered.required.len() > MAX_REQUIRED {
        return Err(invalid("at most 20 required claims"));
    }
    for url in [&registered.issuer, &registered.jwks_uri] {
        if !reachable_safely(url.as_str(), registered.loopback) {
            let expected = "https, or plain http to a loopback address where that was asked for";
            return Err(invalid(expected).found(url.as_str()));
        }
    }
    Ok(())
}

/// Keys that come over plain http could be anybody's, except from this very machine.
fn reachable_safely(url: &str, loopback: bool) -> bool {
    if let Some(rest) = url.strip_prefix("https://") {
        return !rest.is_empty();
    }
    let Some(rest) = url.strip_prefix("http://").filter(|_| loopback) else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A user name before the host would be read as the host below.
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host.parse()
        .is_ok_and(|address: IpAddr| address.is_loopback())
}
