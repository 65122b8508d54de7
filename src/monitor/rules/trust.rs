//! Who vouches for builds, and whose sealed token was shown to somebody.
use std::collections::BTreeMap;

use events::{
    Recorded,
    id::Actor,
    text::Text,
    token::EvidenceOpened,
    trust_root::{self, Requires},
};

use crate::monitor::{Finding, catalogue};

/// The newest version of each trust root, by slug.
#[derive(Debug, Default)]
pub struct Trust {
    roots: BTreeMap<String, Root>,
}

#[derive(Debug)]
struct Root {
    newest: trust_root::Recorded,
    retired: bool,
}

impl Trust {
    /// `trust_root_changed`: a root is new or another one than before; `trust_root_added` where it begins to vouch for an
    /// issuer that had one; and `trust_root_loosened` where it now takes less evidence, or the jobs of another issuer.
    pub fn recorded(&mut self, recorded: &Recorded, now: &trust_root::Recorded) -> Vec<Finding> {
        let slug = recorded.event.stream.rest().to_owned();
        let beside = self.beside(&slug, now);
        let root = Root {
            newest: now.clone(),
            retired: false,
        };
        let before = self.roots.insert(slug.clone(), root);
        let begins = before.as_ref().is_none_or(|before| before.retired);
        let added = beside.filter(|_| begins).map(|(other, issuer)| {
            let text = format!("{slug} vouches for the jobs of {issuer} beside {other}");
            let finding = Finding::new(&catalogue::TRUST_ROOT_ADDED, text).at(recorded);
            finding.not(format!("{other} alone"), settings(now))
        });
        let Some(Root { newest: before, .. }) = before else {
            let text = format!("attestations are verified with {slug} from here on");
            let finding = Finding::new(&catalogue::TRUST_ROOT_CHANGED, text).at(recorded);
            let mut findings = vec![finding.not("no such trust root", settings(now))];
            findings.extend(added);
            return findings;
        };
        let (expected, found) = (settings(&before), settings(now));
        let text = format!("the trust root {slug} is another one than before");
        let changed = Finding::new(&catalogue::TRUST_ROOT_CHANGED, text).at(recorded);
        let mut findings = vec![changed.not(&expected, &found)];
        findings.extend(added);
        if loosened(&before, now) {
            let text = format!("the trust root {slug} takes what it refused before");
            let finding = Finding::new(&catalogue::TRUST_ROOT_LOOSENED, text).at(recorded);
            findings.push(finding.not(expected, found));
        }
        findings
    }

    /// Another root that lives and vouches for one of these issuers already.
    fn beside(&self, slug: &str, now: &trust_root::Recorded) -> Option<(String, Text)> {
        let others = self.roots.iter();
        let mut others = others.filter(|(name, root)| *name != slug && !root.retired);
        others.find_map(|(name, root)| {
            let mut issuers = now.issuers.iter();
            let issuer = issuers.find(|issuer| root.newest.issuers.contains(issuer));
            issuer.map(|issuer| (name.clone(), issuer.clone()))
        })
    }

    /// `trust_root_changed`: nothing is verified with a root any more.
    pub fn retired(&mut self, recorded: &Recorded) -> Finding {
        let slug = recorded.event.stream.rest();
        if let Some(root) = self.roots.get_mut(slug) {
            root.retired = true;
        }
        let text = format!("attestations are no longer verified with {slug}");
        Finding::new(&catalogue::TRUST_ROOT_CHANGED, text).at(recorded)
    }
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
