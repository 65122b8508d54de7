//! The streams that a push is judged on, and their states.
use std::collections::BTreeSet;

use deciders::{
    Ledger,
    account::Account,
    api_key::ApiKey,
    denied::Denied,
    gem::Gem,
    policy::Policy,
    provider::Provider,
    push::{Facts, States},
    taken::Taken,
    token::Token,
    trust_root::TrustRoot,
};
use events::{id::Actor, stream::StreamName, text::Slug};

use crate::store::states::{Desk, Read};

/// The streams of the trust roots that verified the bundles, each once.
fn roots(facts: &Facts) -> impl Iterator<Item = StreamName> {
    let streams = facts.attestations.iter();
    let streams: BTreeSet<_> = streams.map(|bundle| bundle.root.stream.clone()).collect();
    streams.into_iter()
}

/// The streams behind a key.
pub(super) struct Context {
    pub(super) key: StreamName,
    pub(super) account: Option<StreamName>,
    pub(super) token: Option<StreamName>,
    pub(super) provider: Option<Slug>,
    pub(super) actor: Actor,
}

impl Context {
    pub(super) fn reads(&self, facts: &Facts) -> Vec<Read> {
        let gem = facts.name.folded();
        let mut reads = vec![
            Read::of::<Ledger>(StreamName::log()),
            Read::of::<ApiKey>(self.key.clone()),
            Read::of::<Policy>(StreamName::policy(&gem)),
            Read::of::<Gem>(StreamName::gem(&gem)),
            Read::of::<Taken>(StreamName::name(&gem)),
            Read::of::<Taken>(StreamName::file(&facts.file)),
            Read::of::<Denied>(StreamName::denied(&gem)),
        ];
        reads.extend(self.account.clone().map(Read::of::<Account>));
        reads.extend(self.token.clone().map(Read::of::<Token>));
        reads.extend(
            self.provider
                .as_ref()
                .map(|slug| Read::of::<Provider>(StreamName::provider(slug))),
        );
        reads.extend(roots(facts).map(Read::of::<TrustRoot>));
        reads
    }

    pub(super) fn states<'a>(&'a self, desk: &'a Desk<'_>, facts: &Facts) -> Option<States<'a>> {
        let gem = facts.name.folded();
        Some(States {
            ledger: desk.state(&StreamName::log())?,
            api_key: desk.state(&self.key)?,
            policy: desk.state(&StreamName::policy(&gem))?,
            gem: desk.state(&StreamName::gem(&gem))?,
            name: desk.state(&StreamName::name(&gem))?,
            file: desk.state(&StreamName::file(&facts.file))?,
            account: self.account.as_ref().and_then(|stream| desk.state(stream)),
            token: self.token.as_ref().and_then(|stream| desk.state(stream)),
            provider: self
                .provider
                .as_ref()
                .and_then(|slug| Some((slug, desk.state(&StreamName::provider(slug))?))),
            trust_roots: roots(facts)
                .map(|stream| {
                    let root = desk.state(&stream)?;
                    Some((stream, root))
                })
                .collect::<Option<_>>()?,
        })
    }
}
