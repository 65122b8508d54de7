//! The state of a gem: the document that the map commits to, to the byte.
use events::{Body, Recorded, digest::Digest, name::FoldedName};
use projections::state::{FORMAT, GemState, Release, Status, gem_of, key};
use proptest::prelude::*;

use crate::golden;

fn rake() -> GemState {
    GemState::new(FoldedName::parse("rake").unwrap())
}

fn after(events: &[Recorded]) -> GemState {
    let mut state = rake();
    for recorded in events {
        assert!(state.evolve(&recorded.event));
    }
    state
}

fn document(state: &GemState) -> String {
    String::from_utf8(state.document().unwrap()).unwrap()
}

/// What happened to a gem before its first push, and with it.
fn story() -> Vec<Recorded> {
    vec![
        golden!("pending_publisher.added.v1", 0),
        golden!("gem.registered.v1", 1),
        golden!("owner.added.v1", 2),
        golden!("publisher.added.v1.pending", 3),
        golden!("publisher.pinned.v1", 4),
        golden!("release.pushed.v1", 5),
    ]
}

const RESERVED: &str = r#"{"format":1,"gem":"rake","policy":{"owners":[],"pending":[{"expires":"2026-11-30T02:55:02.123Z","id":0,"name":"Rake","owner":"account:01938a3e-5c00-7000-8000-00000000a11c","publisher":{"any_ref":false,"provider":"github","repository":"ruby/rake","workflow":"release.yml"}}],"publishers":[]},"releases":[]}"#;

const RELEASED: &str = r#"{"format":1,"gem":"rake","name":"Rake","policy":{"owners":["account:01938a3e-5c00-7000-8000-00000000a11c"],"pending":[],"publishers":[{"id":3,"publisher":{"any_ref":false,"owner_id":"210414","provider":"github","repository":"ruby/rake","repository_id":"6034170","workflow":"release.yml"}}]},"releases":[{"digest":"sha256:a0627cc09f91b7ae398bd7df1ddf9bddb574f3f510f06b37594be8f2877fa91d","number":"13.2.1","platform":"ruby","status":"released"}]}"#;

#[test]
fn the_document_is_golden() {
    assert_eq!(FORMAT, 1);
    let story = story();
    assert_eq!(document(&after(&story[..1])), RESERVED);
    let released = after(&story);
    assert_eq!(document(&released), RELEASED);
    assert_eq!(
        Digest::from_bytes(released.value().unwrap()),
        Digest::of(RELEASED.as_bytes())
    );
    // printf rake | sha256sum
    let key = Digest::from_bytes(key(&released.gem));
    assert_eq!(
        key.hex(),
        "a1b74cc9c5d0ff8cd313f0ecfc76b54e2dfa670e2fd20eda46ee998f0ab68712"
    );
}

#[test]
fn publishers_come_and_go_and_releases_stay() {
    let mut state = after(&story());
    assert!(state.evolve(&golden!("publisher.added.v1", 6).event));
    let ids = |state: &GemState| {
        state
            .policy
            .publishers
            .iter()
            .map(|trusted| trusted.id.0)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&state), [3, 5]);
    assert!(state.evolve(&golden!("publisher.removed.v1", 7).event));
    assert_eq!(ids(&state), [5]);
    assert_eq!(state.releases.len(), 1);
    let mut reserved = after(&story()[..1]);
    assert!(reserved.evolve(&golden!("pending_publisher.removed.v1", 1).event));
    assert!(reserved.policy.pending.is_empty());
    assert_eq!(document(&reserved), document(&rake()));
}

#[test]
fn a_quarantine_shows_in_the_state_until_it_is_lifted() {
    let mut state = after(&story());
    assert!(state.evolve(&golden!("release.quarantined.v1", 8).event));
    assert_eq!(
        document(&state),
        RELEASED.replace("\"released\"}", "\"quarantined\"}")
    );
    assert!(state.evolve(&golden!("release.restored.v1", 9).event));
    assert_eq!(document(&state), RELEASED);
}

#[test]
fn bundles_stand_with_their_release_and_nothing_stands_where_there_are_none() {
    let mut state = after(&story());
    assert!(state.evolve(&golden!("release.attested.v1", 8).event));
    let bundle = "sha256:1e6ed65d77d6364eeaed5a745ba5c4985ae2b700dd85d7cf7f027bdf294a33fc";
    let field = format!("\"releases\":[{{\"attestations\":[\"{bundle}\"],\"digest\"");
    let attested = RELEASED.replace("\"releases\":[{\"digest\"", &field);
    assert_eq!(document(&state), attested);
    assert_eq!(GemState::read(attested.as_bytes()).unwrap(), state);
    // An empty list has another spelling: it is left out.
    let empty = attested.replace(&format!("\"{bundle}\""), "");
    assert!(GemState::read(empty.as_bytes()).is_err());
}

#[test]
fn a_document_is_read_back_and_another_spelling_of_it_is_not() {
    for text in [RESERVED, RELEASED] {
        assert_eq!(document(&GemState::read(text.as_bytes()).unwrap()), text);
    }
    for (from, to) in [
        ("{\"format\":1", "{\"format\":2"),
        ("{\"format\"", "{ \"format\""),
        ("\"released\"}", "\"vanished\"}"),
        ("\"owners\"", "\"guests\":[],\"owners\""),
        ("\"gem\":\"rake\"", "\"gem\":\"Rake\""),
        (
            "\"number\":\"13.2.1\",\"platform\":\"ruby\"",
            "\"platform\":\"ruby\",\"number\":\"13.2.1\"",
        ),
    ] {
        let changed = RELEASED.replacen(from, to, 1);
        assert_ne!(changed, RELEASED);
        assert!(GemState::read(changed.as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn a_release_is_small_in_memory_and_whole_on_paper() {
    assert!(size_of::<Release>() <= 72);
    let (number, platform) = (format!("1.{}", "0".repeat(253)), "x86_64-linux-musl");
    let document = RELEASED
        .replace("13.2.1", &number)
        .replace("\"ruby\"", &format!("{platform:?}"));
    let state = GemState::read(document.as_bytes()).unwrap();
    let release = &state.releases[0];
    assert_eq!(
        (release.number(), release.platform()),
        (number.as_str(), platform)
    );
    assert_eq!(release.status(), Status::Released);
    assert_eq!(
        String::from_utf8(state.document().unwrap()).unwrap(),
        document
    );
}

#[test]
fn only_a_gems_own_two_streams_make_its_state() {
    for recorded in story() {
        assert_eq!(gem_of(&recorded.event.stream), Some("rake"));
    }
    for other in [
        golden!("log.opened.v1", 0),
        golden!("name.taken.v1", 0),
        golden!("file.taken.v1", 0),
        golden!("push.denied.v1", 0),
        golden!("map.rooted.v1", 0),
    ] {
        assert_eq!(gem_of(&other.event.stream), None);
        assert!(!rake().evolve(&other.event));
    }
}

proptest! {
    #[test]
    fn how_the_two_streams_lie_beside_each_other_makes_no_difference(places in prop::collection::vec(any::<bool>(), 6)) {
        let (policy, releases): (Vec<Recorded>, Vec<Recorded>) = story()
            .into_iter()
            .partition(|recorded| !matches!(recorded.event.body, Body::ReleasePushed(_)));
        let (mut policy, mut releases) = (policy.into_iter(), releases.into_iter());
        let mut state = rake();
        for first in places {
            let next = if first { policy.next() } else { releases.next() };
            state.evolve_all(next);
        }
        state.evolve_all(policy);
        state.evolve_all(releases);
        prop_assert_eq!(document(&state), RELEASED);
    }
}

trait EvolveAll {
    fn evolve_all(&mut self, events: impl IntoIterator<Item = Recorded>);
}

impl EvolveAll for GemState {
    fn evolve_all(&mut self, events: impl IntoIterator<Item = Recorded>) {
        for recorded in events {
            self.evolve(&recorded.event);
        }
    }
}
