//! Comparisons of releases with their repositories: attached by the operator or an owner, each once, and only few.
//!
//! What a comparison says is its author's word. Held here is that it is about this release: its file, and the commit
//! that the release's own record names.
use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec,
    vec::Vec,
};
use events::{
    Body, Event, State, digest::Digest, event::Draft, gem::Compared, id::Actor, name::GemName,
    platform::Platform, stream::StreamName, text::Text, time::Timestamp, version::GemVersion,
};

use crate::{
    Code, Denial, Ledger,
    account::Account,
    policy::{Policy, may_manage},
};

/// How many comparisons a release may have.
pub const MAX_COMPARISONS: usize = 16;

/// A release as it can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The version as it is spelled.
    pub number: GemVersion,
    /// SHA-256 of the file.
    pub digest: Digest,
    /// The commit that its record names.
    pub commit: Option<Text>,
    /// The statements that are attached to it.
    pub statements: BTreeSet<Digest>,
}

/// State of `gem/<gem>`: what was released, and what was said of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparisons {
    /// The gem's name as its releases spell it.
    pub name: Option<GemName>,
    /// Releases by canonical version and platform.
    pub releases: BTreeMap<(String, Platform), Release>,
}

impl State for Comparisons {
    fn evolve(&mut self, event: &Event) {
        if let Body::ReleasePushed(pushed) = &event.body {
            let source = pushed.source.as_ref();
            let release = Release {
                number: pushed.number.clone(),
                digest: pushed.digest,
                commit: source.and_then(|source| source.workflow.commit.clone()),
                statements: BTreeSet::new(),
            };
            self.name = Some(pushed.name.clone());
            let key = (pushed.number.canonical(), pushed.platform.clone());
            self.releases.insert(key, release);
        } else if let Body::ReleaseCompared(compared) = &event.body {
            let key = (compared.number.canonical(), compared.platform.clone());
            if let Some(release) = self.releases.get_mut(&key) {
                release.statements.insert(compared.statement);
            }
        }
    }
}

/// What is read to decide.
#[derive(Clone, Copy, Debug)]
pub struct States<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The gem.
    pub gem: &'a Comparisons,
    /// Its policy, which names its owners.
    pub policy: &'a Policy,
    /// The account that asks, if one does.
    pub account: Option<&'a Account>,
}

/// Attaches a comparison to the release that it names. Name and version are recorded as they were released.
pub fn attach(
    states: &States<'_>,
    compared: Compared,
    by: &Actor,
    now: Timestamp,
) -> Result<Vec<Draft>, Denial> {
    states.ledger.rulebook()?.known()?;
    may_manage(&states.policy.at(now), states.account, by)?;
    let key = (compared.number.canonical(), compared.platform.clone());
    let found = states.gem.name.as_ref().zip(states.gem.releases.get(&key));
    let (name, release) = found.ok_or(Code::NotFound)?;
    let mismatch = |expected: String, found: String| {
        Err(Denial::new(Code::ComparisonMismatch)
            .expected(expected)
            .found(found))
    };
    if compared.digest != release.digest {
        return mismatch(
            format!("{}", release.digest),
            format!("{}", compared.digest),
        );
    }
    if let Some(commit) = &release.commit
        && *commit != compared.commit
    {
        return mismatch(format!("{commit}"), format!("{}", compared.commit));
    }
    if !is_full_id(compared.commit.as_str()) {
        return mismatch("a full commit id".into(), format!("{}", compared.commit));
    }
    if release.statements.contains(&compared.statement) {
        return Err(Code::AlreadyExists.into());
    }
    if release.statements.len() >= MAX_COMPARISONS {
        return Err(Code::TooManyComparisons.into());
    }
    let stream = StreamName::gem(&name.folded());
    let body = Body::ReleaseCompared(Compared {
        name: name.clone(),
        number: release.number.clone(),
        ..compared
    });
    Ok(vec![Draft::new(stream, body)])
}

/// 40 or 64 lower-case hexadecimal digits.
fn is_full_id(commit: &str) -> bool {
    matches!(commit.len(), 40 | 64)
        && commit
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
