//! Event after event, in order: whether it is lawful, whether its time can be, and what the rules say of it. Pure.
//!
//! What the judge knows of the past it has read itself; it is not written down anywhere. A monitor that starts again
//! reads the log again, best from a copy that it kept: that costs seconds for a million events, and nothing that was
//! derived earlier has to be believed.
use std::collections::BTreeMap;

use deciders::audit::{self, Kind};
use events::{
    Body, Event, Recorded, State as _, event::DecodeError, id::RequestId, text::Slug,
    time::Timestamp,
};

// What an operator's own audit judges events with, so that both say the same.
use crate::app::audit::Judge as Decisions;

use super::{
    Finding, Settings, Sort, catalogue,
    providers::{Known, RecordedKey},
    rules::Rules,
    times::{Bounds, Times},
};

/// What a judge holds a ledger to, beside its own rules.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The name of the log.
    pub origin: String,
    /// The key that signs its checkpoints.
    pub vkey: String,
}

/// Reads a log from its first event on.
#[derive(Debug)]
pub struct Judge {
    expected: Expected,
    settings: Settings,
    bounds: Bounds,
    decisions: Decisions,
    times: Times,
    rules: Rules,
    providers: BTreeMap<Slug, Known>,
    next: u64,
    /// The events of the request that is being read, for findings that come when it is complete.
    group: Vec<(u64, String, Timestamp)>,
    request: Option<RequestId>,
    undecided: u64,
    /// The first event named another ledger or key, and no succession has led to the expected ones yet.
    otherwise: Option<Finding>,
}

impl Judge {
    /// A judge before the first event.
    pub fn new(expected: Expected, settings: Settings, bounds: Bounds) -> Self {
        Self {
            expected,
            rules: Rules::new(settings.numbers),
            settings,
            bounds,
            decisions: Decisions::default(),
            times: Times::default(),
            providers: BTreeMap::new(),
            next: 0,
            group: Vec::new(),
            request: None,
            undecided: 0,
            otherwise: None,
        }
    }

    /// The log index of the event that it needs next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// How many events it could not judge.
    pub fn undecided(&self) -> u64 {
        self.undecided
    }

    /// The times that it has read.
    pub fn times(&self) -> &Times {
        &self.times
    }

    /// The providers, and the keys that were recorded for them.
    pub fn providers(&self) -> &BTreeMap<Slug, Known> {
        &self.providers
    }

    /// Takes the next leaf. `now` bounds its time.
    pub fn take(
        &mut self,
        read: Result<Event, DecodeError>,
        now: Timestamp,
        tell: &mut impl FnMut(Finding),
    ) {
        let index = self.next;
        self.next += 1;
        let recorded = match read {
            Ok(event) => Recorded { index, event },
            Err(error) => {
                let findings = self.decisions.unreadable(index, &error);
                self.unlawful(findings, tell);
                self.group.clear();
                self.request = None;
                return;
            }
        };
        let mut findings = Vec::new();
        self.named(&recorded);
        findings.extend(self.times.take(&recorded, now, &self.bounds));
        // Whoever loses a gem with this event is still told of it.
        let gem = recorded.event.stream.rest();
        let watched = self.watches(gem).then(|| gem.to_owned());
        self.rules.take(&recorded, &mut findings);
        self.know(&recorded);
        for finding in findings {
            let watched = watched.is_some() && finding.gem == watched;
            self.tell_of(finding, watched, tell);
        }
        let place = (
            index,
            recorded.event.stream.as_str().to_owned(),
            recorded.event.time,
        );
        let request = Some(recorded.event.request);
        let starts = core::mem::replace(&mut self.request, request) != request;
        let findings = self.decisions.take(recorded);
        if !findings.is_empty() {
            // Where a request starts, they are about the one before, or about this very event.
            self.group.push(place.clone());
            self.unlawful(findings, tell);
            self.group.pop();
        }
        if starts {
            self.group.clear();
        }
        self.group.push(place);
    }

    /// Judges the last request: to be called at the end of a tree, since no checkpoint splits a request.
    pub fn settle(&mut self, tell: &mut impl FnMut(Finding)) {
        if let Some(finding) = self.otherwise.take() {
            self.tell(finding, tell);
        }
        if let Some(finding) = self.rules.settle() {
            self.tell(finding, tell);
        }
        let findings = self.decisions.finish();
        self.unlawful(findings, tell);
        self.group.clear();
        self.request = None;
    }

    /// The first event names the ledger and its key; each succession names the next ones.
    fn named(&mut self, recorded: &Recorded) {
        let (origin, vkey) = if let Body::LogOpened(opened) = &recorded.event.body {
            (&opened.origin, &opened.vkey)
        } else if let Body::LogSucceeded(succeeded) = &recorded.event.body {
            (&succeeded.origin, &succeeded.vkey)
        } else {
            return;
        };
        if origin.as_str() == self.expected.origin && vkey.as_str() == self.expected.vkey {
            self.otherwise = None;
            return;
        }
        let text = "the log names another ledger or key than the one that signs";
        self.otherwise = Some(
            Finding::new(&catalogue::OPENED_OTHERWISE, text)
                .at(recorded)
                .not(&self.expected.vkey, vkey),
        );
    }

    /// Findings of the auditor.
    fn unlawful(&mut self, findings: Vec<audit::Finding>, tell: &mut impl FnMut(Finding)) {
        for found in findings {
            let entry = match (found.kind, found.code) {
                (Kind::CouldNotTell, _) => {
                    self.undecided += 1;
                    &catalogue::COULD_NOT_JUDGE
                }
                (Kind::Unlawful, "time") => &catalogue::TIME_DECREASES,
                (Kind::Unlawful, "unreadable") => &catalogue::LEAF_UNREADABLE,
                (Kind::Unlawful, "map_root") => &catalogue::MAP_ROOT_WRONG,
                (Kind::Unlawful, _) => &catalogue::UNLAWFUL,
            };
            let mut finding = Finding::new(entry, found.message).at_index(found.index);
            finding.found = Some(found.code.to_owned());
            if let Some((_, stream, time)) =
                self.group.iter().find(|(index, ..)| *index == found.index)
            {
                finding.stream = Some(stream.clone());
                finding.time = Some(*time);
            }
            self.tell(finding, tell);
        }
    }

    /// Tells what is to be told, as bad as the rules file says.
    fn tell(&self, finding: Finding, tell: &mut impl FnMut(Finding)) {
        self.tell_of(finding, false, tell);
    }

    /// The same of a gem that was watched before the event.
    fn tell_of(&self, mut finding: Finding, watched: bool, tell: &mut impl FnMut(Finding)) {
        if finding.sort == Sort::Notable {
            if !self.settings.applies(finding.rule) {
                return;
            }
            if let Some(gem) = &finding.gem
                && !watched
                && !self.watches(gem)
            {
                return;
            }
        }
        if let Some(level) = self.settings.level(finding.rule) {
            finding.level = level;
        }
        tell(finding);
    }

    fn watches(&self, gem: &str) -> bool {
        let known = self.rules.gems().get(gem);
        let mut owners = known.concerns();
        self.settings.watches_all()
            || self
                .settings
                .gems
                .iter()
                .any(|watched| watched.as_str() == gem)
            || owners.any(|owner| self.settings.owners.contains(&owner))
    }

    /// Keeps what is needed to ask the providers.
    fn know(&mut self, recorded: &Recorded) {
        let event = &recorded.event;
        let Some(slug) = event.stream.as_str().strip_prefix("provider/") else {
            return;
        };
        let Ok(slug) = Slug::parse(slug) else {
            return;
        };
        let known = self.providers.entry(slug).or_default();
        known.state.evolve(event);
        if let Body::ProviderKeysObserved(observed) = &event.body {
            known
                .keys
                .extend(observed.keys.iter().map(|key| RecordedKey {
                    index: recorded.index,
                    time: event.time,
                    kid: key.kid.clone(),
                    thumbprint: key.thumbprint,
                }));
        }
    }
}
