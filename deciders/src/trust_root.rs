//! A trust root: which certificate authorities and logs vouch for whose jobs, in versions that releases refer to.
use alloc::{collections::BTreeMap, vec, vec::Vec};
use events::{
    Body, Event, State,
    digest::Digest,
    event::Draft,
    stream::{EventRef, StreamName},
    text::Slug,
    trust_root::{Recorded, Retired},
};

use crate::{Code, Denial, Ledger};

/// Most issuers of one trust root.
pub const MAX_ISSUERS: usize = 16;

/// State of `trust_root/<slug>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustRoot {
    /// Every version by its revision: a release names the one that it was verified with.
    pub versions: BTreeMap<u64, Recorded>,
    /// Retired, until it is recorded again.
    pub retired: bool,
}

impl TrustRoot {
    /// The newest version, retired or not, with its revision.
    pub fn newest(&self) -> Option<(u64, &Recorded)> {
        let (revision, recorded) = self.versions.last_key_value()?;
        Some((*revision, recorded))
    }

    /// The version that bundles are verified with now, with its revision.
    pub fn live(&self) -> Result<(u64, &Recorded), Denial> {
        let newest = self.newest().ok_or(Code::TrustRootUnknown)?;
        if self.retired {
            Err(Code::TrustRootRetired.into())
        } else {
            Ok(newest)
        }
    }

    /// The version of this revision, if that is one.
    pub fn version(&self, revision: u64) -> Option<&Recorded> {
        self.versions.get(&revision)
    }

    /// Whether this reference names the version that bundles are verified with now.
    pub fn is_live(&self, reference: &EventRef) -> bool {
        self.live()
            .is_ok_and(|(revision, _)| revision == reference.revision)
    }
}

/// Records a trust root, a new version of it, or takes it back after it was retired.
pub fn record(
    ledger: &Ledger,
    root: &TrustRoot,
    slug: &Slug,
    mut recorded: Recorded,
) -> Result<Vec<Draft>, Denial> {
    ledger.rulebook()?.known()?;
    recorded.issuers.sort_unstable();
    recorded.issuers.dedup();
    sound(&recorded)?;
    if root.live().is_ok_and(|(_, newest)| *newest == recorded) {
        return Err(Code::AlreadyExists.into());
    }
    let body = Body::TrustRootRecorded(recorded);
    Ok(vec![Draft::new(StreamName::trust_root(slug), body)])
}

/// Records what the repository of a trust root has now, if the version that it was asked for still is the live one: what
/// the operator did meanwhile stands. Nothing but the file changes.
pub fn refresh(
    ledger: &Ledger,
    root: &TrustRoot,
    slug: &Slug,
    asked_for: u64,
    (digest, size): (Digest, u64),
) -> Result<Vec<Draft>, Denial> {
    let (revision, live) = root.live()?;
    if live.repository.is_none() {
        return Err(invalid("a trust root that came from a TUF repository"));
    }
    if live.digest == digest {
        return Err(Code::AlreadyExists.into());
    }
    if revision != asked_for {
        return Err(Code::TrustRootReplaced.into());
    }
    let recorded = Recorded {
        digest,
        size,
        ..live.clone()
    };
    record(ledger, root, slug, recorded)
}

/// Retires a trust root: no bundle is verified with it any more. What it verified stays verified.
pub fn retire(ledger: &Ledger, root: &TrustRoot, slug: &Slug) -> Result<Vec<Draft>, Denial> {
    ledger.rulebook()?.known()?;
    root.live()?;
    let body = Body::TrustRootRetired(Retired {});
    Ok(vec![Draft::new(StreamName::trust_root(slug), body)])
}

fn sound(recorded: &Recorded) -> Result<(), Denial> {
    let Recorded {
        digest: _,
        issuers,
        public: _,
        repository: _,
        requires,
        size,
    } = recorded;
    if !requires.log && !requires.timestamp {
        return Err(invalid(
            "a log or a timestamp: without either, nothing vouches for the time of a signature",
        ));
    }
    if issuers.is_empty() || issuers.len() > MAX_ISSUERS {
        return Err(invalid("1 to 16 issuers"));
    }
    if *size == 0 {
        return Err(invalid("a trusted_root.json that is not empty"));
    }
    Ok(())
}

fn invalid(expected: &str) -> Denial {
    Denial {
        tell: true,
        ..Denial::new(Code::TrustRootInvalid)
    }
    .expected(expected)
}

impl State for TrustRoot {
    fn evolve(&mut self, event: &Event) {
        if let Body::TrustRootRecorded(recorded) = &event.body {
            self.versions.insert(event.revision, recorded.clone());
            self.retired = false;
        } else if let Body::TrustRootRetired(_) = &event.body {
            self.retired = true;
        }
    }
}
