//! Comparisons of releases with their repositories: attached by the operator or an owner, each once, and by an
//! account only few.
//!
//! What a comparison says is its author's word. Held here is that it is about this release: its file, and the commit
//! that the release's own record names; and that its verdict follows from its numbers: what was not looked at is never
//! the same.
use alloc::{collections::BTreeMap, format, string::String, vec, vec::Vec};
use events::{
    Body, Event, State,
    digest::Digest,
    event::Draft,
    gem::{Compared, Verdict},
    id::Actor,
    name::GemName,
    platform::Platform,
    stream::StreamName,
    text::Text,
    time::Timestamp,
    version::GemVersion,
};

use crate::{
    Code, Denial, Ledger,
    account::Account,
    policy::{Policy, may_manage},
};

/// How many comparisons of a release one account may attach. The operator is not counted: nobody locks them out.
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
    /// The repository that its record names.
    pub repository: Option<Text>,
    /// The statements that are attached to it, each with who attached it.
    pub statements: BTreeMap<Digest, Actor>,
}

impl Release {
    /// Whether a statement says of the record what the record says: the repository, and whether it names the commit.
    pub fn recorded(&self, by_record: bool, repository: Option<&str>) -> Result<(), Denial> {
        let named = self.repository.as_ref().map(Text::as_str);
        if named != repository {
            let said = |name: Option<&str>| String::from(name.unwrap_or("no repository"));
            return mismatch(said(named), said(repository));
        }
        if self.commit.is_some() != by_record {
            let said = |by_record| if by_record { "ledger" } else { "caller" };
            return mismatch(said(!by_record).into(), said(by_record).into());
        }
        Ok(())
    }
}

fn mismatch<T>(expected: String, found: String) -> Result<T, Denial> {
    Err(Denial::new(Code::ComparisonMismatch)
        .expected(expected)
        .found(found))
}

/// What the numbers mean; `None` if they tell nothing, or contradict each other.
pub fn verdict(compared: &Compared) -> Option<Verdict> {
    let known = [compared.left_out, compared.metadata];
    let found = known.iter().flatten().copied();
    if compared.files_only && known.iter().any(Option::is_some)
        || compared.by_word > compared.explained
    {
        None
    } else if found
        .chain([compared.changed, compared.extra])
        .any(|count| count > 0)
    {
        Some(Verdict::Different)
    } else if compared.not_compared > 0 || !compared.files_only && known.iter().any(Option::is_none)
    {
        None
    } else {
        Some(Verdict::Same)
    }
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
                repository: source.map(|source| source.workflow.repository.clone()),
                statements: BTreeMap::new(),
            };
            self.name = Some(pushed.name.clone());
            let key = (pushed.number.canonical(), pushed.platform.clone());
            self.releases.insert(key, release);
        } else if let Body::ReleaseCompared(compared) = &event.body {
            let key = (compared.number.canonical(), compared.platform.clone());
            if let Some(release) = self.releases.get_mut(&key) {
                let by = event.actor.clone();
                release.statements.insert(compared.statement, by);
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
    let follows = verdict(&compared);
    if follows != Some(compared.verdict) {
        let follows = follows.map_or("none", Verdict::as_str);
        return mismatch(follows.into(), compared.verdict.as_str().into());
    }
    if release.statements.contains_key(&compared.statement) {
        return Err(Code::AlreadyExists.into());
    }
    let attached = release.statements.values().filter(|other| *other == by);
    if *by != Actor::Operator && attached.count() >= MAX_COMPARISONS {
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
