//! The audit: leaf hashes, tiles, root and signed checkpoint again, every decision judged again under the edition of its
//! moment, and every root of the verifiable map folded again. It reads only; the log may grow meanwhile.
use std::pin::pin;

use deciders::audit::{Auditor, Finding};
use events::{Body, Recorded, event::DecodeError, log::Succeeded};
use futures::StreamExt as _;
use tlog::{TileEdge, TilePath, TileRow, VerifierKey};

use super::map::MapAudit;
use crate::store::{StoreError, anchor::Anchor, reader::Reader, scan::scan};

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// An event that the rules do not allow, a root that is not the map's, or of which that cannot be told.
    Decision(Finding),
    /// The log contradicts itself or its signature.
    Damage(String),
}

/// Audits the whole log as it is now, and says how many events it has. Flaws are told as they are found.
pub async fn audit(
    reader: &Reader,
    anchor: &std::path::Path,
    mut tell: impl FnMut(Flaw),
    mut progress: impl FnMut(u64, u64),
) -> Result<u64, StoreError> {
    let head = reader.head().await?;
    let (mut judge, mut edge, mut vkey) = (Judge::default(), TileEdge::new(), None);
    let mut pages = pin!(scan(reader, 0, head.size));
    while let Some(page) = pages.next().await {
        let page = match page {
            Ok(page) => page,
            Err(StoreError::Corrupt(reason)) => {
                tell(Flaw::Damage(reason));
                break;
            }
            Err(error) => return Err(error),
        };
        let hashes: Vec<_> = page.iter().map(|scanned| scanned.hash).collect();
        for row in edge.append(&hashes) {
            check_tile(reader, &row, &mut tell).await?;
        }
        for scanned in page {
            let findings = match scanned.recorded {
                Ok(recorded) => {
                    if let Body::LogOpened(opened) = &recorded.event.body {
                        vkey.get_or_insert_with(|| opened.vkey.to_string());
                    } else if let Body::LogSucceeded(succeeded) = &recorded.event.body {
                        vkey = Some(succeeded.vkey.to_string());
                        check_prefix(reader, succeeded, head.size, &mut tell).await?;
                    }
                    judge.take(recorded)
                }
                Err(error) => judge.unreadable(scanned.index, &error),
            };
            for finding in findings {
                tell(Flaw::Decision(finding));
            }
        }
        progress(edge.size(), head.size);
    }
    for finding in judge.finish() {
        tell(Flaw::Decision(finding));
    }
    if edge.root() != head.root {
        tell(Flaw::Damage(
            "the events do not give the root of the head".into(),
        ));
    }
    check_anchor(reader, anchor, vkey.as_deref(), &mut tell).await?;
    Ok(edge.size())
}

/// Everything that the events alone can tell: whether each decision was lawful, and whether each root is the map's. The
/// same for the ledger's own machine and for whoever follows it from outside.
#[derive(Debug, Default)]
pub struct Judge {
    decisions: Auditor,
    map: MapAudit,
}

impl Judge {
    /// Takes the next event, from the first one on.
    pub fn take(&mut self, recorded: Recorded) -> Vec<Finding> {
        let root = self.map.take(&recorded);
        let mut findings = self.decisions.take(recorded);
        findings.extend(root.err());
        findings
    }

    /// Takes the next leaf, which could not be read.
    pub fn unreadable(&mut self, index: u64, error: &DecodeError) -> Vec<Finding> {
        self.map.unreadable();
        self.decisions.unreadable(index, error)
    }

    /// Judges the last request. Nothing may be taken after it.
    pub fn finish(&mut self) -> Vec<Finding> {
        self.decisions.finish()
    }
}

/// What a succession says of the events before it.
async fn check_prefix(
    reader: &Reader,
    succeeded: &Succeeded,
    head: u64,
    tell: &mut impl FnMut(Flaw),
) -> Result<(), StoreError> {
    let size = succeeded.size;
    let root = if size <= head {
        Some(reader.root_at(size).await?)
    } else {
        None
    };
    if root.is_none_or(|root| root.as_bytes() != succeeded.root.as_bytes()) {
        tell(Flaw::Damage(format!(
            "log.succeeded names another root of the {size} events before it"
        )));
    }
    Ok(())
}

/// A tile as the events give it, against the stored one, which may have grown since.
async fn check_tile(
    reader: &Reader,
    row: &TileRow,
    tell: &mut impl FnMut(Flaw),
) -> Result<(), StoreError> {
    let width = u16::try_from(row.hashes.len() / 32).unwrap_or(0);
    let Ok(path) = TilePath::new(row.level, row.index, width) else {
        tell(Flaw::Damage(format!(
            "tile {}/{} cannot be",
            row.level, row.index
        )));
        return Ok(());
    };
    if reader.tile(path).await?.as_ref() != Some(&row.hashes) {
        tell(Flaw::Damage(format!(
            "tile {path} is not what the events give"
        )));
    }
    Ok(())
}

/// The signed checkpoint must be one of this very log, by the key that it names now.
async fn check_anchor(
    reader: &Reader,
    path: &std::path::Path,
    vkey: Option<&str>,
    tell: &mut impl FnMut(Flaw),
) -> Result<(), StoreError> {
    let Some(key) = vkey.and_then(|vkey| VerifierKey::parse(vkey).ok()) else {
        tell(Flaw::Damage(
            "the first event names no verification key".into(),
        ));
        return Ok(());
    };
    let anchored = match Anchor::new(path, key).read() {
        Ok(Some(anchored)) => anchored,
        Ok(None) => return Ok(()),
        Err(error) => {
            tell(Flaw::Damage(error.to_string()));
            return Ok(());
        }
    };
    let size = anchored.checkpoint.size();
    let tiles = reader.tiles(&tlog::tiles_for_root(size)).await?;
    if tlog::root_of_tiles(size, &tiles).ok().as_ref() != Some(anchored.checkpoint.root()) {
        tell(Flaw::Damage(format!(
            "the checkpoint of size {size} that was signed is not one of this log"
        )));
    }
    Ok(())
}
