//! The second branch of the drill: nobody has the missing end, and the log goes on under the next origin.
use std::fs;

use tlog::{Checkpoint, Receipt, VerifierKey};

use super::{Drill, text};
use crate::support::http::{found, get};

/// The origin's key as the server shows it.
fn key(drill: &Drill, path: &str) -> VerifierKey {
    let shown = String::from_utf8(found(&format!("{}/log/{path}", drill.ledger.url()))).unwrap();
    VerifierKey::parse(shown.trim_end()).unwrap()
}

#[test]
fn a_log_whose_end_is_lost_for_good_goes_on_under_the_next_origin_with_the_same_leaves() {
    let mut drill = Drill::new();
    drill.push();
    drill.backup(&[]).ok();
    let survived = drill.size();
    let old = key(&drill, "vkey");
    drill.push();
    let lost = drill.size();
    drill.lose_disk();
    drill.restore().ok();
    drill
        .ledger
        .serve_refused(&[], "an older copy was restored");
    let succeed =
        |drill: &Drill, reason: &str| drill.ledger.run(&["log", "succeed", "--reason", reason]);
    succeed(&drill, "").ends(2, "the reason is empty");
    succeed(&drill, "two\nlines").ends(2, "which is not allowed in the log");
    let told =
        succeed(&drill, "the disk was lost, and the backup was older").ends(0, "are lost for good");
    assert!(
        told.err
            .contains(&format!("{} that were signed", lost - survived)),
        "{}",
        told.err
    );
    let new = VerifierKey::parse(told.out.trim()).unwrap();
    assert_eq!(new.name(), old.name().replace("/log/1", "/log/2"));
    let event = drill.ledger.json(&["log", "--type", "log.succeeded"]);
    let data = &event["event"]["data"];
    assert_eq!(event["index"].as_u64(), Some(survived));
    assert_eq!(
        (data["size"].as_u64(), data["known"]["size"].as_u64()),
        (Some(survived), Some(lost))
    );
    assert_eq!(
        (data["old_vkey"].as_str(), data["vkey"].as_str()),
        (Some(&*old.to_string()), Some(&*new.to_string()))
    );
    // The old key and anchor are kept aside, and the new ones know each other.
    assert!(drill.ledger.beside("keys/log.key.old-1").exists());
    drill.pushed -= 1;
    drill.goes_on();
    drill.server = Some(drill.ledger.serve());
    assert_eq!(key(&drill, "vkey"), new);
    assert_eq!(
        (key(&drill, "vkey/1"), key(&drill, "vkey/2")),
        (old.clone(), new.clone())
    );
    assert_eq!(
        get(&format!("{}/log/vkey/3", drill.ledger.url())).status,
        404
    );
    let note = found(&format!("{}/log/checkpoint", drill.ledger.url()));
    assert!(Checkpoint::open(&note, &new).is_ok() && Checkpoint::open(&note, &old).is_err());
    // A release of before is proven under the new key: the leaves are the same.
    let receipt = found(&format!(
        "{}/gems/kept-1.0.0.gem.tlog-proof",
        drill.ledger.url()
    ));
    let receipt = Receipt::parse(&receipt).unwrap();
    assert!(receipt.verify(receipt.extra(), &new).is_ok());
}

#[test]
fn a_succession_that_was_interrupted_is_ended_by_saying_it_again() {
    for before_the_event in [true, false] {
        let mut drill = Drill::new();
        drill.push();
        drill.server.take().unwrap().stop();
        let (keys, anchor) = (drill.ledger.beside("keys"), drill.ledger.beside("anchor"));
        let succeed = ["log", "succeed", "--reason", "the key was lost"];
        // The end of a try that came this far: the files still lie beside their places.
        let aside = drill.ledger.beside("aside");
        super::copy(&drill.ledger.data(), &aside);
        let (old_key, old_anchor) = (keys.join("old.key"), drill.ledger.beside("old.anchor"));
        fs::copy(keys.join("log.key"), &old_key).unwrap();
        fs::copy(&anchor, &old_anchor).unwrap();
        drill.ledger.run(&succeed).ok();
        let size = drill.size();
        fs::rename(keys.join("log.key"), keys.join("log.key.next")).unwrap();
        fs::rename(&old_key, keys.join("log.key")).unwrap();
        fs::remove_file(keys.join("log.key.old-1")).unwrap();
        if before_the_event {
            fs::remove_dir_all(drill.ledger.data()).unwrap();
            fs::rename(&aside, drill.ledger.data()).unwrap();
            fs::remove_file(&anchor).unwrap();
        } else {
            fs::rename(&anchor, drill.ledger.beside("anchor.next")).unwrap();
        }
        fs::rename(&old_anchor, &anchor).unwrap();
        drill
            .ledger
            .serve_refused(&[], "was interrupted; say it again");
        drill
            .ledger
            .run(&["account", "add", "carol"])
            .ends(2, "was interrupted");
        drill.ledger.run(&succeed).ok();
        assert_eq!(drill.size(), size, "the event is there once");
        drill.goes_on();
        assert!(text(&drill.ledger.beside("keys/log.key")).ends_with("log.key"));
    }
}
