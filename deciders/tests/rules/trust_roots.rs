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
fn a_repository_and_the_metadata_that_trust_in_it_begins_with_come_together() {
    let mut history = History::public();
    let alone = [
        Recorded {
            bootstrap: None,
            ..public_good(1)
        },
        Recorded {
            repository: None,
            ..public_good(1)
        },
        Recorded {
            size: 0,
            ..public_good(1)
        },
    ];
    for root in alone {
        let denied = history.record_root("public-good", root);
        assert_eq!(code(denied), Err(Code::TrustRootInvalid));
    }
}

/// A root that a registry writes into its log although its rules do not allow it.
fn forged(body: Body) -> Vec<&'static str> {
    let mut history = History::public();
    history.record_root("public-good", public_good(1)).unwrap();
    let stream = StreamName::trust_root(&slug("public-good"));
    let draft = events::event::Draft::new(stream, body);
    history.append(&Actor::Operator, Via::Console, vec![draft]);
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
