//! The keys that a backup leaves out: who puts back what a restore names has everything.
use std::{fs, path::PathBuf};

use serde_json::Value;

use super::Drill;

/// What this registry says of the two releases, signed.
fn said(drill: &Drill) -> [String; 2] {
    ["1.0.0", "1.1.0"].map(|number| drill.ledger.run(&["vsa", "kept", number]).ok().out)
}

#[test]
fn who_puts_back_the_keys_that_a_restore_names_signs_what_was_said_of_old_releases() {
    let mut drill = Drill::new();
    drill.push();
    drill.ledger.run(&["log", "rotate-statement-key"]).ok();
    drill.push();
    drill.server.take().unwrap().stop();
    let before = said(&drill);
    drill.backup(&[]).ends(0, "and every statement-*.pem");
    let (keys, safe) = (drill.ledger.beside("keys"), drill.ledger.beside("safe"));
    fs::rename(&keys, &safe).unwrap();
    fs::remove_dir_all(drill.ledger.data()).unwrap();
    let to = drill.ledger.beside("backup");
    let restored = drill.ledger.json(&["restore", super::text(&to)]);
    let named = restored["missing_keys"].as_array().unwrap().iter();
    let named: Vec<PathBuf> = named
        .map(|path| PathBuf::from(path.as_str().unwrap()))
        .collect();
    let statements = named.iter().filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("statement-")
    });
    assert_eq!((named.len(), statements.count()), (4, 2), "{named:?}");
    for path in &named {
        fs::copy(safe.join(path.file_name().unwrap()), path).unwrap();
    }
    assert_eq!(said(&drill), before);
    drill.goes_on();
}

#[test]
fn the_command_calls_a_key_as_the_next_statement_does_and_names_its_file() {
    let mut drill = Drill::new();
    drill.push();
    let made = drill.ledger.json(&["log", "rotate-statement-key"]);
    drill.push();
    drill.server.take().unwrap().stop();
    let signed = |number: &str| {
        let envelope = drill.ledger.json(&["vsa", "kept", number]);
        envelope["signatures"][0]["keyid"].clone()
    };
    assert_eq!(signed("1.1.0"), made["keyid"]);
    assert_ne!(signed("1.0.0"), made["keyid"]);
    let thumbprint = made["thumbprint"].as_str().unwrap();
    let file = format!("statement-{}.pem", thumbprint.trim_start_matches("sha256:"));
    assert!(drill.ledger.beside("keys").join(file).exists());
}

#[test]
fn a_backup_with_keys_that_lost_one_names_it() {
    let mut drill = Drill::new();
    drill.push();
    drill.server.take().unwrap().stop();
    drill.backup(&["--with-keys"]).ok();
    let kept = fs::read_dir(drill.ledger.beside("backup/keys")).unwrap();
    let kept = kept.map(|entry| entry.unwrap().path());
    let is_of_statements = |path: &PathBuf| path.extension().is_some_and(|end| end == "pem");
    let lost = kept.filter(is_of_statements).last().unwrap();
    fs::remove_file(&lost).unwrap();
    fs::remove_dir_all(drill.ledger.data()).unwrap();
    fs::remove_dir_all(drill.ledger.beside("keys")).unwrap();
    let to = drill.ledger.beside("backup");
    let restored: Value = drill.ledger.json(&["restore", super::text(&to)]);
    let named = restored["missing_keys"][0].as_str().unwrap();
    assert!(named.ends_with(lost.file_name().unwrap().to_str().unwrap()));
    assert_eq!(restored["missing_keys"].as_array().unwrap().len(), 1);
}
