//! The audit: every decision of a log, judged again under the rules of its moment.
//!
//! The auditor reads the log once, from its first event. It keeps the same states that the server kept, groups the
//! events of one request, rebuilds from the group what the server must have known, and asks the same functions that
//! the server asked. What they say must be what the log says: the same events, in the same streams and order.
//!
//! What no log can show is not judged, and is checked elsewhere or by nobody:
//!
//! - the token itself: its signature, the claims that a provider requires besides, and whether the recorded claims are
//!   what it said. Whoever is shown the sealed token can check all of it against the recorded keys;
//! - whether a provider's keys were fetched when the server says, and whether a key was in the newest set;
//! - which API key was shown for a management call: its actor must be the operator or a live account with the right;
//! - rate limits, and denials that were not recorded: how many there were, or that there were any;
//! - a file's content. That a digest is that of the file, and that the index line is its metadata's, is the verifier's
//!   work on the file;
//! - whether a root of the verifiable map is that of the gems: that is folded elsewhere, from the same events;
//! - matches that an exchange could have recorded and did not. A push is judged on the policy, not on them;
//! - the leaf's bytes and the tree above them. A log that lost its end, or a command without trace, is lawful here;
//!   its signed checkpoints say otherwise.
//!
//! | room | what it knows |
//! |---|---|
//! | `order` | indexes, revisions, times and requests, whatever the events mean |
//! | `world` | the states, advanced group by group |
//! | `keys` | API keys, those of CI jobs in few bytes and only while they live |
//! | `command` | from a group of events to the command that must have led to it |
//! | `comparison` | the same for comparisons that were attached |
//! | `management`, `policy`, `release`, `records` | the same for management, for a gem's rules and owners, for exchanges and pushes, and for denials |
//! | `evidence` | trust roots, and tokens that were shown to somebody |
//! | `actor` | who may have done it |
use alloc::{string::String, vec::Vec};
use events::{Recorded, event::DecodeError};

use crate::Code;

mod actor;
mod command;
mod compare;
mod comparison;
mod evidence;
mod keys;
mod management;
mod order;
mod policy;
mod records;
mod release;
mod world;

use order::{Group, Order};
use world::World;

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The log breaks its rules here.
    Unlawful,
    /// This program does not know enough to judge: the log was written by a newer one.
    CouldNotTell,
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The log index of the event.
    pub index: u64,
    /// How sure it is.
    pub kind: Kind,
    /// A stable name: that of a [`Code`], or of what is wrong with the group.
    pub code: &'static str,
    /// One sentence that says what is.
    pub message: String,
}

/// Reads a log from its first event to its last.
#[derive(Debug, Default)]
pub struct Auditor {
    order: Order,
    world: World,
    group: Group,
    /// An event was not understood: what it changed is unknown, and so is whether later ones are lawful.
    blind: bool,
}

impl Auditor {
    /// An auditor before the first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event. Findings come when the request that it belongs to is complete.
    pub fn check(&mut self, recorded: &Recorded) -> Vec<Finding> {
        self.take(recorded.clone())
    }

    /// As [`check`](Self::check), for events that nobody else needs.
    pub fn take(&mut self, recorded: Recorded) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.group.request() != Some(recorded.event.request) {
            self.close(&mut findings);
            self.order.starts(&recorded, &mut findings);
        }
        self.order.arrives(&recorded, &mut findings);
        self.group.push(recorded);
        self.seen(findings)
    }

    /// Takes the next leaf, which could not be read.
    pub fn unreadable(&mut self, index: u64, error: &DecodeError) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.close(&mut findings);
        self.order.skips(index, &mut findings);
        let kind = match error {
            DecodeError::UnknownType(_) | DecodeError::UnknownVersion { .. } => Kind::CouldNotTell,
            DecodeError::Malformed(_)
            | DecodeError::NotCanonical
            | DecodeError::WrongStream { .. } => Kind::Unlawful,
        };
        findings.push(Finding {
            index,
            kind,
            code: "unreadable",
            message: alloc::format!("{error}"),
        });
        let findings = self.seen(findings);
        self.blind = true;
        findings
    }

    /// Judges the last request, which is complete. Whoever follows a log may go on with later requests.
    pub fn finish(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.close(&mut findings);
        self.seen(findings)
    }

    /// Judges the group that is complete, and takes it into account.
    fn close(&mut self, findings: &mut Vec<Finding>) {
        if self.group.is_empty() {
            return;
        }
        self.order.places(&mut self.group, findings);
        if self.world.knows_the_rules() {
            command::judge(&self.world, &self.order, &self.group, findings);
        }
        for finding in findings.iter_mut() {
            if finding.code == Code::UnknownEdition.as_str() {
                finding.kind = Kind::CouldNotTell;
                self.blind = true;
            }
        }
        self.world.evolve(&self.group);
        self.group.clear();
    }

    /// After something that was not understood, nothing is certain.
    fn seen(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        if self.blind {
            for finding in &mut findings {
                finding.kind = Kind::CouldNotTell;
            }
        }
        findings
    }
}
