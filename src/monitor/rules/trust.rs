//! Who vouches for builds, and whose sealed token was shown to somebody.
use std::collections::BTreeMap;

use events::{
    Recorded,
    id::Actor,
    token::EvidenceOpened,
    trust_root::{self, Requires},
};

use crate::monitor::{Finding, catalogue};

/// The newest version of each trust root, by slug.
#[derive(Debug, Default)]
pub struct Trust {
    roots: BTreeMap<String, trust_root::Recorded>,
}

impl Trust {
    /// `trust_root_changed`: a root is new or another one than before; and `trust_root_loosened` where it now takes less
    /// evidence, or the jobs of another issuer.
    pub fn recorded(&mut self, recorded: &Recorded, now: &trust_root::Recorded) -> Vec<Finding> {
        let slug = recorded.event.stream.rest().to_owned();
        let before = self.roots.insert(slug.clone(), now.clone());
        let Some(before) = before else {
            let text = format!("attestations are verified with {slug} from here on");
            let finding = Finding::new(&catalogue::TRUST_ROOT_CHANGED, text).at(recorded);
            return vec![finding.not("no such trust root", settings(now))];
        };
        let (expected, found) = (settings(&before), settings(now));
        let text = format!("the trust root {slug} is another one than before");
        let changed = Finding::new(&catalogue::TRUST_ROOT_CHANGED, text).at(recorded);
        let mut findings = vec![changed.not(&expected, &found)];
        if loosened(&before, now) {
            let text = format!("the trust root {slug} takes what it refused before");
            let finding = Finding::new(&catalogue::TRUST_ROOT_LOOSENED, text).at(recorded);
            findings.push(finding.not(expected, found));
        }
        findings
    }
}

/// `trust_root_changed`: nothing is verified with a root any more.
pub fn retired(recorded: &Recorded) -> Finding {
    let slug = recorded.event.stream.rest();
    let text = format!("attestations are no longer verified with {slug}");
    Finding::new(&catalogue::TRUST_ROOT_CHANGED, text).at(recorded)
}

/// `evidence_opened`: somebody was shown an identity token.
pub fn opened(recorded: &Recorded, opened: &EvidenceOpened) -> Finding {
    let who = match &recorded.event.actor {
        Actor::Operator => "the operator".to_owned(),
        account @ (Actor::Account(_) | Actor::Workflow(..)) => account.to_string(),
    };
    let text = format!("{who} was shown the identity token of an exchange");
    let finding = Finding::new(&catalogue::EVIDENCE_OPENED, text).at(recorded);
    match &opened.gem {
        Some(gem) => finding.of_gem(gem.as_str()),
        None => finding,
    }
}

/// Less evidence is asked for, or another issuer's jobs are vouched for.
fn loosened(before: &trust_root::Recorded, now: &trust_root::Recorded) -> bool {
    let asked = |requires: &Requires| [requires.log, requires.sct, requires.timestamp];
    let (old, new) = (asked(&before.requires), asked(&now.requires));
    let less = old.iter().zip(new).any(|(old, new)| *old && !new);
    let mut issuers = now.issuers.iter();
    less || issuers.any(|issuer| !before.issuers.contains(issuer))
}

/// What can change about a root, in words.
fn settings(root: &trust_root::Recorded) -> String {
    let trust_root::Recorded {
        digest,
        issuers,
        public,
        repository,
        requires,
        size: _,
    } = root;
    let Requires {
        log,
        sct,
        timestamp,
    } = *requires;
    let required = [(log, "log"), (sct, "sct"), (timestamp, "timestamp")];
    let required: Vec<&str> = required
        .iter()
        .filter_map(|(required, word)| required.then_some(*word))
        .collect();
    let mut parts = vec![
        digest.to_string(),
        format!("requires {}", required.join(" ")),
    ];
    parts.extend(issuers.iter().map(|issuer| format!("for {issuer}")));
    parts.push(if *public { "public log" } else { "private log" }.to_owned());
    parts.extend(repository.iter().map(|from| {
        let trust_root::Repository { bootstrap, url } = from;
        format!("from {url} since {bootstrap}")
    }));
    parts.join(", ")
}
