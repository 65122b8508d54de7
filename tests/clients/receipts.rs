//! `docs/verify.rb` on real receipts and on changed ones: a verifier that shares no code with this project.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{
    issuer::Issuer,
    ruby::{Edition, Gem, Ruby},
};
use crate::support::{
    http::found,
    program::{Ledger, Ran, program, run},
};

/// Runs the script as somebody with nothing but Ruby.
fn script(arguments: &[&str], folder: &Path) -> Ran {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/verify.rb");
    run(Command::new("ruby")
        .arg("-w")
        .arg(script)
        .args(arguments)
        .current_dir(folder))
}

/// A gem of a workflow, its file, its receipt and the key in a folder.
fn released(ledger: &Ledger) -> (PathBuf, String) {
    let issuer = Issuer::start();
    issuer.introduce(ledger, "parts");
    let ruby = Ruby::new(Edition::Installed).with_key(&issuer.key(ledger, "parts"));
    let gem = ruby.release(&ledger.url(), &Gem::new("parts", "1.0.0"));
    let folder = ledger.beside("files");
    fs::create_dir(&folder).unwrap();
    fs::copy(gem, folder.join("parts.gem")).unwrap();
    fetch(ledger, &folder, "/log/vkey", "vkey");
    let receipt = fetch(
        ledger,
        &folder,
        "/gems/parts-1.0.0.gem.tlog-proof",
        "receipt",
    );
    (folder, receipt)
}

fn fetch(ledger: &Ledger, folder: &Path, path: &str, name: &str) -> String {
    let bytes = found(&format!("{}{path}", ledger.url()));
    fs::write(folder.join(name), &bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_script_verifies_every_receipt_that_the_registry_answers() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let (folder, _) = released(&ledger);
    let said = script(&["vkey", "receipt", "parts.gem"], &folder).ends(0, "release.pushed");
    assert!(said.err.is_empty(), "{}", said.err);
    let vkey = fs::read_to_string(folder.join("vkey")).unwrap();
    let commit = "5a0f1d3c2b4e6f708192a3b4c5d6e7f801234567";
    script(&[vkey.trim(), "receipt"], &folder).ends(0, commit);
    // Of every event there is, and the program says the same.
    let checkpoint = fetch(&ledger, &folder, "/log/checkpoint", "checkpoint");
    let size: usize = checkpoint.lines().nth(1).unwrap().parse().unwrap();
    for index in 0..size {
        fetch(&ledger, &folder, &format!("/log/proof/{index}"), "any");
        let told = script(&["vkey", "any"], &folder).ends(0, &format!("log index {index} of"));
        let mut ours = program();
        ours.args(["verify", "--receipt", "any", "--key", "vkey"]);
        let ours = run(ours.current_dir(&folder)).ok();
        // The last line is the leaf, in both.
        let leaf =
            |ran: &Ran| -> Value { serde_json::from_str(ran.out.lines().last().unwrap()).unwrap() };
        assert_eq!(leaf(&told), leaf(&ours));
        let (status, says) = match leaf(&told)["type"].as_str().unwrap() {
            "release.pushed" => (0, "verified"),
            _ => (1, "not of a release"),
        };
        script(&["vkey", "any", "parts.gem"], &folder).ends(status, says);
    }
    fetch(&ledger, &folder, "/log/proof/0", "opened");
    script(&["vkey", "opened", "parts.gem"], &folder).ends(1, "not of a release");
}

#[test]
fn the_script_verifies_no_receipt_that_was_changed_and_none_of_another_file_or_key() {
    let ledger = Ledger::new();
    let _server = ledger.serve();
    let (folder, receipt) = released(&ledger);
    fs::write(folder.join("other.gem"), b"x").unwrap();
    let digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    script(&["vkey", "receipt", "other.gem"], &folder)
        .ends(1, &format!("the file has sha256:{digest}"));
    let stranger = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    script(&[stranger, "receipt"], &folder).ends(1, "not signed by example.com/foo");
    let refused = |text: &str| {
        fs::write(folder.join("changed"), text).unwrap();
        script(&["vkey", "changed"], &folder).ends(1, "not verified");
    };
    for (from, to) in [
        ("tlog-proof@v1", "tlog-proof@v2"),
        ("extra ey", "extra eY"),
        ("extra ", "extra"),
        ("index 1", "index 01"),
        ("index 1", "index 2"),
        ("=\n\n", "=\n"),
        ("/log/1\n", "/log/2\n"),
        ("\n\u{2014} ", "\n- "),
    ] {
        assert!(receipt.contains(from), "{from}");
        refused(&receipt.replacen(from, to, 1));
    }
    let lines: Vec<&str> = receipt.lines().collect();
    for at in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(at);
        refused(&(without.join("\n") + "\n"));
    }
    refused(receipt.trim_end());
    script(&["vkey"], &folder).ends(2, "usage");
    script(&["vkey", "nowhere"], &folder).ends(2, "could not tell");
    script(&["no key", "receipt"], &folder).ends(2, "verification key");
}
