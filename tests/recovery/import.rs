//! What a mirror can serve instead of the truth: refused, and nothing is left behind.
use std::fs;

use super::{Drill, text};

/// A restored ledger, its mirror, and how many events came back with the backup.
fn restored() -> (Drill, u64) {
    let mut drill = Drill::new();
    drill.push();
    drill.backup(&[]).ok();
    let size = drill.size();
    drill.push();
    drill.mirror();
    drill.lose_disk();
    drill.restore().ok();
    (drill, size)
}

#[test]
fn a_mirror_that_lies_is_refused_and_nothing_is_left_behind() {
    let (mut drill, size) = restored();
    let until = drill.ledger.beside("mirror/checkpoint");
    let entries = drill.ledger.beside("mirror/tile/entries");
    let bundle = fs::read_dir(entries.join("000.p"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let sound = fs::read(&bundle).unwrap();
    // A leaf with one bit changed.
    let mut changed = sound.clone();
    let last = changed.len() - 9;
    changed[last] ^= 1;
    fs::write(&bundle, &changed).unwrap();
    drill.import(&until).ends(1, "leaf_wrong");
    // An end that was cut off.
    fs::write(&bundle, &sound[..sound.len() - 40]).unwrap();
    drill.import(&until).ends(1, "entries_malformed");
    // Nothing there at all.
    fs::remove_file(&bundle).unwrap();
    drill.import(&until).ends(1, "entries_missing");
    fs::write(&bundle, &sound).unwrap();
    assert_eq!(drill.size(), size, "nothing was written");
    // Another gem than the log names. The events are back by then, and the good file comes with the next try.
    let gem = drill.ledger.beside("mirror/gems/kept-1.1.0.gem");
    fs::write(&gem, Drill::gem(7)).unwrap();
    drill.import(&until).ends(1, "gem_wrong");
    fs::remove_file(&gem).unwrap();
    drill.import(&until).ends(1, "nobody has kept-1.1.0.gem");
    fs::write(&gem, Drill::gem(1)).unwrap();
    drill.import(&until).ok();
    drill.goes_on();
}

#[test]
fn a_checkpoint_that_is_forged_or_too_old_is_refused() {
    let (drill, size) = restored();
    let until = drill.ledger.beside("mirror/checkpoint");
    let note = fs::read_to_string(&until).unwrap();
    let other = drill.ledger.beside("other");
    let import = |text: &str| {
        fs::write(&other, text).unwrap();
        drill.import(&other)
    };
    import(&note.replacen("\n1", "\n2", 1)).ends(1, "");
    import("nothing").ends(1, "checkpoint_malformed");
    // Of the backup's own size, which the anchor is ahead of.
    let manifest = fs::read(drill.ledger.beside("backup/backup.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    import(manifest["checkpoint"].as_str().unwrap()).ends(2, "give a newer one");
    // Of another log altogether.
    let stranger = Drill::new();
    let theirs = crate::support::http::found(&format!("{}/log/checkpoint", stranger.ledger.url()));
    fs::write(&other, theirs).unwrap();
    drill.import(&other).ends(1, "checkpoint_forged");
    drill
        .ledger
        .run(&[
            "log",
            "import",
            "--from",
            "/nowhere",
            "--until",
            text(&until),
        ])
        .ends(2, "neither a URL nor a folder");
    assert_eq!(drill.size(), size, "nothing was written");
}

#[test]
fn a_database_that_went_on_without_its_end_is_a_fork_and_gets_nothing() {
    let mut drill = Drill::new();
    drill.push();
    drill.backup(&[]).ok();
    drill.push();
    drill.push();
    let signed = drill.mirror();
    drill.lose_disk();
    fs::remove_file(drill.ledger.beside("anchor")).unwrap();
    drill.restore().ends(0, "no anchor survived");
    // The operator said that nothing was lost, and was wrong.
    fs::remove_file(drill.ledger.data().join("halted")).unwrap();
    let server = drill.ledger.serve();
    drill.ledger.run(&["account", "add", "carol"]).ok();
    server.stop();
    let forked = drill.size();
    assert!(forked < signed);
    let until = drill.ledger.beside("mirror/checkpoint");
    drill.import(&until).ends(1, "it has been forked");
    assert_eq!(drill.size(), forked);
}
