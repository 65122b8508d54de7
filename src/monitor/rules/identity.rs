//! Whose word counts: identity providers, new ones and changed ones.
use std::collections::BTreeMap;

use deciders::provider::{Declared, Provider};
use events::{
    Body, Recorded, State as _,
    provider::{ClaimName, Mapping, Registered},
};

use crate::monitor::{Finding, catalogue};

/// The providers and their settings, by slug.
#[derive(Debug, Default)]
pub struct Identity {
    providers: BTreeMap<String, Provider>,
}

impl Identity {
    /// `provider_added` or `provider_changed`: a provider was registered, or registered again. What is expected are the
    /// settings in force at that moment, never those that wait.
    pub fn registered(&self, recorded: &Recorded, to: &Registered) -> Finding {
        let now = recorded.event.time;
        let slug = recorded.event.stream.rest();
        let provider = self.providers.get(slug);
        let Some(before) = provider.and_then(|provider| provider.settings(now)) else {
            let text = format!("tokens of {} are exchanged here, as {slug}", to.issuer);
            return Finding::new(&catalogue::PROVIDER_ADDED, text).at(recorded);
        };
        let waiting = provider.and_then(|provider| provider.waiting(now));
        let (expected, found) = (settings(before), settings(to));
        let differs = expected != found;
        let text = match (to.effective, waiting) {
            (Some(effective), _) => format!("the settings of {slug} change at {effective}"),
            (None, Some(Declared { time, .. })) if !differs => {
                format!("the settings of {slug} that were declared at {time} are taken back")
            }
            (None, _) if differs => format!("the settings of {slug} changed"),
            (None, _) => format!("{slug} was registered again with the same settings"),
        };
        let finding = Finding::new(&catalogue::PROVIDER_CHANGED, text).at(recorded);
        if differs {
            finding.not(expected, found)
        } else {
            finding
        }
    }

    /// Takes an event of a provider into account.
    pub fn evolve(&mut self, recorded: &Recorded) {
        let slug = recorded.event.stream.rest().to_owned();
        let provider = self.providers.entry(slug).or_default();
        provider.evolve(&recorded.event);
    }
}

/// `provider_changed`: a provider was disabled, or one of its keys distrusted.
pub fn ended(recorded: &Recorded) -> Finding {
    let slug = recorded.event.stream.rest();
    let text = if matches!(recorded.event.body, Body::ProviderDisabled(_)) {
        format!("tokens of {slug} are no longer exchanged")
    } else {
        format!("a key of {slug} is no longer trusted")
    };
    Finding::new(&catalogue::PROVIDER_CHANGED, text).at(recorded)
}

/// What can change about a provider, in words; the issuer and its dialect cannot.
fn settings(registered: &Registered) -> String {
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
    } = registered;
    let mut parts = vec![
        format!("audience {audience}"),
        format!("keys at {jwks_uri}"),
        format!("algorithms {algorithms:?}"),
    ];
    if *loopback {
        parts.push("plain http to a loopback address".to_owned());
    }
    if *private_repositories {
        parts.push("private repositories".to_owned());
    }
    let required = required.iter();
    parts.extend(required.map(|(claim, value)| format!("{} = {value}", claim.as_str())));
    if let Some(mapping) = mapping {
        parts.extend(mapped(mapping));
    }
    parts.join(", ")
}

/// Which claim fills which field.
fn mapped(mapping: &Mapping) -> impl Iterator<Item = String> {
    let Mapping {
        commit,
        environment,
        owner_id,
        git_ref,
        repository,
        repository_id,
        run_id,
        workflow,
    } = mapping;
    let fields = [
        ("repository", Some(repository)),
        ("repository id", Some(repository_id)),
        ("workflow", Some(workflow)),
        ("owner id", owner_id.as_ref()),
        ("commit", commit.as_ref()),
        ("ref", git_ref.as_ref()),
        ("run", run_id.as_ref()),
        ("environment", environment.as_ref()),
    ];
    let filled = |(field, claim): (_, Option<&ClaimName>)| {
        claim.map(|claim| format!("{field} in {}", claim.as_str()))
    };
    fields.into_iter().filter_map(filled)
}
