//! Where witnesses are required: nothing is done, and nothing is shown, before enough of them have seen it.
use super::{Registry, said};
use crate::support::{
    http::get,
    witness::{Manner, StandIn},
};

const REQUIRED: [&str; 4] = ["--witness-mode", "require", "--witness-wait", "1s"];

#[test]
fn what_too_few_have_seen_is_not_answered_as_done_and_not_shown() {
    let mut registry = Registry::new();
    let witnesses = ["a.example/w", "b.example/w", "c.example/w"].map(StandIn::start);
    let flags = witnesses.clone().map(|witness| witness.flag());
    let keys = witnesses.clone().map(|witness| witness.key());
    let _server = registry.serve(&flags, &REQUIRED);
    // Two of three are enough.
    witnesses[0].behaves(Manner::HangsUp);
    assert_eq!(registry.push().status, 200);
    let shown = registry.checkpoint();
    assert_eq!((shown.size(), shown.by(&keys).len()), (registry.size(), 2));
    assert_eq!(registry.receipt().by(&keys).len(), 2);
    // One is not.
    witnesses[1].behaves(Manner::Holds);
    let answer = registry.push();
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(
        answer.text().contains("recorded in the log"),
        "{}",
        answer.text()
    );
    assert!(answer.text().contains("Try again"), "{}", answer.text());
    assert_ne!(answer.header("retry-after"), "");
    assert!(registry.size() > shown.size(), "it is recorded");
    assert_eq!(registry.checkpoint().size(), shown.size());
    let url = registry.ledger.url();
    let receipt = format!("{url}/gems/witnessed-1.2.0.gem.tlog-proof");
    assert_eq!(
        get(&receipt).status,
        404,
        "no receipt before there is a checkpoint to show"
    );
    let beyond = format!("{url}/log/tile/0/000.p/{}", registry.size());
    assert_eq!(get(&beyond).status, 404);
    assert_eq!(
        registry.push_again().status,
        503,
        "still nobody has seen it"
    );
    // The same push again is answered as done once they have.
    witnesses[1].behaves(Manner::Honest);
    registry.is_cosigned(&keys, 2);
    let again = registry.push_again();
    assert_eq!(again.status, 200, "{}", again.text());
    assert!(again.text().contains("already pushed"), "{}", again.text());
    assert_eq!(registry.receipt().by(&keys).len(), 2);
    registry.ledger.is_sound();
}

#[test]
fn before_the_first_quorum_there_is_no_checkpoint_to_show() {
    let registry = Registry::new();
    let witness = StandIn::start("a.example/w");
    witness.behaves(Manner::Status(500));
    let server = registry.serve(&[witness.flag()], &REQUIRED);
    said(&server, "it answered 500");
    assert_eq!(
        get(&format!("{}/log/checkpoint", registry.ledger.url())).status,
        404
    );
    witness.behaves(Manner::Honest);
    super::wait_until("there is one", || {
        let answer = get(&format!("{}/log/checkpoint", registry.ledger.url()));
        (answer.status == 200).then_some(())
    });
}
