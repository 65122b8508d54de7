//! What witnesses answer, and what becomes of it.
use super::{Registry, said, wait_until};
use crate::support::{
    http::get,
    witness::{Manner, StandIn},
};

#[test]
fn what_is_cosigned_is_shown_on_the_checkpoint_and_in_receipts() {
    let mut registry = Registry::new();
    let witnesses = ["a.example/w", "b.example/w", "c.example/w"].map(StandIn::start);
    let flags = witnesses.clone().map(|witness| witness.flag());
    let keys = witnesses.clone().map(|witness| witness.key());
    let server = registry.serve(&flags, &[]);
    for _ in 0..3 {
        assert_eq!(registry.push().status, 200);
        let shown = registry.is_cosigned(&keys, 3);
        assert!(
            witnesses
                .iter()
                .all(|witness| witness.seen().0 == shown.size())
        );
        let receipt = registry.receipt();
        assert_eq!(receipt.by(&keys).len(), 3);
        assert_eq!(receipt.checkpoint, shown.checkpoint);
        let health = get(&format!("{}/healthz", registry.ledger.url())).json();
        assert_eq!(health["cosigned"].as_u64(), Some(shown.size()));
    }
    // What an earlier process was told is shown before anybody is asked again.
    let before = registry.checkpoint();
    server.stop();
    for witness in &witnesses {
        witness.behaves(Manner::HangsUp);
    }
    let _server = registry.serve(&flags, &[]);
    assert_eq!(registry.checkpoint().note, before.note);
    registry.ledger.is_sound();
}

#[test]
fn an_answer_that_is_no_cosignature_of_now_is_not_shown_and_holds_nothing_up() {
    let mut registry = Registry::new();
    let witness = StandIn::start("a.example/w");
    let key = [witness.key()];
    for (manner, words) in [
        (
            Manner::WrongKey,
            "no line of the answer is by the witness's key",
        ),
        (Manner::WrongSignature, "its cosignature is not valid"),
        (Manner::Garbage, "a line of the answer is no signature line"),
        (Manner::Endless, "the answer is longer than"),
        (Manner::Time(-3600), "which is not now"),
        (Manner::Time(3600), "which is not now"),
        (Manner::HangsUp, "did not cosign"),
        (Manner::Status(403), "it does not know this log"),
        (Manner::Status(404), "it does not know this log"),
        (Manner::Status(429), "it answered 429"),
        (Manner::Status(500), "it answered 500"),
        (Manner::Status(302), "it answered 302"),
    ] {
        witness.behaves(manner);
        let server = registry.serve(&[witness.flag()], &[]);
        said(&server, words);
        assert_eq!(registry.push().status, 200, "{manner:?}");
        let shown = registry.checkpoint();
        assert_eq!(
            (shown.size(), shown.by(&key).len()),
            (registry.size(), 0),
            "{manner:?}"
        );
        assert_eq!(registry.receipt().by(&key).len(), 0, "{manner:?}");
        assert!(!server.log().contains("appends are stopped"), "{manner:?}");
        server.kill();
    }
    // And when it mends its ways, it is believed again.
    witness.behaves(Manner::Honest);
    let _server = registry.serve(&[witness.flag()], &[]);
    registry.is_cosigned(&key, 1);
    registry.ledger.is_sound();
}

#[test]
fn a_witness_that_forgot_or_is_ahead_of_what_we_heard_gets_the_proof_from_there() {
    let mut registry = Registry::new();
    let witness = StandIn::start("a.example/w");
    let key = [witness.key()];
    let server = registry.serve(&[witness.flag()], &[]);
    assert_eq!(registry.push().status, 200);
    let early = registry.is_cosigned(&key, 1);
    assert_eq!(registry.push().status, 200);
    registry.is_cosigned(&key, 1);
    // It lost its last days.
    witness.remembers(early.size(), *early.checkpoint.root());
    assert_eq!(registry.push().status, 200);
    registry.is_cosigned(&key, 1);
    said(&server, "has forgotten what it cosigned");
    // It cosigned, and its answer was lost with the server.
    witness.behaves(Manner::Holds);
    let (asked, size) = (witness.asked(), witness.seen().0);
    assert_eq!(registry.push().status, 200);
    wait_until("it is asked", || (witness.asked() > asked).then_some(()));
    server.kill();
    witness.behaves(Manner::Honest);
    wait_until("the held question is answered", || {
        (witness.seen().0 > size).then_some(())
    });
    let _server = registry.serve(&[witness.flag()], &[]);
    assert_eq!(registry.push().status, 200);
    registry.is_cosigned(&key, 1);
    registry.ledger.is_sound();
}

#[test]
fn a_held_answer_holds_nobody_up_and_the_last_cosigned_checkpoint_is_shown_meanwhile() {
    let mut registry = Registry::new();
    let witness = StandIn::start("a.example/w");
    let key = [witness.key()];
    let _server = registry.serve(&[witness.flag()], &[]);
    assert_eq!(registry.push().status, 200);
    let cosigned = registry.is_cosigned(&key, 1);
    witness.behaves(Manner::Holds);
    assert_eq!(registry.push().status, 200);
    // The newest stays what receipts need; the checkpoint waits a little for its witnesses, and the tiles are there for both.
    let shown = registry.checkpoint();
    assert_eq!((shown.size(), shown.by(&key).len()), (cosigned.size(), 1));
    let receipt = registry.receipt();
    assert_eq!(
        (receipt.size(), receipt.by(&key).len()),
        (registry.size(), 0)
    );
    let tile = format!(
        "{}/log/tile/0/000.p/{}",
        registry.ledger.url(),
        registry.size()
    );
    assert_eq!(get(&tile).status, 200);
    witness.behaves(Manner::Honest);
    registry.is_cosigned(&key, 1);
}

#[test]
fn an_unchanged_checkpoint_is_cosigned_again_so_that_its_time_stays_fresh() {
    let registry = Registry::new();
    let witness = StandIn::start("a.example/w");
    let key = [witness.key()];
    let _server = registry.serve(&[witness.flag()], &["--witness-refresh", "1s"]);
    let first = registry.is_cosigned(&key, 1);
    let later = wait_until("it is cosigned again", || {
        let shown = registry.checkpoint();
        (shown.by(&key)[0].time > first.by(&key)[0].time).then_some(shown)
    });
    assert_eq!(later.checkpoint, first.checkpoint);
    assert!(witness.cosigned() >= 2);
}

#[test]
fn a_witness_that_is_not_there_holds_nothing_up_and_nonsense_is_refused_at_start() {
    let mut registry = Registry::new();
    let there = StandIn::start("a.example/w");
    let away = StandIn::start("b.example/w").flag();
    let away = format!("{} http://127.0.0.1:1", away.split(' ').next().unwrap());
    let server = registry.serve(&[there.flag(), away], &["--witness-quorum", "1"]);
    assert_eq!(registry.push().status, 200);
    registry.is_cosigned(&[there.key()], 1);
    server.stop();
    let flag = there.flag();
    for (flags, words) in [
        (vec!["--witness", "nobody"], "is not of the form `VKEY URL`"),
        (
            vec!["--witness", &flag, "--witness", &flag],
            "two witnesses have the name or the key",
        ),
        (
            vec!["--witness", &flag, "--witness-quorum", "2"],
            "a quorum of 2 cannot be had of 1",
        ),
        (
            vec!["--witness-mode", "require"],
            "no witness is configured",
        ),
    ] {
        registry.ledger.serve_refused(&flags, words);
    }
    registry.ledger.is_sound();
}
