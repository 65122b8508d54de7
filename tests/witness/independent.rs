//! A witness that somebody else wrote watches a server that is killed again and again, and never finds a fork.
//!
//! `PyPI`'s `aics-witness` where Python is 3.12 or newer; elsewhere the stand-in, which is strict in the same way and ours.
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use events::digest::Digest;
use serde_json::Value;
use tlog::{Checkpoint, CosignerKey, Note};

use super::Registry;
use crate::support::{http::found, program::run, witness::StandIn};

/// How often the server is killed, and how many checkpoints it serves before: 1,000 in all.
const LIVES: u64 = 20;
const CHECKPOINTS: u64 = 50;

/// The witness as a process of its own.
struct Aics {
    config: PathBuf,
    process: Child,
    vkey: String,
    url: String,
}

fn aics() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/venv/bin/aics-witness")
}

fn command(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(aics());
    command
        .arg(arguments[0])
        .arg("--config")
        .arg(config)
        .args(&arguments[1..]);
    command
}

impl Aics {
    /// A fresh witness that trusts this log.
    fn start(folder: &Path, log: &tlog::VerifierKey) -> Self {
        fs::create_dir(folder).unwrap();
        let config = folder.join("witness.json");
        let made = run(&command(
            &config,
            &["init", "--name", "witness.example/aics"],
        ))
        .ok();
        let vkey = made.out.trim().to_owned();
        let add = [
            "add-log",
            "--origin",
            log.name(),
            "--vkey",
            &log.to_string(),
        ];
        run(&command(&config, &add)).ok();
        let mut serve = command(&config, &["serve", "--listen", "127.0.0.1:0"]);
        let mut process = serve
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let at = line.find("http://127.0.0.1:")?;
            let url = line[at..].split_whitespace().next()?;
            Some(url.trim_end_matches(['/', ',', ')']).to_owned())
        });
        // Whatever else it says is read, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            config,
            process,
            vkey,
            url: url.expect("the witness says where it listens"),
        }
    }

    /// What it has seen: size, root, and how many contradictions it kept.
    fn status(&self) -> Value {
        let told = run(&command(&self.config, &["status", "--json"])).ok();
        serde_json::from_str(&told.out).unwrap()
    }
}

impl Drop for Aics {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Pushes, each answered only when the witness has cosigned, with a kill in the middle of one more.
fn live_and_die(registry: &mut Registry, witness: &str, key: &CosignerKey) {
    let server = registry.serve(
        &[witness.to_owned()],
        &["--witness-mode", "require", "--witness-wait", "60s"],
    );
    for _ in 0..CHECKPOINTS {
        let answer = registry.push();
        assert_eq!(answer.status, 200, "{}\n{}", answer.text(), server.log());
    }
    assert_eq!(registry.checkpoint().by(std::slice::from_ref(key)).len(), 1);
    let (url, push_key) = (registry.ledger.url(), registry.key.clone());
    registry.pushes += 1;
    let gem = Registry::gem(registry.pushes);
    let last = std::thread::spawn(move || crate::support::http::push(&url, &push_key, &gem));
    server.kill();
    // Answered or not: the next life pushes it again.
    drop(last.join().unwrap());
}

#[test]
fn an_independent_witness_of_a_thousand_checkpoints_finds_no_fork_though_the_server_is_killed() {
    let mut registry = Registry::new();
    let server = registry.ledger.serve();
    let log = registry.log_key();
    server.stop();
    if !aics().exists() {
        let witness = StandIn::start("witness.example/stand-in");
        for _ in 0..LIVES {
            live_and_die(&mut registry, &witness.flag(), &witness.key());
        }
        assert!(witness.cosigned() >= LIVES * CHECKPOINTS);
        return registry.ledger.is_sound();
    }
    let witness = Aics::start(&registry.ledger.beside("witness"), &log);
    let (flag, key) = (
        format!("{} {}", witness.vkey, witness.url),
        CosignerKey::parse(&witness.vkey).unwrap(),
    );
    for _ in 0..LIVES {
        live_and_die(&mut registry, &flag, &key);
    }
    let server = registry.serve(
        &[flag],
        &["--witness-mode", "require", "--witness-wait", "60s"],
    );
    assert_eq!(registry.push_again().status, 200);
    // The witness's own word: the tree that the server shows, and nothing that contradicts it.
    let shown = registry.checkpoint();
    let hash = Digest::of(log.name().as_bytes()).hex();
    let monitored = found(&format!("{}/{hash}/checkpoint", witness.url));
    let monitored = Note::parse(&monitored).unwrap();
    assert_eq!(Checkpoint::of(&monitored, &log).unwrap(), shown.checkpoint);
    let status = witness.status();
    let seen = &status["logs"][0];
    assert_eq!(seen["size"].as_u64(), Some(shown.size()), "{status}");
    assert_eq!(seen["evidence"].as_u64(), Some(0), "{status}");
    server.stop();
    registry.ledger.is_sound();
}
