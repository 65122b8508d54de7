//! The map as whoever reads the whole log folds it: each recorded root must be the one that the events lead to.
//!
//! This needs the events alone, so a monitor far away does the same as the audit on the ledger's own machine.
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use deciders::audit::{Finding, Kind};
use events::{Body, Recorded, map::Rooted, name::FoldedName};
use projections::state::{self, Change, GemState, gem_of};
use tlog::Map;

/// Most changes that wait for a root that covers them. A root that is further behind the log cannot be told right or
/// wrong.
pub const MAX_WAITING: usize = 65_536;

/// Reads a log from its first event to its last, and compares each root with the map of its own.
#[derive(Debug, Default)]
pub struct MapAudit {
    /// What the applied events say of each gem.
    gems: BTreeMap<FoldedName, GemState>,
    map: Map,
    /// Gems whose state is newer than their entry in the map.
    stale: BTreeSet<FoldedName>,
    /// Changes that no root covers yet, with their log indexes.
    waiting: VecDeque<(u64, FoldedName, Change)>,
    /// Roots up to here were covered by what is applied: the log index after the last applied change.
    applied: u64,
    /// An event was not understood.
    blind: bool,
}

impl MapAudit {
    /// An audit before the first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event. A finding is about this very event: a root that is not the map's.
    pub fn take(&mut self, recorded: &Recorded) -> Result<(), Finding> {
        let event = &recorded.event;
        if let Body::MapRooted(rooted) = &event.body {
            return self.check(recorded.index, rooted);
        }
        let gem = gem_of(&event.stream).and_then(|gem| FoldedName::parse(gem).ok());
        if let (Some(gem), Some(change)) = (gem, Change::of(event)) {
            if self.waiting.len() >= MAX_WAITING {
                self.apply_next();
            }
            self.waiting.push_back((recorded.index, gem, change));
        }
        Ok(())
    }

    /// Takes the next leaf, which could not be read: what it says of gems is not known, and no later root can be told
    /// right or wrong.
    pub fn unreadable(&mut self) {
        self.blind = true;
    }

    /// How many gems the map has, as of the last root.
    pub fn gems(&self) -> usize {
        self.map.len()
    }

    fn apply_next(&mut self) {
        let Some((index, gem, change)) = self.waiting.pop_front() else {
            return;
        };
        let new = || GemState::new(gem.clone());
        let state = self.gems.entry(gem.clone()).or_insert_with(new);
        state.apply(change);
        self.stale.insert(gem);
        self.applied = index.saturating_add(1);
    }

    fn check(&mut self, index: u64, rooted: &Rooted) -> Result<(), Finding> {
        let finding = |code, kind, message| Finding {
            index,
            kind,
            code,
            message,
        };
        while self
            .waiting
            .front()
            .is_some_and(|(change, ..)| *change < rooted.through)
        {
            self.apply_next();
        }
        if self.applied > rooted.through {
            let message = format!(
                "the map of the first {} events cannot be told any more at log index {index}",
                rooted.through
            );
            return Err(finding("map_behind", Kind::CouldNotTell, message));
        }
        let (mut entries, mut unwritable) = (Vec::with_capacity(self.stale.len()), None);
        for gem in std::mem::take(&mut self.stale) {
            match self.gems.get(&gem).map(GemState::value) {
                Some(Ok(value)) => entries.push((state::key(&gem), value)),
                Some(Err(error)) => unwritable = Some(error.to_string()),
                None => {}
            }
        }
        self.map.extend(entries);
        let kind = if self.blind || unwritable.is_some() {
            Kind::CouldNotTell
        } else {
            Kind::Unlawful
        };
        let (root, gems) = (self.map.root(), self.map.len());
        if root.as_bytes() != rooted.root.as_bytes() {
            let (through, recorded) = (rooted.through, rooted.root);
            let message = format!(
                "the first {through} events give a map with the root sha256:{root}, and the recorded root is {recorded}"
            );
            return Err(finding("map_root", kind, message));
        }
        if u64::try_from(gems) != Ok(rooted.gems) {
            let message = format!("the map has {gems} gems and not {}", rooted.gems);
            return Err(finding("map_root", kind, message));
        }
        Ok(())
    }
}
