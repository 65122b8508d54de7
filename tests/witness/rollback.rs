//! A database that was rolled back together with its anchor: nothing on this machine knows, and a witness does.
use std::fs;

use super::{Registry, copy, said};
use crate::support::{
    http::get,
    witness::{Manner, StandIn},
};

#[test]
fn an_older_database_with_its_older_anchor_takes_no_event_where_a_witness_has_seen_more() {
    let mut registry = Registry::new();
    let witness = StandIn::start("a.example/w");
    let (key, flags) = ([witness.key()], [witness.flag()]);
    let server = registry.serve(&flags, &[]);
    assert_eq!(registry.push().status, 200);
    registry.is_cosigned(&key, 1);
    server.stop();
    let (data, old) = (registry.ledger.data(), registry.ledger.beside("old"));
    copy(&data, &old);
    let server = registry.serve(&flags, &[]);
    assert_eq!(registry.push().status, 200);
    let (lost, before) = (registry.is_cosigned(&key, 1), registry.size());
    server.stop();
    // Database and anchor come from the same old copy: they agree with one another.
    fs::rename(&data, registry.ledger.beside("lost")).unwrap();
    copy(&old, &data);
    let server = registry.serve(&flags, &[]);
    said(&server, "appends are stopped");
    let words = format!("the witness a.example/w has seen {before} events of this log");
    registry.pushes += 1;
    let refused = registry.push_again();
    assert_eq!(refused.status, 503);
    assert!(refused.text().contains(&words), "{}", refused.text());
    assert!(
        refused.text().contains("gemledger log import"),
        "{}",
        refused.text()
    );
    let health = get(&format!("{}/healthz", registry.ledger.url()));
    assert_eq!(health.status, 503);
    assert!(health.text().contains(&words), "{}", health.text());
    // Reads go on; commands are refused too, and so is everything after a restart, with witnesses or without.
    assert_eq!(
        get(&format!("{}/info/witnessed", registry.ledger.url())).status,
        200
    );
    registry
        .ledger
        .run(&["account", "add", "bob"])
        .ends(2, &words);
    server.stop();
    let _server = registry.serve(&[], &[]);
    assert_eq!(registry.push_again().status, 503);
    assert_eq!(
        witness.seen().0,
        lost.size(),
        "the witness was shown no fork"
    );
}

/// The same size under another root: a fork that grew to the size that the witness saw.
#[test]
fn a_witness_that_has_seen_another_tree_stops_appends() {
    for manner in [Manner::Honest, Manner::Status(409)] {
        let mut registry = Registry::new();
        let witness = StandIn::start("a.example/w");
        let server = registry.serve(&[witness.flag()], &[]);
        let seen = registry.is_cosigned(&[witness.key()], 1);
        server.stop();
        witness.remembers(seen.size(), tlog::leaf_hash(b"another tree"));
        // Some say 422, some a conflict without a size.
        witness.behaves(manner);
        let server = registry.serve(&[witness.flag()], &[]);
        said(&server, "appends are stopped");
        assert!(
            server.log().contains("has seen another tree"),
            "{}",
            server.log()
        );
        assert_eq!(registry.push().status, 503);
        server.stop();
        // The operator has looked, and takes the blame off: a witness may be wrong.
        fs::remove_file(registry.ledger.data().join("halted")).unwrap();
        let _server = registry.serve(&[], &[]);
        assert_eq!(registry.push_again().status, 200);
    }
}

#[test]
fn a_witness_that_claims_to_have_seen_more_stops_appends_while_the_server_runs() {
    let mut registry = Registry::new();
    let witness = StandIn::start("a.example/w");
    let server = registry.serve(&[witness.flag()], &[]);
    registry.is_cosigned(&[witness.key()], 1);
    witness.behaves(Manner::HasSeen(1_000_000));
    assert_eq!(registry.push().status, 200, "before the witness says so");
    said(&server, "has seen 1000000 events of this log");
    said(&server, "appends are stopped");
    assert_eq!(registry.push().status, 503);
}
