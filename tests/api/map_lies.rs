//! A registry that lies about its gems, and who catches it: the map's own audit, or whoever checks an answer.
use deciders::{
    audit::{Finding, Kind},
    map::Roots,
};
use events::{
    Body, Event, Recorded,
    digest::Digest,
    event::Draft,
    gem::Pushed,
    id::{Actor, Via},
    map::Rooted,
    stream::StreamName,
    version::GemVersion,
};
use gemledger::{
    app::{
        audit::{Flaw, audit},
        lookup::{Answer, LookupError, check},
        map::{Follower, KeepError, MapAudit, audit::MAX_WAITING},
    },
    store::{states::Read, writer::Verdict},
};
use projections::state::GemState;
use serde_json::{Value, json};
use tlog::{Map, MapError};

use super::{
    app::TestApp,
    given::{good, rake},
    map::{checked, folded},
};

/// A ledger with two releases of `rake` and one of `rack`, whose map is rooted.
async fn ledger() -> TestApp {
    let app = rake().await;
    for version in ["1.0.0", "1.1.0"] {
        let key = app.job_key("acme/rake").await;
        app.push(&key, good("rake", version)).await.is(200);
    }
    app.push(&app.push_key("alice").await, good("rack", "2.0.0"))
        .await
        .is(200);
    app.follower().await.step(&app.app).await.unwrap();
    app
}

impl TestApp {
    /// The operator records whatever root it likes.
    pub(super) async fn records(&self, rooted: Rooted) -> u64 {
        let today = StreamName::map(self.clock.now());
        let request = self.app.request(Actor::Operator, Via::Server);
        let reads = vec![Read::of::<Roots>(today.clone())];
        let outcome = self.app.writer.append(reads, move |_| Verdict {
            group: Some(request.group(vec![Draft::new(today, Body::MapRooted(rooted))])),
            answer: (),
        });
        outcome.await.unwrap().indexes().start
    }

    async fn log(&self) -> Vec<Recorded> {
        self.app.reader.events(0, u64::MAX >> 1).await.unwrap()
    }

    /// What the audit of the ledger's own machine says.
    async fn flaws(&self) -> Vec<Finding> {
        let mut flaws = Vec::new();
        let tell = |flaw| match flaw {
            Flaw::Decision(finding) => flaws.push(finding),
            Flaw::Damage(damage) => panic!("{damage}"),
        };
        let anchor = &self.app.folder.anchor;
        audit(&self.app.reader, anchor, tell, |_, _| {})
            .await
            .unwrap();
        flaws
    }
}

/// What a monitor finds that folds the map from the events.
fn found(log: &[Recorded]) -> Vec<Finding> {
    let mut map = MapAudit::new();
    log.iter()
        .filter_map(|recorded| map.take(recorded).err())
        .collect()
}

/// The map of these events, as the format says, without the means of the server or the audit.
pub(super) fn root_of(log: &[Recorded], through: u64) -> Rooted {
    let mut states = std::collections::BTreeMap::<String, GemState>::new();
    for recorded in log.iter().filter(|recorded| recorded.index < through) {
        let stream = recorded.event.stream.as_str();
        if let Some((_, gem)) = stream
            .split_once('/')
            .filter(|(kind, _)| ["gem", "policy"].contains(kind))
        {
            let state = states
                .entry(gem.to_owned())
                .or_insert_with(|| GemState::new(folded(gem)));
            state.evolve(&recorded.event);
        }
    }
    let entries = states.iter().map(|(gem, state)| {
        let key = *Digest::of(gem.as_bytes()).as_bytes();
        (key, *Digest::of(&state.document().unwrap()).as_bytes())
    });
    let map: Map = entries.collect();
    Rooted {
        gems: states.len().try_into().unwrap(),
        root: Digest::from_bytes(*map.root().as_bytes()),
        through,
    }
}

#[tokio::test]
async fn a_wrong_root_is_noticed_by_the_audit_by_a_monitor_and_at_the_next_start() {
    let app = ledger().await;
    let log = app.log().await;
    let through = u64::try_from(log.len()).unwrap();
    assert_eq!(root_of(&log, through - 1).root, root_of(&log, through).root);
    let wrong = Rooted {
        root: Digest::of(b"whatever"),
        ..root_of(&log, through)
    };
    let index = app.records(wrong).await;
    let flaws = app.flaws().await;
    assert_eq!(flaws.len(), 1, "{flaws:?}");
    assert_eq!(
        (flaws[0].index, flaws[0].kind, flaws[0].code),
        (index, Kind::Unlawful, "map_root")
    );
    assert_eq!(found(&app.log().await), flaws);
    // The server itself, when it starts: it says so, answers nothing from it, and records no more.
    let Err(KeepError::Differs {
        index: at, found, ..
    }) = Follower::start(&app.app).await
    else {
        panic!("the map that differs was taken");
    };
    assert_eq!((at, found), (index, root_of(&log, through).root));
    let health = app.get("/healthz").await.is(200).json();
    assert_eq!(
        (&health["status"], &health["map"]),
        (&json!("the map differs"), &json!("differs"))
    );
    app.lookup("rake")
        .await
        .refuses(503, "map_differs", "differs");
    let size = app.traces().await.events;
    app.app
        .clone()
        .keep_map(std::time::Duration::from_millis(1))
        .await;
    assert_eq!(app.traces().await.events, size);
}

#[tokio::test]
async fn a_root_that_leaves_a_release_or_a_gem_out_is_noticed() {
    let app = ledger().await;
    let log = app.log().await;
    let through = u64::try_from(log.len()).unwrap();
    let truth = root_of(&log, through);
    let is_push = |recorded: &Recorded| matches!(&recorded.event.body, Body::ReleasePushed(pushed) if pushed.number.as_str() == "1.1.0");
    let without_release: Vec<Recorded> = log
        .iter()
        .filter(|recorded| !is_push(recorded))
        .cloned()
        .collect();
    let without_gem: Vec<Recorded> = log
        .iter()
        .filter(|recorded| recorded.event.stream.rest() != "rack")
        .cloned()
        .collect();
    let lies = [
        root_of(&without_release, through),
        root_of(&without_gem, through),
        Rooted {
            gems: truth.gems + 1,
            ..truth
        },
        // An earlier map, called that of today.
        Rooted {
            through,
            ..root_of(&log, 8)
        },
    ];
    for lie in lies {
        assert_ne!(lie, truth);
        let mut log = app.log().await;
        let mut root = log.last().unwrap().clone();
        root.index = through;
        root.event.body = Body::MapRooted(lie);
        log.push(root);
        let found = found(&log);
        assert_eq!(found.len(), 1, "{lie:?}");
        assert_eq!(
            (found[0].index, found[0].code, found[0].kind),
            (through, "map_root", Kind::Unlawful)
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn a_root_may_be_behind_the_log_and_is_judged_by_what_it_covers() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let log = app.log().await;
    let size = u64::try_from(log.len()).unwrap();
    // Roots of every beginning of the log, each recorded at its end.
    for through in 1..=size {
        app.records(root_of(&log, through)).await;
    }
    app.finish().await;
}

#[tokio::test]
async fn a_root_that_is_too_far_behind_cannot_be_told() {
    let app = rake().await;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.0.0")).await.is(200);
    let log = app.log().await;
    let release = log.last().unwrap().clone();
    let Body::ReleasePushed(pushed) = &release.event.body else {
        panic!("another event")
    };
    let mut map = MapAudit::new();
    for recorded in &log {
        map.take(recorded).unwrap();
    }
    let release = |number: usize| Recorded {
        index: release.index + u64::try_from(number).unwrap(),
        event: Event {
            body: Body::ReleasePushed(Pushed {
                number: GemVersion::parse(&format!("2.{number}")).unwrap(),
                ..pushed.clone()
            }),
            ..release.event.clone()
        },
    };
    for number in 1..=MAX_WAITING {
        map.take(&release(number)).unwrap();
    }
    let mut root = release(MAX_WAITING + 1);
    root.event.body = Body::MapRooted(root_of(&log, 3));
    let finding = map.take(&root).unwrap_err();
    assert_eq!(
        (finding.code, finding.kind),
        ("map_behind", Kind::CouldNotTell)
    );
    // One that covers all of it can be told again.
    let rooted = Rooted {
        through: root.index,
        ..root_of(&log, 3)
    };
    root.event.body = Body::MapRooted(rooted);
    assert_eq!(map.take(&root).unwrap_err().code, "map_root");
}

#[tokio::test]
async fn after_a_leaf_that_cannot_be_read_no_root_is_called_wrong() {
    let app = ledger().await;
    let log = app.log().await;
    let mut map = MapAudit::new();
    let mut findings = Vec::new();
    for recorded in &log {
        if matches!(recorded.event.body, Body::GemRegistered(_)) {
            map.unreadable();
        } else {
            findings.extend(map.take(recorded).err());
        }
    }
    let kinds: Vec<_> = findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [Kind::CouldNotTell]);
    app.finish().await;
}

/// The answer with some fields replaced.
fn with(answer: &[u8], changes: &Value) -> Vec<u8> {
    let mut answer: Value = serde_json::from_slice(answer).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        answer[name] = value.clone();
    }
    serde_json::to_vec(&answer).unwrap()
}

#[tokio::test]
async fn an_answer_that_hides_a_release_or_a_gem_is_noticed() {
    let app = ledger().await;
    let honest = app.lookup("rake").await.is(200).body;
    let answer: Answer = serde_json::from_slice(&honest).unwrap();
    let mut state = checked(&app, "rake", &honest).unwrap().state.unwrap();
    state.releases.pop();
    let shorter = String::from_utf8(state.document().unwrap()).unwrap();
    let hidden = with(&honest, &json!({"state": shorter}));
    assert_eq!(
        checked(&app, "rake", &hidden),
        Err(LookupError::Map(MapError::Root))
    );
    let absent = with(&honest, &json!({"state": null}));
    assert_eq!(
        checked(&app, "rake", &absent),
        Err(LookupError::Map(MapError::Opposite))
    );
    // With the proof that another gem is not there.
    let stranger: Answer = serde_json::from_slice(&app.lookup("thor").await.is(200).body).unwrap();
    let absent = with(&honest, &json!({"state": null, "proof": stranger.proof}));
    assert!(matches!(
        checked(&app, "rake", &absent),
        Err(LookupError::Map(_))
    ));
    // With another gem's state and proof, or under the root of another moment.
    let rack: Answer = serde_json::from_slice(&app.lookup("rack").await.is(200).body).unwrap();
    let swapped = with(&honest, &json!({"state": rack.state, "proof": rack.proof}));
    assert!(matches!(
        checked(&app, "rake", &swapped),
        Err(LookupError::Map(_))
    ));
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.2.0")).await.is(200);
    app.follower().await.step(&app.app).await.unwrap();
    let newer: Answer = serde_json::from_slice(&app.lookup("rake").await.is(200).body).unwrap();
    let mixed = with(&honest, &json!({"receipt": newer.receipt}));
    assert_eq!(
        checked(&app, "rake", &mixed),
        Err(LookupError::Map(MapError::Root))
    );
    assert_ne!(newer, answer);
    app.finish().await;
}

#[tokio::test]
async fn an_index_that_hides_a_release_is_noticed_beside_the_map() {
    let app = ledger().await;
    let verified = checked(&app, "rake", &app.lookup("rake").await.is(200).body).unwrap();
    let info = app.get("/info/rake").await.is(200).text().to_owned();
    assert!(verified.hidden_from(&info).is_empty());
    let hidden = |info: &str| {
        let hidden = verified.hidden_from(info);
        hidden
            .iter()
            .map(|release| release.number().to_owned())
            .collect::<Vec<_>>()
    };
    let shorter = info
        .lines()
        .filter(|line| !line.starts_with("1.1.0 "))
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(hidden(&shorter), ["1.1.0"]);
    // Another file under the same number.
    let digest = verified.releases()[0].digest().hex();
    let replaced = info.replace(&digest, &Digest::of(b"evil").hex());
    assert_eq!(hidden(&replaced), ["1.0.0"]);
    assert_eq!(hidden("---\n"), ["1.0.0", "1.1.0"]);
    app.finish().await;
}

#[tokio::test]
async fn an_old_answer_is_good_for_as_long_as_was_asked_for() {
    let app = ledger().await;
    let old = app.lookup("rake").await.is(200).body;
    let key = app.job_key("acme/rake").await;
    app.push(&key, good("rake", "1.2.0")).await.is(200);
    app.pass(3600);
    app.follower().await.step(&app.app).await.unwrap();
    // The registry goes on answering as before the push, which is true and no longer all.
    let (gem, key, now) = (folded("rake"), app.app.key.verifier(), app.clock.now());
    let stale = check(&old, &gem, key, now, Some(3599)).unwrap_err();
    assert!(
        matches!(
            stale,
            LookupError::Stale {
                max_age_seconds: 3599,
                ..
            }
        ),
        "{stale}"
    );
    assert_eq!(
        check(&old, &gem, key, now, Some(3600))
            .unwrap()
            .releases()
            .len(),
        2
    );
    let fresh = app.lookup("rake").await.is(200).body;
    assert_eq!(
        check(&fresh, &gem, key, now, Some(0))
            .unwrap()
            .releases()
            .len(),
        3
    );
    app.finish().await;
}

#[tokio::test]
async fn an_answer_with_anything_else_changed_proves_nothing() {
    let app = ledger().await;
    let honest = app.lookup("rake").await.is(200).body;
    let stranger = TestApp::public().await;
    let (gem, now) = (folded("rake"), app.clock.now());
    let other_key = check(&honest, &gem, stranger.app.key.verifier(), now, None);
    assert!(matches!(other_key, Err(LookupError::Receipt(_))));
    // The receipt of a release in the place of the root's.
    let release = app.get("/gems/rake-1.0.0.gem.tlog-proof").await.is(200);
    let swapped = with(&honest, &json!({"receipt": release.text()}));
    assert!(matches!(
        checked(&app, "rake", &swapped),
        Err(LookupError::NoRoot(_))
    ));
    for (changes, expected) in [
        (json!({"format": 2}), "the answer has format 2"),
        (json!({"format": "1"}), "malformed"),
        (json!({"gem": "rack"}), "about rack"),
        (json!({"gem": "Rake"}), "malformed"),
        (json!({"proof": ""}), "map proof is malformed"),
        (json!({"proof": "BA=="}), "map proof is malformed"),
        (json!({"proof": null}), "malformed"),
        (json!({"receipt": ""}), "receipt"),
        (json!({"state": 1}), "malformed"),
    ] {
        let refused = checked(&app, "rake", &with(&honest, &changes)).unwrap_err();
        assert!(
            refused.to_string().contains(expected),
            "{changes}: {refused}"
        );
    }
    let text = String::from_utf8(honest).unwrap();
    for at in (0..text.len()).step_by(31) {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(
            checked(&app, "rake", &changed).is_err(),
            "byte {at} of {text}"
        );
    }
    assert!(matches!(
        checked(&app, "rake", b"{}"),
        Err(LookupError::Malformed(_))
    ));
    let long = vec![b' '; gemledger::app::lookup::MAX_ANSWER + 1];
    assert!(matches!(
        checked(&app, "rake", &long),
        Err(LookupError::Malformed(_))
    ));
    stranger.finish().await;
    app.finish().await;
}
