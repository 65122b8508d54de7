//! Trust roots and opened evidence: what the commands must have been.
use alloc::{collections::BTreeMap, vec::Vec};
use events::{
    event::Draft,
    id::{Actor, Via},
    text::Slug,
    token::EvidenceOpened,
    trust_root::Recorded,
};

use super::command::{Case, Fault};
use crate::{
    evidence::{self, Asked, Evidence, Opening, States},
    trust_root,
};

fn slug(case: &Case<'_>) -> Result<Slug, Fault> {
    Slug::parse(case.last.stream.rest()).map_err(|_| case.misplaced())
}

pub(super) fn record(case: &Case<'_>, recorded: &Recorded) -> Result<Vec<Draft>, Fault> {
    let slug = slug(case)?;
    let (ledger, root) = (&case.world.ledger, case.world.trust_root(&slug));
    // A server that acts on its own refreshes. Which version it asked for, no log can show.
    if case.last.via == Via::Server {
        let (revision, _) = root.live()?;
        let file = (recorded.digest, recorded.size);
        return Ok(trust_root::refresh(ledger, root, &slug, revision, file)?);
    }
    Ok(trust_root::record(ledger, root, &slug, recorded.clone())?)
}

pub(super) fn retire(case: &Case<'_>) -> Result<Vec<Draft>, Fault> {
    let slug = slug(case)?;
    let root = case.world.trust_root(&slug);
    Ok(trust_root::retire(&case.world.ledger, root, &slug)?)
}

/// What was opened must have been exchanged; and released a version, if an owner asked.
pub(super) fn open(case: &Case<'_>, opened: &EvidenceOpened) -> Result<Vec<Draft>, Fault> {
    let (world, stream) = (case.world, &case.last.stream);
    let evidence = Evidence {
        exchanged: case.group.existed_before(0),
        api_key: world.released_with(stream),
        // Said more often than it must be is no lie: how often is not judged.
        opened: BTreeMap::new(),
    };
    let account = match &case.last.actor {
        Actor::Account(id) => Some(world.account(*id)),
        Actor::Operator | Actor::Workflow(..) => None,
    };
    let states = States {
        ledger: &world.ledger,
        evidence: &evidence,
        asked: opened.gem.as_ref().map(|name| Asked {
            name,
            policy: world.policy(name),
            gem: world.gem(name),
            account: account.as_ref(),
        }),
    };
    let now = case.last.time;
    match evidence::open(&states, stream, &case.last.actor, now)? {
        Opening::Recorded(drafts) => Ok(drafts),
        Opening::Said(_) => Ok(Vec::new()),
    }
}
