//! The drill of `docs/operating.md`: a disk is lost, an older backup comes back, and the log goes on without a fork.
use std::{fs, path::Path};

use gemledger::demo::gem::build;
use serde_json::Value;

use crate::support::{
    http::{self, found, get},
    mirror::mirror,
    program::{Ledger, Server},
};

mod import;
mod keys;
mod succeed;
mod transactions;

/// A ledger whose keys and anchor are on other disks than its data.
struct Drill {
    ledger: Ledger,
    server: Option<Server>,
    key: String,
    pushed: u64,
}

impl Drill {
    fn new() -> Self {
        let mut ledger = Ledger::in_memory();
        let (keys, anchor) = (ledger.beside("keys"), ledger.beside("anchor"));
        ledger.common = ["--keys", text(&keys), "--anchor", text(&anchor)]
            .map(str::to_owned)
            .to_vec();
        let server = ledger.serve();
        let key = ledger.key("alice", "push_rubygem");
        Self {
            ledger,
            server: Some(server),
            key,
            pushed: 0,
        }
    }

    fn gem(number: u64) -> Vec<u8> {
        build(
            "kept",
            &format!("1.{number}.0"),
            "Is kept",
            b"puts 'kept'\n",
        )
    }

    fn push(&mut self) {
        let answer = http::push(&self.ledger.url(), &self.key, &Self::gem(self.pushed)).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.pushed += 1;
    }

    fn backup(&self, more: &[&str]) -> crate::support::program::Ran {
        let to = self.ledger.beside("backup");
        let mut arguments = vec!["backup", text(&to)];
        arguments.extend(more);
        self.ledger.run(&arguments)
    }

    /// Copies everything that a mirror would have: checkpoint, key, tiles, entries, gems.
    fn mirror(&self) -> u64 {
        let files: Vec<String> = (0..self.pushed)
            .map(|number| format!("gems/kept-1.{number}.0.gem"))
            .collect();
        mirror(&self.ledger.url(), &self.ledger.beside("mirror"), &files)
    }

    /// The machine's disk is gone: not the keys, which are elsewhere.
    fn lose_disk(&mut self) {
        self.server.take().unwrap().kill();
        fs::remove_dir_all(self.ledger.data()).unwrap();
    }

    fn restore(&self) -> crate::support::program::Ran {
        self.ledger
            .run(&["restore", text(&self.ledger.beside("backup"))])
    }

    fn import(&self, until: &Path) -> crate::support::program::Ran {
        let mirror = self.ledger.beside("mirror");
        self.ledger.run(&[
            "log",
            "import",
            "--from",
            text(&mirror),
            "--until",
            text(until),
        ])
    }

    fn size(&self) -> u64 {
        let replayed = self.ledger.json(&["replay"]);
        replayed["events"].as_u64().unwrap()
    }

    /// Everything that was ever pushed is there, and the ledger takes more.
    fn goes_on(&mut self) {
        self.ledger.is_sound();
        self.server = Some(self.ledger.serve());
        for number in 0..self.pushed {
            let bytes = found(&format!("{}/gems/kept-1.{number}.0.gem", self.ledger.url()));
            assert_eq!(bytes, Self::gem(number));
        }
        self.push();
        self.server.take().unwrap().stop();
        self.ledger.is_sound();
    }
}

/// Copies a folder as it is.
fn copy(from: &Path, to: &Path) {
    let mut command = std::process::Command::new("cp");
    crate::support::program::run(command.arg("-a").arg(from).arg(to)).ok();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_older_backup_gets_its_missing_end_back_from_a_mirror_and_the_log_goes_on() {
    let mut drill = Drill::new();
    drill.push();
    drill.push();
    drill.backup(&[]).ends(0, "the keys are not in it");
    let backed_up = drill.size();
    drill.push();
    // An account and its key of after the backup: the key works again, the handle was sealed and is lost.
    drill.key = drill.ledger.key("bob", "push_rubygem");
    let answer = http::push(
        &drill.ledger.url(),
        &drill.key,
        &build("late", "1.0.0", "Came late", b""),
    )
    .unwrap();
    assert_eq!(answer.status, 200);
    drill.key = drill.ledger.json(&[
        "api-key",
        "issue",
        "--account",
        "alice",
        "--scopes",
        "push_rubygem",
    ])["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let signed = drill.mirror();
    fs::write(
        drill.ledger.beside("mirror/gems/late-1.0.0.gem"),
        build("late", "1.0.0", "Came late", b""),
    )
    .unwrap();
    drill.lose_disk();
    let missing = signed - backed_up;
    drill.restore().ends(
        0,
        &format!("bring the last {missing} back with `gemledger log import`"),
    );
    assert_eq!(drill.size(), backed_up);
    drill
        .ledger
        .serve_refused(&[], "an older copy was restored");
    drill
        .ledger
        .run(&["account", "add", "carol"])
        .ends(2, "an older copy was restored");
    let until = drill.ledger.beside("mirror/checkpoint");
    drill.import(&until).ends(
        0,
        &format!("{backed_up} events were there, {signed} are there now"),
    );
    drill.import(&until).ends(
        0,
        &format!("{signed} events were there, {signed} are there now"),
    );
    drill.goes_on();
    assert!(drill.size() > signed);
}

#[test]
fn where_the_anchor_is_lost_too_appends_stay_stopped_until_the_end_is_back() {
    let mut drill = Drill::new();
    drill.push();
    drill.backup(&["--with-keys"]).ok();
    drill.push();
    let signed = drill.mirror();
    drill.lose_disk();
    fs::remove_file(drill.ledger.beside("anchor")).unwrap();
    fs::remove_dir_all(drill.ledger.beside("keys")).unwrap();
    drill.restore().ends(0, "no anchor survived");
    let server = drill.ledger.serve();
    let url = drill.ledger.url();
    let refused = http::push(&url, &drill.key, &Drill::gem(9)).unwrap();
    assert_eq!(refused.status, 503);
    assert!(
        refused.text().contains("restored from a backup"),
        "{}",
        refused.text()
    );
    assert_eq!(get(&format!("{url}/healthz")).status, 503);
    let until = drill.ledger.beside("mirror/checkpoint");
    drill.import(&until).ends(2, "another gemledger serves");
    server.stop();
    drill
        .import(&until)
        .ends(0, &format!("{signed} are there now"));
    drill.goes_on();
}

#[test]
fn a_backup_is_taken_while_the_server_runs_and_again_only_what_is_new() {
    let mut drill = Drill::new();
    drill.push();
    let first: Value = serde_json::from_str(&drill.backup(&["--json"]).ok().out).unwrap();
    assert_eq!(
        (first["files"].as_u64(), first["copied"].as_u64()),
        (Some(2), Some(2))
    );
    assert!(!drill.ledger.beside("backup/keys").exists());
    drill.push();
    let second: Value = serde_json::from_str(&drill.backup(&["--json"]).ok().out).unwrap();
    assert_eq!(
        (second["files"].as_u64(), second["copied"].as_u64()),
        (Some(4), Some(2))
    );
    // Into what is something else, nothing is written.
    fs::write(drill.ledger.beside("backup/letter.txt"), "dear").unwrap();
    drill
        .backup(&[])
        .ends(2, "letter.txt, which is no part of a backup");
    fs::remove_file(drill.ledger.beside("backup/letter.txt")).unwrap();
    // Somebody has written to the copy, and not all of it is in the file.
    fs::write(drill.ledger.beside("backup/ledger.db-wal"), "frames").unwrap();
    drill.backup(&[]).ends(2, "is still written to");
    fs::remove_file(drill.ledger.beside("backup/ledger.db-wal")).unwrap();
    // Over a ledger, nothing is restored.
    drill.restore().ends(2, "is not empty");
    drill.server.take().unwrap().stop();
    fs::remove_dir_all(drill.ledger.data()).unwrap();
    // A backup that does not give what was signed is not taken back, and leaves no ledger behind.
    let manifest = drill.ledger.beside("backup/backup.json");
    let sound = fs::read_to_string(&manifest).unwrap();
    let spoilt = sound.replace(&format!("\"size\": {}", second["size"]), "\"size\": 3");
    assert_ne!(sound, spoilt);
    fs::write(&manifest, spoilt).unwrap();
    drill.restore().ends(1, "are not of the same backup");
    assert!(!drill.ledger.data().join("ledger.db").exists());
    fs::remove_dir_all(drill.ledger.data()).unwrap();
    fs::write(&manifest, sound.replace("/log/1\\n", "/log/1\\n1")).unwrap();
    drill.restore().ends(1, "the manifest's checkpoint");
    fs::write(&manifest, sound).unwrap();
    drill.restore().ok();
    drill.goes_on();
}
