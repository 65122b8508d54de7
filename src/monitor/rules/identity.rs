//! Whose word counts: identity providers, new ones and changed ones.
use std::collections::BTreeMap;

use events::{Body, Recorded, provider::Registered};

use crate::monitor::{Finding, catalogue};

/// The providers and their settings, by slug.
#[derive(Debug, Default)]
pub struct Identity {
    providers: BTreeMap<String, Registered>,
}

impl Identity {
    /// `provider_added` or `provider_changed`: a provider was registered, or registered again with other settings.
    pub fn registered(&mut self, recorded: &Recorded, now: &Registered) -> Option<Finding> {
        let slug = recorded.event.stream.rest().to_owned();
        let before = self.providers.insert(slug.clone(), now.clone());
        let Some(before) = before else {
            let text = format!("tokens of {} are exchanged here, as {slug}", now.issuer);
            return Some(Finding::new(&catalogue::PROVIDER_ADDED, text).at(recorded));
        };
        let (expected, found) = (settings(&before), settings(now));
        if before == *now {
            let text = format!("{slug} was registered again with the same settings");
            return Some(Finding::new(&catalogue::PROVIDER_CHANGED, text).at(recorded));
        }
        let text = format!("the settings of {slug} changed");
        Some(
            Finding::new(&catalogue::PROVIDER_CHANGED, text)
                .at(recorded)
                .not(expected, found),
        )
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
        loopback: _,
        mapping,
        private_repositories,
        required,
    } = registered;
    let mut parts = vec![
        format!("audience {audience}"),
        format!("keys at {jwks_uri}"),
        format!("algorithms {algorithms:?}"),
    ];
    if *private_repositories {
        parts.push("private repositories".to_owned());
    }
    let required = required.iter();
    parts.extend(required.map(|(claim, value)| format!("{} = {value}", claim.as_str())));
    if let Some(mapping) = mapping {
        parts.push(format!("repository in {}", mapping.repository.as_str()));
        parts.push(format!("workflow in {}", mapping.workflow.as_str()));
    }
    parts.join(", ")
}
