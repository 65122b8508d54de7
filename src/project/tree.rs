//! The tree behind everything that was shown: one history, continuing the last one seen, cosigned, and fresh.
use std::path::PathBuf;

use events::{Event, time::Timestamp};
use serde::Serialize;
use tlog::Hash;

use super::{
    Asked, VerifyError,
    rules::{self, Flaw},
};
use crate::remote::{Advance, LastSeen, Ledger, Lie, RemoteError, Signed, Tree, codes, seen};

/// The different checkpoints that were shown.
#[derive(Default)]
pub(super) struct Checkpoints(Vec<Signed>);

impl Checkpoints {
    /// Takes one more; the same note counts once.
    pub(super) fn add(&mut self, signed: Signed) {
        // Few differ: the newest last, so that it is found first.
        if !self.0.iter().rev().any(|known| known.note == signed.note) {
            self.0.push(signed);
        }
    }

    fn newest(&self) -> Option<&Signed> {
        self.0.iter().max_by_key(|signed| signed.size())
    }

    /// One of the same size over another tree.
    fn twin_of(&self, of: &Signed) -> Option<&Signed> {
        let is_twin = |other: &&Signed| {
            other.size() == of.size() && other.checkpoint.root() != of.checkpoint.root()
        };
        self.0.iter().find(is_twin)
    }
}

/// What is known of the tree.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TreeReport {
    /// Leaves in the newest tree that was shown.
    pub size: u64,
    /// Its root.
    pub root: Option<String>,
    /// What it is to the last tree seen.
    pub since: Since,
    /// When its last event was recorded, by the log.
    pub last_event: Option<Timestamp>,
    /// Leaves that enough witnesses have cosigned; `None` if none were asked for.
    pub witnessed_size: Option<u64>,
    /// When they did, all of them by their own clocks, in seconds since 1970.
    pub witnessed_at: Option<u64>,
    /// Where contradicting checkpoints were kept.
    pub evidence: Vec<PathBuf>,
}

/// What a tree is to the last one seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "from")]
pub enum Since {
    /// It was not held against any.
    #[default]
    NotSeenBefore,
    /// The same.
    Same,
    /// Grown, from so many leaves.
    Grown(u64),
}

/// A lie as a flaw of the ledger.
pub(super) fn lie(lie: &Lie) -> Flaw {
    Flaw::new(&rules::LEDGER_LIES, lie.to_string())
}

/// Holds everything that was shown against the newest of it, that against the last tree seen, and remembers it.
pub(super) async fn hold(
    ledger: &Ledger,
    shown: &Checkpoints,
    last: Option<&LastSeen>,
    asked: &Asked,
    flaws: &mut Vec<Flaw>,
) -> Result<TreeReport, VerifyError> {
    let mut report = TreeReport::default();
    let Some(newest) = shown.newest() else {
        return Ok(report);
    };
    report.size = newest.size();
    report.root = Some(newest.checkpoint.root().to_hex());
    if let Some(other) = shown.twin_of(newest) {
        let roots = (newest.checkpoint.root(), other.checkpoint.root());
        flaws.push(two_histories(newest.size(), roots));
        keep(
            &LastSeen::of(ledger.key(), other),
            newest,
            asked,
            &mut report,
        )?;
        return Ok(report);
    }
    let tree = match ledger.tree(newest).await {
        Ok(tree) => tree,
        Err(RemoteError::Lie(told)) => {
            // A tree that was signed and is not served: perhaps one history here and another one there.
            let shown_first = shown.0.first().unwrap_or(newest);
            let before = last
                .cloned()
                .unwrap_or_else(|| LastSeen::of(ledger.key(), shown_first));
            keep(&before, newest, asked, &mut report)?;
            flaws.push(lie(&told));
            return Ok(report);
        }
        Err(error) => return Err(error.into()),
    };
    for signed in &shown.0 {
        contradiction(ledger, &tree, signed, asked, &mut report, flaws).await?;
    }
    if let Some(last) = last {
        match last.check(ledger.key(), &tree).await {
            Ok(Advance::Same) => report.since = Since::Same,
            Ok(Advance::Grown { from }) => report.since = Since::Grown(from),
            Err(RemoteError::Lie(told)) => {
                keep(last, newest, asked, &mut report)?;
                flaws.push(lie(&told));
            }
            Err(error) => return Err(error.into()),
        }
    }
    witnesses(shown, asked, &mut report, flaws);
    report.last_event = last_event(&tree).await?;
    fresh(asked, &report, flaws);
    if !flaws.iter().any(|flaw| flaw.rule == &rules::LEDGER_LIES) {
        remember(ledger, newest, asked)?;
    }
    Ok(report)
}

/// Whether a checkpoint is a beginning of the tree; both are kept if it is not.
async fn contradiction(
    ledger: &Ledger,
    tree: &Tree,
    signed: &Signed,
    asked: &Asked,
    report: &mut TreeReport,
    flaws: &mut Vec<Flaw>,
) -> Result<(), VerifyError> {
    let root: Hash = match tree.root_at(signed.size()).await {
        Ok(root) => root,
        Err(RemoteError::Lie(told)) => {
            flaws.push(lie(&told));
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    if root != *signed.checkpoint.root() {
        flaws.push(two_histories(
            signed.size(),
            (&root, signed.checkpoint.root()),
        ));
        keep(
            &LastSeen::of(ledger.key(), signed),
            tree.signed(),
            asked,
            report,
        )?;
    }
    Ok(())
}

fn two_histories(size: u64, (one, other): (&Hash, &Hash)) -> Flaw {
    let code = codes::TREE_FORKED;
    let message = format!(
        "the ledger signed two histories: the first {size} leaves have the root {one} in one and {other} in the other ({code})"
    );
    Flaw::new(&rules::LEDGER_LIES, message)
}

/// Keeps what was seen and what is shown, where there is a place for it.
fn keep(
    before: &LastSeen,
    shown: &Signed,
    asked: &Asked,
    report: &mut TreeReport,
) -> Result<(), VerifyError> {
    if let Some(state) = &asked.state {
        report.evidence.push(before.keep_evidence(state, shown)?);
    }
    Ok(())
}

/// The largest tree that enough witnesses have cosigned, and since when.
fn witnesses(shown: &Checkpoints, asked: &Asked, report: &mut TreeReport, flaws: &mut Vec<Flaw>) {
    if asked.quorum == 0 {
        return;
    }
    let mut most = 0;
    for signed in &shown.0 {
        let mut times: Vec<u64> = signed.cosignatures.iter().map(|one| one.time).collect();
        most = most.max(times.len());
        // The newest first: at the time in the quorum's place, enough of them had seen it.
        times.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(time) = times.get(asked.quorum - 1) {
            report.witnessed_at = report.witnessed_at.max(Some(*time));
            report.witnessed_size = report.witnessed_size.max(Some(signed.size()));
        }
    }
    if report.witnessed_size.is_none() {
        let message = format!(
            "{most} of the {} given witnesses have cosigned what is shown, and {} must have",
            asked.witnesses.len(),
            asked.quorum
        );
        flaws.push(Flaw::new(&rules::QUORUM_MISSED, message));
    }
}

/// The time of the last event; `None` if this program does not know the event, or there is none.
async fn last_event(tree: &Tree) -> Result<Option<Timestamp>, VerifyError> {
    let Some(last) = tree.size().checked_sub(1) else {
        return Ok(None);
    };
    let leaf = tree.leaf(last).await?;
    Ok(Event::read(&leaf).ok().map(|event| event.time))
}

/// Whether the newest is new enough: by the witnesses' clocks where some were given, else by the log's own.
fn fresh(asked: &Asked, report: &TreeReport, flaws: &mut Vec<Flaw>) {
    let Some(max_age) = asked.max_age_seconds else {
        return;
    };
    let (newest, by) = match asked.quorum {
        0 => (report.last_event, "the last event was recorded"),
        _ => (
            report.witnessed_at.map(Timestamp::from_seconds),
            "the witnesses cosigned last",
        ),
    };
    let oldest = asked.now.minus_seconds(max_age);
    match newest {
        Some(newest) if newest >= oldest => {}
        Some(newest) => {
            let message = format!("{by} at {newest}, longer ago than {max_age} seconds");
            flaws.push(Flaw::new(&rules::STALE, message));
        }
        None => flaws.push(Flaw::new(
            &rules::STALE,
            "nothing that is shown says how old it is",
        )),
    }
}

/// Remembers the tree, unless somebody has remembered a larger one meanwhile.
fn remember(ledger: &Ledger, newest: &Signed, asked: &Asked) -> Result<(), VerifyError> {
    let Some(path) = &asked.state else {
        return Ok(());
    };
    let known: Option<LastSeen> = seen::read(path)?;
    if known.is_none_or(|known| known.size <= newest.size()) {
        seen::write(path, &LastSeen::of(ledger.key(), newest))?;
    }
    Ok(())
}
