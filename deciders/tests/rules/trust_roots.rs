//! Trust roots: recorded in versions, retired, and never without somebody who vouches for the time.
use deciders::{Code, Denial};
use events::{
    Body,
    id::{Actor, Via},
    stream::{EventRef, StreamName},
    trust_root::{Recorded, Requires},
};

use crate::{
    fixtures::{account_id, github, slug, text},
    history::{
        History, audit,
        roots::{public_good, timestamped},
    },
};

fn code<T>(outcome: Result<T, Denial>) -> Result<T, Code> {
    outcome.map_err(|denial| denial.code)
}

#[test]
fn a_root_is_recorded_in_versions_and_earlier_ones_stay_known() {
    let mut history = History::public();
    history.record_root("public-good", public_good(1)).unwrap();
    history.record_root("public-good", public_good(2)).unwrap();
    let root = history.trust_root("public-good");
    assert_eq!(root.live(), Ok((1, &public_good(2))));
    assert_eq!(root.version(0), Some(&public_good(1)));
    assert_eq!(root.version(2), None);
    let reference = |revision| EventRef {
        revision,
        stream: StreamName::trust_root(&slug("public-good")),
    };
    assert!(root.is_live(&reference(1)) && !root.is_live(&reference(0)));
}

#[test]
fn the_same_root_again_is_no_new_version_and_other_settings_are() {
    let mut history = History::public();
    history.record_root("public-good", public_good(1)).unwrap();
    let again = history.record_root("public-good", public_good(1));
    assert_eq!(code(again), Err(Code::AlreadyExists));
    let stricter = Recorded {
        requires: Requires {
            timestamp: true,
            ..public_good(1).requires
        },
        ..public_good(1)
    };
    history.record_root("public-good", stricter).unwrap();
    history.record_root("public-good", public_good(1)).unwrap();
    assert_eq!(history.trust_root("public-good").versions.len(), 3);
}

#[test]
fn a_retired_root_verifies_nothing_until_it_is_recorded_again() {
    let mut history = History::public();
    let unknown = code(history.retire_root("public-good"));
    assert_eq!(unknown, Err(Code::TrustRootUnknown));
    history.record_root("public-good", public_good(1)).unwrap();
    history.retire_root("public-good").unwrap();
    let root = history.trust_root("public-good");
    assert_eq!(root.live().unwrap_err().code, Code::TrustRootRetired);
    assert_eq!(root.newest(), Some((0, &public_good(1))));
    let twice = code(history.retire_root("public-good"));
    assert_eq!(twice, Err(Code::TrustRootRetired));
    history.record_root("public-good", public_good(1)).unwrap();
    assert_eq!(history.trust_root("public-good").live().unwrap().0, 2);
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_root_under_which_nothing_vouches_for_the_time_is_denied() {
    let mut history = History::public();
    for sct in [true, false] {
        let requires = Requires {
            log: false,
            sct,
            timestamp: false,
        };
        let root = Recorded {
            requires,
            ..public_good(1)
        };
        let denied = history.record_root("public-good", root);
        assert_eq!(code(denied), Err(Code::TrustRootInvalid));
    }
}

#[test]
fn a_root_names_one_to_sixteen_issuers_each_once_and_in_order() {
    let mut history = History::public();
    let with = |issuers: Vec<_>| Recorded {
        issuers,
        ..timestamped()
    };
    let many = |count: u32| (0..count).map(|n| text(&format!("https://{n}.example.com")));
    for issuers in [Vec::new(), many(17).collect()] {
        let denied = history.record_root("own", with(issuers));
        assert_eq!(code(denied), Err(Code::TrustRootInvalid));
    }
    let twice = [github().issuer, github().issuer];
    let disorder = many(15).chain(twice).rev().collect();
    history.record_root("own", with(disorder)).unwrap();
    let root = history.trust_root("own");
    let (_, recorded) = root.live().unwrap();
    assert_eq!(recorded.issuers.len(), 16);
    assert!(recorded.issuers.is_sorted());
}

#[test]
fn an_empty_file_is_no_root() {
    let mut history = History::public();
    let empty = Recorded {
        size: 0,
        ..public_good(1)
    };
    let denied = history.record_root("public-good", empty);
    assert_eq!(code(denied), Err(Code::TrustRootInvalid));
}

#[test]
fn the_golden_roots_are_ones_that_may_be_recorded() {
    let golden: [&[u8]; 3] = [
        include_bytes!("../../../events/vectors/trust_root.recorded.v1.bytes"),
        include_bytes!("../../../events/vectors/trust_root.recorded.v1.given.bytes"),
        include_bytes!("../../../events/vectors/trust_root.recorded.v1.refreshed.bytes"),
    ];
    let mut history = History::public();
    for bytes in golden {
        let Body::TrustRootRecorded(root) = events::Event::read(bytes).unwrap().body else {
            panic!("no root")
        };
        history.record_root("public-good", root).unwrap();
    }
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_refresh_changes_the_file_of_the_version_that_it_was_asked_for_and_nothing_else() {
    let mut history = History::public();
    history.record_root("public-good", public_good(1)).unwrap();
    history.refresh_root("public-good", 0, 2).unwrap();
    let root = history.trust_root("public-good");
    let refreshed = Recorded {
        size: 7000,
        ..public_good(2)
    };
    assert_eq!(root.live(), Ok((1, &refreshed)));
    let again = history.refresh_root("public-good", 1, 2);
    assert_eq!(code(again), Err(Code::AlreadyExists));
    assert_eq!(audit(&history.log), []);
}

#[test]
fn a_refresh_undoes_nothing_that_was_decided_while_it_was_under_way() {
    let mut history = History::public();
    history.record_root("public-good", public_good(1)).unwrap();
    // A newer file, or other settings: either is a version of its own.
    history.record_root("public-good", public_good(3)).unwrap();
    let late = history.refresh_root("public-good", 0, 2);
    assert_eq!(code(late), Err(Code::TrustRootReplaced));
    history.retire_root("public-good").unwrap();
    let late = history.refresh_root("public-good", 1, 2);
    assert_eq!(code(late), Err(Code::TrustRootRetired));
    // Taken back since: that is another decision than the one that it was asked for.
    history.record_root("public-good", public_good(3)).unwrap();
    let late = history.refresh_root("public-good", 1, 2);
    assert_eq!(code(late), Err(Code::TrustRootReplaced));
    history.record_root("own", timestamped()).unwrap();
    let file = history.refresh_root("own", 0, 2);
    assert_eq!(code(file), Err(Code::TrustRootInvalid));
}

#[test]
fn a_server_that_refreshes_a_root_on_its_own_changes_the_file_alone() {
    let other = |change: fn(&mut Recorded)| {
        let mut root = public_good(2);
        change(&mut root);
        Body::TrustRootRecorded(root)
    };
    let fine = other(|_| {});
    assert_eq!(forged_via(Via::Server, fine), Vec::<&str>::new());
    for wrong in [
        other(|root| root.requires.sct = false),
        other(|root| root.issuers.push(text("https://zoo.example.com"))),
        other(|root| root.public = false),
        other(|root| root.repository = None),
    ] {
        assert_eq!(forged_via(Via::Server, wrong.clone()), ["events"]);
        assert_eq!(forged_via(Via::Console, wrong), Vec::<&str>::new());
    }
    // Nor does it bring one back, or add one.
    let mut history = History::public();
    history.record_root("public-good", public_good(1)).unwrap();
    history.retire_root("public-good").unwrap();
    for name in ["public-good", "another"] {
        let mut history = history.clone();
        let stream = StreamName::trust_root(&slug(name));
        let draft = events::event::Draft::new(stream, other(|_| {}));
        history.append(&Actor::Operator, Via::Server, vec![draft]);
        assert_eq!(audit(&history.log).len(), 1, "{name}");
    }
}

/// A root that a registry writes into its log although its rules do not allow it.
fn forged(body: Body) -> Vec<&'static str> {
    forged_via(Via::Console, body)
}

fn forged_via(via: Via, body: Body) -> Vec<&'static str> {
    let mut history = History::public();
    history.record_root("public-good", public_good(1)).unwrap();
    let stream = StreamName::trust_root(&slug("public-good"));
    let draft = events::event::Draft::new(stream, body);
    history.append(&Actor::Operator, via, vec![draft]);
    let findings = audit(&history.log);
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn an_unlawful_root_is_found_by_whoever_reads_the_log() {
    let weak = Recorded {
        requires: Requires {
            log: false,
            sct: true,
            timestamp: false,
        },
        ..public_good(2)
    };
    assert_eq!(
        forged(Body::TrustRootRecorded(weak)),
        ["trust_root_invalid"]
    );
    assert_eq!(
        forged(Body::TrustRootRecorded(public_good(1))),
        ["already_exists"]
    );
    let disorder = Recorded {
        issuers: timestamped().issuers.into_iter().rev().collect(),
        ..public_good(2)
    };
    let found = forged(Body::TrustRootRecorded(disorder.clone()));
    let sorted = Recorded {
        issuers: timestamped().issuers,
        ..disorder
    };
    let fine = forged(Body::TrustRootRecorded(sorted));
    assert_ne!(found.is_empty(), fine.is_empty());
}

#[test]
fn only_the_operator_says_whom_to_trust() {
    for (actor, via) in [
        (Actor::Account(account_id(1)), Via::Http),
        (Actor::Operator, Via::Http),
    ] {
        let mut history = History::public();
        history.create_account(account_id(1)).unwrap();
        let stream = StreamName::trust_root(&slug("public-good"));
        let body = Body::TrustRootRecorded(public_good(1));
        history.append(&actor, via, vec![events::event::Draft::new(stream, body)]);
        let findings = audit(&history.log);
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].code, "actor");
    }
}
