//! The registry lies, with its key in its hand: each lie is noticed, by the named rule.
use std::{collections::BTreeMap, sync::Arc};

use events::name::FoldedName;
use projections::state;
use serde_json::json;
use tlog::{CosigningKey, SigningKey};

use super::{
    Watch, broken,
    ledger::{Honest, change, events, indexes, start},
};
use crate::support::published::Published;

fn witness() -> CosigningKey {
    CosigningKey::from_seed("witness.example/w1", &[1; 32]).unwrap()
}

/// A place, as findings name it.
#[expect(
    clippy::unnecessary_wraps,
    reason = "findings without a place have none"
)]
fn index(at: usize) -> Option<u64> {
    Some(u64::try_from(at).unwrap())
}

async fn honest() -> Published {
    Honest::with_releases().await.published().await
}

/// What a monitor that never saw this ledger finds broken.
async fn found(log: &Published) -> Vec<(&'static str, Option<u64>)> {
    broken(&Watch::default().look_at(log).await)
}

#[tokio::test]
async fn an_honest_ledger_has_nothing_broken() {
    let look = Watch::default().look_at(&honest().await).await;
    assert_eq!(broken(&look), []);
    assert!(look.decided && look.complete);
    assert_eq!(Some(look.read), look.size);
}

#[tokio::test]
async fn a_changed_leaf() {
    let mut log = honest().await;
    let pushed = indexes(&log, "release.pushed")[0];
    let note = log.files["checkpoint"].clone();
    let tiles = log.files.clone();
    change(&mut log, pushed, |leaf| leaf["data"]["size"] = json!(1));
    log.publish();
    // The entries are those of the changed leaf, everything else is as it was signed.
    let entries = format!("tile/entries/000.p/{}", log.leaves.len());
    let changed = log.files[&entries].clone();
    log.files = tiles;
    log.files.insert(entries, changed);
    assert_eq!(found(&log).await, [("leaf_wrong", index(pushed))]);
    // The tiles are changed too, the signature is the old one.
    log.publish();
    log.files.insert("checkpoint".into(), note);
    assert_eq!(found(&log).await, [("tile_wrong", None)]);
}

#[tokio::test]
async fn a_changed_leaf_that_was_signed_again_is_a_fork_for_who_saw_the_log_before() {
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::with_state(folder.path());
    let mut log = honest().await;
    assert_eq!(broken(&watch.look_at(&log).await), []);
    let account = indexes(&log, "account.created")[0];
    change(&mut log, account, |leaf| {
        leaf["sealed"] = json!({"handle": format!("sha256:{}", "00".repeat(32))});
    });
    log.publish();
    // Lawful, and signed: who never saw the log cannot tell.
    assert_eq!(found(&log).await, []);
    assert_eq!(broken(&watch.look_at(&log).await), [("tree_forked", None)]);
}

#[tokio::test]
async fn a_changed_tile() {
    let mut log = honest().await;
    let tile = format!("tile/0/000.p/{}", log.leaves.len());
    log.flip(&tile, 33);
    assert_eq!(found(&log).await, [("tile_wrong", None)]);
}

#[tokio::test]
async fn a_removed_event() {
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::with_state(folder.path());
    let mut log = honest().await;
    watch.look_at(&log).await;
    let issued = indexes(&log, "api_key.issued")[0];
    log.leaves.remove(issued);
    log.publish();
    assert_eq!(broken(&watch.look_at(&log).await), [("tree_smaller", None)]);
    // For a stranger the events that stood on it are not lawful any more.
    let rules: Vec<_> = found(&log).await.iter().map(|(rule, _)| *rule).collect();
    assert!(rules.contains(&"unlawful"), "{rules:?}");
    assert!(rules.iter().all(|rule| *rule == "unlawful"), "{rules:?}");
}

#[tokio::test]
async fn a_fork_shown_to_two_readers() {
    let (folder, log) = (tempfile::tempdir().unwrap(), honest().await);
    let mut fork = log.clone();
    let account = indexes(&log, "account.created")[0];
    change(&mut fork, account, |leaf| {
        leaf["sealed"] = json!({"handle": format!("sha256:{}", "00".repeat(32))});
    });
    fork.publish();
    let first = Watch::with_state(folder.path());
    let second = Watch {
        state: Some(folder.path().join("second.json")),
        ..Watch::default()
    };
    // Each for himself sees a sound ledger.
    assert_eq!(broken(&first.look_at(&log).await), []);
    assert_eq!(broken(&second.look_at(&fork).await), []);
    // The second reader goes on from what the first one saw: both notes are proof.
    std::fs::copy(first.state.unwrap(), second.state.as_ref().unwrap()).unwrap();
    let look = second.look_at(&fork).await;
    assert_eq!(broken(&look), [("tree_forked", None)]);
    let message = &look.findings[0].message;
    let kept = message.rsplit(" are in ").next().unwrap();
    let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(kept).unwrap()).unwrap();
    assert_eq!(kept["seen"], log.note().to_string());
    assert_eq!(kept["shown"], fork.note().to_string());
    // As long as it stands it is told, and the state stays that of the first reader.
    assert_eq!(
        broken(&second.look_at(&fork).await),
        [("tree_forked", None)]
    );
    assert_eq!(broken(&second.look_at(&log).await), []);
}

#[tokio::test]
async fn a_log_that_was_rolled_back() {
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::with_state(folder.path());
    let ledger = Honest::with_releases().await;
    let before = ledger.published().await;
    ledger.push_as_person("bob", "more", "1.0.0").await;
    watch.look_at(&ledger.published().await).await;
    assert_eq!(
        broken(&watch.look_at(&before).await),
        [("tree_smaller", None)]
    );
    assert_eq!(found(&before).await, []);
}

#[tokio::test]
async fn a_forged_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let log = honest().await;
    let mut forged = log.clone();
    let name = log.key.name().to_owned();
    forged.key = Arc::new(SigningKey::from_seed(&name, &[9; 32]).unwrap());
    forged.publish();
    let pinned = Watch {
        key: Some(log.key.verifier().clone()),
        ..Watch::default()
    };
    assert_eq!(
        broken(&pinned.look_at(&forged).await),
        [("checkpoint_forged", None)]
    );
    // Who pinned nothing is told by the first event, and by what was seen before.
    assert_eq!(found(&forged).await, [("opened_otherwise", Some(0))]);
    let watch = Watch::with_state(folder.path());
    watch.look_at(&log).await;
    assert_eq!(
        broken(&watch.look_at(&forged).await),
        [("ledger_changed", None)]
    );
}

#[tokio::test]
async fn a_stale_checkpoint() {
    let mut log = honest().await;
    let aged = |max_age, witnesses| Watch {
        max_age: Some(max_age),
        witnesses,
        ..Watch::default()
    };
    // The clock here is an hour after the first event.
    let look = aged(600, vec![]).look_at(&log).await;
    assert_eq!(broken(&look), [("checkpoint_stale", None)]);
    assert_eq!(broken(&aged(7200, vec![]).look_at(&log).await), []);
    // A witness tells an idle ledger from one that is kept from its reader.
    let by_witness = |max_age| aged(max_age, vec![witness().verifier().clone()]);
    log.cosign(&witness(), start().seconds() + 3500);
    assert_eq!(broken(&by_witness(600).look_at(&log).await), []);
    log.sign(u64::try_from(log.leaves.len()).unwrap(), log.root());
    log.cosign(&witness(), start().seconds() + 2000);
    let look = by_witness(600).look_at(&log).await;
    assert_eq!(broken(&look), [("checkpoint_stale", None)]);
}

#[tokio::test]
async fn a_push_that_no_policy_allowed() {
    let mut log = honest().await;
    let added = indexes(&log, "pending_publisher.added")[0];
    change(&mut log, added, |leaf| {
        leaf["data"]["publisher"]["workflow"] = json!("other.yml");
    });
    log.publish();
    let found = found(&log).await;
    assert!(
        found.iter().all(|(rule, _)| *rule == "unlawful"),
        "{found:?}"
    );
    // Neither the exchange nor the push was allowed: each is one request.
    let events = events(&log);
    for event_type in ["token.exchanged", "release.pushed"] {
        let request = events[indexes(&log, event_type)[0]].event.request;
        let unlawful = |(_, at): &(_, Option<u64>)| {
            let at = usize::try_from(at.unwrap()).unwrap();
            events[at].event.request == request
        };
        assert!(found.iter().any(unlawful), "{event_type}: {found:?}");
    }
}

#[tokio::test]
async fn a_time_that_cannot_be() {
    let log = honest().await;
    let last = log.leaves.len() - 1;
    let at = |log: &Published, seconds: u64| {
        let mut log = log.clone();
        let pushed = indexes(&log, "account.created")[0];
        for index in pushed..=last {
            let time = String::from(start().plus_seconds(seconds));
            change(&mut log, index, |leaf| leaf["time"] = json!(time));
        }
        log.publish();
        log
    };
    // Back, by an hour beyond the start.
    let mut back = log.clone();
    let account = indexes(&back, "account.created")[0];
    change(&mut back, account, |leaf| {
        leaf["time"] = json!("2026-11-22T00:00:00.000Z");
    });
    back.publish();
    let found_back = found(&back).await;
    assert!(
        found_back.contains(&("time_decreases", index(account))),
        "{found_back:?}"
    );
    // From the future: the clock here is an hour after the first event, and clocks may differ by two minutes.
    let future: Vec<_> = found(&at(&log, 3721))
        .await
        .iter()
        .map(|(rule, _)| *rule)
        .collect();
    assert!(
        !future.is_empty() && future.iter().all(|rule| *rule == "time_in_future"),
        "{future:?}"
    );
    assert_eq!(found(&at(&log, 3719)).await, []);
    // Later than a witness's signature over it.
    let witnessed = Watch {
        witnesses: vec![witness().verifier().clone()],
        ..Watch::default()
    };
    let mut late = at(&log, 1000);
    late.cosign(&witness(), start().seconds() + 500);
    let look = witnessed.look_at(&late).await;
    assert_eq!(broken(&look), [("time_after_cosignature", index(last))]);
    let mut fine = at(&log, 1000);
    fine.cosign(&witness(), start().seconds() + 1000);
    assert_eq!(broken(&witnessed.look_at(&fine).await), []);
}

#[tokio::test]
async fn a_cosignature_that_is_missing_wrong_or_from_the_future() {
    let log = honest().await;
    let watch = Watch {
        witnesses: vec![witness().verifier().clone()],
        ..Watch::default()
    };
    assert_eq!(
        broken(&watch.look_at(&log).await),
        [("cosignature_missing", None)]
    );
    let mut future = log.clone();
    future.cosign(&witness(), start().seconds() + 90_000);
    assert_eq!(
        broken(&watch.look_at(&future).await),
        [("cosignature_in_future", None)]
    );
    // The line of another checkpoint.
    let mut other = log.clone();
    other.leaves.pop();
    other.publish();
    other.cosign(&witness(), start().seconds() + 3000);
    let line = other.note().signatures()[1].clone();
    let mut wrong = log.clone();
    let note = wrong.note().with(line).unwrap().to_string();
    wrong.files.insert("checkpoint".into(), note.into_bytes());
    assert_eq!(
        broken(&watch.look_at(&wrong).await),
        [("cosignature_wrong", None)]
    );
}

#[tokio::test]
async fn a_leaf_that_is_no_event_or_not_in_canonical_form() {
    let log = honest().await;
    let last = log.leaves.len() - 1;
    for leaf in [
        b"not an event".to_vec(),
        [log.leaves[last].clone(), b" ".to_vec()].concat(),
    ] {
        let mut log = log.clone();
        log.leaves[last] = leaf;
        log.publish();
        let found = found(&log).await;
        assert!(
            found.contains(&("leaf_unreadable", index(last))),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn an_event_of_a_newer_version_is_no_lie_and_leaves_the_rest_undecided() {
    let mut log = honest().await;
    let account = indexes(&log, "account.created")[0];
    let mut value: serde_json::Value = serde_json::from_slice(&log.leaves[account]).unwrap();
    value["type"] = json!("account.renamed");
    log.leaves[account] = serde_json::to_vec(&value).unwrap();
    log.publish();
    let folder = tempfile::tempdir().unwrap();
    let watch = Watch::with_state(folder.path());
    let look = watch.look_at(&log).await;
    assert_eq!(broken(&look), []);
    assert!(!look.decided && look.complete);
    // It is told once, and stays undecided.
    let again = watch.look_at(&log).await;
    assert!(again.findings.is_empty() && !again.decided);
}

/// The log with one more event: a root of the map.
fn rooted(log: &Published, root: &str) -> Published {
    let mut log = log.clone();
    let last = events(&log).pop().unwrap().event;
    let leaf = json!({
        "actor": "operator",
        "data": {"gems": 1, "root": format!("sha256:{root}"), "through": log.leaves.len()},
        "request": "01938a3e-5c7b-7000-8000-000000000001",
        "revision": 0,
        "stream": format!("map/{}", last.time.to_date_text()),
        "time": String::from(last.time),
        "type": "map.rooted",
        "v": 1,
        "via": "server",
    });
    log.leaves.push(serde_json::to_vec(&leaf).unwrap());
    log.publish();
    log
}

#[tokio::test]
async fn a_wrong_root_of_the_map() {
    let log = honest().await;
    let at = index(log.leaves.len());
    let wrong = rooted(&log, &"00".repeat(32));
    assert_eq!(found(&wrong).await, [("map_root_wrong", at)]);
    // The root that the events lead to is none of its findings.
    let (mut map, mut states) = (tlog::Map::new(), BTreeMap::new());
    for recorded in events(&log) {
        let Some(gem) = state::gem_of(&recorded.event.stream) else {
            continue;
        };
        let gem = FoldedName::parse(gem).unwrap();
        let state = states
            .entry(gem.clone())
            .or_insert_with(|| state::GemState::new(gem.clone()));
        state.evolve(&recorded.event);
        map.insert(state::key(&gem), state.value().unwrap());
    }
    let gems = u64::try_from(states.len()).unwrap();
    let mut right = rooted(&log, &events::digest::hex(map.root().as_bytes()));
    let last = right.leaves.len() - 1;
    change(&mut right, last, |leaf| leaf["data"]["gems"] = json!(gems));
    right.publish();
    assert_eq!(found(&right).await, []);
}

/// The log going on under the next origin and another key, as `log succeed` does it; `size` is what it says of itself.
fn succeeded(log: &Published, size: usize) -> Published {
    let mut next = log.clone();
    let origin = format!("{}2", log.key.name().trim_end_matches('1'));
    next.key = Arc::new(SigningKey::from_seed(&origin, &[9; 32]).unwrap());
    let last = events(log).pop().unwrap().event;
    let of_log = events(log)
        .iter()
        .filter(|recorded| recorded.event.stream.as_str() == "log")
        .count();
    let leaf = json!({
        "actor": "operator",
        "data": {
            "old_origin": log.key.name(),
            "old_vkey": log.key.verifier().to_string(),
            "origin": origin,
            "reason": "the disk is lost",
            "root": format!("sha256:{}", log.root()),
            "size": size,
            "vkey": next.key.verifier().to_string(),
        },
        "request": "01938a3e-5c7b-7000-8000-000000000002",
        "revision": of_log,
        "stream": "log",
        "time": String::from(last.time),
        "type": "log.succeeded",
        "v": 1,
        "via": "console",
    });
    next.leaves.push(serde_json::to_vec(&leaf).unwrap());
    next.publish();
    next
}

#[tokio::test]
async fn a_successor_that_the_log_names_is_no_lie_and_another_one_is() {
    let log = honest().await;
    let next = succeeded(&log, log.leaves.len());
    assert_eq!(found(&next).await, []);
    // The same leaves under a key that no event names.
    let mut other = next.clone();
    other.key = Arc::new(SigningKey::from_seed(next.key.name(), &[8; 32]).unwrap());
    other.publish();
    let at = index(log.leaves.len());
    assert_eq!(found(&other).await, [("opened_otherwise", at)]);
    // A succession that says something else of the events before it.
    let wrong = succeeded(&log, log.leaves.len() - 1);
    assert_eq!(found(&wrong).await, [("unlawful", at)]);
}
