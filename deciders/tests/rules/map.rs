//! Roots of the verifiable map: each covers more of the log than the last, and only what was there.
use deciders::{
    Code, Denial,
    map::{self, Roots},
};
use events::{
    Body, Recorded, State,
    digest::Digest,
    event::Draft,
    id::{Actor, Via},
    map::Rooted,
    stream::{StreamKind, StreamName},
};

use crate::{
    fixtures::account_id,
    history::{History, audit},
};

fn rooted(through: u64) -> Rooted {
    Rooted {
        gems: 2,
        root: Digest::of(b"root"),
        through,
    }
}

impl History {
    fn roots(&self) -> Roots {
        let mut roots = Roots::default();
        let of_the_map = |recorded: &&Recorded| recorded.event.stream.kind() == StreamKind::Map;
        for recorded in self.log.iter().filter(of_the_map) {
            roots.evolve(&recorded.event);
        }
        roots
    }

    /// The server records a root of the whole log.
    pub(crate) fn root(&mut self) -> Result<(), Denial> {
        let through = u64::try_from(self.log.len()).unwrap();
        let drafts = map::root(&[&self.roots()], rooted(through), self.now)?;
        self.append(&Actor::Operator, Via::Server, drafts);
        Ok(())
    }

    /// A root as a registry may write it that keeps no rule.
    fn forged(&mut self, through: u64, by: &Actor, via: Via) -> Vec<&'static str> {
        let draft = Draft::new(StreamName::map(self.now), Body::MapRooted(rooted(through)));
        self.append(by, via, vec![draft]);
        audit(&self.log)
            .iter()
            .map(|finding| finding.code)
            .collect()
    }
}

#[test]
fn a_root_covers_more_than_the_one_before_also_on_another_day() {
    let mut history = History::public();
    history.root().unwrap();
    let first = history.roots();
    let covered = first.through.unwrap();
    for through in [0, covered - 1, covered] {
        let refused = map::root(&[&first], rooted(through), history.now);
        assert_eq!(refused.unwrap_err().code, Code::AlreadyExists);
    }
    // Today's stream is empty, and yesterday's holds the newest root.
    let refused = map::root(&[&Roots::default(), &first], rooted(covered), history.now);
    assert_eq!(refused.unwrap_err().code, Code::AlreadyExists);
    history.later(24 * 3600);
    history.root().unwrap();
    let newest = history.log.iter().rev().take(2);
    let streams: Vec<_> = newest
        .map(|recorded| recorded.event.stream.as_str())
        .collect();
    assert_eq!(streams, ["map/2026-11-24", "map/2026-11-23"]);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn the_auditor_notices_a_root_that_covers_the_future_or_nothing_new() {
    let mut history = History::public();
    history.root().unwrap();
    let (size, operator) = (u64::try_from(history.log.len()).unwrap(), Actor::Operator);
    let forged = |through| history.clone().forged(through, &operator, Via::Server);
    // The root before covers all but itself.
    assert_eq!(forged(size), [""; 0]);
    assert_eq!(forged(size + 1), ["events"]);
    assert_eq!(forged(size - 1), ["already_exists"]);
    assert_eq!(forged(0), ["already_exists"]);
}

#[test]
fn a_root_is_the_servers_own_deed() {
    let doors = [
        (Actor::Operator, Via::Console),
        (Actor::Operator, Via::Http),
        (Actor::Account(account_id(1)), Via::Http),
    ];
    for (actor, via) in doors {
        assert_eq!(
            History::public().forged(1, &actor, via),
            ["actor"],
            "{actor} {via:?}"
        );
    }
}

#[test]
fn a_root_stands_in_the_stream_of_its_day() {
    let mut history = History::public();
    let drafts = map::root(&[], rooted(1), history.now.plus_seconds(24 * 3600)).unwrap();
    history.append(&Actor::Operator, Via::Server, drafts);
    let findings = audit(&history.log);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(
        findings[0]
            .message
            .contains("map/2026-11-24 instead of map/2026-11-23")
    );
}
